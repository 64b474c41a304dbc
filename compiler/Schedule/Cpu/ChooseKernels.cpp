// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How each contract is computed.

#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Products.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_CHOOSEKERNELS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

class ChooseKernels : public impl::ChooseKernelsBase<ChooseKernels> {
  void runOnOperation() override {
    getOperation().walk([&](ContractOp op) {
      std::optional<MatrixProduct> product = matchProduct(op);
      op->setAttr(kKernelAttr, KernelAttr::get(&getContext(), product ? product->kernel() : Kernel::Loops));
    });
  }
};

} // namespace
} // namespace snn::core
