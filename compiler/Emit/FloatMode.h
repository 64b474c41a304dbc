// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The bodies of the functions that set and restore the floating-point mode.

#ifndef SNN_COMPILER_EMIT_FLOATMODE_H
#define SNN_COMPILER_EMIT_FLOATMODE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include "llvm/TargetParser/Triple.h"

namespace snn {

/// Defines the functions of compiler/Codegen/FloatMode.h that the module (LLVM dialect) declares. Fails, with an error,
/// if it declares one and the mode of this architecture is not known here.
mlir::LogicalResult defineFloatMode(mlir::ModuleOp module, const llvm::Triple &triple);

} // namespace snn

#endif // SNN_COMPILER_EMIT_FLOATMODE_H
