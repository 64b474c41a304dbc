// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See TinyGradient.h.

#include "compiler/Codegen/Cpu/Kernels/TinyGradient.h"

using namespace mlir;

namespace snn::kernels {
namespace {

/// A block goes the other way if one of so many elements is tiny: each slows the products of all inputs down.
constexpr int64_t kTinyShare = 256;

/// A block of a gradient. All shapes share a function.
struct TinyBlock {
  Gradient gradient; ///< but for strides, columns, blocks
  Value from, to;    ///< positions
  Value aStride, dStride, cStride, columns;

  friend void forEachValue(TinyBlock &block, EachValue each) {
    Gradient &gradient = block.gradient;
    for (Matrix *matrix : {&gradient.a, &gradient.d, &gradient.c})
      forEachValue(*matrix, each);
    forEachValue(gradient.order, each);
    for (Value *value : {&gradient.inputs.from, &gradient.inputs.to, &gradient.fresh, &block.from, &block.to,
                         &block.aStride, &block.dStride, &block.cStride, &block.columns})
      each(*value);
  }
};

class TinyBlockBody {
public:
  TinyBlockBody(Emitter &e, const TinyBlock &block) : e(e), block(block), kernel(block.gradient) {}

  void emit() {
    forWideStrips(e, block.columns, [&](Value column, int64_t vectors) {
      Value firstLarge = e.select(allVerySmall(column, vectors), block.to, block.from);
      e.loop(kernel.inputs.from, kernel.inputs.to, 1, [&](Value k) {
        Strip chain = chainOfTiny(e, block.from, firstLarge, block.to, zeros(e, vectors),
                                  terms(k, column, vectors, true), terms(k, column, vectors, false));
        accumulate(e, chain, kernel.c.at, e.add(e.mul(k, block.cStride), column), kernel.fresh);
      });
    });
  }

private:
  Terms terms(Value k, Value column, int64_t vectors, bool scaled) {
    return {[=, this](Value position) {
              Strip row = loadStrip(e, kernel.d.at, dAt(position, column), vectors);
              if (scaled)
                for (Value &element : row)
                  element = scaleUp(e, element);
              return std::pair(splatFactor(e, kernel.a.at, factorAt(position, k)), row);
            },
            [=, this](Value position) { return isNotZero(e, e.load(kernel.a.at, factorAt(position, k))); }};
  }

  Value rowAt(Value position, Value stride) { return e.mul(e.toIndex(e.load(kernel.order.rows, position)), stride); }
  Value dAt(Value position, Value column) { return e.add(rowAt(position, block.dStride), column); }

  Value factorAt(Value position, Value k) {
    const Memory &sources = kernel.order.sources, &offsets = kernel.a.offsets;
    Value start = sources.base ? e.toIndex(e.load(sources, position)) : rowAt(position, block.aStride);
    return e.add(start, offsets.base ? e.toIndex(e.load(offsets, k)) : k);
  }

  Value allVerySmall(Value column, int64_t vectors) {
    Value none = mostMagnitude(e, {}, zeros(e, 1).front());
    return isVerySmall(e, e.loop(block.from, block.to, 1, {none}, [&](Value position, ValueRange most) {
      Value next = most[0];
      for (Value vector : loadStrip(e, kernel.d.at, dAt(position, column), vectors))
        next = mostMagnitude(e, next, vector);
      return Strip{next};
    })[0]);
  }

  Emitter &e;
  const TinyBlock &block;
  const Gradient &kernel;
};

void emitTinyBlock(Emitter &e, ModuleOp module, const Gradient &kernel, Value from, Value to) {
  TinyBlock block{kernel,
                  from,
                  to,
                  e.index(kernel.a.stride),
                  e.index(kernel.d.stride),
                  e.index(kernel.c.stride),
                  e.index(kernel.columns)};
  auto make = [](Emitter &in, const TinyBlock &block) {
    TinyBlockBody(in, block).emit();
    return Strip();
  };
  StringRef form = kernel.a.offsets.base ? "tiny_windows_gradient" : "tiny_gradient";
  e.call(module, shapeName(e, nameFor(form, kernel.a), {}), {}, make, block);
}

} // namespace

void emitGradientOrTiny(Emitter &e, ModuleOp module, const Gradient &kernel, const PlainGradient &plain) {
  if (kernel.tiny == Tiny::Never || !hasTinyTerms(e))
    return plain(kernel);
  auto startOf = [&](Value block) { return e.toIndex(e.load(kernel.order.starts, block)); };
  SomeRows all{startOf(kernel.firstBlock), startOf(kernel.endBlock), kernel.order.rows};
  e.when(
      emitTakesLong(e, module, kernel.tiny, emitSeemTiny(e, module, kernel.d, all, kernel.dColumns)),
      [&] {
        e.loop(kernel.firstBlock, kernel.endBlock, 1, [&](Value first) {
          Gradient block = kernel;
          block.firstBlock = first;
          block.endBlock = e.add(first, 1);
          block.fresh = e.both(kernel.fresh, e.equal(first, kernel.firstBlock));
          SomeRows rows{startOf(first), startOf(block.endBlock), kernel.order.rows};
          e.when(
              emitSeemMuchTiny(e, module, kernel.d, rows, kernel.dColumns, kTinyShare),
              [&] { emitTinyBlock(e, module, block, rows.from, rows.to); }, [&] { plain(block); });
        });
      },
      [&] { plain(kernel); });
}

} // namespace snn::kernels
