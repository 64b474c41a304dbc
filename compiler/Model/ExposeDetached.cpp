// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Detached values as outputs (record) or inputs (replay) of the model, for checking gradients by differences.

#include "compiler/Model/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_EXPOSEDETACHED
#include "compiler/Model/Passes.h.inc"

namespace {

using core::ArrayType;

class ExposeDetached : public impl::ExposeDetachedBase<ExposeDetached> {
public:
  using ExposeDetachedBase::ExposeDetachedBase;

private:
  void runOnOperation() override {
    if (mode != "record" && mode != "replay") {
      getOperation().emitError() << "mode is '" << mode << "', expected record or replay";
      return signalPassFailure();
    }
    // The loss reads what a network gives, so its values come after those of either.
    unsigned ofNetworks = 0;
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (function.getName() == kNetwork || function.getName() == kTrainingNetwork)
        ofNetworks = std::max(ofNetworks, expose(function, 0));
    if (auto criterion = getOperation().lookupSymbol<func::FuncOp>(kCriterion))
      expose(criterion, ofNetworks);
  }

  /// Returns the number after that of the last value.
  unsigned expose(func::FuncOp function, unsigned number) {
    SmallVector<core::DetachOp> detached;
    function.walk([&](core::DetachOp op) { detached.push_back(op); });
    for (core::DetachOp op : detached) {
      auto map = dyn_cast<core::MapOp>(op->getParentOp());
      auto type = dyn_cast<ArrayType>(op.getType());
      // Truth values do not change under small perturbations.
      if ((type ? type.getElementType() : op.getType()) != getModel(getOperation()).getReal())
        continue;
      if (map)
        type = ArrayType::get(&getContext(), map.getDomain(), op.getType());
      if (!type || type.sampleDim() < 0) { // no output is like that; in comparisons it matters as little as its truth
        if (mode == "record" && !llvm::all_of(op->getUsers(), llvm::IsaPred<arith::CmpFOp>))
          op.emitWarning("this detached value, which all samples share or which is inside of a sum, moves in checks by "
                         "differences: these may differ from the gradient of what it is made of");
        continue;
      }
      auto scan = op->getParentOfType<core::ScanOp>();
      ArrayType exposed = scan ? type.overTime() : type;
      const std::string name = "detached." + std::to_string(number++);
      declare(name, exposed);
      if (mode == "record")
        record(function, op, type, exposed, name);
      else
        replay(function, op, exposed, name);
    }
    return number;
  }

  void declare(StringRef name, ArrayType type) {
    if (getOperation().lookupSymbol(name))
      return;
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfter(getModel(getOperation()));
    if (mode == "record")
      OutputOp::create(builder, getOperation().getLoc(), name, type);
    else
      InputOp::create(builder, getOperation().getLoc(), name, type, /*classes=*/nullptr);
  }

  /// Of a point of `map`: all of its dims.
  static AffineMap pointOf(core::MapOp map) {
    return AffineMap::getMultiDimIdentityMap(map.getDomain().size(), map.getContext());
  }
  static ArrayAttr append(ArrayAttr list, Attribute last) {
    SmallVector<Attribute> longer(list.getValue());
    longer.push_back(last);
    return ArrayAttr::get(list.getContext(), longer);
  }

  void record(func::FuncOp function, core::DetachOp op, ArrayType type, ArrayType exposed, StringRef name) {
    Value value = op.getResult();
    if (auto map = dyn_cast<core::MapOp>(op->getParentOp())) {
      map.getBody().front().getTerminator()->insertOperands(map.getNumResults(), value);
      map.setWritesAttr(append(map.getWrites(), AffineMapAttr::get(pointOf(map))));
      value = core::withResults(map, map.getNumResults(), type)->getResults().back();
    }
    if (auto scan = op->getParentOfType<core::ScanOp>())
      value = core::withStacked(scan, value).getStacked().back();
    Operation *end = function.getBody().front().getTerminator();
    end->insertOperands(end->getNumOperands(), value);
    (void)function.insertResult(function.getNumResults(), exposed, bindingTo(&getContext(), name));
  }

  void replay(func::FuncOp function, core::DetachOp op, ArrayType exposed, StringRef name) {
    const unsigned position = function.getNumArguments();
    (void)function.insertArgument(position, exposed, bindingTo(&getContext(), name), op.getLoc());
    Value value = function.getArgument(position);
    if (auto scan = op->getParentOfType<core::ScanOp>()) {
      const unsigned sliced = scan.getSliced().size();
      scan.getSlicedMutable().append(value);
      value = scan.getBody().front().insertArgument(sliced, exposed.atOneStep(), op.getLoc());
    }
    if (auto map = dyn_cast<core::MapOp>(op->getParentOp())) {
      map.getInputsMutable().append(value);
      map.setReadsAttr(append(map.getReads(), AffineMapAttr::get(pointOf(map))));
      if (auto absent = map.getAbsentAttr())
        map.setAbsentAttr(append(absent, UnitAttr::get(&getContext())));
      value = map.getBody().front().addArgument(op.getType(), op.getLoc());
    }
    op.getResult().replaceAllUsesWith(value);
    op.erase();
  }
};

} // namespace
} // namespace snn
