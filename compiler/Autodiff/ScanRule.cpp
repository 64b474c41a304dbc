// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The adjoint of a scan: a scan in the other direction of time.
//
// Forward values that the reverse body needs are stacked by the forward scan and read directly. Gradients of invariants
// are no carries: a sum that a step makes for one of them (of a recurrent weight, say) moves out of the reverse scan,
// whose part in it is stacked, and sums over time as well.

#include "compiler/Autodiff/Adjoints.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace snn::core {
namespace {

class ScanReverser {
public:
  ScanReverser(ScanOp forward, OpBuilder &builder, Adjoints &outer)
      : forward(forward), builder(builder), outer(outer), loc(forward.getLoc()), inner(outer.getReal()),
        body(forward.getContext()) {
    body.setInsertionPointToEnd(&block);
  }

  /// The reverse body is written into `block` as if it stood in the forward body. What it refers to there is known only
  /// afterwards, and becomes arguments then.
  LogicalResult run() {
    activate();
    seed();
    SmallVector<Operation *> operations;
    for (Operation &op : forward.getBody().front().without_terminator())
      operations.push_back(&op);
    if (failed(inner.reverse(body, operations)))
      return failure();
    for (auto [operand, argument] : llvm::zip(forward.getSliced(), forward.getSlicedArgs()))
      if (Value gradient = inner.lookup(argument))
        slices.emplace_back(operand, stackPosition(gradient));
    for (BlockArgument argument : carried) {
      Value gradient = inner.lookup(argument);
      next.push_back(gradient ? gradient : constantArray(body, loc, gradientType(argument.getType(), realType()), 0));
    }
    addInvariants();
    saveForwardValues();
    addGradients(build());
    for (Lifted &lift : lifted)
      lift.op->erase();
    return success();
  }

private:
  struct Port {
    Value operand;          ///< outside of the reverse scan
    BlockArgument argument; ///< of the reverse body
  };
  /// A sum of one step that moves out. It stands in no block.
  struct Lifted {
    Value operand; ///< whose gradient it is
    Operation *op;
  };

  /// Active in the body is what depends on an active operand, through any number of steps.
  void activate() {
    for (auto [operand, argument] : llvm::zip(forward.getOperands(), forward.getBody().getArguments()))
      if (outer.isActive(operand))
        inner.setActive(argument);
    for (BlockArgument argument : forward.getInvariantArgs())
      inner.keepApart(argument);
    for (bool changed = true; changed;) {
      changed = false;
      for (Operation &op : forward.getBody().front().without_terminator())
        inner.propagate(&op);
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
        inner.add(body, value, addPort(sliced, gradient, cast<ArrayType>(gradient.getType()).atOneStep()));
    for (auto [argument, final, value] : llvm::zip(forward.getCarryArgs(), forward.getFinals(), step.getNext())) {
      if (!inner.isActive(argument))
        continue;
      Value gradient = outer.lookup(final);
      if (!gradient)
        gradient = constantArray(builder, loc, gradientType(final.getType(), realType()), 0);
      carried.push_back(argument);
      inner.add(body, value, addPort(carries, gradient, gradient.getType()));
    }
  }

  BlockArgument addPort(SmallVector<Port> &group, Value operand, Type type) {
    BlockArgument argument = block.addArgument(type, loc);
    group.push_back({operand, argument});
    return argument;
  }

  /// Which of the stacked results `value` of the reverse body is.
  unsigned stackPosition(Value value) {
    stacked.insert(value);
    return llvm::find(stacked, value) - stacked.begin();
  }

  /// A sum that is nothing but one contribution to one invariant moves out, anything else is stacked.
  void addInvariants() {
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
    for (Port &port : sliced)
      if (port.argument == value)
        return port.operand;
    return Value();
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
    for (Value value : stacked)
      if (value.getParentBlock() == source)
        inside.insert(value);
    for (Value value : next)
      if (value.getParentBlock() == source)
        inside.insert(value);
    SmallVector<Value> missing;
    for (Value value : llvm::concat<const Value>(inside.getArrayRef(), outside.getArrayRef()))
      if (!isInvariant(value) && !llvm::is_contained(forward.getSlicedArgs(), value) &&
          !llvm::is_contained(forward.getYield().getStacked(), value) && !llvm::is_contained(missing, value))
        missing.push_back(value);
    if (!missing.empty())
      stackForward(missing);

    for (Value value : inside) {
      BlockArgument argument = isInvariant(value) ? addPort(invariant, whole(value), value.getType())
                                                  : addPort(sliced, whole(value), value.getType());
      for (Operation &op : block)
        op.replaceUsesOfWith(value, argument);
      for (Value &result : next)
        if (result == value)
          result = argument;
      if (stacked.contains(value))
        standIns[value] = argument;
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
    SmallVector<Type> types(forward.getStacked().getTypes());
    for (Value value : values)
      types.push_back(cast<ArrayType>(value.getType()).overTime());
    forward.getYield().getStackedMutable().append(values);
    OpBuilder before(forward);
    auto larger = ScanOp::create(before, loc, types, forward.getFinals().getTypes(), forward.getSliced(),
                                 forward.getInvariant(), forward.getInit(), forward.getReverse());
    larger.getBody().takeBody(forward.getBody());
    auto replace = [&](Value old, Value result) {
      for (auto *group : {&sliced, &carries})
        for (Port &port : *group)
          if (port.operand == old)
            port.operand = result;
      old.replaceAllUsesWith(result);
      outer.replace(old, result);
    };
    for (auto [old, result] : llvm::zip(forward.getStacked(), larger.getStacked()))
      replace(old, result);
    for (auto [old, result] : llvm::zip(forward.getFinals(), larger.getFinals()))
      replace(old, result);
    forward.erase();
    forward = larger;
  }

  ScanOp build() {
    SmallVector<Value> operands[3], results;
    auto region = std::make_unique<Region>();
    region->push_back(new Block);
    Block *target = &region->front();
    llvm::DenseMap<Value, Value> arguments;
    SmallVector<Port> *const groups[] = {&sliced, &invariant, &carries};
    for (auto [group, list] : llvm::zip(groups, operands))
      for (Port &port : *group) {
        list.push_back(port.operand);
        arguments[port.argument] = target->addArgument(port.argument.getType(), loc);
        port.argument.replaceAllUsesWith(arguments[port.argument]);
      }
    auto resolve = [&](Value value) {
      if (Value standIn = standIns.lookup(value))
        value = standIn;
      Value argument = arguments.lookup(value);
      return argument ? argument : value;
    };
    SmallVector<Value> stackedValues, nextValues;
    SmallVector<Type> stackedTypes, finalTypes;
    for (Value value : stacked) {
      stackedValues.push_back(resolve(value));
      stackedTypes.push_back(cast<ArrayType>(value.getType()).overTime());
    }
    for (Value value : next) {
      nextValues.push_back(resolve(value));
      finalTypes.push_back(value.getType());
    }
    target->getOperations().splice(target->end(), block.getOperations());
    OpBuilder end(forward.getContext()); // the region belongs to no op yet
    end.setInsertionPointToEnd(target);
    StepOp::create(end, loc, stackedValues, nextValues);
    auto scan = ScanOp::create(builder, loc, stackedTypes, finalTypes, operands[0], operands[1], operands[2],
                               !forward.getReverse());
    scan.getBody().takeBody(*region);
    // Lifted ops refer to arguments that have moved; they are looked up as what they were.
    for (auto &[old, argument] : arguments)
      moved[argument] = old;
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
    AffineMap identity = AffineMap::getMultiDimIdentityMap(type.getRank(), builder.getContext());
    return FoldOp::create(builder, loc, type.atOneStep(), ValueRange{value}, type.getShape(), ArrayRef<int64_t>{0},
                          ArrayRef<AffineMap>{identity}, identity.dropResult(0),
                          [](ImplicitLocOpBuilder &, ValueRange args) -> SmallVector<Value> { return {args[0]}; })
        .getValue();
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
    return FoldOp::create(builder, op->getLoc(), type, operands, domain, along, reads, write,
                          [&](ImplicitLocOpBuilder &b, ValueRange args) { return copyBody(op, b, args); })
        .getValue();
  }

  static SmallVector<Value> copyBody(Operation *op, ImplicitLocOpBuilder &b, ValueRange arguments) {
    Block &source = op->getRegion(0).front();
    IRMapping mapping;
    mapping.map(source.getArguments(), arguments);
    for (Operation &inner : source.without_terminator())
      b.clone(inner, mapping)->walk([](IndexOp index) { // also within what states its own derivative
        if (int64_t(index.getDim()) >= 0)
          index.setDim(index.getDim() + 1);
      });
    SmallVector<Value> results;
    for (Value value : source.getTerminator()->getOperands())
      results.push_back(mapping.lookupOrDefault(value));
    return results;
  }

  /// Where an operand of a lifted op is outside of the scans, and whether it has a time extent there.
  std::pair<Value, bool> outsideOf(Value value, ScanOp scan) {
    if (value.getParentBlock() == &forward.getBody().front())
      return {whole(value), !isInvariant(value)};
    if (Value old = moved.lookup(value))
      value = old;
    if (Value source = sourceOf(value))
      return {source, true};
    return {scan.getStacked()[llvm::find(stacked, value) - stacked.begin()], true};
  }

  ScanOp forward;
  OpBuilder &builder;
  Adjoints &outer;
  Location loc;
  Adjoints inner;
  Block block; ///< the reverse body while it is written
  OpBuilder body;
  SmallVector<Port> sliced, invariant, carries;
  SmallVector<BlockArgument> carried; ///< the carries that have a gradient
  llvm::SetVector<Value> stacked;     ///< of the reverse body
  SmallVector<Value> next;
  llvm::DenseMap<Value, Value> standIns; ///< arguments for stacked values of the forward body
  llvm::DenseMap<Value, Value> moved;    ///< arguments of the finished reverse body -> of `block`
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
