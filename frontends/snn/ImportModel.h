// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checked model -> a module of the core.

#ifndef SNN_FRONTENDS_SNN_IMPORTMODEL_H
#define SNN_FRONTENDS_SNN_IMPORTMODEL_H

#include "frontends/snn/Checked.h"
#include "frontends/snn/ImportDefinitions.h"

namespace snn::frontend {

/// A declared symbol and the type of the value that is bound to it.
struct Declared {
  std::string symbol;
  core::ArrayType type;
};

/// What the functions of a module have in common.
struct ModelContext {
  const CheckedModel &model;
  mlir::OpBuilder &builder;
  mlir::Type real;
  std::vector<Declared> parameters = {}, buffers = {}, inputs = {}, outputs = {}, states = {};
  mutable std::set<const Definition *> leftOut = {}; ///< of checks by differences

  /// file:line:column of a place in the model's text or the prelude.
  mlir::Location at(llvm::SMLoc loc) const;
  core::ArrayType array(llvm::ArrayRef<int64_t> shape, mlir::Type element) const;
  /// Bytes and reals of the host as reals, divided by what stands behind '/'.
  mlir::Value realOf(mlir::Value value, const CheckedInput &input, mlir::Location location) const;
  /// For definitions that are used with a layer; those without a layer leave it out.
  ImportContext uses(const CheckedLayer *layer, bool training, int64_t *purposes = nullptr) const;
  /// The last layer of neurons, or that of the key.
  const CheckedLayer &neurons(llvm::StringRef key = "") const;
};

/// The output that shows spikes or what else the layer gives, or that of its membrane.
std::string outputOf(const CheckedLayer &layer, const CheckedModel &model, bool membrane);

/// @network, and @training_network where it differs.
mlir::LogicalResult importNetworks(ModelContext &context);
/// snn.hyper for each number, @criterion (loss and metrics of the outputs) and @update.
mlir::LogicalResult importTraining(ModelContext &context);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_IMPORTMODEL_H
