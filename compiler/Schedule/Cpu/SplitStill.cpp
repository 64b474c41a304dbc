// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products that do not vary over time, with weights that would leave the cache from chunk to chunk, come into a phase
// before.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/CallMemory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "compiler/Schedule/Phases.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_SPLITSTILL
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

class SplitStill : public impl::SplitStillBase<SplitStill> {
public:
  using SplitStillBase::SplitStillBase;

private:
  void runOnOperation() override {
    ModuleOp module = getOperation();
    // Segments have a plan of their own for what stays, and one sample has one chunk.
    if (memoryLimitOf(module) || isStreaming(module))
      return;
    const int64_t cache = cacheBytes > 0 ? int64_t(cacheBytes) : cacheBytesOf(module);
    module.walk([&](BatchMapOp phase) {
      // Without steps there are few values of a sample, and chunks are large as it is.
      if (llvm::none_of(phase.getBody().front(),
                        [](Operation &op) { return llvm::any_of(op.getResultTypes(), hasTime); }))
        return;
      llvm::SetVector<Operation *> before;
      for (auto product : phase.getBody().getOps<ContractOp>())
        if (isLarge(product, cache) && enter(product, phase, before))
          if (auto remark = remarks::chosen(product, remarks::kPhases, "still"))
            remark << remark::add("the product runs in a phase before, for more samples at a time")
                   << remarks::because(
                          "it is the same at all steps, and its weights would leave the cache from chunk to "
                          "chunk");
      if (!before.empty())
        split(phase, before);
    });
  }

  static bool isLarge(ContractOp op, int64_t cache) {
    if (phaseRoleOf(op) != PhaseRole::PerSample || hasTime(op.getResult().getType()))
      return false;
    std::optional<MatrixProduct> product = matchProduct(op);
    return product && product->readsBeyond(cache);
  }

  /// Adds the op and what it needs of the phase, in order; false if that varies over time or is a sum or scan.
  static bool enter(Operation *op, BatchMapOp phase, llvm::SetVector<Operation *> &before) {
    llvm::SetVector<Operation *> needed;
    std::function<bool(Operation *)> visit = [&](Operation *op) {
      if (before.contains(op) || needed.contains(op))
        return true;
      if (!isa<MapOp, ContractOp>(op) || phaseRoleOf(op) != PhaseRole::PerSample ||
          llvm::any_of(op->getResultTypes(), hasTime))
        return false;
      for (Value operand : op->getOperands())
        if (hasTime(operand.getType()) || (operand.getDefiningOp() && !visit(operand.getDefiningOp())))
          return false;
      needed.insert(op);
      return true;
    };
    if (!visit(op))
      return false;
    before.insert(needed.begin(), needed.end());
    return true;
  }

  static void split(BatchMapOp phase, const llvm::SetVector<Operation *> &before) {
    Block &body = phase.getBody().front();
    PartsOp parts = phase.getYield();
    OpBuilder builder(phase);
    // What the first phase takes, and what it gives: to ops of the second, or in its stead to others.
    llvm::SetVector<Value> sharded, invariant, given;
    for (Operation *op : before) {
      for (Value operand : op->getOperands())
        if (!operand.getDefiningOp())
          (hasSamples(operand.getType()) ? sharded : invariant).insert(operand);
      for (Value result : op->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !before.contains(user); }))
          given.insert(result);
    }
    auto outside = [&](const llvm::SetVector<Value> &arguments) {
      return llvm::to_vector(llvm::map_range(arguments, [&](Value argument) -> Value {
        return phase->getOperand(cast<BlockArgument>(argument).getArgNumber());
      }));
    };
    auto types = llvm::to_vector(llvm::map_range(given, [](Value value) { return value.getType(); }));
    auto first = BatchMapOp::create(builder, phase.getLoc(), types, TypeRange(), outside(sharded), outside(invariant));
    Block *start = builder.createBlock(&first.getBody());
    IRMapping mapping;
    for (const llvm::SetVector<Value> *arguments : {&sharded, &invariant})
      for (Value argument : *arguments)
        mapping.map(argument, start->addArgument(argument.getType(), argument.getLoc()));
    for (Operation *op : before)
      builder.clone(*op, mapping);
    SmallVector<Value> results;
    for (Value value : given)
      results.push_back(mapping.lookup(value));
    PartsOp::create(builder, phase.getLoc(), results, ValueRange());

    // The second phase gives what only it has, and reads what the first one gives and what else it still needs.
    SmallVector<Value> concat, replaced;
    SmallVector<Type> concatTypes;
    for (auto [value, result] : llvm::zip(parts.getConcat(), phase.getConcat())) {
      auto found = llvm::find(given, value);
      if (found != given.end()) {
        result.replaceAllUsesWith(first.getConcat()[found - given.begin()]);
        continue;
      }
      concat.push_back(value);
      concatTypes.push_back(value.getType());
      replaced.push_back(result);
    }
    auto isRead = [&](Value value) {
      return llvm::any_of(value.getUsers(),
                          [&](Operation *user) { return !before.contains(user) && !isa<PartsOp>(user); });
    };
    SmallVector<Value> taken(phase.getSharded()), all(phase.getInvariant());
    for (auto [value, result] : llvm::zip(given, first.getConcat()))
      if (isRead(value)) {
        BlockArgument argument = body.insertArgument(taken.size(), value.getType(), value.getLoc());
        taken.push_back(result);
        Value(value).replaceUsesWithIf(argument, [&](OpOperand &use) { return !before.contains(use.getOwner()); });
      }
    parts.getConcatMutable().assign(concat);
    for (Operation *op : llvm::reverse(before))
      op->erase();
    for (unsigned index = body.getNumArguments(); index-- > 0;)
      if (body.getArgument(index).use_empty()) {
        body.eraseArgument(index);
        SmallVector<Value> &from = index < taken.size() ? taken : all;
        from.erase(from.begin() + (index < taken.size() ? index : index - taken.size()));
      }
    builder.setInsertionPoint(phase);
    auto second = BatchMapOp::create(builder, phase.getLoc(), concatTypes, phase.getSum().getTypes(), taken, all);
    second.getBody().takeBody(phase.getBody());
    second->setDiscardableAttrs(phase->getDiscardableAttrDictionary());
    for (auto [old, now] : llvm::zip(replaced, second.getConcat()))
      old.replaceAllUsesWith(now);
    phase.getSum().replaceAllUsesWith(second.getSum());
    phase.erase();
  }
};

} // namespace
} // namespace snn::core
