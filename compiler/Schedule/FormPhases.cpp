// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cuts a function into phases. Within a phase samples are independent, so that a few of them run through all of its ops
// before the next ones start; a reduction over samples ends one.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Passes.h"
#include "compiler/Schedule/Phases.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_FORMPHASES
#include "compiler/Schedule/Passes.h.inc"

namespace {

using namespace core;

class FormPhases : public impl::FormPhasesBase<FormPhases> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    if (failed(splitMixedScans(function)))
      return signalPassFailure();
    giveByPhases();
    PhaseRanks ranks(function);
    std::map<int, SmallVector<Operation *>> levels;
    for (Operation &op : function.getBody().front().without_terminator())
      levels[ranks.of(&op)].push_back(&op);
    const int count = llvm::count_if(levels, [](auto &level) { return level.first % 2 == 0; });
    int number = 0;
    Operation *end = function.getBody().front().getTerminator();
    for (auto &[level, ops] : levels) {
      for (Operation *op : ops)
        op->moveBefore(end);
      if (level % 2 != 0)
        continue;
      Operation *begin = ++number == 1 ? function : beginOf(ops, ranks);
      if (auto remark = remarks::noted(begin, remarks::kPhases, "phase"))
        tell(remark, ops, number, count, ranks);
      formPhase(ops, begin->getLoc());
    }
  }

  static void tell(remarks::Remark &remark, ArrayRef<Operation *> ops, int number, int count, const PhaseRanks &ranks) {
    const int sums = llvm::count_if(ops, [](Operation *op) { return phaseRoleOf(op) == PhaseRole::Reducing; });
    remark << remark::add("phase {0} of {1} has {2}, of which {3} sum over samples", number, count,
                          remarks::counted(ops.size(), "op"), sums);
    if (number == 1)
      return;
    for (Operation *op : ops)
      if (Operation *sum = awaited(op, ranks)) {
        remark << remarks::because("it needs what is summed over all samples at " + remarks::lineOf(sum->getLoc()));
        return;
      }
  }

  /// The first op of a phase that waits for a sum of the one before: the phase is where it is.
  static Operation *beginOf(ArrayRef<Operation *> ops, const PhaseRanks &ranks) {
    for (Operation *op : ops)
      if (awaited(op, ranks))
        return op;
    return ops.front();
  }

  /// The op outside of the phase that `op` cannot come before: one that reduces samples, perhaps through others that
  /// stand between phases. Null if there is none, as it waits for an op of its own phase.
  static Operation *awaited(Operation *op, const PhaseRanks &ranks) {
    for (Value operand : op->getOperands()) {
      Operation *definition = operand.getDefiningOp();
      if (!definition || ranks.of(definition) + (phaseRoleOf(definition) == PhaseRole::Whole ? 1 : 2) != ranks.of(op))
        continue;
      if (phaseRoleOf(definition) == PhaseRole::Reducing)
        return definition;
      if (phaseRoleOf(definition) == PhaseRole::Whole)
        return reducingBefore(definition, ranks);
    }
    return nullptr;
  }

  /// The op by which one between phases came there.
  static Operation *reducingBefore(Operation *op, const PhaseRanks &ranks) {
    for (Value operand : op->getOperands()) {
      Operation *definition = operand.getDefiningOp();
      if (definition && phaseRoleOf(definition) == PhaseRole::Whole && ranks.of(definition) == ranks.of(op))
        return reducingBefore(definition, ranks);
    }
    for (Value operand : op->getOperands())
      if (Operation *definition = operand.getDefiningOp(); definition && ranks.of(definition) + 1 == ranks.of(op))
        return phaseRoleOf(definition) == PhaseRole::Reducing ? definition : op;
    return op;
  }

  /// Phases give the host what has samples: also arguments that are results, and what is computed between phases.
  void giveByPhases() {
    Operation *end = function().getBody().front().getTerminator();
    OpBuilder builder(end);
    for (OpOperand &result : end->getOpOperands()) {
      auto type = dyn_cast<ArrayType>(result.get().getType());
      Operation *op = result.get().getDefiningOp();
      if (!type || !hasSamples(type) || (op && phaseRoleOf(op) != PhaseRole::Whole))
        continue;
      auto copy = MapOp::create(builder, end->getLoc(), type, ValueRange(result.get()),
                                [](ImplicitLocOpBuilder &, ValueRange read) { return SmallVector<Value>(read); });
      result.set(copy.getResult(0));
    }
  }

  void formPhase(ArrayRef<Operation *> ops, Location location) {
    llvm::SetVector<Value> sharded, invariant, concat, sum;
    llvm::SmallPtrSet<Operation *, 16> inside(ops.begin(), ops.end());
    for (Operation *op : ops) {
      for (Value operand : op->getOperands())
        if (!inside.contains(operand.getDefiningOp()))
          (hasSamples(operand.getType()) ? sharded : invariant).insert(operand);
      for (Value result : op->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !inside.contains(user); }))
          (phaseRoleOf(op) == PhaseRole::Reducing ? sum : concat).insert(result);
    }
    OpBuilder builder(ops.back());
    builder.setInsertionPointAfter(ops.back());
    auto types = [](const llvm::SetVector<Value> &values) {
      return llvm::to_vector(llvm::map_range(values, [](Value value) { return value.getType(); }));
    };
    auto phase = BatchMapOp::create(builder, location, types(concat), types(sum), sharded.getArrayRef(),
                                    invariant.getArrayRef());
    Block *body = builder.createBlock(&phase.getBody());
    auto enter = [&](const llvm::SetVector<Value> &values) {
      for (Value value : values.getArrayRef())
        value.replaceUsesWithIf(body->addArgument(value.getType(), value.getLoc()),
                                [&](OpOperand &use) { return inside.contains(use.getOwner()); });
    };
    enter(sharded);
    enter(invariant);
    for (Operation *op : ops)
      op->moveBefore(body, body->end());
    auto leave = [&](const llvm::SetVector<Value> &values, ResultRange results) {
      for (auto [value, result] : llvm::zip(values.getArrayRef(), results))
        Value(value).replaceUsesWithIf(result, [&](OpOperand &use) { return !inside.contains(use.getOwner()); });
    };
    leave(concat, phase.getConcat());
    leave(sum, phase.getSum());
    PartsOp::create(builder, phase.getLoc(), concat.getArrayRef(), sum.getArrayRef());
  }

  func::FuncOp function() { return getOperation(); }
};

} // namespace
} // namespace snn
