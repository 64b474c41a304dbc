// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See TinyRows.h.

#include "compiler/Codegen/Cpu/Kernels/TinyRows.h"

using namespace mlir;

namespace snn::kernels {

/// Rows that are looked at together: of the highest register tile. Steps of a sample lie side by side, and so do those
/// whose errors have vanished.
static constexpr int64_t kRowsLookedAt = 8;

/// A block goes the other way if one of so many elements is tiny: below that, subnormal products take less time.
static constexpr int64_t kTinyShare = 64;

static void emitStrip(Emitter &e, const TinyRow &kernel, Value firstLarge, Value column, int64_t vectors) {
  const auto &[a, from, to, b, bStride, c, columns, first, carries] = kernel;
  auto terms = [&](bool scaled) {
    return Terms{[&, scaled](Value k) {
                   Value element = loadElement(e, a, k);
                   return std::pair(e.splat(scaled ? scaleUp(e, element) : element, e.machineLanes()),
                                    loadStrip(e, b, e.add(e.mul(k, bStride), column), vectors));
                 },
                 [&](Value k) { return isNotZero(e, loadElement(e, a, k)); }};
  };
  Strip start;
  for (auto [zero, carried] : llvm::zip(zeros(e, vectors), loadStrip(e, c, column, vectors)))
    start.push_back(e.select(carries, carried, zero));
  Strip chain = chainOfTiny(e, from, firstLarge, to, start, terms(true), terms(false));
  e.when(carries, [&] { storeStrip(e, chain, c, column); }, [&] { accumulate(e, chain, c, column, first); });
}

void emitTinyRow(Emitter &e, ModuleOp module, const TinyRow &kernel) {
  auto make = [](Emitter &in, const TinyRow &kernel) {
    Value firstLarge = firstNotVerySmall(in, kernel.a, kernel.start, kernel.end);
    forWideStrips(in, kernel.columns,
                  [&](Value column, int64_t vectors) { emitStrip(in, kernel, firstLarge, column, vectors); });
    return Strip();
  };
  e.call(module, shapeName(e, kernel.a.offsets.base ? "tiny_window" : "tiny_row", {}), {}, make, kernel);
}

Strip emitTinyChains(Emitter &e, ModuleOp module, const TinyChains &kernel, int64_t vectors) {
  VectorType type = e.vector(kLanes, e.real);
  auto make = [=](Emitter &in, const TinyChains &kernel) {
    auto terms = [&](bool scaled) {
      return Terms{[&, scaled](Value k) {
        Value element = in.load(kernel.a, k);
        Strip row;
        for (int64_t v = 0; v < vectors; ++v)
          row.push_back(in.loadVector(kernel.b, in.add(in.mul(k, kernel.bStride), v * kLanes), kLanes));
        return std::pair(in.splat(scaled ? scaleUp(in, element) : element, kLanes), row);
      }};
    };
    Value from = in.index(0);
    Strip start(vectors, in.constant(type, 0));
    return in.choose(
        isMuch(in, tallyOfBlock(in, noTally(in), {kernel.a}, from, kernel.depth), kTinyShare),
        [&] {
          Value firstLarge = firstNotVerySmall(in, {kernel.a}, from, kernel.depth);
          return chainOfTiny(in, from, firstLarge, kernel.depth, start, terms(true), terms(false));
        },
        [&] { return chainOf(in, from, kernel.depth, start, terms(false)); }, ValueRange(start).getTypes());
  };
  SmallVector<Type> types(vectors, type);
  auto call = e.call(module, shapeName(e, "tiny_chains", {vectors}), types, make, kernel);
  return Strip(call.getResults());
}

void emitTinyRows(Emitter &e, ModuleOp module, const Product &kernel, const PlainTerms &plain) {
  e.loop(e.index(0), kernel.rows, kRowsLookedAt, [&](Value begin) {
    Product some = kernel;
    some.a = rowOf(e, kernel.a, begin);
    some.c = rowOf(e, kernel.c, begin);
    some.rows = e.minimum(e.sub(kernel.rows, begin), e.index(kRowsLookedAt));
    e.loop(e.index(0), e.index(kernel.depth), kBlock, [&](Value from) {
      Value to = e.minimum(e.add(from, kBlock), e.index(kernel.depth));
      Strip tally = e.loop(e.index(0), some.rows, 1, noTally(e), [&](Value row, ValueRange tally) {
        return tallyOfBlock(e, tally, rowOf(e, some.a, row), from, to);
      });
      e.when(
          isMuch(e, tally, kTinyShare),
          [&] {
            e.loop(some.rows, [&](Value row) {
              emitTinyRow(e, module,
                          {rowOf(e, some.a, row), from, to, some.b.at, e.index(some.b.stride), rowOf(e, some.c, row).at,
                           e.index(some.columns), e.equal(from, e.index(0)), e.truth(false)});
            });
          },
          [&] { plain(some, from, to); });
    });
  });
}

} // namespace snn::kernels
