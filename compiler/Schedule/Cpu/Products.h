// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Contracts that are products of matrices whose rows are samples and steps: what the kernels can do.

#ifndef SNN_COMPILER_SCHEDULE_CPU_PRODUCTS_H
#define SNN_COMPILER_SCHEDULE_CPU_PRODUCTS_H

#include "compiler/Schedule/Cpu/Layout.h"

#include <optional>

namespace snn::core {

/// With rows m (all samples and steps at hand; one if there are neither), depth k and columns n:
///
///   C[m, n] = sum over k of A[m, k] B[k, n]    B has no rows: weights
///   C[k, n] = sum over m of A[m, k] B[m, n]    `gradient`: C has no rows
///
/// The elements of a row of A, of B and C in the gradient, and of C else, are contiguous; so are those of C in n.
struct MatrixProduct {
  bool gradient = false;
  bool swapped = false; ///< A is the second factor
  mlir::Value a, b;
  unsigned depthDim = 0, columnDim = 0; ///< of the op's domain; all other dims are rows
  int64_t depth = 0, columns = 0;
  bool spikes = false; ///< A is bits
  /// B (of the gradient: C) is contiguous in the columns, and its rows are `stride` elements apart. Always so in a
  /// gradient; else B must be oriented first.
  bool oriented = false;
  int64_t stride = 0;

  Kernel kernel() const;
};

/// Nothing unless each operand and the result is read or written at plain dims, each once.
std::optional<MatrixProduct> matchProduct(ContractOp op);

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_PRODUCTS_H
