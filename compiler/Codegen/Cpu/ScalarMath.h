// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What processors without vectors have no instructions for.

#ifndef SNN_COMPILER_CODEGEN_CPU_SCALARMATH_H
#define SNN_COMPILER_CODEGEN_CPU_SCALARMATH_H

#include "mlir/IR/Operation.h"

namespace snn {

/// The smaller or the larger of two numbers of f64 by comparisons and bits, written before the op; null if it is no
/// such op. LLVM 22 cannot select the instructions of what it makes of these ops itself for Armv7-M without a unit for
/// f64.
mlir::Value expandForScalars(mlir::Operation *op);

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_SCALARMATH_H
