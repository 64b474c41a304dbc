// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products with spikes: by tables of partial sums, or by gathering the rows whose spike is set.

#include "compiler/Codegen/Cpu/Kernels/Pieces.h"

using namespace mlir;

namespace snn::kernels {
namespace {

constexpr int64_t kGatherVectors = 8;

class SpikeBody {
public:
  SpikeBody(Emitter &e, const SpikeKernel &shape, Arguments args)
      : e(e), shape(shape), words(args.memory()), b(args.memory()), c(args.memory()), rows(args.value()),
        columns(args.range()), scratch(args.scratch()) {}

  /// Strip by strip, block by block: tables, then all rows.
  void emitTables() {
    lower = e.view(scratch.bytes, e.add(scratch.offset, kTableBytes), e.real);
    forStrips(e, columns, shape.columns, ranged(), kStripBytes * 8 / e.target.vectorBits,
              [&](Value column, int64_t vectors) {
                Tables tables(e, scratch, vectors);
                walkLevels(e, shape.depth,
                           {[&](Value start, int64_t count, Value first) {
                              int64_t groups = llvm::divideCeil(count, kGroup);
                              tables.fill(e.index(groups), b, [&](Value position) {
                                Value k = e.minimum(e.add(start, position), e.index(shape.depth - 1));
                                return e.add(e.mul(k, shape.b.stride), column);
                              });
                              auto addRows = [&](Value first) {
                                e.loop(rows, [&](Value row) {
                                  auto [total, at] = totalOf(0, row, row, column, vectors);
                                  Strip chain = tables.add(wordOf(row, start, count), groups);
                                  accumulate(e, chain, total, at, first);
                                });
                              };
                              e.when(first, [&] { addRows(e.truth(true)); }, [&] { addRows(e.truth(false)); });
                            },
                            [&](int64_t level, Value first) {
                              e.loop(rows, [&](Value row) { raise(level, row, row, column, vectors, first); });
                            }});
              });
  }

  /// Strip by strip, row by row.
  void emitGather() {
    lower = e.view(scratch.bytes, scratch.offset, e.real);
    forStrips(e, columns, shape.columns, ranged(), kGatherVectors, [&](Value column, int64_t vectors) {
      e.loop(rows, [&](Value row) {
        walkLevels(e, shape.depth,
                   {[&](Value start, int64_t count, Value first) {
                      Value word = wordOf(row, start, count);
                      Value any = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ne, word, e.i64(0));
                      e.when(e.either(first, any), [&] {
                        Strip chain = gatherWord(e, word, b, vectors, [&](Value bit) {
                          return e.add(e.mul(e.add(start, bit), shape.b.stride), column);
                        });
                        auto [total, at] = totalOf(0, row, e.index(0), column, vectors);
                        accumulate(e, chain, total, at, first);
                      });
                    },
                    [&](int64_t level, Value first) { raise(level, row, e.index(0), column, vectors, first); }});
      });
    });
  }

private:
  bool ranged() const { return bool(shape.columnRange.from); }

  Value wordOf(Value row, Value start, int64_t count) {
    Value at = e.add(e.mul(row, shape.a.wordsPerRow), e.div(start, kLanes));
    return loadWord(e, words, at, llvm::divideCeil(count, kLanes));
  }

  /// The totals of the highest level are C; those of the lower ones have a place for each row that is summed at a time.
  std::pair<Memory, Value> totalOf(int64_t level, Value row, Value place, Value column, int64_t vectors) {
    int64_t lowerLevels = levelsOf(shape.depth) - 1;
    if (level == lowerLevels)
      return {c, e.add(e.mul(row, shape.c.stride), column)};
    return {lower, e.mul(e.add(e.mul(place, lowerLevels), level), vectors * e.machineLanes())};
  }

  void raise(int64_t level, Value row, Value place, Value column, int64_t vectors, Value first) {
    auto [below, from] = totalOf(level - 1, row, place, column, vectors);
    auto [above, to] = totalOf(level, row, place, column, vectors);
    accumulate(e, loadStrip(e, below, from, vectors), above, to, first);
  }

  Emitter &e;
  const SpikeKernel &shape;
  Memory words, b, c;
  Value rows;
  Range columns;
  Scratch scratch;
  Memory lower;
};

/// C[k, n] over the blocks of an order. The bits of the blocks are transposed first: a word for each block and input.
class SpikeGradientBody {
public:
  SpikeGradientBody(Emitter &e, const SpikeGradientKernel &shape, Arguments args)
      : e(e), shape(shape), d(args.memory()), c(args.memory()), rows(args.memory()), starts(args.memory()),
        firstBlock(args.value()), endBlock(args.value()), inputs(args.range()), fresh(args.value()),
        scratch(args.scratch()), transposed(args.memory()) {
    firstInput = e.mul(e.div(inputs.from, 64), 64);
    width = e.sub(e.alignUp(inputs.to, 64), firstInput);
  }

  void emitTables() {
    forStripsAndBlocks(kStripBytes * 8 / e.target.vectorBits, [&](Value column, int64_t vectors) {
      auto tables = std::make_shared<Tables>(e, scratch, vectors);
      return [this, tables, column, vectors](Value block, Value from, Value to) {
        Value count = e.sub(to, from), last = e.sub(to, e.index(1));
        tables->fill(e.ceilDiv(count, kGroup), d,
                     [&](Value position) { return rowAt(e.minimum(e.add(from, position), last), column); });
        auto forInputs = [&](const std::function<Strip(Value word)> &sum) {
          e.loop(inputs.from, inputs.to, 1, [&](Value k) { addToC(k, column, sum(wordOf(block, k))); });
        };
        e.when(
            e.below(e.index(48), count), [&] { forInputs([&](Value word) { return tables->add(word, 16); }); },
            [&] {
              Value quarters = e.ceilDiv(count, 16);
              forInputs([&](Value word) {
                return Strip(e.loop(e.index(0), quarters, 1, zeros(e, vectors), [&](Value quarter, ValueRange sum) {
                  Value part = arith::ShRUIOp::create(e.b, word, e.toI64(e.mul(quarter, 16)));
                  return tables->add(part, 4, sum, e.mul(quarter, 4));
                }));
              });
            });
      };
    });
  }

  void emitGather() {
    forStripsAndBlocks(kGatherVectors, [&](Value column, int64_t vectors) {
      return [this, column, vectors](Value block, Value from, Value) {
        e.loop(inputs.from, inputs.to, 1, [&](Value k) {
          Value word = wordOf(block, k);
          Value any = arith::CmpIOp::create(e.b, arith::CmpIPredicate::ne, word, e.i64(0));
          e.when(any, [&] {
            addToC(k, column,
                   gatherWord(e, word, d, vectors, [&](Value bit) { return rowAt(e.add(from, bit), column); }));
          });
        });
      };
    });
  }

private:
  using BlockBody = std::function<void(Value block, Value from, Value to)>;

  void forStripsAndBlocks(int64_t widest, const std::function<BlockBody(Value column, int64_t vectors)> &emit) {
    forStrips(
        e, {e.index(0), e.index(shape.columns)}, shape.columns, false, widest, [&](Value column, int64_t vectors) {
          e.when(fresh, [&] {
            e.loop(inputs.from, inputs.to, 1, [&](Value k) { storeStrip(e, zeros(e, vectors), c, cAt(k, column)); });
          });
          BlockBody body = emit(column, vectors);
          e.loop(firstBlock, endBlock, 1, [&](Value block) {
            body(block, e.toIndex(e.load(starts, block)), e.toIndex(e.load(starts, e.add(block, 1))));
          });
        });
  }

  Value cAt(Value k, Value column) { return e.add(e.mul(k, shape.c.stride), column); }
  void addToC(Value k, Value column, ValueRange chain) { accumulate(e, chain, c, cAt(k, column), e.truth(false)); }
  Value rowAt(Value position, Value column) {
    return e.add(e.mul(e.toIndex(e.load(rows, position)), shape.d.stride), column);
  }
  Value wordOf(Value block, Value k) {
    return e.load(transposed, e.add(e.mul(e.sub(block, firstBlock), width), e.sub(k, firstInput)));
  }

  Emitter &e;
  const SpikeGradientKernel &shape;
  Memory d, c, rows, starts;
  Value firstBlock, endBlock;
  Range inputs;
  Value fresh;
  Scratch scratch;
  Memory transposed;
  Value firstInput, width;
};

/// True where `set` bits are gathered sooner than tables are made for each block and read by each of its rows. Measured
/// (test/Benchmark/README.md): reading costs as much as gathering 10 bits, or 7 where a strip needs more registers, and
/// making as much as reading 16 times.
Value isSparse(Emitter &e, Value set, Value rows, Value blocks) {
  return e.below(set, e.mul(e.mul(e.add(rows, 16), blocks), e.target.vectorBits >= 512 ? 10 : 7));
}

void choose(Emitter &e, SpikeForm form, const std::function<Value()> &sparse, const std::function<void()> &gather,
            const std::function<void()> &tables) {
  if (form == SpikeForm::ByDensity)
    e.when(sparse(), gather, tables);
  else
    form == SpikeForm::Gather ? gather() : tables();
}

} // namespace

void emitSpikes(Emitter &e, ModuleOp module, const SpikeKernel &kernel, SpikeForm form) {
  auto emit = [&](StringRef what, void (SpikeBody::*body)()) {
    std::string name =
        shapeName(e, what, {kernel.depth, kernel.columns, kernel.a.wordsPerRow, kernel.b.stride, kernel.c.stride});
    Operands operands;
    operands.add(kernel.a.words).add(kernel.b.at).add(kernel.c.at).add(kernel.rows);
    operands.add(e, kernel.columnRange, kernel.columns).add(kernel.scratch);
    call(e, module, kernel.columnRange.from ? name + "_range" : name, operands, [&](Emitter &in, Arguments args) {
      (SpikeBody(in, kernel, args).*body)();
      return Strip();
    });
  };
  choose(
      e, form,
      [&] {
        Value words = e.mul(kernel.rows, kernel.a.wordsPerRow);
        return isSparse(e, emitCountBits(e, module, kernel.a.words, words), kernel.rows,
                        e.index(llvm::divideCeil(kernel.depth, kBlock)));
      },
      [&] { emit("spikes_gather", &SpikeBody::emitGather); }, [&] { emit("spikes_tables", &SpikeBody::emitTables); });
}

void emitSpikeGradient(Emitter &e, ModuleOp module, const SpikeGradientKernel &kernel, SpikeForm form) {
  Range inputs = kernel.inputRange.from ? kernel.inputRange : Range{e.index(0), e.index(kernel.inputs)};
  Type i64 = e.b.getI64Type();
  Value squareAt = e.add(kernel.scratch.offset, kTableBytes);
  Memory square = e.view(kernel.scratch.bytes, squareAt, i64);
  Value transposedAt = e.add(squareAt, 64 * sizeof(int64_t));
  Memory transposed = e.view(kernel.scratch.bytes, transposedAt, i64);
  emitTranspose(e, module, kernel, inputs, square, transposed);
  auto emit = [&](StringRef what, void (SpikeGradientBody::*body)()) {
    std::string name = shapeName(e, what, {kernel.columns, kernel.d.stride, kernel.c.stride});
    Operands operands;
    operands.add(kernel.d.at).add(kernel.c.at).add(kernel.order.rows).add(kernel.order.starts);
    operands.add(kernel.firstBlock).add(kernel.endBlock).add(e, inputs, 0).add(kernel.fresh);
    operands.add(kernel.scratch).add(transposed);
    call(e, module, name, operands, [&](Emitter &in, Arguments args) {
      (SpikeGradientBody(in, kernel, args).*body)();
      return Strip();
    });
  };
  choose(
      e, form,
      [&] {
        Value blocks = e.sub(kernel.endBlock, kernel.firstBlock);
        Value width = e.sub(e.alignUp(inputs.to, 64), e.mul(e.div(inputs.from, 64), 64));
        Memory words = e.view(kernel.scratch.bytes, transposedAt, e.b.getI16Type());
        Value set = emitCountBits(e, module, words, e.mul(e.mul(blocks, width), 4));
        return isSparse(e, set, width, blocks);
      },
      [&] { emit("spike_gradient_gather", &SpikeGradientBody::emitGather); },
      [&] { emit("spike_gradient_tables", &SpikeGradientBody::emitTables); });
}

} // namespace snn::kernels
