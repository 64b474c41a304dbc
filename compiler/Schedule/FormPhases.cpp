// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cuts a function into phases. Within a phase samples are independent, so that a few of them run through all of its ops
// before the next ones start; a reduction over samples ends one.

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
    Operation *end = function.getBody().front().getTerminator();
    for (auto &[level, ops] : levels) {
      for (Operation *op : ops)
        op->moveBefore(end);
      if (level % 2 == 0)
        formPhase(ops);
    }
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

  void formPhase(ArrayRef<Operation *> ops) {
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
    auto phase = BatchMapOp::create(builder, function().getLoc(), types(concat), types(sum), sharded.getArrayRef(),
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
