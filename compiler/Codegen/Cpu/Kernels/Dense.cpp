// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Dense products and gradients from register tiles. A tile's chains are registers, its totals lie in C and are added to
// once in 64 terms. Rows with tiny elements may go another way (TinyRows.h).

#include "compiler/Codegen/Cpu/Kernels/Tiles.h"
#include "compiler/Codegen/Cpu/Kernels/TinyGradient.h"
#include "compiler/Codegen/Cpu/Kernels/TinyRows.h"

using namespace mlir;

namespace snn::kernels {
namespace {

/// Rows of A that are worth a copy of B's strips.
constexpr int64_t kPanelRows = 16;

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
      forTiles(
          e, e.index(0), kernel.rows, vectors, [&](const TileRows &rows) { emitTile(rows, column, vectors); },
          kernel.line);
    });
  }

  /// Whole blocks, [from, to), of a product that has one level.
  void emitTerms(Value from, Value to) {
    forStrips(e, kernel.columns, kPanelVectors, [&](Value column, int64_t vectors) {
      auto emitRows = [&](const TileRows &rows) {
        e.loop(from, to, kBlock, [&](Value start) {
          Value end = e.add(start, kBlock);
          if (kernel.depth % kBlock)
            end = e.minimum(end, to);
          addBlock(rows, column, vectors, start, end, e.equal(start, e.index(0)));
        });
      };
      forTiles(e, e.index(0), kernel.rows, vectors, emitRows, kernel.line);
    });
  }

  /// All terms of a product that has one level, by copies of parts of B's strips, several at a time: what lies next to
  /// each other is fetched together.
  void emitPanels() {
    const Memory panels = e.view(kernel.scratch.bytes, kernel.scratch.offset, e.real);
    forStrips(e, kernel.columns, kPanels * kPanelVectors, [&](Value column, int64_t vectors) {
      e.loop(e.index(0), e.index(kernel.depth), kPanelTerms, [&](Value from) {
        Value to = e.minimum(e.add(from, kPanelTerms), e.index(kernel.depth));
        const int64_t terms = std::min(kernel.depth, kPanelTerms), lanes = e.machineLanes();
        auto forPanels = [&](llvm::function_ref<void(int64_t vector, int64_t width)> body) {
          for (int64_t vector = 0; vector < vectors; vector += kPanelVectors)
            body(vector, std::min(kPanelVectors, vectors - vector));
        };
        e.loop(from, to, 1, [&](Value k) {
          Strip row = loadStrip(e, kernel.b.at, e.add(e.mul(k, kernel.b.stride), column), vectors);
          forPanels([&](int64_t vector, int64_t width) {
            storeStrip(e, ArrayRef(row).slice(vector, width), panels,
                       e.add(e.mul(e.sub(k, from), width * lanes), vector * terms * lanes));
          });
        });
        forPanels([&](int64_t vector, int64_t width) {
          // Where the row of term 0 would be.
          Value place = e.sub(e.index(vector * terms * lanes), e.mul(from, width * lanes));
          auto emitRows = [&](const TileRows &rows) {
            e.loop(from, to, kBlock, [&](Value start) {
              addBlock(rows, e.add(column, vector * lanes), width, {panels, width * lanes}, place, start,
                       e.minimum(e.add(start, kBlock), to), e.equal(start, e.index(0)));
            });
          };
          forTiles(e, e.index(0), kernel.rows, width, emitRows, kernel.line);
        });
      });
    });
  }

private:
  /// The totals of row i of the tile: those of the highest level are C itself.
  SmallVector<std::pair<Memory, Value>> totals(int64_t level, const TileRows &rows, Value column, int64_t vectors) {
    SmallVector<std::pair<Memory, Value>> totals;
    RowStarts starts(e, rows, kernel.c.stride);
    for (int64_t i = 0; i < rows.height; ++i)
      totals.push_back(level == levels - 1
                           ? std::pair(kernel.c.at, starts.at(i, column))
                           : std::pair(lower, e.index((level * rows.height + i) * vectors * e.machineLanes())));
    return totals;
  }

  void addBlock(const TileRows &rows, Value column, int64_t vectors, Value start, Value end, Value first) {
    addBlock(rows, column, vectors, kernel.b, column, start, end, first);
  }

  /// The strip of `b` begins at `place`, that of C at `column`.
  void addBlock(const TileRows &rows, Value column, int64_t vectors, const Matrix &b, Value place, Value start,
                Value end, Value first) {
    const Matrix &a = kernel.a;
    const Tile tile = rows.tile(vectors);
    RowStarts starts(e, rows, a.stride);
    auto term = [&](Value k, ValueRange chains) {
      Value element = a.offsets.base ? e.toIndex(e.load(a.offsets, k)) : k;
      return addTerm(
          e, a.at, [&](int64_t i) { return starts.at(i, element); }, b.at, e.add(e.mul(k, b.stride), place), tile,
          chains);
    };
    accumulateRows(e, sumTerms(e, start, end, kernel.depth, tile, term), totals(0, rows, column, vectors), first);
  }

  void emitTile(const TileRows &rows, Value column, int64_t vectors) {
    walkLevels(e, kernel.depth,
               {nullptr,
                [&](int64_t level, Value first) {
                  Strip below;
                  for (auto [memory, at] : totals(level - 1, rows, column, vectors))
                    llvm::append_range(below, loadStrip(e, memory, at, vectors));
                  accumulateRows(e, below, totals(level, rows, column, vectors), first);
                },
                [&](Value start, Value end, Value first) { addBlock(rows, column, vectors, start, end, first); }});
  }

  Emitter &e;
  const Product &kernel;
  int64_t levels;
  Memory lower;
};

void emitGradient(Emitter &e, const Gradient &kernel) {
  const auto &[a, d, c, order, firstBlock, endBlock, columns, inputs, fresh, scratch, tiny, dColumns, line] = kernel;
  auto emitTile = [&](const TileRows &some, Value column, int64_t vectors, Value block) {
    const Tile tile = some.tile(vectors);
    Value from = e.toIndex(e.load(order.starts, block)), to = e.toIndex(e.load(order.starts, e.add(block, 1)));
    RowStarts elements(e, some, 1), starts(e, some, c.stride);
    SmallVector<Value> offsets;
    SmallVector<std::pair<Memory, Value>> totals;
    for (int64_t i = 0; i < tile.rows; ++i) {
      Value k = elements.at(i, e.index(0));
      offsets.push_back(a.offsets.base ? e.toIndex(e.load(a.offsets, k)) : k);
      totals.emplace_back(c.at, starts.at(i, column));
    }
    Strip chains = sumTerms(e, from, to, 1, tile, [&](Value position, ValueRange sums) {
      Value row = e.toIndex(e.load(order.rows, position));
      Value start = order.sources.base ? e.toIndex(e.load(order.sources, position)) : e.mul(row, a.stride);
      return addTerm(
          e, a.at, [&](int64_t i) { return e.add(start, offsets[i]); }, d.at, e.add(e.mul(row, d.stride), column), tile,
          sums);
    });
    accumulateRows(e, chains, totals, e.both(fresh, e.equal(block, firstBlock)));
  };
  e.loop(firstBlock, endBlock, kBlocksOfPass, [&](Value from) {
    Value to = e.minimum(e.add(from, kBlocksOfPass), endBlock);
    forStrips(e, columns, kPanelVectors, [&](Value column, int64_t vectors) {
      auto emitInputs = [&](const TileRows &some) {
        e.loop(from, to, 1, [&](Value block) { emitTile(some, column, vectors, block); });
      };
      forTiles(e, inputs.from, inputs.to, vectors, emitInputs, line);
    });
  });
}

} // namespace

void emitDense(Emitter &e, ModuleOp module, const Product &product) {
  Product kernel = product;
  auto nameOf = [=, &e](StringRef form, StringRef otherwise = "") {
    SmallVector<int64_t> numbers{kernel.depth, kernel.columns, kernel.a.stride, kernel.b.stride, kernel.c.stride};
    if (kernel.line)
      numbers.push_back(kernel.line);
    return shapeName(e, nameFor((form + (kernel.a.offsets.base ? "_windows" : "") + otherwise).str(), kernel.a),
                     numbers);
  };
  if (levelsOf(kernel.depth) > 1) {
    auto make = [](Emitter &in, const Product &kernel) {
      DenseBody(in, kernel).emit();
      return Strip();
    };
    e.call(module, nameOf("dense"), {}, make, kernel);
    return;
  }
  // Memory is looked at by panels alone: callers with and without share the other functions.
  auto plain = [](Product kernel) {
    kernel.scratch = {};
    return kernel;
  };
  if (!kernel.panels)
    kernel = plain(kernel);
  auto emitTerms = [=](Emitter &e, const Product &kernel, Value from, Value to) {
    auto make = [](Emitter &in, const Product &kernel, Value from, Value to) {
      DenseBody(in, kernel).emitTerms(from, to);
      return Strip();
    };
    e.call(module, nameOf("dense"), {}, make, plain(kernel), from, to);
  };
  auto emitAll = [=](Emitter &e, const Product &kernel) {
    auto emitPlain = [&] { emitTerms(e, kernel, e.index(0), e.index(kernel.depth)); };
    if (!kernel.panels)
      return emitPlain();
    auto make = [](Emitter &in, const Product &kernel) {
      DenseBody(in, kernel).emitPanels();
      return Strip();
    };
    e.when(e.below(kernel.rows, e.index(kPanelRows)), emitPlain,
           [&] { e.call(module, nameOf("panels"), {}, make, kernel); });
  };
  if (kernel.tiny == Tiny::Never || !hasTinyTerms(e) || isa<IntegerType>(kernel.a.at.element))
    return emitAll(e, kernel);
  auto make = [=](Emitter &in, const Product &kernel) {
    in.when(
        emitTakesLong(in, module, kernel.tiny,
                      emitSeemTiny(in, module, kernel.a, {in.index(0), kernel.rows}, kernel.depth)),
        [&] {
          emitTinyRows(in, module, plain(kernel),
                       [&](const Product &part, Value from, Value to) { emitTerms(in, part, from, to); });
        },
        [&] { emitAll(in, kernel); });
    return Strip();
  };
  e.call(module, nameOf(kernel.panels ? "panels" : "dense", "_or_tiny"), {}, make, kernel);
}

void emitDenseGradient(Emitter &e, ModuleOp module, const Gradient &kernel) {
  std::string name =
      shapeName(e, nameFor(kernel.a.offsets.base ? "dense_windows_gradient" : "dense_gradient", kernel.a),
                {kernel.columns, kernel.a.stride, kernel.d.stride, kernel.c.stride, kernel.line});
  auto make = [](Emitter &in, const Gradient &kernel) {
    emitGradient(in, kernel);
    return Strip();
  };
  emitGradientOrTiny(e, module, kernel, [&](const Gradient &plain) { e.call(module, name, {}, make, plain); });
}

} // namespace snn::kernels
