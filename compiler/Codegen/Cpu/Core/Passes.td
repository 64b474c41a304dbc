// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass from planned functions of the core to loops over vectors.

#ifndef SNN_CODEGEN_CORE_PASSES_TD
#define SNN_CODEGEN_CORE_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerCore : Pass<"core-lower-to-cpu", "::mlir::ModuleOp"> {
  let summary = "turn planned functions into tasks over vectors, and write the entry points";
  let description = [{
    Each phase becomes a task that works on a part of the batch in memory of the caller, what stands between phases
    tasks of their own. Entry points check a call and run these tasks. All functions of core ops are gone afterwards.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
      "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
      "::mlir::vector::VectorDialect"];
}

#endif // SNN_CODEGEN_CORE_PASSES_TD
