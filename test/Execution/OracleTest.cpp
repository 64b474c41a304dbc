// Compiled models against the oracle, for sizes that fit no vector and no chunk.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Network.h"
#include "test/tools/HostInstance.h"

#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>

using namespace snn;
using namespace snn::oracle;
using namespace snn::test;

namespace {

/// A network of the oracle, and how the same is written in our language.
struct Shape {
  const char *name;
  size_t batch, steps, inputs, hidden, outputs;
  bool overTime;
  const char *hiddenText, *outputText;
  Neuron hiddenNeuron, outputNeuron;
  size_t workers = 1;
};

Neuron leaky(double beta, Reset reset = Reset::Subtract, bool delay = true, Surrogate surrogate = {}) {
  Neuron neuron;
  neuron.beta = beta;
  neuron.reset = reset;
  neuron.delay = delay;
  neuron.surrogate = surrogate;
  return neuron;
}

Neuron synaptic(double alpha, double beta, Reset reset) {
  Neuron neuron = leaky(beta, reset);
  neuron.synaptic = true;
  neuron.alpha = alpha;
  return neuron;
}

const char *const plain = "leaky(beta = 0.9, surrogate = fast_sigmoid(slope = 25))";
const char *const learned = "leaky(beta = learn 0.9, threshold = learn 1.0, surrogate = fast_sigmoid(slope = 25))";
const char *const now = "leaky(beta = 0.8, reset = zero, delay = false, surrogate = atan(alpha = 2))";
const char *const current =
    "synaptic(alpha = learn 0.7, beta = 0.85, reset = zero, surrogate = fast_sigmoid(slope = 25))";
const Neuron nowNeuron = leaky(0.8, Reset::Zero, false, {SurrogateKind::Atan, 2});
const Neuron currentNeuron = synaptic(0.7, 0.85, Reset::Zero);

const Shape shapes[] = {
    {"one_of_everything", 1, 1, 1, 1, 10, false, plain, plain, leaky(0.9), leaky(0.9)},
    {"one_step", 37, 1, 30, 17, 50, false, plain, plain, leaky(0.9), leaky(0.9)},
    {"two_steps", 3, 2, 5, 7, 10, true, learned, learned, leaky(0.9), leaky(0.9)},
    {"odd", 37, 17, 19, 33, 70, true, learned, current, leaky(0.9), currentNeuron},
    {"odd_threads", 37, 17, 19, 33, 70, true, learned, current, leaky(0.9), currentNeuron, 3},
    {"still", 9, 25, 21, 16, 20, false, current, learned, currentNeuron, leaky(0.9)},
    {"same_step_reset", 8, 11, 16, 15, 30, true, now, now, nowNeuron, nowNeuron},
    {"wide", 5, 4, 130, 259, 100, false, plain, now, leaky(0.9), nowNeuron},
};

std::string textOf(const Shape &shape) {
  return fmt::format(R"(snn 1
model checked {{
  input f32[{}]{}
  steps {}
  linear({})
  {}
  linear({})
  {}
  {}
}}
train {{
  loss       mse_count(correct = 0.8, incorrect = 0.2)
  optimizer  adam(lr = 2e-3)
  batch      {}
  epochs     1
}}
)",
                     shape.inputs, shape.overTime ? " over time" : "", shape.steps, shape.hidden, shape.hiddenText,
                     shape.outputs, shape.outputText, shape.outputs > 10 ? "population(classes = 10)" : "",
                     shape.batch);
}

/// The state_dict names count layers from 0; without `flatten` the first linear is layer 0.
std::string oracleName(const std::string &name) {
  return std::to_string(std::stoi(name) + 1) + name.substr(name.find('.'));
}

void expectClose(const Array &got, const Array &want, double tolerance, const std::string &name) {
  ASSERT_EQ(got.size(), want.size()) << name;
  double scale = 0, error = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_TRUE(std::isfinite(got[i])) << name << " at " << i;
    scale = std::max(scale, std::abs(want[i]));
    error = std::max(error, std::abs(got[i] - want[i]));
  }
  EXPECT_LE(error, tolerance * scale) << name << ", largest value " << scale;
}

void compareWithOracle(const snn_model_table &table, const HostInstance &instance, HostCall &call,
                       const NetworkResult &want, double tolerance) {
  EXPECT_EQ(call.output("spikes")->values(), want.output.spikes.values);
  EXPECT_EQ(call.output("hidden.1")->values(), want.hidden.spikes.values);
  expectClose(call.output("membrane")->values(), want.output.membrane.values, tolerance, "membrane");
  expectClose(call.output("hidden_membrane.1")->values(), want.hidden.membrane.values, tolerance, "hidden membrane");
  expectClose({call.loss}, {want.loss}, tolerance, "loss");
  expectClose(call.output("grad.input")->values(), want.inputGradient.values, tolerance, "grad.input");
  expectClose(call.output("count")->values(), populationCount(want.output.spikes, 10).values, 0, "count");
  for (uint64_t i = 0; i < table.parameter_count; ++i)
    expectClose(instance.gradient(table.parameters[i]).values(),
                want.gradients.at(oracleName(table.parameters[i].name)), tolerance, table.parameters[i].name);
}

/// `margin`: draws in which rounding could flip a spike are passed over.
void compare(const Shape &shape, const std::string &flags, double margin, double tolerance) {
  LibraryHandle library = openLibrary(compileText(textOf(shape), flags));
  const snn_model_table &table = *snn_library_table(library.get());
  Network network{shape.hiddenNeuron, shape.outputNeuron, {0.8, 0.2, 10}, shape.steps};
  for (uint64_t seed = 0; seed < 50; ++seed) {
    HostInstance instance(table, shape.batch, shape.steps, shape.workers, Poison::Pattern);
    instance.initialise(seed, 2);
    HostCall call(table, shape.batch, shape.steps);
    Random random(seed);
    fillInputs(call, table, random, 3);
    Parameters parameters;
    for (uint64_t i = 0; i < table.parameter_count; ++i)
      parameters[oracleName(table.parameters[i].name)] = instance.parameter(table.parameters[i]).values();
    Series input(shape.overTime ? shape.steps : 1, shape.batch, shape.inputs);
    input.values = call.input("input")->values();
    std::vector<int64_t> labels;
    for (double label : call.input("labels")->values())
      labels.push_back(int64_t(label));
    NetworkResult want = evaluate(network, parameters, input, labels);
    if (want.margin < margin)
      continue;

    instance.lossAndGradient(call);
    compareWithOracle(table, instance, call, want, tolerance);
    std::vector<std::byte> outputs = call.outputBits(), gradients = instance.gradientBits();
    instance.trainStep(call);

    HostInstance other(table, shape.batch, shape.steps, shape.workers, Poison::NotANumber);
    other.initialise(seed, 2);
    other.lossAndGradient(call);
    EXPECT_EQ(call.outputBits(), outputs) << "what memory held before the call matters";
    EXPECT_EQ(other.gradientBits(), gradients) << "what memory held before the call matters";
    other.update();
    EXPECT_EQ(other.parameterBits(), instance.parameterBits()) << "what padding held matters to the update";
    return;
  }
  FAIL() << "no draw keeps its membranes away from the thresholds";
}

class Compiled : public testing::TestWithParam<Shape> {};

// Double precision checks the mathematics, single precision the code that is really used (other vectors, other
// padding).
TEST_P(Compiled, AgreesInDouble) { compare(GetParam(), "--precision=f64", 1e-9, 1e-10); }
TEST_P(Compiled, AgreesInSingle) { compare(GetParam(), "", 1e-5, 1e-4); }

INSTANTIATE_TEST_SUITE_P(Shapes, Compiled, testing::ValuesIn(shapes),
                         [](const testing::TestParamInfo<Shape> &info) { return std::string(info.param.name); });

} // namespace
