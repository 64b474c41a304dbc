// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of this folder: see Passes.td.

#ifndef SNN_COMPILER_CODEGEN_CPU_CORE_PASSES_H
#define SNN_COMPILER_CODEGEN_CPU_CORE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace snn::core {

#define GEN_PASS_DECL_LOWERCORE
#define GEN_PASS_REGISTRATION
#include "compiler/Codegen/Cpu/Core/Passes.h.inc"

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_CORE_PASSES_H
