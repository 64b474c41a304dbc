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

bool isWithHost(Value value) {
  Operation *op = value.getDefiningOp();
  return op && !isView(op) && !needsPlace(value) && !homeOf(value);
}

Value evaluate(ScalarEmitter &e, PlaceAttr place, const PlaceCounts &counts) {
  if (!place)
    return e.index(0);
  Value bytes = e.add(e.index(place.getFixed()), e.mul(counts.steps, place.getSteps()));
  bytes = e.add(bytes, e.mul(counts.samples, place.getSamples()));
  bytes = e.add(bytes, e.mul(e.mul(counts.samples, counts.steps), place.getRows()));
  if (!counts.segments || place.getSegments() == 0)
    return bytes;
  return e.add(bytes, e.mul(e.mul(counts.samples, counts.segments), place.getSegments()));
}

static PlaceAttr arenaOf(Operation *op) { return op->getAttrOfType<PlaceAttr>(kArenaAttr); }

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
  FunctionPlan plan{function, steps, {}};
  if (isOfWindow(function.getName()))
    plan.mostSteps = getModel(function->getParentOfType<ModuleOp>()).getWindow();
  llvm::DenseMap<Operation *, size_t> stageOf;
  for (Operation &op : function.getBody().front().without_terminator()) {
    if (isView(&op))
      continue;
    auto kernel = op.getAttrOfType<KernelAttr>(kKernelAttr);
    Stage::Kind kind = isa<BatchMapOp>(op)                                          ? Stage::Kind::Phase
                       : op.hasAttr(kTaskRowsAttr)                                  ? Stage::Kind::Maps
                       : isSum(&op) && kernel && kernel.getValue() != Kernel::Loops ? Stage::Kind::Tiles
                                                                                    : Stage::Kind::Serial;
    size_t end = plan.stages.size(), first = end == 0 ? 0 : end - 1;
    if (mayMove(&op)) {
      first = 0;
      for (Value operand : op.getOperands())
        if (Operation *source = resolveView(operand).getDefiningOp())
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
  }
  return plan;
}

/// Of a phase's sums, each once.
static SmallVector<SumClass> classesOf(BatchMapOp phase) {
  SmallVector<SumClass> classes;
  for (Value value : phase.getYield().getSum())
    if (SumClass sum = *SumClass::of(reductionOf(value)); !llvm::is_contained(classes, sum))
      classes.push_back(sum);
  return classes;
}

/// Tasks that have several parts each, as many as a chunk takes while workers have about the same to do: one task each,
/// or at least two.
static Value joinParts(ScalarEmitter &e, const Division &division, int64_t mostParts, Value workers) {
  workers = e.maximum(workers, e.index(1));
  Value joined = division.tasks;
  Value units = e.div(e.add(division.units, e.sub(division.tasks, e.index(1))), division.tasks);
  Value samples = e.mul(units, division.unit); // of a part at most
  for (int64_t parts = 2; parts <= mostParts; parts *= 2) {
    Value tasks = e.div(division.tasks, parts);
    Value uneven = e.both(e.below(tasks, e.mul(workers, 2)), e.differs(tasks, workers));
    Value tooMany = e.below(division.chunk, e.mul(samples, parts));
    joined = e.select(e.either(tooMany, uneven), joined, tasks);
  }
  return joined;
}

Division divide(ScalarEmitter &e, BatchMapOp phase, Value batch, Value steps, Value workers) {
  const int64_t chunk = integerOf(phase, kChunkAttr, 1);
  SmallVector<SumClass> classes = classesOf(phase);
  if (classes.empty())
    return Division::of(e, std::nullopt, chunk, batch, steps, workers);
  Division division = Division::of(e, classes.front(), chunk, batch, steps);
  int64_t mostParts = classes.front().maxParts;
  const bool joins = phase->hasAttr(kJoinsPartsAttr);
  division.joinsParts = joins || classes.size() > 1;
  for (const SumClass &sum : ArrayRef(classes).drop_front()) {
    mostParts = std::max(mostParts, sum.maxParts);
    Division own = Division::of(e, sum, chunk, batch, steps);
    division.tasks = e.minimum(division.tasks, own.tasks);
    division.slots = e.maximum(division.slots, own.slots);
    division.levels = e.maximum(division.levels, own.levels);
  }
  if (workers && joins)
    division.tasks = joinParts(e, division, mostParts, workers);
  return division;
}

SegmentCounts SegmentCounts::of(ScalarEmitter &e, SegmentsOp op, Value steps) {
  if (!op.getLength())
    return {e.index(1), steps};
  return {e.ceilDiv(steps, *op.getLength()), e.minimum(steps, e.index(*op.getLength()))};
}

PlaceCounts countsOf(ScalarEmitter &e, BatchMapOp phase, Value chunk, Value steps) {
  PlaceCounts counts{chunk, steps};
  for (auto segments : phase.getBody().getOps<SegmentsOp>())
    counts.segments = SegmentCounts::of(e, segments, steps).count;
  return counts;
}

Value ownBytes(ScalarEmitter &e, BatchMapOp phase, Value chunk, Value steps) {
  return evaluate(e, arenaOf(phase), countsOf(e, phase, chunk, steps));
}

/// Of a worker, for a chunk: the phase's arena and the largest of its segments'.
static Value phaseBytes(ScalarEmitter &e, BatchMapOp phase, Value chunk, Value steps) {
  Value inSegments = e.index(0);
  for (auto segments : phase.getBody().getOps<SegmentsOp>()) {
    PlaceCounts counts{chunk, SegmentCounts::of(e, segments, steps).longest};
    inSegments = e.maximum(inSegments, evaluate(e, arenaOf(segments), counts));
  }
  return e.add(ownBytes(e, phase, chunk, steps), inSegments);
}

Value ArenaOffsets::evaluate(ScalarEmitter &e, const Multiples &multiples) const {
  static_assert(FaultRecord::kBytes * Division::kMaxTasks == kernels::kFaultBytes);
  Value end = e.index(faultBytes);
  for (auto [count, multiple] : llvm::zip(counts, multiples))
    end = e.add(end, e.mul(count, multiple));
  return end;
}

ArenaOffsets ArenaOffsets::of(Emitter &e, const FunctionPlan &plan, Value batch, Value steps, Value workers) {
  ArenaOffsets offsets;
  if (isStreaming(plan.function->getParentOfType<ModuleOp>()))
    offsets.faultBytes = kernels::kStreamFaultBytes;
  SmallVector<SmallVector<SumClass>> seen; // what a count belongs to
  Multiples end;
  auto reserve = [&](Operation *op, ArrayRef<SumClass> classes, const Division &division, int64_t bytes) {
    offsets.bytes[op] = end;
    if (classes.empty())
      return;
    size_t number = llvm::find(seen, classes) - seen.begin();
    if (number == seen.size()) {
      seen.emplace_back(classes);
      offsets.counts.push_back(e.mul(division.slots, division.levels));
      end.push_back(0);
    }
    end[number] += bytes;
  };
  Value workerBytes = e.index(0);
  Place scratch;
  for (const Stage &stage : plan.stages) {
    // Contracts of the whole batch work in the memory of their task's worker.
    if (stage.kind == Stage::Kind::Tiles)
      for (Operation *op : stage.ops) {
        const SumClass sum = *SumClass::of(op);
        reserve(op, sum, Division::of(e, sum, 1, batch, steps), layoutOf(op->getResult(0)).bytes());
        scratch = scratch.atLeast(productScratch(cast<ContractOp>(op)));
      }
    if (stage.kind != Stage::Kind::Phase)
      continue;
    BatchMapOp phase = stage.phase();
    Division division = divide(e, phase, batch, steps);
    reserve(phase, classesOf(phase), division, offsetOfSum(phase, phase.getSum().size()));
    workerBytes = e.maximum(workerBytes, phaseBytes(e, phase, division.chunk, steps));
  }
  PlaceAttr ofTiles = scratch.attribute(e.b.getContext());
  workerBytes = e.maximum(workerBytes, core::evaluate(e, ofTiles, {batch, steps}));
  offsets.shared = offsets.evaluate(e, end);
  offsets.workers = e.add(offsets.shared, core::evaluate(e, arenaOf(plan.function), {batch, steps}));
  offsets.workerBytes = workerBytes;
  offsets.total = e.add(offsets.workers, e.mul(workerBytes, workers));
  return offsets;
}

OffsetsFunction::OffsetsFunction(ModuleOp module, Emitter &like, const FunctionPlan &plan) : plan(plan) {
  if (isStreaming(module))
    return;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Type index = builder.getIndexType();
  std::string name = ("snn_offsets_" + plan.function.getName()).str();
  function = func::FuncOp::create(builder, like.b.getLoc(), name, builder.getFunctionType({index, index, index}, {}));
  function.setPrivate();
  function->setAttr("passthrough", builder.getStrArrayAttr({"noinline"}));
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  Emitter e(like.b.getLoc(), builder, like.real, like.target);
  Value steps = plan.steps ? e.index(*plan.steps) : block->getArgument(1);
  inside = ArenaOffsets::of(e, plan, block->getArgument(0), steps, block->getArgument(2));
  SmallVector<Value> values;
  forEachValue(inside, [&](Value &value) { values.push_back(value); });
  func::ReturnOp::create(e.b, values);
  function.setFunctionType(builder.getFunctionType({index, index, index}, ValueRange(values).getTypes()));
}

ArenaOffsets OffsetsFunction::call(Emitter &e, Value batch, Value steps, Value workers) const {
  if (!function)
    return ArenaOffsets::of(e, plan, batch, steps, workers);
  auto call = func::CallOp::create(e.b, function, ValueRange{batch, steps, workers});
  ArenaOffsets offsets = inside;
  unsigned next = 0;
  forEachValue(offsets, [&](Value &value) { value = call.getResult(next++); });
  return offsets;
}

} // namespace snn::core
