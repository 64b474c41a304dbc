// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernels behind linear layers: dense products, and sums of rows selected by spikes. Both add up each element in
// the same order, so that either may be chosen at run time without changing a bit, as long as weights are finite: an
// infinite one meets the zeros in the dense form only.

#ifndef SNN_COMPILER_CODEGEN_CPU_PRODUCTS_H
#define SNN_COMPILER_CODEGEN_CPU_PRODUCTS_H

#include "compiler/Codegen/Cpu/Emitter.h"

namespace snn {

/// How the elements of a product start: at zero, at the bias of their column, or at what is there already. `Sum` is
/// the latter but for the first chunk of a lane (`fresh`), which finds nothing there: so nobody clears memory.
enum class Start { Zero, Bias, Sum };

/// C[m, n] = start + sum over k, ascending, of A[m, k] B[k, n], by fused multiply-adds.
struct DenseProduct {
  Memory a, b, c, bias;
  int64_t aRow = 0, aStep = 1; ///< strides of A in m and k
  int64_t bRow = 0, cRow = 0;  ///< strides of B in k and of C in m; both are contiguous in n
  int64_t columns = 0;         ///< extent of n, a multiple of kLanes
  mlir::Value rows, depth;     ///< extents of m and k
  Start start = Start::Zero;
  mlir::Value fresh; ///< i1, for Start::Sum
};

/// Emits a call of the kernel for this shape, which is made on first use.
void emitDenseProduct(Emitter &e, mlir::ModuleOp module, const DenseProduct &product);

/// `lanes` sums that start at +0 and have met their bias. A bias of -0 counts as +0: the dense form adds zeros to it
/// where the other one adds nothing, and -0 + 0 = +0.
mlir::Value emitBiasStart(Emitter &e, Memory bias, mlir::Value at, int64_t lanes);

/// The part of a kernel's name that says how it starts.
llvm::StringRef nameOf(Start start);

/// Spikes of `rows` rows of `words` words each, with scratch memory (i8) that scratchOf has sized.
struct SpikeMatrix {
  Memory words;
  int64_t wordsPerRow = 0;
  mlir::Value rows;
  mlir::Value scratch; ///< memref<?xi8>
  mlir::Value scratchOffset;
};

/// C[m, :] = start + sum of the rows B[k, :] whose spike (m, k) is set, ascending in k. B has one row of
/// `columns` for each input.
struct SpikeProduct {
  SpikeMatrix spikes;
  int64_t inputs = 0; ///< extent of k; the bits beyond it are padding
  Memory b, c, bias;
  int64_t columns = 0; ///< also the row strides of B and C
  Start start = Start::Zero;
  mlir::Value fresh;       ///< i1, for Start::Sum
  bool transposed = false; ///< C[k, :] += sum of the rows B[m, :], ascending in m
};

/// Emits both forms and the choice between them by the density of the spikes.
void emitSpikeProduct(Emitter &e, mlir::ModuleOp module, const SpikeProduct &product);

/// out[i] = 1 or 0 for each of `words` * kLanes spikes.
void emitSpreadSpikes(Emitter &e, mlir::ModuleOp module, Memory words, mlir::Value count, Memory out);

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_PRODUCTS_H
