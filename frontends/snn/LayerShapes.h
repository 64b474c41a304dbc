// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Layers that are definitions, where a model uses them: their arguments, and all that follows from the extents of their
// inputs.

#ifndef SNN_FRONTENDS_SNN_LAYERSHAPES_H
#define SNN_FRONTENDS_SNN_LAYERSHAPES_H

#include "frontends/snn/Evaluate.h"

namespace snn::frontend {

/// The arguments of a layer that is written as `call`, in which inputs are not. Reports errors and gives nothing on
/// one. If it is `recurrent`, from neurons to themselves, its first number may be left open: it is their number.
std::optional<LayerCall> checkLayerArguments(const Definition &definition, const Expr &call, Evaluator &evaluator,
                                             bool recurrent = false);

/// The definition of that name for an input of so many extents; null if there is none.
const Definition *overloadFor(const Definition &definition, size_t rank, const Evaluator &evaluator);

/// Numbers, extents of arrays and indices, for inputs of these extents; `call` is what the model says. Each place that
/// is read lies in its array, or says what it gives outside.
std::optional<LayerShapes> placeLayer(const LayerCall &layer, llvm::ArrayRef<std::vector<int64_t>> inputs,
                                      const Expr &call, Evaluator &evaluator);

/// "12x24x24"
std::string shapeText(llvm::ArrayRef<int64_t> extents);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_LAYERSHAPES_H
