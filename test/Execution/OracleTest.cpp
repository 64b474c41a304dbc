// Compiled models against the oracle, for sizes that fit no vector and no chunk.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Network.h"
#include "test/tools/HostInstance.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>

using namespace snn;
using namespace snn::oracle;
using namespace snn::test;

namespace {

/// A layer of neurons and the linear layer before it: for the oracle, and in our language.
struct Layer {
  size_t width;
  std::string text;
  Neuron neuron;
};

/// A network of the oracle, and how the same is written in our language.
struct Shape {
  std::string name;
  size_t batch, steps, inputs;
  bool overTime;
  std::vector<Layer> layers;
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

std::vector<Layer> two(size_t hidden, const char *hiddenText, const Neuron &hiddenNeuron, size_t outputs,
                       const char *outputText, const Neuron &outputNeuron) {
  return {{hidden, hiddenText, hiddenNeuron}, {outputs, outputText, outputNeuron}};
}

const Shape shapes[] = {
    {"one_of_everything", 1, 1, 1, false, two(1, plain, leaky(0.9), 10, plain, leaky(0.9))},
    {"one_step", 37, 1, 30, false, two(17, plain, leaky(0.9), 50, plain, leaky(0.9))},
    {"two_steps", 3, 2, 5, true, two(7, learned, leaky(0.9), 10, learned, leaky(0.9))},
    {"odd", 37, 17, 19, true, two(33, learned, leaky(0.9), 70, current, currentNeuron)},
    {"odd_threads", 37, 17, 19, true, two(33, learned, leaky(0.9), 70, current, currentNeuron), 3},
    {"still", 9, 25, 21, false, two(16, current, currentNeuron, 20, learned, leaky(0.9))},
    {"same_step_reset", 8, 11, 16, true, two(15, now, nowNeuron, 30, now, nowNeuron)},
    {"wide", 5, 4, 130, false, two(259, plain, leaky(0.9), 100, now, nowNeuron)},
    {"one_layer", 37, 7, 19, true, {{30, learned, leaky(0.9)}}},
};

/// Draws a network of 1 to 5 layers of any kind of neurons; the number of steps goes through `kSteps` with the seed.
class RandomShape {
public:
  explicit RandomShape(uint64_t seed) : random(seed + 1) {
    constexpr size_t kSteps[] = {1, 2, 7, 64}, kBatches[] = {1, 3, 17, 37};
    shape.steps = kSteps[seed % std::size(kSteps)];
    shape.batch = shape.steps > 8 ? 3 : kBatches[random.below(std::size(kBatches))];
    shape.inputs = 1 + random.below(40);
    shape.overTime = random.below(2);
    shape.workers = 1 + random.below(3);
    for (uint64_t hidden = random.below(5); hidden > 0; --hidden)
      shape.layers.push_back(layer(1 + random.below(40)));
    shape.layers.push_back(layer(10 * (1 + random.below(6))));
    shape.name = fmt::format("random_{}_layers_{}_steps_{}", seed, shape.layers.size(), shape.steps);
  }

  Shape shape;

private:
  /// A number that is the same in text and here.
  double number(double low, double high) { return std::round(random.uniform(low, high) * 1000) / 1000; }

  std::string written(const char *name, double value) {
    return fmt::format("{} = {}{:.3f}, ", name, random.below(2) ? "learn " : "", value);
  }

  Layer layer(size_t width) {
    Layer result{width, "", {}};
    Neuron &neuron = result.neuron;
    std::string arguments;
    neuron.synaptic = random.below(3) == 0;
    if (neuron.synaptic)
      arguments += written("alpha", neuron.alpha = number(0.3, 0.95));
    arguments += written("beta", neuron.beta = number(0.3, 0.95));
    arguments += written("threshold", neuron.threshold = number(0.5, 1.5));
    constexpr const char *resets[] = {"subtract", "zero", "none"};
    neuron.reset = Reset(random.below(std::size(resets)));
    arguments += fmt::format("reset = {}, ", resets[int(neuron.reset)]);
    neuron.delay = random.below(2);
    arguments += fmt::format("delay = {}, ", neuron.delay);
    // Slopes that do not magnify rounding more than single precision can bear through five layers.
    constexpr std::pair<SurrogateKind, const char *> surrogates[] = {{SurrogateKind::FastSigmoid, "fast_sigmoid(slope"},
                                                                     {SurrogateKind::Atan, "atan(alpha"},
                                                                     {SurrogateKind::Sigmoid, "sigmoid(slope"}};
    const auto &[kind, text] = surrogates[random.below(std::size(surrogates))];
    neuron.surrogate = {kind, number(1, 5)};
    arguments += fmt::format("surrogate = {} = {:.3f})", text, neuron.surrogate.slope);
    result.text = fmt::format("{}({})", neuron.synaptic ? "synaptic" : "leaky", arguments);
    return result;
  }

  Random random;
};

std::vector<Shape> randomShapes() {
  std::vector<Shape> result;
  for (uint64_t seed = 0; seed < 8; ++seed)
    result.push_back(RandomShape(seed).shape);
  return result;
}

std::string textOf(const Shape &shape) {
  std::string layers;
  for (const Layer &layer : shape.layers)
    layers += fmt::format("  linear({})\n  {}\n", layer.width, layer.text);
  return fmt::format(R"(snn 1
model checked {{
  input f32[{}]{}
  steps {}
{}{}}}
train {{
  loss       mse_count(correct = 0.8, incorrect = 0.2)
  optimizer  adam(lr = 2e-3)
  batch      {}
  epochs     1
}}
)",
                     shape.inputs, shape.overTime ? " over time" : "", shape.steps, layers,
                     shape.layers.back().width > 10 ? "  population(classes = 10)\n" : "", shape.batch);
}

/// For messages of a test that fails.
void PrintTo(const Shape &shape, std::ostream *os) { *os << textOf(shape); }

/// The state_dict names count layers from 0; without `flatten` the first linear is layer 0.
std::string oracleName(const std::string &name) {
  return std::to_string(std::stoi(name) + 1) + name.substr(name.find('.'));
}

double largestDifference(const Array &x, const Array &y) {
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i)
    largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

/// What the compiled model may differ by from the oracle: a share of the largest value, and a few times what the oracle
/// itself moves by when parameters and inputs change by a rounding. Sums that cancel have such digits alone.
struct Tolerance {
  double relative, roundings;
  double unit; ///< a rounding, relative to the number
};

struct Comparison {
  const NetworkResult &want;
  std::vector<NetworkResult> moved; ///< by roundings
  Tolerance tolerance;

  /// `of` takes the array from a result.
  template <typename Of> void expectClose(const Array &got, const std::string &name, Of &&of) const {
    const Array wanted = of(want);
    ASSERT_EQ(got.size(), wanted.size()) << name;
    double scale = 0, noise = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_TRUE(std::isfinite(got[i])) << name << " at " << i;
      scale = std::max(scale, std::abs(wanted[i]));
    }
    for (const NetworkResult &other : moved)
      noise = std::max(noise, largestDifference(of(other), wanted));
    EXPECT_LE(largestDifference(got, wanted), tolerance.relative * scale + tolerance.roundings * noise)
        << name << ", largest value " << scale << ", moved by roundings by " << noise;
  }

  void expectAll(const snn_model_table &table, const HostInstance &instance, HostCall &call) const {
    EXPECT_EQ(call.output("spikes")->values(), want.output().spikes.values);
    expectClose(call.output("membrane")->values(), "membrane", [](auto &r) { return r.output().membrane.values; });
    for (size_t layer = 0; layer + 1 < want.layers.size(); ++layer) {
      const std::string number = std::to_string(2 * layer + 1), membrane = "hidden_membrane." + number;
      EXPECT_EQ(call.output("hidden." + number)->values(), want.layers[layer].spikes.values) << number;
      expectClose(call.output(membrane)->values(), membrane, [&](auto &r) { return r.layers[layer].membrane.values; });
    }
    expectClose({call.loss}, "loss", [](auto &r) { return Array{r.loss}; });
    expectClose(call.output("grad.input")->values(), "grad.input", [](auto &r) { return r.inputGradient.values; });
    EXPECT_EQ(call.output("count")->values(), populationCount(want.output().spikes, 10).values);
    for (uint64_t i = 0; i < table.parameter_count; ++i)
      expectClose(instance.gradient(table.parameters[i]).values(), table.parameters[i].name,
                  [&](auto &r) { return r.gradients.at(oracleName(table.parameters[i].name)); });
  }
};

/// `margin`: draws in which rounding could flip a spike are passed over.
void compare(const Shape &shape, const std::string &flags, double margin, Tolerance tolerance) {
  LibraryHandle library = openLibrary(compileText(textOf(shape), flags));
  const snn_model_table &table = *snn_library_table(library.get());
  Network network{{}, {0.8, 0.2, 10}, shape.steps};
  for (const Layer &layer : shape.layers)
    network.neurons.push_back(layer.neuron);
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

    Comparison comparison{want, {}, tolerance};
    auto round = [&](double &value) { value *= 1 + random.uniform(-1, 1) * tolerance.unit; };
    for (int draw = 0; draw < 4; ++draw) {
      Parameters moved = parameters;
      for (auto &[name, values] : moved)
        std::for_each(values.begin(), values.end(), round);
      Series movedInput = input;
      std::for_each(movedInput.values.begin(), movedInput.values.end(), round);
      comparison.moved.push_back(evaluate(network, moved, movedInput, labels));
    }
    instance.lossAndGradient(call);
    comparison.expectAll(table, instance, call);
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
TEST_P(Compiled, AgreesInDouble) { compare(GetParam(), "--precision=f64", 1e-9, {1e-12, 4, 0x1p-53}); }
TEST_P(Compiled, AgreesInSingle) { compare(GetParam(), "", 1e-5, {1e-5, 4, 0x1p-24}); }

std::string nameOf(const testing::TestParamInfo<Shape> &info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Shapes, Compiled, testing::ValuesIn(shapes), nameOf);
INSTANTIATE_TEST_SUITE_P(Random, Compiled, testing::ValuesIn(randomShapes()), nameOf);

} // namespace
