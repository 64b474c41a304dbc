// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What happens to parameters after the lanes are done, slice by slice: adding up gradients, and the optimiser.

#ifndef SNN_COMPILER_CODEGEN_CPU_UPDATELOOPS_H
#define SNN_COMPILER_CODEGEN_CPU_UPDATELOOPS_H

#include "compiler/Codegen/Cpu/LaneLowering.h"

namespace snn {

/// Elements of the parameter span that one task of a worker takes.
inline constexpr int64_t kSliceElements = 8192;

/// Emits gradient[i] = sum over the lanes, in order, for the elements of slice `slice`.
void emitReduceSlice(Emitter &e, CallFrame &frame, const LanePlan &plan, const SpanLayout &spans, mlir::ModuleOp module,
                     mlir::Value slice);

/// Emits the ops of @update for the elements of slice `slice`.
mlir::LogicalResult emitUpdateSlice(Emitter &e, CallFrame &frame, mlir::func::FuncOp update, const SpanLayout &spans,
                                    mlir::ModuleOp module, mlir::Value slice);

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_UPDATELOOPS_H
