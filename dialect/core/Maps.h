// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What can be said of the maps by which ops read and write elements.

#ifndef SNN_DIALECT_CORE_MAPS_H
#define SNN_DIALECT_CORE_MAPS_H

#include "mlir/IR/AffineMap.h"

#include <optional>
#include <string>

namespace snn::core {

/// The values that an expression takes over a domain, both ends included.
struct Bounds {
  int64_t low, high;
};

/// Bounds over the points of `domain`, whose marked extents (time, samples) count as `marked`. Nothing if the
/// expression is not made of dims, constants, sums, products with constants, and floordiv and mod by positive ones.
std::optional<Bounds> boundsOf(mlir::AffineExpr expression, llvm::ArrayRef<int64_t> domain, int64_t marked = 1);

/// One position of a written element as `constant part of known dims + sum of factor * dim` over dims that it
/// determines.
struct WrittenPosition {
  struct Digit {
    unsigned dim;
    int64_t factor;
  };
  /// From the largest factor to the smallest: like digits of a number with mixed radix.
  llvm::SmallVector<Digit, 2> digits;
  /// A function of dims that are summed, that positions before this one determine, or whose extent is 1.
  mlir::AffineExpr known;
};

/// How the position of a written element determines the dims that are not in `along`. Positions are taken from left to
/// right. Fails with a sentence about what is not as it should be: a dim that no position determines, or one position
/// that leaves two choices.
struct WriteAnalysis {
  llvm::SmallVector<WrittenPosition, 4> positions;
  std::string fault; ///< empty if all is well

  static WriteAnalysis of(mlir::AffineMap map, llvm::ArrayRef<int64_t> domain, llvm::ArrayRef<int64_t> along);
};

/// The dims of the domain that `map`, used to write, can determine, so that the others are to be summed. Where one
/// position depends on several dims that are no digits of one number, as of windows, that of the largest extent is
/// chosen. If some dims of a position are `preferred`'s, it is to determine these alone.
llvm::SmallVector<unsigned> determinedDims(mlir::AffineMap map, llvm::ArrayRef<int64_t> domain,
                                           mlir::AffineMap preferred = {});

/// Whether each point of the domain finds an element of an array of extents `shape` by `map`. Steps and samples are as
/// many in all arrays.
bool isInside(mlir::AffineMap map, llvm::ArrayRef<int64_t> domain, llvm::ArrayRef<int64_t> shape);

/// Whether each element of an array of extents `shape` is written, at the point that has its coordinates.
bool writesAll(mlir::AffineMap map, llvm::ArrayRef<int64_t> domain, llvm::ArrayRef<int64_t> shape);

/// Whether several points of the dims that `position` depends on share one value of it, as with windows that overlap.
bool isWindow(mlir::AffineExpr position, llvm::ArrayRef<int64_t> domain);

} // namespace snn::core

#endif // SNN_DIALECT_CORE_MAPS_H
