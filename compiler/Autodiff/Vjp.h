// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reverse-mode differentiation of a function of core ops.

#ifndef SNN_COMPILER_AUTODIFF_VJP_H
#define SNN_COMPILER_AUTODIFF_VJP_H

#include "compiler/Autodiff/Adjoints.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace snn::core {

/// Writes, before the terminator of `function`, the gradients of sum(seed * result) with respect to the arguments
/// `wanted`, and puts them into `gradients` in that order. `seeds` has one for each result of the function, null for
/// results that do not count; at least one counts. A seed has its result's type, with reals for spikes.
llvm::LogicalResult appendVjp(mlir::func::FuncOp function, llvm::ArrayRef<unsigned> wanted,
                              llvm::ArrayRef<mlir::Value> seeds, llvm::SmallVectorImpl<mlir::Value> &gradients);

} // namespace snn::core

#endif // SNN_COMPILER_AUTODIFF_VJP_H
