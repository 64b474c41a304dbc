// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernels behind matrix products. Each adds up in the order of docs/summation.md, so that forms, targets, chunks
// and divisions among workers may be chosen freely without changing a bit of a finite result.
//
// Real elements have the type `real` of the Emitter. Columns are padded to kLanes; kernels read and write the padding
// of B, D and C, where anything may lie, and no other. Padding bits are 0. What is written overlaps nothing else. Each
// function emits a call of a kernel for the shape, which is made on first use. No kernel allocates.

#ifndef SNN_COMPILER_CODEGEN_CPU_KERNELS_KERNELS_H
#define SNN_COMPILER_CODEGEN_CPU_KERNELS_KERNELS_H

#include "compiler/Codegen/Cpu/Emitter.h"
#include "compiler/Schedule/Cpu/Sizes.h"

namespace snn::kernels {

/// Reals: row r begins at r * stride.
struct Matrix {
  Memory at;
  int64_t stride = 0;
};

/// Spikes, kLanes to an i16 word: row r begins at word r * wordsPerRow.
struct Bits {
  Memory words;
  int64_t wordsPerRow = 0;
};

/// From a byte that is a multiple of 64, as large as Sizes.h says.
struct Scratch {
  mlir::Value bytes;  ///< pointer
  mlir::Value offset; ///< index
};

/// A part [from, to) of an extent; all of it if the values are null.
struct Range {
  mlir::Value from, to;
};

/// C[m, n] = sum over k < depth of A[m, k] B[k, n], by fused multiply-adds.
struct DenseKernel {
  Matrix a, b, c;
  mlir::Value rows;
  int64_t depth = 0;
  int64_t columns = 0; ///< a multiple of kLanes
  Range columnRange;   ///< of multiples of kLanes
  Scratch scratch;     ///< denseScratch(depth); not looked at if that is nothing
};
void emitDense(Emitter &e, mlir::ModuleOp module, const DenseKernel &kernel);

/// The same with A of spikes. Tables and gather, chosen by density.
struct SpikeKernel {
  Bits a;
  Matrix b, c;
  mlir::Value rows;
  int64_t depth = 0, columns = 0;
  Range columnRange;
  Scratch scratch; ///< spikeScratch(depth)
};

enum class SpikeForm { ByDensity, Tables, Gather };
void emitSpikes(Emitter &e, mlir::ModuleOp module, const SpikeKernel &kernel, SpikeForm form = SpikeForm::ByDensity);

/// In which order rows are summed: block i has the rows rows[starts[i]] to rows[starts[i + 1]], 64 at most.
struct RowOrder {
  Memory rows, starts; ///< i32
};

/// Places for the order of `rows` rows in memory of rowOrderScratch().
RowOrder placeRowOrder(Emitter &e, Scratch memory, mlir::Value rows);

/// Fills the order of a chunk of whole runs (or what the batch has left) with a row for each step of each sample, row
/// s * steps + t. Returns the number of blocks. Rows without time have one step.
mlir::Value emitRowOrder(Emitter &e, mlir::ModuleOp module, mlir::Value samples, mlir::Value steps,
                         const RowOrder &order);

/// samplesPerRun for steps that are known at run time.
mlir::Value emitSamplesPerRun(Emitter &e, mlir::ModuleOp module, mlir::Value steps, int64_t positions = 1);

/// C[k, n] += the sums of the blocks [firstBlock, endBlock), in turn, of A[r, k] D[r, n]. If `fresh` (i1), C starts at
/// +0. The blocks that C takes up must be of the same level of the same part.
struct GradientKernel {
  Matrix a, d, c;
  RowOrder order;
  mlir::Value firstBlock, endBlock;
  int64_t inputs = 0, columns = 0; ///< extents of k and n, the latter a multiple of kLanes
  Range inputRange;
  mlir::Value fresh;
};
void emitDenseGradient(Emitter &e, mlir::ModuleOp module, const GradientKernel &kernel);

struct SpikeGradientKernel {
  Bits a;
  Matrix d, c;
  RowOrder order;
  mlir::Value firstBlock, endBlock;
  int64_t inputs = 0, columns = 0;
  Range inputRange;
  mlir::Value fresh;
  Scratch scratch; ///< spikeGradientScratch(a.wordsPerRow), for as many rows as the order has
};
void emitSpikeGradient(Emitter &e, mlir::ModuleOp module, const SpikeGradientKernel &kernel,
                       SpikeForm form = SpikeForm::ByDensity);

/// 64 blocks, or what there is, go up: to[i] += from[i], or to[i] = from[i] if `fresh` (i1); then from[i] = 0. `count`
/// is a multiple of kLanes.
void emitLevelUp(Emitter &e, mlir::ModuleOp module, Memory to, Memory from, mlir::Value count, mlir::Value fresh);

} // namespace snn::kernels

#endif // SNN_COMPILER_CODEGEN_CPU_KERNELS_KERNELS_H
