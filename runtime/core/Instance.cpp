// Instances: layout, initial values, calls.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/core/Instance.h"
#include "runtime/core/Error.h"
#include "runtime/core/FloatMode.h"
#include "runtime/core/Philox.h"
#include "runtime/core/Table.h"

#include <array>
#include <cmath>
#include <cstring>
#include <string>

using namespace snn;

static uint64_t checkedProduct(uint64_t a, uint64_t b) {
  uint64_t product;
  if (__builtin_mul_overflow(a, b, &product))
    throw Error(SNN_ERROR_MEMORY, "the instance would be larger than the address space");
  return product;
}

static uint64_t rounded(uint64_t bytes) {
  if (bytes > PTRDIFF_MAX)
    throw Error(SNN_ERROR_MEMORY, "the instance would be larger than the address space");
  return (bytes + SNN_ALIGNMENT - 1) / SNN_ALIGNMENT * SNN_ALIGNMENT;
}

InstanceLayout::InstanceLayout(const snn_model_table &table, uint64_t batchOrZero, uint64_t stepsOrZero,
                               uint64_t workers)
    : batch(batchOrZero ? batchOrZero : uint64_t(table.default_batch)), steps(stepsOrZero), workers(workers) {
  if (workers == 0)
    throw Error(SNN_ERROR_ARGUMENT, "an instance needs at least one worker");
  if (steps == 0)
    steps = uint64_t(table.steps > 0 ? table.steps : table.max_steps);
  if (table.steps > 0 && steps != uint64_t(table.steps))
    throw Error(SNN_ERROR_STEPS, std::string("model \"") + table.name + "\" has " + std::to_string(table.steps) +
                                     " time steps, " + std::to_string(steps) + " were asked for");
  if (table.steps < 0 && steps > uint64_t(table.max_steps))
    throw Error(SNN_ERROR_STEPS, std::string("model \"") + table.name + "\" takes at most " +
                                     std::to_string(table.max_steps) + " time steps, " + std::to_string(steps) +
                                     " were asked for");
  parameters = rounded(table.parameter_bytes);
  const bool trains = table.loss_and_gradient || table.backward || table.update || table.train_step;
  gradients = trains ? parameters : 0;
  optimizer = rounded(table.optimizer_bytes);
  buffers = rounded(table.buffer_bytes);
  arena = rounded(table.arena_size(batch, steps, workers));
  state = rounded(checkedProduct(batch, table.state_bytes));
  uint64_t total = 0;
  for (uint64_t bytes : {parameters, gradients, optimizer, buffers, arena, state})
    total = rounded(total + bytes);
}

snn_instance::snn_instance(const snn_model_table &table, uint64_t batch, uint64_t steps, snn_pool *pool)
    : table(table), pool(pool), layout(table, batch, steps, snn_pool_workers(pool)),
      memory(layout.withoutState(), /*sparse=*/false), stateMemory(layout.state, /*sparse=*/true) {
  for (uint64_t i = 0; i < table.hyper_count; ++i)
    hyper.push_back(table.hyper[i].value);
  copyInitialParameters();
  resetBuffers();
  resetState();
}

static void store(uint32_t dtype, std::byte *to, double value) {
  if (dtype == SNN_DTYPE_F32) {
    float narrow = float(value);
    std::memcpy(to, &narrow, sizeof(narrow));
  } else if (dtype == SNN_DTYPE_F64) {
    std::memcpy(to, &value, sizeof(value));
  } else if (dtype == SNN_DTYPE_I64) {
    int64_t integer = int64_t(value);
    std::memcpy(to, &integer, sizeof(integer));
  } else {
    uint8_t byte = uint8_t(value);
    std::memcpy(to, &byte, sizeof(byte));
  }
}

/// Uniform in [low, high): rounding to single precision must not reach the open end.
static double scaled(double unit, double low, double high, uint32_t dtype) {
  double value = low + (high - low) * unit;
  if (dtype == SNN_DTYPE_F32 && low < high && float(value) >= float(high))
    return std::nextafter(float(high), float(low));
  return value;
}

void snn_instance::start(const snn_tensor_info &tensor, std::byte *span, uint64_t stream) {
  std::array<uint32_t, 4> block = {};
  forEachElement(tensor, snn_dtype_bytes(tensor.dtype), [&](uint64_t element, uint64_t offset) {
    double value = tensor.init_low;
    if (tensor.init == SNN_INIT_UNIFORM) {
      if (element % 4 == 0)
        block = philoxBlock(seed, RandomPurpose::InitialValue, uint32_t(stream), element / 4);
      value = scaled(philoxUnit(block[element % 4]), tensor.init_low, tensor.init_high, tensor.dtype);
    }
    store(tensor.dtype, span + offset, value);
  });
}

void snn_instance::init(uint64_t newSeed) {
  StandardFloatMode mode;
  seed = newSeed;
  if (initialParametersOf(table))
    copyInitialParameters();
  else
    for (uint64_t p = 0; p < table.parameter_count; ++p)
      start(table.parameters[p], parameters(), p);
  resetOptimizer();
  resetBuffers();
  resetState();
}

void snn_instance::copyInitialParameters() {
  if (const void *values = initialParametersOf(table))
    std::memcpy(parameters(), values, table.parameter_bytes);
}

void snn_instance::resetOptimizer() {
  std::memset(optimizer(), 0, layout.optimizer);
  updates = 0;
}

void snn_instance::resetBuffers() {
  if (const void *values = initialBuffersOf(table)) {
    std::memcpy(buffers(), values, table.buffer_bytes);
    return;
  }
  StandardFloatMode mode;
  for (uint64_t b = 0; b < table.buffer_count; ++b)
    start(table.buffers[b], buffers(), table.parameter_count + b);
}

void snn_instance::resetState() {
  StandardFloatMode mode;
  if (!stateIsZero)
    std::memset(stateMemory.data(), 0, stateMemory.bytes());
  stateIsZero = !stateIsShared;
  stepsTaken = 0;
  for (uint64_t s = 0; s < table.state_count; ++s) {
    const snn_tensor_info &tensor = table.states[s];
    if (tensor.init_low == 0)
      continue;
    stateIsZero = false;
    for (uint64_t row = 0; row < layout.batch; ++row)
      forEachElement(tensor, snn_dtype_bytes(tensor.dtype), [&](uint64_t, uint64_t offset) {
        store(tensor.dtype, stateMemory.data() + row * table.state_bytes + offset, tensor.init_low);
      });
  }
}

/// The first label of a row that is no class, and what it should be, where the labels are at hand.
static std::string labelText(const snn_model_table &table, const snn_call &call, uint64_t row) {
  for (uint64_t i = 0; call.inputs && i < table.input_count; ++i) {
    const snn_tensor_info &info = table.inputs[i];
    const snn_view &view = call.inputs[i];
    if (info.dtype != SNN_DTYPE_I64 || !view.data)
      continue;
    const int64_t classes = classesOf(table, info);
    const bool overTime = info.shape[0] == SNN_EXTENT_TIME;
    const int64_t ofStep = !overTime ? 0 : view.strides ? view.strides[0] : int64_t(call.batch);
    const int64_t ofRow = view.strides ? view.strides[overTime] : 1;
    for (int64_t step = 0; step < (overTime ? int64_t(call.steps) : 1); ++step) {
      const int64_t label = static_cast<const int64_t *>(view.data)[step * ofStep + int64_t(row) * ofRow];
      if (label < 0 || label >= classes)
        return "label " + std::to_string(label) + (overTime ? " at step " + std::to_string(step) : "") +
               (std::strcmp(info.name, "labels") != 0 ? " of \"" + std::string(info.name) + "\"" : "") +
               ", expected 0 to " + std::to_string(classes - 1);
    }
  }
  return "a label that is no class";
}

static std::string describe(int32_t code, const snn_model_table &table, const snn_call &call) {
  std::string row = call.fault_row ? "row " + std::to_string(*call.fault_row) + " of the batch" : "the batch";
  switch (code) {
  case SNN_ERROR_ARGUMENT:
    return "the model refuses the arguments: an input it needs is missing, the batch is empty, its schedule needs to "
           "know how long the training is (snn_instance_set_training), or an output has no gradient to be given";
  case SNN_ERROR_ARENA:
    return "the arena of " + std::to_string(call.arena_size) + " bytes is too small for " + std::to_string(call.batch) +
           " samples, " + std::to_string(call.steps) + " time steps and " + std::to_string(call.workers) + " workers";
  case SNN_ERROR_STEPS:
    if (windowOf(table) > 0 && call.steps > windowOf(table))
      return "the model trains in windows of up to " + std::to_string(windowOf(table)) + " time steps, found " +
             std::to_string(call.steps);
    return "the model does not run " + std::to_string(call.steps) + " time steps, expected " +
           (table.steps > 0 ? std::to_string(table.steps) : "1 to " + std::to_string(table.max_steps));
  case SNN_ERROR_LABEL:
    return row + " has " + labelText(table, call, *call.fault_row);
  case SNN_ERROR_NOT_FINITE:
    return row + " has a NaN or an infinity in its input; nothing was updated";
  case SNN_ERROR_UNSUPPORTED:
    return "this entry point of the model cannot do what the call asks for";
  case SNN_ERROR_HYPER:
    return "a number of the loss or the optimizer is outside of its range";
  default:
    return "the model returned the unknown code " + std::to_string(code);
  }
}

void snn_instance::call(EntryMember entry, const char *name, const snn_batch *batch, uint64_t updateNumber) {
  const std::string where = std::string(table.name) + "." + name + ": ";
  if (!(table.*entry))
    throw Error(SNN_ERROR_UNSUPPORTED, where + "the model was compiled without this entry point (--mode=infer)");
  uint64_t faultRow = 0;
  bool ownState = false;
  snn_call call = {};
  call.struct_size = sizeof(call);
  call.batch = 1;
  call.steps = layout.steps;
  call.workers = layout.workers;
  call.fault_row = &faultRow;
  if (batch) {
    if (batch->struct_size < sizeof(snn_batch))
      throw Error(SNN_ERROR_ARGUMENT, where + "struct_size of snn_batch is " + std::to_string(batch->struct_size) +
                                          ", expected " + std::to_string(sizeof(snn_batch)));
    if (batch->batch == 0 || batch->batch > layout.batch)
      throw Error(SNN_ERROR_ARGUMENT, where + "a batch of " + std::to_string(batch->batch) +
                                          " samples, expected 1 to " + std::to_string(layout.batch));
    if (!batch->inputs)
      throw Error(SNN_ERROR_ARGUMENT, where + "the inputs are NULL");
    bool streaming = entry == &snn_model_table::step;
    call.batch = batch->batch;
    call.steps = streaming ? 1 : batch->steps ? batch->steps : layout.steps;
    if (call.steps > layout.steps)
      throw Error(SNN_ERROR_STEPS, where + std::to_string(call.steps) + " time steps, the instance was made for " +
                                       std::to_string(layout.steps));
    call.inputs = batch->inputs;
    call.outputs = batch->outputs;
    call.output_gradients = batch->output_gradients;
    call.loss = batch->loss;
    call.sample_ids = batch->sample_ids;
    call.epoch = batch->epoch;
    call.first_step = batch->first_step;
    call.state_in = batch->state_in;
    call.state_out = batch->state_out;
    ownState = streaming && !batch->state_in && !batch->state_out;
    if (ownState) {
      call.first_step = stepsTaken;
      call.state_in = call.state_out = stateMemory.data();
      stateIsZero = false;
    }
    if (entry == &snn_model_table::loss_and_gradient || entry == &snn_model_table::backward)
      epoch = batch->epoch;
  } else {
    call.epoch = epoch;
  }
  call.parameters = parameters();
  call.gradients = layout.gradients ? gradients() : nullptr;
  call.optimizer = optimizer();
  call.buffers = buffers();
  call.hyper = hyper.data();
  call.optimizer_step = updateNumber;
  call.updates = plannedUpdates;
  call.epochs = plannedEpochs;
  call.seed = seed;
  call.arena = arena();
  call.arena_size = layout.arena;
  call.parallel_for = pool ? snn_pool_parallel_for : nullptr;
  call.pool = pool;
  int32_t code = (table.*entry)(&call);
  if (batch && batch->fault_row)
    *batch->fault_row = faultRow;
  if (code != SNN_OK)
    throw Error(code, where + describe(code, table, call));
  stepsTaken += ownState;
}
