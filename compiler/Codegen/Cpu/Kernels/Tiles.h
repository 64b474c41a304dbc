// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Register tiles of dense products: some rows of A, some vectors of B, a chain for each pair of them.

#ifndef SNN_COMPILER_CODEGEN_CPU_KERNELS_TILES_H
#define SNN_COMPILER_CODEGEN_CPU_KERNELS_TILES_H

#include "compiler/Codegen/Cpu/Kernels/Pieces.h"

namespace snn::kernels {

/// The shape of a register tile: `rows` x `vectors` accumulators leave room for the operands of a step.
struct Tile {
  int64_t rows, vectors;
  bool most = false; ///< most rows are in such tiles, so its inner loop is written out
};
inline constexpr int64_t kPanelVectors = 2;

/// The rows of a tile: `height` of them from `first` on, but none behind `last`, which takes the place of those.
struct TileRows {
  mlir::Value first;
  int64_t height;
  mlir::Value last = nullptr; ///< null: all are there
  bool most = false;          ///< as of Tile

  mlir::Value at(Emitter &e, int64_t i) const;
  Tile tile(int64_t vectors) const { return {height, vectors, most}; }
};

/// Where elements of a tile's rows lie that are `stride` apart.
class RowStarts {
public:
  RowStarts(Emitter &e, const TileRows &rows, int64_t stride);
  /// Of row i: `element` of the row.
  mlir::Value at(int64_t i, mlir::Value element) const;

private:
  Emitter &e;
  llvm::SmallVector<mlir::Value> starts; ///< of each row, or of the first one: the others have constant distances
  int64_t stride;
};

/// Calls emit(rows) for tiles of `vectors` vectors of the rows [from, to): the highest ones while rows last, then tiles
/// of no more rows than chains take to hide their latency, of which the last may be short. `line`: how many rows most
/// calls have, or 0.
void forTiles(Emitter &e, mlir::Value from, mlir::Value to, int64_t vectors,
              const std::function<void(const TileRows &rows)> &emit, int64_t line = 0);

/// One term of each chain of a tile: factors from `a`, the i-th at aAt(i), times a strip of `b`.
Strip addTerm(Emitter &e, Memory a, llvm::function_ref<mlir::Value(int64_t)> aAt, Memory b, mlir::Value bAt, Tile tile,
              mlir::ValueRange chains);

/// The chains of a tile over terms [from, to), from `start` on or from 0. If `multiple` is one of 4, their number is
/// so, too.
Strip sumTerms(Emitter &e, mlir::Value from, mlir::Value to, int64_t multiple, Tile tile,
               const Emitter::CarryingBody &term, mlir::ValueRange start = {});

} // namespace snn::kernels

#endif // SNN_COMPILER_CODEGEN_CPU_KERNELS_TILES_H
