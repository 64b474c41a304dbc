// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a memory plan must say for the code that follows it to stay within its memory; it may come from an editor.

#ifndef SNN_COMPILER_CODEGEN_CPU_CHECKPLAN_H
#define SNN_COMPILER_CODEGEN_CPU_CHECKPLAN_H

#include "dialect/SnnDialect.h"

namespace snn {

/// Checks the places of a batch_map body for calls of `fewest` to `most` time steps: each value that needs one has a
/// place within the arena, and places of values that are alive at the same time do not meet. Reports what is wrong.
mlir::LogicalResult checkPlan(BatchMapOp map, int64_t fewest, int64_t most);

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_CHECKPLAN_H
