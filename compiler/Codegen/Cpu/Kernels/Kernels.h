// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernels behind matrix products. Each adds up in the order of docs/summation.md, so that forms, targets, chunks
// and divisions among workers may be chosen freely without changing a bit of a finite result.
//
// Real elements have the type `real` of the Emitter. Columns are padded to kLanes; kernels read and write the padding
// of B, D and C, where anything may lie, and no other. What is written overlaps nothing else. Each function emits a
// call of a kernel for the shape, which is made on first use. No kernel allocates.

#ifndef SNN_COMPILER_CODEGEN_CPU_KERNELS_KERNELS_H
#define SNN_COMPILER_CODEGEN_CPU_KERNELS_KERNELS_H

#include "compiler/Codegen/Cpu/Emitter.h"
#include "compiler/Schedule/Cpu/Sizes.h"

namespace snn::kernels {

using snn::forEachValue;

/// Row r begins at element r * stride: reals, bytes as reals (A of dense and sparse kernels), or spikes of which each
/// element is a word of kLanes.
struct Matrix {
  Memory at;
  int64_t stride = 0;
  Memory offsets = {}; ///< i32: of the elements of a row, from its start; null: one behind the other
};
inline void forEachValue(Matrix &matrix, EachValue each) {
  forEachValue(matrix.at, each);
  forEachValue(matrix.offsets, each);
}

/// From a byte that is a multiple of 64, as large as Sizes.h says.
struct Scratch {
  mlir::Value bytes;  ///< pointer
  mlir::Value offset; ///< index
};
inline void forEachValue(Scratch &scratch, EachValue each) {
  each(scratch.bytes);
  each(scratch.offset);
}

/// A part [from, to) of an extent.
struct Range {
  mlir::Value from, to;
};

/// Whether products look for factors that are so small that products may be subnormal, as errors may be, and go another
/// way (TinyTerms.h): if this takes the processor long. Those of more than one level never do.
enum class Tiny { Never, IfSlow, Always };

/// C[m, n] = sum over k < depth of A[m, k] B[k, n].
struct Product {
  Matrix a, b, c;
  mlir::Value rows;
  int64_t depth = 0;
  int64_t columns = 0;     ///< a multiple of kLanes
  Scratch scratch;         ///< denseScratch(), spikeScratch(), gatherScratch(); not looked at if that is nothing
  Tiny tiny = Tiny::Never; ///< of dense ones: elements of A
  int64_t line = 0;        ///< of dense ones: how many rows most calls have, or 0
  bool panels = false;     ///< of dense ones: B is large, and there is memory for copies of its strips

  friend void forEachValue(Product &kernel, EachValue each) {
    for (Matrix *matrix : {&kernel.a, &kernel.b, &kernel.c})
      forEachValue(*matrix, each);
    each(kernel.rows);
    forEachValue(kernel.scratch, each);
  }
};
/// By fused multiply-adds.
void emitDense(Emitter &e, mlir::ModuleOp module, const Product &kernel);

/// With A of spikes: tables, of which all or few groups of a word are looked up, and gather, chosen by density.
enum class SpikeForm { ByDensity, Tables, Few, Gather };
void emitSpikes(Emitter &e, mlir::ModuleOp module, const Product &kernel, SpikeForm form = SpikeForm::ByDensity);

/// The same for A of a step of a scan: by gather, or by tables that are made when they are first needed and held in
/// heldBytes() for all further calls with these weights, until they are forgotten. At most 4,096 inputs.
void emitHeldSpikes(Emitter &e, mlir::ModuleOp module, const Product &kernel, Scratch held);
/// Before the first of these calls.
void forgetHeldTables(Emitter &e, Scratch held);

/// Which elements of A are not zero: row r has `bits.stride` words from bits.at + r * bits.stride on.
struct Nonzero {
  Matrix bits;
  mlir::Value few; ///< i1: so few that gathering by them takes less time than a dense product
};
inline void forEachValue(Nonzero &nonzero, EachValue each) {
  forEachValue(nonzero.bits, each);
  each(nonzero.few);
}
/// Below these shares of all elements, in percent, rows take less time by what is not zero
/// (test/Benchmark/kernels.cpp), and so do windows (docs/performance.md).
inline constexpr int64_t kFewOfRows = 60, kFewOfWindows = 12;
/// Of inputs in a range that begins at a multiple of kBlock, or all of them if it is none; in nonzeroScratch(). Rows of
/// A are whole vectors. They are few below `percent` of all.
Nonzero emitNonzero(Emitter &e, mlir::ModuleOp module, const Matrix &a, mlir::Value rows, int64_t depth, Range inputs,
                    Scratch scratch, int64_t percent = kFewOfRows);
/// Dense, or by what is not zero; in sparseScratch().
void emitSparse(Emitter &e, mlir::ModuleOp module, const Product &kernel, const Nonzero &nonzero);

/// A product or gradient whose rows of A are windows of images, by what of these is not zero.
struct Events {
  WindowShape shape;
  Matrix a;    ///< a row for each image
  Matrix bits; ///< of all of its elements: those that are not zero (Nonzero)
  Matrix b, c; ///< B, or D of a gradient, and C: rows of C are places, or terms
  int64_t columns = 0;
  mlir::Value rows;
  Scratch scratch = {};
  Range inputs = {}; ///< of a gradient; null: all

  friend void forEachValue(Events &kernel, EachValue each) {
    for (Matrix *matrix : {&kernel.a, &kernel.bits, &kernel.b, &kernel.c})
      forEachValue(*matrix, each);
    each(kernel.rows);
    forEachValue(kernel.scratch, each);
    each(kernel.inputs.from);
    each(kernel.inputs.to);
  }
};
/// C[m, n] = sum over k of A[m, k] B[k, n], at most kLevel blocks; in eventScratch(). C has all places of an image, one
/// image behind the other.
void emitEvents(Emitter &e, mlir::ModuleOp module, const Events &kernel);
/// The chains of an image's blocks of 64 places, one block's C behind the other, in eventGradientScratch().
void emitEventGradient(Emitter &e, mlir::ModuleOp module, const Events &kernel, mlir::Value image);

struct Overlap {
  OverlapShape shape;
  Memory a, b, c;
  mlir::Value rows;
  int64_t aRow = 0, cRow = 0; ///< elements from a row to the next one
  Scratch scratch;            ///< overlapScratch(shape, bytes of a real)
  Tiny tiny = Tiny::Never;    ///< elements of A

  friend void forEachValue(Overlap &kernel, EachValue each) {
    for (Memory *memory : {&kernel.a, &kernel.b, &kernel.c})
      forEachValue(*memory, each);
    each(kernel.rows);
    forEachValue(kernel.scratch, each);
  }
};
/// As OverlapShape says. Rows of A that are mostly zero, as errors behind a max pooling, go by what is not, if the
/// shape has such a form.
void emitOverlap(Emitter &e, mlir::ModuleOp module, const Overlap &kernel);

/// In which order rows are summed: block i has the rows rows[starts[i]] to rows[starts[i + 1]], 64 at most.
struct RowOrder {
  Memory rows, starts; ///< i32
  Memory sources = {}; ///< i64: where each of `rows` begins in A, if rows of A are windows
};
inline void forEachValue(RowOrder &order, EachValue each) {
  for (Memory *memory : {&order.rows, &order.starts, &order.sources})
    forEachValue(*memory, each);
}

/// The rows of a step of a sample.
struct RowPlaces {
  struct Dim {
    int64_t extent, stride; ///< in A, in elements
  };
  llvm::SmallVector<Dim, 2> dims = {}; ///< none: one row
  int64_t stepStride = 0;              ///< of A, from a step to the next one
  int64_t stepsPerRun = kRun;          ///< of a run that is less than a sample

  int64_t count() const;
};

/// Places for the order of `rows` rows in memory of rowOrderScratch().
RowOrder placeRowOrder(Emitter &e, Scratch memory, mlir::Value rows, bool windows = false);

/// Fills the order of a chunk of whole runs of `perRun` samples (or what the batch has left) with the rows of each step
/// of each sample: row (s * steps + t) * places + place. Returns the number of blocks. Rows without time have one step.
mlir::Value emitRowOrder(Emitter &e, mlir::ModuleOp module, mlir::Value samples, mlir::Value steps, mlir::Value perRun,
                         const RowOrder &order, const RowPlaces &places = {});

/// C[k, n] += the sums of the blocks [firstBlock, endBlock), kLevel at most, in turn, of A[r, k] D[r, n], for a range
/// of k. If `fresh` (i1), C starts at +0. The blocks that C takes up must be of the same level of the same part.
struct Gradient {
  Matrix a, d, c;
  RowOrder order;
  mlir::Value firstBlock, endBlock;
  int64_t columns = 0; ///< a multiple of kLanes
  Range inputs;
  mlir::Value fresh;
  Scratch scratch;         ///< of spikes: spikeGradientScratch(), for as many rows as the order has
  Tiny tiny = Tiny::Never; ///< of dense and sparse ones: elements of D, of which it has `dColumns`
  int64_t dColumns = 0;
  int64_t line = 0; ///< of dense ones: how many inputs most calls have, or 0

  friend void forEachValue(Gradient &kernel, EachValue each) {
    for (Matrix *matrix : {&kernel.a, &kernel.d, &kernel.c})
      forEachValue(*matrix, each);
    forEachValue(kernel.order, each);
    for (mlir::Value *value :
         {&kernel.firstBlock, &kernel.endBlock, &kernel.inputs.from, &kernel.inputs.to, &kernel.fresh})
      each(*value);
    forEachValue(kernel.scratch, each);
  }
};
void emitDenseGradient(Emitter &e, mlir::ModuleOp module, const Gradient &kernel);
void emitSpikeGradient(Emitter &e, mlir::ModuleOp module, const Gradient &kernel,
                       SpikeForm form = SpikeForm::ByDensity);
/// Dense, or by what is not zero; in transposeScratch().
void emitSparseGradient(Emitter &e, mlir::ModuleOp module, const Gradient &kernel, const Nonzero &nonzero);

/// 64 blocks, or what there is, go up: to[i] += from[i], or to[i] = from[i] if `fresh` (i1); then from[i] = 0. `count`
/// is a multiple of kLanes.
void emitLevelUp(Emitter &e, mlir::ModuleOp module, Memory to, Memory from, mlir::Value count, mlir::Value fresh);

} // namespace snn::kernels

#endif // SNN_COMPILER_CODEGEN_CPU_KERNELS_KERNELS_H
