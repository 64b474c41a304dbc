// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of the stage `bptt`; Passes.td describes them.

#ifndef SNN_COMPILER_AUTODIFF_PASSES_H
#define SNN_COMPILER_AUTODIFF_PASSES_H

#include "dialect/SnnDialect.h"
#include "dialect/core/CoreDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace snn {
#define GEN_PASS_DECL
#include "compiler/Autodiff/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "compiler/Autodiff/Passes.h.inc"

/// Gives the ops of the core, and arithmetic in scalar bodies, their adjoints; call it on the registry of every context
/// that differentiates.
void registerCoreAdjoints(mlir::DialectRegistry &registry);
} // namespace snn

#endif // SNN_COMPILER_AUTODIFF_PASSES_H
