// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Register tiles of dense products: some rows of A, some vectors of B, a chain for each pair of them.

#ifndef SNN_COMPILER_CODEGEN_CPU_KERNELS_TILES_H
#define SNN_COMPILER_CODEGEN_CPU_KERNELS_TILES_H

#include "compiler/Codegen/Cpu/Kernels/Pieces.h"

namespace snn::kernels {

/// The shape of a register tile: `rows` x `vectors` accumulators leave room for the operands of a step.
struct Tile {
  int64_t rows, vectors;
};
inline constexpr int64_t kPanelVectors = 2;

/// Calls emit(row, height) for tiles of rows [from, rows), the highest first. If no line has more than `widest` rows,
/// none is higher.
void forTiles(Emitter &e, mlir::Value from, mlir::Value rows,
              const std::function<void(mlir::Value row, int64_t height)> &emit, int64_t widest = 0);

/// One term of each chain of a tile: factors from `a`, the i-th at aAt(i), times a strip of `b`.
Strip addTerm(Emitter &e, Memory a, llvm::function_ref<mlir::Value(int64_t)> aAt, Memory b, mlir::Value bAt, Tile tile,
              mlir::ValueRange chains);

/// The chains of a tile over terms [from, to), from `start` on or from 0. If `multiple` is one of 4, their number is
/// so, too.
Strip sumTerms(Emitter &e, mlir::Value from, mlir::Value to, int64_t multiple, Tile tile,
               const Emitter::CarryingBody &term, mlir::ValueRange start = {});

} // namespace snn::kernels

#endif // SNN_COMPILER_CODEGEN_CPU_KERNELS_TILES_H
