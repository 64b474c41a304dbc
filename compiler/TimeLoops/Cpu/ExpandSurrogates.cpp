// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Spikes and surrogates as arithmetic: after this, neuron bodies are arith, math and constants.

#include "compiler/TimeLoops/Cpu/Passes.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_EXPANDSURROGATES
#include "compiler/TimeLoops/Cpu/Passes.h.inc"

namespace {

class ExpandSurrogates : public impl::ExpandSurrogatesBase<ExpandSurrogates> {
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      ImplicitLocOpBuilder b(op->getLoc(), op);
      if (auto fire = dyn_cast<FireOp>(op)) {
        replace(op, spike(b, fire));
      } else if (auto slope = dyn_cast<SurrogateGradOp>(op)) {
        replace(op, cast<SurrogateAttrInterface>(slope.getSurrogate()).emitDerivative(b, slope.getInput()));
      } else if (auto detach = dyn_cast<DetachOp>(op)) {
        replace(op, detach.getInput());
      }
    });
  }

  static Value spike(ImplicitLocOpBuilder &b, FireOp fire) {
    if (fire.getType() == fire.getInput().getType())
      return cast<SurrogateAttrInterface>(fire.getSurrogate()).emitAntiderivative(b, fire.getInput());
    Value zero = ConstantOp::create(b, fire.getInput().getType(), b.getF64FloatAttr(0.0));
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, fire.getInput(), zero);
  }

  static void replace(Operation *op, Value value) {
    op->getResult(0).replaceAllUsesWith(value);
    op->erase();
  }
};

} // namespace
} // namespace snn
