// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order of each sum (docs/summation.md has the rule, and the measurements behind its constants).

#include "compiler/Autodiff/Passes.h"
#include "dialect/core/Maps.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_FIXORDER
#include "compiler/Autodiff/Passes.h.inc"

namespace {

using core::ArrayType;
using core::OrderAttr;

constexpr int64_t kBlock = 64;     ///< terms or groups in a chain
constexpr int64_t kSpikeGroup = 4; ///< a table of partial sums has 2^4 entries
constexpr int64_t kLanesOfSum = 16;
constexpr int64_t kParts = 16;

class FixOrder : public impl::FixOrderBase<FixOrder> {
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      if (auto contract = dyn_cast<core::ContractOp>(op); contract && !contract.getOrder())
        contract.setOrderAttr(orderOf(contract, isSpikes(contract.getLhs()) || isSpikes(contract.getRhs())));
      if (auto fold = dyn_cast<core::FoldOp>(op); fold && fold.getKind() == core::FoldKind::Add && !fold.getOrder())
        fold.setOrderAttr(orderOf(fold, /*spikes=*/false));
    });
  }

  static bool isSpikes(Value value) { return cast<ArrayType>(value.getType()).getElementType().isInteger(1); }

  static OrderAttr orderOf(core::IndexedOpInterface op, bool spikes) {
    ArrayRef<int64_t> domain = op.getDomain(), along = op.getAlong();
    bool overSamples = false, overTime = false;
    int64_t positions = 1; // of one sample and step
    for (int64_t dim : along) {
      overSamples |= domain[dim] == ArrayType::kSample;
      overTime |= domain[dim] == ArrayType::kTime;
      if (domain[dim] > 0)
        positions *= domain[dim];
    }
    int64_t group = spikes ? kSpikeGroup : 1;
    MLIRContext *context = op->getContext();
    if (overSamples) {
      // Enough terms for a block where the number of steps is known to be large or is not known.
      int64_t samples = overTime || positions >= kBlock ? 1 : positions >= 16 ? 4 : 8;
      return OrderAttr::get(context, /*run=*/0, group, kBlock, /*lanes=*/1, samples, kParts, /*descending=*/overTime);
    }
    if (isOverLanes(op))
      return OrderAttr::get(context, along.size(), 1, kBlock, kLanesOfSum, 0, 1, overTime);
    return OrderAttr::get(context, runOf(domain, along), group, kBlock, 1, 0, 1, overTime);
  }

  /// A fold along the last extent of what it reads: neurons or channels, which lie in the lanes of vectors.
  static bool isOverLanes(core::IndexedOpInterface op) {
    if (!isa<core::FoldOp>(op) || op.getAlong().size() != 1 || op->getNumOperands() == 0)
      return false;
    unsigned dim = op.getAlong().front();
    return llvm::all_of(op.getReadMaps(), [&](AffineMap map) {
      return map.getNumResults() > 0 && map.getResults().back().isFunctionOfDim(dim);
    });
  }

  /// How many of the innermost dims are taken together: all if they are few terms; otherwise channels whose number
  /// divides by a group, or two dims.
  static int64_t runOf(ArrayRef<int64_t> domain, ArrayRef<int64_t> along) {
    int64_t product = 1;
    for (int64_t dim : along)
      product *= domain[dim] > 0 ? domain[dim] : kBlock;
    if (product <= kBlock || along.size() <= 1)
      return along.size();
    return domain[along.back()] % kSpikeGroup == 0 ? 1 : 2;
  }
};

} // namespace
} // namespace snn
