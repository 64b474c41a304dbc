// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of the stage `loops` that hold for every target; Passes.td describes them.

#ifndef SNN_COMPILER_SCHEDULE_PASSES_H
#define SNN_COMPILER_SCHEDULE_PASSES_H

#include "dialect/core/CoreDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace snn {
#define GEN_PASS_DECL
#include "compiler/Schedule/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "compiler/Schedule/Passes.h.inc"
} // namespace snn

#endif // SNN_COMPILER_SCHEDULE_PASSES_H
