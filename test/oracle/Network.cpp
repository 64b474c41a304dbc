// Forward and backward pass of the oracle's network.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Network.h"

#include <algorithm>

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
  Neuron hidden = trained(network.hidden, parameters, "2"), output = trained(network.output, parameters, "4");
  const Array &weight1 = parameters.at("1.weight"), &weight3 = parameters.at("3.weight");
  Series x = isStatic ? repeat(input, network.steps) : input;

  NetworkResult result;
  result.hidden = run(hidden, linear(x, weight1, parameters.at("1.bias")));
  result.output = run(output, linear(result.hidden.spikes, weight3, parameters.at("3.bias")));
  result.loss = network.loss.value(result.output.spikes, labels);
  result.margin = std::min(result.hidden.margin(hidden.threshold), result.output.margin(output.threshold));

  NeuronGradients outer = backward(output, result.output, network.loss.gradient(result.output.spikes, labels));
  LinearGradients upper = linearBackward(result.hidden.spikes, weight3, outer.input);
  NeuronGradients inner = backward(hidden, result.hidden, upper.input);
  LinearGradients lower = linearBackward(x, weight1, inner.input);
  result.gradients = {
      {"1.weight", lower.weight}, {"1.bias", lower.bias}, {"3.weight", upper.weight}, {"3.bias", upper.bias}};
  keepNeuron(result.gradients, parameters, "2", inner);
  keepNeuron(result.gradients, parameters, "4", outer);
  result.inputGradient = isStatic ? sumOverTime(lower.input) : lower.input;
  return result;
}
