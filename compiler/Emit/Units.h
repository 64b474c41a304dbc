// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A module in pieces that LLVM compiles one by one.

#ifndef SNN_COMPILER_EMIT_UNITS_H
#define SNN_COMPILER_EMIT_UNITS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace snn {

/// A part of a module in the LLVM dialect with declarations of what it needs of others. What units share has hidden
/// visibility: one object of all units defines it, and nothing else sees it.
struct Unit {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  bool plain; ///< nothing is gained where it is optimised: tables, and functions that are marked so (`optnone`)
};

/// The units of a module: one that is plain, and as many with kernels as its text is long. They depend on the module
/// alone, not on how many are compiled at a time.
llvm::SmallVector<Unit, 0> splitIntoUnits(mlir::ModuleOp module);

} // namespace snn

#endif // SNN_COMPILER_EMIT_UNITS_H
