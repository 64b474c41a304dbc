// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cuts a function into phases. Within a phase samples are independent, so that a few of them run through all of its ops
// before the next ones start; a reduction over samples ends one.

#include "compiler/Schedule/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_FORMPHASES
#include "compiler/Schedule/Passes.h.inc"

namespace {

using namespace core;

bool hasSamples(Type type) {
  auto array = dyn_cast<ArrayType>(type);
  return array && array.sampleDim() >= 0;
}

/// Where an op belongs: to a phase if it computes for each sample or reduces over them, else between phases. How many
/// samples there are, a sum of ones, needs no sample: what is divided by it need not wait for a phase.
enum class Place { PerSample, Reducing, Whole };

Place placeOf(Operation *op) {
  if (auto indexed = dyn_cast<IndexedOpInterface>(op)) {
    if (indexed.reducesSamples())
      return llvm::any_of(op->getOperandTypes(), hasSamples) ? Place::Reducing : Place::Whole;
    return llvm::is_contained(indexed.getDomain(), ArrayType::kSample) ? Place::PerSample : Place::Whole;
  }
  // A scan in which samples meet at each step needs all of them at once.
  if (op->walk([](IndexedOpInterface inner) {
          return inner.reducesSamples() ? WalkResult::interrupt() : WalkResult::advance();
        }).wasInterrupted())
    return Place::Whole;
  return llvm::any_of(op->getResultTypes(), hasSamples) ? Place::PerSample : Place::Whole;
}

/// Ranks: phases are even, what stands between them is odd, and what depends on arguments alone may come before the
/// first phase, at -1.
class Ranks {
public:
  Ranks(func::FuncOp function, bool late) {
    for (Operation &op : function.getBody().front().without_terminator()) {
      place[&op] = placeOf(&op);
      rank[&op] = earliest(&op);
    }
    if (late)
      for (Operation &op : llvm::reverse(function.getBody().front().without_terminator()))
        moveLater(&op);
  }

  int of(Operation *op) const { return rank.lookup(op); }

private:
  /// The first rank at which a value can be read by an op of `place`.
  int availableAt(Value value, Place reader) const {
    Operation *definition = value.getDefiningOp();
    if (!definition)
      return reader == Place::Whole ? -1 : 0;
    int defined = rank.lookup(definition);
    switch (place.lookup(definition)) {
    case Place::PerSample:
      return reader == Place::Whole ? defined + 1 : defined;
    case Place::Reducing:
      return reader == Place::Whole ? defined + 1 : defined + 2;
    case Place::Whole:
      return reader == Place::Whole ? defined : defined + 1;
    }
    llvm_unreachable("all places are covered");
  }

  int earliest(Operation *op) const {
    Place reader = place.lookup(op);
    int first = reader == Place::Whole ? -1 : 0;
    for (Value operand : op->getOperands())
      first = std::max(first, availableAt(operand, reader));
    return first;
  }

  /// To the last phase that its users allow, if what then crosses from phase to phase is no more than before.
  void moveLater(Operation *op) {
    if (place.lookup(op) != Place::PerSample)
      return;
    int last = INT_MAX;
    for (Operation *user : op->getUsers()) {
      if (user->hasTrait<OpTrait::IsTerminator>())
        return; // a result is written where it is made
      last = std::min(last, rank.lookup(user));
    }
    if (last == INT_MAX || last <= rank.lookup(op))
      return;
    last -= last % 2;
    int64_t results = 0, operands = 0;
    for (Value result : op->getResults())
      results += sizeOf(result);
    for (Value operand : op->getOperands())
      if (hasSamples(operand.getType()) && !crossesAnyway(operand, op, last))
        operands += sizeOf(operand);
    if (operands <= results)
      rank[op] = last;
  }

  /// Whether `value` is there in phase `wanted` also without `op`.
  bool crossesAnyway(Value value, Operation *op, int wanted) const {
    Operation *definition = value.getDefiningOp();
    if (!definition || rank.lookup(definition) == wanted)
      return true;
    return llvm::any_of(value.getUsers(), [&](Operation *user) {
      return user != op && (user->hasTrait<OpTrait::IsTerminator>() || rank.lookup(user) >= wanted);
    });
  }

  /// In elements of one sample and step; times the steps as if there were many.
  static int64_t sizeOf(Value value) {
    auto type = cast<ArrayType>(value.getType());
    int64_t size = type.timeDim() >= 0 ? 64 : 1;
    for (int64_t extent : type.getShape())
      size *= extent > 0 ? extent : 1;
    return size * std::max(1u, type.getElementType().getIntOrFloatBitWidth());
  }

  llvm::DenseMap<Operation *, Place> place; ///< found once: it looks into the bodies of scans
  llvm::DenseMap<Operation *, int> rank;
};

class FormPhases : public impl::FormPhasesBase<FormPhases> {
public:
  using FormPhasesBase::FormPhasesBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    if (failed(splitScans(function)))
      return signalPassFailure();
    Ranks ranks(function, late);
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

private:
  /// Results of a scan that have no samples, although others have, get a scan of their own: they belong to no phase.
  LogicalResult splitScans(func::FuncOp function) {
    SmallVector<ScanOp> mixed;
    for (auto scan : function.getBody().front().getOps<ScanOp>())
      if (placeOf(scan) == Place::PerSample && !llvm::all_of(scan->getResultTypes(), hasSamples))
        mixed.push_back(scan);
    if (mixed.empty())
      return success();
    for (ScanOp scan : mixed) {
      OpBuilder builder(scan);
      Operation *whole = builder.clone(*scan);
      for (auto [result, copy] : llvm::zip(scan->getResults(), whole->getResults()))
        if (!hasSamples(result.getType()))
          result.replaceAllUsesWith(copy);
    }
    RewritePatternSet patterns(&getContext());
    ScanOp::getCanonicalizationPatterns(patterns, &getContext());
    return applyPatternsGreedily(function, std::move(patterns));
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
          (placeOf(op) == Place::Reducing ? sum : concat).insert(result);
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
