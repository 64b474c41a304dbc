// A model as the text and the weights that a person would have written for a NIR graph.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_NIR_MODEL_H
#define SNN_FRONTENDS_NIR_MODEL_H

#include "frontends/nir/Graph.h"

namespace snn::nir {

/// snnTorch's and SpikingJelly's, where neither the file nor the user says another.
inline constexpr double kDefaultTimeStep = 1e-4;

/// A parameter under the name that it has in checkpoints of the model.
struct Tensor {
  std::string name;
  bool single = true; ///< F32, or F64
  std::vector<int64_t> shape;
  std::vector<double> numbers;
};

struct TextOptions {
  std::string path;               ///< for messages
  std::string source;             ///< the file's name, for the text
  std::optional<double> timeStep; ///< in seconds; else the file's, else kDefaultTimeStep
  std::optional<int64_t> steps;   ///< else they are left open
};

struct TextModel {
  std::string text;
  std::vector<Tensor> tensors;
};

/// Translates. Nothing of a neuron is approximated: where the standard's neurons do not compute what NIR's equations
/// say (docs/nir.md), the text gets definitions that do. Throws DataError, which starts with options.path and names the
/// node.
TextModel textOf(Graph graph, const TextOptions &options);

} // namespace snn::nir

#endif // SNN_FRONTENDS_NIR_MODEL_H
