// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How many samples run together.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "compiler/Schedule/Cpu/Sums.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_CHOOSECHUNK
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// Tasks that a call is cut into at least if that costs rows of steps: as many as sums have parts.
constexpr int64_t kTasks = 16;

/// Bytes of matrices that each step of a phase's scans reads to multiply less than `rows` rows of a sample by them.
int64_t stepMatrices(BatchMapOp phase, int64_t rows) {
  int64_t bytes = 0;
  phase.walk([&](ContractOp contract) {
    auto scan = dyn_cast<ScanOp>(contract->getParentOp());
    if (!scan || isPointwise(scan) || kernelOf(contract) == Kernel::Loops)
      return;
    std::optional<MatrixProduct> product = matchProduct(contract);
    if (product && !product->gradient && product->places < rows)
      bytes += footprintOf(product->b).fixed;
  });
  return bytes;
}

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
    // The terms of a sum come sample by sample, and of each sample segment by segment. Where parts of sums differ, they
    // begin with any sample.
    auto classOf = [](Value sum) { return SumClass::of(reductionOf(sum)); };
    ValueRange sums = phase.getYield().getSum();
    const bool differ = llvm::any_of(sums, [&](Value sum) { return classOf(sum) != classOf(sums.front()); });
    if (differ || !phase.getBody().getOps<SegmentsOp>().empty()) {
      phase->setAttr(kChunkAttr, Builder(&getContext()).getI64IntegerAttr(1));
      if (auto remark = remarks::chosen(phase, remarks::kChunks, "chunk"))
        remark << remark::add("phase {0} takes 1 sample at a time", number)
               << remarks::because(differ ? "sums of different parts go sample by sample"
                                          : "sums go sample by sample where time is cut into segments");
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
    // Values that leave the cache cost less than matrices of which a row or two make use.
    const int64_t matrices = stepMatrices(phase, stepRows) * size.steps, ofCache = chunk;
    if (matrices > bytes)
      while (chunk * 2 <= std::min(stepRows, maxChunk) && chunk * 2 * kTasks <= size.batch)
        chunk *= 2;
    phase->setAttr(kChunkAttr, Builder(&getContext()).getI64IntegerAttr(chunk));
    if (auto remark = remarks::chosen(phase, remarks::kChunks, "chunk"))
      remark << remark::add("phase {0} takes {1} at a time", number, remarks::counted(chunk, "sample"))
             << remarks::because(chunk > ofCache        ? "its steps read more of matrices than a sample has values"
                                 : chunk * 2 > maxChunk ? "more would not be faster"
                                 : bytes > cacheBytes   ? "one alone takes more than the cache"
                                                        : "more would not fit into the cache")
             << remark::metric("bytes", chunk * bytes) << remark::metric("bytes of cache", int64_t(cacheBytes));
  }
};

} // namespace
} // namespace snn::core
