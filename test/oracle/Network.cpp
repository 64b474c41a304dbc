// Forward and backward pass of the oracle's network.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Network.h"

#include <algorithm>
#include <limits>

using namespace snn::oracle;

/// The neuron of layer `index`, with the trained values of its parameters.
static Neuron trained(Neuron neuron, const Parameters &parameters, const std::string &index) {
  auto take = [&](const char *name, double &value) {
    if (auto found = parameters.find(index + name); found != parameters.end())
      value = found->second.at(0);
  };
  take(".alpha", neuron.alpha);
  take(".beta", neuron.beta);
  take(".threshold", neuron.threshold);
  return neuron;
}

static void keep(Parameters &gradients, const Parameters &parameters, const std::string &name, Array value) {
  if (parameters.count(name))
    gradients[name] = std::move(value);
}

static void keepNeuron(Parameters &gradients, const Parameters &parameters, const std::string &index,
                       const NeuronGradients &neuron) {
  keep(gradients, parameters, index + ".alpha", {neuron.alpha});
  keep(gradients, parameters, index + ".beta", {neuron.beta});
  keep(gradients, parameters, index + ".threshold", {neuron.threshold});
}

NetworkResult snn::oracle::evaluate(const Network &network, const Parameters &parameters, const Series &input,
                                    const std::vector<int64_t> &labels) {
  bool isStatic = input.steps == 1;
  std::vector<Series> inputs = {isStatic ? repeat(input, network.steps) : input};
  std::vector<Neuron> neurons;
  auto nameOf = [](size_t layer, const char *what) { return std::to_string(2 * layer + 1) + what; };

  NetworkResult result;
  result.margin = std::numeric_limits<double>::infinity();
  for (size_t layer = 0; layer < network.neurons.size(); ++layer) {
    neurons.push_back(trained(network.neurons[layer], parameters, std::to_string(2 * layer + 2)));
    Series current =
        linear(inputs[layer], parameters.at(nameOf(layer, ".weight")), parameters.at(nameOf(layer, ".bias")));
    result.layers.push_back(run(neurons[layer], current));
    inputs.push_back(result.layers[layer].spikes);
    result.margin = std::min(result.margin, result.layers[layer].margin(neurons[layer].threshold));
  }
  result.loss = network.loss.value(result.output().spikes, labels);

  Series error = network.loss.gradient(result.output().spikes, labels);
  for (size_t layer = network.neurons.size(); layer-- > 0;) {
    NeuronGradients neuron = backward(neurons[layer], result.layers[layer], error);
    LinearGradients weights = linearBackward(inputs[layer], parameters.at(nameOf(layer, ".weight")), neuron.input);
    result.gradients[nameOf(layer, ".weight")] = weights.weight;
    result.gradients[nameOf(layer, ".bias")] = weights.bias;
    keepNeuron(result.gradients, parameters, std::to_string(2 * layer + 2), neuron);
    error = weights.input;
  }
  result.inputGradient = isStatic ? sumOverTime(error) : error;
  return result;
}
