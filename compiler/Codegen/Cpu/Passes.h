// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of the stage `cpu`; Passes.td describes them.

#ifndef SNN_COMPILER_CODEGEN_CPU_PASSES_H
#define SNN_COMPILER_CODEGEN_CPU_PASSES_H

#include "dialect/SnnDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace snn {
#define GEN_PASS_DECL
#include "compiler/Codegen/Cpu/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "compiler/Codegen/Cpu/Passes.h.inc"
} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_PASSES_H
