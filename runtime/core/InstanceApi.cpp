// The C interface of instances.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/core/Error.h"
#include "runtime/core/Instance.h"
#include "runtime/core/Library.h"
#include "runtime/core/Table.h"

#include <cstring>
#include <string>

using namespace snn;

uint64_t snn_instance_bytes(const snn_library *library, uint64_t batch, uint64_t steps, uint64_t workers) {
  uint64_t bytes = 0;
  guarded([&] {
    if (!library)
      throw Error(SNN_ERROR_ARGUMENT, "the library is NULL");
    InstanceLayout layout(*library->table, batch, steps, workers);
    bytes = layout.withoutState() + layout.state;
  });
  return bytes;
}

snn_instance *snn_instance_create(const snn_library *library, uint64_t batch, uint64_t steps, snn_pool *pool) {
  snn_instance *result = nullptr;
  guarded([&] {
    if (!library)
      throw Error(SNN_ERROR_ARGUMENT, "the library is NULL");
    result = new snn_instance(*library->table, batch, steps, pool);
  });
  return result;
}

void snn_instance_destroy(snn_instance *instance) { delete instance; }

template <typename Body> static int32_t onInstance(const snn_instance *instance, Body &&body) noexcept {
  if (!instance)
    return setLastError(SNN_ERROR_ARGUMENT, "the instance is NULL");
  return guarded(body);
}

int32_t snn_instance_init(snn_instance *instance, uint64_t seed) {
  return onInstance(instance, [&] { instance->init(seed); });
}

int32_t snn_instance_reset_state(snn_instance *instance) {
  return onInstance(instance, [&] { instance->resetState(); });
}

static void require(const void *pointer, const char *what) {
  if (!pointer)
    throw Error(SNN_ERROR_ARGUMENT, std::string("the ") + what + " is NULL");
}

static uint64_t hyperIndex(const snn_instance &instance, const char *name) {
  require(name, "name");
  std::string known;
  for (uint64_t i = 0; i < instance.table.hyper_count; ++i) {
    if (std::strcmp(instance.table.hyper[i].name, name) == 0)
      return i;
    known += std::string(known.empty() ? "" : ", ") + instance.table.hyper[i].name;
  }
  throw Error(SNN_ERROR_NAME, std::string("model \"") + instance.table.name + "\" has no number \"" + name +
                                  "\"; it has: " + (known.empty() ? "none" : known));
}

int32_t snn_instance_set_hyper(snn_instance *instance, const char *name, double value) {
  return onInstance(instance, [&] {
    uint64_t index = hyperIndex(*instance, name);
    const snn_hyper_info &info = instance->table.hyper[index];
    if (!inRange(info, value))
      throw Error(SNN_ERROR_HYPER, std::string("model \"") + instance->table.name + "\": " + name + " is " +
                                       numberText(value) + ", expected " + rangeText(info));
    instance->hyper[index] = value;
  });
}

int32_t snn_instance_get_hyper(const snn_instance *instance, const char *name, double *value) {
  return onInstance(instance, [&] {
    uint64_t index = hyperIndex(*instance, name);
    require(value, "value");
    *value = instance->hyper[index];
  });
}

static int32_t run(snn_instance *instance, EntryMember entry, const char *name, const snn_batch *batch) {
  return onInstance(instance, [&] {
    if (!batch)
      throw Error(SNN_ERROR_ARGUMENT, std::string(name) + ": the batch is NULL");
    instance->call(entry, name, batch, instance->updates + 1);
  });
}

int32_t snn_instance_forward(snn_instance *instance, const snn_batch *batch) {
  return run(instance, &snn_model_table::forward, "forward", batch);
}

int32_t snn_instance_step(snn_instance *instance, const snn_batch *batch) {
  return run(instance, &snn_model_table::step, "step", batch);
}

int32_t snn_instance_evaluate(snn_instance *instance, const snn_batch *batch) {
  return run(instance, &snn_model_table::evaluate, "evaluate", batch);
}

int32_t snn_instance_loss_and_gradient(snn_instance *instance, const snn_batch *batch) {
  return run(instance, &snn_model_table::loss_and_gradient, "loss_and_gradient", batch);
}

int32_t snn_instance_backward(snn_instance *instance, const snn_batch *batch) {
  return run(instance, &snn_model_table::backward, "backward", batch);
}

int32_t snn_instance_update(snn_instance *instance) {
  return onInstance(instance, [&] {
    instance->call(&snn_model_table::update, "update", nullptr, instance->updates + 1);
    ++instance->updates;
  });
}

int32_t snn_instance_train_step(snn_instance *instance, const snn_batch *batch) {
  int32_t code = run(instance, &snn_model_table::train_step, "train_step", batch);
  if (code == SNN_OK)
    ++instance->updates;
  return code;
}

/// Checks the arguments of a copy in or out: `data` has `bytes` bytes.
static const snn_tensor_info &find(const snn_instance &instance, const char *kind, const snn_tensor_info *tensors,
                                   uint64_t count, const char *name, const void *data, uint64_t bytes) {
  require(name, "name");
  require(data, "data");
  for (const snn_tensor_info *tensor = tensors; tensor != tensors + count; ++tensor) {
    if (std::strcmp(tensor->name, name) != 0)
      continue;
    uint64_t expected = elementCount(*tensor) * snn_dtype_bytes(tensor->dtype);
    if (bytes != expected)
      throw Error(SNN_ERROR_SIZE, std::string(kind) + " \"" + name + "\" has " + std::to_string(expected) +
                                      " bytes, the memory for it has " + std::to_string(bytes));
    return *tensor;
  }
  throw Error(SNN_ERROR_NAME,
              std::string("model \"") + instance.table.name + "\" has no " + kind + " \"" + name + "\"");
}

static const snn_tensor_info &findParameter(const snn_instance &instance, const char *name, const void *data,
                                            uint64_t bytes) {
  return find(instance, "parameter", instance.table.parameters, instance.table.parameter_count, name, data, bytes);
}

static const snn_tensor_info &findBuffer(const snn_instance &instance, const char *name, const void *data,
                                         uint64_t bytes) {
  return find(instance, "buffer", instance.table.buffers, instance.table.buffer_count, name, data, bytes);
}

template <typename Element> static void gather(const snn_tensor_info &tensor, const std::byte *span, void *to) {
  auto *elements = static_cast<std::byte *>(to);
  forEachElement(tensor, sizeof(Element), [&](uint64_t element, uint64_t offset) {
    std::memcpy(elements + element * sizeof(Element), span + offset, sizeof(Element));
  });
}

static void copyOut(const snn_tensor_info &tensor, const std::byte *span, void *to) {
  if (snn_dtype_bytes(tensor.dtype) == 4)
    gather<float>(tensor, span, to);
  else
    gather<double>(tensor, span, to);
}

int32_t snn_instance_get_parameter(const snn_instance *instance, const char *name, void *data, uint64_t bytes) {
  return onInstance(instance,
                    [&] { copyOut(findParameter(*instance, name, data, bytes), instance->parameters(), data); });
}

int32_t snn_instance_get_gradient(const snn_instance *instance, const char *name, void *data, uint64_t bytes) {
  return onInstance(instance, [&] {
    const snn_tensor_info &tensor = findParameter(*instance, name, data, bytes);
    if (instance->layout.gradients == 0)
      throw Error(SNN_ERROR_UNSUPPORTED, "the model was compiled without gradients (--mode=infer)");
    copyOut(tensor, instance->gradients(), data);
  });
}

int32_t snn_instance_get_buffer(const snn_instance *instance, const char *name, void *data, uint64_t bytes) {
  return onInstance(instance, [&] { copyOut(findBuffer(*instance, name, data, bytes), instance->buffers(), data); });
}

static void copyIn(const snn_tensor_info &tensor, const void *data, std::byte *span) {
  const auto *from = static_cast<const std::byte *>(data);
  const uint64_t size = snn_dtype_bytes(tensor.dtype);
  forEachElement(tensor, size,
                 [&](uint64_t element, uint64_t offset) { std::memcpy(span + offset, from + element * size, size); });
}

int32_t snn_instance_set_parameter(snn_instance *instance, const char *name, const void *data, uint64_t bytes) {
  return onInstance(instance,
                    [&] { copyIn(findParameter(*instance, name, data, bytes), data, instance->parameters()); });
}

int32_t snn_instance_set_buffer(snn_instance *instance, const char *name, const void *data, uint64_t bytes) {
  return onInstance(instance, [&] { copyIn(findBuffer(*instance, name, data, bytes), data, instance->buffers()); });
}

void *snn_instance_span(snn_instance *instance, enum snn_span span, uint64_t *bytes) {
  void *start = nullptr;
  uint64_t size = 0;
  onInstance(instance, [&] {
    const snn_model_table &table = instance->table;
    switch (span) {
    case SNN_SPAN_PARAMETERS:
      start = instance->parameters(), size = table.parameter_bytes;
      return;
    case SNN_SPAN_GRADIENTS:
      start = instance->gradients(), size = instance->layout.gradients ? table.parameter_bytes : 0;
      return;
    case SNN_SPAN_OPTIMIZER:
      start = instance->optimizer(), size = table.optimizer_bytes;
      return;
    case SNN_SPAN_STATE:
      instance->stateIsZero = false;
      instance->stateIsShared = true;
      start = instance->stateMemory.data(), size = instance->layout.batch * table.state_bytes;
      return;
    case SNN_SPAN_BUFFERS:
      start = instance->buffers(), size = table.buffer_bytes;
      return;
    }
    throw Error(SNN_ERROR_ARGUMENT, "there is no span " + std::to_string(int(span)));
  });
  if (bytes)
    *bytes = size;
  return start;
}

uint64_t snn_instance_optimizer_step(const snn_instance *instance) { return instance ? instance->updates : 0; }

int32_t snn_instance_set_training(snn_instance *instance, uint64_t updates, uint64_t epochs) {
  return onInstance(instance, [&] {
    instance->plannedUpdates = updates;
    instance->plannedEpochs = epochs;
  });
}

void snn_instance_set_optimizer_step(snn_instance *instance, uint64_t updates) {
  if (instance)
    instance->updates = updates;
}
