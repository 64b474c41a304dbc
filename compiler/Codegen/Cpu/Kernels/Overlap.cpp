// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products whose rows are written over windows that overlap: tap by tap, each of which is a dense product of all places
// that it has, so that no element takes part in terms that are absent.

#include "compiler/Codegen/Cpu/Kernels/GatheredTaps.h"
#include "compiler/Codegen/Cpu/Kernels/Tiles.h"
#include "compiler/Codegen/Cpu/Kernels/TinyRows.h"

using namespace mlir;

namespace snn::kernels {
namespace {

/// A place goes the other way if one of so many elements is tiny: below that, subnormal products take less time.
constexpr int64_t kTinyShare = 24;

class OverlapBody {
public:
  /// `tiny`: elements of A may be (TinyTerms.h).
  OverlapBody(Emitter &e, ModuleOp module, const Overlap &kernel, bool tiny)
      : e(e), module(module), kernel(kernel), shape(kernel.shape), tiny(tiny), levels(levelsOf(shape.terms())),
        inRegisters(shape.depth % kBlock == 0), size(shape.extent() * shape.columns),
        gathered(e, module, kernel, behind(denseOverlapBytes(shape, e.realBytes()))) {}

  void emit() {
    if (tiny || !gathered.exists())
      return e.loop(kernel.rows, [&](Value row) { emitDense(row); });
    const int64_t together = shape.rowsTogether();
    e.loop(e.index(0), kernel.rows, together, e.truth(false), [&](Value row, ValueRange packed) {
      Value count = e.minimum(e.index(together), e.sub(kernel.rows, row)), sparse = gathered.find(row, count);
      e.when(e.both(sparse, e.equal(packed[0], e.truth(false))), [&] { gathered.prepare(); });
      e.when(
          sparse, [&] { gathered.gather(row, count); },
          [&] { e.loop(count, [&](Value i) { emitDense(e.add(row, i)); }); });
      return SmallVector<Value>{e.either(packed[0], sparse)};
    });
  }

private:
  using Dim = OverlapShape::Dim;

  Memory atRow(Memory memory, Value row, int64_t stride) {
    memory.offset = e.add(memory.offset, e.mul(row, stride));
    return memory;
  }
  Scratch behind(int64_t bytes) { return {kernel.scratch.bytes, e.add(kernel.scratch.offset, bytes)}; }

  void emitDense(Value row) {
    image = atRow(kernel.a, row, kernel.aRow);
    // Chains, then totals of the levels. Those of the highest one are C if it has as many columns.
    auto scratchAt = [&](int64_t number) {
      Scratch at = behind(number * size * e.realBytes());
      return e.view(at.bytes, at.offset, e.real);
    };
    Memory c = atRow(kernel.c, row, kernel.cRow);
    const bool whole = shape.written == shape.columns;
    chains = scratchAt(0);
    totals.clear();
    for (int64_t level = 0; level + whole < levels; ++level)
      totals.push_back(scratchAt(level + 1));
    if (whole)
      totals.push_back(c);
    for (const Memory &total : totals)
      clear(e, total, e.index(size));
    if (!inRegisters)
      clear(e, chains, e.index(size));
    forTaps(0, e.index(0), {});
    if (shape.terms() % kBlock)
      addAll(chains, totals[0]);
    for (int64_t level = 1; level < levels; ++level)
      addAll(totals[level - 1], totals[level]);
    if (!whole)
      copyColumns(e, totals.back(), e.index(0), shape.columns, c, e.index(0), shape.written, shape.extent());
  }

  void forAll(const std::function<void(Value i)> &body) { e.loop(e.index(0), e.index(size), e.machineLanes(), body); }
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

  void forTaps(size_t depth, Value tap, ArrayRef<Range> known) {
    if (depth == shape.dims.size())
      return emitTap(tap, known);
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
      forTaps(depth + 1, e.add(e.mul(tap, dim.taps), p), ranges);
    });
  }

  /// All terms of a tap, up to the end of a block at a time.
  void emitTap(Value tap, ArrayRef<Range> ranges) {
    Value depth = e.index(shape.depth), first = e.mul(tap, depth);
    e.whileBelow(e.index(0), depth, [&](Value from) {
      Value position = e.add(first, from);
      Value filled = e.b.createOrFold<arith::RemUIOp>(position, e.index(kBlock));
      Value to = inRegisters ? e.add(from, kBlock) : e.minimum(depth, e.add(from, e.sub(e.index(kBlock), filled)));
      Value weights = e.mul(first, shape.bStride);
      auto forPlaces = [&](const std::function<void(Value line, Value lineAt, Value lineFrom, Value lineTo)> &body) {
        forLines(0, e.index(0), e.index(0), ranges, body);
      };
      auto placeAt = [&](Value lineAt, Value i) { return e.add(lineAt, e.mul(i, placeStride())); };
      if (tiny)
        forPlaces([&](Value line, Value lineAt, Value lineFrom, Value lineTo) {
          e.loop(lineFrom, lineTo, 1, [&](Value i) {
            Value place = e.add(line, i), at = placeAt(lineAt, i);
            addTinyPlace(place, at, weights, {from, to}, [&] {
              forStrips(e, shape.columns, kPanelVectors, [&](Value column, int64_t vectors) {
                addTile({i, 1}, line, e.add(lineAt, column), column, weights, {from, to}, vectors);
              });
            });
          });
        });
      else
        forStrips(e, shape.columns, kPanelVectors, [&](Value column, int64_t vectors) {
          forPlaces([&](Value line, Value lineAt, Value lineFrom, Value lineTo) {
            forTiles(
                e, lineFrom, lineTo, vectors,
                [&](const TileRows &rows) {
                  addTile(rows, line, e.add(lineAt, column), column, weights, {from, to}, vectors);
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

  /// Of some places of a line, which begins at `line` and, with the columns that are computed, at `lineAt` in the
  /// result.
  void addTile(const TileRows &rows, Value line, Value lineAt, Value column, Value weights, kernels::Range terms,
               int64_t vectors) {
    const Tile tile = rows.tile(vectors);
    RowStarts places(e, rows, shape.aStride), results(e, rows, placeStride());
    Value lineStart = e.mul(line, shape.aStride);
    auto term = [&](Value k, ValueRange sums) {
      return addTerm(
          e, image, [&](int64_t i) { return places.at(i, e.add(lineStart, k)); }, kernel.b,
          e.add(e.add(weights, e.mul(k, shape.bStride)), column), tile, sums);
    };
    SmallVector<std::pair<Memory, Value>> targets;
    for (int64_t i = 0; i < rows.height; ++i)
      targets.emplace_back(inRegisters ? totals[0] : chains, results.at(i, lineAt));
    Strip start;
    if (!inRegisters)
      for (auto [memory, at] : targets)
        llvm::append_range(start, loadStrip(e, memory, at, vectors));
    Strip sums = sumTerms(e, terms.from, terms.to, inRegisters ? kBlock : 1, tile, term, start);
    if (inRegisters)
      return accumulateRows(e, sums, targets, e.truth(false));
    for (auto [i, target] : llvm::enumerate(targets))
      storeStrip(e, ValueRange(sums).slice(i * vectors, vectors), target.first, target.second);
  }

  /// All columns of a place, by `plain` if its elements are not tiny.
  void addTinyPlace(Value place, Value at, Value weights, kernels::Range terms, const std::function<void()> &plain) {
    const Matrix elements{atRow(image, place, shape.aStride)};
    e.when(
        isMuch(e, tallyOfBlock(e, noTally(e), elements, terms.from, terms.to), kTinyShare),
        [&] {
          emitTinyRow(e, module,
                      {elements, terms.from, terms.to, atRow(kernel.b, weights, 1), e.index(shape.bStride),
                       atRow(inRegisters ? totals[0] : chains, at, 1), e.index(shape.columns), e.truth(false),
                       e.truth(!inRegisters)});
        },
        plain);
  }

  Emitter &e;
  ModuleOp module;
  const Overlap &kernel;
  const OverlapShape &shape;
  bool tiny;
  int64_t levels;
  bool inRegisters; ///< chains: no block has terms of several taps
  int64_t size;     ///< of a row of the result, with all columns of B
  GatheredTaps gathered;
  Memory image, chains;
  SmallVector<Memory> totals;
};

} // namespace

void emitOverlap(Emitter &e, ModuleOp module, const Overlap &kernel) {
  const OverlapShape &shape = kernel.shape;
  SmallVector<int64_t> numbers{shape.depth,   shape.bStride, shape.columns, shape.written,
                               shape.aStride, kernel.aRow,   kernel.cRow};
  int64_t places = 1;
  for (const OverlapShape::Dim &dim : shape.dims) {
    numbers.append({dim.places, dim.taps, dim.extent, dim.factor, dim.step, dim.origin});
    places *= dim.places;
  }
  auto emit = [=](Emitter &e, const Overlap &kernel, bool tiny) {
    auto make = [&](Emitter &in, const Overlap &kernel) {
      OverlapBody(in, module, kernel, tiny).emit();
      return Strip();
    };
    e.call(module, shapeName(e, tiny ? "overlap_tiny" : "overlap", numbers), {}, make, kernel);
  };
  if (kernel.tiny == Tiny::Never || !hasTinyTerms(e))
    return emit(e, kernel, false);
  auto make = [=](Emitter &in, const Overlap &kernel) {
    auto anyRow = [&](Value from, Value to, int64_t every, const std::function<Value(const Matrix &image)> &test) {
      return in.loop(from, to, every, {in.truth(false)}, [&](Value row, ValueRange any) {
        const Matrix image{rowOf(in, {kernel.a, kernel.aRow}, row).at, kernel.shape.aStride};
        return Strip{in.either(any[0], test(image))};
      })[0];
    };
    SomeRows all{in.index(0), in.index(places)};
    const int64_t depth = kernel.shape.depth;
    Value seemTiny = anyRow(in.index(0), kernel.rows, kRowsTogether,
                            [&](const Matrix &image) { return emitSeemTiny(in, module, image, all, depth); });
    in.when(
        emitTakesLong(in, module, kernel.tiny, seemTiny),
        [&] {
          in.loop(in.index(0), kernel.rows, kRowsTogether, [&](Value from) {
            Overlap some = kernel;
            some.a = rowOf(in, {kernel.a, kernel.aRow}, from).at;
            some.c = rowOf(in, {kernel.c, kernel.cRow}, from).at;
            some.rows = in.minimum(in.sub(kernel.rows, from), in.index(kRowsTogether));
            Value much = anyRow(from, in.add(from, some.rows), 1, [&](const Matrix &image) {
              return emitSeemMuchTiny(in, module, image, all, depth, kTinyShare);
            });
            in.when(much, [&] { emit(in, some, true); }, [&] { emit(in, some, false); });
          });
        },
        [&] { emit(in, kernel, false); });
    return Strip();
  };
  e.call(module, shapeName(e, "overlap_or_tiny", numbers), {}, make, kernel);
}

} // namespace snn::kernels
