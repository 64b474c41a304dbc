// Instances: layout, initial values, calls.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/core/Instance.h"
#include "runtime/core/Calls.h"
#include "runtime/core/Error.h"
#include "runtime/core/FloatMode.h"
#include "runtime/core/InitialValues.h"
#include "runtime/core/Table.h"

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
  if (initialParametersOf(table))
    startParameters(table, seed, parameters());
  resetBuffers();
  resetState();
}

void snn_instance::init(uint64_t newSeed) {
  seed = newSeed;
  startParameters(table, seed, parameters());
  resetOptimizer();
  resetBuffers();
  resetState();
}

void snn_instance::resetOptimizer() {
  std::memset(optimizer(), 0, layout.optimizer);
  updates = 0;
}

void snn_instance::resetBuffers() { startBuffers(table, seed, buffers()); }

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
        storeNumber(tensor.dtype, tensor.init_low, stateMemory.data() + row * table.state_bytes + offset);
      });
  }
}

void snn_instance::call(EntryMember entry, const char *name, const snn_batch *batch, uint64_t updateNumber) {
  const std::string where = requireEntry(table, entry, name);
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
  const int32_t code = (table.*entry)(&call);
  if (batch && batch->fault_row)
    *batch->fault_row = faultRow;
  if (code != SNN_OK)
    throw Error(code, where + describeFailure(code, table, call));
  stepsTaken += ownState;
}
