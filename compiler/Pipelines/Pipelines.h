// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The passes that lead from one stage to the next.

#ifndef SNN_COMPILER_PIPELINES_PIPELINES_H
#define SNN_COMPILER_PIPELINES_PIPELINES_H

#include "compiler/Pipelines/Stages.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace snn {

/// What a checking tool wants of the values that gradients do not flow through.
enum class DetachMode {
  Live,   ///< computed, as always
  Record, ///< computed, and given back as outputs `detached.K`
  Replay  ///< taken from inputs `detached.K`
};

/// Import -> `snn`: the model has its hash.
struct SnnStageOptions : mlir::PassPipelineOptions<SnnStageOptions> {
  Option<DetachMode> detach{
      *this, "detach", llvm::cl::desc("what becomes of detached values"), llvm::cl::init(DetachMode::Live),
      llvm::cl::values(clEnumValN(DetachMode::Live, "live", "computed"),
                       clEnumValN(DetachMode::Record, "record", "computed and given back as outputs"),
                       clEnumValN(DetachMode::Replay, "replay", "taken from inputs"))};
};
void buildSnnStage(mlir::OpPassManager &passes, const SnnStageOptions &options);

/// `snn` -> `bptt`: all entries of the interface as plain ops, with the order of each sum.
void buildBpttStage(mlir::OpPassManager &passes);

/// `bptt` -> `loops`: scheduled. Needs the module attribute `snn.target`.
void buildLoopsStage(mlir::OpPassManager &passes);

/// `loops` -> `cpu`: memory and vectors.
void buildCpuStage(mlir::OpPassManager &passes);

/// `cpu` -> `llvm`: only the LLVM dialect is left, and nothing of the model but its table.
void buildLlvmStage(mlir::OpPassManager &passes);
/// The part of it that knows nothing of models.
void buildConversionToLlvm(mlir::OpPassManager &passes);

/// The passes that make `stage`, which must be a module stage, from the one before it.
void buildStage(mlir::OpPassManager &passes, Stage stage, const SnnStageOptions &options);

/// The dialects that occur in some stage, and the interfaces that our passes need of them.
void registerStageDialects(mlir::DialectRegistry &registry);

/// For snn-opt: all passes of ours and each stage as a pipeline `snn-to-STAGE`.
void registerPassesAndPipelines();

} // namespace snn

#endif // SNN_COMPILER_PIPELINES_PIPELINES_H
