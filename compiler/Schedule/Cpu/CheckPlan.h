// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the marks and places of a schedule must say for the code that follows it to stay within its memory; the text may
// come from an editor.

#ifndef SNN_COMPILER_SCHEDULE_CPU_CHECKPLAN_H
#define SNN_COMPILER_SCHEDULE_CPU_CHECKPLAN_H

#include "compiler/Schedule/Cpu/Memory.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace snn::core {

/// Bytes of a worker's arena for a chunk, and what one summand of a place may be: times the workers, or the steps of a
/// call, they are still a number of 64 bits.
inline constexpr int64_t kMaxArena = int64_t(1) << 46;

/// The calls for which a plan has to hold.
struct CallRange {
  int64_t fewestSteps = 1, mostSteps = kMaxSteps, mostSamples = kMaxBatch;
  static CallRange of(mlir::ModuleOp module);
};

/// Checks kernels, views, loads, sums and the places of a function and its phases. Reports what is wrong.
mlir::LogicalResult checkPlan(mlir::func::FuncOp function, const CallRange &range);

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_CHECKPLAN_H
