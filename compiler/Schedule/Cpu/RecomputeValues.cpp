// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a phase gives to a later one stays in memory for the whole batch. What is made in few steps out of something
// else that stays, the later phase makes again, for the samples at hand.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/FuseMaps.h"
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

/// What a phase makes again.
struct Again {
  IRMapping values; ///< of the body of an earlier phase
  Operation *last = nullptr;
  int64_t made = 0; ///< ops
};

/// What phases and the sums between them are given by earlier phases, and are to compute themselves.
class Recomputing {
public:
  explicit Recomputing(int64_t leastBytes) : leastBytes(leastBytes) {}

  /// In the order of the text: what is made again may be used to make what comes later.
  bool run(func::FuncOp function) {
    bool changed = false;
    for (auto phase : function.getBody().front().getOps<BatchMapOp>()) {
      auto numbers = llvm::to_vector(llvm::seq<unsigned>(0, phase.getConcat().size()));
      auto concat = phase.getYield().getConcat();
      llvm::sort(numbers, [&](unsigned one, unsigned other) {
        Operation *op = concat[one].getDefiningOp(), *otherOp = concat[other].getDefiningOp();
        return op && otherOp && op != otherOp ? op->isBeforeInBlock(otherOp) : one < other;
      });
      for (unsigned number : numbers)
        if (bytesOf(phase.getConcat()[number]) >= leastBytes && concat[number].getDefiningOp())
          changed |= replace(phase, phase.getConcat()[number], concat[number]);
    }
    return changed;
  }

private:
  static int64_t bytesOf(Value value) {
    return layoutOf(cast<ArrayType>(value.getType()), /*parameterLike=*/false).bytes();
  }

  /// Those who read the value make it, if it need not stay for another one then.
  bool replace(BatchMapOp giver, Value value, Value inside) {
    giverOfWanted = giver;
    wanted = value;
    SmallVector<Operation *> users(value.getUsers());
    llvm::sort(users, [](Operation *one, Operation *other) { return one->isBeforeInBlock(other); });
    users.erase(llvm::unique(users), users.end());
    // As long as one cannot, all before it may as well read what it reads.
    auto firstAble = [&](bool replacing) {
      mayReplace = replacing;
      stays = Value();
      auto isUnable = [&](Operation *user) { return !canMakeFor(user, inside); };
      return llvm::find_if(llvm::reverse(users), isUnable).base();
    };
    auto *able = firstAble(false);
    if (able != users.begin()) {
      able = firstAble(true);
      if (able != users.begin())
        able = firstAble(false);
    }
    for (Operation *user : llvm::make_range(able, users.end()))
      makeFor(user, inside);
    return able != users.end();
  }

  bool canMakeFor(Operation *op, Value inside) {
    user = op;
    if (isa<BatchMapOp>(op))
      return canMake(inside);
    // What stands between phases has no memory of its own for what it reads.
    auto fold = dyn_cast<FoldOp>(op);
    auto map = inside.getDefiningOp<MapOp>();
    return fold && map &&
           llvm::all_of(map.getInputs(),
                        [&](Value input) {
                          Value given = functionValue(input);
                          return given && !(isa<BlockArgument>(given) && hasSamples(given.getType()));
                        }) &&
           llvm::all_of(fold->getOpOperands(), [&](OpOperand &operand) {
             return operand.get() != wanted ||
                    canFuseIntoFold(fold, operand.getOperandNumber(), map, cast<OpResult>(inside));
           });
  }

  void makeFor(Operation *op, Value inside) {
    user = op;
    int64_t ops = 1;
    if (auto phase = dyn_cast<BatchMapOp>(op)) {
      Again &again = ofPhases[phase];
      const int64_t before = again.made;
      argumentOf(phase, wanted).replaceAllUsesWith(make(phase, again, inside));
      ops = again.made - before;
      removeOperand(phase, wanted);
    } else {
      auto fold = cast<FoldOp>(op);
      auto map = inside.getDefiningOp<MapOp>();
      SmallVector<Value> inputs =
          llvm::map_to_vector(map.getInputs(), [&](Value input) { return functionValue(input); });
      for (unsigned index = fold.getInputs().size(); index-- > 0;)
        if (fold.getInputs()[index] == wanted)
          fuseIntoFold(fold, index, map, cast<OpResult>(inside), inputs);
    }
    if (auto remark = remarks::chosen(inside.getDefiningOp(), remarks::kMemory, "again"))
      remark << remark::add("{0} computes the value again, with {1}",
                            isa<BatchMapOp>(op) ? "a later phase" : "a later sum", remarks::counted(ops, "op"))
             << remarks::because("it would stay in memory for the whole batch")
             << remark::metric("bytes of a sample and step", bytesOf(wanted));
  }

  /// Whether the user may read a value of the function: of samples those that stay until then anyway.
  bool isAtHand(Value value) {
    if (value == wanted)
      return false;
    if (!hasSamples(value.getType()) || isa<BlockArgument>(value))
      return true;
    return llvm::any_of(value.getUsers(), [&](Operation *other) {
      return other == user || (other->getBlock() == user->getBlock() && user->isBeforeInBlock(other));
    });
  }

  /// One value for another: what the same phase gives and is no larger stays longer, as the one that is wanted is gone.
  bool mayStay(Value value) {
    if (!mayReplace || value == wanted || (stays && stays != value) || bytesOf(value) > bytesOf(wanted))
      return false;
    stays = value;
    return true;
  }

  /// What the phase that gives the wanted value gives as `value` of its body, if the user may read that.
  Value givenAs(Value value) {
    for (auto [inside, result] : llvm::zip_equal(giverOfWanted.getYield().getConcat(), giverOfWanted.getConcat()))
      if (inside == value && (isAtHand(result) || mayStay(result)))
        return result;
    return {};
  }

  /// The same for what that phase is given, too.
  Value functionValue(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument)
      return givenAs(value);
    Value operand = giverOfWanted->getOperand(argument.getArgNumber());
    return isAtHand(operand) ? operand : Value();
  }

  bool canMake(Value value) {
    if (functionValue(value))
      return true;
    Operation *op = value.getDefiningOp();
    return op && isCheap(op) && llvm::all_of(op->getOperands(), [&](Value operand) { return canMake(operand); });
  }

  Value make(BatchMapOp phase, Again &again, Value value) {
    if (Value known = again.values.lookupOrNull(value))
      return known;
    if (Value given = functionValue(value))
      return argumentOf(phase, given);
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      again.values.map(operand, make(phase, again, operand));
    OpBuilder builder = OpBuilder::atBlockBegin(&phase.getBody().front());
    if (again.last)
      builder.setInsertionPointAfter(again.last);
    again.last = builder.clone(*op, again.values);
    ++again.made;
    return again.values.lookup(value);
  }

  /// A value of the function in the phase, which is given it if it does not have it.
  static Value argumentOf(BatchMapOp phase, Value value) {
    Block &body = phase.getBody().front();
    for (auto [operand, argument] : llvm::zip_equal(phase->getOperands(), body.getArguments()))
      if (operand == value)
        return argument;
    const bool sharded = hasSamples(value.getType());
    const unsigned index = phase.getSharded().size() + (sharded ? 0 : phase.getInvariant().size());
    (sharded ? phase.getShardedMutable() : phase.getInvariantMutable()).append(value);
    return body.insertArgument(index, value.getType(), value.getLoc());
  }

  static void removeOperand(BatchMapOp phase, Value value) {
    const unsigned index = llvm::find(phase.getSharded(), value) - phase.getSharded().begin();
    phase.getShardedMutable().erase(index);
    phase.getBody().front().eraseArgument(index);
  }

  int64_t leastBytes;
  llvm::MapVector<Operation *, Again> ofPhases;
  // What is asked about at the moment: a value of the function, and who is to make it.
  BatchMapOp giverOfWanted;
  Value wanted;
  Operation *user = nullptr;
  bool mayReplace = false; ///< wanted by `stays`, for all users
  Value stays;
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
    if (!Recomputing(leastBytes).run(function))
      return;
    // From the last one on: what it does not read any more, an earlier one need not give.
    auto phases = llvm::to_vector(function.getBody().front().getOps<BatchMapOp>());
    for (BatchMapOp phase : llvm::reverse(phases))
      tidy(phase);
  }
};

} // namespace
} // namespace snn::core
