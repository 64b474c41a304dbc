/* The binary interface between generated model code and its hosts, version 2 (C99).
 *
 * This is the only thing that both sides share. The generated side is written by compiler/Emit
 * (descriptor, note) and compiler/Codegen/Host (entry points); a change here must be made there too.
 *
 * How it grows: within a version, new fields are appended to snn_call and snn_model_table alone. Each begins with the
 * size that its writer knows; a reader takes a larger one, looks at no field beyond a smaller one, and may refuse one
 * that lacks a field which it needs. Everything else changes the version.
 *
 * A model is immutable code. Its one exported symbol is a query function (snn_query_fn) whose name stands in the
 * ELF note and in the generated header: `<model>_snn_query`. The query returns a table that lives as long as the
 * library is loaded, or NULL if the library does not speak the version that was asked for, or if the machine lacks
 * instructions that the code needs. Code for several targets has a table for each, and gives the best that runs.
 *
 * Generated code allocates nothing, prints nothing and keeps nothing between calls: whatever it works on comes
 * in a call struct, and all memory belongs to the host. Calls on different memory may run at the same time.
 * The floating-point mode of the threads that it runs in (rounding, flush-to-zero, traps) changes no result: it sets
 * what it needs and restores what it found, with the sticky flags. parallel_for runs in the caller's mode.
 */
#ifndef SNN_ABI_H
#define SNN_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SNN_ABI_VERSION 2u

/* Markers in snn_tensor_info.shape for extents that depend on the call. Time is marked even where the model fixes the
 * number of steps: step() gives and takes one of them. */
#define SNN_EXTENT_BATCH ((int64_t)-1)
#define SNN_EXTENT_TIME ((int64_t)-2)

/* Alignment in bytes of every span and of the arena. */
#define SNN_ALIGNMENT 64u

/* Most samples and workers of a call. */
#define SNN_MAX_BATCH (1u << 24)
#define SNN_MAX_WORKERS (1u << 16)

/* Return values of the entry points. Generated code has no strings: the runtime turns a code into a message. */
enum snn_status {
  SNN_OK = 0,
  SNN_ERROR_ARGUMENT = 1,    /* wrong struct size, batch or workers 0 or beyond their bounds, optimizer_step 0 in an
                                update (or updates, epochs, where the model's schedule needs them), a span that the
                                entry needs and that is not empty is NULL, or backward is given a gradient of an output
                                that is not SNN_TENSOR_DIFFERENTIABLE */
  SNN_ERROR_ARENA = 2,       /* the arena is smaller than arena_size(batch, steps, workers), or is not aligned */
  SNN_ERROR_STEPS = 3,       /* the number of time steps is not the model's, or lies outside its bounds */
  SNN_ERROR_LABEL = 4,       /* a label is negative or not less than the number of classes (fault_row says where) */
  SNN_ERROR_NOT_FINITE = 5,  /* the input has a NaN or an infinity (fault_row says where); no parameter, optimizer or
                                buffer was updated. state_out of that row was not written, other rows may have been */
  SNN_ERROR_UNSUPPORTED = 6, /* the model was compiled without this entry point (--mode=infer), or its entry point
                                cannot do what the call asks for */
  SNN_ERROR_HYPER = 7        /* a number of snn_call.hyper is outside of its range (snn_hyper_info), or not finite */
};

enum snn_dtype { SNN_DTYPE_F32 = 0, SNN_DTYPE_F64 = 1, SNN_DTYPE_U8 = 2, SNN_DTYPE_I64 = 3 };

/* How a parameter or a buffer starts: PyTorch's default initialisation is uniform in [low, high). */
enum snn_init { SNN_INIT_CONSTANT = 0, SNN_INIT_UNIFORM = 1 };

/* One tensor at the boundary. */
typedef struct snn_tensor_info {
  const char *name; /* as in the state_dict of the same nn.Sequential: "1.weight", "2.beta" */
  uint32_t dtype;   /* enum snn_dtype */
  uint32_t rank;
  const int64_t *shape;   /* `rank` extents */
  const int64_t *strides; /* in elements; only parameters, buffers and states have them: their place in the span.
                             Others: NULL */
  uint64_t offset;        /* in bytes: parameters and buffers, into their span; states, into one sample's block */
  uint32_t init;          /* parameters and buffers: enum snn_init */
  uint32_t flags;         /* outputs: SNN_TENSOR_DIFFERENTIABLE */
  double init_low;        /* SNN_INIT_CONSTANT: the value. States: the value at rest. Constants: the value */
  double init_high;       /* Inputs of type i64: labels, which are below this number of classes (0: the table's) */
} snn_tensor_info;

/* backward() takes a gradient of this output. */
#define SNN_TENSOR_DIFFERENTIABLE 1u

/* A number that may change at run time, such as the learning rate; the table's order is that of snn_call.hyper. */
typedef struct snn_hyper_info {
  const char *name; /* "lr", "beta1", "loss.correct" */
  double value;     /* what the model's text says */
  double low;       /* the range in which the model's arithmetic makes sense: low <= value, and value <= high */
  double high;      /* or, with SNN_HYPER_BELOW_HIGH, value < high. Infinite ends: anything finite */
  uint32_t flags;   /* SNN_HYPER_BELOW_HIGH */
  uint32_t reserved;
} snn_hyper_info;

#define SNN_HYPER_BELOW_HIGH 1u

/* Runs body(context, i, worker) for each i in [0, count), in any order and at the same time; returns when all are
 * done. `worker` is less than snn_call.workers, and no two bodies run at the same time under one worker. */
typedef void (*snn_body_fn)(void *context, uint64_t index, uint64_t worker);
typedef void (*snn_parallel_for_fn)(void *pool, uint64_t count, snn_body_fn body, void *context);

/* An input of the call. `strides` are in elements, one per extent of the table's shape; NULL means contiguous. They may
 * be 0 (one value for all) or negative: `data` is the element whose indices are all 0, wherever in memory it lies. Each
 * element that the call's batch and steps reach must be readable; nothing else is read. */
typedef struct snn_view {
  const void *data;
  const int64_t *strides;
} snn_view;

typedef struct snn_call {
  uint64_t struct_size; /* sizeof(snn_call) */
  uint64_t batch;       /* samples in this call, at least 1 */
  uint64_t steps;       /* time steps; a model with a fixed number takes only that; step() takes only 1 */
  uint64_t first_step;  /* number of the first of them since the state was at rest: 0 where state_in is. Time in the
                           model's text and in random numbers counts from there (in those modulo 2^32) */
  uint64_t workers;     /* at least 1; parallel_for uses worker ids below it */

  /* The spans: bytes between elements (padding) may hold anything, and no element depends on them. */
  void *parameters; /* parameter_bytes */
  void *gradients;  /* parameter_bytes, laid out as the parameters are; written, not added to */
  void *optimizer;  /* optimizer_bytes; all zero before the first update */
  void *buffers;    /* buffer_bytes: running statistics. Only loss_and_gradient, train_step and forward_training write
                       them */
  const void
      *state_in;   /* batch * state_bytes: where the first step starts; NULL: at rest. No gradient goes back to it */
  void *state_out; /* batch * state_bytes: after the last step; may be state_in, must not meet it otherwise. NULL: not
                      wanted */

  const snn_view *inputs; /* one per entry of the table's inputs, in its order */
  void *const *outputs; /* one per entry of the table's outputs; NULL, or a NULL entry: not wanted. Contiguous, elements
                           of the table's type: the model's precision, f64 where the rank is 0 (metrics). What an entry
                           does not compute it does not write: metrics need labels, "grad.input" a backward pass */
  const void *const *output_gradients; /* backward(): the loss's derivative by each output, laid out as the outputs;
                                          NULL, or a NULL entry: zero */
  double *loss;                        /* mean loss of the batch; may be NULL */
  uint64_t *fault_row;                 /* first row of the batch that is at fault (labels, not finite); may be NULL */

  /* Numbers of the loss and of the update. A schedule depends on the counts; the host's plan may change between calls.
   * updates and epochs may be 0, not known, unless the model's schedule needs them. */
  const double *hyper;     /* hyper_count numbers, or NULL for those of the model's text */
  uint64_t optimizer_step; /* number of this update, from 1: Adam's bias correction */
  uint64_t updates;        /* how many the whole training is to have */
  uint64_t epoch;          /* number of this epoch, from 0; random numbers depend on it too (modulo 2^32) */
  uint64_t epochs;         /* how many the whole training is to have */

  /* Random numbers are a function of (seed, place in the model, epoch, sample id, step, element) alone. */
  uint64_t seed;
  const uint64_t *sample_ids; /* one per row; NULL: 0, 1, ... */

  void *arena;                      /* aligned to SNN_ALIGNMENT; contents need not survive between calls */
  uint64_t arena_size;              /* in bytes */
  snn_parallel_for_fn parallel_for; /* NULL: run everything in the calling thread, as worker 0 */
  void *pool;                       /* first argument of parallel_for */
} snn_call;

typedef int32_t (*snn_entry_fn)(const snn_call *call);

typedef struct snn_model_table {
  uint64_t struct_size; /* sizeof(snn_model_table) of the writer */
  uint32_t abi_version;
  uint32_t precision;        /* enum snn_dtype: SNN_DTYPE_F32 or SNN_DTYPE_F64, the type of all real tensors */
  uint64_t tensor_info_size; /* sizeof(snn_tensor_info) of the writer */
  const char *name;
  const char *compiler; /* name and version of the compiler */
  const char *target;   /* what this table's code is made for: "x86-64-v4", ... */
  uint64_t model_hash;  /* of the model with all names, shapes and options resolved: tells builds apart */

  int64_t steps; /* fixed number of time steps, or -1: 1 .. max_steps */
  int64_t max_steps;
  int64_t classes; /* extent of the output "count" */
  int64_t default_batch;
  int64_t default_epochs;

  const snn_tensor_info *parameters; /* trainable */
  uint64_t parameter_count;
  const snn_tensor_info *buffers; /* running statistics: in the state_dict, not trained; of the precision or i64 */
  uint64_t buffer_count;
  const snn_tensor_info *constants; /* compiled in, but present in a checkpoint: init_low is the value */
  uint64_t constant_count;
  const snn_tensor_info *inputs; /* "input"; for training "labels", or what the model declares instead */
  uint64_t input_count;
  const snn_tensor_info *outputs; /* "spikes", "membrane", "hidden.K", "hidden_membrane.K", "count", "grad.input" */
  uint64_t output_count;
  const snn_tensor_info *states; /* "2.mem", ...: what is carried from one time step to the next */
  uint64_t state_count;
  const snn_hyper_info *hyper;
  uint64_t hyper_count;

  uint64_t parameter_bytes; /* parameters and gradients */
  uint64_t buffer_bytes;
  uint64_t optimizer_bytes;
  uint64_t state_bytes; /* per sample */

  /* Bytes of arena that a call with these numbers needs; monotone in each argument. UINT64_MAX beyond their bounds. */
  uint64_t (*arena_size)(uint64_t batch, uint64_t steps, uint64_t workers);

  /* Entry points; those that the model was compiled without are NULL. All but update run the network on `inputs` from
   * state_in to state_out and write the outputs that are wanted; of these backward gives "grad.input" alone. */
  snn_entry_fn forward;
  snn_entry_fn step;              /* forward of one time step; T calls give the bits of one forward */
  snn_entry_fn loss_and_gradient; /* loss and gradients, also the output "grad.input"; buffers */
  snn_entry_fn backward;          /* gradients and "grad.input" from output_gradients, for a loss of the host: of what
                                     forward_training gives for the same call, which it computes again. What clips in
                                     the model's text is of loss_and_gradient and train_step alone */
  snn_entry_fn update;            /* parameters and optimizer, from gradients */
  snn_entry_fn train_step;        /* loss_and_gradient and update in one; the same bits */
  snn_entry_fn evaluate;          /* forward, with loss and metrics of the network as it infers: no gradient, no buffer
                                     changes. Tables of the first compilers end before it */

  /* Truncated backpropagation: loss_and_gradient, backward and train_step take 1 to so many steps, and a host goes
   * through longer sequences in windows, with state_in, state_out and first_step. 0: they take what forward does. */
  uint64_t window;

  /* Values that are a part of the code (snnc --weights), laid out as the spans and aligned as these, for calls to read
   * or a host to start from; or NULL, as are buffers that the model does not have. */
  const void *initial_parameters;
  const void *initial_buffers;

  /* forward of the network as it is when it trains (dropout, statistics of the batch): what backward differentiates. It
   * updates buffers. NULL where that is forward. Tables of earlier compilers end before it. */
  snn_entry_fn forward_training;

  /* 1 if results depend on random numbers, so on the call's seed, epoch and sample ids; 0 if not. Tables of earlier
   * compilers end before it. */
  uint64_t random;
} snn_model_table;

typedef const snn_model_table *(*snn_query_fn)(uint32_t abi_version);

/* The ELF note of a library: owner "snnc", type SNN_NOTE_TYPE. The loader reads it before it maps any code. */
#define SNN_NOTE_OWNER "snnc"
#define SNN_NOTE_TYPE 1u

typedef struct snn_note {
  uint32_t abi_version;
  uint32_t
      cpu_level; /* x86-64 micro-architecture level, 1 to 4, of the weakest target; 0: any CPU of the architecture */
  uint64_t model_hash;
  char query_symbol[112]; /* zero-terminated */
} snn_note;

#ifdef __cplusplus
}
#endif

#endif /* SNN_ABI_H */
