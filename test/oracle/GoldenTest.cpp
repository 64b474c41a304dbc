// The oracle against golden values from snnTorch: cases of test/golden, single evaluations and training runs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Safetensors.h"
#include "test/oracle/Network.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace snn;
using namespace snn::oracle;

namespace {

// snnTorch computes in single precision.
constexpr double tolerance = 1e-5;

std::string goldenPath(const std::string &file) { return std::string(SNN_GOLDEN) + "/" + file; }

Array numbers(const TensorFile &file, const std::string &name) {
  const StoredTensor *tensor = file.find(name);
  if (!tensor)
    throw std::runtime_error(file.path() + " has no " + name);
  return numbersOf(*tensor, name);
}

/// [T, B, ...] or, without time, [B, ...].
Series seriesOf(const TensorFile &file, const std::string &name, bool overTime) {
  Array values = numbers(file, name);
  const std::vector<int64_t> &shape = file.find(name)->shape;
  size_t steps = overTime ? size_t(shape.at(0)) : 1, batch = size_t(shape.at(overTime ? 1 : 0));
  Series series(steps, batch, values.size() / (steps * batch));
  series.values = std::move(values);
  return series;
}

std::vector<int64_t> labelsOf(const TensorFile &file, const std::string &name) {
  std::vector<int64_t> labels;
  for (double label : numbers(file, name))
    labels.push_back(int64_t(label));
  return labels;
}

void expectClose(const Array &got, const Array &want, const std::string &name) {
  ASSERT_EQ(got.size(), want.size()) << name;
  double scale = 0, error = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_TRUE(std::isfinite(want[i])) << name << " at " << i << ": snnTorch's value is no number";
    scale = std::max(scale, std::abs(want[i]));
    error = std::max(error, std::abs(got[i] - want[i]));
  }
  EXPECT_LE(error, tolerance * scale) << name;
}

Surrogate surrogateOf(const std::string &name) {
  // The numbers of make_golden.py.
  if (name == "fast_sigmoid")
    return {SurrogateKind::FastSigmoid, 25};
  if (name == "atan")
    return {SurrogateKind::Atan, 2};
  if (name == "sigmoid")
    return {SurrogateKind::Sigmoid, 5};
  if (name == "straight_through")
    return {SurrogateKind::StraightThrough};
  if (name == "triangular")
    return {SurrogateKind::Triangular, 1};
  if (name == "heaviside")
    return {SurrogateKind::Heaviside};
  if (name == "spike_rate_escape")
    return {SurrogateKind::SpikeRateEscape, 5, 1};
  throw std::runtime_error("no surrogate " + name);
}

/// The network that a golden case's description speaks of.
Network networkOf(const nlohmann::json &description) {
  const nlohmann::json &options = description.at("options");
  Neuron neuron;
  neuron.synaptic = description.at("neuron") == "Synaptic";
  neuron.alpha = options.value("alpha", 0.0);
  neuron.beta = options.value("beta", 0.9);
  neuron.threshold = options.value("threshold", 1.0);
  neuron.delay = options.value("reset_delay", true);
  neuron.surrogate = surrogateOf(options.value("spike_grad", std::string("fast_sigmoid")));
  std::string reset = options.value("reset_mechanism", std::string("subtract"));
  neuron.reset = reset == "subtract" ? Reset::Subtract : reset == "zero" ? Reset::Zero : Reset::None;
  return {{neuron, neuron}, {0.8, 0.2, 10}, description.at("T").get<size_t>()};
}

class Golden : public testing::TestWithParam<const char *> {};

TEST_P(Golden, Agrees) {
  std::string name = GetParam();
  nlohmann::json description = nlohmann::json::parse(std::ifstream(goldenPath(name + ".json")));
  TensorFile file = TensorFile::read(goldenPath(name + ".safetensors"));
  bool isStatic = description.at("static");
  Parameters parameters;
  for (const auto &[key, tensor] : file.tensors())
    if (key.compare(0, 5, "grad.") == 0 && key != "grad.input")
      parameters[key.substr(5)] = numbers(file, key.substr(5));

  NetworkResult result =
      evaluate(networkOf(description), parameters, seriesOf(file, "input", !isStatic), labelsOf(file, "labels"));
  EXPECT_GT(result.margin, 9e-5);
  EXPECT_EQ(result.layers[0].spikes.values, numbers(file, "hidden.2"));
  EXPECT_EQ(result.output().spikes.values, numbers(file, "spikes"));
  expectClose(result.layers[0].membrane.values, numbers(file, "hidden_membrane.2"), "hidden membrane");
  expectClose(result.output().membrane.values, numbers(file, "membrane"), "membrane");
  expectClose({result.loss}, numbers(file, "loss"), "loss");
  expectClose(result.inputGradient.values, numbers(file, "grad.input"), "grad.input");
  for (const auto &[key, gradient] : result.gradients)
    expectClose(gradient, numbers(file, "grad." + key), "grad." + key);
}

std::string caseName(const testing::TestParamInfo<const char *> &info) { return info.param; }

INSTANTIATE_TEST_SUITE_P(Cases, Golden,
                         testing::Values("leaky_subtract_delay", "leaky_subtract_now", "leaky_zero_delay",
                                         "leaky_zero_now", "leaky_none_delay", "leaky_none_now", "leaky_fast_sigmoid",
                                         "leaky_atan", "leaky_sigmoid", "leaky_straight_through", "leaky_triangular",
                                         "leaky_heaviside", "leaky_spike_rate_escape", "leaky_learn",
                                         "leaky_population", "leaky_population_T1", "leaky_static", "synaptic_subtract",
                                         "synaptic_zero", "synaptic_none", "synaptic_learn"),
                         caseName);

struct Training {
  const char *name;
  size_t steps;
  bool overTime;
  std::vector<std::string> parameters;
};

class GoldenTraining : public testing::TestWithParam<Training> {};

TEST_P(GoldenTraining, Agrees) {
  const Training &training = GetParam();
  TensorFile file = TensorFile::read(goldenPath(std::string(training.name) + ".safetensors"));
  Network network;
  network.neurons.resize(2);
  network.loss = {1, 0, 10};
  network.steps = training.steps;
  Parameters parameters, first, second;
  for (const std::string &name : training.parameters) {
    parameters[name] = numbers(file, name);
    first[name] = second[name] = Array(parameters[name].size());
  }
  Array losses, want = numbers(file, "losses");
  for (size_t step = 0; step < want.size(); ++step) {
    std::string prefix = "batch." + std::to_string(step) + ".";
    NetworkResult result = evaluate(network, parameters, seriesOf(file, prefix + "input", training.overTime),
                                    labelsOf(file, prefix + "labels"));
    losses.push_back(result.loss);
    for (const std::string &name : training.parameters)
      adam({2e-3}, step + 1, parameters[name], result.gradients.at(name), first[name], second[name]);
  }
  for (size_t step = 0; step < want.size(); ++step)
    EXPECT_NEAR(losses[step], want[step], tolerance * want[step]) << "loss of step " << step;
  for (const std::string &name : training.parameters)
    expectClose(parameters[name], numbers(file, "after." + name), "after." + name);
}

const std::vector<std::string> weights = {"1.weight", "1.bias", "3.weight", "3.bias"};
const std::vector<std::string> all = {"1.weight", "1.bias", "2.beta", "2.threshold",
                                      "3.weight", "3.bias", "4.beta", "4.threshold"};
INSTANTIATE_TEST_SUITE_P(Cases, GoldenTraining,
                         testing::Values(Training{"train_population", 1, false, weights},
                                         Training{"train_learn", 5, true, all}),
                         [](const testing::TestParamInfo<Training> &info) { return std::string(info.param.name); });

} // namespace
