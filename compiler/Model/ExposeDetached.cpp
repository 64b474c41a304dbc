// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Detached values as outputs (record) or inputs (replay) of the model, for checking gradients by differences.

#include "compiler/Model/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_EXPOSEDETACHED
#include "compiler/Model/Passes.h.inc"

namespace {

class ExposeDetached : public impl::ExposeDetachedBase<ExposeDetached> {
public:
  using ExposeDetachedBase::ExposeDetachedBase;

private:
  void runOnOperation() override {
    if (mode != "record" && mode != "replay") {
      getOperation().emitError() << "mode is '" << mode << "', expected record or replay";
      return signalPassFailure();
    }
    // A streaming step has no time dimension to lay recorded values along.
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (function.getName() != "step")
        for (BatchMapOp map : llvm::make_early_inc_range(function.getBody().front().getOps<BatchMapOp>()))
          expose(function, map);
  }

  void expose(func::FuncOp function, BatchMapOp map) {
    SmallVector<DetachOp> detached;
    map.walk([&](DetachOp op) {
      if (op->getParentOfType<ScanOp>() && !op.getInput().getDefiningOp<ConstantOp>())
        detached.push_back(op);
    });
    for (auto [index, op] : llvm::enumerate(detached)) {
      std::string name = "detached." + std::to_string(index);
      auto element = getModel(getOperation()).getReal();
      auto step = cast<RankedTensorType>(op.getType());
      if (step.getElementType() != element)
        continue; // truth values do not change under small perturbations
      auto scan = op->getParentOfType<ScanOp>();
      int64_t steps = cast<RankedTensorType>(scan.getStacked().front().getType()).getDimSize(0);
      auto type = RankedTensorType::get({steps, step.getDimSize(0), step.getDimSize(1)}, element);
      declare(name, type);
      auto bind = FlatSymbolRefAttr::get(&getContext(), name);
      map = mode == "record" ? record(function, map, op, type, bind) : replay(function, map, op, type, bind);
    }
  }

  void declare(StringRef name, Type type) {
    if (SymbolTable::lookupSymbolIn(getOperation(), name))
      return;
    OpBuilder builder(getModel(getOperation()));
    builder.setInsertionPointAfter(getModel(getOperation()));
    if (mode == "record")
      OutputOp::create(builder, getOperation().getLoc(), name, type, /*over_time=*/true);
    else
      InputOp::create(builder, getOperation().getLoc(), name, type, /*over_time=*/true);
  }

  BatchMapOp record(func::FuncOp function, BatchMapOp map, DetachOp op, RankedTensorType type, Attribute bind) {
    auto scan = op->getParentOfType<ScanOp>();
    OpBuilder builder(scan);
    SmallVector<Type> stackedTypes(scan.getStacked().getTypes());
    stackedTypes.push_back(type);
    auto wider =
        ScanOp::create(builder, scan.getLoc(), stackedTypes, scan.getFinals().getTypes(), scan.getSliced(),
                       scan.getInvariant(), scan.getParams(), scan.getInit(), scan.getReverse(), scan.getNeurons());
    scan.getYield().getStackedMutable().append(op.getInput());
    wider.getBody().takeBody(scan.getBody());
    Value stacked = wider.getStacked().back();
    for (auto [old, result] : llvm::zip(scan.getStacked(), wider.getStacked()))
      old.replaceAllUsesWith(result);
    for (auto [old, result] : llvm::zip(scan.getFinals(), wider.getFinals()))
      old.replaceAllUsesWith(result);
    scan.erase();

    builder.setInsertionPoint(map);
    SmallVector<Type> concatTypes(map.getConcat().getTypes());
    concatTypes.push_back(type);
    auto larger = BatchMapOp::create(builder, map.getLoc(), concatTypes, map.getSum().getTypes(), map.getSharded(),
                                     map.getInvariant());
    map.getYield().getConcatMutable().append(stacked);
    larger.getBody().takeBody(map.getBody());
    for (auto [old, result] : llvm::zip(map.getConcat(), larger.getConcat()))
      old.replaceAllUsesWith(result);
    map.erase();

    Operation *end = function.getBody().front().getTerminator();
    end->insertOperands(end->getNumOperands(), larger.getConcat().back());
    (void)function.insertResult(function.getNumResults(), type, {});
    function.setResultAttr(function.getNumResults() - 1, SnnDialect::bindAttrName(), bind);
    return larger;
  }

  BatchMapOp replay(func::FuncOp function, BatchMapOp map, DetachOp op, RankedTensorType type, Attribute bind) {
    unsigned position = function.getNumArguments();
    (void)function.insertArgument(position, type, {}, op.getLoc());
    function.setArgAttr(position, SnnDialect::bindAttrName(), bind);
    unsigned shardedCount = map.getSharded().size();
    map.getShardedMutable().append(function.getArgument(position));
    Value sharded = map.getBody().front().insertArgument(shardedCount, type, op.getLoc());

    auto scan = op->getParentOfType<ScanOp>();
    unsigned slicedCount = scan.getSliced().size();
    scan.getSlicedMutable().append(sharded);
    Value slice = scan.getBody().front().insertArgument(slicedCount, op.getType(), op.getLoc());
    op.replaceAllUsesWith(slice);
    op.erase();
    return map;
  }
};

} // namespace
} // namespace snn
