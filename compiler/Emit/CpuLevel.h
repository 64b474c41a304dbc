// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A function that finds out what the machine can run.

#ifndef SNN_COMPILER_EMIT_CPULEVEL_H
#define SNN_COMPILER_EMIT_CPULEVEL_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace snn {

/// Writes the function `snn_cpu_level : () -> i32` for x86-64 (LLVM dialect, internal, for the base of the
/// architecture): the strongest level of those that are targets (Target::level) whose instructions the processor has
/// and whose registers the operating system saves; 0 if there is none. What the loader of the runtime does is in
/// runtime/core/Cpu.cpp.
mlir::LLVM::LLVMFuncOp writeCpuLevel(mlir::ImplicitLocOpBuilder &b);

} // namespace snn

#endif // SNN_COMPILER_EMIT_CPULEVEL_H
