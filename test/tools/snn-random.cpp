// Writes random tensors that fit a model, in the form that snn-run reads.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Safetensors.h"
#include "test/tools/HostInstance.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <limits>

using namespace snn;
using namespace snn::test;

namespace {

struct Options {
  std::string model, out;
  uint64_t batch = 4, steps = 0, seed = 0;
  double gain = 2, high = 3, zeros = 0;
  bool labels = true;
  int64_t nanRow = -1, badLabelRow = -1;
};

TensorToWrite view(const HostTensor &tensor) {
  return {tensor.name, elementTypeOf(tensor.dtype), tensor.shape, tensor.bytes};
}

/// Spoils the first element of one sample; with time, that of the last step.
void spoil(HostTensor &input, bool overTime, uint64_t batch, int64_t row) {
  uint64_t steps = overTime ? uint64_t(input.shape[0]) : 1;
  uint64_t sample = input.size() / (steps * batch);
  input.set(((steps - 1) * batch + uint64_t(row)) * sample, std::numeric_limits<double>::quiet_NaN());
}

void write(const Options &options) {
  LibraryHandle library = openLibrary(options.model);
  const snn_model_table &table = *snn_library_table(library.get());
  uint64_t steps = table.steps > 0 ? uint64_t(table.steps) : options.steps ? options.steps : uint64_t(table.max_steps);
  if (steps > uint64_t(table.max_steps))
    throw std::runtime_error(fmt::format("the model takes at most {} steps", table.max_steps));
  HostInstance instance(table, options.batch, steps, 1, Poison::NotANumber);
  Random random(options.seed);
  instance.initialise(options.seed, options.gain);
  HostCall call(table, options.batch, steps);
  fillInputs(call, table, random, options.high);
  for (HostTensor &tensor : call.inputs)
    for (uint64_t element = 0; options.zeros > 0 && tensor.name == "input" && element < tensor.size(); ++element)
      if (random.uniform(0, 1) < options.zeros)
        tensor.set(element, 0);
  std::vector<HostTensor> tensors;
  // Beside `input` stand labels and targets; a text of a stage may have inputs of any name.
  const bool isModel = findTensor(table.inputs, table.input_count, "input").has_value();
  for (uint64_t i = 0; i < table.input_count; ++i) {
    HostTensor &tensor = call.inputs[i];
    if (tensor.dtype == SNN_DTYPE_I64 && options.badLabelRow >= 0)
      tensor.set(tensor.size() - options.batch + uint64_t(options.badLabelRow), table.inputs[i].init_high);
    if (isModel ? tensor.name != "input" : tensor.name == "labels") {
      if (!options.labels)
        continue;
    } else if (options.nanRow >= 0) {
      spoil(tensor, table.inputs[i].shape[0] != SNN_EXTENT_BATCH, options.batch, options.nanRow);
    }
    tensors.push_back(std::move(tensor));
  }
  for (uint64_t i = 0; i < table.parameter_count; ++i)
    tensors.push_back(instance.parameter(table.parameters[i]));
  for (uint64_t i = 0; i < table.buffer_count; ++i) { // as if something had been trained; a variance is positive
    HostTensor &buffer = tensors.emplace_back(table.buffers[i], 0, 0);
    for (uint64_t element = 0; element < buffer.size(); ++element)
      buffer.set(element, random.uniform(0.25, 1.75));
  }
  std::vector<TensorToWrite> views;
  for (const HostTensor &tensor : tensors)
    views.push_back(view(tensor));
  writeSafetensors(options.out, std::move(views));
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Examples:\n  snn-random model.so -o tensors.safetensors --batch=37\n\n"
               "Writes random parameters, inputs and labels that fit a model.\n",
               "snn-random");
  app.add_option("model", options.model, "the compiled network")->required();
  app.add_option("-o,--out", options.out, "the file to write")->required();
  app.add_option("--batch", options.batch, "samples")->capture_default_str();
  app.add_option("--steps", options.steps, "time steps, for a model that leaves them open");
  app.add_option("--seed", options.seed, "seed")->capture_default_str();
  app.add_option("--gain", options.gain, "factor on weights, so that all layers fire")->capture_default_str();
  app.add_option("--zeros", options.zeros, "share of the elements of inputs that are zero")->capture_default_str();
  app.add_option("--high", options.high, "upper bound of real inputs")->capture_default_str();
  app.add_flag("!--no-labels", options.labels, "leave labels and targets out");
  app.add_option("--nan-row", options.nanRow, "put a NaN into this sample");
  app.add_option("--bad-label-row", options.badLabelRow, "give this sample a label that is no class");
  CLI11_PARSE(app, argc, argv);
  try {
    write(options);
    return 0;
  } catch (const std::exception &error) {
    fmt::print(stderr, "snn-random: error: {}\n", error.what());
    return 1;
  }
}
