// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The adjoint of a scan is another scan, in the opposite direction of time.
//
// The adjoint body is written first with direct references to values of the forward body. Each such value is then
// made available: carries are stacked by the forward scan, values that are stacked anyway are read from there, and
// the rest, a few operations per neuron, is computed again from those and the scan's operands.

#include "dialect/SnnDialect.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace snn {
namespace {

class ScanReverser {
public:
  ScanReverser(ScanOp forward, OpBuilder &outer, Adjoints &outerAdjoints)
      : forward(forward), outer(outer), outerAdjoints(outerAdjoints), yield(forward.getYield()),
        body(forward.getContext()) {
    body.setInsertionPointToEnd(&block);
  }

  LogicalResult run() {
    markActive();
    seed();
    for (Operation &op : llvm::reverse(forward.getBody().front().without_terminator()))
      if (auto differentiable = dyn_cast<DifferentiableOpInterface>(op))
        if (llvm::any_of(op.getResults(), [&](Value result) { return adjoints.lookup(result); }))
          if (failed(differentiable.buildAdjoint(body, adjoints)))
            return failure();
    collectResults();
    for (Operation &op : llvm::make_early_inc_range(block))
      for (OpOperand &operand : op.getOpOperands())
        operand.set(available(operand.get(), &op));
    for (auto *list : {&stacked, &next})
      for (Value &value : *list)
        value = available(value, nullptr);
    emit();
    return success();
  }

private:
  enum Group { Sliced, Invariant, Params, Carry };

  /// An operand of the adjoint scan, with its argument in the body. A forward value that is yet to be stacked has no
  /// operand until the forward scan has been rebuilt.
  struct Port {
    Value operand;
    Value saved;
    BlockArgument argument;
  };

  Location loc() { return forward.getLoc(); }

  Type realType() {
    for (Value adjoint : resultAdjoints())
      if (adjoint)
        return cast<RankedTensorType>(adjoint.getType()).getElementType();
    llvm_unreachable("a scan is differentiated only if a result has an adjoint");
  }

  Type bodyType() { return RankedTensorType::get({ShapedType::kDynamic, (int64_t)forward.getNeurons()}, realType()); }

  SmallVector<Value> resultAdjoints() {
    SmallVector<Value> values;
    for (Value result : forward.getResults())
      values.push_back(outerAdjoints.lookup(result));
    return values;
  }

  /// Values of the forward body through which a gradient flows to something that wants one. A carry is active if
  /// its start is, or if what it becomes is: a fixed point, reached after at most one round per carry.
  void markActive() {
    Block &block = forward.getBody().front();
    for (auto [arg, operand] : llvm::zip(block.getArguments(), forward.getOperands()))
      if (outerAdjoints.isActive(operand))
        adjoints.setActive(arg);
    bool changed = true;
    while (changed) {
      changed = false;
      for (Operation &op : block.without_terminator())
        if (isa<DifferentiableOpInterface>(op) &&
            llvm::any_of(op.getOperands(), [&](Value v) { return adjoints.isActive(v); }))
          for (Value result : op.getResults())
            adjoints.setActive(result);
      for (auto [carry, value] : llvm::zip(forward.getCarryArgs(), yield.getNext()))
        if (adjoints.isActive(value) && !adjoints.isActive(carry)) {
          adjoints.setActive(carry);
          changed = true;
        }
    }
  }

  BlockArgument addPort(Group group, Value operand, Type type, Value saved = {}) {
    BlockArgument argument = block.addArgument(type, loc());
    ports[group].push_back({operand, saved, argument});
    return argument;
  }

  Value zero(OpBuilder &builder) {
    return ConstantOp::create(builder, loc(), bodyType(), builder.getF64FloatAttr(0.0));
  }

  /// What flows in: the adjoints of the stacked values at this step, and of the carries from the step after it.
  void seed() {
    auto outside = resultAdjoints();
    for (auto [value, adjoint] : llvm::zip(yield.getStacked(), outside))
      if (adjoint) {
        bool overTime = cast<RankedTensorType>(adjoint.getType()).getRank() == 3;
        adjoints.add(body, value, addPort(overTime ? Sliced : Invariant, adjoint, bodyType()));
      }
    for (auto [index, carry, value] : llvm::enumerate(forward.getCarryArgs(), yield.getNext())) {
      if (!adjoints.isActive(carry))
        continue;
      Value start = outside[forward.getStacked().size() + index];
      Value flowing = addPort(Carry, start ? start : zero(outer), bodyType());
      adjoints.add(body, value, flowing);
    }
  }

  Value adjointOrZero(Value value) {
    Value adjoint = adjoints.lookup(value);
    return adjoint ? adjoint : zero(body);
  }

  /// What flows out: adjoints of sliced operands are stacked; those of invariant operands and of parameters are
  /// added up over time in a carry, which costs one row instead of one per time step.
  void collectResults() {
    for (auto [carry, init] : llvm::zip(forward.getCarryArgs(), forward.getInit()))
      if (adjoints.isActive(carry)) {
        next.push_back(adjointOrZero(carry));
        nextTargets.push_back(init);
      }
    auto accumulate = [&](auto args, auto operands) {
      for (auto [arg, operand] : llvm::zip(args, operands)) {
        if (!adjoints.isActive(arg) || !adjoints.lookup(arg))
          continue;
        BlockArgument sum = addPort(Carry, zero(outer), bodyType());
        next.push_back(arith::AddFOp::create(body, loc(), sum, adjoints.lookup(arg)));
        nextTargets.push_back(operand);
      }
    };
    accumulate(forward.getInvariantArgs(), forward.getInvariant());
    accumulate(forward.getParamArgs(), forward.getParams());
    for (auto [arg, operand] : llvm::zip(forward.getSlicedArgs(), forward.getSliced()))
      if (adjoints.isActive(arg)) {
        stacked.push_back(adjointOrZero(arg));
        stackedTargets.push_back(operand);
      }
  }

  /// `value` if it belongs to the adjoint body, or what stands for a value of the forward body there. Null if nothing
  /// does yet. Users are met in the order of the block, so what an earlier one needed stands before all later ones.
  Value standIn(Value value) { return value.getParentRegion() == &forward.getBody() ? standIns.lookup(value) : value; }

  /// The stand-in of `value`, which is made if there is none: operations that are computed again go before `user`. The
  /// values on the way are kept in a list, as a neuron's text decides how long the way is.
  Value available(Value value, Operation *user) {
    SmallVector<Value> pending{value};
    while (!pending.empty()) {
      Value last = pending.back();
      if (standIn(last)) {
        pending.pop_back();
      } else if (isa<BlockArgument>(last) || isSavedAnyway(last)) {
        standIns[last] = port(last);
      } else {
        Operation *op = last.getDefiningOp();
        const size_t before = pending.size();
        for (Value operand : llvm::reverse(op->getOperands()))
          if (!standIn(operand))
            pending.push_back(operand);
        if (pending.size() == before)
          standIns[last] = computedAgain(cast<OpResult>(last), user);
      }
    }
    return standIn(value);
  }

  /// An operand of the forward scan, or a value that it stacks.
  Value port(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument || isCarry(argument)) {
      saved.insert(value);
      return addPort(Sliced, Value(), value.getType(), value);
    }
    unsigned index = argument.getArgNumber(), slicedCount = forward.getSliced().size(),
             invariantEnd = slicedCount + forward.getInvariant().size();
    Group group = index < slicedCount ? Sliced : index < invariantEnd ? Invariant : Params;
    return addPort(group, forward.getOperand(index), value.getType());
  }

  /// The result of a copy of its op, whose operands are available.
  Value computedAgain(OpResult value, Operation *user) {
    SmallVector<Value> operands;
    for (Value operand : value.getOwner()->getOperands())
      operands.push_back(standIn(operand));
    OpBuilder builder(body);
    if (user)
      builder.setInsertionPoint(user);
    Operation *copy = builder.clone(*value.getOwner());
    copy->setOperands(operands);
    return copy->getResult(value.getResultNumber());
  }

  bool isCarry(BlockArgument argument) { return llvm::is_contained(forward.getCarryArgs(), argument); }

  /// States after the step: they are stacked at the price of one row each, which cuts the chain of values that
  /// would have to be computed again at the neuron's own memory. Constants are not worth a row.
  bool isSavedAnyway(Value value) {
    return !value.getDefiningOp<ConstantOp>() &&
           (llvm::is_contained(yield.getNext(), value) || llvm::is_contained(yield.getStacked(), value));
  }

  /// Rebuilds the forward scan with the saved values among its results.
  ScanOp stackSaved(llvm::DenseMap<Value, Value> &stacks) {
    SmallVector<Value> values(yield.getStacked());
    SmallVector<Type> types(forward.getStacked().getTypes());
    for (Value value : saved) {
      if (llvm::is_contained(values, value))
        continue;
      auto type = cast<RankedTensorType>(value.getType());
      values.push_back(value);
      types.push_back(
          RankedTensorType::get({timeExtent(), type.getDimSize(0), type.getDimSize(1)}, type.getElementType()));
    }
    OpBuilder builder(forward);
    auto rebuilt = ScanOp::create(builder, loc(), types, forward.getFinals().getTypes(), forward.getSliced(),
                                  forward.getInvariant(), forward.getParams(), forward.getInit(), forward.getReverse(),
                                  forward.getNeurons());
    SmallVector<Value> nextValues(yield.getNext());
    builder.setInsertionPoint(yield);
    ScanYieldOp::create(builder, yield.getLoc(), values, nextValues);
    yield.erase();
    for (auto [value, result] : llvm::zip(values, rebuilt.getStacked()))
      stacks.try_emplace(value, result);
    rebuilt.getBody().takeBody(forward.getBody());
    for (auto [old, result] : llvm::zip(forward.getStacked(), rebuilt.getStacked()))
      old.replaceAllUsesWith(result);
    for (auto [old, result] : llvm::zip(forward.getFinals(), rebuilt.getFinals()))
      old.replaceAllUsesWith(result);
    forward.erase();
    return rebuilt;
  }

  int64_t timeExtent() {
    for (Value value :
         llvm::concat<Value>(SmallVector<Value>(forward.getSliced()), SmallVector<Value>(forward.getStacked())))
      return cast<RankedTensorType>(value.getType()).getDimSize(0);
    return 1;
  }

  void emit() {
    int64_t steps = timeExtent();
    int64_t neurons = forward.getNeurons();
    bool reverse = !forward.getReverse();
    Location where = loc();
    SmallVector<Type> stackedTypes, finalTypes(next.size(), bodyType());
    for (Value value : stacked)
      stackedTypes.push_back(RankedTensorType::get({steps, ShapedType::kDynamic, neurons},
                                                   cast<RankedTensorType>(value.getType()).getElementType()));
    SmallVector<Value> carryTargets = nextTargets, sliceTargets = stackedTargets;

    llvm::DenseMap<Value, Value> stacks;
    stackSaved(stacks);
    SmallVector<Value> operands[4];
    for (int group = 0; group < 4; ++group)
      for (Port &port : ports[group])
        operands[group].push_back(port.saved ? stacks.lookup(port.saved) : port.operand);
    auto adjoint = ScanOp::create(outer, where, stackedTypes, finalTypes, operands[Sliced], operands[Invariant],
                                  operands[Params], operands[Carry], reverse, neurons);
    Block *target = outer.createBlock(&adjoint.getBody());
    outer.setInsertionPointAfter(adjoint);
    for (int group = 0; group < 4; ++group)
      for (Port &port : ports[group])
        port.argument.replaceAllUsesWith(target->addArgument(port.argument.getType(), where));
    target->getOperations().splice(target->end(), block.getOperations());
    auto resolve = [&](SmallVector<Value> &values) {
      for (Value &value : values)
        if (auto argument = dyn_cast<BlockArgument>(value); argument && argument.getOwner() == &block)
          value = target->getArgument(positionOf(argument));
    };
    resolve(stacked);
    resolve(next);
    OpBuilder end = OpBuilder::atBlockEnd(target);
    ScanYieldOp::create(end, where, stacked, next);

    for (auto [operand, gradient] : llvm::zip(sliceTargets, adjoint.getStacked()))
      outerAdjoints.add(outer, operand, gradient);
    for (auto [operand, gradient] : llvm::zip(carryTargets, adjoint.getFinals())) {
      if (!outerAdjoints.isActive(operand))
        continue;
      auto type = cast<RankedTensorType>(operand.getType());
      Value whole = gradient;
      if (type.getRank() < 2)
        whole = SumToOp::create(outer, where, type, gradient);
      outerAdjoints.add(outer, operand, whole);
    }
  }

  /// Where an argument of the draft body ends up: ports are in the order in which they were needed, operands in that
  /// of their groups.
  unsigned positionOf(BlockArgument argument) {
    unsigned position = 0;
    for (auto &group : ports)
      for (Port &port : group) {
        if (port.argument == argument)
          return position;
        ++position;
      }
    llvm_unreachable("not an argument of the draft");
  }

  ScanOp forward;
  OpBuilder &outer;
  Adjoints &outerAdjoints;
  ScanYieldOp yield;
  Adjoints adjoints;
  Block block;
  OpBuilder body;
  SmallVector<Port> ports[4];
  llvm::DenseMap<Value, Value> standIns;
  llvm::SetVector<Value> saved;
  SmallVector<Value> stacked, next, stackedTargets, nextTargets;
};

} // namespace

LogicalResult ScanOp::buildAdjoint(OpBuilder &builder, Adjoints &adjoints) {
  return ScanReverser(*this, builder, adjoints).run();
}

} // namespace snn
