// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products with spikes: by tables of partial sums, or by gathering the rows whose spike is set.

#include "compiler/Codegen/Cpu/Kernels/GradientBody.h"
#include "compiler/Codegen/Cpu/Kernels/HeldTables.h"

using namespace mlir;

namespace snn::kernels {
namespace {

/// Vectors of columns for which tables are made at a time. They should stay in the first cache, or what is read of
/// them.
int64_t tableVectors(const Emitter &e, bool few) {
  return (few ? kWideStripBytes : kStripBytes) * 8 / e.target.vectorBits;
}

class SpikeBody {
public:
  SpikeBody(Emitter &e, const Product &kernel) : e(e), kernel(kernel) {}

  /// Strip by strip, block by block: tables, then all rows.
  void emitTables(bool few) {
    Totals totals(
        e, kernel,
        e.view(kernel.scratch.bytes, e.add(kernel.scratch.offset, tableBytes(kernel.columns, e.realBytes())), e.real));
    forStrips(e, kernel.columns, tableVectors(e, few), [&](Value column, int64_t vectors) {
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
                        Value word = loadBlock(e, kernel.a, row, start, count);
                        totals.add(0, row, row, column, few ? tables.addFew(word) : tables.add(word, groups), first);
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
    assert(gatherScratch(kernel.depth, kernel.columns, e.realBytes()).constant <=
           tableBytes(kernel.columns, e.realBytes())); // where tables would lie
    const bool lower = levelsOf(kernel.depth) > 1;     // else there is no scratch memory if no tables are made either
    Totals totals(e, kernel, lower ? e.view(kernel.scratch.bytes, kernel.scratch.offset, e.real) : Memory());
    forStrips(e, kernel.columns, gatherVectors(e, kernel.columns), [&](Value column, int64_t vectors) {
      e.loop(e.index(0), kernel.rows, kGatherRows, [&](Value from) {
        Value to = e.minimum(e.add(from, kGatherRows), kernel.rows);
        auto forRows = [&](const std::function<void(Value row, Value place)> &body) {
          e.loop(from, to, 1, [&](Value row) { body(row, e.sub(row, from)); });
        };
        walkLevels(e, kernel.depth,
                   {[&](Value start, int64_t count, Value first) {
                      forRows([&](Value row, Value place) {
                        Value word = loadBlock(e, kernel.a, row, start, count);
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
  Emitter &e;
  const Product &kernel;
};

class SpikeGradientBody : GradientBody {
public:
  SpikeGradientBody(Emitter &e, const Gradient &kernel, Memory transposed) : GradientBody(e, kernel, transposed) {}

  void emitTables(bool few) {
    forStripsAndBlocks(tableVectors(e, few), [&](Value column, int64_t vectors) {
      auto tables = std::make_shared<Tables>(e, kernel.scratch, vectors);
      return [this, tables, column, vectors, few](Value block, Value from, Value to) {
        Value count = e.sub(to, from), last = e.sub(to, e.index(1));
        tables->fill(e.ceilDiv(count, kGroup), kernel.d.at,
                     [&](Value position) { return rowAt(e.minimum(e.add(from, position), last), column); });
        auto addInputs = [&](const std::function<Strip(Value word)> &sum) {
          forInputs([&](Value k) { addToC(k, column, sum(wordOf(block, k))); });
        };
        if (few)
          return addInputs([&](Value word) { return tables->addFew(word); });
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

/// What the forms take, in sixteenths of a cycle (README.md says how they were measured, and where).
struct SpikeCosts {
  int64_t bit;         ///< gathering: for a bit and strip; most of it are branches that nobody can foresee
  int64_t bitVector;   ///< and for each vector of the strip
  int64_t blockVector; ///< tables: for each vector of a row's block, and 16 times that to make those of a block
  int64_t fewStrip;    ///< few groups: for a row's block and strip, finding the groups
  int64_t fewVector;   ///< and for each vector of the strip
  int64_t fewBit;      ///< and for each bit and vector, as some words have more groups than that
  int64_t heldVector;  ///< held tables: for each vector of a row's block
};

SpikeCosts costsOf(const Emitter &e) {
  return e.target.vectorBits >= 512 ? SpikeCosts{344, 2, 192, 270, 52, 4, 272}
                                    : SpikeCosts{132, 4, 148, 320, 64, 3, 192};
}

int64_t gatherCost(Emitter &e, int64_t columns) {
  const SpikeCosts costs = costsOf(e);
  return costs.bit * stripsOf(e, columns, gatherVectors(e, columns)) + costs.bitVector * columns / e.machineLanes();
}

/// Emits the form that takes least, for `set` bits of so many rows and blocks.
void choose(Emitter &e, Value set, Value rows, Value blocks, int64_t columns,
            const std::function<void(SpikeForm)> &emit) {
  const SpikeCosts costs = costsOf(e);
  const int64_t vectors = columns / e.machineLanes();
  const int64_t ofFew =
      costs.fewStrip * stripsOf(e, columns, tableVectors(e, /*few=*/true)) + costs.fewVector * vectors;
  const int64_t ofBlock = costs.blockVector * vectors;
  Value words = e.mul(rows, blocks), make = e.mul(blocks, 16 * ofBlock);
  Value gather = e.mul(set, gatherCost(e, columns)), tables = e.add(make, e.mul(words, ofBlock));
  Value few = e.add(make, e.add(e.mul(words, ofFew), e.mul(set, costs.fewBit * vectors)));
  e.when(
      e.below(gather, e.minimum(tables, few)), [&] { emit(SpikeForm::Gather); },
      [&] {
        if (ofFew < ofBlock) // else all groups of so few columns are looked up in no more time
          e.when(e.below(few, tables), [&] { emit(SpikeForm::Few); }, [&] { emit(SpikeForm::Tables); });
        else
          emit(SpikeForm::Tables);
      });
}

StringRef suffixOf(SpikeForm form) {
  switch (form) {
  case SpikeForm::ByDensity:
    return "";
  case SpikeForm::Tables:
    return "_tables";
  case SpikeForm::Few:
    return "_few";
  case SpikeForm::Gather:
    return "_gather";
  }
}

void writeSpikes(Emitter &e, ModuleOp module, const Product &kernel) {
  Value set = emitCountBits(e, module, kernel.a.at, e.mul(kernel.rows, kernel.a.stride));
  Value blocks = e.index(llvm::divideCeil(kernel.depth, kBlock));
  choose(e, set, kernel.rows, blocks, kernel.columns, [&](SpikeForm form) { emitSpikes(e, module, kernel, form); });
}

void writeSpikeGradient(Emitter &e, ModuleOp module, const Gradient &kernel, SpikeForm form) {
  Type i64 = e.b.getI64Type();
  Value squareAt = e.add(kernel.scratch.offset, tableBytes(kernel.columns, e.realBytes()));
  Memory square = e.view(kernel.scratch.bytes, squareAt, i64);
  Value transposedAt = e.add(squareAt, 64 * sizeof(int64_t));
  Memory transposed = e.view(kernel.scratch.bytes, transposedAt, i64);
  emitTranspose(e, module, kernel, square, transposed);
  auto emit = [&](SpikeForm form) {
    std::string name = shapeName(e, ("spike_gradient_sums" + suffixOf(form)).str(),
                                 {kernel.columns, kernel.d.stride, kernel.c.stride});
    auto make = [&](Emitter &in, const Gradient &kernel, Memory transposed) {
      SpikeGradientBody body(in, kernel, transposed);
      form == SpikeForm::Gather ? body.emitGather() : body.emitTables(form == SpikeForm::Few);
      return Strip();
    };
    e.call(module, name, {}, make, kernel, transposed);
  };
  if (form != SpikeForm::ByDensity)
    return emit(form);
  Value blocks = e.sub(kernel.endBlock, kernel.firstBlock), words = transposedWords(e, kernel);
  Memory bits = e.view(kernel.scratch.bytes, transposedAt, e.b.getI16Type());
  choose(e, emitCountBits(e, module, bits, e.mul(words, 4)), e.div(words, blocks), blocks, kernel.columns, emit);
}

} // namespace

void emitSpikes(Emitter &e, ModuleOp module, const Product &kernel, SpikeForm form) {
  std::string name = shapeName(e, ("spikes" + suffixOf(form)).str(),
                               {kernel.depth, kernel.columns, kernel.a.stride, kernel.b.stride, kernel.c.stride});
  auto make = [&](Emitter &in, const Product &kernel) {
    if (form == SpikeForm::ByDensity)
      writeSpikes(in, module, kernel);
    else if (form == SpikeForm::Gather)
      SpikeBody(in, kernel).emitGather();
    else
      SpikeBody(in, kernel).emitTables(form == SpikeForm::Few);
    return Strip();
  };
  e.call(module, name, {}, make, kernel);
}

void emitHeldSpikes(Emitter &e, ModuleOp module, const Product &kernel, Scratch held) {
  std::string name =
      shapeName(e, "held_spikes", {kernel.depth, kernel.columns, kernel.a.stride, kernel.b.stride, kernel.c.stride});
  auto make = [&](Emitter &in, const Product &kernel, Scratch held) {
    Memory made = in.view(held.bytes, held.offset, in.b.getI64Type());
    HeldTables tables(in, kernel, in.view(held.bytes, in.add(held.offset, kHeldHeader), in.real));
    Value set = emitCountBits(in, module, kernel.a.at, in.mul(kernel.rows, kernel.a.stride));
    const int64_t words = llvm::divideCeil(kernel.depth, kBlock), vectors = kernel.columns / in.machineLanes();
    Value rows = in.mul(in.ceilDiv(kernel.rows, kHeldRows), kHeldRows);
    Value lookUp = in.mul(rows, words * vectors * costsOf(in).heldVector);
    in.when(
        in.below(in.mul(set, gatherCost(in, kernel.columns)), lookUp),
        [&] { emitSpikes(in, module, kernel, SpikeForm::Gather); },
        [&] {
          in.when(in.equal(in.load(made, in.index(0)), in.i64(0)), [&] {
            tables.fill();
            in.store(in.i64(1), made, in.index(0));
          });
          tables.lookUp();
        });
    return Strip();
  };
  e.call(module, name, {}, make, kernel, held);
}

void forgetHeldTables(Emitter &e, Scratch held) {
  e.store(e.i64(0), e.view(held.bytes, held.offset, e.b.getI64Type()), e.index(0));
}

void emitSpikeGradient(Emitter &e, ModuleOp module, const Gradient &kernel, SpikeForm form) {
  std::string name = shapeName(e, ("spike_gradient" + suffixOf(form)).str(),
                               {kernel.a.stride, kernel.columns, kernel.d.stride, kernel.c.stride});
  auto make = [&](Emitter &in, const Gradient &kernel) {
    writeSpikeGradient(in, module, kernel, form);
    return Strip();
  };
  e.call(module, name, {}, make, kernel);
}

} // namespace snn::kernels
