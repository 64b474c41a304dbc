// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What makes ops smaller without changing a number: inputs, results and carries that nobody uses, or that stand twice,
// what a scan computes at each step although it is the same, and sums of one term.

#include "dialect/core/CoreDialect.h"
#include "dialect/core/Maps.h"
#include "mlir/IR/IRMapping.h"
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

llvm::BitVector unusedOf(ResultRange results) {
  llvm::BitVector unused(results.size());
  for (auto [index, result] : llvm::enumerate(results))
    if (result.use_empty())
      unused.set(index);
  return unused;
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
    auto yield = cast<YieldOp>(op.getBody().front().getTerminator());
    if (op.use_empty())
      return failure(); // goes as a whole
    for (unsigned index = 0; index < op.getOutputs().size(); ++index)
      for (unsigned other = 0; other < index; ++other)
        if (yield.getValues()[other] == yield.getValues()[index] && op.getWrites()[other] == op.getWrites()[index] &&
            op.getOutputs()[other].getType() == op.getOutputs()[index].getType())
          rewriter.replaceAllUsesWith(op.getOutputs()[index], op.getOutputs()[other]);
    llvm::BitVector unused = unusedOf(op.getOutputs());
    if (unused.none())
      return failure();
    rewriter.modifyOpInPlace(yield, [&] { yield->eraseOperands(unused); });
    for (unsigned index = unused.size(); index-- > 0;)
      if (unused.test(index))
        op.setWritesAttr(without(op.getWritesAttr(), index));
    rewriter.eraseOpResults(op, unused);
    return success();
  }
};

/// Whatever goes in or comes out of a scan without being used, or twice.
struct ShrinkScan : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;

  /// Leaves the second of two equal values without users.
  static void mergeEqual(ScanOp op, PatternRewriter &rewriter) {
    StepOp step = op.getYield();
    unsigned firstInvariant = op.getSliced().size(), firstCarry = firstInvariant + op.getInvariant().size();
    auto arguments = op.getBody().getArguments();
    for (unsigned index = 0; index < firstCarry; ++index)
      for (unsigned other = index < firstInvariant ? 0 : firstInvariant; other < index; ++other)
        if (op->getOperand(other) == op->getOperand(index))
          rewriter.replaceAllUsesWith(arguments[index], arguments[other]);
    for (unsigned index = 0; index < op.getInit().size(); ++index)
      for (unsigned other = 0; other < index; ++other)
        if (op.getInit()[other] == op.getInit()[index] && step.getNext()[other] == step.getNext()[index]) {
          rewriter.replaceAllUsesWith(op.getCarryArgs()[index], op.getCarryArgs()[other]);
          rewriter.replaceAllUsesWith(op.getFinals()[index], op.getFinals()[other]);
        }
    for (unsigned index = 0; index < op.getStacked().size(); ++index)
      for (unsigned other = 0; other < index; ++other)
        if (step.getStacked()[other] == step.getStacked()[index])
          rewriter.replaceAllUsesWith(op.getStacked()[index], op.getStacked()[other]);
  }

  /// The values of the body that a result depends on, through any number of steps.
  static llvm::DenseSet<Value> liveValues(ScanOp op) {
    StepOp step = op.getYield();
    SmallVector<Value> pending;
    for (auto [result, value] : llvm::zip(op.getStacked(), step.getStacked()))
      if (!result.use_empty())
        pending.push_back(value);
    for (auto [final, value] : llvm::zip(op.getFinals(), step.getNext()))
      if (!final.use_empty())
        pending.push_back(value);
    llvm::DenseSet<Value> live;
    unsigned firstCarry = op.getSliced().size() + op.getInvariant().size();
    while (!pending.empty()) {
      Value value = pending.pop_back_val();
      if (!live.insert(value).second)
        continue;
      if (Operation *definition = value.getDefiningOp())
        llvm::append_range(pending, definition->getOperands());
      else if (unsigned number = cast<BlockArgument>(value).getArgNumber(); number >= firstCarry)
        pending.push_back(step.getNext()[number - firstCarry]);
    }
    return live;
  }

  LogicalResult matchAndRewrite(ScanOp op, PatternRewriter &rewriter) const override {
    if (op.use_empty())
      return failure();
    mergeEqual(op, rewriter);
    Block &body = op.getBody().front();
    StepOp step = op.getYield();
    llvm::DenseSet<Value> live = liveValues(op);
    llvm::BitVector drop(op.getNumOperands()), dropCarry(op.getInit().size()), dropStacked = unusedOf(op.getStacked());
    unsigned firstInvariant = op.getSliced().size(), firstCarry = firstInvariant + op.getInvariant().size();
    for (BlockArgument argument : body.getArguments()) {
      unsigned index = argument.getArgNumber();
      bool isCarry = index >= firstCarry;
      if (live.contains(argument) || (isCarry && !op.getFinals()[index - firstCarry].use_empty()))
        continue;
      drop.set(index);
      if (isCarry)
        dropCarry.set(index - firstCarry);
    }
    if (drop.none() && dropStacked.none())
      return failure();

    auto erase = [](MutableOperandRange operands, const llvm::BitVector &dropped, unsigned offset = 0) {
      for (unsigned index = operands.size(); index-- > 0;)
        if (dropped.test(offset + index))
          operands.erase(index);
    };
    rewriter.modifyOpInPlace(step, [&] {
      erase(step.getNextMutable(), dropCarry);
      erase(step.getStackedMutable(), dropStacked);
    });
    SmallVector<Operation *> operations = llvm::to_vector(llvm::make_pointer_range(body.without_terminator()));
    for (Operation *inner : llvm::reverse(operations))
      if (inner->use_empty())
        rewriter.eraseOp(inner); // nothing in a body has an effect
    rewriter.modifyOpInPlace(op, [&] {
      erase(op.getInitMutable(), drop, firstCarry);
      erase(op.getInvariantMutable(), drop, firstInvariant);
      erase(op.getSlicedMutable(), drop);
      body.eraseArguments(drop);
      op.getProperties().resultSegmentSizes = {int32_t(dropStacked.size() - dropStacked.count()),
                                               int32_t(dropCarry.size() - dropCarry.count())};
    });
    llvm::BitVector results = dropStacked;
    for (unsigned index = 0; index < dropCarry.size(); ++index)
      results.push_back(dropCarry.test(index));
    rewriter.eraseOpResults(op, results);
    return success();
  }
};

/// What is the same at each step is computed once, before the scan: a clamped decay, say, whose gradient is then one
/// sum outside of the reverse scan. Not what would be a value for each sample only then, nor a constant.
struct HoistInvariants : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ScanOp op, PatternRewriter &rewriter) const override {
    for (Operation &inner : op.getBody().front().without_terminator())
      if (isInvariant(&inner, op)) {
        hoist(&inner, op, rewriter);
        return success();
      }
    return failure();
  }

  static bool isInvariant(Operation *inner, ScanOp op) {
    auto hasSamples = [](Type type) {
      auto array = dyn_cast<ArrayType>(type);
      return array && array.sampleDim() >= 0;
    };
    if (!isa<IndexedOpInterface>(inner) || inner->getNumOperands() == 0 ||
        !llvm::all_of(inner->getOperands(),
                      [&](Value operand) { return llvm::is_contained(op.getInvariantArgs(), operand); }))
      return false;
    if (llvm::any_of(inner->getResultTypes(), hasSamples) && llvm::none_of(inner->getOperandTypes(), hasSamples))
      return false;
    return !inner
                ->walk([](Operation *scalar) {
                  auto index = dyn_cast<IndexOp>(scalar);
                  auto random = dyn_cast<RandomOp>(scalar);
                  bool knowsTime =
                      (index && int64_t(index.getDim()) == ArrayType::kTime) || (random && !random.getPerSample());
                  return knowsTime ? WalkResult::interrupt() : WalkResult::advance();
                })
                .wasInterrupted();
  }

  static void hoist(Operation *inner, ScanOp op, PatternRewriter &rewriter) {
    IRMapping outside;
    outside.map(op.getInvariantArgs(), op.getInvariant());
    Operation *before = rewriter.clone(*inner, outside);
    Block &body = op.getBody().front();
    rewriter.modifyOpInPlace(op, [&] {
      for (auto [result, value] : llvm::zip(inner->getResults(), before->getResults())) {
        unsigned position = op.getSliced().size() + op.getInvariant().size();
        op.getInvariantMutable().append(value);
        rewriter.replaceAllUsesWith(result, body.insertArgument(position, value.getType(), value.getLoc()));
      }
    });
    rewriter.eraseOp(inner);
  }
};

/// A sum of one term each: the term itself, but that a sum is never -0. Such are the counts of neurons by class where
/// each class has one.
struct SumOfOne : OpRewritePattern<FoldOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(FoldOp op, PatternRewriter &rewriter) const override {
    ArrayRef<int64_t> along = op.getAlong(), all = op.getDomain();
    if (op.getKind() != FoldKind::Add || llvm::any_of(along, [&](int64_t dim) { return all[dim] != 1; }))
      return failure();
    for (unsigned index = 0; index < op.getInputs().size(); ++index)
      if (!isAlwaysInside(op, index))
        return failure();
    // Those count points of the domain, which becomes another one.
    auto counts = [](Operation *inner) {
      return isa<IndexOp, RandomOp>(inner) ? WalkResult::interrupt() : WalkResult::advance();
    };
    if (op.getBody().walk(counts).wasInterrupted())
      return failure();

    SmallVector<int64_t> domain;
    SmallVector<AffineExpr> dims;
    for (auto [dim, extent] : llvm::enumerate(all)) {
      const bool goes = llvm::is_contained(along, int64_t(dim));
      dims.push_back(goes ? getAffineConstantExpr(0, getContext()) : getAffineDimExpr(domain.size(), getContext()));
      if (!goes)
        domain.push_back(extent);
    }
    auto without = [&](AffineMap access) { return access.replaceDimsAndSymbols(dims, {}, domain.size(), 0); };
    SmallVector<AffineMap> reads;
    for (AffineMap read : op.getReadMaps())
      reads.push_back(without(read));
    auto term = [&](ImplicitLocOpBuilder &b, ValueRange arguments) {
      SmallVector<Value> terms = cloneBody(b, op.getBody().front(), arguments);
      if (!terms.front().getDefiningOp<arith::UIToFPOp>()) {
        Type real = terms.front().getType();
        Value zero = arith::ConstantOp::create(b, b.getFloatAttr(real, 0));
        terms.front() = arith::AddFOp::create(b, terms.front(), zero);
      }
      return terms;
    };
    auto map = MapOp::create(rewriter, op.getLoc(), TypeRange(op.getValue().getType()), op.getInputs(), domain, reads,
                             ArrayRef<AffineMap>{without(op.getWriteMaps()[0])}, ArrayAttr(), term);
    map->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    rewriter.replaceOp(op, map);
    return success();
  }
};

} // namespace

void MapOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropInputs<MapOp>, DropCopies, DropMapResults>(context);
}

void FoldOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropInputs<FoldOp>, SumOfOne>(context);
}

void ScanOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<ShrinkScan, HoistInvariants>(context);
}

} // namespace snn::core
