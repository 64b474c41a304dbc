// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of the stage `snn`; Passes.td describes them.

#ifndef SNN_COMPILER_MODEL_PASSES_H
#define SNN_COMPILER_MODEL_PASSES_H

#include "dialect/SnnDialect.h"
#include "mlir/Pass/Pass.h"

namespace snn {
#define GEN_PASS_DECL
#include "compiler/Model/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "compiler/Model/Passes.h.inc"
} // namespace snn

#endif // SNN_COMPILER_MODEL_PASSES_H
