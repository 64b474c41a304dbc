// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What only differentiation needs goes: a stated derivative leaves its value, a detached value itself.

#include "compiler/Autodiff/Passes.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_RESOLVEVJPS
#include "compiler/Autodiff/Passes.h.inc"

namespace {

class ResolveVjps : public impl::ResolveVjpsBase<ResolveVjps> {
  void runOnOperation() override {
    // From the inside to the outside, as a region of one may hold another.
    getOperation().walk<WalkOrder::PostOrder>([](Operation *op) {
      if (auto detach = dyn_cast<core::DetachOp>(op)) {
        detach.replaceAllUsesWith(detach.getInput());
        detach.erase();
      } else if (auto custom = dyn_cast<core::CustomVjpOp>(op)) {
        inlineValue(custom);
      }
    });
  }

  static void inlineValue(core::CustomVjpOp custom) {
    OpBuilder builder(custom);
    custom->replaceAllUsesWith(core::cloneBody(builder, custom.getValue().front(), custom.getInputs()));
    custom.erase();
  }
};

} // namespace
} // namespace snn
