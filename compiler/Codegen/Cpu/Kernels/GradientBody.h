// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradients of factors with bits: strip by strip, block by block, with a word for each input.

#ifndef SNN_COMPILER_CODEGEN_CPU_KERNELS_GRADIENTBODY_H
#define SNN_COMPILER_CODEGEN_CPU_KERNELS_GRADIENTBODY_H

#include "compiler/Codegen/Cpu/Kernels/Pieces.h"

namespace snn::kernels {

/// C[k, n] over the blocks of an order, from the bits of its rows transposed (emitTranspose).
class GradientBody {
protected:
  GradientBody(Emitter &e, const Gradient &kernel, Memory transposed);

  /// For the rows [from, to) of a block, in the order.
  using BlockBody = std::function<void(mlir::Value block, mlir::Value from, mlir::Value to)>;
  /// Strips of at most `widest` vectors. C is cleared if it is to be.
  void forStripsAndBlocks(int64_t widest, const std::function<BlockBody(mlir::Value column, int64_t vectors)> &emit);

  void forInputs(const std::function<void(mlir::Value k)> &body) { e.loop(inputs.from, inputs.to, 1, body); }
  /// Bit i is that of the block's row i.
  mlir::Value wordOf(mlir::Value block, mlir::Value k);
  void addToC(mlir::Value k, mlir::Value column, mlir::ValueRange chain);
  /// Of a row by its place in the order: its number, and where D's begins.
  mlir::Value rowOf(mlir::Value position) { return e.toIndex(e.load(kernel.order.rows, position)); }
  mlir::Value rowAt(mlir::Value position, mlir::Value column);

  Emitter &e;
  const Gradient &kernel;

private:
  mlir::Value cAt(mlir::Value k, mlir::Value column);

  Memory transposed;
  Range inputs;
  mlir::Value firstInput, width;
};

/// How many words emitTranspose writes.
mlir::Value transposedWords(Emitter &e, const Gradient &kernel);

} // namespace snn::kernels

#endif // SNN_COMPILER_CODEGEN_CPU_KERNELS_GRADIENTBODY_H
