// Compiled gradients against differences.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A difference of fourth order has two errors: what it leaves out, which grows with its width, and rounding, which
// grows as it narrows. How much the loss rounds is measured, for each tensor; then some widths are tried, and a right
// gradient agrees with one of them. A wrong one agrees with none, nor does that at a kink: there the slopes to the two
// sides stay apart however narrow they get.
#include "runtime/tools/GradCheck.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/core/Table.h"
#include "runtime/tools/InputBinding.h"
#include "runtime/train/Model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <random>
#include <utility>

using namespace snn;
using namespace snn::tools;

namespace {

constexpr int points = 4; // that are tried for a tensor with kinks, or that no gradient reaches
constexpr int directionsAtPoint = 3, elementsAtPoint = 4;
constexpr uint64_t samplesByDefault = 4, stepsByDefault = 8; // of two samples, a batch norm makes constants
/// Beyond this share of a gradient the noise of its differences hides too much.
constexpr double mostNoise = 1e-3;

using Values = std::vector<double>;

class Random {
public:
  explicit Random(uint64_t seed) : engine(seed) {}
  uint64_t below(uint64_t bound) { return engine() % bound; }
  double uniform() { return double(engine() >> 11) * 0x1p-53; }

private:
  std::mt19937_64 engine;
};

Values numbersIn(const std::vector<std::byte> &bytes) {
  Values values(bytes.size() / sizeof(double));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

uint64_t elementsOf(const std::vector<int64_t> &shape) {
  uint64_t count = 1;
  for (int64_t extent : shape)
    count *= uint64_t(extent);
  return count;
}

bool isDetached(const char *name) { return std::strncmp(name, "detached.", 9) == 0; }

/// One of the two compiled forms, with memory for its calls.
struct Form {
  LibraryHandle library;
  const snn_model_table *table;
  InstanceHandle instance;
  std::vector<std::vector<std::byte>> inputs, outputs;
  std::vector<std::byte> buffers; // at the start of each call, which may change them

  explicit Form(const std::string &path) : library(openLibrary(path)), table(snn_library_table(library.get())) {}

  std::vector<std::byte> memoryOf(const snn_tensor_info &info, uint64_t batch, uint64_t steps) const {
    return std::vector<std::byte>(elementsOf(filledShape(info, batch, steps)) * snn_dtype_bytes(info.dtype));
  }

  void prepare(uint64_t batch, uint64_t steps) {
    instance = createInstance(library.get(), batch, steps, nullptr);
    for (uint64_t i = 0; i < table->input_count; ++i)
      inputs.push_back(memoryOf(table->inputs[i], batch, steps));
    outputs.resize(table->output_count);
  }

  /// The outputs that have memory are written.
  double loss(uint64_t batch, uint64_t steps) {
    uint64_t bytes = 0;
    void *span = snn_instance_span(instance.get(), SNN_SPAN_BUFFERS, &bytes);
    if (bytes > 0)
      std::memcpy(span, buffers.data(), bytes);
    std::vector<snn_view> views(inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i)
      views[i].data = inputs[i].data();
    std::vector<void *> pointers;
    for (std::vector<std::byte> &output : outputs)
      pointers.push_back(output.empty() ? nullptr : output.data());
    double result = 0;
    snn_batch call = {};
    call.struct_size = sizeof(call);
    call.batch = batch;
    call.steps = steps;
    call.inputs = views.data();
    call.outputs = pointers.data();
    call.loss = &result;
    check(snn_instance_loss_and_gradient(instance.get(), &call));
    return result;
  }
};

/// A tensor that moves.
struct Moved {
  const snn_tensor_info *info;
  std::optional<uint64_t> input, gradientOutput; // places among inputs and outputs; of a parameter nothing
  Values values, gradient;
};

/// A direction, and what is found along it.
struct Probe {
  std::vector<std::pair<uint64_t, double>> direction; // of each element that takes part
  double compiled = 0, scale = 0;
  double difference = 0, noise = 0;
  double error = 0, found = 0; // relative, without and with what the noise explains
  bool kink = false;
};

class Check {
public:
  Check(const std::string &recording, const std::string &replaying, const GradCheckOptions &options)
      : options(options), recorded(recording), replayed(replaying) {
    choosePoint();
  }

  GradCheckResult run() {
    GradCheckResult result{recorded.table->name, batch, steps, describe()};
    for (int point = 0; point < points; ++point) {
      bool isMoved = false;
      for (size_t i = 0; i < moved.size(); ++i) {
        CheckedGradient &found = result.tensors[i];
        if (point > 0 && (found.verdict == GradVerdict::Agrees || found.verdict == GradVerdict::Differs))
          continue;
        if (!isMoved)
          moveTo(point);
        isMoved = true;
        found = probe(moved[i], found);
      }
      if (!isMoved)
        break;
    }
    return result;
  }

private:
  void choosePoint() {
    const snn_model_table &table = *recorded.table;
    auto fileHas = [&](const snn_tensor_info *tensors, uint64_t count) {
      return options.file && std::any_of(tensors, tensors + count, [&](const snn_tensor_info &info) {
               return options.file->find(info.name) != nullptr;
             });
    };
    const bool hasInputs = fileHas(table.inputs, table.input_count);
    fileHasWeights = fileHas(table.parameters, table.parameter_count) || fileHas(table.buffers, table.buffer_count);
    if (options.file && !fileHasWeights && !hasInputs)
      throw DataError(fmt::format("{}: has neither a parameter, a buffer nor an input of model \"{}\"",
                                  options.file->path(), table.name));
    if (options.file)
      checkConstants(table, *options.file);
    if (hasInputs) {
      given = bindInputs(table, *options.file, "", options.steps);
      batch = given->batch;
      if (options.batch && *options.batch != batch)
        throw DataError(
            fmt::format("{}: has {} samples, {} were asked for", options.file->path(), batch, *options.batch));
      steps = given->steps;
    } else {
      batch = options.batch.value_or(samplesByDefault);
      steps = table.steps > 0 ? uint64_t(table.steps)
                              : options.steps.value_or(std::min(stepsByDefault, uint64_t(table.max_steps)));
      if (options.steps && *options.steps != steps)
        throw DataError(
            fmt::format("model \"{}\" has {} time steps, {} were asked for", table.name, steps, *options.steps));
      if (steps > uint64_t(table.max_steps))
        throw DataError(fmt::format("model \"{}\" takes 1 to {} time steps, {} were asked for", table.name,
                                    table.max_steps, steps));
    }
    recorded.prepare(batch, steps);
    replayed.prepare(batch, steps);
  }

  /// The rows of the result, in the order of `moved`; inputs that are not differentiated come last.
  std::vector<CheckedGradient> describe() {
    const snn_model_table &table = *recorded.table;
    std::vector<CheckedGradient> rows, others;
    auto row = [&](const snn_tensor_info &info) {
      CheckedGradient result;
      result.name = info.name;
      result.dtype = info.dtype;
      result.shape = filledShape(info, batch, steps);
      return result;
    };
    for (uint64_t i = 0; i < table.parameter_count; ++i) {
      moved.push_back({&table.parameters[i], {}, {}, {}, {}});
      rows.push_back(row(table.parameters[i]));
    }
    for (uint64_t i = 0; i < table.input_count; ++i) {
      const auto output = findTensor(table.outputs, table.output_count, "grad." + std::string(table.inputs[i].name));
      if (!output || table.inputs[i].dtype != SNN_DTYPE_F64) {
        others.push_back(row(table.inputs[i]));
        continue;
      }
      moved.push_back({&table.inputs[i], i, output, {}, {}});
      rows.push_back(row(table.inputs[i]));
      recorded.outputs[*output] = recorded.memoryOf(table.outputs[*output], batch, steps);
    }
    for (uint64_t i = 0; i < table.output_count; ++i)
      if (isDetached(table.outputs[i].name))
        recorded.outputs[i] = recorded.memoryOf(table.outputs[i], batch, steps);
    rows.insert(rows.end(), others.begin(), others.end());
    return rows;
  }

  /// Towards zero by up to a twentieth, so that what must be less than 1 stays so, and away from zero itself.
  static void perturb(Values &values, Random &random) {
    for (double &value : values)
      value = std::abs(value) < 1e-3 ? value + (random.uniform() - 0.5) / 32 : value * (1 - random.uniform() / 20);
  }

  std::vector<std::byte> randomInput(const snn_tensor_info &info, uint64_t bytes, Random &random) {
    std::vector<std::byte> result(bytes);
    const uint64_t size = snn_dtype_bytes(info.dtype);
    for (uint64_t offset = 0; offset < bytes; offset += size) {
      if (info.dtype == SNN_DTYPE_F64) {
        double value = random.uniform();
        std::memcpy(result.data() + offset, &value, size);
      } else {
        uint64_t value = random.below(info.dtype == SNN_DTYPE_U8 ? 256 : uint64_t(classesOf(*recorded.table, info)));
        std::memcpy(result.data() + offset, &value, size); // little-endian, as all that there is code for
      }
    }
    return result;
  }

  /// Chooses values for everything, and computes there the loss, the gradients and the detached values. The first point
  /// is that of the file.
  void moveTo(int point) {
    const snn_model_table &table = *recorded.table;
    const uint64_t seed = options.seed + uint64_t(point);
    Random random(seed);
    for (Form *form : {&recorded, &replayed})
      check(snn_instance_init(form->instance.get(), seed)); // seeds random numbers of the model too
    if (fileHasWeights)
      loadCheckpoint(recorded.instance.get(), table, *options.file, OtherTensors::Ignore);
    uint64_t bytes = 0;
    const auto *buffers =
        static_cast<const std::byte *>(snn_instance_span(recorded.instance.get(), SNN_SPAN_BUFFERS, &bytes));
    recorded.buffers.assign(buffers, buffers + bytes);
    replayed.buffers = recorded.buffers;

    for (uint64_t i = 0; i < table.input_count; ++i) {
      std::vector<std::byte> &input = recorded.inputs[i];
      const bool isGiven = given && !given->data[i].empty();
      input = isGiven ? given->data[i] : randomInput(table.inputs[i], input.size(), random);
      if (isGiven && point > 0 && table.inputs[i].dtype == SNN_DTYPE_F64) {
        Values values = numbersIn(input);
        perturb(values, random);
        std::memcpy(input.data(), values.data(), input.size());
      }
      replayed.inputs[placeInReplayed(table.inputs[i].name)] = input;
    }
    for (Moved &tensor : moved) {
      if (tensor.input) {
        tensor.values = numbersIn(recorded.inputs[*tensor.input]);
        continue;
      }
      tensor.values.resize(elementsOf(shapeOf(*tensor.info)));
      const uint64_t size = tensor.values.size() * sizeof(double);
      check(snn_instance_get_parameter(recorded.instance.get(), tensor.info->name, tensor.values.data(), size));
      if (!fileHasWeights && tensor.info->rank >= 2) // so that deep layers fire
        for (double &value : tensor.values)
          value *= 2;
      if (!fileHasWeights || point > 0)
        perturb(tensor.values, random);
      for (Form *form : {&recorded, &replayed})
        check(snn_instance_set_parameter(form->instance.get(), tensor.info->name, tensor.values.data(), size));
    }

    base = recorded.loss(batch, steps);
    if (!std::isfinite(base))
      throw DataError(fmt::format("model \"{}\": the loss is {} where gradients were to be checked; name a file with "
                                  "values for which it is a number",
                                  table.name, base));
    for (Moved &tensor : moved) {
      if (tensor.gradientOutput) {
        tensor.gradient = numbersIn(recorded.outputs[*tensor.gradientOutput]);
        continue;
      }
      tensor.gradient.resize(tensor.values.size());
      check(snn_instance_get_gradient(recorded.instance.get(), tensor.info->name, tensor.gradient.data(),
                                      tensor.gradient.size() * sizeof(double)));
    }
    for (uint64_t i = 0; i < table.output_count; ++i)
      if (isDetached(table.outputs[i].name))
        replayed.inputs[placeInReplayed(table.outputs[i].name)] = recorded.outputs[i];
    const double again = replayed.loss(batch, steps);
    if (!(std::abs(again - base) <= 1e-10 * std::max(std::abs(base), 1.0)))
      throw std::logic_error(fmt::format("with its own detached values the loss is {} instead of {}", again, base));
    directions = Random(seed ^ 0x5eed);
  }

  uint64_t placeInReplayed(const char *name) const {
    const auto place = findTensor(replayed.table->inputs, replayed.table->input_count, name);
    if (!place)
      throw std::logic_error(fmt::format("the model that takes detached values has no input {}", name));
    return *place;
  }

  void put(const Moved &tensor, const Values &values) {
    const uint64_t size = values.size() * sizeof(double);
    if (tensor.input)
      std::memcpy(replayed.inputs[placeInReplayed(tensor.info->name)].data(), values.data(), size);
    else
      check(snn_instance_set_parameter(replayed.instance.get(), tensor.info->name, values.data(), size));
  }

  double lossAt(const Moved &tensor, const Probe &probe, double distance) {
    Values values = tensor.values;
    for (auto [element, share] : probe.direction)
      values[element] += distance * share;
    put(tensor, values);
    const double loss = replayed.loss(batch, steps);
    put(tensor, tensor.values);
    return loss;
  }

  /// How far rounding throws the loss: second differences so narrow that nothing else is in them.
  double noiseOf(const Moved &tensor, const Probe &probe, double unit) {
    double noise = std::numeric_limits<double>::epsilon() * std::abs(base), before[2] = {0, 0};
    for (int step = 1; step <= 8; ++step) {
      const double loss = lossAt(tensor, probe, unit * step * 0x1p-34);
      if (step > 2)
        noise = std::max(noise, std::abs(loss - 2 * before[1] + before[0]));
      before[0] = std::exchange(before[1], loss);
    }
    return noise;
  }

  void compare(const Moved &tensor, Probe &probe, double unit, double noise) {
    auto at = [&](double distance) { return lossAt(tensor, probe, distance); };
    const double most = 2 * noise / (unit * 0x1p-14);
    probe.error = std::numeric_limits<double>::infinity();
    double scale = probe.scale;
    for (double share : {0x1p-14, 0x1p-18, 0x1p-22, 0x1p-10}) {
      const double width = unit * share, rounding = 2 * noise / width;
      if (rounding > std::max(most, options.tolerance * scale))
        continue;
      const double slope = (8 * (at(width) - at(-width)) - (at(2 * width) - at(-2 * width))) / (12 * width);
      scale = std::max(probe.scale, std::abs(slope));
      const double off = std::max(0.0, std::abs(slope - probe.compiled) - rounding);
      const double error = off == 0 ? 0 : off / scale;
      const double ofScale = scale == 0 ? 0 : rounding / scale;
      const bool isGood = error <= options.tolerance, isFirst = !std::isfinite(probe.error);
      if (isFirst || error < probe.error || (isGood && ofScale < probe.noise)) {
        probe.difference = slope;
        probe.error = error;
        probe.found = probe.scale == 0 ? error : std::abs(slope - probe.compiled) / scale;
        probe.noise = ofScale;
      }
      if (isGood && probe.noise <= mostNoise)
        return;
    }
    if (probe.error <= options.tolerance)
      return;
    // Between the slopes to the two sides; where the loss is smooth it goes as the width does.
    auto gap = [&](double width) { return std::abs(at(width) - 2 * base + at(-width)) / width; };
    const double width = unit * 0x1p-18, narrow = gap(width);
    probe.kink = narrow > gap(16 * width) / 4 && narrow - 4 * noise / width > options.tolerance * scale;
  }

  CheckedGradient probe(const Moved &tensor, const CheckedGradient &before);
  Probe located(const Moved &tensor, Probe probe, double largest, double unit, double noise);

  const GradCheckOptions &options;
  Form recorded, replayed;
  uint64_t batch = 0, steps = 0;
  std::optional<BoundInputs> given;
  bool fileHasWeights = false;
  std::vector<Moved> moved;
  double base = 0;
  Random directions{0};
};

/// Halves a direction that is off until one element is left: one half has at least half of what is off.
Probe Check::located(const Moved &tensor, Probe probe, double largest, double unit, double noise) {
  while (probe.direction.size() > 1) {
    Probe halves[2];
    for (size_t i = 0; i < probe.direction.size(); ++i) {
      Probe &half = halves[i % 2];
      half.direction.push_back(probe.direction[i]);
      half.compiled += tensor.gradient[probe.direction[i].first] * probe.direction[i].second;
    }
    for (Probe &half : halves) {
      half.scale = largest;
      compare(tensor, half, unit, noise);
    }
    auto off = [](const Probe &half) { return std::abs(half.difference - half.compiled); };
    probe = off(halves[1]) > off(halves[0]) ? halves[1] : halves[0];
  }
  return probe;
}

CheckedGradient Check::probe(const Moved &tensor, const CheckedGradient &before) {
  CheckedGradient result{before.name, before.dtype, before.shape};
  const uint64_t size = tensor.values.size();
  double squares = 0, gradientSquares = 0;
  uint64_t strongest = 0;
  for (uint64_t i = 0; i < size; ++i) {
    if (!std::isfinite(tensor.gradient[i])) {
      result.verdict = GradVerdict::Differs;
      result.error = std::numeric_limits<double>::infinity();
      result.worst = i;
      result.compiled = tensor.gradient[i];
      result.difference = std::numeric_limits<double>::quiet_NaN(); // nobody asked
      return result;
    }
    squares += tensor.values[i] * tensor.values[i];
    gradientSquares += tensor.gradient[i] * tensor.gradient[i];
    if (std::abs(tensor.gradient[i]) > std::abs(tensor.gradient[strongest]))
      strongest = i;
  }
  result.largest = std::abs(tensor.gradient[strongest]);
  const double unit = std::clamp(std::sqrt(squares / double(size)), 0x1p-6, 0x1p6);

  std::vector<Probe> probes;
  for (int i = 0; i < directionsAtPoint && size > 1; ++i) { // sees every element
    Probe &probe = probes.emplace_back();
    for (uint64_t element = 0; element < size; ++element) {
      probe.direction.push_back({element, directions.below(2) ? 1 : -1});
      probe.compiled += tensor.gradient[element] * probe.direction.back().second;
    }
    probe.scale = std::sqrt(gradientSquares);
  }
  const uint64_t elements = options.all ? size : std::min(size, uint64_t(elementsAtPoint));
  for (uint64_t i = 0; i < elements; ++i) {
    const uint64_t element = elements == size ? i : i == 0 ? strongest : directions.below(size);
    Probe &probe = probes.emplace_back();
    probe.direction = {{element, 1}};
    probe.compiled = tensor.gradient[element];
    probe.scale = result.largest;
  }

  const double noise = noiseOf(tensor, probes.front(), unit);
  bool kink = false, differs = false;
  double rounding = 0, worst = -1;
  for (Probe &probe : probes) {
    compare(tensor, probe, unit, noise);
    const bool isOff = !(probe.error <= options.tolerance);
    kink |= isOff && probe.kink;
    rounding = std::max(rounding, probe.noise);
    Probe element = probe;
    if (isOff && !probe.kink && !differs && probe.direction.size() > 1)
      element = located(tensor, probe, result.largest, unit, noise);
    differs |= isOff && !probe.kink;
    result.error = std::max(result.error, probe.found);
    if (element.direction.size() == 1 && element.found > worst) {
      worst = element.found;
      result.worst = element.direction.front().first;
      result.compiled = element.compiled;
      result.difference = element.difference;
    }
  }
  result.verdict = differs                ? GradVerdict::Differs
                   : kink                 ? GradVerdict::Kink
                   : result.largest == 0  ? GradVerdict::Unreached
                   : rounding > mostNoise ? GradVerdict::TooSmall
                                          : GradVerdict::Agrees;
  return result;
}

} // namespace

GradCheckResult tools::checkGradients(const std::string &recording, const std::string &replaying,
                                      const GradCheckOptions &options) {
  return Check(recording, replaying, options).run();
}
