// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Phases go through time in segments: forward with checkpoints, then backward with each segment computed again.

#include "compiler/Schedule/Cpu/CallMemory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Sizes.h"
#include "compiler/Schedule/Phases.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_SEGMENTTIME
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// How an op of a phase goes through time.
enum class Pace {
  Whole,     ///< all of time at once, or it has none
  Step,      ///< each step alone
  Ascending, ///< a scan
  Descending,
  Sum, ///< over descending time, in whole blocks of segments
};

Pace paceOf(Operation *op) {
  if (auto scan = dyn_cast<ScanOp>(op))
    return scan.getReverse() ? Pace::Descending : Pace::Ascending;
  auto indexed = cast<IndexedOpInterface>(op);
  if (!llvm::is_contained(indexed.getDomain(), ArrayType::kTime) || !keepsToStep(indexed))
    return Pace::Whole;
  if (!reducesTime(indexed))
    return indexed.reducesSamples() || !llvm::all_of(op->getResultTypes(), hasTime) ? Pace::Whole : Pace::Step;
  // A sum for each sample is taken up from segment to segment by loops alone.
  const bool fits = op->getAttrOfType<OrderAttr>("order").getBlock() == kernels::kBlock;
  const bool loops =
      indexed.reducesSamples() || !isa<ContractOp>(op) || kernelOf(cast<ContractOp>(op)) == Kernel::Loops;
  return fits && loops ? Pace::Sum : Pace::Whole;
}

/// One phase: its ops go to the segments of the forward or of the backward pass, or stand beside them for all of time.
class Segmenter {
public:
  explicit Segmenter(BatchMapOp phase) : phase(phase), block(phase.getBody().front()), builder(phase.getContext()) {}

  /// Whether the phase has been cut. Not if nothing goes from step to step, or if passes would have to follow each
  /// other more often than forward, backward.
  bool run() {
    if (block.getOps<ScanOp>().empty() || !classify())
      return false;
    placeWhole();
    placeResults();
    fill(backward);
    for (Operation *scan : backward.ops.getArrayRef())
      if (pace[scan] == Pace::Ascending)
        forward.ops.insert(scan);
    fill(forward);
    write();
    return true;
  }

private:
  /// A pass over segments.
  struct Pass {
    bool reverse;
    llvm::SetVector<Operation *> ops = {};            ///< what runs in the segments
    llvm::SetVector<Value> inputs = {}, stacked = {}; ///< from outside; given for all of time
  };

  /// What an op rests on, directly or not.
  struct Origin {
    bool scans = false;    ///< forward scans
    bool middle = false;   ///< what is made of all of time behind the forward pass
    bool backward = false; ///< reverse scans
    bool sums = false;     ///< sums of the backward pass
  };

  bool classify() {
    llvm::SmallPtrSet<Operation *, 32> beforeReverse; // what reverse scans rest on
    for (Operation &op : llvm::reverse(block.without_terminator())) {
      pace[&op] = paceOf(&op);
      hasReverse |= pace[&op] == Pace::Descending;
      if (pace[&op] == Pace::Descending ||
          llvm::any_of(op.getUsers(), [&](Operation *user) { return beforeReverse.contains(user); }))
        beforeReverse.insert(&op);
    }
    for (Operation &op : block.without_terminator()) {
      Origin from;
      for (Value operand : op.getOperands())
        if (Operation *source = operand.getDefiningOp()) {
          const Origin other = origin.lookup(source);
          from.scans |= other.scans;
          from.middle |= other.middle || (pace[source] == Pace::Ascending && isLast(operand));
          from.backward |= other.backward;
          from.sums |= other.sums || (pace[source] == Pace::Descending && isLast(operand));
        }
      Pace &own = pace[&op];
      // Sums that the backward pass waits for have their terms for all of time; so has all that comes behind it.
      if (own == Pace::Sum && (!hasReverse || beforeReverse.contains(&op) || from.sums))
        own = Pace::Whole;
      if (own == Pace::Step && from.sums)
        own = Pace::Whole;
      switch (own) {
      case Pace::Whole:
        if (from.backward && beforeReverse.contains(&op))
          return false;
        from.middle |= from.scans;
        from.sums |= from.backward;
        break;
      case Pace::Ascending:
        if (from.middle || from.backward)
          return false;
        from.scans = true;
        break;
      case Pace::Descending:
        if (from.sums)
          return false;
        from.backward = true;
        break;
      case Pace::Sum:
        from.sums = true;
        break;
      case Pace::Step:
        break;
      }
      origin[&op] = from;
    }
    return true;
  }

  /// Whether a value is a last carry, which is there at the end of a pass.
  static bool isLast(Value value) {
    auto scan = value.getDefiningOp<ScanOp>();
    return scan && cast<OpResult>(value).getResultNumber() >= scan.getStacked().size();
  }

  /// Whether a value is made in the segments of the forward pass, whoever asks for it.
  bool isForward(Operation *op) {
    const Origin &from = origin[op];
    return pace[op] == Pace::Ascending || (pace[op] == Pace::Step && from.scans && !from.middle && !from.backward);
  }

  /// Makes a value available for all of time to an op outside of segments.
  void keep(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op || pace[op] == Pace::Whole)
      return;
    if (pace[op] == Pace::Sum)
      return; // of the backward pass, always
    if (origin[op].backward) {
      if (!isLast(value))
        backward.stacked.insert(value);
    } else if (isForward(op)) {
      forward.ops.insert(op);
      if (!isLast(value)) {
        forward.stacked.insert(value);
        kept.insert(value);
      }
    } else {
      pace[op] = Pace::Whole;
      for (Value operand : op->getOperands())
        keep(operand);
    }
  }

  void placeWhole() {
    for (Operation &op : block.without_terminator())
      if (pace[&op] == Pace::Whole)
        for (Value operand : op.getOperands())
          keep(operand);
    for (Operation &op : block.without_terminator())
      if (pace[&op] == Pace::Descending)
        for (Value init : cast<ScanOp>(op).getInit())
          keep(init);
  }

  /// What the phase gives comes from the pass that can make it; nobody needs it for all of time if only the host gets
  /// it.
  void placeResults() {
    PartsOp parts = phase.getYield();
    for (OpOperand &use : parts->getOpOperands()) {
      Value value = use.get();
      Operation *op = value.getDefiningOp();
      if (!op || pace[op] == Pace::Whole)
        continue;
      const bool isGiven = llvm::all_of(phase->getResult(use.getOperandNumber()).getUsers(),
                                        [](Operation *user) { return user->hasTrait<OpTrait::IsTerminator>(); });
      if (pace[op] == Pace::Step && origin[op].middle && hasReverse)
        backward.stacked.insert(value);
      else if (isGiven && hasTime(value.getType()) && !origin[op].backward && !origin[op].middle)
        forward.stacked.insert(value);
      else
        keep(value);
    }
    for (Operation &op : block.without_terminator())
      if (pace[&op] == Pace::Descending || pace[&op] == Pace::Sum)
        backward.ops.insert(&op);
  }

  /// All that the pass has to compute for what is asked of it.
  void fill(Pass &pass) {
    SmallVector<Value> asked(pass.stacked.begin(), pass.stacked.end());
    llvm::SmallPtrSet<Operation *, 32> known;
    auto visit = [&](Operation *op) {
      if (!known.insert(op).second)
        return;
      pass.ops.insert(op);
      auto scan = dyn_cast<ScanOp>(op);
      for (OpOperand &use : op->getOpOperands()) {
        const bool isInit = scan && use.getOperandNumber() >= scan->getNumOperands() - scan.getInit().size();
        if (!isInit)
          asked.push_back(use.get());
      }
    };
    for (Operation *op : llvm::to_vector(pass.ops))
      visit(op);
    while (!asked.empty()) {
      Value value = asked.pop_back_val();
      Operation *op = value.getDefiningOp();
      if (op && pace[op] != Pace::Whole && !isLast(value) && !(pass.reverse && kept.contains(value))) {
        visit(op);
        continue;
      }
      pass.inputs.insert(value);
      if (isLast(value))
        forward.ops.insert(op);
    }
  }

  /// The ops in their new order.
  void write() {
    Operation *end = block.getTerminator();
    builder.setInsertionPoint(end);
    SmallVector<Operation *> old = llvm::map_to_vector(block.without_terminator(), [](Operation &op) { return &op; });
    auto copyWhole = [&](auto which) {
      for (Operation *op : old)
        if (pace[op] == Pace::Whole && which(origin[op]))
          builder.clone(*op, outside);
    };
    copyWhole([](const Origin &from) { return !from.middle && !from.sums; });
    writePass(forward);
    copyWhole([](const Origin &from) { return from.middle && !from.sums; });
    writePass(backward);
    copyWhole([](const Origin &from) { return from.sums; });
    for (OpOperand &use : end->getOpOperands())
      use.set(outside.lookupOrDefault(use.get()));
    for (Operation *op : llvm::reverse(old))
      op->erase();
  }

  void writePass(Pass &pass) {
    if (pass.ops.empty())
      return;
    SmallVector<Value> cut, invariant, init, stacked(pass.stacked.begin(), pass.stacked.end());
    SmallVector<Type> stackedTypes, sumTypes, finalTypes;
    for (Value value : pass.inputs)
      (hasTime(value.getType()) ? cut : invariant).push_back(value);
    for (Value value : stacked)
      stackedTypes.push_back(value.getType());
    SmallVector<std::pair<ScanOp, unsigned>> carries, restored; // carried on; from a checkpoint
    SmallVector<Operation *> ops, sums;
    for (Operation &op : block.without_terminator()) {
      if (!pass.ops.contains(&op))
        continue;
      ops.push_back(&op);
      if (pace[&op] == Pace::Sum)
        sums.push_back(&op);
      if (auto scan = dyn_cast<ScanOp>(op))
        for (unsigned number = 0; number < scan.getInit().size(); ++number)
          (scan.getReverse() == pass.reverse ? carries : restored).emplace_back(scan, number);
    }
    auto outer = [&](ArrayRef<Value> values) {
      return llvm::map_to_vector(values, [&](Value value) { return outside.lookupOrDefault(value); });
    };
    SmallVector<Value> cutOperands = outer(cut);
    for (auto [scan, number] : restored)
      cutOperands.push_back(checkpoints.lookup(scan.getFinals()[number]));
    for (auto [scan, number] : carries) {
      init.push_back(outside.lookupOrDefault(scan.getInit()[number]));
      finalTypes.push_back(init.back().getType());
    }
    // Checkpoints for the pass that goes back.
    SmallVector<unsigned> saved;
    if (!pass.reverse)
      for (auto [index, carry] : llvm::enumerate(carries))
        if (backward.ops.contains(carry.first)) {
          saved.push_back(index);
          stackedTypes.push_back(CheckpointsType::of(cast<ArrayType>(finalTypes[index])));
        }
    for (Operation *sum : sums)
      sumTypes.push_back(sum->getResult(0).getType());

    auto segments = SegmentsOp::create(builder, phase.getLoc(), stackedTypes, sumTypes, finalTypes, cutOperands,
                                       outer(invariant), init, pass.reverse, IntegerAttr());
    OpBuilder::InsertionGuard guard(builder);
    Block *body = builder.createBlock(&segments.getBody());
    IRMapping inside;
    auto argument = [&](Type type) { return body->addArgument(type, phase.getLoc()); };
    for (Value value : cut)
      inside.map(value, argument(value.getType()));
    llvm::DenseMap<Value, Value> starts, ends; // carries of the segment, by the last ones of all
    for (auto [scan, number] : restored)
      starts[scan.getFinals()[number]] = argument(scan.getInit()[number].getType());
    for (Value value : invariant)
      inside.map(value, argument(value.getType()));
    for (auto [scan, number] : carries)
      starts[scan.getFinals()[number]] = argument(scan.getInit()[number].getType());
    for (Operation *op : ops) {
      auto scan = dyn_cast<ScanOp>(op);
      if (!scan) {
        builder.clone(*op, inside);
        continue;
      }
      IRMapping own = inside;
      auto copy = cast<ScanOp>(builder.clone(*op, own));
      for (auto [to, last] : llvm::zip_equal(copy.getInitMutable(), scan.getFinals()))
        to.set(starts.lookup(last));
      inside.map(scan.getStacked(), copy.getStacked());
      for (auto [last, ofSegment] : llvm::zip_equal(scan.getFinals(), copy.getFinals()))
        ends[last] = ofSegment;
    }
    SmallVector<Value> given = llvm::map_to_vector(stacked, [&](Value value) { return inside.lookup(value); }), added,
                       next;
    for (unsigned index : saved)
      given.push_back(starts.lookup(carries[index].first.getFinals()[carries[index].second]));
    for (Operation *sum : sums)
      added.push_back(inside.lookup(sum->getResult(0)));
    for (auto [scan, number] : carries)
      next.push_back(ends.lookup(scan.getFinals()[number]));
    SegmentOp::create(builder, phase.getLoc(), given, added, next);

    for (auto [value, result] : llvm::zip(stacked, segments.getStacked()))
      outside.map(value, result);
    for (auto [index, result] : llvm::zip_equal(saved, segments.getStacked().drop_front(stacked.size())))
      checkpoints[carries[index].first.getFinals()[carries[index].second]] = result;
    for (auto [sum, result] : llvm::zip_equal(sums, segments.getSum()))
      outside.map(sum->getResult(0), result);
    for (auto [carry, result] : llvm::zip_equal(carries, segments.getFinals()))
      outside.map(carry.first.getFinals()[carry.second], result);
  }

  BatchMapOp phase;
  Block &block;
  OpBuilder builder;
  llvm::DenseMap<Operation *, Pace> pace;
  llvm::DenseMap<Operation *, Origin> origin;
  Pass forward{false}, backward{true};
  bool hasReverse = false;
  llvm::DenseSet<Value> kept;               ///< of the forward pass, for all of time
  IRMapping outside;                        ///< old values to new ones
  llvm::DenseMap<Value, Value> checkpoints; ///< of scans, by their last carries
};

class SegmentTime : public impl::SegmentTimeBase<SegmentTime> {
public:
  using SegmentTimeBase::SegmentTimeBase;

private:
  void runOnOperation() override {
    std::optional<int64_t> limit = memoryLimitOf(getOperation());
    if (!limit)
      return;
    OwningOpRef<ModuleOp> whole = planWhole();
    if (!whole)
      return signalPassFailure();
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || mostStepsOf(function) <= kernels::kBlock)
        continue;
      const CallSize size{CallSize::of(getOperation(), batch, 1).batch, mostStepsOf(function)};
      if (CallMemory(whole->lookupSymbol<func::FuncOp>(function.getName())).bytes(size, size.steps) <= *limit)
        continue;
      for (auto phase : llvm::to_vector(function.getBody().front().getOps<BatchMapOp>()))
        Segmenter(phase).run();
    }
  }

  /// The module with a place for each value and no segments: to see what takes more than the limit. Null if that fails.
  OwningOpRef<ModuleOp> planWhole() {
    OwningOpRef<ModuleOp> whole = getOperation().clone();
    auto passes = PassManager::on<ModuleOp>(&getContext());
    passes.addPass(createMarkViews());
    passes.addPass(createMarkWanted());
    passes.addPass(createChooseChunk({.batch = batch, .steps = steps}));
    passes.addPass(createPlanArena({.batch = batch, .steps = steps}));
    return succeeded(passes.run(*whole)) ? std::move(whole) : nullptr;
  }
};

} // namespace
} // namespace snn::core
