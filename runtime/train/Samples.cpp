// Arrays of files -> inputs of a model.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/train/Samples.h"
#include "runtime/core/Table.h"
#include "runtime/train/Model.h"
#include "runtime/train/Shuffle.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>

using namespace snn;

std::vector<snn_view> Batch::views(uint64_t firstStep) const {
  std::vector<snn_view> views;
  for (const Input &input : inputs)
    views.push_back({input.data.data() + firstStep * input.stepBytes, nullptr});
  return views;
}

const char *Samples::nameOf(Part part) {
  return part == Training ? "training" : part == Validation ? "validation" : "test";
}

namespace {

bool isOverTime(const snn_tensor_info &input) { return input.rank != 0 && input.shape[0] == SNN_EXTENT_TIME; }

/// What an input may be called in files; its own name first.
std::vector<std::string> namesOf(const snn_model_table &table, const snn_tensor_info &input) {
  std::vector<std::string> names = {input.name};
  auto isTaken = [&](const char *name) { return findTensor(table.inputs, table.input_count, name).has_value(); };
  auto add = [&](std::initializer_list<const char *> others) {
    for (const char *other : others)
      if (!isTaken(other))
        names.push_back(other);
  };
  if (names[0] == "input")
    add({"x", "data"});
  else if (table.input_count == 2 && isTaken("input"))
    add({"y", "target", "targets"});
  return names;
}

/// The one array of these names. Throws DataError if there are several.
std::optional<std::string> findName(const ArrayFiles &files, const std::vector<std::string> &names) {
  std::vector<std::string> found;
  std::copy_if(names.begin(), names.end(), std::back_inserter(found),
               [&](const auto &name) { return files.has(name); });
  if (found.size() > 1)
    throw DataError(
        fmt::format("{}: has \"{}\", each of which may be the same input of the model; expected one of them",
                    files.pathText(), fmt::join(found, "\" and \"")));
  return found.empty() ? std::nullopt : std::optional(found[0]);
}

std::vector<std::string> namesInPart(const std::vector<std::string> &names, Samples::Part part) {
  std::vector<std::string> prefixes = {part == Samples::Training ? "train"
                                       : part == Samples::Test   ? "test"
                                                                 : "validation"};
  if (part == Samples::Validation)
    prefixes.push_back("val");
  std::vector<std::string> result;
  for (const std::string &name : names)
    for (const std::string &prefix : prefixes)
      for (std::string form : {prefix + "." + name, prefix + "_" + name, name + "_" + prefix})
        result.push_back(std::move(form));
  return result;
}

} // namespace

std::optional<Samples> Samples::find(const snn_model_table &table, const ArrayFiles &files, Part part, Names which,
                                     bool timeFirst) {
  std::vector<std::optional<std::string>> found(table.input_count);
  std::function<std::vector<std::string>(uint64_t)> names = [&](uint64_t i) {
    return namesInPart(namesOf(table, table.inputs[i]), part);
  };
  auto search = [&] {
    for (uint64_t i = 0; i < table.input_count; ++i)
      found[i] = findName(files, names(i));
    return std::any_of(found.begin(), found.end(), [](const auto &name) { return name.has_value(); });
  };
  bool any = search();
  if (!any && which.plain) {
    names = [&](uint64_t i) { return namesOf(table, table.inputs[i]); };
    any = search();
  }
  if (!any && !which.needed)
    return std::nullopt;
  Samples samples(table, part);
  for (uint64_t i = 0; i < table.input_count; ++i) {
    if (!found[i])
      throw DataError(
          fmt::format("{}: has no {} data for input \"{}\" of model \"{}\", expected an array \"{}\"{}; it has {}",
                      files.pathText(), nameOf(part), table.inputs[i].name, table.name, fmt::join(names(i), "\" or \""),
                      any || !which.plain ? ""
                                          : fmt::format(", or a name with the split, such as \"{}\"",
                                                        namesInPart(namesOf(table, table.inputs[i]), part)[0]),
                      files.nameText()));
    samples.bind(table.inputs[i], files.load(*found[i]), timeFirst);
  }
  // Only what may not fit is read before it is needed.
  Batch batch;
  for (uint64_t i = 0; i < table.input_count; ++i)
    if (table.inputs[i].dtype == SNN_DTYPE_I64)
      samples.checkLabels(i);
  if (std::any_of(samples.inputs.begin(), samples.inputs.end(),
                  [](const Input &input) { return input.conversion.mayFail; }))
    for (const uint64_t &id : samples.ids)
      samples.gather(std::span(&id, 1), batch);
  return samples;
}

void Samples::bind(const snn_tensor_info &info, Array array, bool timeFirst) {
  const std::string &label = array.label;
  const ElementType wanted = elementTypeOf(info.dtype);
  const std::vector<int64_t> &shape = array.shape;
  auto fail = [&](const std::string &what) {
    throw DataError(fmt::format("{} {}; input \"{}\" of model \"{}\" is {} {}", label, what, info.name, table->name,
                                elementTypeName(wanted), tableShapeText(info)));
  };
  Input input;
  input.conversion = conversion(array.type, wanted);
  if (!input.conversion.convert)
    fail(fmt::format("has elements of type {}, which do not become {}", array.typeName, elementTypeName(wanted)));
  const bool overTime = isOverTime(info);
  if (shape.size() < (overTime ? 2 : 1))
    fail(
        fmt::format("has shape {}, expected {} at least", shapeText(shape), overTime ? "samples and time" : "samples"));
  const size_t sampleAxis = overTime && timeFirst ? 1 : 0, timeAxis = 1 - sampleAxis;

  std::vector<int64_t> extents, significant, expected;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    if (axis != sampleAxis && !(overTime && axis == timeAxis))
      extents.push_back(shape[axis]);
  auto isSignificant = [](int64_t extent) { return extent >= 0 && extent != 1; };
  std::copy_if(extents.begin(), extents.end(), std::back_inserter(significant), isSignificant);
  std::copy_if(info.shape, info.shape + info.rank, std::back_inserter(expected), isSignificant);
  if (significant != expected)
    fail(fmt::format("has shape {}, so its {} are {}", shapeText(shape), overTime ? "time steps" : "samples",
                     shapeText(extents)));

  const uint64_t count = uint64_t(shape[sampleAxis]);
  if (count == 0)
    fail(fmt::format("has shape {}: it has no samples", shapeText(shape)));
  if (!inputs.empty() && count != ids.size())
    fail(fmt::format("has {} samples, but {} has {}{}", count, inputs[0].array.label, ids.size(),
                     timeFirst ? "; --time-first says that time is its first axis where it has one"
                               : "; if time is the first axis, say --time-first"));
  ids.resize(count);
  std::iota(ids.begin(), ids.end(), uint64_t{0});
  if (overTime) {
    input.steps = uint64_t(shape[timeAxis]);
    input.timeStride = array.strides[timeAxis];
    const uint64_t most = uint64_t(table->steps > 0 ? table->steps : table->max_steps);
    if (input.steps == 0 || input.steps > most || (table->steps > 0 && input.steps != most))
      fail(fmt::format("has shape {}, so it has {} time steps, but the model has {}{}; {}", shapeText(shape),
                       input.steps, table->steps > 0 ? "" : "1 to ", most,
                       timeFirst ? "without --time-first, time is its second axis"
                                 : "if time is its first axis, say --time-first"));
    if (timeSteps && *timeSteps != input.steps)
      fail(fmt::format("has {} time steps, but others have {}", input.steps, *timeSteps));
    timeSteps = input.steps;
  }
  input.sampleStride = array.strides[sampleAxis];
  input.elementBytes = elementBytes(wanted);
  input.elements = 1;
  std::vector<int64_t> strides;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    if (axis != sampleAxis && !(overTime && axis == timeAxis)) {
      strides.push_back(array.strides[axis]);
      input.elements *= uint64_t(shape[axis]);
    }
  if (strides != contiguousStrides(extents, elementBytes(array.type), /*firstIsFastest=*/false))
    for (uint64_t element = 0; element < input.elements; ++element) {
      int64_t offset = 0;
      uint64_t rest = element;
      for (size_t axis = extents.size(); axis-- > 0; rest /= uint64_t(extents[axis]))
        offset += int64_t(rest % uint64_t(extents[axis])) * strides[axis];
      input.offsets.push_back(offset);
    }
  input.array = std::move(array);
  inputs.push_back(std::move(input));
}

/// Of all samples at once: a mistake is found before there is a run.
void Samples::checkLabels(uint64_t index) const {
  const snn_tensor_info &info = table->inputs[index];
  const int64_t classes = classesOf(*table, info);
  Batch batch;
  for (const uint64_t &id : ids) {
    gather(index, std::span(&id, 1), batch);
    const std::vector<std::byte> &bytes = batch.inputs[index].data;
    for (size_t at = 0; at < bytes.size(); at += sizeof(int64_t)) {
      int64_t label;
      std::memcpy(&label, bytes.data() + at, sizeof(label));
      if (label < 0 || label >= classes)
        throw DataError(fmt::format("{}: sample {} has label {}, expected 0 to {}, the classes of input \"{}\"",
                                    inputs[index].array.label, id, label, classes - 1, info.name));
    }
  }
}

Samples Samples::takeOut(uint64_t count, uint64_t seed, Part newPart) {
  std::vector<uint64_t> order = shuffledOrder(seed, 0, ids.size(), RandomPurpose::Validation);
  Samples taken = *this;
  taken.part = newPart;
  taken.ids.clear();
  std::vector<bool> isTaken(ids.size());
  for (uint64_t i = 0; i < count; ++i)
    isTaken[order[i]] = true;
  std::vector<uint64_t> left;
  for (uint64_t i = 0; i < ids.size(); ++i)
    (isTaken[i] ? taken.ids : left).push_back(ids[i]);
  ids = std::move(left);
  return taken;
}

void Samples::gather(std::span<const uint64_t> samples, Batch &batch) const {
  for (size_t i = 0; i < inputs.size(); ++i)
    gather(i, samples, batch);
}

void Samples::gather(size_t index, std::span<const uint64_t> samples, Batch &batch) const {
  const Input &input = inputs[index];
  const int64_t *offsets = input.offsets.empty() ? nullptr : input.offsets.data();
  const uint64_t bytes = input.elements * input.elementBytes, steps = std::max<uint64_t>(input.steps, 1);
  constexpr uint64_t kAhead = 2, kMostAhead = 1024; // samples; bytes
  const uint64_t sampleBytes = offsets ? 0 : input.elements * elementBytes(input.array.type);
  batch.inputs.resize(inputs.size());
  Batch::Input &output = batch.inputs[index];
  output.stepBytes = input.steps ? samples.size() * bytes : 0;
  output.data.resize(steps * samples.size() * bytes);
  std::byte *to = output.data.data();
  auto place = [&](uint64_t step, uint64_t sample) {
    return input.array.bytes.data() + int64_t(sample) * input.sampleStride + int64_t(step) * input.timeStride;
  };
  for (uint64_t step = 0; step < steps; ++step)
    for (size_t i = 0; i < samples.size(); ++i) {
      const uint64_t sample = samples[i];
      const std::byte *from = place(step, sample);
      // Samples are anywhere in memory: without that, the processor waits for the beginning of each.
      if (i + kAhead < samples.size()) {
        const std::byte *ahead = place(step, samples[i + kAhead]);
        for (uint64_t byte = 0; byte < std::min(sampleBytes, kMostAhead); byte += 64)
          __builtin_prefetch(ahead + byte);
      }
      const uint64_t done = input.conversion.convert(from, offsets, input.elements, to);
      if (done < input.elements)
        failValue(index, sample, from + (offsets ? offsets[done] : int64_t(done * elementBytes(input.array.type))));
      to += bytes;
    }
}

void Samples::failValue(size_t index, uint64_t sample, const std::byte *element) const {
  const Array &array = inputs[index].array;
  const ElementType wanted = elementTypeOf(table->inputs[index].dtype);
  throw DataError(
      fmt::format("{}: sample {} has the value {}, which is none of {}, the type of input \"{}\"{}", array.label,
                  sample, elementText(array.type, element), elementTypeName(wanted), table->inputs[index].name,
                  array.type == ElementType::F64 ? "; store the array as float32, or compile the model with "
                                                   "--precision=f64"
                                                 : ""));
}
