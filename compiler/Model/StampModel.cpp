// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The model's hash, by which a loader tells two models apart.

#include "compiler/Model/Passes.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_STAMPMODEL
#include "compiler/Model/Passes.h.inc"

namespace {

class StampModel : public impl::StampModelBase<StampModel> {
  void runOnOperation() override {
    ModelOp model = getModel(getOperation());
    if (!model)
      return;
    model->removeAttr(SnnDialect::hashAttrName());
    std::string text;
    llvm::raw_string_ostream stream(text);
    getOperation().print(stream, OpPrintingFlags().useLocalScope());
    uint64_t hash = 0xcbf29ce484222325u; // FNV-1a, 64 bits
    for (unsigned char byte : text)
      hash = (hash ^ byte) * 0x100000001b3u;
    model->setAttr(SnnDialect::hashAttrName(), Builder(&getContext()).getI64IntegerAttr(static_cast<int64_t>(hash)));
  }
};

} // namespace
} // namespace snn
