// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The optimiser's rule over the parameter span.

#ifndef SNN_COMPILER_CODEGEN_CPU_UPDATE_H
#define SNN_COMPILER_CODEGEN_CPU_UPDATE_H

#include "compiler/Codegen/Cpu/FusedUpdate.h"
#include "compiler/Codegen/Cpu/Tasks.h"

namespace snn::core {

/// @update is written for one element of every parameter; numbers that belong to no element are computed once.
/// Applies it to elements [from, to) of the spans, whole vectors: a call of a function that all who update share.
/// Padding is updated like anything else. `call` is a pointer to snn_call.
void emitUpdate(Emitter &e, mlir::Value call, mlir::func::FuncOp update, const SpanLayout &spans, mlir::ModuleOp module,
                mlir::Value from, mlir::Value to);

/// All of some ranges, in ascending order, as tasks 0 .. updateTasks - 1.
int64_t updateTasks(llvm::ArrayRef<FusedUpdate::Range> ranges);
void emitUpdateTask(Emitter &e, mlir::Value call, mlir::func::FuncOp update, const SpanLayout &spans,
                    mlir::ModuleOp module, llvm::ArrayRef<FusedUpdate::Range> ranges, mlir::Value index);

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_UPDATE_H
