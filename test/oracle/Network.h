// Linear layers with neurons: the networks of the golden cases and of random tests, composed from the oracle's
// operations.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_ORACLE_NETWORK_H
#define SNN_TEST_ORACLE_NETWORK_H

#include "test/oracle/Oracle.h"

#include <map>
#include <string>

namespace snn::oracle {

/// Tensors under their state_dict names: "1.weight", "1.bias", "2.beta", ... A neuron's parameter that is in the map is
/// trained and stands for the one in `hidden` or `output`.
using Parameters = std::map<std::string, Array>;

/// Layer k, from 0, is the linear layer 2k + 1 and the neurons 2k + 2.
struct Network {
  std::vector<Neuron> neurons;
  CountLoss loss;
  size_t steps = 1; // for inputs that do not vary over time
};

struct NetworkResult {
  std::vector<NeuronTrace> layers;
  double loss = 0;
  Parameters gradients; // one for each parameter
  Series inputGradient; // summed over time if the input does not vary
  double margin = 0;    // smallest distance of any compared membrane to its threshold

  const NeuronTrace &output() const { return layers.back(); }
};

/// flatten - (linear - neuron)... - mse_count, forward and backward. `input` is [1 or T, batch, width].
NetworkResult evaluate(const Network &network, const Parameters &parameters, const Series &input,
                       const std::vector<int64_t> &labels);

} // namespace snn::oracle

#endif // SNN_TEST_ORACLE_NETWORK_H
