// One layer of neurons as a node of NIR.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_NIR_FROMNEURON_H
#define SNN_FRONTENDS_NIR_FROMNEURON_H

#include "frontends/nir/Definitions.h"
#include "frontends/nir/ModelValues.h"

namespace snn::nir {

struct NeuronNodes {
  Node neuron;
  std::optional<Node> feedback; ///< Linear or Affine, through which its spikes come back
};

/// The nodes are without names. Throws DataError where NIR has no such neuron.
NeuronNodes neuronNodes(const LayerValues &values, const FromOptions &options);

/// Whether an own definition is one of allForms(), which it is then.
std::optional<Form> formOf(const LayerValues &values);

} // namespace snn::nir

#endif // SNN_FRONTENDS_NIR_FROMNEURON_H
