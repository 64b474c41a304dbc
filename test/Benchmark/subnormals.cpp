// Whether subnormal numbers slow a compiled model down: membranes that have decayed, errors that have, moments of Adam
// that have. Each entry is called with such numbers and with normal ones in turns; told are medians of the thread's
// time. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inputs and biases are zero, so that nothing but the decay moves a membrane, and no neuron fires: both calls do the
// same work on other numbers. Errors are measured with inputs, too, which both calls share.
#include "runtime/core/Instance.h"
#include "runtime/core/Table.h"
#include "runtime/train/Model.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <functional>
#include <random>

using namespace snn;

namespace {

double threadTime() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * double(now.tv_sec) + 1e-6 * double(now.tv_nsec);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

/// A model with zeros for inputs, and memory for all that a call may take.
class Bench {
public:
  Bench(const std::string &path, uint64_t batch, uint64_t steps)
      : library(openLibrary(path)), table(*snn_library_table(library.get())), batch(batch),
        steps(table.steps > 0 ? uint64_t(table.steps) : steps),
        instance(createInstance(library.get(), batch, this->steps, nullptr)) {
    if (table.precision != SNN_DTYPE_F32)
      throw std::runtime_error(path + ": expected a model of single precision");
    check(snn_instance_init(instance.get(), 0));
    for (uint64_t i = 0; i < table.parameter_count; ++i)
      if (std::string_view(table.parameters[i].name).ends_with("bias"))
        forEachElement(table.parameters[i], sizeof(float), [&](uint64_t, uint64_t offset) {
          std::memset(instance->parameters() + offset, 0, sizeof(float));
        });
    for (uint64_t i = 0; i < table.input_count; ++i) {
      inputs.emplace_back(elementsOf(table.inputs[i]) * 8);
      views.push_back({inputs.back().data(), nullptr});
    }
    state.resize(batch * table.state_bytes / sizeof(float));
  }

  snn_call call() {
    snn_call call = {};
    call.struct_size = sizeof(call);
    call.batch = batch;
    call.steps = steps;
    call.workers = 1;
    call.parameters = instance->parameters();
    call.gradients = instance->gradients();
    call.optimizer = instance->optimizer();
    call.buffers = instance->buffers();
    call.inputs = views.data();
    call.state_in = state.data();
    call.loss = &loss;
    call.optimizer_step = 1000;
    call.arena = instance->arena();
    call.arena_size = instance->layout.arena;
    return call;
  }

  /// Of bytes, about half of which are zero.
  void drawInputs() {
    std::minstd_rand random(1);
    for (uint64_t i = 0; i < table.input_count; ++i)
      if (table.inputs[i].dtype == SNN_DTYPE_U8)
        for (std::byte &byte : inputs[i])
          byte = std::byte(random() % 2 ? random() % 256 : 0);
  }

  uint64_t elementsOf(const snn_tensor_info &tensor) const {
    uint64_t elements = 1;
    for (uint64_t i = 0; i < tensor.rank; ++i)
      elements *= tensor.shape[i] == SNN_EXTENT_BATCH  ? batch
                  : tensor.shape[i] == SNN_EXTENT_TIME ? steps
                                                       : uint64_t(tensor.shape[i]);
    return elements;
  }

  LibraryHandle library;
  const snn_model_table &table;
  uint64_t batch, steps;
  InstanceHandle instance;
  std::vector<std::vector<std::byte>> inputs;
  std::vector<snn_view> views;
  std::vector<float> state;
  double loss = 0;
};

struct Case {
  std::string name;
  snn_entry_fn entry;
  snn_call call;
  std::function<void(float)> fill; ///< with numbers of that size
  float normal, subnormal;
};

void measure(const Case &of, uint64_t rounds) {
  std::vector<double> times[2];
  const float sizes[] = {of.normal, of.subnormal};
  for (uint64_t round = 0; round < rounds + 2; ++round)
    for (int which : {0, 1}) {
      of.fill(sizes[which]);
      double start = threadTime();
      if (int32_t code = of.entry(&of.call); code != SNN_OK)
        throw std::runtime_error(fmt::format("{} returned {}", of.name, code));
      if (round >= 2)
        times[which].push_back(threadTime() - start);
    }
  double normal = median(times[0]), subnormal = median(times[1]);
  fmt::print("| {} | {:.4g} ms | {:.4g} ms | {:.2f} |\n", of.name, normal, subnormal, subnormal / normal);
}

void run(Bench &bench, uint64_t rounds) {
  const snn_model_table &table = bench.table;
  fmt::print("| {}, {} samples, {} steps | normal | subnormal | ratio |\n|---|---|---|---|\n", table.name, bench.batch,
             bench.steps);
  auto fillState = [&](float value) { std::fill(bench.state.begin(), bench.state.end(), value); };
  std::vector<float> counts(bench.batch * uint64_t(table.classes));
  std::vector<void *> outputs(table.output_count);
  outputs[findTensor(table.outputs, table.output_count, "count").value()] = counts.data();
  // Below the threshold; after 1000 steps of 0.9 still normal.
  snn_call forward = bench.call();
  forward.outputs = outputs.data();
  measure({"membranes, `forward`", table.forward, forward, fillState, -1e8F, -1e-40F}, rounds);
  measure({"membranes, `loss_and_gradient`", table.loss_and_gradient, bench.call(), fillState, -1e8F, -1e-40F}, rounds);

  // Errors are as large as the gradient that the host gives for counts.
  snn_call errors = bench.call();
  errors.state_in = nullptr;
  std::vector<const void *> seeds(table.output_count);
  seeds[findTensor(table.outputs, table.output_count, "count").value()] = counts.data();
  errors.output_gradients = seeds.data();
  auto fillSeeds = [&](float value) { std::fill(counts.begin(), counts.end(), value); };
  // A bias sums the errors of its neuron, which have one sign here.
  auto errorOf = [&](float seed) {
    fillSeeds(seed);
    check(table.backward(&errors));
    double sum = 0;
    const snn_tensor_info &bias = table.parameters[table.parameter_count - 1];
    forEachElement(bias, sizeof(float), [&](uint64_t, uint64_t offset) {
      float value;
      std::memcpy(&value, bench.instance->gradients() + offset, sizeof(value));
      sum += std::abs(value);
    });
    return sum / double(elementCount(bias) * bench.batch * bench.steps);
  };
  for (const char *name : {"errors, `backward`", "the same with inputs, `backward`"}) {
    const auto subnormal = float(1e-39 / errorOf(1));
    if (errorOf(subnormal) == 0)
      throw std::runtime_error("no error is left of a subnormal one");
    measure({name, table.backward, errors, fillSeeds, 1, subnormal}, rounds);
    bench.drawInputs();
  }

  // Gradients are zero, as of weights that nothing reaches any more.
  std::memset(bench.instance->gradients(), 0, bench.instance->layout.gradients);
  // Adam's first moments lie before its second ones. The latter decay a hundred times as slowly.
  auto fillMoments = [&](float first, float second) {
    auto *moments = reinterpret_cast<float *>(bench.instance->optimizer());
    const size_t count = bench.instance->layout.optimizer / sizeof(float);
    std::fill_n(moments, count / 2, first);
    std::fill_n(moments + count / 2, count / 2, second);
  };
  rounds = std::max<uint64_t>(rounds, 1000); // of a short call
  measure({"first moments, `update`", table.update, bench.call(), [&](float value) { fillMoments(value, 1e-8F); },
           1e-3F, 1e-40F},
          rounds);
  measure({"second moments, `update`", table.update, bench.call(), [&](float value) { fillMoments(1e-12F, value); },
           1e-8F, 1e-40F},
          rounds);
  measure(
      {"both, `update`", table.update, bench.call(), [&](float value) { fillMoments(value, value); }, 1e-8F, 1e-40F},
      rounds);
}

} // namespace

int main(int argc, char **argv) {
  std::string model;
  uint64_t batch = 128, steps = 100, rounds = 15;
  CLI::App app("Examples:\n  subnormals fc100.so\n\nTimes a model with subnormal numbers beside normal ones.\n",
               "subnormals");
  app.add_option("model", model, "compiled network, with mse_count, Adam and no state but membranes")->required();
  app.add_option("--batch", batch, "samples")->capture_default_str();
  app.add_option("--steps", steps, "time steps, for a model that leaves them open")->capture_default_str();
  app.add_option("--rounds", rounds, "calls of each kind")->capture_default_str()->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    Bench bench(model, batch, steps);
    run(bench, rounds);
    return 0;
  } catch (const std::exception &error) {
    fmt::print(stderr, "subnormals: error: {}\n", error.what());
    return 1;
  }
}
