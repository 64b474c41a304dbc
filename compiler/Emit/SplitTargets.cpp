// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// snn-split-targets: from here on each target has a module of its own.

#include "compiler/Emit/Passes.h"
#include "compiler/Emit/Target.h"
#include "compiler/Emit/UseLists.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_SPLITTARGETS
#include "compiler/Emit/Passes.h.inc"

namespace {

struct SplitTargets : impl::SplitTargetsBase<SplitTargets> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    const FailureOr<SmallVector<Target>> targets = targetsOf(module);
    if (failed(targets))
      return signalPassFailure();
    OwningOpRef<ModuleOp> whole = module.clone();
    module.getBody()->clear();
    for (const Target &target : *targets) {
      ModuleOp variant = whole->clone();
      sortUseLists(variant); // as if it were the only one
      variant.setSymName(target.name);
      setTargets(variant, target);
      module.push_back(variant);
    }
  }
};

} // namespace
} // namespace snn
