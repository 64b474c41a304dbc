/* A host that uses nothing but the C library: loads a model, or has it linked in, and trains it in memory of exactly
 * the stated sizes between protected pages, so that one byte too far is a crash. SPDX-License-Identifier: Apache-2.0
 * WITH LLVM-exception
 *
 *   host MODEL.so QUERY_SYMBOL BATCH        (with -DLINKED_QUERY=symbol: host - - BATCH)
 */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snn/abi.h"

static void fail(const char *what) {
  fprintf(stderr, "host: %s\n", what);
  exit(1);
}

static void require(int good, const char *what) {
  if (!good)
    fail(what);
}

/* What memory holds that nobody has written: no sensible number, or NaN. */
static int poison = 0xee;

/* `size` bytes that end (atEnd) or start at a protected page, aligned to SNN_ALIGNMENT as the interface wants it;
 * filled with poison. */
static void *guarded(size_t size, int atEnd) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (size + page - 1) / page;
  if (pages == 0)
    pages = 1;
  char *block = mmap(NULL, (pages + 2) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(block != MAP_FAILED, "no memory");
  require(mprotect(block, page, PROT_NONE) == 0 && mprotect(block + (pages + 1) * page, page, PROT_NONE) == 0,
          "no protection");
  char *start = block + page;
  memset(start, poison, pages * page);
  if (atEnd) {
    size_t room = pages * page - size;
    start += room / SNN_ALIGNMENT * SNN_ALIGNMENT;
  }
  return start;
}

static uint64_t randomState;
static double uniform(void) {
  randomState ^= randomState << 13;
  randomState ^= randomState >> 7;
  randomState ^= randomState << 17;
  return (double)(randomState >> 11) / 9007199254740992.0;
}

static size_t dtypeBytes(uint32_t dtype) { return dtype == SNN_DTYPE_U8 ? 1 : dtype == SNN_DTYPE_F32 ? 4 : 8; }

static void put(void *data, uint32_t dtype, size_t index, double value) {
  if (dtype == SNN_DTYPE_F32)
    ((float *)data)[index] = (float)value;
  else if (dtype == SNN_DTYPE_F64)
    ((double *)data)[index] = value;
  else if (dtype == SNN_DTYPE_U8)
    ((unsigned char *)data)[index] = (unsigned char)value;
  else
    ((int64_t *)data)[index] = (int64_t)value;
}

static size_t elements(const snn_tensor_info *tensor, uint64_t batch, uint64_t steps) {
  size_t count = 1;
  for (uint32_t i = 0; i < tensor->rank; ++i) {
    int64_t extent = tensor->shape[i];
    count *= extent == SNN_EXTENT_BATCH ? batch : extent == SNN_EXTENT_TIME ? steps : (uint64_t)extent;
  }
  return count;
}

/* The place of element `i`, in row-major order, of a tensor in its span; in elements from the tensor's offset. */
static size_t placeOf(const snn_tensor_info *tensor, size_t i) {
  int64_t place = 0;
  for (uint32_t d = tensor->rank; d-- > 0; i /= (size_t)tensor->shape[d])
    place += (int64_t)(i % (size_t)tensor->shape[d]) * tensor->strides[d];
  return (size_t)place;
}

/* Puts uniform numbers into each element of a parameter, wherever the table says that it lies. */
static void initialise(const snn_tensor_info *parameter, char *span) {
  size_t count = elements(parameter, 0, 0);
  for (size_t i = 0; i < count; ++i) {
    double value = parameter->init_low;
    if (parameter->init == SNN_INIT_UNIFORM)
      value += (parameter->init_high - parameter->init_low) * uniform();
    put(span + parameter->offset, parameter->dtype, placeOf(parameter, i), value);
  }
}

/* The optimizer's start: zero in each element of each copy of the parameters. Padding stays what it is. */
static void restart(const snn_model_table *table, char *optimizer) {
  for (uint64_t copy = 0; copy < table->optimizer_bytes / table->parameter_bytes; ++copy)
    for (uint64_t p = 0; p < table->parameter_count; ++p)
      for (size_t i = 0; i < elements(&table->parameters[p], 0, 0); ++i)
        put(optimizer + copy * table->parameter_bytes + table->parameters[p].offset, table->parameters[p].dtype,
            placeOf(&table->parameters[p], i), 0);
}

/* Workers take turns in an order that no pool would use. */
static void backwards(void *pool, uint64_t count, snn_body_fn body, void *context) {
  uint64_t workers = *(uint64_t *)pool;
  for (uint64_t i = count; i-- > 0;)
    body(context, i, i % workers);
}

/* A number outside of its range, or none at all, is refused by everything that would use it. */
static void checkHyper(const snn_model_table *table, snn_call call) {
  double numbers[16];
  require(table->hyper_count > 0 && table->hyper_count <= 16, "another number of hyper values than expected");
  call.hyper = numbers;
  for (uint64_t i = 0; i < table->hyper_count; ++i)
    numbers[i] = table->hyper[i].value;
  for (uint64_t i = 0; i < table->hyper_count; ++i) {
    const snn_hyper_info *info = &table->hyper[i];
    int open = (info->flags & SNN_HYPER_BELOW_HIGH) != 0;
    double bad[4] = {info->low - 1, isinf(info->high) || open ? info->high : info->high + 1, NAN, INFINITY};
    for (int kind = 0; kind < 4; ++kind) {
      numbers[i] = bad[kind];
      require(table->loss_and_gradient(&call) == SNN_ERROR_HYPER && table->update(&call) == SNN_ERROR_HYPER &&
                  table->train_step(&call) == SNN_ERROR_HYPER,
              "a number outside of its range was taken");
    }
    numbers[i] = info->low;
    require(table->loss_and_gradient(&call) == SNN_OK, "the lower end of a range was refused");
    numbers[i] = info->value;
  }
}

typedef struct memory {
  char *parameters, *gradients, *optimizer;
} memory;

/* Trains `updates` steps from the same start; returns the memory at the end. */
static memory train(const snn_model_table *table, uint64_t batch, uint64_t workers, int atEnd, int separate,
                    int updates, int withOutputs, int quiet) {
  uint64_t steps = (uint64_t)(table->steps > 0 ? table->steps : table->max_steps);
  memory m;
  m.parameters = guarded(table->parameter_bytes, atEnd);
  m.gradients = guarded(table->parameter_bytes, atEnd);
  m.optimizer = guarded(table->optimizer_bytes, atEnd);
  restart(table, m.optimizer);
  randomState = 88172645463325252u;
  for (uint64_t i = 0; i < table->parameter_count; ++i)
    initialise(&table->parameters[i], m.parameters);
  char *start = malloc(table->parameter_bytes);
  require(start != NULL, "no memory");
  memcpy(start, m.parameters, table->parameter_bytes);

  snn_view views[16];
  void *outputs[32];
  require(table->input_count <= 16 && table->output_count <= 32, "more inputs or outputs than this program expects");
  for (uint64_t i = 0; i < table->input_count; ++i) {
    const snn_tensor_info *input = &table->inputs[i];
    size_t count = elements(input, batch, steps);
    void *data = guarded(count * dtypeBytes(input->dtype), atEnd);
    int labels = strcmp(input->name, "labels") == 0;
    for (size_t e = 0; e < count; ++e)
      put(data, input->dtype, e,
          labels                         ? (double)(e % (size_t)table->classes)
          : input->dtype == SNN_DTYPE_U8 ? 255 * uniform()
                                         : 3 * uniform());
    views[i].data = data;
    views[i].strides = NULL;
  }
  for (uint64_t i = 0; i < table->output_count; ++i)
    outputs[i] = withOutputs
                     ? guarded(elements(&table->outputs[i], batch, steps) * dtypeBytes(table->outputs[i].dtype), atEnd)
                     : NULL;

  double loss = 0, first = 0;
  uint64_t fault = 0;
  snn_call call;
  memset(&call, 0, sizeof call);
  call.struct_size = sizeof call;
  call.batch = batch;
  call.steps = steps;
  call.workers = workers;
  call.parameters = m.parameters;
  call.gradients = m.gradients;
  call.optimizer = m.optimizer;
  call.inputs = views;
  call.outputs = outputs;
  call.loss = &loss;
  call.fault_row = &fault;
  call.arena_size = table->arena_size(batch, steps, workers);
  call.arena = guarded(call.arena_size, atEnd);
  call.parallel_for = workers > 1 ? backwards : NULL;
  call.pool = &workers;
  for (int update = 0; update < updates; ++update) {
    call.optimizer_step = (uint64_t)update + 1;
    if (separate) {
      require(table->loss_and_gradient(&call) == SNN_OK, "loss_and_gradient failed");
      require(table->update(&call) == SNN_OK, "update failed");
    } else {
      require(table->train_step(&call) == SNN_OK, "train_step failed");
    }
    require(isfinite(loss), "the loss is not finite");
    if (update == 0)
      first = loss;
  }
  if (!quiet)
    printf("loss %g -> %g\n", first, loss);
  require(memcmp(m.parameters, start, table->parameter_bytes) != 0, "training changed nothing");
  free(start);
  require(table->arena_size(batch, steps, workers + 1) >= call.arena_size, "arena_size is not monotone in workers");
  require(table->arena_size(batch + 1, steps, workers) >= call.arena_size, "arena_size is not monotone in the batch");
  call.arena_size -= 1;
  require(table->train_step(&call) == SNN_ERROR_ARENA, "an arena that is too small was taken");
  call.arena_size++;
  checkHyper(table, call);

  call.optimizer_step = 0;
  require(table->train_step(&call) == SNN_ERROR_ARGUMENT, "an update that has no number was made");
  call.optimizer_step = 1;
  call.batch = (uint64_t)1 << 62; /* whose sizes wrap around */
  require(table->train_step(&call) == SNN_ERROR_ARGUMENT, "a batch beyond the bound was taken");
  require(table->arena_size(call.batch, steps, workers) == UINT64_MAX,
          "a size was stated for a batch beyond the bound");
  call.batch = batch;
  return m;
}

/* Compares elements; padding holds what it holds. */
static void same(const snn_model_table *table, memory a, memory b, const char *what) {
  for (uint64_t p = 0; p < table->parameter_count; ++p) {
    const snn_tensor_info *parameter = &table->parameters[p];
    size_t bytes = dtypeBytes(parameter->dtype);
    for (size_t i = 0; i < elements(parameter, 0, 0); ++i) {
      size_t at = parameter->offset + placeOf(parameter, i) * bytes;
      require(memcmp(a.parameters + at, b.parameters + at, bytes) == 0, what);
    }
  }
  printf("same bits: %s\n", what);
}

/* T calls of step() with state, outputs and arena between protected pages against one forward(). */
static void stream(const snn_model_table *table, const char *parameters, uint64_t batch) {
  uint64_t steps = (uint64_t)(table->steps > 0 ? table->steps : table->max_steps);
  snn_view views[16], now[16];
  void *whole[32], *parts[32];
  size_t inputBytes[16], outputBytes[32];
  randomState = 362436069u;
  for (uint64_t i = 0; i < table->input_count; ++i) {
    const snn_tensor_info *input = &table->inputs[i];
    size_t count = elements(input, batch, steps);
    char *data = guarded(count * dtypeBytes(input->dtype), 1);
    for (size_t e = 0; e < count; ++e)
      put(data, input->dtype, e, input->dtype == SNN_DTYPE_I64 ? 0 : 3 * uniform());
    views[i].data = data;
    views[i].strides = NULL;
    inputBytes[i] = input->shape[0] != SNN_EXTENT_BATCH ? count / steps * dtypeBytes(input->dtype) : 0;
  }
  for (uint64_t i = 0; i < table->output_count; ++i) {
    const snn_tensor_info *output = &table->outputs[i];
    int wanted = strcmp(output->name, "spikes") == 0 || strcmp(output->name, "membrane") == 0;
    size_t bytes = elements(output, batch, steps) * dtypeBytes(output->dtype);
    outputBytes[i] = bytes / steps;
    whole[i] = wanted ? guarded(bytes, 1) : NULL;
    parts[i] = wanted ? guarded(bytes / steps, 1) : NULL;
  }
  snn_call call;
  memset(&call, 0, sizeof call);
  call.struct_size = sizeof call;
  call.batch = batch;
  call.steps = steps;
  call.workers = 1;
  call.parameters = (void *)parameters;
  call.inputs = views;
  call.outputs = whole;
  call.arena_size = table->arena_size(batch, steps, 1);
  call.arena = guarded(call.arena_size, 1);
  require(table->forward(&call) == SNN_OK, "forward failed");

  char *state = guarded(batch * table->state_bytes, 1);
  for (uint64_t b = 0; b < batch; ++b)
    for (uint64_t s = 0; s < table->state_count; ++s)
      for (size_t e = 0; e < elements(&table->states[s], 1, 1); ++e)
        put(state + b * table->state_bytes + table->states[s].offset, table->states[s].dtype, e,
            table->states[s].init_low);
  call.state_in = call.state_out = state;
  call.steps = 1;
  call.inputs = now;
  call.outputs = parts;
  call.arena_size = table->arena_size(batch, 1, 1);
  call.arena = guarded(call.arena_size, 1);
  for (uint64_t t = 0; t < steps; ++t) {
    for (uint64_t i = 0; i < table->input_count; ++i) {
      now[i] = views[i];
      now[i].data = (const char *)views[i].data + t * inputBytes[i];
    }
    require(table->step(&call) == SNN_OK, "step failed");
    for (uint64_t i = 0; i < table->output_count; ++i)
      require(!parts[i] || memcmp(parts[i], (char *)whole[i] + t * outputBytes[i], outputBytes[i]) == 0,
              "step() and forward() differ");
  }
  printf("same bits: %d calls of step() and forward()\n", (int)steps);
}

#ifdef LINKED_QUERY
const snn_model_table *LINKED_QUERY(uint32_t version);
#endif

int main(int argc, char **argv) {
  require(argc == 4, "usage: host MODEL.so QUERY_SYMBOL BATCH");
#ifdef LINKED_QUERY
  snn_query_fn query = LINKED_QUERY;
#else
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL)
    fail(dlerror());
  snn_query_fn query;
  void *symbol = dlsym(library, argv[2]);
  require(symbol != NULL, "the query function is missing");
  memcpy(&query, &symbol, sizeof query);
#endif
  require(query(SNN_ABI_VERSION + 1) == NULL, "the library claims to speak a version that does not exist");
  const snn_model_table *table = query(SNN_ABI_VERSION);
  require(table != NULL && table->abi_version == SNN_ABI_VERSION, "the library does not speak this version");
  uint64_t batch = (uint64_t)atoi(argv[3]);

  memory reference = train(table, batch, 1, 1, 0, 10, 0, 0);
  same(table, reference, train(table, batch, 1, 0, 0, 10, 0, 1), "pages protected at the other end");
  same(table, reference, train(table, batch, 1, 1, 1, 10, 1, 1), "loss_and_gradient and update instead of train_step");
  same(table, reference, train(table, batch, 3, 1, 0, 10, 1, 1), "three workers in another order");
  stream(table, reference.parameters, batch);
  poison = 0xff;
  same(table, reference, train(table, batch, 3, 0, 0, 10, 1, 1), "memory and padding that hold NaN");
  stream(table, reference.parameters, batch);
  return 0;
}
