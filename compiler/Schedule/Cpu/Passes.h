// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of the stage `loops` for CPUs; Passes.td describes them.

#ifndef SNN_COMPILER_SCHEDULE_CPU_PASSES_H
#define SNN_COMPILER_SCHEDULE_CPU_PASSES_H

#include "dialect/SnnDialect.h"
#include "dialect/core/CoreDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace snn::core {
#define GEN_PASS_DECL
#include "compiler/Schedule/Cpu/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "compiler/Schedule/Cpu/Passes.h.inc"
} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_PASSES_H
