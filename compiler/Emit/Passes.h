// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Creation and registration of the passes of this folder.

#ifndef SNN_COMPILER_EMIT_PASSES_H
#define SNN_COMPILER_EMIT_PASSES_H

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace snn {
#define GEN_PASS_DECL
#include "compiler/Emit/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "compiler/Emit/Passes.h.inc"
} // namespace snn

#endif // SNN_COMPILER_EMIT_PASSES_H
