// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The snn dialect in C++: include this one header to use it.

#ifndef SNN_DIALECT_SNNDIALECT_H
#define SNN_DIALECT_SNNDIALECT_H

#include "dialect/core/CoreDialect.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"

#include "dialect/SnnDialect.h.inc"
#include "dialect/SnnEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/SnnAttributes.h.inc"

namespace snn {

/// A model's name is part of a symbol that stands in an ELF note (snn_note.query_symbol): a C identifier of at most so
/// many characters.
inline constexpr size_t kMaxModelName = 101;
bool isModelName(llvm::StringRef name);
/// Names of declarations stand in tables, comments of headers and checkpoints: as in a state_dict, "1.weight".
bool isDeclarationName(llvm::StringRef name);

} // namespace snn

#define GET_OP_CLASSES
#include "dialect/SnnOps.h.inc"

namespace snn {

/// `n` rounded up to whole vectors.
inline int64_t paddedWidth(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

/// Upper bounds of what a module may declare. They keep all sizes in bytes far from the end of 64 bits.
inline constexpr int64_t kMaxSteps = int64_t(1) << 20;
inline constexpr int64_t kMaxBatch = int64_t(1) << 24;

/// Functions of the stage snn; @update stays one.
inline constexpr llvm::StringLiteral kNetwork = "network", kTrainingNetwork = "training_network",
                                     kCriterion = "criterion", kClip = "clip", kUpdate = "update";
/// Those of the stages bptt and loops, which are called as the entries of the interface.
inline constexpr llvm::StringLiteral kForward = "forward", kLossAndGradient = "loss_and_gradient",
                                     kBackward = "backward", kEvaluate = "evaluate",
                                     kForwardTraining = "forward_training";
/// Whether calls of the entry are of the steps of a window, where training has windows.
inline bool isOfWindow(llvm::StringRef entry) {
  return entry != kForward && entry != kEvaluate && entry != kForwardTraining;
}
/// What their arguments and results are bound to. Nothing declares the loss: it has an operand of the call.
inline constexpr llvm::StringLiteral kInput = "input", kLabels = "labels", kLoss = "loss";
/// What is bound to `grad.NAME` is the gradient of the output NAME, given by the host, or of the input.
inline constexpr llvm::StringLiteral kGradientPrefix = "grad.";
/// Counts of the call, which @update takes.
inline constexpr llvm::StringLiteral kUpdateCount = "update", kUpdatesCount = "updates", kEpochCount = "epoch",
                                     kEpochsCount = "epochs";
inline constexpr llvm::StringLiteral kCounts[] = {kUpdateCount, kUpdatesCount, kEpochCount, kEpochsCount};

/// The one snn.model of a module, or null.
ModelOp getModel(mlir::ModuleOp module);
/// Whether it has a backward pass and updates: of the network as it trains, or, to tune it, as it infers.
inline bool trains(RunMode mode) { return mode == RunMode::Train || mode == RunMode::Tune; }
/// Whether its code is a streaming build: a call is one time step of one sample, for one thread.
bool isStreaming(mlir::ModuleOp module);

/// What the labels that this input holds are below.
int64_t classesOf(InputOp labels);

/// What an argument or result with these attributes is bound to, or "".
llvm::StringRef boundName(mlir::DictionaryAttr attributes);
/// The attributes of one that is bound to `name`; `copy` is of the span of the optimizer.
mlir::DictionaryAttr bindingTo(mlir::MLIRContext *context, llvm::StringRef name, std::optional<Span> span = {},
                               int64_t copy = 0);

} // namespace snn

#endif // SNN_DIALECT_SNNDIALECT_H
