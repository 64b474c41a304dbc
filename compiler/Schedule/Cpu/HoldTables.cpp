// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which products in scans hold the tables of their weights from step to step.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/CallMemory.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "compiler/Schedule/Cpu/Sizes.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_HOLDTABLES
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// Fewer are gathered, if not nearly all neurons fire.
constexpr int64_t kFewestRows = 4;

class HoldTables : public impl::HoldTablesBase<HoldTables> {
public:
  using HoldTablesBase::HoldTablesBase;

private:
  void runOnOperation() override {
    CallSize size = CallSize::of(getOperation(), batch, steps);
    if (size.steps < kernels::kHeldSteps || memoryLimitOf(getOperation()))
      return;
    // Behind the second-level cache there is a third one, which is as fast as adding up: rows are read in a known
    // order.
    const int64_t limit = mostBytes >= 0 ? int64_t(mostBytes) : 5 * cacheBytesOf(getOperation());
    getOperation().walk([&](ScanOp scan) {
      int64_t left = limit;
      for (auto contract : scan.getBody().getOps<ContractOp>())
        hold(scan, contract, left);
    });
  }

  /// Takes the bytes from `left` if there are so many.
  void hold(ScanOp scan, ContractOp contract, int64_t &left) {
    std::optional<MatrixProduct> product = matchProduct(contract);
    if (kernelOf(contract) != Kernel::Spikes || !product || !product->heldKernel())
      return;
    auto phase = scan->getParentOfType<BatchMapOp>();
    auto chunk = phase ? phase->getAttrOfType<IntegerAttr>(kChunkAttr) : IntegerAttr();
    const int64_t bytes = heldTableBytes(contract);
    if (!chunk || chunk.getInt() * product->places < kFewestRows || bytes > left)
      return;
    left -= bytes;
    contract->setAttr(kKernelAttr, KernelAttr::get(&getContext(), Kernel::HeldSpikes));
    if (auto remark = remarks::chosen(contract, remarks::kKernels, stringifyKernel(Kernel::HeldSpikes)))
      remark << "held_spikes: tables of the weights are made once for all steps"
             << remarks::because("they are the same at each step, and each step has few rows")
             << remark::metric("bytes", bytes);
  }
};

} // namespace
} // namespace snn::core
