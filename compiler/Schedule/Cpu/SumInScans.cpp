// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums over time of what a scan makes become carries of the scan.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Sizes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_SUMINSCANS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// An array of +0 of the type: one that is there before the op, or a new one.
Value zeroBefore(Operation *op, ArrayRef<Value> known, ArrayType type) {
  auto isZero = [&](Value value) {
    auto map = value.getDefiningOp<MapOp>();
    if (value.getType() != type || !map || !map.getInputs().empty() || map.getNumResults() != 1)
      return false;
    FloatAttr number;
    return matchPattern(map.getBody().front().getTerminator()->getOperand(0), m_Constant(&number)) &&
           number.getValue().isPosZero();
  };
  if (const Value *found = llvm::find_if(known, isZero); found != known.end())
    return *found;
  OpBuilder builder(op);
  return MapOp::create(builder, op->getLoc(), type, ValueRange(), type.getShape(), ArrayRef<AffineMap>(),
                       AffineMap::getMultiDimIdentityMap(type.getRank(), op->getContext()), ArrayAttr(),
                       [&](ImplicitLocOpBuilder &b, ValueRange) {
                         return SmallVector<Value>{arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()))};
                       })
      .getResult(0);
}

class SumInScans : public impl::SumInScansBase<SumInScans> {
public:
  using SumInScansBase::SumInScansBase;

private:
  void runOnOperation() override {
    // All terms are one block, so that the order is that of the steps.
    ModelOp model = getModel(getOperation());
    if (!model || !model.getSteps() || *model.getSteps() > kernels::kBlock)
      return;
    SmallVector<FoldOp> folds;
    getOperation().walk([&](FoldOp fold) { folds.push_back(fold); });
    for (FoldOp fold : folds)
      if (fits(fold)) {
        if (auto remark = remarks::chosen(fold, remarks::kScans, "sum"))
          remark << "the scan adds up what it makes, and does not write it"
                 << remarks::because("nobody else reads its values of each step");
        carry(fold);
      }
  }

  /// Whether the fold adds up over time, in the order of a pointwise scan, what this stacks for it alone.
  static bool fits(FoldOp fold) {
    if (fold.getKind() != FoldKind::Add || fold.getInputs().size() != 1 || !fold.getOrder() ||
        fold.getAlong() != ArrayRef<int64_t>{0} || fold.getDomain().front() != ArrayType::kTime)
      return false;
    Value values = fold.getInputs().front();
    auto scan = values.getDefiningOp<ScanOp>();
    if (!scan || !isa<BatchMapOp>(fold->getParentOp()) || scan->getBlock() != fold->getBlock() || !values.hasOneUse() ||
        !llvm::is_contained(scan.getStacked(), values) || !isPointwise(scan))
      return false;
    Block &body = fold.getBody().front();
    const OrderAttr order = *fold.getOrder();
    const AffineMap all = AffineMap::getMultiDimIdentityMap(fold.getDomain().size(), fold.getContext());
    return body.getTerminator()->getOperand(0) == body.getArgument(0) && fold.getReadMaps()[0] == all &&
           fold.getWrite() == all.dropResult(0) && isa<FloatType>(body.getArgument(0).getType()) &&
           order.getLanes() == 1 && order.getGroup() == 1 && order.getBlock() == kernels::kBlock && !order.getRun() &&
           order.getDescending() == scan.getReverse();
  }

  static void carry(FoldOp fold) {
    auto values = cast<OpResult>(fold.getInputs().front());
    auto scan = cast<ScanOp>(values.getOwner());
    const unsigned number = values.getResultNumber();
    auto type = cast<ArrayType>(fold.getValue().getType());
    SmallVector<Value> init(scan.getInit());
    init.push_back(zeroBefore(scan, init, type));
    SmallVector<Type> stacked(scan.getStacked().getTypes()), finals(scan.getFinals().getTypes());
    stacked.erase(stacked.begin() + number);
    finals.push_back(type);
    OpBuilder builder(scan);
    auto sums = ScanOp::create(builder, scan.getLoc(), stacked, finals, scan.getSliced(), scan.getInvariant(), init,
                               scan.getReverse());
    sums->setDiscardableAttrs(scan->getDiscardableAttrDictionary());
    sums.getBody().takeBody(scan.getBody());
    Block &body = sums.getBody().front();
    Value sum = body.addArgument(type, fold.getLoc());
    StepOp step = sums.getYield();
    Value term = step.getStacked()[number];
    builder.setInsertionPoint(step);
    const AffineMap own = AffineMap::getMultiDimIdentityMap(type.getRank(), fold.getContext());
    auto add =
        MapOp::create(builder, fold.getLoc(), type, ValueRange{sum, term}, type.getShape(),
                      ArrayRef<AffineMap>{own, own}, own, ArrayAttr(), [](ImplicitLocOpBuilder &b, ValueRange both) {
                        return SmallVector<Value>{arith::AddFOp::create(b, both[0], both[1])};
                      });
    step.getStackedMutable().erase(number);
    step.getNextMutable().append(add.getResult(0));
    for (auto [old, now] : llvm::zip(scan.getFinals(), sums.getFinals()))
      old.replaceAllUsesWith(now);
    unsigned place = 0;
    for (auto [index, old] : llvm::enumerate(scan.getStacked()))
      if (index != number)
        old.replaceAllUsesWith(sums.getStacked()[place++]);
    fold.getValue().replaceAllUsesWith(sums.getFinals().back());
    fold.erase();
    scan.erase();
  }
};

} // namespace
} // namespace snn::core
