// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Dense products and gradients from register tiles. A tile's chains are registers, its totals lie in C and are added to
// once in 64 terms.

#include "compiler/Codegen/Cpu/Kernels/Pieces.h"

using namespace mlir;

namespace snn::kernels {
namespace {

/// The shape of a register tile: `rows` x `vectors` accumulators leave room for the operands of a step.
struct Tile {
  int64_t rows, vectors;
};
constexpr int64_t kPanelVectors = 2;
/// Steps of the inner loop that are written out, of the largest tile: the others have what is left of the rows.
constexpr int64_t kUnroll = 4;
/// Blocks of a gradient that all tiles take up before the next ones come: their rows stay in the first-level cache.
constexpr int64_t kBlocksOfPass = 2;

/// 512-bit targets have 32 registers: 24 accumulators, 2 columns of B. Others have 16: 12, 2.
SmallVector<int64_t> tileRows(const TargetShape &target) {
  return target.vectorBits >= 512 ? SmallVector<int64_t>{12, 4, 1} : SmallVector<int64_t>{6, 2, 1};
}

void forTiles(Emitter &e, Value from, Value rows, const std::function<void(Value row, int64_t height)> &emit) {
  for (int64_t height : tileRows(e.target)) {
    Value to = e.add(from, e.mul(e.div(e.sub(rows, from), height), height));
    e.loop(from, to, height, [&](Value row) { emit(row, height); });
    from = to;
  }
}

/// One term of each chain of a tile: factors from `a`, one each `aStep`, times a strip of `b`.
Strip addTerm(Emitter &e, Memory a, Value aAt, int64_t aStep, Memory b, Value bAt, Tile tile, ValueRange chains) {
  Strip row = loadStrip(e, b, bAt, tile.vectors), next;
  for (int64_t i = 0; i < tile.rows; ++i) {
    Value factor = e.splat(e.load(a, e.add(aAt, i * aStep)), e.machineLanes());
    for (int64_t v = 0; v < tile.vectors; ++v)
      next.push_back(e.fma(factor, row[v], chains[i * tile.vectors + v]));
  }
  return next;
}

/// The chains of a tile over terms [from, to). If `multiple` is one of kUnroll, their number is so, too.
Strip sumTerms(Emitter &e, Value from, Value to, int64_t multiple, Tile tile, const Emitter::CarryingBody &term) {
  Strip chains = zeros(e, tile.rows * tile.vectors);
  if (tile.rows < tileRows(e.target).front() || tile.vectors < kPanelVectors)
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

class DenseBody {
public:
  DenseBody(Emitter &e, const DenseKernel &shape, Arguments args)
      : e(e), shape(shape), a(args.memory()), b(args.memory()), c(args.memory()), rows(args.value()),
        columns(args.range()) {
    if (levelsOf(shape.depth) > 1) {
      Scratch scratch = args.scratch();
      lower = e.view(scratch.bytes, scratch.offset, e.real);
    }
  }

  void emit() {
    forStrips(
        e, columns, shape.columns, bool(shape.columnRange.from), kPanelVectors, [&](Value column, int64_t vectors) {
          forTiles(e, e.index(0), rows, [&](Value row, int64_t height) { emitTile(row, column, {height, vectors}); });
        });
  }

private:
  /// The totals of row i of the tile: those of the highest level are C itself.
  std::pair<Memory, Value> total(int64_t level, int64_t i, Value row, Value column, Tile tile) {
    int64_t levels = levelsOf(shape.depth);
    if (level == levels - 1)
      return {c, e.add(e.mul(e.add(row, i), shape.c.stride), column)};
    return {lower, e.index((level * tile.rows + i) * tile.vectors * e.machineLanes())};
  }

  void emitTile(Value row, Value column, Tile tile) {
    auto addTo = [&](int64_t level, ValueRange sums, Value first) {
      for (int64_t i = 0; i < tile.rows; ++i) {
        auto [memory, at] = total(level, i, row, column, tile);
        accumulate(e, sums.slice(i * tile.vectors, tile.vectors), memory, at, first);
      }
    };
    Value aRow = e.mul(row, shape.a.stride);
    walkLevels(e, shape.depth,
               {nullptr,
                [&](int64_t level, Value first) {
                  Strip below;
                  for (int64_t i = 0; i < tile.rows; ++i) {
                    auto [memory, at] = total(level - 1, i, row, column, tile);
                    llvm::append_range(below, loadStrip(e, memory, at, tile.vectors));
                  }
                  addTo(level, below, first);
                },
                [&](Value start, Value end, Value first) {
                  auto term = [&](Value k, ValueRange chains) {
                    return addTerm(e, a, e.add(aRow, k), shape.a.stride, b, e.add(e.mul(k, shape.b.stride), column),
                                   tile, chains);
                  };
                  Strip chains = sumTerms(e, start, end, shape.depth, tile, term);
                  addTo(0, chains, first);
                }});
  }

  Emitter &e;
  const DenseKernel &shape;
  Memory a, b, c;
  Value rows;
  Range columns;
  Memory lower;
};

class DenseGradientBody {
public:
  DenseGradientBody(Emitter &e, const GradientKernel &shape, Arguments args)
      : e(e), shape(shape), a(args.memory()), d(args.memory()), c(args.memory()), rows(args.memory()),
        starts(args.memory()), firstBlock(args.value()), endBlock(args.value()), inputs(args.range()),
        fresh(args.value()) {}

  void emit() {
    Range all{e.index(0), e.index(shape.columns)};
    e.loop(firstBlock, endBlock, kBlocksOfPass, [&](Value from) {
      Value to = e.minimum(e.add(from, kBlocksOfPass), endBlock);
      forStrips(e, all, shape.columns, false, kPanelVectors, [&](Value column, int64_t vectors) {
        forTiles(e, inputs.from, inputs.to,
                 [&](Value k, int64_t height) { emitTile(k, column, {height, vectors}, from, to); });
      });
    });
  }

private:
  void emitTile(Value k, Value column, Tile tile, Value firstOfPass, Value endOfPass) {
    e.loop(firstOfPass, endOfPass, 1, [&](Value block) {
      Value from = e.toIndex(e.load(starts, block)), to = e.toIndex(e.load(starts, e.add(block, 1)));
      Strip chains = sumTerms(e, from, to, 1, tile, [&](Value position, ValueRange sums) {
        Value row = e.toIndex(e.load(rows, position));
        return addTerm(e, a, e.add(e.mul(row, shape.a.stride), k), 1, d, e.add(e.mul(row, shape.d.stride), column),
                       tile, sums);
      });
      Value first = e.both(fresh, e.equal(block, firstBlock));
      for (int64_t i = 0; i < tile.rows; ++i) {
        Value at = e.add(e.mul(e.add(k, i), shape.c.stride), column);
        accumulate(e, ValueRange(chains).slice(i * tile.vectors, tile.vectors), c, at, first);
      }
    });
  }

  Emitter &e;
  const GradientKernel &shape;
  Memory a, d, c, rows, starts;
  Value firstBlock, endBlock;
  Range inputs;
  Value fresh;
};

} // namespace

void emitDense(Emitter &e, ModuleOp module, const DenseKernel &kernel) {
  bool ranged = bool(kernel.columnRange.from);
  std::string name = shapeName(e, ranged ? "dense_range" : "dense",
                               {kernel.depth, kernel.columns, kernel.a.stride, kernel.b.stride, kernel.c.stride});
  Operands operands;
  operands.add(kernel.a.at).add(kernel.b.at).add(kernel.c.at).add(kernel.rows);
  operands.add(e, kernel.columnRange, kernel.columns);
  if (levelsOf(kernel.depth) > 1)
    operands.add(kernel.scratch);
  call(e, module, name, operands, [&](Emitter &in, Arguments args) {
    DenseBody(in, kernel, args).emit();
    return Strip();
  });
}

void emitDenseGradient(Emitter &e, ModuleOp module, const GradientKernel &kernel) {
  std::string name =
      shapeName(e, "dense_gradient", {kernel.columns, kernel.a.stride, kernel.d.stride, kernel.c.stride});
  Operands operands;
  operands.add(kernel.a.at).add(kernel.d.at).add(kernel.c.at).add(kernel.order.rows).add(kernel.order.starts);
  operands.add(kernel.firstBlock).add(kernel.endBlock).add(e, kernel.inputRange, kernel.inputs).add(kernel.fresh);
  call(e, module, name, operands, [&](Emitter &in, Arguments args) {
    DenseGradientBody(in, kernel, args).emit();
    return Strip();
  });
}

} // namespace snn::kernels
