// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a memory plan must say for the code that follows it to stay within its memory; it may come from an editor.

#ifndef SNN_COMPILER_CODEGEN_CPU_CHECKPLAN_H
#define SNN_COMPILER_CODEGEN_CPU_CHECKPLAN_H

#include "dialect/SnnDialect.h"

namespace snn {

/// Bytes of a worker's arena: times the workers of a call they are still a number of 64 bits.
inline constexpr int64_t kMaxArena = int64_t(1) << 46;

/// Checks the places of a batch_map body for calls of `fewest` to `most` time steps: each value that needs one has a
/// place within the arena, and places of values that are alive at the same time do not meet. Reports what is wrong.
mlir::LogicalResult checkPlan(BatchMapOp map, int64_t fewest, int64_t most);

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_CHECKPLAN_H
