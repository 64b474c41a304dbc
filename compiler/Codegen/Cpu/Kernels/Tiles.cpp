// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Tiles.h.

#include "compiler/Codegen/Cpu/Kernels/Tiles.h"

using namespace mlir;

namespace snn::kernels {

/// Steps of the inner loop that are written out, of the largest tile: the others have what is left of the rows.
constexpr int64_t kUnroll = 4;

/// Of 32 registers 16 are accumulators and 2 columns of B; of 16, 12 and 2. More would not be faster, and 8 rows divide
/// those of a step and of lines of an image.
static SmallVector<int64_t> tileRows(const TargetShape &target, int64_t widest) {
  SmallVector<int64_t> rows = target.registers() == 32 ? SmallVector<int64_t>{8, 4, 1} : SmallVector<int64_t>{6, 2, 1};
  if (widest && widest < rows.front())
    rows.front() = widest;
  llvm::erase_if(rows, [&](int64_t height) { return height > rows.front(); });
  rows.erase(llvm::unique(rows), rows.end());
  return rows;
}

void forTiles(Emitter &e, Value from, Value rows, const std::function<void(Value row, int64_t height)> &emit,
              int64_t widest) {
  for (int64_t height : tileRows(e.target, widest)) {
    Value to = e.add(from, e.mul(e.div(e.sub(rows, from), height), height));
    e.loop(from, to, height, [&](Value row) { emit(row, height); });
    from = to;
  }
}

Strip addTerm(Emitter &e, Memory a, llvm::function_ref<Value(int64_t)> aAt, Memory b, Value bAt, Tile tile,
              ValueRange chains) {
  Strip row = loadStrip(e, b, bAt, tile.vectors), next;
  for (int64_t i = 0; i < tile.rows; ++i) {
    Value factor = splatFactor(e, a, aAt(i));
    for (int64_t v = 0; v < tile.vectors; ++v)
      next.push_back(e.fma(factor, row[v], chains[i * tile.vectors + v]));
  }
  return next;
}

Strip sumTerms(Emitter &e, Value from, Value to, int64_t multiple, Tile tile, const Emitter::CarryingBody &term,
               ValueRange start) {
  Strip chains = start.empty() ? zeros(e, tile.rows * tile.vectors) : Strip(start);
  if (tile.rows < tileRows(e.target, 0).front() || tile.vectors < kPanelVectors)
    return e.loop(from, to, 1, chains, term);
  const bool whole = multiple % kUnroll == 0;
  Value unrolled = whole ? to : e.add(from, e.mul(e.div(e.sub(to, from), kUnroll), kUnroll));
  chains = e.loop(from, unrolled, kUnroll, chains, [&](Value i, ValueRange sums) {
    Strip next(sums);
    for (int64_t step = 0; step < kUnroll; ++step)
      next = term(e.add(i, step), next);
    return next;
  });
  return whole ? chains : e.loop(unrolled, to, 1, chains, term);
}

} // namespace snn::kernels
