// One neuron of NIR as a line of the language.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_NIR_NEURONTEXT_H
#define SNN_FRONTENDS_NIR_NEURONTEXT_H

#include "frontends/nir/Definitions.h"
#include "frontends/nir/Model.h"

namespace snn::nir {

/// A layer without its place in a model.
struct Line {
  std::string call;            ///< "leaky(beta = 0.9)"
  std::optional<Form> form;    ///< the definition that it needs
  std::vector<Tensor> tensors; ///< with names such as "beta", to which the layer's comes
  bool usesTimeStep = false;   ///< names the param `dt`
  bool spikes = false;         ///< is of neurons that fire
  std::vector<int64_t> shape;  ///< of what it gives
};

/// Whether a node is one of those that neuronLine() takes.
bool hasNeurons(const Node &node);

/// Of a node Scale, Threshold, LI, LIF, IF, CubaLI or CubaLIF, whose input has these extents. Throws DataError.
Line neuronLine(const Graph &graph, const Node &node, const std::vector<int64_t> &shape, double timeStep,
                const std::string &path);

/// The fewest digits that give the same number, of 32 bits if it is single.
std::string numberText(double number, bool single);

/// A weight or a bias under another name.
Tensor tensorOf(const Value &value, std::string name);

} // namespace snn::nir

#endif // SNN_FRONTENDS_NIR_NEURONTEXT_H
