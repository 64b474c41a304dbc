// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a reverse scan takes from the forward one is kept for all steps. A body of the reverse scan begins with what it
// computes of the forward step again; kept is what costs least on the way from there to the gradients.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Passes.h"
#include "compiler/Schedule/VertexCut.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_CUTRESIDUALS
#include "compiler/Schedule/Passes.h.inc"

using namespace core;

namespace {

/// The bits of an array of one step and sample.
int64_t bitsOf(ArrayRef<int64_t> shape, Type element) {
  int64_t bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
  for (int64_t extent : shape)
    bits *= std::max<int64_t>(extent, 1);
  return bits;
}

bool isConstant(Value scalar) { return scalar.getDefiningOp() && matchPattern(scalar, m_Constant()); }

AffineMap identityOf(MapOp map) {
  return AffineMap::getMultiDimIdentityMap(map.getDomain().size(), map.getContext());
}

/// A forward scan and the reverse one that reads what it has stacked.
class ScanPair {
public:
  /// What users at `backward` and behind it read stays alive anyway.
  ScanPair(ScanOp forward, ScanOp reverse, Operation *backward)
      : forward(forward), reverse(reverse), backward(backward) {}

  void run() {
    for (auto map : llvm::to_vector(reverse.getBody().front().getOps<MapOp>()))
      if (!map.getAbsent())
        cut(map);
  }
  ScanOp getForward() { return forward; }

private:
  /// What an argument of the reverse body is in the forward body; null if it is nothing there.
  Value forwardValue(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument || argument.getOwner() != &reverse.getBody().front())
      return {};
    const unsigned sliced = reverse.getSliced().size(), number = argument.getArgNumber();
    if (number >= sliced + reverse.getInvariant().size())
      return {};
    Value operand = reverse->getOperand(number);
    if (number >= sliced) {
      for (auto [given, inside] : llvm::zip_equal(forward.getInvariant(), forward.getInvariantArgs()))
        if (given == operand)
          return inside;
      return {};
    }
    for (auto [given, inside] : llvm::zip_equal(forward.getSliced(), forward.getSlicedArgs()))
      if (given == operand)
        return inside;
    for (auto [result, inside] : llvm::zip_equal(forward.getStacked(), forward.getYield().getStacked()))
      if (result == operand)
        return inside;
    return {};
  }

  /// What it costs to keep what the reverse body has as `argument`, of which `map` is one reader: nothing if it is kept
  /// for others.
  int64_t costOf(BlockArgument argument, MapOp map) {
    Value operand = reverse->getOperand(argument.getArgNumber());
    auto isOther = [&](Operation *user) {
      return user != reverse && !user->hasTrait<OpTrait::IsTerminator>() && !user->isBeforeInBlock(backward);
    };
    auto type = cast<ArrayType>(operand.getType());
    const bool isKept = llvm::any_of(argument.getUsers(), [&](Operation *user) { return user != map; }) ||
                        llvm::any_of(operand.getUsers(), isOther) ||
                        (isa<BlockArgument>(operand) && type.timeDim() >= 0) || type.sampleDim() < 0;
    return isKept ? 0 : bitsOf(type.getShape(), type.getElementType()) * (type.timeDim() >= 0 ? kSteps : 1);
  }

  /// The same of what the map's body computes: a real or a spike. Other types are not for arrays.
  static int64_t costOf(Type scalar, MapOp map) {
    const bool canKeep = isa<FloatType>(scalar) || scalar.isInteger(1);
    return canKeep ? bitsOf(map.getDomain(), scalar) * kSteps : VertexCut::kUnbounded;
  }

  /// Scalars of the map's body that are made of the forward step alone, in the order of the text.
  llvm::SetVector<Value> forwardScalars(MapOp map) {
    llvm::SetVector<Value> scalars;
    Block &body = map.getBody().front();
    for (auto [input, argument] : llvm::zip_equal(map.getInputs(), body.getArguments()))
      if (forwardValue(input))
        scalars.insert(argument);
    for (Operation &op : body.without_terminator()) {
      const bool isPlain = op.getNumResults() == 1 && op.getNumRegions() == 0 && !isa<IndexOp, RandomOp>(op);
      auto isForward = [&](Value operand) { return scalars.contains(operand) || isConstant(operand); };
      if (isPlain && !isConstant(op.getResult(0)) && llvm::all_of(op.getOperands(), isForward))
        scalars.insert(op.getResult(0));
    }
    return scalars;
  }

  void cut(MapOp map) {
    llvm::SetVector<Value> scalars = forwardScalars(map);
    VertexCut graph;
    int64_t before = 0, after = 0;
    SmallVector<int64_t> costs;
    for (auto [number, scalar] : llvm::enumerate(scalars)) {
      auto argument = dyn_cast<BlockArgument>(scalar);
      costs.push_back(argument ? costOf(cast<BlockArgument>(map.getInputs()[argument.getArgNumber()]), map)
                               : costOf(scalar.getType(), map));
      graph.addNode(costs.back());
      if (argument) {
        graph.markSource(number);
        before += costs.back();
      } else {
        for (Value operand : scalar.getDefiningOp()->getOperands())
          if (scalars.contains(operand))
            graph.addEdge(llvm::find(scalars, operand) - scalars.begin(), number);
      }
      if (llvm::any_of(scalar.getUsers(), [&](Operation *user) {
            return user->hasTrait<OpTrait::IsTerminator>() || !scalars.contains(user->getResult(0));
          }))
        graph.markSink(number);
    }
    SmallVector<Value> kept;
    for (unsigned number : graph.solve()) {
      after += costs[number];
      if (!isa<BlockArgument>(scalars[number]))
        kept.push_back(scalars[number]);
    }
    if (kept.empty())
      return;
    if (auto remark = remarks::chosen(forward, remarks::kMemory, "residuals"))
      remark << remark::add("of a step {0} kept for the reverse scan", counted(kept.size()))
             << remarks::because("what it is made of takes more")
             << remark::metric("bits of a sample and step", after / kSteps)
             << remark::metric("bits of what it is made of", before / kSteps);
    for (Value scalar : kept)
      keep(map, scalar);
  }

  static std::string counted(size_t number) {
    return remarks::counted(number, "value") + (number == 1 ? " is" : " are");
  }

  /// The map reads the scalar, which the forward scan stacks.
  void keep(MapOp map, Value scalar) {
    Value stacked = stack(inForward(map, scalar));
    const unsigned position = reverse.getSliced().size();
    reverse.getSlicedMutable().append(stacked);
    Value slice = reverse.getBody().front().insertArgument(
        position, cast<ArrayType>(stacked.getType()).atOneStep(), scalar.getLoc());
    map.getInputsMutable().append(slice);
    SmallVector<AffineMap> reads = map.getReadMaps();
    reads.push_back(identityOf(map));
    map.setReadsAttr(Builder(map.getContext()).getAffineMapArrayAttr(reads));
    scalar.replaceAllUsesWith(map.getBody().addArgument(scalar.getType(), scalar.getLoc()));
  }

  /// What the forward scan has stacked of a value of its body.
  Value stack(Value value) {
    for (auto [result, yielded] : llvm::zip_equal(forward.getStacked(), forward.getYield().getStacked()))
      if (yielded == value)
        return result;
    const unsigned before = forward.getStacked().size();
    SmallVector<Type> types(forward.getStacked().getTypes());
    types.push_back(cast<ArrayType>(value.getType()).overTime());
    llvm::append_range(types, forward.getFinals().getTypes());
    forward.getYield().getStackedMutable().append(value);
    ++forward.getProperties().resultSegmentSizes[0];
    auto larger = cast<ScanOp>(withResultTypes(forward, types));
    for (OpResult old : forward->getResults())
      old.replaceAllUsesWith(larger->getResult(old.getResultNumber() + (old.getResultNumber() >= before)));
    forward.erase();
    forward = larger;
    return forward.getStacked()[before];
  }

  /// The array of the forward body whose elements are the scalars of `map`: a result of the map there that reads all
  /// that the scalar is made of, which mostly computes it, or of a new one.
  Value inForward(MapOp map, Value scalar) {
    llvm::SetVector<Value> leaves;
    collectLeaves(scalar, leaves);
    for (auto host : forward.getBody().front().getOps<MapOp>()) {
      IRMapping known;
      if (!host.getAbsent() && host.getDomain() == map.getDomain() && findLeaves(host, map, leaves, known))
        return resultOf(host, scalar, known);
    }
    SmallVector<Value> inputs;
    SmallVector<AffineMap> reads;
    for (Value leaf : leaves) {
      const unsigned number = cast<BlockArgument>(leaf).getArgNumber();
      inputs.push_back(forwardValue(map.getInputs()[number]));
      reads.push_back(map.getReadMaps()[number]);
    }
    OpBuilder builder(forward.getYield());
    auto made = MapOp::create(builder, map.getLoc(), TypeRange(arrayType(map, scalar)), inputs, map.getDomain(), reads,
                              ArrayRef<AffineMap>{identityOf(map)}, ArrayAttr(),
                              [&](ImplicitLocOpBuilder &b, ValueRange arguments) {
                                IRMapping known;
                                known.map(leaves.getArrayRef(), arguments);
                                return SmallVector<Value>{make(scalar, *b.getInsertionBlock(), b, known)};
                              });
    return made.getResult(0);
  }

  static ArrayType arrayType(MapOp map, Value scalar) {
    return ArrayType::get(map.getContext(), map.getDomain(), scalar.getType());
  }

  static void collectLeaves(Value scalar, llvm::SetVector<Value> &leaves) {
    if (isa<BlockArgument>(scalar))
      leaves.insert(scalar);
    else
      for (Value operand : scalar.getDefiningOp()->getOperands())
        collectLeaves(operand, leaves);
  }

  /// Whether `host`, of the forward body, reads what the leaves of the map's body stand for; as which arguments.
  bool findLeaves(MapOp host, MapOp map, const llvm::SetVector<Value> &leaves, IRMapping &known) {
    for (Value leaf : leaves) {
      const unsigned number = cast<BlockArgument>(leaf).getArgNumber();
      Value wanted = forwardValue(map.getInputs()[number]);
      for (auto [input, read, argument] :
           llvm::zip_equal(host.getInputs(), host.getReadMaps(), host.getBody().front().getArguments()))
        if (input == wanted && read == map.getReadMaps()[number])
          known.map(leaf, argument);
      if (!known.contains(leaf))
        return false;
    }
    return true;
  }

  /// The scalar of another body, with `known` in place of its arguments: an op of `body` that gives it, or a new one.
  static Value make(Value scalar, Block &body, OpBuilder &builder, IRMapping &known) {
    if (Value made = known.lookupOrNull(scalar))
      return made;
    Operation *op = scalar.getDefiningOp();
    for (Value operand : op->getOperands())
      make(operand, body, builder, known);
    for (Operation &other : body)
      if (other.getName() == op->getName() && other.getAttrs() == op->getAttrs() &&
          other.getResultTypes() == op->getResultTypes() &&
          llvm::equal(other.getOperands(), llvm::map_range(op->getOperands(), [&](Value operand) {
                        return known.lookup(operand);
                      }))) {
        known.map(scalar, other.getResult(0));
        return other.getResult(0);
      }
    return builder.clone(*op, known)->getResult(0);
  }

  static Value resultOf(MapOp host, Value scalar, IRMapping &known) {
    auto yield = cast<YieldOp>(host.getBody().front().getTerminator());
    OpBuilder builder(yield);
    Value made = make(scalar, host.getBody().front(), builder, known);
    ArrayType type = arrayType(host, scalar);
    for (auto [result, value, write] : llvm::zip_equal(host.getOutputs(), yield.getValues(), host.getWriteMaps()))
      if (value == made && result.getType() == type && write.isIdentity())
        return result;
    yield.getValuesMutable().append(made);
    SmallVector<AffineMap> writes = host.getWriteMaps();
    writes.push_back(identityOf(host));
    host.setWritesAttr(builder.getAffineMapArrayAttr(writes));
    SmallVector<Type> types(host.getOutputs().getTypes());
    types.push_back(type);
    auto larger = cast<MapOp>(withResultTypes(host, types));
    for (auto [old, result] : llvm::zip(host.getOutputs(), larger.getOutputs()))
      old.replaceAllUsesWith(result);
    host.erase();
    return larger.getOutputs().back();
  }

  /// What a value of each step costs, for one without time: a run has many steps, but how many may not be known.
  static constexpr int64_t kSteps = 16;

  ScanOp forward, reverse;
  Operation *backward;
};

/// The scans of the other direction whose stacked values `scan` reads.
llvm::SetVector<ScanOp> partnersOf(ScanOp scan) {
  llvm::SetVector<ScanOp> partners;
  for (Value operand : scan.getSliced())
    if (auto other = operand.getDefiningOp<ScanOp>();
        other && other->getBlock() == scan->getBlock() && other.getReverse() != scan.getReverse())
      partners.insert(other);
  return partners;
}

class CutResiduals : public impl::CutResidualsBase<CutResiduals> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    Operation *backward = nullptr;
    for (auto scan : llvm::to_vector(function.getBody().front().getOps<ScanOp>()))
      for (ScanOp partner : partnersOf(scan)) {
        // Scans before this one have none, so their partners, which may have been replaced, are not met again.
        backward = backward ? backward : scan.getOperation();
        ScanPair(partner, scan, backward).run();
      }
    if (!backward)
      return;
    RewritePatternSet patterns(&getContext());
    MapOp::getCanonicalizationPatterns(patterns, &getContext());
    ScanOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(function, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace snn
