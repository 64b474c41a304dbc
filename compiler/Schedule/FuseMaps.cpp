// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Maps move into the ops that read them: the values in between need no memory.

#include "compiler/Schedule/FuseMaps.h"
#include "compiler/Schedule/Passes.h"

#include "compiler/Remarks/Remarks.h"
#include "dialect/core/Maps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_FUSEMAPS
#include "compiler/Schedule/Passes.h.inc"

namespace {

using namespace core;

bool isReadOnlyBy(Operation *producer, Operation *user) {
  return llvm::all_of(producer->getUsers(), [&](Operation *other) { return other == user; });
}

/// Whether the body depends on where its point is, otherwise than through what it reads.
bool knowsItsPlace(MapOp map) {
  return map.getBody()
      .walk([](Operation *op) { return isa<IndexOp, RandomOp>(op) ? WalkResult::interrupt() : WalkResult::advance(); })
      .wasInterrupted();
}

/// One number everywhere.
bool isConstant(MapOp map) { return map.getInputs().empty() && !knowsItsPlace(map); }

/// How often each pattern was used.
struct Moved {
  unsigned intoMaps = 0, intoFolds = 0, intoScans = 0, outOfTime = 0;
};

template <typename OpTy> struct CountingPattern : OpRewritePattern<OpTy> {
  CountingPattern(MLIRContext *context, Moved &moved) : OpRewritePattern<OpTy>(context), moved(moved) {}

  Moved &moved;
};

/// A map that a map or fold reads becomes part of its body. Not if it would be computed more often than before (a
/// number per channel at each pixel), except for constants.
template <typename OpTy> struct FuseProducer : CountingPattern<OpTy> {
  using CountingPattern<OpTy>::CountingPattern;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    for (auto [index, input] : llvm::enumerate(op.getInputs())) {
      auto producer = input.template getDefiningOp<MapOp>();
      AffineMap read = cast<AffineMapAttr>(op.getReads()[index]).getValue();
      if (!producer || producer->getBlock() != op->getBlock() || !canFuse(op, producer, cast<OpResult>(input), read))
        continue;
      rewriter.modifyOpInPlace(op, [&] { fuse(op, index, producer, cast<OpResult>(input), producer.getInputs()); });
      if (producer->use_empty())
        rewriter.eraseOp(producer); // so that those whom it read have one reader less
      ++(isa<MapOp>(op) ? this->moved.intoMaps : this->moved.intoFolds);
      return success();
    }
    return failure();
  }

  static bool canFuse(OpTy op, MapOp producer, OpResult value, AffineMap read) {
    if (!hasAllThatIsRead(op, producer, value, read))
      return false;
    if (isConstant(producer))
      return true;
    return !knowsItsPlace(producer) && readsOnce(read, op.getDomain()) && isReadOnlyBy(producer, op) &&
           isReadByOneMap(op, producer, read);
  }

  /// Whether the map has a number wherever the op reads one.
  static bool hasAllThatIsRead(OpTy op, MapOp producer, OpResult value, AffineMap read) {
    // A fold has no term where an input is absent, the map had a number there.
    return writesAll(producer.getWriteMaps()[value.getResultNumber()], producer.getDomain(),
                     cast<ArrayType>(value.getType()).getShape()) &&
           isInside(read, op.getDomain(), cast<ArrayType>(value.getType()).getShape()) &&
           !(isa<FoldOp>(op) && producer.getAbsent());
  }

  /// Whether no two points read the same element: as by windows that do not overlap.
  static bool readsOnce(AffineMap read, ArrayRef<int64_t> domain) {
    for (auto [dim, extent] : llvm::enumerate(domain))
      if (extent != 1 && llvm::count_if(read.getResults(), [dim = dim](AffineExpr position) {
                           return position.isFunctionOfDim(dim);
                         }) != 1)
        return false;
    return llvm::none_of(read.getResults(), [&](AffineExpr position) { return isWindow(position, domain); });
  }

  /// Several maps would compute each value as many times.
  static bool isReadByOneMap(OpTy op, MapOp producer, AffineMap read) {
    return llvm::all_of(llvm::zip(op.getInputs(), op.getReadMaps()), [&](auto pair) {
      auto [input, other] = pair;
      return input.getDefiningOp() != producer || other == read;
    });
  }

  /// The body of `producer`, which reads `inputs`, moves to where its result would be read.
  static void fuse(OpTy op, unsigned index, MapOp producer, OpResult value, ValueRange inputs) {
    Builder attributes(op.getContext());
    AffineMap read = op.getReadMaps()[index];
    SmallVector<Attribute> reads(op.getReads().getValue());
    SmallVector<Attribute> absent;
    if constexpr (std::is_same_v<OpTy, MapOp>) {
      if (op.getAbsent())
        absent.append(op.getAbsent()->begin(), op.getAbsent()->end());
      else if (producer.getAbsent())
        absent.assign(reads.size(), attributes.getUnitAttr());
    }
    Block &body = op.getBody().front(), &source = producer.getBody().front();
    SmallVector<Value> arguments;
    unsigned next = reads.size();
    for (auto [number, input, argument] : llvm::enumerate(inputs, source.getArguments())) {
      op->insertOperands(next++, input);
      reads.push_back(AffineMapAttr::get(producer.getReadMaps()[number].compose(read)));
      if (!absent.empty())
        absent.push_back(producer.getAbsent() ? (*producer.getAbsent())[number] : Attribute(attributes.getUnitAttr()));
      arguments.push_back(body.addArgument(argument.getType(), argument.getLoc()));
    }
    OpBuilder builder = OpBuilder::atBlockBegin(&body);
    body.getArgument(index).replaceAllUsesWith(cloneBody(builder, source, arguments)[value.getResultNumber()]);
    body.eraseArgument(index);
    op->eraseOperand(index);
    reads.erase(reads.begin() + index);
    op.setReadsAttr(attributes.getArrayAttr(reads));
    if constexpr (std::is_same_v<OpTy, MapOp>)
      if (!absent.empty()) {
        absent.erase(absent.begin() + index);
        op.setAbsentAttr(attributes.getArrayAttr(absent));
      }
  }
};

/// A map whose values scans alone read, step by step, is computed in their steps: the currents of a layer, say, to
/// which a bias is added. Several scans (forward and reverse) may compute it if that is cheaper than to keep it.
struct SinkIntoScan : CountingPattern<ScanOp> {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(ScanOp op, PatternRewriter &rewriter) const override {
    for (auto [index, operand] : llvm::enumerate(op.getSliced())) {
      auto map = operand.getDefiningOp<MapOp>();
      if (map && map->getBlock() == op->getBlock() && canSink(map, op)) {
        sink(op, index, map, rewriter);
        ++moved.intoScans;
        return success();
      }
    }
    return failure();
  }

  static constexpr int kCheap = 4; ///< ops of a body

  static bool isReadByScans(MapOp map, ScanOp op) {
    int size = llvm::range_size(map.getBody().front().without_terminator());
    return llvm::all_of(map->getUses(), [&](OpOperand &use) {
      auto scan = dyn_cast<ScanOp>(use.getOwner());
      return scan && use.getOperandNumber() < scan.getSliced().size() && (scan == op || size <= kCheap);
    });
  }

  static bool canSink(MapOp map, ScanOp op) {
    if (map.getOutputs().size() != 1 || map.getAbsent() || knowsItsPlace(map) || !map.getWriteMaps()[0].isIdentity() ||
        !writesAll(map.getWriteMaps()[0], map.getDomain(), cast<ArrayType>(map.getOutputs()[0].getType()).getShape()) ||
        !isReadByScans(map, op) || map.getDomain().empty() || map.getDomain().front() != ArrayType::kTime)
      return false;
    // Each input gives its slice of the step, or has no time. A scan runs lane by lane as long as what changes from
    // step to step is read at the lane's own element.
    for (auto [input, read] : llvm::zip(map.getInputs(), map.getReadMaps())) {
      auto type = cast<ArrayType>(input.getType());
      if (type.timeDim() >= 0 && (type.timeDim() != 0 || !read.isIdentity() || type.getShape() != map.getDomain()))
        return false;
    }
    return true;
  }

  static void sink(ScanOp op, unsigned index, MapOp map, PatternRewriter &rewriter) {
    MLIRContext *context = op.getContext();
    SmallVector<Value> values;
    SmallVector<AffineMap> reads;
    Block &body = op.getBody().front();
    auto type = cast<ArrayType>(map.getOutputs()[0].getType()).atOneStep();
    AffineMap identity = AffineMap::getMultiDimIdentityMap(type.getRank(), context);
    rewriter.modifyOpInPlace(op, [&] {
      // New arguments go to the end of their group; dims lose time, which comes first.
      for (auto [input, read] : llvm::zip(map.getInputs(), map.getReadMaps())) {
        auto type = cast<ArrayType>(input.getType());
        bool overTime = type.timeDim() == 0;
        unsigned position = op.getSliced().size() + (overTime ? 0 : op.getInvariant().size());
        (overTime ? op.getSlicedMutable() : op.getInvariantMutable()).append(input);
        values.push_back(body.insertArgument(position, overTime ? type.atOneStep() : type, input.getLoc()));
        SmallVector<AffineExpr> results(read.getResults().drop_front(overTime));
        SmallVector<AffineExpr> dims{getAffineConstantExpr(0, context)};
        for (unsigned dim = 0; dim + 1 < read.getNumDims(); ++dim)
          dims.push_back(getAffineDimExpr(dim, context));
        for (AffineExpr &result : results)
          result = result.replaceDims(dims);
        reads.push_back(AffineMap::get(read.getNumDims() - 1, 0, results, context));
      }
      OpBuilder builder = OpBuilder::atBlockBegin(&body);
      auto atStep =
          MapOp::create(builder, map.getLoc(), TypeRange(type), values, type.getShape(), reads,
                        ArrayRef<AffineMap>{identity}, ArrayAttr(), [&](ImplicitLocOpBuilder &b, ValueRange arguments) {
                          return cloneBody(b, map.getBody().front(), arguments);
                        });
      rewriter.replaceAllUsesWith(body.getArgument(index), atStep.getResult(0));
      body.eraseArgument(index);
      op.getSlicedMutable().erase(index);
    });
    if (map->use_empty())
      rewriter.eraseOp(map);
  }
};

/// A map whose values are copied into a wider array, as rows of whole vectors for a kernel, writes them there: who else
/// reads them finds them in the same places.
struct WriteWider : CountingPattern<MapOp> {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(MapOp copy, PatternRewriter &rewriter) const override {
    if (!copy.onlyMoves() || !copy.getReadMaps()[0].isIdentity() || !copy.getWriteMaps()[0].isIdentity())
      return failure();
    Value narrow = copy.getInputs()[0], wide = copy.getOutputs()[0];
    auto producer = narrow.getDefiningOp<MapOp>();
    auto type = cast<ArrayType>(narrow.getType());
    if (!producer || producer->getBlock() != copy->getBlock() || copy.getDomain() != type.getShape() ||
        type == wide.getType() || !writesInside(producer, cast<OpResult>(narrow)) ||
        !llvm::all_of(narrow.getUses(), [&](OpOperand &use) {
          return use.getOwner()->getBlock() == copy->getBlock() && readsInside(use, type.getShape());
        }))
      return failure();
    rewriter.modifyOpInPlace(producer, [&] { narrow.setType(wide.getType()); });
    rewriter.replaceOp(copy, narrow);
    ++moved.intoMaps;
    return success();
  }

  /// What is written beside an array is nowhere, and must not come to lie in the wider one.
  static bool writesInside(MapOp producer, OpResult result) {
    return isInside(producer.getWriteMaps()[result.getResultNumber()], producer.getDomain(),
                    cast<ArrayType>(result.getType()).getShape());
  }

  /// By a map of indices, none of which is outside: what such a read gives must not become what is beside the array.
  static bool readsInside(OpOperand &use, ArrayRef<int64_t> shape) {
    auto op = dyn_cast<IndexedOpInterface>(use.getOwner());
    return op && isInside(op.getReadMaps()[use.getOperandNumber()], op.getDomain(), shape);
  }
};

/// A map that gives the same at each step is computed once, and its readers take that: the gradient of a count of
/// spikes, say. Contracts keep it, as their kernels want the same rows of all factors.
struct LeaveTime : CountingPattern<MapOp> {
  using CountingPattern::CountingPattern;

  LogicalResult matchAndRewrite(MapOp map, PatternRewriter &rewriter) const override {
    if (map.getOutputs().size() != 1 || knowsItsPlace(map) || map->use_empty())
      return failure();
    Value output = map.getOutputs()[0];
    auto type = cast<ArrayType>(output.getType());
    const auto *found = llvm::find(map.getDomain(), ArrayType::kTime);
    if (type.timeDim() < 0 || found == map.getDomain().end())
      return failure();
    const unsigned time = found - map.getDomain().begin();
    if (map.getWriteMaps()[0].getResult(type.timeDim()) != getAffineDimExpr(time, getContext()))
      return failure(); // some steps have nothing
    const bool varies = llvm::any_of(map.getReadMaps(), [&](AffineMap read) { return read.isFunctionOfDim(time); });
    if (varies || !llvm::all_of(map->getUses(), takesOneForAll))
      return failure();

    SmallVector<int64_t> domain(map.getDomain());
    domain.erase(domain.begin() + time);
    // Dims behind time move up.
    auto without = [&](AffineMap access, int dropped) {
      SmallVector<AffineExpr> dims, results(access.getResults());
      for (unsigned dim = 0; dim < access.getNumDims(); ++dim)
        dims.push_back(getAffineDimExpr(dim - (dim > time), getContext()));
      if (dropped >= 0)
        results.erase(results.begin() + dropped);
      for (AffineExpr &result : results)
        result = result.replaceDims(dims);
      return AffineMap::get(access.getNumDims() - 1, 0, results, getContext());
    };
    SmallVector<AffineMap> reads;
    for (AffineMap read : map.getReadMaps())
      reads.push_back(without(read, -1));
    auto once = MapOp::create(
        rewriter, map.getLoc(), TypeRange(type.atOneStep()), map.getInputs(), domain, reads,
        ArrayRef<AffineMap>{without(map.getWriteMaps()[0], type.timeDim())}, map.getAbsentAttr(),
        [&](ImplicitLocOpBuilder &b, ValueRange arguments) { return cloneBody(b, map.getBody().front(), arguments); });
    while (!map->use_empty())
      readOnce(*map->use_begin(), once.getResult(0), type.timeDim(), rewriter);
    rewriter.eraseOp(map);
    ++moved.outOfTime;
    return success();
  }

  static bool takesOneForAll(OpOperand &use) {
    if (auto scan = dyn_cast<ScanOp>(use.getOwner()))
      return use.getOperandNumber() < scan.getSliced().size();
    return isa<MapOp>(use.getOwner());
  }

  static void readOnce(OpOperand &use, Value once, unsigned time, PatternRewriter &rewriter) {
    const unsigned number = use.getOperandNumber();
    if (auto map = dyn_cast<MapOp>(use.getOwner())) {
      SmallVector<Attribute> reads(map.getReads().getValue());
      AffineMap read = cast<AffineMapAttr>(reads[number]).getValue();
      reads[number] = AffineMapAttr::get(read.dropResult(time));
      return rewriter.modifyOpInPlace(map, [&] {
        map->setOperand(number, once);
        map.setReadsAttr(rewriter.getArrayAttr(reads));
      });
    }
    auto scan = cast<ScanOp>(use.getOwner());
    Block &body = scan.getBody().front();
    rewriter.modifyOpInPlace(scan, [&] {
      // A new argument goes to the end of the invariant ones.
      BlockArgument slice = body.getArgument(number);
      const unsigned end = scan.getSliced().size() + scan.getInvariant().size();
      BlockArgument whole = body.insertArgument(end, once.getType(), slice.getLoc());
      rewriter.replaceAllUsesWith(slice, whole);
      scan.getInvariantMutable().append(once);
      body.eraseArgument(number);
      scan.getSlicedMutable().erase(number);
    });
  }
};

class FuseMaps : public impl::FuseMapsBase<FuseMaps> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    Moved moved;
    patterns.add<FuseProducer<MapOp>, FuseProducer<FoldOp>, SinkIntoScan, LeaveTime, WriteWider>(&getContext(), moved);
    MapOp::getCanonicalizationPatterns(patterns, &getContext());
    FoldOp::getCanonicalizationPatterns(patterns, &getContext());
    ScanOp::getCanonicalizationPatterns(patterns, &getContext());
    // Each rewrite leaves one read of a map less, so it ends.
    GreedyRewriteConfig config;
    config.setMaxIterations(GreedyRewriteConfig::kNoLimit);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    if (auto remark = remarks::chosen(getOperation(), remarks::kFusion, "maps")) {
      unsigned left = 0;
      getOperation().walk([&](MapOp) { ++left; });
      remark << remark::add(
          "maps are computed where they are read: {0:N} in other maps, {1:N} in folds, {2:N} in steps "
          "of scans; once for all steps: {3:N}; maps that are left: {4:N}",
          moved.intoMaps, moved.intoFolds, moved.intoScans, moved.outOfTime, left);
    }
  }
};

} // namespace

bool canFuseIntoFold(FoldOp fold, unsigned index, MapOp map, OpResult value) {
  AffineMap read = fold.getReadMaps()[index];
  return !knowsItsPlace(map) && FuseProducer<FoldOp>::hasAllThatIsRead(fold, map, value, read) &&
         FuseProducer<FoldOp>::readsOnce(read, fold.getDomain());
}

void fuseIntoFold(FoldOp fold, unsigned index, MapOp map, OpResult value, ValueRange inputs) {
  FuseProducer<FoldOp>::fuse(fold, index, map, value, inputs);
}

} // namespace snn
