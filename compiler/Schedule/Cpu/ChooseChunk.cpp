// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How many samples run together.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"

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
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>()) {
      unsigned number = 0;
      function.walk([&](BatchMapOp phase) { choose(phase, ++number, size); });
    }
  }

  void choose(BatchMapOp phase, unsigned number, CallSize size) {
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
    if (auto remark = remarks::chosen(phase, remarks::kChunks, "chunk"))
      remark << remark::add("phase {0} takes {1} at a time", number, remarks::counted(chunk, "sample"))
             << remarks::because(chunk * 2 > maxChunk ? "more would not be faster"
                                 : bytes > cacheBytes ? "one alone takes more than the cache"
                                                      : "more would not fit into the cache")
             << remark::metric("bytes", chunk * bytes) << remark::metric("bytes of cache", int64_t(cacheBytes));
  }
};

} // namespace
} // namespace snn::core
