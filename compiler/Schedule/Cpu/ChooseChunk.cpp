// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How many samples run together.

#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Sums.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_CHOOSECHUNK
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

class ChooseChunk : public impl::ChooseChunkBase<ChooseChunk> {
public:
  using ChooseChunkBase::ChooseChunkBase;

private:
  void runOnOperation() override {
    CallSize size = CallSize::of(getOperation(), batch, steps);
    getOperation().walk([&](BatchMapOp phase) {
      // The terms of a sum come sample by sample, and of each sample segment by segment. Where parts of sums differ,
      // they begin with any sample.
      auto classOf = [](Value sum) { return SumClass::of(reductionOf(sum)); };
      ValueRange sums = phase.getYield().getSum();
      const bool differ = llvm::any_of(sums, [&](Value sum) { return classOf(sum) != classOf(sums.front()); });
      if (differ || !phase.getBody().getOps<SegmentsOp>().empty()) {
        phase->setAttr(kChunkAttr, Builder(&getContext()).getI64IntegerAttr(1));
        return;
      }
      Place all;
      for (const Tenant &tenant : tenantsOf(phase.getBody().front()))
        if (!tenant.isScratch())
          all = all + tenant.size;
      for (Operation &op : phase.getBody().front())
        for (Value value : op.getResults())
          if (homeOf(value))
            all = all + footprintOf(value);
      int64_t bytes = all.samples + all.rows * size.steps, chunk = 1;
      while (chunk * 2 <= maxChunk && chunk * 2 * bytes <= cacheBytes)
        chunk *= 2;
      phase->setAttr(kChunkAttr, Builder(&getContext()).getI64IntegerAttr(chunk));
    });
  }
};

} // namespace
} // namespace snn::core
