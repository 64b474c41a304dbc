// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The passes that lead from one stage to the next.

#ifndef SNN_COMPILER_PIPELINES_PIPELINES_H
#define SNN_COMPILER_PIPELINES_PIPELINES_H

#include "compiler/Pipelines/Stages.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

namespace snn {

/// Import -> `snn`: the model has its hash.
void buildSnnStage(mlir::OpPassManager &passes);

/// `snn` -> `bptt`: all entries of the interface, loss, gradients and update among them, with the order of each sum.
void buildBpttStage(mlir::OpPassManager &passes);

/// `bptt` -> `loops`: phases, kernels, a place for each value. Needs the module attribute `snn.target`.
void buildLoopsStage(mlir::OpPassManager &passes);

/// `loops` -> `cpu`: memory and vectors. If the module has several targets, a module for each.
void buildCpuStage(mlir::OpPassManager &passes, bool severalTargets = false);

/// `cpu` -> `llvm`: only the LLVM dialect is left, and nothing of the model but its table.
void buildLlvmStage(mlir::OpPassManager &passes, bool severalTargets = false);
/// The part of it that knows nothing of models.
void buildConversionToLlvm(mlir::OpPassManager &passes);

/// Whether a module is one that `stage` can be made of.
void buildCheck(mlir::OpPassManager &passes, Stage stage);

/// The passes that make `stage`, which must be a module stage, from the one before it. `severalTargets`: what
/// hasSeveralTargets() says of the module.
void buildStage(mlir::OpPassManager &passes, Stage stage, bool severalTargets = false);

/// The dialects that occur in some stage, and the interfaces that our passes need of them.
void registerStageDialects(mlir::DialectRegistry &registry);

/// For snn-opt: all passes of ours and each stage as a pipeline `snn-to-STAGE`.
void registerPassesAndPipelines();

} // namespace snn

#endif // SNN_COMPILER_PIPELINES_PIPELINES_H
