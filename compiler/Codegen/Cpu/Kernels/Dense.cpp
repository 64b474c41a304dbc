// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Dense products and gradients from register tiles. A tile's chains are registers, its totals lie in C and are added to
// once in 64 terms. Rows with tiny elements may go another way (TinyRows.h).

#include "compiler/Codegen/Cpu/Kernels/Tiles.h"
#include "compiler/Codegen/Cpu/Kernels/TinyGradient.h"
#include "compiler/Codegen/Cpu/Kernels/TinyRows.h"

using namespace mlir;

namespace snn::kernels {
namespace {

/// Blocks of a gradient that all tiles take up before the next ones come: their rows stay in the first-level cache.
constexpr int64_t kBlocksOfPass = 2;

class DenseBody {
public:
  DenseBody(Emitter &e, const Product &kernel)
      : e(e), kernel(kernel), levels(levelsOf(kernel.depth)),
        lower(levels > 1 ? e.view(kernel.scratch.bytes, kernel.scratch.offset, e.real) : Memory()) {}

  /// All terms of a product that has several levels.
  void emit() {
    forStrips(e, kernel.columns, kPanelVectors, [&](Value column, int64_t vectors) {
      forTiles(e, e.index(0), kernel.rows,
               [&](Value row, int64_t height) { emitTile(row, column, {height, vectors}); });
    });
  }

  /// Whole blocks, [from, to), of a product that has one level.
  void emitTerms(Value from, Value to) {
    forStrips(e, kernel.columns, kPanelVectors, [&](Value column, int64_t vectors) {
      forTiles(e, e.index(0), kernel.rows, [&](Value row, int64_t height) {
        e.loop(from, to, kBlock, [&](Value start) {
          Value end = e.add(start, kBlock);
          if (kernel.depth % kBlock)
            end = e.minimum(end, to);
          addBlock(row, column, {height, vectors}, start, end, e.equal(start, e.index(0)));
        });
      });
    });
  }

private:
  /// The totals of row i of the tile: those of the highest level are C itself.
  std::pair<Memory, Value> total(int64_t level, int64_t i, Value row, Value column, Tile tile) {
    if (level == levels - 1)
      return {kernel.c.at, e.add(e.mul(e.add(row, i), kernel.c.stride), column)};
    return {lower, e.index((level * tile.rows + i) * tile.vectors * e.machineLanes())};
  }

  void addTo(int64_t level, Value row, Value column, Tile tile, ValueRange sums, Value first) {
    for (int64_t i = 0; i < tile.rows; ++i) {
      auto [memory, at] = total(level, i, row, column, tile);
      accumulate(e, sums.slice(i * tile.vectors, tile.vectors), memory, at, first);
    }
  }

  void addBlock(Value row, Value column, Tile tile, Value start, Value end, Value first) {
    const Matrix &a = kernel.a, &b = kernel.b;
    Value aRow = e.mul(row, a.stride);
    auto term = [&](Value k, ValueRange chains) {
      Value first = e.add(aRow, a.offsets.base ? e.toIndex(e.load(a.offsets, k)) : k);
      return addTerm(
          e, a.at, [&](int64_t i) { return e.add(first, i * a.stride); }, b.at, e.add(e.mul(k, b.stride), column), tile,
          chains);
    };
    addTo(0, row, column, tile, sumTerms(e, start, end, kernel.depth, tile, term), first);
  }

  void emitTile(Value row, Value column, Tile tile) {
    walkLevels(e, kernel.depth,
               {nullptr,
                [&](int64_t level, Value first) {
                  Strip below;
                  for (int64_t i = 0; i < tile.rows; ++i) {
                    auto [memory, at] = total(level - 1, i, row, column, tile);
                    llvm::append_range(below, loadStrip(e, memory, at, tile.vectors));
                  }
                  addTo(level, row, column, tile, below, first);
                },
                [&](Value start, Value end, Value first) { addBlock(row, column, tile, start, end, first); }});
  }

  Emitter &e;
  const Product &kernel;
  int64_t levels;
  Memory lower;
};

void emitGradient(Emitter &e, const Gradient &kernel) {
  const auto &[a, d, c, order, firstBlock, endBlock, columns, inputs, fresh, scratch, tiny, dColumns] = kernel;
  auto emitTile = [&](Value k, Value column, Tile tile, Value block) {
    Value from = e.toIndex(e.load(order.starts, block)), to = e.toIndex(e.load(order.starts, e.add(block, 1)));
    SmallVector<Value> offsets;
    for (int64_t i = 0; i < tile.rows; ++i)
      offsets.push_back(a.offsets.base ? e.toIndex(e.load(a.offsets, e.add(k, i))) : e.add(k, i));
    Strip chains = sumTerms(e, from, to, 1, tile, [&](Value position, ValueRange sums) {
      Value row = e.toIndex(e.load(order.rows, position));
      Value start = order.sources.base ? e.toIndex(e.load(order.sources, position)) : e.mul(row, a.stride);
      return addTerm(
          e, a.at, [&](int64_t i) { return e.add(start, offsets[i]); }, d.at, e.add(e.mul(row, d.stride), column), tile,
          sums);
    });
    Value first = e.both(fresh, e.equal(block, firstBlock));
    for (int64_t i = 0; i < tile.rows; ++i) {
      Value at = e.add(e.mul(e.add(k, i), c.stride), column);
      accumulate(e, ValueRange(chains).slice(i * tile.vectors, tile.vectors), c.at, at, first);
    }
  };
  e.loop(firstBlock, endBlock, kBlocksOfPass, [&](Value from) {
    Value to = e.minimum(e.add(from, kBlocksOfPass), endBlock);
    forStrips(e, columns, kPanelVectors, [&](Value column, int64_t vectors) {
      forTiles(e, inputs.from, inputs.to, [&](Value k, int64_t height) {
        e.loop(from, to, 1, [&](Value block) { emitTile(k, column, {height, vectors}, block); });
      });
    });
  });
}

} // namespace

void emitDense(Emitter &e, ModuleOp module, const Product &product) {
  Product kernel = product;
  if (levelsOf(kernel.depth) == 1)
    kernel.scratch = {}; // not looked at: callers with and without share the function
  const bool windows = bool(kernel.a.offsets.base);
  auto nameOf = [&](StringRef form) {
    return shapeName(e, nameFor(form, kernel.a),
                     {kernel.depth, kernel.columns, kernel.a.stride, kernel.b.stride, kernel.c.stride});
  };
  const std::string name = nameOf(windows ? "dense_windows" : "dense");
  if (levelsOf(kernel.depth) > 1) {
    auto make = [](Emitter &in, const Product &kernel) {
      DenseBody(in, kernel).emit();
      return Strip();
    };
    e.call(module, name, {}, make, kernel);
    return;
  }
  auto emitTerms = [=](Emitter &e, const Product &kernel, Value from, Value to) {
    auto make = [](Emitter &in, const Product &kernel, Value from, Value to) {
      DenseBody(in, kernel).emitTerms(from, to);
      return Strip();
    };
    e.call(module, name, {}, make, kernel, from, to);
  };
  auto emitAll = [=](Emitter &e, const Product &kernel) { emitTerms(e, kernel, e.index(0), e.index(kernel.depth)); };
  if (kernel.tiny == Tiny::Never || !hasTinyTerms(e) || isa<IntegerType>(kernel.a.at.element))
    return emitAll(e, kernel);
  auto make = [=](Emitter &in, const Product &kernel) {
    in.when(
        emitTakesLong(in, module, kernel.tiny,
                      emitSeemTiny(in, module, kernel.a, {in.index(0), kernel.rows}, kernel.depth)),
        [&] {
          emitTinyRows(in, module, kernel,
                       [&](const Product &part, Value from, Value to) { emitTerms(in, part, from, to); });
        },
        [&] { emitAll(in, kernel); });
    return Strip();
  };
  e.call(module, nameOf(windows ? "dense_windows_or_tiny" : "dense_or_tiny"), {}, make, kernel);
}

void emitDenseGradient(Emitter &e, ModuleOp module, const Gradient &kernel) {
  std::string name =
      shapeName(e, nameFor(kernel.a.offsets.base ? "dense_windows_gradient" : "dense_gradient", kernel.a),
                {kernel.columns, kernel.a.stride, kernel.d.stride, kernel.c.stride});
  auto make = [](Emitter &in, const Gradient &kernel) {
    emitGradient(in, kernel);
    return Strip();
  };
  emitGradientOrTiny(e, module, kernel, [&](const Gradient &plain) { e.call(module, name, {}, make, plain); });
}

} // namespace snn::kernels
