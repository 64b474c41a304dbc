// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The adjoint of a scan: a scan in the other direction of time.
//
// Forward values that the reverse body needs are stacked by the forward scan and read directly. Gradients of invariants
// are no carries: a sum that a step makes for one of them (of a recurrent weight, say) moves out of the reverse scan,
// whose part in it is stacked, and sums over time as well.

#include "compiler/Autodiff/Adjoints.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace snn::core {
namespace {

class ScanReverser {
public:
  ScanReverser(ScanOp forward, OpBuilder &builder, Adjoints &outer)
      : forward(forward), builder(builder), outer(outer), loc(forward.getLoc()), inner(outer.getReal()),
        block(region.emplaceBlock()), body(forward.getContext()) {
    body.setInsertionPointToEnd(&block);
  }

  /// The reverse body is written into `block` as if it stood in the forward body. What it refers to there is known only
  /// afterwards, and becomes arguments then.
  LogicalResult run() {
    activate();
    seed();
    if (failed(inner.reverse(body, opsOf(forward.getBody().front()))))
      return failure();
    for (auto [operand, argument] : llvm::zip(forward.getSliced(), forward.getSlicedArgs()))
      if (Value gradient = inner.lookup(argument))
        slices.emplace_back(operand, stackPosition(gradient));
    SmallVector<Value> next;
    for (BlockArgument argument : carried) {
      Value gradient = inner.lookup(argument);
      next.push_back(gradient ? gradient : constantArray(body, loc, gradientType(argument.getType(), realType()), 0));
    }
    addInvariants(next);
    StepOp::create(body, loc, stacked.getArrayRef(), next);
    saveForwardValues();
    addGradients(build());
    for (Lifted &lift : lifted)
      lift.op->erase();
    return success();
  }

private:
  /// A sum of one step that moves out. It stands in no block.
  struct Lifted {
    Value operand; ///< whose gradient it is
    Operation *op;
  };
  /// Groups of operands of the reverse scan; `block` has an argument for each.
  enum Group { Sliced, Invariant, Carries };

  /// Active in the body is what depends on an active operand, through any number of steps.
  void activate() {
    for (auto [operand, argument] : llvm::zip(forward.getOperands(), forward.getBody().getArguments()))
      if (outer.isActive(operand))
        inner.setActive(argument);
    for (BlockArgument argument : forward.getInvariantArgs())
      inner.keepApart(argument);
    for (bool changed = true; changed;) {
      changed = false;
      inner.propagate(opsOf(forward.getBody().front()));
      for (auto [argument, value] : llvm::zip(forward.getCarryArgs(), forward.getYield().getNext()))
        if (inner.isActive(value) && !inner.isActive(argument)) {
          inner.setActive(argument);
          changed = true;
        }
    }
  }

  Type realType() { return outer.getReal(); }

  void seed() {
    StepOp step = forward.getYield();
    for (auto [result, value] : llvm::zip(forward.getStacked(), step.getStacked()))
      if (Value gradient = outer.lookup(result); gradient && inner.isActive(value))
        inner.add(body, value, addOperand(Sliced, gradient, cast<ArrayType>(gradient.getType()).atOneStep()));
    for (auto [argument, final, value] : llvm::zip(forward.getCarryArgs(), forward.getFinals(), step.getNext())) {
      if (!inner.isActive(argument))
        continue;
      Value gradient = outer.lookup(final);
      if (!gradient)
        gradient = constantArray(builder, loc, gradientType(final.getType(), realType()), 0);
      carried.push_back(argument);
      inner.add(body, value, addOperand(Carries, gradient, gradient.getType()));
    }
  }

  BlockArgument addOperand(Group group, Value operand, Type type) {
    unsigned position = 0;
    for (int before = Sliced; before <= group; ++before)
      position += operands[before].size();
    operands[group].push_back(operand);
    return block.insertArgument(position, type, loc);
  }

  /// Which of the stacked results `value` of the reverse body is.
  unsigned stackPosition(Value value) {
    stacked.insert(value);
    return llvm::find(stacked, value) - stacked.begin();
  }

  /// A sum that is nothing but one contribution to one invariant moves out, anything else is stacked.
  void addInvariants(ArrayRef<Value> next) {
    SmallVector<std::pair<Value, Value>> contributions; // operand, what it gets
    for (auto [operand, argument] : llvm::zip(forward.getInvariant(), forward.getInvariantArgs()))
      for (Value contribution : inner.contributions(argument))
        contributions.emplace_back(operand, contribution);
    auto isOnlyThat = [&](Value value) {
      return value.use_empty() && !stacked.contains(value) && !llvm::is_contained(next, value) &&
             llvm::count_if(contributions, [&](auto pair) { return pair.second == value; }) == 1;
    };
    for (auto [operand, contribution] : contributions) {
      auto op = contribution.getDefiningOp<IndexedOpInterface>();
      auto fold = contribution.getDefiningOp<FoldOp>();
      const bool isSum = op && !isa<MapOp>(op) && !(fold && fold.getKind() != FoldKind::Add) && !op->hasAttr("order");
      if (!isSum || op->getBlock() != &block || !isOnlyThat(contribution)) {
        constants.emplace_back(operand, stackPosition(contribution));
        continue;
      }
      op->remove();
      lifted.push_back({operand, op});
      for (Value value : op->getOperands())
        if (value.getParentBlock() == &block && !sourceOf(value))
          stackPosition(value);
    }
  }

  /// If `value` is the slice of something outside, that.
  Value sourceOf(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && argument.getOwner() == &block && argument.getArgNumber() < operands[Sliced].size()
               ? operands[Sliced][argument.getArgNumber()]
               : Value();
  }

  /// Finds the values of the forward body that are needed, has the forward scan stack those that lie nowhere yet, and
  /// makes them arguments of the reverse body.
  void saveForwardValues() {
    Block *source = &forward.getBody().front();
    llvm::SetVector<Value> inside, outside;
    auto collect = [&](Operation *op, llvm::SetVector<Value> &set) {
      for (Value value : op->getOperands())
        if (value.getParentBlock() == source)
          set.insert(value);
    };
    for (Operation &op : block)
      collect(&op, inside);
    for (Lifted &lift : lifted)
      collect(lift.op, outside);
    SmallVector<Value> missing;
    for (Value value : llvm::concat<const Value>(inside.getArrayRef(), outside.getArrayRef()))
      if (!isInvariant(value) && !llvm::is_contained(forward.getSlicedArgs(), value) &&
          !llvm::is_contained(forward.getYield().getStacked(), value) && !llvm::is_contained(missing, value))
        missing.push_back(value);
    if (!missing.empty())
      stackForward(missing);
    for (Value value : inside) {
      BlockArgument argument = addOperand(isInvariant(value) ? Invariant : Sliced, whole(value), value.getType());
      for (Operation &op : block)
        op.replaceUsesOfWith(value, argument);
    }
  }

  bool isInvariant(Value value) { return llvm::is_contained(forward.getInvariantArgs(), value); }

  /// Outside of the scan, what a value of the forward body is: all of its steps, or an invariant operand.
  Value whole(Value value) {
    for (auto [operand, argument] : llvm::zip(forward.getOperands(), forward.getBody().getArguments()))
      if (argument == value && argument.getArgNumber() < forward.getSliced().size() + forward.getInvariant().size())
        return operand;
    for (auto [result, yielded] : llvm::zip(forward.getStacked(), forward.getYield().getStacked()))
      if (yielded == value)
        return result;
    llvm_unreachable("a value that the forward scan does not stack");
  }

  void stackForward(ArrayRef<Value> values) {
    const unsigned before = forward.getStacked().size();
    const SmallVector<Value> old(forward->getResults());
    forward = withStacked(forward, values);
    for (auto [number, value] : llvm::enumerate(old)) {
      Value result = forward->getResult(number < before ? number : number + values.size());
      for (SmallVector<Value> &group : operands)
        llvm::replace(group, value, result);
      outer.replace(value, result);
    }
  }

  ScanOp build() {
    auto step = cast<StepOp>(block.getTerminator());
    SmallVector<Type> types;
    for (Type type : step.getStacked().getTypes())
      types.push_back(cast<ArrayType>(type).overTime());
    auto scan = ScanOp::create(builder, loc, types, step.getNext().getTypes(), operands[Sliced], operands[Invariant],
                               operands[Carries], !forward.getReverse());
    scan.getBody().takeBody(region);
    return scan;
  }

  void addGradients(ScanOp scan) {
    for (auto [operand, position] : slices)
      outer.add(builder, operand, scan.getStacked()[position]);
    for (auto [operand, position] : constants)
      outer.add(builder, operand, sumOverTime(scan.getStacked()[position]));
    for (Lifted &lift : lifted)
      outer.add(builder, lift.operand, rebuildOverTime(lift.op, scan));
    for (auto [argument, gradient] : llvm::zip(carried, scan.getFinals()))
      outer.add(builder,
                forward.getInit()[argument.getArgNumber() - forward.getSliced().size() - forward.getInvariant().size()],
                gradient);
  }

  Value sumOverTime(Value value) {
    auto type = cast<ArrayType>(value.getType());
    return sumOf(builder, loc, value, type.atOneStep(), ArrayRef<int64_t>{0},
                 AffineMap::getMultiDimIdentityMap(type.getRank(), builder.getContext()).dropResult(0));
  }

  /// A sum of each step, as one over all steps: time is dim 0 of its domain.
  Value rebuildOverTime(Operation *op, ScanOp scan) {
    auto indexed = cast<IndexedOpInterface>(op);
    MLIRContext *context = op->getContext();
    SmallVector<int64_t> domain{ArrayType::kTime}, along, rest;
    llvm::append_range(domain, indexed.getDomain());
    for (int64_t dim : indexed.getAlong())
      (domain[dim + 1] == ArrayType::kSample ? along : rest).push_back(dim + 1);
    along.push_back(0);
    llvm::append_range(along, rest);
    auto shifted = [&](AffineMap map, bool overTime) {
      map = map.shiftDims(1);
      return overTime ? map.insertResult(getAffineDimExpr(0, context), 0) : map;
    };
    SmallVector<Value> operands;
    SmallVector<AffineMap> reads;
    for (auto [operand, map] : llvm::zip(op->getOperands(), indexed.getReadMaps())) {
      auto [value, overTime] = outsideOf(operand, scan);
      operands.push_back(value);
      reads.push_back(shifted(map, overTime));
    }
    AffineMap write = shifted(indexed.getWriteMaps().front(), false);
    Type type = op->getResult(0).getType();
    if (isa<ContractOp>(op))
      return ContractOp::create(builder, op->getLoc(), type, operands[0], operands[1], domain, along, reads[0],
                                reads[1], write);
    auto fold = FoldOp::create(
        builder, op->getLoc(), type, operands, domain, along, reads, write,
        [&](ImplicitLocOpBuilder &b, ValueRange args) { return cloneBody(b, op->getRegion(0).front(), args); });
    fold.getBody().walk([](IndexOp index) { // also within what states its own derivative
      if (int64_t(index.getDim()) >= 0)
        index.setDim(index.getDim() + 1);
    });
    return fold.getValue();
  }

  /// Where an operand of a lifted op is outside of the scans, and whether it has a time extent there.
  std::pair<Value, bool> outsideOf(Value value, ScanOp scan) {
    if (value.getParentBlock() == &forward.getBody().front())
      return {whole(value), !isInvariant(value)};
    if (Value source = sourceOf(value))
      return {source, true};
    return {scan.getStacked()[llvm::find(stacked, value) - stacked.begin()], true};
  }

  ScanOp forward;
  OpBuilder &builder;
  Adjoints &outer;
  Location loc;
  Adjoints inner;
  Region region;
  Block &block; ///< the reverse body while it is written
  OpBuilder body;
  SmallVector<Value> operands[3];     ///< of the reverse scan, by group
  SmallVector<BlockArgument> carried; ///< the carries that have a gradient
  llvm::SetVector<Value> stacked;     ///< of the reverse body
  SmallVector<std::pair<Value, unsigned>> slices, constants;
  SmallVector<Lifted> lifted;
};

struct ScanModel : DifferentiableOpInterface::ExternalModel<ScanModel, ScanOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, Adjoints &adjoints) const {
    return ScanReverser(cast<ScanOp>(op), builder, adjoints).run();
  }
};

} // namespace

void registerScanRule(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, CoreDialect *) { ScanOp::attachInterface<ScanModel>(*context); });
}

} // namespace snn::core
