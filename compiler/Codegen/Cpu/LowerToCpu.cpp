// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass snn-lower-to-cpu: planned tensors in, loops over vectors and entry points out.

#include "compiler/Codegen/Cpu/Entries.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_LOWERTOCPU
#include "compiler/Codegen/Cpu/Passes.h.inc"

namespace {

class LowerToCpu : public impl::LowerToCpuBase<LowerToCpu> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    ModelOp model = getModel(module);
    if (!model) {
      module.emitError("expected a snn.model");
      return signalPassFailure();
    }
    SpanLayout spans = SpanLayout::of(module);
    TargetShape target;
    if (auto shape = module->getAttrOfType<DictionaryAttr>("snn.target"))
      if (auto bits = shape.getAs<IntegerAttr>("vector_bits"))
        target.vectorBits = bits.getInt();
    if (!llvm::is_contained({128, 256, 512}, target.vectorBits)) {
      module.emitError() << "snn.target has vectors of " << target.vectorBits << " bits, expected 128, 256 or 512";
      return signalPassFailure();
    }
    EntryWriter writer(module, spans, model.getReal(), target);

    SmallVector<func::FuncOp> functions(module.getOps<func::FuncOp>());
    auto update = module.lookupSymbol<func::FuncOp>("update");
    for (func::FuncOp function : functions)
      if (failed(function == update ? writer.addUpdate(update) : writer.addFunction(function, update)))
        return signalPassFailure();
    writer.addArenaSize();
    for (func::FuncOp function : functions)
      function.erase();
    checkMemory();
  }

  /// i1 in memory would be packed by some ops and addressed by bytes by others: silently wrong.
  void checkMemory() {
    getOperation().walk([&](Operation *op) {
      for (Type type : op->getResultTypes())
        if (auto memory = dyn_cast<MemRefType>(type); memory && memory.getElementType().isInteger(1)) {
          op->emitOpError("keeps i1 in memory");
          signalPassFailure();
        }
    });
  }
};

} // namespace
} // namespace snn
