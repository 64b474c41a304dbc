// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// snn-apply-target: the floating-point mode, function attributes, triple and data layout.

#include "compiler/Emit/FloatMode.h"
#include "compiler/Emit/Passes.h"
#include "compiler/Emit/Target.h"
#include "mlir/IR/Builders.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_APPLYTARGET
#include "compiler/Emit/Passes.h.inc"

namespace {

struct ApplyTarget : impl::ApplyTargetBase<ApplyTarget> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    const FailureOr<Target> target = targetOf(module);
    if (failed(target))
      return signalPassFailure();
    std::string error;
    const std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(*target, /*plain=*/true, error);
    if (!machine) {
      module.emitError("no code generator for this target: ") << error;
      return signalPassFailure();
    }

    if (failed(defineFloatMode(module, machine->getTargetTriple())))
      return signalPassFailure();
    Builder b(&getContext());
    module->setAttr(LLVM::LLVMDialect::getTargetTripleAttrName(), b.getStringAttr(machine->getTargetTriple().str()));
    module->setAttr(LLVM::LLVMDialect::getDataLayoutAttrName(),
                    b.getStringAttr(machine->createDataLayout().getStringRepresentation()));
    for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
      if (function.isExternal())
        continue;
      function.setTargetCpu(target->cpu);
      function.setNoUnwind(true);
      if (target->vectorBits < 512)
        continue;
      function.setPreferVectorWidth("512");
      SmallVector<Attribute> others;
      if (ArrayAttr given = function.getPassthroughAttr())
        llvm::append_range(others, given);
      others.push_back(b.getStrArrayAttr({"min-legal-vector-width", "512"}));
      function.setPassthroughAttr(b.getArrayAttr(others));
    }
  }
};

} // namespace
} // namespace snn
