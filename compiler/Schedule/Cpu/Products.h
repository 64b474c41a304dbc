// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Contracts that are products of matrices whose rows are samples and steps: what the kernels can do.

#ifndef SNN_COMPILER_SCHEDULE_CPU_PRODUCTS_H
#define SNN_COMPILER_SCHEDULE_CPU_PRODUCTS_H

#include "compiler/Schedule/Cpu/Layout.h"
#include "compiler/Schedule/Cpu/Sizes.h"

#include <optional>

namespace snn::core {

/// Of a product: strips of its second factor are copied next to each other for all rows of the first.
inline constexpr llvm::StringLiteral kPanelsAttr = "core.panels";

/// With rows m (all samples and steps at hand, or one if there are neither, and the places of each), depth k and
/// columns n:
///
///   C[m, n] = sum over k of A[m, k] B[k, n]    B has no rows: weights
///   C[k, n] = sum over m of A[m, k] B[m, n]    `gradient`: C has no rows
///
/// B and C are matrices with contiguous columns. Places and depth may be several dims each, counted through in
/// row-major order. Spikes of A lie like a matrix as well; reals lie as they like (`window`), so that the windows of a
/// convolution are rows without being copied.
struct MatrixProduct {
  bool gradient = false;
  bool swapped = false; ///< A is the second factor
  mlir::Value a, b;
  unsigned columnDim = 0; ///< of the op's domain
  int64_t depth = 0, columns = 0, places = 1;
  bool spikes = false; ///< A is bits
  /// B (of the gradient: C) is contiguous in the columns, and its rows are `stride` elements apart. Always so in a
  /// gradient; else B must be oriented first.
  bool oriented = false;
  int64_t stride = 0;
  /// Elements from one row of A, and of the other factor or result that has rows, to the next one; 0 if there is one
  /// place, so that they are apart as samples and steps are.
  int64_t aStride = 0, otherStride = 0;

  struct Dim {
    unsigned dim;
    int64_t extent, stride; ///< in A, in elements
  };
  llvm::SmallVector<Dim, 2> placeDims, depthDims; ///< of the op's domain, the last one counts fastest
  bool window = false;                            ///< A is read by the strides of these
  int64_t origin = 0;                             ///< of A's first row, in elements
  bool wholeRows = false;                         ///< A's rows are whole vectors, one behind the other
  /// Of which A's rows are windows, of a `window` alone, if each row of memory is one of these, to its end or to that
  /// of its last vector.
  std::optional<kernels::WindowShape> images;
  bool inOrder = false; ///< the result's dims are the op's in their order, but for one depth
  bool panels = false;  ///< the op has kPanelsAttr

  Kernel kernel() const;
  /// Reals, of which a row of the result is one block of few rows of B.
  bool fitsLanes() const;
  /// Of the same product by what of A is not zero; nothing if its rows are not whole vectors of reals, nor windows of
  /// images.
  std::optional<Kernel> sparseKernel() const;
  /// Multiply-adds of an element of A, about.
  int64_t perElement() const { return images ? columns * places * depth / images->elements() : columns; }
  /// Spikes for which no tables are made.
  std::optional<Kernel> gatherKernel() const;
  /// Reals of a step of a scan, by so few rows of weights that stay the same that each lane may add up its own sum.
  std::optional<Kernel> laneKernel() const;
  /// Whether its weights do not stay in such a cache from chunk to chunk.
  bool readsBeyond(int64_t cacheBytes) const;
  /// Spikes at each step of a scan, by weights that stay the same: tables may be held from step to step.
  std::optional<Kernel> heldKernel() const;
};

/// Nothing unless B and C are read or written at plain dims, each once, and A at sums of multiples of dims, always
/// inside. `whyNot` then gets a reason, which lives for ever.
std::optional<MatrixProduct> matchProduct(ContractOp op, llvm::StringRef *whyNot = nullptr);

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_PRODUCTS_H
