// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums over samples that do not fall into the parts of their phase's other sums leave the phase.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/CallMemory.h"
#include "compiler/Schedule/Cpu/CheckPlan.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Sizes.h"
#include "compiler/Schedule/Cpu/Sums.h"
#include "compiler/Schedule/Phases.h"

#include <map>

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_MARKWHOLEBATCH
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

struct Sums {
  SumClass kind;
  double cost = 0;
  SmallVector<Operation *> ops;
};

class MarkWholeBatch : public impl::MarkWholeBatchBase<MarkWholeBatch> {
public:
  using MarkWholeBatchBase::MarkWholeBatchBase;

private:
  void runOnOperation() override {
    CallSize size = CallSize::of(getOperation(), batch, steps);
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      inSegments = memoryLimitOf(getOperation()) && mostStepsOf(function) > kernels::kBlock;
      fewestSteps = CallRange::of(getOperation()).fewestSteps;
      if (failed(splitMixedScans(function)))
        return signalPassFailure();
      // What leaves a phase may let others come into an earlier one.
      FailureOr<bool> changed = true;
      while (succeeded(changed) && *changed)
        changed = mark(function, size);
      if (failed(changed))
        return signalPassFailure();
    }
  }

  FailureOr<bool> mark(func::FuncOp function, CallSize size) {
    PhaseRanks ranks(function);
    std::map<int, SmallVector<Sums>> phases;
    SmallVector<Operation *> leaving;
    for (Operation &op : function.getBody().front().without_terminator()) {
      if (phaseRoleOf(&op) != PhaseRole::Reducing)
        continue;
      auto fold = dyn_cast<FoldOp>(op);
      // No parts, or a sum for each step: the memory of a part has a fixed size.
      if ((fold && fold.getKind() != FoldKind::Add) || cast<ArrayType>(op.getResult(0).getType()).timeDim() >= 0) {
        leaving.push_back(&op);
        tellLeaving(&op, fold && fold.getKind() != FoldKind::Add ? "it is no sum, and has no parts"
                                                                 : "it has a sum for each step");
        continue;
      }
      std::optional<SumClass> kind = SumClass::of(&op);
      if (!kind)
        return op.emitOpError("sums over samples without an order, which core-fix-order gives it");
      SmallVector<Sums> &sums = phases[ranks.of(&op)];
      // Of sums with different parts the phase has as many tasks as the fewest, so they must be as many in a call of
      // the size that is planned for. Segments leave no choice.
      auto *found = llvm::find_if(sums, [&](const Sums &other) {
        return other.kind.fitsBeside(*kind, fewestSteps) && (inSegments || other.kind.parts(size) == kind->parts(size));
      });
      if (found == sums.end())
        found = sums.insert(found, {*kind, 0, {}});
      found->ops.push_back(&op);
      double cost = 1;
      for (int64_t extent : cast<IndexedOpInterface>(op).getDomain())
        cost *= extent > 0 ? extent : extent == ArrayType::kTime ? size.steps : size.batch;
      found->cost += cost;
    }
    for (auto &[rank, sums] : phases) {
      auto rankOf = [&](const Sums &sum) {
        const bool may = inSegments ? sum.kind.overTime : sum.kind.parts(size) >= minParts;
        return std::pair(may, sum.cost);
      };
      auto *stays = llvm::max_element(sums, [&](auto &a, auto &b) { return rankOf(a) < rankOf(b); });
      for (Sums &sum : sums) {
        const bool enough = rankOf(sum).first;
        if (&sum == stays && enough)
          continue;
        llvm::append_range(leaving, sum.ops);
        for (Operation *op : sum.ops)
          tellLeaving(op,
                      !enough ? "it has fewer parts than a phase should have tasks"
                              : "sums of its phase that cost more fall into other parts",
                      sum.kind.parts(size));
      }
    }
    if (leaving.empty())
      for (auto &[rank, sums] : phases)
        for (Operation *op : sums.front().ops)
          if (auto remark = remarks::chosen(op, remarks::kSums, "in_phase"))
            remark << remark::add("a sum over samples is made by the phase, in {0}, which are its tasks",
                                  remarks::counted(sums.front().kind.parts(size), "part"));
    for (Operation *op : leaving)
      op->setAttr(kWholeBatchAttr, UnitAttr::get(&getContext()));
    return !leaving.empty();
  }

  static void tellLeaving(Operation *op, StringRef reason, int64_t parts = 0) {
    if (auto remark = remarks::chosen(op, remarks::kSums, "whole_batch"))
      remark << remark::add("a sum over samples is made between phases, over the whole batch{0}",
                            parts ? ", in " + remarks::counted(parts, "part") : "")
             << remarks::because(reason);
  }

  bool inSegments = false; ///< time will be: sums over it stay, as what they read is not there for all of time
  int64_t fewestSteps = 1;
};

} // namespace
} // namespace snn::core
