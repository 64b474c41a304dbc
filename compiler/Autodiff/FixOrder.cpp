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

constexpr int64_t kSpikeGroup = 4; ///< a table of partial sums has 2^4 entries
constexpr int64_t kBlock = 64, kLevel = 64;
constexpr int64_t kLanesOfSum = 32;
constexpr int64_t kRun = 64, kParts = 16, kPart = 256;

class FixOrder : public impl::FixOrderBase<FixOrder> {
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      if (auto contract = dyn_cast<core::ContractOp>(op); contract && !contract.getOrder()) {
        contract.setAlong(inOrder(contract));
        contract.setOrderAttr(orderOf(contract, isSpikes(contract.getLhs()) || isSpikes(contract.getRhs())));
      }
      if (auto fold = dyn_cast<core::FoldOp>(op); fold && fold.getKind() == core::FoldKind::Add && !fold.getOrder()) {
        fold.setAlong(inOrder(fold));
        fold.setOrderAttr(orderOf(fold, /*spikes=*/false));
      }
    });
  }

  /// The dims that are summed: samples come first, then time.
  static SmallVector<int64_t> inOrder(core::IndexedOpInterface op) {
    SmallVector<int64_t> along(op.getAlong());
    auto rank = [&](int64_t dim) {
      int64_t extent = op.getDomain()[dim];
      return extent == ArrayType::kSample ? 0 : extent == ArrayType::kTime ? 1 : 2;
    };
    if (op.reducesSamples())
      llvm::stable_sort(along, [&](int64_t a, int64_t b) { return rank(a) < rank(b); });
    return along;
  }

  static bool isSpikes(Value value) { return cast<ArrayType>(value.getType()).getElementType().isInteger(1); }

  static OrderAttr orderOf(core::IndexedOpInterface op, bool spikes) {
    bool overTime = llvm::any_of(op.getAlong(), [&](int64_t dim) { return op.getDomain()[dim] == ArrayType::kTime; });
    MLIRContext *context = op->getContext();
    int64_t group = spikes ? kSpikeGroup : 1;
    if (op.reducesSamples())
      return OrderAttr::get(context, group, kBlock, kLevel, 1, kRun, kParts, kPart, /*descending=*/overTime);
    int64_t lanes = isOverLanes(op) ? kLanesOfSum : 1;
    return OrderAttr::get(context, group, kBlock, kLevel, lanes, 0, 1, 1, /*descending=*/overTime);
  }

  /// A fold along the last extent of what it reads: neurons or channels, which lie in the lanes of vectors.
  static bool isOverLanes(core::IndexedOpInterface op) {
    if (!isa<core::FoldOp>(op) || op.getAlong().size() != 1 || op->getNumOperands() == 0)
      return false;
    unsigned dim = op.getAlong().front();
    return op.getDomain()[dim] > 0 && llvm::any_of(op.getReadMaps(), [&](AffineMap map) {
             return map.getNumResults() > 0 && map.getResults().back().isFunctionOfDim(dim);
           });
  }
};

} // namespace
} // namespace snn
