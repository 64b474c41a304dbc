// Matches the tensors of a file with a model's inputs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/tools/InputBinding.h"
#include "runtime/train/Model.h"

#include <cstring>
#include <fmt/format.h>

using namespace snn;
using namespace snn::tools;

/// The tensor's elements in the type that the model takes; real types become each other, others do not.
static std::vector<std::byte> converted(const StoredTensor &stored, const snn_tensor_info &input,
                                        const std::string &label) {
  ElementType wanted = elementTypeOf(input.dtype);
  if (stored.type == wanted)
    return {stored.bytes.begin(), stored.bytes.end()};
  auto isReal = [](ElementType type) { return type == ElementType::F32 || type == ElementType::F64; };
  if (!isReal(stored.type) || !isReal(wanted))
    throw DataError(
        fmt::format("{} has dtype {}, but the model takes {}", label, stored.typeName, elementTypeName(wanted)));
  std::vector<double> numbers = numbersOf(stored, label);
  std::vector<std::byte> bytes(numbers.size() * elementBytes(wanted));
  if (wanted == ElementType::F64) {
    std::memcpy(bytes.data(), numbers.data(), bytes.size());
    return bytes;
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    float narrow = float(numbers[i]);
    std::memcpy(bytes.data() + i * sizeof(narrow), &narrow, sizeof(narrow));
  }
  return bytes;
}

/// Fills in batch and time from a shape; 0 means that they are not known yet. `stepsAreGiven`: by no other tensor.
static void matchShape(const StoredTensor &stored, const snn_tensor_info &input, const std::string &label,
                       bool stepsAreGiven, uint64_t &batch, uint64_t &steps) {
  bool fits = stored.shape.size() == input.rank;
  for (uint32_t d = 0; fits && d < input.rank; ++d) {
    int64_t found = stored.shape[d], expected = input.shape[d];
    if (expected >= 0) {
      fits = found == expected;
      continue;
    }
    uint64_t &extent = expected == SNN_EXTENT_BATCH ? batch : steps;
    const char *what = expected == SNN_EXTENT_BATCH ? "samples" : "time steps";
    if (found < 1)
      throw DataError(fmt::format("{} has shape {}: it has no {}", label, shapeText(stored.shape), what));
    if (extent != 0 && extent != uint64_t(found))
      throw DataError(fmt::format("{} has {} {}, {} {}", label, found, what,
                                  stepsAreGiven && &extent == &steps ? "expected" : "but others have", extent));
    extent = uint64_t(found);
  }
  if (!fits)
    throw DataError(
        fmt::format("{} has shape {}, but the model takes {}", label, shapeText(stored.shape), tableShapeText(input)));
}

BoundInputs tools::bindInputs(const snn_model_table &table, const TensorFile &file, const std::string &prefix,
                              std::optional<uint64_t> steps) {
  BoundInputs bound;
  bound.data.resize(table.input_count);
  bound.views.resize(table.input_count);
  if (table.steps > 0)
    bound.steps = uint64_t(table.steps);
  if (steps) {
    if (bound.steps != 0 && bound.steps != *steps)
      throw DataError(
          fmt::format("model \"{}\" has {} time steps, {} were asked for", table.name, bound.steps, *steps));
    bound.steps = *steps;
  }
  const bool stepsAreGiven = bound.steps != 0;
  if (table.input_count > 1) // beside the input
    bound.missing.clear();
  for (uint64_t i = 0; i < table.input_count; ++i) {
    const snn_tensor_info &input = table.inputs[i];
    std::string name = prefix + input.name;
    const StoredTensor *stored = file.find(name);
    if (!stored && !prefix.empty()) {
      name = input.name;
      stored = file.find(name);
    }
    if (!stored && std::string_view(input.name) != "input") {
      if (bound.missing.empty())
        bound.missing = input.name;
      continue;
    }
    if (!stored)
      throw DataError(fmt::format("{}: has no tensor \"{}\", which is an input of model \"{}\"", file.path(),
                                  input.name, table.name));
    std::string label = fmt::format("{}: tensor \"{}\"", file.path(), name);
    matchShape(*stored, input, label, stepsAreGiven, bound.batch, bound.steps);
    bound.data[i] = converted(*stored, input, label);
    bound.views[i].data = bound.data[i].data();
  }
  if (bound.batch == 0)
    throw DataError(fmt::format("{}: no input says how many samples there are", file.path()));
  if (bound.steps == 0)
    throw DataError(fmt::format("model \"{}\" leaves the number of time steps open: say --steps=N", table.name));
  if (table.steps < 0 && bound.steps > uint64_t(table.max_steps))
    throw DataError(fmt::format("{}: has {} time steps, model \"{}\" takes at most {}", file.path(), bound.steps,
                                table.name, table.max_steps));
  return bound;
}

std::vector<int64_t> tools::filledShape(const snn_tensor_info &tensor, uint64_t batch, uint64_t steps) {
  std::vector<int64_t> shape = shapeOf(tensor);
  for (int64_t &extent : shape)
    extent = extent == SNN_EXTENT_BATCH ? int64_t(batch) : extent == SNN_EXTENT_TIME ? int64_t(steps) : extent;
  return shape;
}

uint64_t tools::bytesPerTimeStep(const snn_tensor_info &tensor, uint64_t batch) {
  if (tensor.rank == 0 || tensor.shape[0] != SNN_EXTENT_TIME)
    return 0;
  uint64_t bytes = snn_dtype_bytes(tensor.dtype);
  for (int64_t extent : filledShape(tensor, batch, 1))
    bytes *= uint64_t(extent);
  return bytes;
}
