// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The importer's part for neurons: definitions -> snn.neuron_def, one for each distinct choice of options.

#ifndef SNN_FRONTENDS_SNN_IMPORTNEURONS_H
#define SNN_FRONTENDS_SNN_IMPORTNEURONS_H

#include "frontends/snn/Checked.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSet.h"

namespace snn::frontend {

/// file:line:column of a place in the model's text or the prelude.
mlir::Location locationOf(const CheckedModel &model, llvm::SMLoc loc, mlir::MLIRContext *context);

/// Name and value at rest of each of the layer's states, `fired` last if the neuron uses it.
std::vector<std::pair<std::string, double>> statesOf(const CheckedLayer &layer);

/// Name and value of each constant that a checkpoint of the layer holds: numeric parameters that are not trained, then
/// what `fixed` statements say under the layer's options.
std::vector<std::pair<std::string, double>> constantsOf(const CheckedLayer &layer);

class NeuronDefinitions {
public:
  /// Definitions are put at the end of `module`; `real` is the element type of their bodies.
  NeuronDefinitions(const CheckedModel &model, mlir::ModuleOp module, mlir::Type real);

  /// The definition for a layer, made when it is first asked for: layers whose options and surrogates are equal share
  /// one, whatever their numbers are.
  mlir::FlatSymbolRefAttr get(const CheckedLayer &layer);

private:
  const CheckedModel &model;
  mlir::ModuleOp module;
  mlir::Type real;
  llvm::StringMap<mlir::FlatSymbolRefAttr> known; ///< by definition and choices
  llvm::StringSet<> taken;                        ///< symbols
};

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_IMPORTNEURONS_H
