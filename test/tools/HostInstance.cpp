// A model's memory through the binary interface.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/tools/HostInstance.h"

#include <cstdlib>
#include <cstring>
#include <fmt/format.h>

using namespace snn;
using namespace snn::test;

namespace {

/// Calls use(element, byte) for each element, in row-major order, of a tensor that lies in a span.
template <typename Use> void forEachElement(const snn_tensor_info &info, const Use &use) {
  uint64_t count = 1;
  for (uint32_t d = 0; d < info.rank; ++d)
    count *= uint64_t(info.shape[d]);
  for (uint64_t element = 0; element < count; ++element) {
    uint64_t rest = element, place = 0;
    for (uint32_t d = info.rank; d-- > 0; rest /= uint64_t(info.shape[d]))
      place += rest % uint64_t(info.shape[d]) * uint64_t(info.strides[d]);
    use(element, info.offset + place * snn_dtype_bytes(info.dtype));
  }
}

void put(std::byte *to, uint32_t dtype, double value) {
  if (dtype == SNN_DTYPE_F64) {
    std::memcpy(to, &value, sizeof(value));
    return;
  }
  float narrow = float(value);
  std::memcpy(to, &narrow, sizeof(narrow));
}

} // namespace

void AlignedBytes::Free::operator()(std::byte *memory) const { std::free(memory); }

AlignedBytes::AlignedBytes(uint64_t size, Poison poison) : length(size) {
  void *memory = std::aligned_alloc(SNN_ALIGNMENT, (size / SNN_ALIGNMENT + 1) * SNN_ALIGNMENT);
  if (!memory)
    throw std::bad_alloc();
  bytes.reset(static_cast<std::byte *>(memory));
  fill(poison);
}

void AlignedBytes::fill(Poison poison) { std::memset(data(), int(poison), length); }

HostInstance::HostInstance(const snn_model_table &table, uint64_t batch, uint64_t steps, uint64_t workers,
                           Poison poison)
    : table(table), poison(poison), pool(workers > 1 ? createPool(workers) : nullptr), batch(batch), steps(steps),
      workers(workers), parameters(table.parameter_bytes, poison), gradients(table.parameter_bytes, poison),
      optimizer(table.optimizer_bytes, poison), buffers(table.buffer_bytes, poison),
      state(batch * table.state_bytes, poison), arena(table.arena_size(batch, steps, workers), poison) {
  // The copies that an optimizer keeps of the parameters start at zero, their padding like all padding.
  for (uint64_t copy = 0; table.parameter_bytes && copy < table.optimizer_bytes / table.parameter_bytes; ++copy)
    for (uint64_t i = 0; i < table.parameter_count; ++i)
      forEachElement(table.parameters[i], [&](uint64_t, uint64_t offset) {
        put(optimizer.data() + copy * table.parameter_bytes + offset, table.precision, 0);
      });
  for (uint64_t i = 0; i < table.buffer_count; ++i)
    forEachElement(table.buffers[i], [&](uint64_t, uint64_t offset) {
      put(buffers.data() + offset, table.precision, table.buffers[i].init_low);
    });
  for (uint64_t row = 0; row < batch; ++row)
    for (uint64_t i = 0; i < table.state_count; ++i)
      forEachElement(table.states[i], [&](uint64_t, uint64_t offset) {
        put(state.data() + row * table.state_bytes + offset, table.precision, table.states[i].init_low);
      });
}

void HostInstance::initialise(uint64_t seed, double gain) {
  Random random(seed * 2 + 1);
  for (uint64_t i = 0; i < table.parameter_count; ++i) {
    const snn_tensor_info &info = table.parameters[i];
    double factor = info.rank >= 2 ? gain : 1;
    forEachElement(info, [&](uint64_t, uint64_t offset) {
      double value = info.init == SNN_INIT_UNIFORM ? random.uniform(info.init_low, info.init_high) : info.init_low;
      put(parameters.data() + offset, info.dtype, factor * value);
    });
  }
  for (uint64_t i = 0; i < table.buffer_count; ++i)
    if (const snn_tensor_info &info = table.buffers[i]; info.init == SNN_INIT_UNIFORM)
      forEachElement(info, [&](uint64_t, uint64_t offset) {
        put(buffers.data() + offset, info.dtype, random.uniform(info.init_low, info.init_high));
      });
}

void HostInstance::set(const HostTensor &tensor) {
  for (uint64_t i = 0; i < table.parameter_count; ++i)
    if (tensor.name == table.parameters[i].name)
      forEachElement(table.parameters[i], [&](uint64_t element, uint64_t offset) {
        put(parameters.data() + offset, tensor.dtype, tensor.get(element));
      });
}

HostTensor HostInstance::read(const AlignedBytes &span, const snn_tensor_info &info) const {
  HostTensor tensor(info, 0, 0);
  uint64_t bytes = snn_dtype_bytes(info.dtype);
  forEachElement(info, [&](uint64_t element, uint64_t offset) {
    std::memcpy(tensor.bytes.data() + element * bytes, span.data() + offset, bytes);
  });
  return tensor;
}

std::vector<std::byte> HostInstance::bits(const AlignedBytes &span) const {
  std::vector<std::byte> all;
  for (uint64_t i = 0; i < table.parameter_count; ++i) {
    HostTensor tensor = read(span, table.parameters[i]);
    all.insert(all.end(), tensor.bytes.begin(), tensor.bytes.end());
  }
  return all;
}

void HostInstance::run(snn_entry_fn entry, HostCall *call, bool writesGradients) {
  if (!entry)
    throw std::runtime_error("the model has no such entry point");
  arena.fill(poison);
  if (writesGradients)
    gradients.fill(poison);
  snn_call raw = {};
  raw.struct_size = sizeof(raw);
  raw.batch = batch;
  raw.steps = steps;
  raw.workers = workers;
  raw.parameters = parameters.data();
  raw.gradients = gradients.data();
  raw.optimizer = optimizer.data();
  raw.buffers = buffers.data();
  if (entry == table.step)
    raw.state_in = raw.state_out = state.data();
  raw.optimizer_step = updates;
  raw.updates = 100; // schedules may ask for the length of the training
  raw.epochs = 2;
  raw.arena = arena.data();
  raw.arena_size = arena.size();
  raw.parallel_for = pool ? snn_pool_parallel_for : nullptr;
  raw.pool = pool.get();
  if (call) {
    raw.output_gradients = entry == table.backward ? call->outputGradients.data() : nullptr;
    for (HostTensor &tensor : call->outputs)
      std::memset(tensor.bytes.data(), int(poison), tensor.bytes.size());
    raw.batch = call->batch.batch;
    raw.steps = call->batch.steps;
    raw.inputs = call->batch.inputs;
    raw.outputs = call->batch.outputs;
    raw.loss = call->batch.loss;
    raw.fault_row = call->batch.fault_row;
    raw.sample_ids = call->batch.sample_ids;
    raw.epoch = call->batch.epoch;
  }
  if (int32_t code = entry(&raw); code != SNN_OK)
    throw std::runtime_error(fmt::format("{}: the model returned {}", table.name, code));
}

void HostInstance::forward(HostCall &call) { run(table.forward, &call, false); }
void HostInstance::step(HostCall &call) { run(table.step, &call, false); }
void HostInstance::lossAndGradient(HostCall &call) { run(table.loss_and_gradient, &call, true); }
void HostInstance::backward(HostCall &call) { run(table.backward, &call, true); }

void HostInstance::trainStep(HostCall &call) {
  ++updates;
  run(table.train_step, &call, true);
}

void HostInstance::update() {
  std::vector<HostTensor> values;
  for (uint64_t i = 0; i < table.parameter_count; ++i)
    values.push_back(gradient(table.parameters[i]));
  gradients.fill(poison);
  for (uint64_t i = 0; i < table.parameter_count; ++i)
    forEachElement(table.parameters[i], [&](uint64_t element, uint64_t offset) {
      put(gradients.data() + offset, values[i].dtype, values[i].get(element));
    });
  ++updates;
  run(table.update, nullptr, false);
}
