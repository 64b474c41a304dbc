// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Arithmetic on numbers so small that some processors take a hundred times as long for them.

#ifndef SNN_COMPILER_CODEGEN_CPU_SUBNORMALS_H
#define SNN_COMPILER_CODEGEN_CPU_SUBNORMALS_H

#include "compiler/Codegen/Cpu/Emitter.h"

namespace snn {

/// Whether a lane of any of these vectors is tiny: not zero, and less than 2^-100, so that a product with an ordinary
/// number may be subnormal. An i1; null if none is a vector of f32, for which alone there is a way round, or if the
/// target has no vectors.
mlir::Value anyTiny(Emitter &e, mlir::ValueRange vectors);

/// `op` is an operation on numbers. Null unless it multiplies, divides or takes a square root of f32: then its result
/// for vectors, `plain()` if none of them is tiny, else computed in f64 and rounded once, which has the same bits. A
/// product of two f32 is exact in f64. Quotients and roots are rounded twice, but f64 has more than twice the digits of
/// f32 and two, so the first rounding never moves one to the middle between two f32, nor across it (Figueroa, "When is
/// double rounding innocuous?", 1995); to that of two subnormal numbers, which have fewer digits, even less.
mlir::Value aroundSubnormals(Emitter &e, mlir::Operation *op, mlir::ValueRange vectors,
                             llvm::function_ref<mlir::Value()> plain);

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_SUBNORMALS_H
