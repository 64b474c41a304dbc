// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The optimiser's rule over the whole parameter span.

#ifndef SNN_COMPILER_CODEGEN_CPU_UPDATE_H
#define SNN_COMPILER_CODEGEN_CPU_UPDATE_H

#include "compiler/Codegen/Cpu/Tasks.h"

namespace snn::core {

int64_t updateSlices(const SpanLayout &spans);

/// @update is written for one element of every parameter; numbers that belong to no element are computed once.
/// Applies it to a slice of the spans. Padding is updated like anything else.
void emitUpdateSlice(Emitter &e, CallFrame &frame, mlir::func::FuncOp update, const SpanLayout &spans,
                     mlir::ModuleOp module, mlir::Value slice);

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_UPDATE_H
