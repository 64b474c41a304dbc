// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Tiles.h.

#include "compiler/Codegen/Cpu/Kernels/Tiles.h"

using namespace mlir;

namespace snn::kernels {

/// Steps of the inner loop that are written out, of the tiles of most rows: the others have what is left.
constexpr int64_t kUnroll = 4;

/// Chains that go on while another one waits for its sum: a multiply-add takes four cycles, in which eight begin. Fewer
/// of them take as long.
constexpr int64_t kChains = 8;

/// Of 32 registers 16 are accumulators and 2 columns of B; of 16, 12 and 2. More would not be faster, and 8 rows divide
/// those of a step.
static int64_t mostRows(const TargetShape &target) { return target.registers() == 32 ? 8 : 6; }

/// Rows of a tile that are there at least, where not all of them have to.
static int64_t leastRows(int64_t vectors) { return std::max<int64_t>(1, kChains / vectors); }

/// Rows of most tiles, of `line` rows at a time, or of any number if that is 0: so that there is little left of a line.
static int64_t tileRows(const TargetShape &target, int64_t vectors, int64_t line) {
  if (!line)
    return mostRows(target);
  // Vectors of B and what else is in registers take the last fourth.
  const int64_t accumulators = target.registers() * 3 / 4, least = leastRows(vectors);
  const int64_t most = std::min<int64_t>({line, accumulators / vectors, 16});
  auto chains = [&](int64_t rows) { return std::max(kChains, rows * vectors); };
  auto cost = [&](int64_t rows) {
    return line / rows * chains(rows) + llvm::divideCeil(line % rows, least) * chains(least);
  };
  int64_t best = most;
  for (int64_t rows = most; rows >= 1; --rows)
    if (cost(rows) < cost(best))
      best = rows;
  return best;
}

Value TileRows::at(Emitter &e, int64_t i) const {
  Value row = e.add(first, i);
  return last ? e.minimum(row, last) : row;
}

RowStarts::RowStarts(Emitter &e, const TileRows &rows, int64_t stride) : e(e), stride(stride) {
  for (int64_t i = 0; i < (rows.last ? rows.height : 1); ++i)
    starts.push_back(e.mul(rows.at(e, i), stride));
}

Value RowStarts::at(int64_t i, Value element) const {
  return starts.size() > 1 ? e.add(starts[i], element) : e.add(e.add(starts[0], element), i * stride);
}

void forTiles(Emitter &e, Value from, Value to, int64_t vectors, const std::function<void(const TileRows &rows)> &emit,
              int64_t line) {
  const int64_t highest = tileRows(e.target, vectors, line), least = std::min(highest, leastRows(vectors));
  assert(highest * vectors * e.machineLanes() * e.realBytes() <= kTileBytes &&
         "products keep totals of a tile in so many bytes");
  Value whole = e.add(from, e.mul(e.div(e.sub(to, from), highest), highest));
  e.loop(from, whole, highest, [&](Value row) { emit({row, highest, nullptr, true}); });
  if (highest == 1)
    return;
  Value last = e.sub(to, e.index(1));
  e.when(
      e.equal(whole, last), [&] { emit({last, 1}); },
      [&] { e.loop(whole, to, least, [&](Value row) { emit({row, least, last}); }); });
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
  if (!tile.most || tile.vectors < kPanelVectors)
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
