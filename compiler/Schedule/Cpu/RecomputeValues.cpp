// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a phase gives to a later one stays in memory for the whole batch. What is made in few steps out of something
// else that stays, the later phase makes again, for the samples at hand.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Phases.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_RECOMPUTEVALUES
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// Whether an op costs about as much as loading and storing what it gives: elements, each out of few.
bool isCheap(Operation *op) {
  constexpr int64_t kTerms = 64;
  if (auto fold = dyn_cast<FoldOp>(op)) {
    int64_t terms = 1;
    for (int64_t dim : fold.getAlong())
      terms *= fold.getDomain()[dim] > 0 ? fold.getDomain()[dim] : kTerms + 1;
    return terms <= kTerms;
  }
  auto scan = dyn_cast<ScanOp>(op);
  return scan ? isPointwise(scan) : isa<MapOp>(op);
}

/// The phase that gives `value` for each sample, and which of its results that is.
std::pair<BatchMapOp, unsigned> giverOf(Value value) {
  auto phase = value.getDefiningOp<BatchMapOp>();
  return {phase, phase ? cast<OpResult>(value).getResultNumber() : 0};
}

/// What a phase is given by earlier ones, which it is to compute itself.
class Recomputing {
public:
  Recomputing(BatchMapOp phase, int64_t leastBytes) : phase(phase), leastBytes(leastBytes) {}

  bool run() {
    // In the order of the text: what is made again may be used to make what comes later.
    SmallVector<Value> given;
    for (Value operand : phase.getSharded())
      if (giverOf(operand).first && isLarge(operand))
        given.push_back(operand);
    llvm::sort(given, [](Value one, Value other) {
      auto [phaseOfOne, number] = giverOf(one);
      auto [phaseOfOther, otherNumber] = giverOf(other);
      if (phaseOfOne != phaseOfOther)
        return phaseOfOne->isBeforeInBlock(phaseOfOther);
      Value first = phaseOfOne.getYield().getConcat()[number],
            second = phaseOfOther.getYield().getConcat()[otherNumber];
      Operation *op = first.getDefiningOp(), *otherOp = second.getDefiningOp();
      return op && otherOp && op != otherOp ? op->isBeforeInBlock(otherOp) : number < otherNumber;
    });
    bool changed = false;
    for (Value value : given) {
      auto [giver, number] = giverOf(value);
      Value inside = giver.getYield().getConcat()[number];
      if (!inside.getDefiningOp() || !canMake(inside, giver, value))
        continue;
      const int64_t before = made;
      argumentOf(value).replaceAllUsesWith(make(inside, giver, value));
      if (auto remark = remarks::chosen(inside.getDefiningOp(), remarks::kMemory, "again"))
        remark << remark::add("a later phase computes the value again, with {0}", remarks::counted(made - before, "op"))
               << remarks::because("it would stay in memory for the whole batch")
               << remark::metric("bytes of a sample and step", bytesOf(value));
      removeOperand(value);
      changed = true;
    }
    return changed;
  }

private:
  static int64_t bytesOf(Value value) {
    return layoutOf(cast<ArrayType>(value.getType()), /*parameterLike=*/false).bytes();
  }
  bool isLarge(Value value) const { return bytesOf(value) >= leastBytes; }

  /// Whether the phase may read a value of the function: of samples those that stay until then anyway.
  bool isAtHand(Value value, Value wanted) {
    if (value == wanted)
      return false;
    if (!hasSamples(value.getType()) || isa<BlockArgument>(value))
      return true;
    return llvm::any_of(value.getUsers(),
                        [&](Operation *user) { return user == phase || phase->isBeforeInBlock(user); });
  }

  /// A result of `giver` that is `value` within it and at hand.
  Value givenAs(Value value, BatchMapOp giver, Value wanted) {
    for (auto [inside, result] : llvm::zip_equal(giver.getYield().getConcat(), giver.getConcat()))
      if (inside == value && isAtHand(result, wanted))
        return result;
    return {};
  }

  bool canMake(Value value, BatchMapOp giver, Value wanted) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return isAtHand(giver->getOperand(argument.getArgNumber()), wanted);
    if (givenAs(value, giver, wanted))
      return true;
    Operation *op = value.getDefiningOp();
    return isCheap(op) &&
           llvm::all_of(op->getOperands(), [&](Value operand) { return canMake(operand, giver, wanted); });
  }

  Value make(Value value, BatchMapOp giver, Value wanted) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return argumentOf(giver->getOperand(argument.getArgNumber()));
    if (Value known = again.lookupOrNull(value))
      return known;
    if (Value given = givenAs(value, giver, wanted))
      return argumentOf(given);
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      again.map(operand, make(operand, giver, wanted));
    OpBuilder builder = OpBuilder::atBlockBegin(&phase.getBody().front());
    if (last)
      builder.setInsertionPointAfter(last);
    last = builder.clone(*op, again);
    ++made;
    return again.lookup(value);
  }

  /// A value of the function in the phase, which is given it if it does not have it.
  Value argumentOf(Value value) {
    Block &body = phase.getBody().front();
    for (auto [operand, argument] : llvm::zip_equal(phase->getOperands(), body.getArguments()))
      if (operand == value)
        return argument;
    const bool sharded = hasSamples(value.getType());
    const unsigned index = phase.getSharded().size() + (sharded ? 0 : phase.getInvariant().size());
    (sharded ? phase.getShardedMutable() : phase.getInvariantMutable()).append(value);
    return body.insertArgument(index, value.getType(), value.getLoc());
  }

  void removeOperand(Value value) {
    const unsigned index = llvm::find(phase.getSharded(), value) - phase.getSharded().begin();
    phase.getShardedMutable().erase(index);
    phase.getBody().front().eraseArgument(index);
  }

  BatchMapOp phase;
  int64_t leastBytes;
  IRMapping again;
  Operation *last = nullptr; ///< of what was made
  int64_t made = 0;          ///< ops
};

/// Drops what a phase gives to nobody, what is left without a use in its body, and what it need not be given then.
void tidy(BatchMapOp phase) {
  PartsOp parts = phase.getYield();
  SmallVector<Type> kept;
  SmallVector<Value> results;
  for (unsigned index = phase.getConcat().size(); index-- > 0;) {
    if (phase.getConcat()[index].use_empty()) {
      parts.getConcatMutable().erase(index);
      continue;
    }
    kept.insert(kept.begin(), phase.getConcat()[index].getType());
    results.insert(results.begin(), phase.getConcat()[index]);
  }
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(phase.getBody().front())))
    if (op.use_empty() && &op != parts)
      op.erase();
  Block &body = phase.getBody().front();
  for (unsigned index = body.getNumArguments(); index-- > 0;)
    if (body.getArgument(index).use_empty()) {
      const unsigned sharded = phase.getSharded().size();
      if (index < sharded)
        phase.getShardedMutable().erase(index);
      else
        phase.getInvariantMutable().erase(index - sharded);
      body.eraseArgument(index);
    }
  if (kept.size() == phase.getConcat().size())
    return;
  OpBuilder builder(phase);
  auto smaller = BatchMapOp::create(builder, phase.getLoc(), kept, phase.getSum().getTypes(), phase.getSharded(),
                                    phase.getInvariant());
  smaller.getBody().takeBody(phase.getBody());
  for (auto [old, result] : llvm::zip_equal(results, smaller.getConcat()))
    old.replaceAllUsesWith(result);
  phase.getSum().replaceAllUsesWith(smaller.getSum());
  phase.erase();
}

class RecomputeValues : public impl::RecomputeValuesBase<RecomputeValues> {
public:
  using RecomputeValuesBase::RecomputeValuesBase;

private:
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || leastBytes < 0)
      return;
    bool changed = false;
    for (auto phase : function.getBody().front().getOps<BatchMapOp>())
      changed |= Recomputing(phase, leastBytes).run();
    if (!changed)
      return;
    // From the last one on: what it does not read any more, an earlier one need not give.
    auto phases = llvm::to_vector(function.getBody().front().getOps<BatchMapOp>());
    for (BatchMapOp phase : llvm::reverse(phases))
      tidy(phase);
  }
};

} // namespace
} // namespace snn::core
