// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Quotients without a division for each vector.

#ifndef SNN_COMPILER_CODEGEN_CPU_QUOTIENTS_H
#define SNN_COMPILER_CODEGEN_CPU_QUOTIENTS_H

#include "compiler/Codegen/Cpu/Emitter.h"

namespace snn {

/// A quotient of a square root and a number that is the same in all of a loop, as in Adam: `root / divisor` of f32
/// vectors, `plain()`, by a product with the reciprocal, which leaves the loop, and a remainder. The bits are the same:
/// the remainder of a quotient of an error below one unit is exact, and adding its share leaves the nearest number if
/// the reciprocal is (Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor", 1990).
/// A root is zero, infinite, or between 2^-75 and 2^64, so that neither product nor remainder leaves the normal numbers
/// for divisors between 2^-20 and 2^20; for others the division is done. Null if the target has no vectors, or for
/// other types.
mlir::Value rootOverUniform(Emitter &e, mlir::Value root, mlir::Value divisor, llvm::function_ref<mlir::Value()> plain);

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_QUOTIENTS_H
