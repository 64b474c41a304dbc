// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See GradientBody.h.

#include "compiler/Codegen/Cpu/Kernels/GradientBody.h"

using namespace mlir;

namespace snn::kernels {

static Value firstOf(Emitter &e, const Range &inputs) { return e.mul(e.div(inputs.from, 64), 64); }

static Value widthOf(Emitter &e, const Range &inputs) { return e.sub(e.alignUp(inputs.to, 64), firstOf(e, inputs)); }

Value transposedWords(Emitter &e, const Gradient &kernel) {
  return e.mul(e.sub(kernel.endBlock, kernel.firstBlock), widthOf(e, kernel.inputs));
}

GradientBody::GradientBody(Emitter &e, const Gradient &kernel, Memory transposed)
    : e(e), kernel(kernel), transposed(transposed), inputs(kernel.inputs), firstInput(firstOf(e, inputs)),
      width(widthOf(e, inputs)) {}

void GradientBody::forStripsAndBlocks(int64_t widest,
                                      const std::function<BlockBody(Value column, int64_t vectors)> &emit) {
  forStrips(e, kernel.columns, widest, [&](Value column, int64_t vectors) {
    e.when(kernel.fresh,
           [&] { forInputs([&](Value k) { storeStrip(e, zeros(e, vectors), kernel.c.at, cAt(k, column)); }); });
    BlockBody body = emit(column, vectors);
    e.loop(kernel.firstBlock, kernel.endBlock, 1, [&](Value block) {
      const Memory &starts = kernel.order.starts;
      body(block, e.toIndex(e.load(starts, block)), e.toIndex(e.load(starts, e.add(block, 1))));
    });
  });
}

Value GradientBody::wordOf(Value block, Value k) {
  return e.load(transposed, e.add(e.mul(e.sub(block, kernel.firstBlock), width), e.sub(k, firstInput)));
}

Value GradientBody::cAt(Value k, Value column) { return e.add(e.mul(k, kernel.c.stride), column); }

void GradientBody::addToC(Value k, Value column, ValueRange chain) {
  accumulate(e, chain, kernel.c.at, cAt(k, column), e.truth(false));
}

Value GradientBody::rowAt(Value position, Value column) {
  return e.add(e.mul(rowOf(position), kernel.d.stride), column);
}

} // namespace snn::kernels
