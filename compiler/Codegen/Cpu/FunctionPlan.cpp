// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See FunctionPlan.h.

#include "compiler/Codegen/Cpu/FunctionPlan.h"

#include "compiler/Codegen/Host/Faults.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Products.h"

using namespace mlir;

namespace snn::core {

bool isSum(Operation *op) {
  auto indexed = dyn_cast<IndexedOpInterface>(op);
  auto fold = dyn_cast<FoldOp>(op);
  // Ones are counted, and the largest of all samples is found, without parts.
  return indexed && indexed.reducesSamples() && op->getNumOperands() > 0 && !(fold && fold.getKind() != FoldKind::Add);
}

int64_t integerOf(Operation *op, StringRef name, int64_t otherwise) {
  auto attribute = op->getAttrOfType<IntegerAttr>(name);
  return attribute ? attribute.getInt() : otherwise;
}

PlaceAttr placeOf(OpResult result) {
  auto places = result.getOwner()->getAttrOfType<ArrayAttr>(kPlacesAttr);
  return places && result.getResultNumber() < places.size() ? dyn_cast<PlaceAttr>(places[result.getResultNumber()])
                                                            : PlaceAttr();
}

Value evaluate(ScalarEmitter &e, PlaceAttr place, Value samples, Value steps) {
  if (!place)
    return e.index(0);
  Value bytes = e.add(e.index(place.getFixed()), e.mul(steps, place.getSteps()));
  bytes = e.add(bytes, e.mul(samples, place.getSamples()));
  return e.add(bytes, e.mul(e.mul(samples, steps), place.getRows()));
}

static PlaceAttr arenaOf(Operation *op) { return op->getAttrOfType<PlaceAttr>(kArenaAttr); }
static OrderAttr orderOf(Operation *op) { return op->getAttrOfType<OrderAttr>("order"); }

bool Stage::loads() const {
  return llvm::any_of(ops, [](Operation *op) { return op->hasAttr(kLoadAttr); });
}

/// An op may be done as soon as its operands are there if it writes to the host alone: a place in the arena is only
/// free from where the op stands.
static bool mayMove(Operation *op) {
  return isa<IndexedOpInterface>(op) && !op->hasAttr(kLoadAttr) &&
         llvm::none_of(op->getResults(), [](OpResult result) { return bool(placeOf(result)); });
}

/// Gradients of all layers that lie with the host come together: each stage ends with a barrier.
FunctionPlan FunctionPlan::of(func::FuncOp function, std::optional<int64_t> steps) {
  FunctionPlan plan{function, steps, {}, {}};
  llvm::DenseMap<Operation *, size_t> stageOf;
  for (Operation &op : function.getBody().front().without_terminator()) {
    auto kernel = op.getAttrOfType<KernelAttr>(kKernelAttr);
    Stage::Kind kind = isa<BatchMapOp>(op)                                          ? Stage::Kind::Phase
                       : isSum(&op) && kernel && kernel.getValue() != Kernel::Loops ? Stage::Kind::Tiles
                                                                                    : Stage::Kind::Serial;
    size_t end = plan.stages.size(), first = end == 0 ? 0 : end - 1;
    if (mayMove(&op)) {
      first = 0;
      for (Value operand : op.getOperands())
        if (Operation *source = operand.getDefiningOp())
          first = std::max(first, stageOf.lookup(source) + (kind == Stage::Kind::Serial ? 0 : 1));
    } else if (kind == Stage::Kind::Tiles) {
      first = end; // beside it, tiles of an op before it might still read what lay in its place
    }
    size_t at = kind == Stage::Kind::Phase ? end : first;
    while (at < end && plan.stages[at].kind != kind)
      ++at;
    if (at == end) {
      auto name = [&](StringRef what) {
        return ("snn_" + what + "_" + function.getName() + "_" + Twine(plan.stages.size())).str();
      };
      Stage stage{kind, {}, name("task"), ""};
      if (auto phase = dyn_cast<BatchMapOp>(op); phase && !phase.getSum().empty())
        stage.reduce = name("reduce");
      plan.stages.push_back(std::move(stage));
    }
    plan.stages[at].ops.push_back(&op);
    stageOf[&op] = at;
    if (isSum(&op))
      plan.sums.push_back(&op);
  }
  return plan;
}

IndexedOpInterface anySum(BatchMapOp phase) {
  for (Operation &op : phase.getBody().front().without_terminator())
    if (isSum(&op))
      return cast<IndexedOpInterface>(op);
  return nullptr;
}

Division Division::of(ScalarEmitter &e, IndexedOpInterface op, int64_t chunk, Value batch, Value steps) {
  Division division;
  if (!op) {
    division.unit = division.chunk = e.index(chunk);
    division.levels = e.index(1);
    division.tasks = e.minimum(e.ceilDiv(batch, chunk), e.index(ArenaOffsets::kMaxTasks));
    return division;
  }
  Runs runs = Runs::of(op);
  division.tasks = runs.parts(e, orderOf(op), batch, steps);
  division.unit = runs.samplesPerRun(e, steps);
  division.chunk = e.maximum(e.index(chunk), division.unit);
  division.levels = runs.levels(e, batch, steps);
  return division;
}

Value Division::begin(ScalarEmitter &e, Value i, Value batch) const {
  Value units = e.div(e.sub(e.add(batch, unit), e.index(1)), unit);
  return e.minimum(e.mul(e.div(e.mul(i, units), tasks), unit), batch);
}

int64_t sumBytes(Value value) { return llvm::alignTo(layoutOf(value).bytes(), SNN_ALIGNMENT); }

Value stepsOf(ScalarEmitter &e, Value value, Value steps) { return layoutOf(value).steps ? steps : e.index(1); }

Value ArenaOffsets::evaluate(ScalarEmitter &e, const Multiples &multiples) const {
  Value end = e.index(FaultRecord::kBytes * kMaxTasks);
  for (auto [count, multiple] : llvm::zip(counts, multiples))
    end = e.add(end, e.mul(count, multiple));
  return end;
}

ArenaOffsets ArenaOffsets::of(Emitter &e, const FunctionPlan &plan, Value batch, Value steps, Value workers) {
  ArenaOffsets offsets;
  struct Kind {
    Runs runs;
    OrderAttr order;
    bool hasSteps;
    bool operator==(const Kind &) const = default;
  };
  SmallVector<Kind> kinds;
  Multiples end;
  auto reserve = [&](Operation *op, IndexedOpInterface sum, int64_t bytes, bool hasSteps) {
    offsets.bytes[op] = end;
    if (!sum)
      return;
    Kind kind{Runs::of(sum), orderOf(sum), hasSteps};
    size_t number = llvm::find(kinds, kind) - kinds.begin();
    if (number == kinds.size()) {
      Division division = Division::of(e, sum, 1, batch, steps);
      Value count = e.mul(division.tasks, division.levels);
      offsets.counts.push_back(hasSteps ? e.mul(count, steps) : count);
      kinds.push_back(kind);
      end.push_back(0);
    }
    end[number] += bytes;
  };
  Value workerBytes = e.index(0);
  SmallVector<PlaceAttr> scratch;
  auto contains = [](PlaceAttr x, PlaceAttr y) {
    return x.getFixed() >= y.getFixed() && x.getSteps() >= y.getSteps() && x.getSamples() >= y.getSamples() &&
           x.getRows() >= y.getRows();
  };
  for (const Stage &stage : plan.stages) {
    // Contracts of the whole batch work in the memory of their task's worker.
    if (stage.kind == Stage::Kind::Tiles)
      for (Operation *op : stage.ops) {
        PlaceAttr place = productScratch(cast<ContractOp>(op)).attribute(op->getContext());
        if (llvm::any_of(scratch, [&](PlaceAttr other) { return contains(other, place); }))
          continue;
        llvm::erase_if(scratch, [&](PlaceAttr other) { return contains(place, other); });
        scratch.push_back(place);
      }
    if (stage.kind != Stage::Kind::Phase)
      continue;
    BatchMapOp phase = stage.phase();
    IndexedOpInterface sum = anySum(phase);
    reserve(phase, sum, integerOf(phase, kSumBytesAttr, 0), /*hasSteps=*/false);
    Division division = Division::of(e, sum, integerOf(phase, kChunkAttr, 1), batch, steps);
    workerBytes = e.maximum(workerBytes, core::evaluate(e, arenaOf(phase), division.chunk, steps));
  }
  for (PlaceAttr place : scratch)
    workerBytes = e.maximum(workerBytes, core::evaluate(e, place, batch, steps));
  for (Operation *op : plan.sums)
    reserve(op, cast<IndexedOpInterface>(op), sumBytes(op->getResult(0)), layoutOf(op->getResult(0)).steps);
  offsets.shared = offsets.evaluate(e, end);
  offsets.workers = e.add(offsets.shared, core::evaluate(e, arenaOf(plan.function), batch, steps));
  offsets.workerBytes = workerBytes;
  offsets.total = e.add(offsets.workers, e.mul(workerBytes, workers));
  return offsets;
}

} // namespace snn::core
