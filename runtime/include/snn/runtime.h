/* The runtime for programs that use compiled models: loading, instances, threads, files of weights (C99).
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Functions that return int32_t give SNN_OK, another code of enum snn_status, or one of enum snn_runtime_error;
 * functions that return a pointer give NULL on failure. After a failure snn_last_error() has a sentence about it.
 * Nothing here prints, exits, aborts or throws.
 * NULL in place of an object, a name, a batch or a buffer that is needed is SNN_ERROR_ARGUMENT; to close or destroy
 * NULL does nothing.
 *
 * A C program links libsnn_runtime.so and nothing else, or the static library and what that stands on (it is written in
 * C++), in this order:
 *   cc program.c libsnn_runtime.a -lstdc++ -lm -pthread -ldl -lz
 *
 * Lifetimes: a library outlives its instances, a pool outlives the instances that were created with it.
 * An instance is used by one thread at a time; different instances may be used at the same time, also with one pool.
 *
 * The calling thread's floating-point mode (rounding, flush-to-zero, traps, sticky flags) changes no result, and each
 * call leaves it as it was.
 *
 * After fork() the child may go on with everything it has: its copies of instances and libraries are its own. A pool
 * has no threads there, so its work is done by the thread that calls, with the same bits; for threads make a new pool
 * and new instances. Destroying is allowed in parent and child alike, each for its own copy. What another thread was
 * changing at the moment of the fork is unfinished in the child: an instance that was in a call is only good for
 * snn_instance_init() and snn_instance_destroy() there, and what was being opened, made or destroyed must not be used.
 * A child that is forked inside a body of a pool must not return from that body; it may call exec or _exit.
 */
#ifndef SNN_RUNTIME_H
#define SNN_RUNTIME_H

#include "snn/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

enum snn_runtime_error {
  SNN_ERROR_LIBRARY = 100,  /* the file is no model library, or this machine or runtime cannot run it */
  SNN_ERROR_MEMORY = 101,   /* no memory, or no thread could be started */
  SNN_ERROR_NAME = 102,     /* the model has nothing of that name */
  SNN_ERROR_SIZE = 103,     /* a buffer has another size than the tensor */
  SNN_ERROR_INTERNAL = 104, /* a defect of the runtime */
  SNN_ERROR_DATA = 105,     /* a file cannot be read, is damaged, or does not fit the model; or there are numbers to be
                               saved that are not finite */
  SNN_ERROR_WRITE = 106     /* a file cannot be written */
};

/* The message of the last failure in the calling thread; "" if there was none. Valid until the next failure. */
const char *snn_last_error(void);

/* Libraries. */

typedef struct snn_library snn_library;

/* Opens a model library. A library is code: it may do whatever this program may do, from the moment it is opened, so
 * open only files that you would also run as a program. The checks find mistakes, not malice.
 *
 * The file is copied into memory; the copy's ELF note is checked (ABI version, CPU features) before any of its code is
 * mapped, and what is mapped is that copy. The file may be written anew, replaced or removed afterwards. Each call
 * makes a library of its own, which takes memory of about the file's size and one descriptor until it is closed.
 * Needs /proc. May be called from any thread. */
snn_library *snn_library_open(const char *path);

/* The same for a model that is linked into the program: pass its `<model>_snn_query`. */
snn_library *snn_library_from_query(snn_query_fn query);

/* Its instances must be gone. NULL is allowed. */
void snn_library_close(snn_library *library);

/* The model's table; valid until the library is closed. It has been checked: every parameter, buffer and state lies
 * in its span. */
const snn_model_table *snn_library_table(const snn_library *library);

/* The entry points of a table, for snn_library_call. */
enum snn_entry {
  SNN_ENTRY_FORWARD = 0,
  SNN_ENTRY_STEP = 1,
  SNN_ENTRY_EVALUATE = 2,
  SNN_ENTRY_LOSS_AND_GRADIENT = 3,
  SNN_ENTRY_BACKWARD = 4,
  SNN_ENTRY_UPDATE = 5,
  SNN_ENTRY_TRAIN_STEP = 6,
  SNN_ENTRY_FORWARD_TRAINING = 7 /* forward, where the table has no entry for it */
};

/* For hosts that keep all memory themselves, as abi.h says, instead of an instance: the entry's own function, whose
 * codes get a sentence. */
int32_t snn_library_call(const snn_library *library, uint32_t entry, const snn_call *call);

/* The values that snn_instance_init gives to parameters and buffers, in memory of the host, laid out as the table says;
 * NULL: not wanted. */
int32_t snn_library_init(const snn_library *library, uint64_t seed, void *parameters, void *buffers);

/* Threads. */

typedef struct snn_pool snn_pool;

/* A pool of `workers` workers; worker 0 is the thread that calls. 0: as many as this process has CPUs. */
snn_pool *snn_pool_create(uint64_t workers);
void snn_pool_destroy(snn_pool *pool);
/* 1 if `pool` is NULL. */
uint64_t snn_pool_workers(const snn_pool *pool);

/* An snn_parallel_for_fn; `pool` is an snn_pool. A call from inside a body, or while another thread uses the pool,
 * runs in the calling thread alone; so does one with `pool` NULL or in a child of fork(). */
void snn_pool_parallel_for(void *pool, uint64_t count, snn_body_fn body, void *context);

/* Instances. */

typedef struct snn_instance snn_instance;

/* Bytes of memory that an instance for calls up to (batch, steps) takes; 0 on failure. `batch` 0: the model's default;
 * `steps` 0: the model's number of time steps, or its maximum. The pages are touched only when they are used. */
uint64_t snn_instance_bytes(const snn_library *library, uint64_t batch, uint64_t steps, uint64_t workers);

/* An instance: parameters, gradients, optimizer state, buffers, neuron state and arena, all zero but parameters that
 * are a part of the code (snnc --weights), buffers, which are at their start, and the neuron state, which is at rest.
 * `batch` and `steps` as above: the most that a call may ask for. `pool` NULL: one worker. */
snn_instance *snn_instance_create(const snn_library *library, uint64_t batch, uint64_t steps, snn_pool *pool);
void snn_instance_destroy(snn_instance *instance);

/* Sets the parameters to their initial values, optimizer and buffers to their start and the neurons to rest. Initial
 * values, of buffers too, are those that are a part of the code (snnc --weights), else those of PyTorch's default
 * distributions; element e (in row-major order of the tensor's shape) of parameter p is a function of (seed, p,
 * e) alone. The seed is also that of the model's random operations. */
int32_t snn_instance_init(snn_instance *instance, uint64_t seed);

/* Puts the neurons that step() works on at rest; its next step is the first. */
int32_t snn_instance_reset_state(snn_instance *instance);

/* Sets a number of the table's hyper list ("lr"). SNN_ERROR_HYPER, and no change, if it is outside of its range. */
int32_t snn_instance_set_hyper(snn_instance *instance, const char *name, double value);
int32_t snn_instance_get_hyper(const snn_instance *instance, const char *name, double *value);

/* How many updates and epochs the training is to have, for schedules; 0, as at the start: not known. */
int32_t snn_instance_set_training(snn_instance *instance, uint64_t updates, uint64_t epochs);

/* One call's data. What has the name of a field of snn_call is as there.
 * Training on windows of a long sequence: state_in and state_out are the span SNN_SPAN_STATE, first_step moves on. */
typedef struct snn_batch {
  uint64_t struct_size; /* sizeof(snn_batch) */
  uint64_t batch;       /* samples */
  uint64_t steps;       /* time steps; 0: as many as the instance was made for. step() always runs one */
  uint64_t first_step;
  /* step() with both states NULL works on the instance's own, which it advances, and counts the steps itself. A step
   * that fails does not count, but after SNN_ERROR_NOT_FINITE the states of other rows than the one at fault may have
   * advanced: begin anew, or load a state. */
  const void *state_in;
  void *state_out;
  const snn_view *inputs;
  void *const *outputs;
  const void *const *output_gradients; /* backward() */
  double *loss;
  uint64_t *fault_row;
  const uint64_t *sample_ids;
  uint64_t epoch;
} snn_batch;

/* The model's entry points on this instance. update() takes no batch: its epoch is that of the gradients. update() and
 * train_step() count the updates. */
int32_t snn_instance_forward(snn_instance *instance, const snn_batch *batch);
int32_t snn_instance_step(snn_instance *instance, const snn_batch *batch);
int32_t snn_instance_evaluate(snn_instance *instance, const snn_batch *batch);
int32_t snn_instance_loss_and_gradient(snn_instance *instance, const snn_batch *batch);
int32_t snn_instance_backward(snn_instance *instance, const snn_batch *batch);
int32_t snn_instance_update(snn_instance *instance);
int32_t snn_instance_train_step(snn_instance *instance, const snn_batch *batch);

/* Copy a parameter or its gradient out of, or a parameter into, the instance by name. `data` is contiguous in
 * row-major order of the table's shape, elements of the model's precision; `bytes` must be exactly its size. */
int32_t snn_instance_get_parameter(const snn_instance *instance, const char *name, void *data, uint64_t bytes);
int32_t snn_instance_set_parameter(snn_instance *instance, const char *name, const void *data, uint64_t bytes);
int32_t snn_instance_get_gradient(const snn_instance *instance, const char *name, void *data, uint64_t bytes);

/* The same for a buffer; elements of the table's type. */
int32_t snn_instance_get_buffer(const snn_instance *instance, const char *name, void *data, uint64_t bytes);
int32_t snn_instance_set_buffer(snn_instance *instance, const char *name, const void *data, uint64_t bytes);

/* The instance's memory, to save, restore or share: laid out as the table says, aligned to SNN_ALIGNMENT. */
enum snn_span {
  SNN_SPAN_PARAMETERS = 0,
  SNN_SPAN_GRADIENTS = 1,
  SNN_SPAN_OPTIMIZER = 2,
  SNN_SPAN_STATE = 3,
  SNN_SPAN_BUFFERS = 4
};
void *snn_instance_span(snn_instance *instance, enum snn_span span, uint64_t *bytes); /* `bytes` may be NULL */

/* How many updates have been made: part of the optimizer's state. */
uint64_t snn_instance_optimizer_step(const snn_instance *instance);
void snn_instance_set_optimizer_step(snn_instance *instance, uint64_t updates);

/* Weights and states in files.
 *
 * Files are of the format safetensors. What is written is there whole or not at all: it goes to a temporary file that
 * is then renamed. It carries a CRC-32 in its metadata, which is checked where it is there. What is loaded is checked
 * as a whole first: after an error nothing in the instance has changed. */

/* Writes a complete state_dict under PyTorch's names and in its shapes: parameters, buffers and the constants that are
 * compiled in. The metadata say which model it is ("model", "model_hash"). */
int32_t snn_instance_save(const snn_instance *instance, const char *path);

/* Sets all parameters and buffers; F32 and F64 become the model's precision. SNN_ERROR_DATA if a tensor is missing, has
 * another shape or a value that is not finite, if the model has no tensor of a name in the file, or if a constant,
 * which may be missing, is not the compiled one. PyTorch's `num_batches_tracked` is let through and forgotten. The
 * optimizer stays as it is. */
int32_t snn_instance_load(snn_instance *instance, const char *path);

/* The neuron state that step() works on, of the instance's first `batch` samples (1 to those that it was made for),
 * with the number of the next step. Each state is [batch, ...] under its name in the table. To load puts further
 * samples at rest; SNN_ERROR_DATA if the file is of another batch size or of another model. */
int32_t snn_instance_save_state(const snn_instance *instance, uint64_t batch, const char *path);
int32_t snn_instance_load_state(snn_instance *instance, uint64_t batch, const char *path);

/* Any tensors. One of them, contiguous in row-major order: */
typedef struct snn_tensor {
  const char *name;
  const char *dtype; /* as in the file: "F32", "F64", "I64", "U8", "BOOL", "BF16", ... */
  uint32_t rank;
  const int64_t *shape; /* `rank` extents */
  const void *data;     /* of any alignment */
  uint64_t bytes;
} snn_tensor;

/* The tensors of a file that was read and checked, in the order of their names. What the functions give lives until
 * snn_tensors_close. */
typedef struct snn_tensors snn_tensors;

snn_tensors *snn_tensors_open(const char *path);
/* The same from memory, such as weights that are a part of the program. It is not copied. */
snn_tensors *snn_tensors_from_memory(const void *data, uint64_t bytes);
void snn_tensors_close(snn_tensors *tensors);

uint64_t snn_tensors_count(const snn_tensors *tensors);
int32_t snn_tensors_at(const snn_tensors *tensors, uint64_t index, snn_tensor *tensor);
/* SNN_ERROR_NAME if there is none; so, with NULL, if there is no such entry in the metadata. */
int32_t snn_tensors_find(const snn_tensors *tensors, const char *name, snn_tensor *tensor);
const char *snn_tensors_metadata(const snn_tensors *tensors, const char *key);

/* snn_instance_load from tensors that are there. */
int32_t snn_instance_load_tensors(snn_instance *instance, const snn_tensors *tensors);

/* Writes a file. `metadata`: keys and their values in turn, ended by NULL; or NULL. dtypes without a type of C, such as
 * "BF16", are not written (SNN_ERROR_ARGUMENT). */
int32_t snn_tensors_write(const char *path, const snn_tensor *tensors, uint64_t count, const char *const *metadata);

/* Bytes of one element; 0 for an unknown type. */
uint64_t snn_dtype_bytes(uint32_t dtype);

#ifdef __cplusplus
}
#endif

#endif /* SNN_RUNTIME_H */
