// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products whose rows are written over windows that overlap: tap by tap, each of which is a dense product of all places
// that it has, so that no element takes part in terms that are absent.

#include "compiler/Codegen/Cpu/Kernels/Tiles.h"

using namespace mlir;

namespace snn::kernels {
namespace {

class OverlapBody {
public:
  OverlapBody(Emitter &e, ModuleOp module, const Overlap &kernel)
      : e(e), module(module), kernel(kernel), shape(kernel.shape), levels(levelsOf(shape.terms())),
        inRegisters(shape.depth % kBlock == 0), size(shape.extent() * shape.columns) {}

  void emit() {
    e.loop(kernel.rows, [&](Value row) { emitRow(row); });
  }

private:
  using Dim = OverlapShape::Dim;

  Memory atRow(Memory memory, Value row, int64_t stride) {
    memory.offset = e.add(memory.offset, e.mul(row, stride));
    return memory;
  }

  void emitRow(Value row) {
    image = atRow(kernel.a, row, kernel.aRow);
    // Chains, then totals of the lower levels; those of the highest one are C.
    auto scratchAt = [&](int64_t number) {
      return e.view(kernel.scratch.bytes, e.add(kernel.scratch.offset, number * size * e.realBytes()), e.real);
    };
    chains = scratchAt(0);
    totals.clear();
    for (int64_t level = 0; level + 1 < levels; ++level)
      totals.push_back(scratchAt(level + 1));
    totals.push_back(atRow(kernel.c, row, kernel.cRow));
    for (const Memory &total : totals)
      clear(total);
    if (!inRegisters)
      clear(chains);
    if (!mayGather())
      return emitDense();
    findOthers();
    e.when(isSparse(), [&] { forTaps(0, e.index(0), {}, /*together=*/1); }, [&] { emitDense(); });
  }

  void emitDense() {
    forTaps(0, e.index(0), {}, /*together=*/0);
    if (shape.terms() % kBlock)
      addAll(chains, totals[0]);
    for (int64_t level = 1; level < levels; ++level)
      addAll(totals[level - 1], totals[level]);
  }

  void forAll(const std::function<void(Value i)> &body) { e.loop(e.index(0), e.index(size), e.machineLanes(), body); }
  void clear(Memory memory) {
    forAll([&](Value i) { storeStrip(e, zeros(e, 1), memory, i); });
  }
  /// to += from, and from starts anew.
  void addAll(Memory from, Memory to) {
    forAll([&](Value i) {
      storeStrip(e, addStrips(e, loadStrip(e, to, i, 1), loadStrip(e, from, i, 1)), to, i);
      storeStrip(e, zeros(e, 1), from, i);
    });
  }

  /// Places [from, to) of a dim that a tap writes inside, and where in the result place 0 would be: maybe before it.
  struct Range {
    Value from, to, target;
  };

  /// All taps, but for those of the last `together` dims.
  void forTaps(size_t depth, Value tap, ArrayRef<Range> known, size_t together) {
    if (depth + together == shape.dims.size())
      return together ? gatherTaps(tap, known) : emitTap(tap, known);
    const Dim &dim = shape.dims[depth];
    e.loop(e.index(dim.taps), [&](Value p) {
      Value zero = e.index(0), target = e.add(e.mul(p, dim.step), dim.origin);
      Value before = e.compare(arith::CmpIPredicate::slt, target, zero);
      Value skipped = e.div(e.sub(e.index(dim.factor - 1), target), dim.factor);
      Value from = e.select(before, skipped, zero);
      Value room = e.sub(e.index(dim.extent - 1), target);
      Value beyond = e.compare(arith::CmpIPredicate::slt, room, zero);
      Value to = e.select(beyond, zero, e.minimum(e.index(dim.places), e.add(e.div(room, dim.factor), 1)));
      SmallVector<Range> ranges(known);
      ranges.push_back({from, e.maximum(from, to), target});
      forTaps(depth + 1, e.add(e.mul(tap, dim.taps), p), ranges, together);
    });
  }

  /// All terms of a tap, up to the end of a block at a time.
  void emitTap(Value tap, ArrayRef<Range> ranges) {
    Value depth = e.index(shape.depth), first = e.mul(tap, depth);
    e.whileBelow(e.index(0), depth, [&](Value from) {
      Value position = e.add(first, from);
      Value filled = e.b.createOrFold<arith::RemUIOp>(position, e.index(kBlock));
      Value to = inRegisters ? e.add(from, kBlock) : e.minimum(depth, e.add(from, e.sub(e.index(kBlock), filled)));
      forStrips(e, shape.columns, kPanelVectors, [&](Value column, int64_t vectors) {
        forLines(0, e.index(0), column, ranges, [&](Value place, Value at, Value lineFrom, Value lineTo) {
          forTiles(
              e, lineFrom, lineTo,
              [&](Value i, int64_t height) {
                addTile(e.add(place, i), e.add(at, e.mul(i, placeStride())), column, e.mul(first, shape.columns),
                        {from, to}, {height, vectors});
              },
              shape.dims.back().places);
        });
      });
      Value end = e.add(first, to);
      if (inRegisters)
        raise(0, e.div(end, kBlock));
      else
        e.when(e.isMultiple(end, e.index(kBlock)), [&] {
          addAll(chains, totals[0]);
          raise(0, e.div(end, kBlock));
        });
      return to;
    });
  }

  /// Vectors of columns for which chains of all taps of the last dim are in registers.
  int64_t gatheredVectors() const {
    const int64_t registers = e.target.registers() * 3 / 4;
    return std::min<int64_t>(kPanelVectors, registers / shape.dims.back().taps);
  }
  bool mayGather() const { return inRegisters && levels == 1 && gatheredVectors() > 0; }

  /// A bit for each element of the row of A that is not zero.
  void findOthers() {
    Value bytes = e.alignUp(e.index(levels * size * e.realBytes()), 64);
    others = e.view(kernel.scratch.bytes, e.add(kernel.scratch.offset, bytes), e.b.getI16Type());
    const int64_t words = shape.depth / kLanes;
    e.loop(e.index(shape.places()), [&](Value place) {
      e.loop(e.index(words), [&](Value word) {
        Value at = e.add(e.mul(place, shape.aStride), e.mul(word, kLanes));
        Value some = e.loadVector(image, at, kLanes), zero = e.constant(some.getType(), 0);
        Value bits = arith::CmpFOp::create(e.b, arith::CmpFPredicate::UNE, some, zero);
        e.store(e.bitsToWord(bits), others, e.add(e.mul(place, words), word));
      });
    });
  }

  /// Whether it is less work to look for each element that is not zero. It then takes as long as its terms do, but not
  /// less than one after the other, and each word of bits takes a wrong guess of where it ends.
  Value isSparse() {
    // Estimates, in terms of a vector.
    constexpr int64_t kOneAfterTheOther = 4, kNext = 3, kWrongGuess = 20;
    const int64_t together = shape.dims.back().taps * gatheredVectors(), words = shape.places() * shape.depth / kLanes;
    Value set = emitCountBits(e, module, others, e.index(words));
    Value gathered =
        e.add(e.mul(set, std::max(kOneAfterTheOther, together) + kNext), words * kLanes / kBlock * kWrongGuess);
    return e.below(gathered, e.index(shape.places() * shape.depth * together));
  }

  /// The taps of the last dim, place by place from the last one on: each element of the result has its taps in order.
  void gatherTaps(Value outer, ArrayRef<Range> known) {
    const Dim &dim = shape.dims.back();
    SmallVector<Range> ranges(known);
    ranges.push_back({e.index(0), e.index(dim.places), e.index(0)});
    const int64_t blocks = shape.depth / kBlock;
    forStrips(e, shape.columns, gatheredVectors(), [&](Value column, int64_t vectors) {
      forLines(0, e.index(0), column, ranges, [&](Value line, Value at, Value, Value) {
        e.loop(e.index(dim.places), [&](Value i) {
          Value place = e.sub(e.index(dim.places - 1), i), number = e.add(line, place);
          e.loop(e.index(blocks), [&](Value block) {
            Value from = e.mul(block, kBlock);
            Value word = loadWord(e, others, e.add(e.mul(number, shape.depth / kLanes), e.mul(block, 4)), 4);
            e.when(e.differs(word, e.i64(0)), [&] {
              Strip sums = gatherWord(word, e.add(e.mul(number, shape.aStride), from),
                                      e.add(e.mul(e.mul(outer, dim.taps), shape.depth), from), column, vectors);
              for (int64_t q = 0; q < dim.taps; ++q)
                addTap(ValueRange(sums).slice(q * vectors, vectors), at, place, q);
            });
          });
        });
      });
    });
  }

  Strip gatherWord(Value word, Value aAt, Value row, Value column, int64_t vectors) {
    const int64_t taps = shape.dims.back().taps;
    return forEachBit(e, word, zeros(e, taps * vectors), [&](Value bit, ValueRange sums) {
      Value k = e.toIndex(bit), factor = e.splat(e.load(image, e.add(aAt, k)), e.machineLanes());
      Strip next;
      for (int64_t q = 0; q < taps; ++q) {
        Value at = e.add(e.mul(e.add(e.add(row, k), q * shape.depth), shape.columns), column);
        Strip weights = loadStrip(e, kernel.b, at, vectors);
        for (int64_t v = 0; v < vectors; ++v)
          next.push_back(e.fma(factor, weights[v], sums[q * vectors + v]));
      }
      return next;
    });
  }

  void addTap(ValueRange sum, Value at, Value place, int64_t q) {
    const Dim &dim = shape.dims.back();
    const int64_t lowest = q * dim.step + dim.origin, highest = lowest + dim.factor * (dim.places - 1);
    Value target = e.add(e.mul(place, dim.factor), lowest);
    auto add = [&] { accumulate(e, sum, totals[0], e.add(at, e.mul(target, shape.columns)), e.truth(false)); };
    if (lowest >= 0 && highest < dim.extent)
      return add();
    // Before the first one is far behind the last, as an unsigned number.
    e.when(e.below(target, e.index(dim.extent)), add);
  }

  /// 64 totals of a level are one term of the next.
  void raise(int64_t level, Value count) {
    if (level + 1 == levels)
      return;
    e.when(e.isMultiple(count, e.index(kLevel)), [&] {
      addAll(totals[level], totals[level + 1]);
      raise(level + 1, e.div(count, kLevel));
    });
  }

  int64_t placeStride() const { return shape.dims.back().factor * shape.columns; }

  /// Calls body(place, at, from, to) for each line of places: the number of its place 0, where that is in the result,
  /// and which places there are.
  void forLines(size_t depth, Value place, Value at, ArrayRef<Range> ranges,
                const std::function<void(Value, Value, Value, Value)> &body) {
    const Dim &dim = shape.dims[depth];
    const auto &[from, to, target] = ranges[depth];
    int64_t inner = shape.columns;
    for (const Dim &other : ArrayRef(shape.dims).drop_front(depth + 1))
      inner *= other.extent;
    Value first = e.mul(place, dim.places), start = e.add(at, e.mul(target, inner));
    if (depth + 1 == shape.dims.size())
      return body(first, start, from, to);
    e.loop(from, to, 1, [&](Value i) {
      forLines(depth + 1, e.add(first, i), e.add(start, e.mul(i, dim.factor * inner)), ranges, body);
    });
  }

  void addTile(Value place, Value at, Value column, Value weights, kernels::Range terms, Tile tile) {
    Value first = e.mul(place, shape.aStride);
    auto term = [&](Value k, ValueRange sums) {
      return addTerm(
          e, image, [&](int64_t i) { return e.add(e.add(first, k), i * shape.aStride); }, kernel.b,
          e.add(e.add(weights, e.mul(k, shape.columns)), column), tile, sums);
    };
    auto atRow = [&](int64_t i) { return e.add(at, i * placeStride()); };
    Strip start;
    if (!inRegisters)
      for (int64_t i = 0; i < tile.rows; ++i)
        llvm::append_range(start, loadStrip(e, chains, atRow(i), tile.vectors));
    Strip sums = sumTerms(e, terms.from, terms.to, inRegisters ? kBlock : 1, tile, term, start);
    for (int64_t i = 0; i < tile.rows; ++i) {
      ValueRange row = ValueRange(sums).slice(i * tile.vectors, tile.vectors);
      if (inRegisters)
        accumulate(e, row, totals[0], atRow(i), e.truth(false));
      else
        storeStrip(e, row, chains, atRow(i));
    }
  }

  Emitter &e;
  ModuleOp module;
  const Overlap &kernel;
  const OverlapShape &shape;
  int64_t levels;
  bool inRegisters; ///< chains: no block has terms of several taps
  int64_t size;     ///< of a row of the result
  Memory image, chains, others;
  SmallVector<Memory> totals;
};

} // namespace

void emitOverlap(Emitter &e, ModuleOp module, const Overlap &kernel) {
  SmallVector<int64_t> numbers{kernel.shape.depth, kernel.shape.columns, kernel.shape.aStride, kernel.aRow,
                               kernel.cRow};
  for (const OverlapShape::Dim &dim : kernel.shape.dims)
    numbers.append({dim.places, dim.taps, dim.extent, dim.factor, dim.step, dim.origin});
  e.call(
      module, shapeName(e, "overlap", numbers), {},
      [&](Emitter &in, const Overlap &kernel) {
        OverlapBody(in, module, kernel).emit();
        return Strip();
      },
      kernel);
}

} // namespace snn::kernels
