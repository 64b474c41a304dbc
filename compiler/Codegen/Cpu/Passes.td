// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of the stage `cpu`.

#ifndef SNN_CODEGEN_CPU_PASSES_TD
#define SNN_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerToCpu : Pass<"core-lower-to-cpu", "::mlir::ModuleOp"> {
  let summary = "turn planned functions into tasks over vectors, and write the entry points";
  let description = [{
    Each phase becomes a task that works on a part of the batch in memory of the caller, what stands between phases
    tasks of their own. Entry points check a call and run these tasks. All functions of core ops are gone afterwards.
    runtime/include/snn/abi.h is the contract for everything that is read from a call.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
}

def BindArguments : Pass<"snn-bind-arguments", "::mlir::ModuleOp"> {
  let summary = "make constants of arguments that are the same in all calls";
  let description = [{
    Private functions that are only called lose the arguments for which all calls give the same constant, and those that
    they do not use.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect"];
}

def ExpandMath : Pass<"snn-expand-math", "::mlir::ModuleOp"> {
  let summary = "compute the functions of the math dialect by arithmetic of our own";
  let description = [{
    The same bits on every machine and at every vector width, and no call into libm. Functions that take more than a few
    instructions become functions of the module, one for each type. `maxnumf`, `minnumf` and conversions to integers get the
    meaning that arith leaves open. Targets must have fused multiply-adds: all that snnc knows do, and elsewhere LLVM
    would call libm's fma.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect"];
}

#endif // SNN_CODEGEN_CPU_PASSES_TD
