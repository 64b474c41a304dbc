// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How many samples run together.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/CallMemory.h"
#include "compiler/Schedule/Cpu/Packing.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "compiler/Schedule/Cpu/Sums.h"
#include "compiler/Schedule/Phases.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_CHOOSECHUNK
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// Tasks that a call is cut into at least if that costs rows of steps: as many as sums have parts.
constexpr int64_t kTasks = 16;

/// Chunks of a call at least where they are tasks and have no steps, so that four workers find work; but not of so few
/// samples that weights are read for hardly any.
constexpr int64_t kChunks = 4, kFewSamples = 8;

/// Workers that find a chunk of their own at least where steps read matrices from beyond the cache. Where there are
/// more, tasks have fewer parts of the sums (`divide` in compiler/Codegen/Cpu/FunctionPlan.cpp).
constexpr int64_t kWorkers = 2;

bool hasSteps(BatchMapOp phase) {
  return llvm::any_of(phase.getBody().front(),
                      [](Operation &op) { return isa<ScanOp>(op) || llvm::any_of(op.getResultTypes(), hasTime); });
}

/// Bytes of weights that each chunk reads from beyond the cache.
int64_t largeWeights(BatchMapOp phase, int64_t cache) {
  int64_t bytes = 0;
  for (auto contract : phase.getBody().getOps<ContractOp>())
    if (std::optional<MatrixProduct> product = matchProduct(contract); product && product->readsBeyond(cache))
      bytes += footprintOf(product->b).fixed;
  return bytes;
}

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
    // What a step of a phase has read stays for some time: what does not fit is not lost at once.
    cache = cacheBytes > 0 ? int64_t(cacheBytes) : cacheBytesOf(getOperation()) / 4 * 5;
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>()) {
      unsigned number = 0;
      function.walk([&](BatchMapOp phase) { choose(phase, ++number, size); });
    }
  }

  int64_t cache = 0; ///< bytes that values may take

  void choose(BatchMapOp phase, unsigned number, CallSize size) {
    // The terms of a sum come sample by sample, and of each sample segment by segment.
    if (!phase.getBody().getOps<SegmentsOp>().empty()) {
      phase->setAttr(kChunkAttr, Builder(&getContext()).getI64IntegerAttr(1));
      if (auto remark = remarks::chosen(phase, remarks::kChunks, "chunk"))
        remark << remark::add("phase {0} takes 1 sample at a time", number)
               << remarks::because("sums go sample by sample where time is cut into segments");
      return;
    }
    // What is alive at the same time, and what the phase leaves in the memory of the function.
    const SmallVector<Tenant> tenants = tenantsOf(phase.getBody().front());
    Place homes;
    for (Operation &op : phase.getBody().front())
      for (Value value : op.getResults())
        if (homeOf(value))
          homes = homes + footprintOf(value);
    auto bytesOf = [&](int64_t samples) {
      const CallSize call{samples, size.steps};
      return pack(tenants, call).bytes + homes.at(call.steps, call.batch);
    };
    int64_t chunk = 1;
    // A streaming build has one sample: its arena takes no more.
    int64_t maxChunk = isStreaming(getOperation()) ? 1 : int64_t(this->maxChunk);
    // Chunks are the tasks of a phase without sums, and those without steps are large. But a chunk reads large weights
    // anew; where there are more workers than chunks, a call makes its tasks smaller (`Division::of`).
    const int64_t ofWeights =
        cacheBytes > 0 ? int64_t(cacheBytes) : cacheBytesOf(getOperation()); // as of core-split-still
    const int64_t weights = largeWeights(phase, ofWeights);
    if (phase.getSum().empty() && !hasSteps(phase) && weights == 0)
      maxChunk = std::clamp<int64_t>(size.batch / kChunks, std::min(kFewSamples, maxChunk), maxChunk);
    auto grow = [&](int64_t most, llvm::function_ref<bool()> isWorth) {
      while (chunk * 2 <= std::min(most, maxChunk) && isWorth())
        chunk *= 2;
    };
    grow(maxChunk, [&] { return bytesOf(chunk * 2) <= cache; });
    const int64_t ofCache = chunk, bytes = bytesOf(1);
    // Values that leave the cache are written and read once or twice, large weights are read by each chunk. Chunks of
    // more than a part of the sums have rows enough and would gain nothing.
    const bool hasMemory = !memoryLimitOf(getOperation());
    grow(phase.getSum().empty() ? maxChunk : llvm::divideCeil(size.batch, kTasks),
         [&] { return hasMemory && weights > 2 * chunk * bytes; });
    const int64_t ofLargeWeights = chunk;
    // Values that leave the cache cost less than matrices of which a row or two make use. Those from beyond the cache
    // are read at each step.
    const int64_t ofStep = stepMatrices(phase, stepRows), matrices = ofStep * size.steps;
    grow(std::min(int64_t(stepRows), size.batch / kTasks), [&] { return matrices > bytes; });
    const int64_t ofPart = chunk;
    grow(size.batch / kWorkers, [&] { return hasMemory && ofStep > ofWeights && matrices > 2 * chunk * bytes; });
    phase->removeAttr(kJoinsPartsAttr);
    if (chunk > ofPart && !phase.getSum().empty())
      phase->setAttr(kJoinsPartsAttr, UnitAttr::get(&getContext()));
    phase->setAttr(kChunkAttr, Builder(&getContext()).getI64IntegerAttr(chunk));
    if (auto remark = remarks::chosen(phase, remarks::kChunks, "chunk"))
      remark << remark::add("phase {0} takes {1} at a time", number, remarks::counted(chunk, "sample"))
             << remarks::because(chunk > ofPart           ? "each step reads matrices from beyond the cache"
                                 : chunk > ofLargeWeights ? "its steps read more of matrices than a sample has values"
                                 : chunk > ofCache        ? "each chunk reads weights from beyond the cache"
                                 : chunk * 2 > maxChunk   ? maxChunk < this->maxChunk
                                                                ? "more would leave workers without a task"
                                                                : "more would not be faster"
                                 : bytes > cache          ? "one alone takes more than the cache"
                                                          : "more would not fit into the cache")
             << remark::metric("bytes", bytesOf(chunk)) << remark::metric("bytes of cache", cache);
  }
};

} // namespace
} // namespace snn::core
