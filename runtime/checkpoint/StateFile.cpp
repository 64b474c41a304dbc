// Saving and loading of neuron states.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/checkpoint/StateFile.h"
#include "runtime/checkpoint/TableTensors.h"
#include "runtime/core/Error.h"
#include "runtime/core/Table.h"
#include "runtime/data/Errors.h"

#include <charconv>
#include <cstring>
#include <fmt/format.h>

using namespace snn;

static constexpr const char *firstStepKey = "first_step";

static void checkBatch(const snn_instance &instance, uint64_t batch) {
  if (batch == 0 || batch > instance.layout.batch)
    throw Error(SNN_ERROR_ARGUMENT,
                fmt::format("states of {} samples, expected 1 to {}, for which the instance is made", batch,
                            instance.layout.batch));
}

static std::vector<int64_t> batchShape(const snn_tensor_info &state, uint64_t batch) {
  std::vector<int64_t> shape = shapeOf(state);
  shape.insert(shape.begin(), int64_t(batch));
  return shape;
}

/// Calls visit(element of the tensor of all samples, byte of the span) for each element of a state.
template <typename Visit>
static void forEachOfBatch(const snn_model_table &table, const snn_tensor_info &state, uint64_t batch, Visit &&visit) {
  const uint64_t elements = elementCount(state);
  for (uint64_t row = 0; row < batch; ++row)
    forEachElement(state, snn_dtype_bytes(state.dtype), [&](uint64_t element, uint64_t offset) {
      visit(row * elements + element, row * table.state_bytes + offset);
    });
}

void snn::saveState(const std::string &path, const snn_instance &instance, uint64_t batch) {
  checkBatch(instance, batch);
  const snn_model_table &table = instance.table;
  std::vector<OwnedTensor> tensors;
  for (uint64_t i = 0; i < table.state_count; ++i) {
    const snn_tensor_info &state = table.states[i];
    OwnedTensor &tensor = tensors.emplace_back(emptyTensor(state.name, state.dtype, batchShape(state, batch)));
    const uint64_t size = snn_dtype_bytes(state.dtype);
    forEachOfBatch(table, state, batch, [&](uint64_t element, uint64_t byte) {
      std::memcpy(tensor.bytes.data() + element * size, instance.stateMemory.data() + byte, size);
    });
    if (std::optional<NotFinite> found = findNotFinite(tensor))
      throw DataError(fmt::format("state \"{}\" is {} at element {}, expected finite numbers", state.name, found->value,
                                  found->element));
  }
  std::vector<TensorToWrite> views;
  for (const OwnedTensor &tensor : tensors)
    views.push_back(tensor.view());
  writeSafetensors(path, std::move(views),
                   {{"model", table.name}, {firstStepKey, std::to_string(instance.stepsTaken)}});
}

static uint64_t firstStepOf(const TensorFile &file) {
  auto entry = file.metadata().find(firstStepKey);
  if (entry == file.metadata().end())
    throw DataError(
        fmt::format("{}: its metadata have no \"{}\", so it is no file of neuron states", file.path(), firstStepKey));
  const std::string &text = entry->second;
  uint64_t steps = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), steps);
  if (error != std::errc() || end != text.data() + text.size())
    throw DataError(fmt::format("{}: \"{}\" is \"{}\", expected a whole number", file.path(), firstStepKey, text));
  return steps;
}

static OwnedTensor readState(const snn_tensor_info &state, uint64_t batch, const TensorFile &file,
                             const snn_model_table &table) {
  const StoredTensor *stored = file.find(state.name);
  if (!stored)
    throw DataError(fmt::format("{}: has no state \"{}\", which model \"{}\" needs; it belongs to another model",
                                file.path(), state.name, table.name));
  const std::string label = fmt::format("{}: state \"{}\"", file.path(), state.name);
  const std::vector<int64_t> expected = batchShape(state, batch);
  const bool sameSample = stored->shape.size() == expected.size() &&
                          std::equal(expected.begin() + 1, expected.end(), stored->shape.begin() + 1);
  if (stored->shape != expected)
    throw DataError(fmt::format("{} has shape {}, expected {}; {}", label, shapeText(stored->shape),
                                shapeText(expected),
                                sameSample ? "it is of another batch size" : "it belongs to another model"));
  return convertStored(*stored, state.name, state.dtype, label);
}

void snn::loadState(snn_instance &instance, uint64_t batch, const TensorFile &file) {
  checkBatch(instance, batch);
  const snn_model_table &table = instance.table;
  const uint64_t firstStep = firstStepOf(file);
  for (const auto &[name, stored] : file.tensors())
    if (!findTensor(table.states, table.state_count, name))
      throw DataError(
          fmt::format("{}: has a state \"{}\", which model \"{}\" does not have; it belongs to another model",
                      file.path(), name, table.name));
  std::vector<OwnedTensor> tensors;
  for (uint64_t i = 0; i < table.state_count; ++i)
    tensors.push_back(readState(table.states[i], batch, file, table));

  instance.resetState();
  instance.stateIsZero = false;
  instance.stepsTaken = firstStep;
  for (uint64_t i = 0; i < table.state_count; ++i) {
    const uint64_t size = snn_dtype_bytes(table.states[i].dtype);
    forEachOfBatch(table, table.states[i], batch, [&](uint64_t element, uint64_t byte) {
      std::memcpy(instance.stateMemory.data() + byte, tensors[i].bytes.data() + element * size, size);
    });
  }
}
