// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Registration: dialects for every context, passes and pipelines for snn-opt.

#include "compiler/Pipelines/Pipelines.h"

#include "compiler/Autodiff/Passes.h"
#include "compiler/Codegen/Cpu/Passes.h"
#include "compiler/Emit/Passes.h"
#include "compiler/Model/Passes.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Passes.h"
#include "dialect/core/CoreDialect.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace snn {

void registerStageDialects(DialectRegistry &registry) {
  registry.insert<SnnDialect, arith::ArithDialect, math::MathDialect, func::FuncDialect, scf::SCFDialect,
                  cf::ControlFlowDialect, vector::VectorDialect, LLVM::LLVMDialect, core::CoreDialect>();
  registerCoreAdjoints(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

void registerPassesAndPipelines() {
  registerSnnModelPasses();
  registerSnnAutodiffPasses();
  registerSnnSchedulePasses();
  core::registerSnnScheduleCpuPasses();
  registerSnnCodegenCpuPasses();
  registerSnnEmitPasses();
  registerTransformsPasses();

  for (const StageInfo &info : allStages())
    if (isModuleStage(info.stage))
      PassPipelineRegistration<>(("snn-to-" + info.name).str(), info.description,
                                 [stage = info.stage](OpPassManager &passes) { buildStage(passes, stage); });
}

} // namespace snn
