// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products with spikes: by tables of partial sums, or by gathering the rows whose spike is set.

#include "compiler/Codegen/Cpu/Kernels/GradientBody.h"

using namespace mlir;

namespace snn::kernels {
namespace {

/// Rows that are gathered at a time. Their lower totals lie where tables would.
constexpr int64_t kGatherRows = 16;

class SpikeBody {
public:
  SpikeBody(Emitter &e, const Product &kernel) : e(e), kernel(kernel) {}

  /// Strip by strip, block by block: tables, then all rows.
  void emitTables() {
    Totals totals(e, kernel, e.view(kernel.scratch.bytes, e.add(kernel.scratch.offset, kTableBytes), e.real));
    forStrips(e, kernel.columns, kStripBytes * 8 / e.target.vectorBits, [&](Value column, int64_t vectors) {
      Tables tables(e, kernel.scratch, vectors);
      walkLevels(e, kernel.depth,
                 {[&](Value start, int64_t count, Value first) {
                    int64_t groups = llvm::divideCeil(count, kGroup);
                    tables.fill(e.index(groups), kernel.b.at, [&](Value position) {
                      Value k = e.minimum(e.add(start, position), e.index(kernel.depth - 1));
                      return e.add(e.mul(k, kernel.b.stride), column);
                    });
                    auto addRows = [&](Value first) {
                      e.loop(kernel.rows, [&](Value row) {
                        totals.add(0, row, row, column, tables.add(wordOf(row, start, count), groups), first);
                      });
                    };
                    e.when(first, [&] { addRows(e.truth(true)); }, [&] { addRows(e.truth(false)); });
                  },
                  [&](int64_t level, Value first) {
                    e.loop(kernel.rows, [&](Value row) { totals.raise(level, row, row, column, vectors, first); });
                  }});
    });
  }

  /// Strip by strip, some rows at a time, block by block: rows find in the first-level cache what others have read of a
  /// block, and their totals.
  void emitGather() {
    assert((levelsOf(kernel.depth) - 1) * kGatherRows * kGatherBytes <= kTableBytes);
    Totals totals(e, kernel, e.view(kernel.scratch.bytes, kernel.scratch.offset, e.real));
    forStrips(e, kernel.columns, gatherVectors(e, kernel.columns), [&](Value column, int64_t vectors) {
      e.loop(e.index(0), kernel.rows, kGatherRows, [&](Value from) {
        Value to = e.minimum(e.add(from, kGatherRows), kernel.rows);
        auto forRows = [&](const std::function<void(Value row, Value place)> &body) {
          e.loop(from, to, 1, [&](Value row) { body(row, e.sub(row, from)); });
        };
        walkLevels(e, kernel.depth,
                   {[&](Value start, int64_t count, Value first) {
                      forRows([&](Value row, Value place) {
                        Value word = wordOf(row, start, count);
                        e.when(e.either(first, e.differs(word, e.i64(0))), [&] {
                          Strip chain = gatherWord(e, word, kernel.b.at, vectors, [&](Value bit) {
                            return e.add(e.mul(e.add(start, bit), kernel.b.stride), column);
                          });
                          totals.add(0, row, place, column, chain, first);
                        });
                      });
                    },
                    [&](int64_t level, Value first) {
                      forRows([&](Value row, Value place) { totals.raise(level, row, place, column, vectors, first); });
                    }});
      });
    });
  }

private:
  Value wordOf(Value row, Value start, int64_t count) {
    Value at = e.add(e.mul(row, kernel.a.stride), e.div(start, kLanes));
    Value word = loadWord(e, kernel.a.at, at, llvm::divideCeil(count, kLanes));
    // A row may have bits behind the depth.
    return count < kBlock ? e.both(word, e.i64((int64_t(1) << count) - 1)) : word;
  }

  Emitter &e;
  const Product &kernel;
};

class SpikeGradientBody : GradientBody {
public:
  SpikeGradientBody(Emitter &e, const Gradient &kernel, Memory transposed) : GradientBody(e, kernel, transposed) {}

  void emitTables() {
    forStripsAndBlocks(kStripBytes * 8 / e.target.vectorBits, [&](Value column, int64_t vectors) {
      auto tables = std::make_shared<Tables>(e, kernel.scratch, vectors);
      return [this, tables, column, vectors](Value block, Value from, Value to) {
        Value count = e.sub(to, from), last = e.sub(to, e.index(1));
        tables->fill(e.ceilDiv(count, kGroup), kernel.d.at,
                     [&](Value position) { return rowAt(e.minimum(e.add(from, position), last), column); });
        auto addInputs = [&](const std::function<Strip(Value word)> &sum) {
          forInputs([&](Value k) { addToC(k, column, sum(wordOf(block, k))); });
        };
        e.when(
            e.below(e.index(48), count), [&] { addInputs([&](Value word) { return tables->add(word, 16); }); },
            [&] {
              Value quarters = e.ceilDiv(count, 16);
              addInputs([&](Value word) {
                return e.loop(e.index(0), quarters, 1, zeros(e, vectors), [&](Value quarter, ValueRange sum) {
                  Value part = arith::ShRUIOp::create(e.b, word, e.toI64(e.mul(quarter, 16)));
                  return tables->add(part, 4, sum, e.mul(quarter, 4));
                });
              });
            });
      };
    });
  }

  void emitGather() {
    forStripsAndBlocks(gatherVectors(e, kernel.columns), [&](Value column, int64_t vectors) {
      return [this, column, vectors](Value block, Value from, Value) {
        forInputs([&](Value k) {
          Value word = wordOf(block, k);
          e.when(e.differs(word, e.i64(0)), [&] {
            addToC(k, column, gatherWord(e, word, kernel.d.at, vectors, [&](Value bit) {
                     return rowAt(e.add(from, bit), column);
                   }));
          });
        });
      };
    });
  }
};

/// What the two forms take, in quarters of a cycle (README.md says how they were measured, and where).
struct SpikeCosts {
  int64_t bit;         ///< gathering: for a bit and strip; most of it are branches that nobody can foresee
  int64_t bitVector;   ///< and for each vector of the strip
  int64_t blockVector; ///< tables: for each vector of a row's block, and 16 times that to make those of a block
};

SpikeCosts costsOf(const Emitter &e) {
  return e.target.vectorBits >= 512 ? SpikeCosts{60, 3, 56} : SpikeCosts{34, 1, 38};
}

/// True where `set` bits are gathered sooner than tables are made for each block and read by each of its rows.
Value isSparse(Emitter &e, Value set, Value rows, Value blocks, int64_t columns) {
  const SpikeCosts costs = costsOf(e);
  const int64_t vectors = columns / e.machineLanes();
  const int64_t widest = gatherVectors(e, columns);
  int64_t strips = vectors / widest + llvm::popcount(uint64_t(vectors % widest));
  Value gather = e.mul(set, costs.bit * strips + costs.bitVector * vectors);
  return e.below(gather, e.mul(e.mul(e.add(rows, 16), blocks), costs.blockVector * vectors));
}

void choose(Emitter &e, SpikeForm form, const std::function<Value()> &sparse, const std::function<void()> &gather,
            const std::function<void()> &tables) {
  if (form == SpikeForm::ByDensity)
    e.when(sparse(), gather, tables);
  else
    form == SpikeForm::Gather ? gather() : tables();
}

} // namespace

void emitSpikes(Emitter &e, ModuleOp module, const Product &kernel, SpikeForm form) {
  auto emit = [&](StringRef what, void (SpikeBody::*body)()) {
    std::string name =
        shapeName(e, what, {kernel.depth, kernel.columns, kernel.a.stride, kernel.b.stride, kernel.c.stride});
    auto make = [&](Emitter &in, const Product &kernel) {
      (SpikeBody(in, kernel).*body)();
      return Strip();
    };
    e.call(module, name, {}, make, kernel);
  };
  choose(
      e, form,
      [&] {
        Value set = emitCountBits(e, module, kernel.a.at, e.mul(kernel.rows, kernel.a.stride));
        return isSparse(e, set, kernel.rows, e.index(llvm::divideCeil(kernel.depth, kBlock)), kernel.columns);
      },
      [&] { emit("spikes_gather", &SpikeBody::emitGather); }, [&] { emit("spikes_tables", &SpikeBody::emitTables); });
}

void emitSpikeGradient(Emitter &e, ModuleOp module, const Gradient &kernel, SpikeForm form) {
  Type i64 = e.b.getI64Type();
  Value squareAt = e.add(kernel.scratch.offset, kTableBytes);
  Memory square = e.view(kernel.scratch.bytes, squareAt, i64);
  Value transposedAt = e.add(squareAt, 64 * sizeof(int64_t));
  Memory transposed = e.view(kernel.scratch.bytes, transposedAt, i64);
  emitTranspose(e, module, kernel, square, transposed);
  auto emit = [&](StringRef what, void (SpikeGradientBody::*body)()) {
    std::string name = shapeName(e, what, {kernel.columns, kernel.d.stride, kernel.c.stride});
    auto make = [&](Emitter &in, const Gradient &kernel, Memory transposed) {
      (SpikeGradientBody(in, kernel, transposed).*body)();
      return Strip();
    };
    e.call(module, name, {}, make, kernel, transposed);
  };
  choose(
      e, form,
      [&] {
        Value blocks = e.sub(kernel.endBlock, kernel.firstBlock), all = transposedWords(e, kernel);
        Memory words = e.view(kernel.scratch.bytes, transposedAt, e.b.getI16Type());
        Value set = emitCountBits(e, module, words, e.mul(all, 4));
        return isSparse(e, set, e.div(all, blocks), blocks, kernel.columns);
      },
      [&] { emit("spike_gradient_gather", &SpikeGradientBody::emitGather); },
      [&] { emit("spike_gradient_tables", &SpikeGradientBody::emitTables); });
}

} // namespace snn::kernels
