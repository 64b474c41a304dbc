// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Contracts whose rows are written over windows that overlap: a convolution's gradient to its input.

#ifndef SNN_COMPILER_SCHEDULE_CPU_OVERLAPS_H
#define SNN_COMPILER_SCHEDULE_CPU_OVERLAPS_H

#include "compiler/Schedule/Cpu/Layout.h"

#include <optional>

namespace snn::core {

/// With rows of samples and steps m, places i, taps p, depth k and columns n:
///
///   C[m, factor * i + step * p + origin, n] = sum over p, k of A[m, i, k] B[p, k, n]
///
/// where places and taps have as many dims, one of each for a dim of C, and what would be written beside C is nothing.
/// Columns and depth are contiguous, columns whole vectors.
struct OverlapProduct {
  mlir::Value a, b;
  struct Dim {
    int64_t places, taps, extent; ///< of A, B and C
    int64_t factor, step, origin;
    bool operator==(const Dim &other) const = default;
  };
  llvm::SmallVector<Dim, 2> dims;
  int64_t depth = 0, columns = 0;
  int64_t aStride = 0; ///< from a place to the next one, and rows of places are as far apart as they have places

  int64_t taps() const;
  int64_t extent() const; ///< places of C
};

std::optional<OverlapProduct> matchOverlap(ContractOp op);

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_OVERLAPS_H
