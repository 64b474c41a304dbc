// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions of the math dialect as sums, products, quotients and selections of reals.

#ifndef SNN_COMPILER_CODEGEN_CPU_MATHFUNCTIONS_H
#define SNN_COMPILER_CODEGEN_CPU_MATHFUNCTIONS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace snn {

/// Whether `name`, an op of math or arith, is a function that `writeMathFunction` writes.
bool isMathFunction(llvm::StringRef name);

/// The value of function `name` at `operands`, scalars or vectors of f32 or f64: the same bits for each element
/// whatever the width, without calls. Within 1 ulp, expm1 of f64 within 1.25: test/unit/compiler/ExpandMathTest.cpp.
/// sin and cos of 2^48 and more are NaN.
mlir::Value writeMathFunction(mlir::ImplicitLocOpBuilder &b, llvm::StringRef name, mlir::ValueRange operands);

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_MATHFUNCTIONS_H
