// A model of the snn language as a NIR graph.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_NIR_FROMMODEL_H
#define SNN_FRONTENDS_NIR_FROMMODEL_H

#include "frontends/nir/Graph.h"
#include "frontends/snn/Checked.h"
#include "runtime/data/Safetensors.h"

namespace snn::nir {

struct FromOptions {
  std::string path; ///< of the model, for messages
  double timeStep;  ///< in seconds: which time constants stand for the decays of the model
  /// A reset that NIR cannot say is written as metadata, which snnc import reads and others do not; else it is refused.
  bool keepResets = false;
};

struct FromModel {
  Graph graph;
  std::vector<std::string> notes; ///< what the graph does not say, a sentence each
};

/// Translates. What a layer learns comes from `weights`, which may be null if there is nothing. A tensor of the weights
/// for a number that is written in the model must agree with it. Throws DataError, which names the line: layers without
/// a counterpart in NIR, neurons that do anything else than NIR's equations say by Euler's method (docs/nir.md),
/// weights that are missing or have other extents.
FromModel graphOf(const frontend::CheckedModel &model, const TensorFile *weights, const FromOptions &options);

} // namespace snn::nir

#endif // SNN_FRONTENDS_NIR_FROMMODEL_H
