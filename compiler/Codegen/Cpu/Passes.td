// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of the stage `cpu`.

#ifndef SNN_CODEGEN_CPU_PASSES_TD
#define SNN_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerToCpu : Pass<"snn-lower-to-cpu", "::mlir::ModuleOp"> {
  let summary = "write the planned functions as loops over vectors, and the entry points of the C interface";
  let description = [{
    Each function with a `snn.batch_map` becomes a body for one lane of the batch, which runs through the lane's chunks, and an
    entry point that checks the call, spreads the lanes over the host's workers and adds their gradients up in order.
    Values lie at the places that the plan gave them; nothing is allocated and nothing is copied that the plan does
    not name. runtime/include/snn/abi.h is the contract for everything that is read from a call.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
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
