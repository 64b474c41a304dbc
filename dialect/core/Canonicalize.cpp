// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What makes ops smaller without changing a number: inputs, results and carries that nobody uses, or that stand twice.

#include "dialect/core/CoreDialect.h"
#include "dialect/core/Maps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace snn::core {
namespace {

/// Whether each point of the domain finds an element of input `index`.
bool isAlwaysInside(IndexedOpInterface op, unsigned index) {
  auto type = cast<ArrayType>(op->getOperand(index).getType());
  return isInside(op.getReadMaps()[index], op.getDomain(), type.getShape());
}

ArrayAttr without(ArrayAttr attribute, unsigned index) {
  SmallVector<Attribute> values(attribute.getValue());
  values.erase(values.begin() + index);
  return ArrayAttr::get(attribute.getContext(), values);
}

/// An input that the body does not look at, or that another one gives as well. An input of a fold that is absent
/// somewhere stays: where it is absent there is no term.
template <typename OpTy> struct DropInputs : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    Block &body = op.getBody().front();
    for (unsigned index = op.getInputs().size(); index-- > 0;) {
      BlockArgument argument = body.getArgument(index);
      int same = twin(op, index);
      bool unused = argument.use_empty() && (isa<MapOp>(op) || isAlwaysInside(op, index));
      if (!unused && same < 0)
        continue;
      rewriter.modifyOpInPlace(op, [&] {
        if (same >= 0)
          rewriter.replaceAllUsesWith(argument, body.getArgument(same));
        body.eraseArgument(index);
        op->eraseOperand(index);
        op.setReadsAttr(without(op.getReadsAttr(), index));
        if constexpr (std::is_same_v<OpTy, MapOp>)
          if (op.getAbsentAttr())
            op.setAbsentAttr(without(op.getAbsentAttr(), index));
      });
      return success();
    }
    return failure();
  }

  static int twin(OpTy op, unsigned index) {
    for (unsigned other = 0; other < index; ++other) {
      bool sameAbsent = true;
      if constexpr (std::is_same_v<OpTy, MapOp>)
        sameAbsent = !op.getAbsentAttr() || op.getAbsentAttr()[index] == op.getAbsentAttr()[other];
      if (op.getInputs()[index] == op.getInputs()[other] && op.getReads()[index] == op.getReads()[other] && sameAbsent)
        return other;
    }
    return -1;
  }
};

/// A result that is an input as it stands.
struct DropCopies : OpRewritePattern<MapOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MapOp op, PatternRewriter &rewriter) const override {
    bool changed = false;
    auto yield = cast<YieldOp>(op.getBody().front().getTerminator());
    for (auto [result, write, value] : llvm::zip(op.getOutputs(), op.getWriteMaps(), yield.getValues())) {
      auto argument = dyn_cast<BlockArgument>(value);
      if (!argument || argument.getOwner()->getParentOp() != op || result.use_empty() ||
          !writesAll(write, op.getDomain(), cast<ArrayType>(result.getType()).getShape()))
        continue;
      Value input = op.getInputs()[argument.getArgNumber()];
      if (input.getType() != result.getType() || op.getReadMaps()[argument.getArgNumber()] != write)
        continue;
      rewriter.replaceAllUsesWith(result, input);
      changed = true;
    }
    return success(changed);
  }
};

/// A result that nobody reads, or that another one gives as well.
struct DropMapResults : OpRewritePattern<MapOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MapOp op, PatternRewriter &rewriter) const override {
    SmallVector<Type> types;
    SmallVector<Attribute> writes;
    SmallVector<Value> kept, yielded;
    auto yield = cast<YieldOp>(op.getBody().front().getTerminator());
    if (op.use_empty())
      return failure(); // goes as a whole
    for (unsigned index = 0; index < op.getOutputs().size(); ++index)
      for (unsigned other = 0; other < index; ++other)
        if (yield.getValues()[other] == yield.getValues()[index] && op.getWrites()[other] == op.getWrites()[index] &&
            op.getOutputs()[other].getType() == op.getOutputs()[index].getType())
          rewriter.replaceAllUsesWith(op.getOutputs()[index], op.getOutputs()[other]);
    for (auto [result, write, value] : llvm::zip(op.getOutputs(), op.getWrites(), yield.getValues())) {
      if (result.use_empty())
        continue;
      kept.push_back(result);
      types.push_back(result.getType());
      writes.push_back(write);
      yielded.push_back(value);
    }
    if (kept.size() == op.getOutputs().size())
      return failure();
    rewriter.modifyOpInPlace(yield, [&] { yield->setOperands(yielded); });
    OperationState state(op.getLoc(), MapOp::getOperationName(), op.getInputs(), types);
    auto &properties = state.getOrAddProperties<MapOp::Properties>();
    properties = op.getProperties();
    properties.writes = rewriter.getArrayAttr(writes);
    state.addRegion()->takeBody(op.getBody());
    Operation *smaller = rewriter.create(state);
    for (auto [old, result] : llvm::zip(kept, smaller->getResults()))
      rewriter.replaceAllUsesWith(old, result);
    rewriter.eraseOp(op);
    return success();
  }
};

/// Whatever goes in or comes out of a scan without being used, or twice.
struct ShrinkScan : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ScanOp op, PatternRewriter &rewriter) const override {
    if (op.use_empty())
      return failure();
    Block &body = op.getBody().front();
    StepOp step = op.getYield();
    llvm::BitVector drop(op.getNumOperands()), dropCarry(op.getInit().size()), dropStacked(op.getStacked().size());
    unsigned firstCarry = op.getSliced().size() + op.getInvariant().size();
    for (unsigned index = 0; index < firstCarry; ++index) {
      bool isSliced = index < op.getSliced().size();
      for (unsigned other = isSliced ? 0 : op.getSliced().size(); other < index; ++other)
        if (!drop.test(other) && op->getOperand(other) == op->getOperand(index) && !body.getArgument(index).use_empty())
          rewriter.replaceAllUsesWith(body.getArgument(index), body.getArgument(other));
      if (body.getArgument(index).use_empty())
        drop.set(index);
    }
    for (auto [index, argument, final] : llvm::enumerate(op.getCarryArgs(), op.getFinals())) {
      for (unsigned other = 0; other < index; ++other)
        if (!dropCarry.test(other) && op.getInit()[other] == op.getInit()[index] &&
            step.getNext()[other] == step.getNext()[index]) {
          rewriter.replaceAllUsesWith(argument, op.getCarryArgs()[other]);
          rewriter.replaceAllUsesWith(final, op.getFinals()[other]);
        }
      if (argument.use_empty() && final.use_empty()) {
        drop.set(firstCarry + index);
        dropCarry.set(index);
      }
    }
    for (auto [index, value, result] : llvm::enumerate(step.getStacked(), op.getStacked())) {
      for (unsigned other = 0; other < index; ++other)
        if (!dropStacked.test(other) && step.getStacked()[other] == value)
          rewriter.replaceAllUsesWith(result, op.getStacked()[other]);
      if (result.use_empty())
        dropStacked.set(index);
    }
    if (drop.none() && dropStacked.none())
      return failure();

    auto keep = [](auto range, const llvm::BitVector &dropped, unsigned offset = 0) {
      SmallVector<Value> values;
      for (auto [index, value] : llvm::enumerate(range))
        if (!dropped.test(offset + index))
          values.push_back(value);
      return values;
    };
    SmallVector<Value> sliced = keep(op.getSliced(), drop);
    SmallVector<Value> invariant = keep(op.getInvariant(), drop, op.getSliced().size());
    SmallVector<Value> init = keep(op.getInit(), drop, firstCarry);
    SmallVector<Value> stacked = keep(op.getStacked(), dropStacked), finals = keep(op.getFinals(), dropCarry);
    auto next = keep(step.getNext(), dropCarry), yielded = keep(step.getStacked(), dropStacked);
    rewriter.setInsertionPoint(step);
    StepOp::create(rewriter, step.getLoc(), yielded, next);
    rewriter.eraseOp(step);
    rewriter.setInsertionPoint(op);
    auto smaller = ScanOp::create(rewriter, op.getLoc(), ValueRange(stacked).getTypes(), ValueRange(finals).getTypes(),
                                  sliced, invariant, init, op.getReverse());
    rewriter.modifyOpInPlace(op, [&] { body.eraseArguments(drop); });
    smaller.getBody().takeBody(op.getBody());
    for (auto [old, result] : llvm::zip(stacked, smaller.getStacked()))
      rewriter.replaceAllUsesWith(old, result);
    for (auto [old, result] : llvm::zip(finals, smaller.getFinals()))
      rewriter.replaceAllUsesWith(old, result);
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void MapOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropInputs<MapOp>, DropCopies, DropMapResults>(context);
}

void FoldOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropInputs<FoldOp>>(context);
}

void ScanOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<ShrinkScan>(context);
}

} // namespace snn::core
