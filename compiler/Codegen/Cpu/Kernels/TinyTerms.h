// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Chains of multiply-adds whose factors may be subnormal numbers: the same bits, without the microcode that Intel's
// processors take for each of them.
//
// A number of f32 is tiny if it is not zero and less than 2^-122: subnormal, or so that its product with a common
// weight is.

#ifndef SNN_COMPILER_CODEGEN_CPU_KERNELS_TINYTERMS_H
#define SNN_COMPILER_CODEGEN_CPU_KERNELS_TINYTERMS_H

#include "compiler/Codegen/Cpu/Kernels/Pieces.h"

namespace snn::kernels {

/// Whether there is a way round for reals of this target: f32, with vectors.
bool hasTinyTerms(const Emitter &e);
/// Whether to take it (i1) where elements are `tiny` (i1): if subnormal numbers take this processor long, which is
/// measured, or if it is always to be taken.
mlir::Value emitTakesLong(Emitter &e, mlir::ModuleOp module, Tiny form, mlir::Value tiny);

/// The least magnitude of vectors of kLanes numbers, zeros left out: {none}, and those of another vector as well.
mlir::Value noMagnitude(Emitter &e);
mlir::Value leastMagnitude(Emitter &e, mlir::Value least, mlir::Value vector);
mlir::Value isTiny(Emitter &e, mlir::Value least); ///< i1

/// How many elements of vectors of kLanes numbers are tiny, and not zero.
Strip noTally(Emitter &e);
Strip tallied(Emitter &e, mlir::ValueRange tally, mlir::Value vector);
/// Whether one of `share` elements that are not zero, or more, is tiny. An i1.
mlir::Value isMuch(Emitter &e, mlir::ValueRange tally, int64_t share);

/// The largest magnitude of vectors (null: none), and whether it is below 2^-124 (i1), so that sums of products may be
/// subnormal.
mlir::Value mostMagnitude(Emitter &e, mlir::Value most, mlir::Value vector);
mlir::Value isVerySmall(Emitter &e, mlir::Value most);

/// A row of a matrix, as one of which it is the first.
Matrix rowOf(Emitter &e, Matrix matrix, mlir::Value row);
mlir::Value loadElement(Emitter &e, const Matrix &row, mlir::Value at);

/// A tally with elements [from, to) of a row, 64 at most.
Strip tallyOfBlock(Emitter &e, mlir::ValueRange tally, const Matrix &row, mlir::Value from, mlir::Value to);
mlir::Value isNotZero(Emitter &e, mlir::Value element); ///< i1

/// Where [from, to), 64 elements of a row at most, has the first one that is not below 2^-124, or `to`. Sums of terms
/// before it may all be subnormal.
mlir::Value firstNotVerySmall(Emitter &e, const Matrix &row, mlir::Value from, mlir::Value to);

/// Rows [from, to), or those at such positions of an order.
struct SomeRows {
  mlir::Value from, to;
  Memory order = {}; ///< i32; null: none

  friend void forEachValue(SomeRows &rows, EachValue each) {
    each(rows.from);
    each(rows.to);
    forEachValue(rows.order, each);
  }
};
/// Whether elements of these rows, `depth` each, seem to be tiny (i1): of many rows some are looked at. What is chosen
/// by it must not change a bit.
mlir::Value emitSeemTiny(Emitter &e, mlir::ModuleOp module, const Matrix &a, const SomeRows &rows, int64_t depth);
/// The same if it is one of `share` elements that are not zero, or more.
mlir::Value emitSeemMuchTiny(Emitter &e, mlir::ModuleOp module, const Matrix &a, const SomeRows &rows, int64_t depth,
                             int64_t share);

/// x times 2^96, exact or infinite, of f32, a number or a vector. By f64: to convert a subnormal number is not slow.
mlir::Value scaleUp(Emitter &e, mlir::Value x);

/// Calls emit(column, vectors) for strips of `columns` (index), as wide as lets sums of two kinds stay in registers.
void forWideStrips(Emitter &e, mlir::Value columns,
                   const std::function<void(mlir::Value column, int64_t vectors)> &emit);

/// The terms of a chain: one factor for all columns, as a vector, and a strip of the other ones.
struct Terms {
  std::function<std::pair<mlir::Value, Strip>(mlir::Value i)> at;
  std::function<mlir::Value(mlir::Value i)> counts =
      nullptr; ///< i1: whether a term may be other than nothing; null: yes
};

/// The chain over terms [from, to) from `start` on.
Strip chainOf(Emitter &e, mlir::Value from, mlir::Value to, mlir::ValueRange start, const Terms &terms);
/// The same for 64 terms at most whose factors may be tiny: those before `firstLarge` are very small. `scaled` has them
/// scaled up. A chain that ends as zero may have another sign.
Strip chainOfTiny(Emitter &e, mlir::Value from, mlir::Value firstLarge, mlir::Value to, mlir::ValueRange start,
                  const Terms &scaled, const Terms &plain);

} // namespace snn::kernels

#endif // SNN_COMPILER_CODEGEN_CPU_KERNELS_TINYTERMS_H
