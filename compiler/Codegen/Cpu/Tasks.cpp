// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Tasks.h.

#include "compiler/Codegen/Cpu/Tasks.h"

#include "compiler/Codegen/Cpu/Outline.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace snn::core {
namespace {

constexpr llvm::StringLiteral kLossName = "loss"; ///< has a field of its own
constexpr int64_t kReduceElements = 16384;        ///< of a sum that one task adds up
constexpr int64_t kTileInputs = 64;               ///< rows of a gradient of the whole batch that one task computes

bool isSum(Operation *op) {
  auto indexed = dyn_cast<IndexedOpInterface>(op);
  auto fold = dyn_cast<FoldOp>(op);
  // Ones are counted, and the largest of all samples is found, without parts.
  return indexed && indexed.reducesSamples() && op->getNumOperands() > 0 && !(fold && fold.getKind() != FoldKind::Add);
}

int64_t integer(Operation *op, StringRef name, int64_t otherwise) {
  auto attribute = op->getAttrOfType<IntegerAttr>(name);
  return attribute ? attribute.getInt() : otherwise;
}

Value evaluate(ScalarEmitter &e, PlaceAttr place, Value samples, Value steps) {
  if (!place)
    return e.index(0);
  Value bytes = e.add(e.index(place.getFixed()), e.mul(steps, place.getSteps()));
  bytes = e.add(bytes, e.mul(samples, place.getSamples()));
  return e.add(bytes, e.mul(e.mul(samples, steps), place.getRows()));
}

PlaceAttr arenaOf(Operation *op) { return op->getAttrOfType<PlaceAttr>(kArenaAttr); }

Runs runsOf(Operation *op) { return Runs::of(cast<IndexedOpInterface>(op)); }
OrderAttr orderOf(Operation *op) { return op->getAttrOfType<OrderAttr>("order"); }

/// The place of an op's result, or null.
PlaceAttr placeOf(OpResult result) {
  auto places = result.getOwner()->getAttrOfType<ArrayAttr>(kPlacesAttr);
  return places && result.getResultNumber() < places.size() ? dyn_cast<PlaceAttr>(places[result.getResultNumber()])
                                                            : PlaceAttr();
}

} // namespace

bool Stage::loads() const {
  return llvm::any_of(ops, [](Operation *op) { return op->hasAttr(kLoadAttr); });
}

/// An op may be done as soon as its operands are there if it writes to the host alone: a place in the arena is only
/// free from where the op stands.
static bool mayMove(Operation *op) {
  return isa<IndexedOpInterface>(op) && !op->hasAttr(kLoadAttr) &&
         llvm::none_of(op->getResults(), [](OpResult result) { return bool(placeOf(result)); });
}

/// Gradients of all layers come together: each stage ends with a barrier.
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

IndexedOpInterface TaskWriter::anySum(BatchMapOp phase) {
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

/// Of a sum, or of each of its steps if it has some.
static int64_t bytesOf(Value value) { return llvm::alignTo(layoutOf(value).bytes(), SNN_ALIGNMENT); }

static Value stepsOf(Emitter &e, Value value, Value steps) { return layoutOf(value).steps ? steps : e.index(1); }

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
    IndexedOpInterface sum = TaskWriter::anySum(phase);
    reserve(phase, sum, integer(phase, kSumBytesAttr, 0), /*hasSteps=*/false);
    Division division = Division::of(e, sum, integer(phase, kChunkAttr, 1), batch, steps);
    workerBytes = e.maximum(workerBytes, core::evaluate(e, arenaOf(phase), division.chunk, steps));
  }
  for (PlaceAttr place : scratch)
    workerBytes = e.maximum(workerBytes, core::evaluate(e, place, batch, steps));
  for (Operation *op : plan.sums)
    reserve(op, cast<IndexedOpInterface>(op), bytesOf(op->getResult(0)), layoutOf(op->getResult(0)).steps);
  offsets.shared = offsets.evaluate(e, end);
  offsets.workers = e.add(offsets.shared, core::evaluate(e, arenaOf(plan.function), batch, steps));
  offsets.workerBytes = workerBytes;
  offsets.total = e.add(offsets.workers, e.mul(workerBytes, workers));
  return offsets;
}

TaskWriter::TaskWriter(Emitter &e, CallFrame &frame, const FunctionPlan &plan, const SpanLayout &spans, ModuleOp module)
    : e(e), frame(frame), plan(plan), spans(spans), module(module), numbers(e, frame, module), batch(frame.batch()),
      steps(frame.steps(plan.steps)), firstStep(frame.word(offsetof(snn_call, first_step))),
      arena(frame.pointer(offsetof(snn_call, arena))),
      offsets(ArenaOffsets::of(e, plan, batch, steps, frame.word(offsetof(snn_call, workers)))) {}

Division TaskWriter::divisionOf(const Stage &stage) {
  BatchMapOp phase = stage.phase();
  return Division::of(e, anySum(phase), integer(phase, kChunkAttr, 1), batch, steps);
}

Value TaskWriter::taskCount(ScalarEmitter &e, const Stage &stage, Value batch, Value steps) {
  BatchMapOp phase = stage.phase();
  return Division::of(e, anySum(phase), integer(phase, kChunkAttr, 1), batch, steps).tasks;
}

StringRef TaskWriter::symbolOf(DictionaryAttr attributes) {
  auto bind = attributes ? attributes.getAs<FlatSymbolRefAttr>(SnnDialect::bindAttrName()) : FlatSymbolRefAttr();
  return bind ? bind.getValue() : StringRef();
}

/// `value` at its place in `bytes`, with rows for so many samples.
Buffer TaskWriter::placed(Value value, Memory bytes, PlaceAttr place, Value samples) {
  Layout layout = layoutOf(value);
  Value at = e.add(bytes.offset, evaluate(e, place, samples, steps));
  return Buffer::of(e, value, e.view(bytes.base, at, layout.element), steps);
}

Memory TaskWriter::sumMemory(Operation *op, Type element) {
  return e.atPointer(e.advance(arena, offsets.sums(e, op)), element);
}

Memory TaskWriter::sharedMemory() { return e.atPointer(e.advance(arena, offsets.shared), e.b.getI8Type()); }

/// A value of the function in memory: what the host gives, or its place in the arena.
Buffer TaskWriter::buffer(Value value) {
  if (auto found = known.find(value); found != known.end())
    return found->second;
  func::FuncOp function = plan.function;
  Layout layout = layoutOf(value);
  auto type = cast<ArrayType>(value.getType());
  auto inSpan = [&](size_t span, int64_t offset) {
    Memory memory = e.atPointer(e.advance(frame.pointer(span), e.index(offset)), layout.element);
    return Buffer::of(e, value, memory, steps);
  };
  Buffer result;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    StringRef symbol = symbolOf(function.getArgAttrDict(argument.getArgNumber()));
    Operation *declaration = module.lookupSymbol(symbol);
    if (isa_and_nonnull<ParameterOp>(declaration)) {
      result = inSpan(offsetof(snn_call, parameters), spans.find(symbol)->offset);
    } else if (isa_and_nonnull<HyperOp>(declaration)) {
      result.type = type;
      result.scalar = frame.hyper(declarationIndex<HyperOp>(module, symbol));
    } else {
      result.type = type; // read by loads alone
    }
    return known[value] = result;
  }
  // A gradient lies where the host wants it.
  for (OpOperand &use : value.getUses()) {
    if (!isa<func::ReturnOp>(use.getOwner()))
      continue;
    DictionaryAttr attributes = function.getResultAttrDict(use.getOperandNumber());
    auto span = attributes ? attributes.getAs<SpanAttr>(SnnDialect::spanAttrName()) : SpanAttr();
    if (span && span.getValue() == Span::Gradients)
      return known[value] = inSpan(offsetof(snn_call, gradients), spans.find(symbolOf(attributes))->offset);
  }
  auto opResult = cast<OpResult>(value);
  if (auto phase = dyn_cast<BatchMapOp>(opResult.getOwner());
      phase && opResult.getResultNumber() >= phase.getConcat().size()) {
    Division division = Division::of(e, anySum(phase), integer(phase, kChunkAttr, 1), batch, steps);
    return known[value] =
               slotOf(phase, opResult.getResultNumber() - phase.getConcat().size(), e.index(0), division).total;
  }
  PlaceAttr place = placeOf(opResult);
  if (!place)
    return Buffer();
  return known[value] = placed(value, sharedMemory(), place, batch);
}

SumSlot TaskWriter::slotOf(BatchMapOp phase, unsigned result, Value part, const Division &division) {
  int64_t bytes = integer(phase, kSumBytesAttr, 0);
  auto places = phase->getAttrOfType<ArrayAttr>(kSumPlacesAttr);
  Value value = phase.getSum()[result];
  Layout layout = layoutOf(value);
  int64_t offset = cast<IntegerAttr>(places[result]).getInt();
  SumSlot slot;
  Value start = e.add(offsets.sums(e, phase), e.add(e.mul(e.mul(part, division.levels), bytes), e.index(offset)));
  slot.total = Buffer::of(e, value, e.atPointer(e.advance(arena, start), layout.element), steps);
  slot.levelStride = e.index(bytes / layout.elementBytes());
  return slot;
}

/// Contiguous rows of the host without padding: [time, sample, ...].
Buffer TaskWriter::hostRows(Value pointer, ArrayType type) {
  Buffer buffer;
  buffer.type = type;
  buffer.padded = false;
  int64_t width = 1;
  for (int64_t extent : llvm::reverse(type.getShape()))
    if (extent > 0) {
      buffer.strides.insert(buffer.strides.begin(), width);
      width *= extent;
    }
  buffer.rowElements = width;
  buffer.memory = e.atPointer(pointer, type.getElementType());
  if (type.sampleDim() >= 0)
    buffer.sampleStride = e.index(width);
  if (type.timeDim() >= 0)
    buffer.timeStride = e.mul(type.sampleDim() >= 0 ? batch : e.index(1), width);
  return buffer;
}

Value TaskWriter::wantedBy(Attribute list) {
  auto symbols = dyn_cast_if_present<ArrayAttr>(list);
  if (!symbols)
    return nullptr;
  Value any = e.truth(false);
  for (auto symbol : symbols.getAsRange<FlatSymbolRefAttr>()) {
    int64_t output = declarationIndex<OutputOp>(module, symbol.getValue());
    Value given =
        output >= 0 ? e.isGiven(frame.output(output)) : e.isGiven(frame.pointer(offsetof(snn_call, state_out)));
    any = e.either(any, given);
  }
  return any;
}

/// Places of an op and of what stands in it.
void TaskWriter::bindPlaces(OpEmitter &emitter, Operation *root, Memory bytes, Value samples) {
  root->walk([&](Operation *op) {
    auto places = op->getAttrOfType<ArrayAttr>(kPlacesAttr);
    auto wanted = op->getAttrOfType<ArrayAttr>(kWantedAttr);
    if (!places)
      return;
    for (OpResult result : op->getResults())
      if (PlaceAttr place = placeOf(result)) {
        Buffer buffer = placed(result, bytes, place, samples);
        if (wanted)
          buffer.wanted = wantedBy(wanted[result.getResultNumber()]);
        emitter.buffers[result] = buffer;
      }
    if (places.size() > op->getNumResults()) {
      auto place = cast<PlaceAttr>(places[op->getNumResults()]);
      emitter.scratches[op] = {bytes.base, e.add(bytes.offset, evaluate(e, place, samples, steps))};
    }
  });
}

void TaskWriter::bindFunctionValues(OpEmitter &emitter, ArrayRef<Operation *> ops) {
  for (Operation *op : ops) {
    bindPlaces(emitter, op, sharedMemory(), batch);
    for (Value operand : op->getOperands())
      emitter.buffers[operand] = buffer(operand);
    for (Value result : op->getResults())
      if (Buffer found = buffer(result); found.type)
        emitter.buffers[result] = found;
  }
}

/// The same elements in rows of another shape.
static Buffer viewed(Buffer buffer, Value value) {
  Layout layout = layoutOf(value);
  buffer.type = cast<ArrayType>(value.getType());
  buffer.strides.assign(layout.strides.begin(), layout.strides.end());
  return buffer;
}

void TaskWriter::emitPhase(const Stage &stage, Value index, Value worker) {
  BatchMapOp phase = stage.phase();
  Block &body = phase.getBody().front();
  Division division = divisionOf(stage);
  numbers.prepare(phase);
  bindKnown(phase->getOperands());
  bindKnown(phase.getConcat());
  FaultRecord fault = FaultRecord::of(e, arena, index);
  fault.clear(e);
  Value workerOffset = e.add(offsets.workers, e.mul(worker, offsets.workerBytes));
  Memory bytes = e.atPointer(e.advance(arena, workerOffset), e.b.getI8Type());

  // Where things lie does not depend on the chunk; what is cut along samples moves with it.
  OpEmitter emitter(e, module, {nullptr, steps, nullptr, firstStep, nullptr}, numbers);
  emitter.placeSamples = division.chunk;
  for (Operation &op : body)
    bindPlaces(emitter, &op, bytes, division.chunk);
  for (auto [argument, operand] : llvm::zip(body.getArguments(), phase->getOperands()))
    emitter.buffers[argument] = known.find(operand)->second;

  // Which ops nobody may ask for.
  llvm::DenseMap<Operation *, Value> conditions;
  for (Operation &op : body.without_terminator()) {
    auto wanted = op.getAttrOfType<ArrayAttr>(kWantedAttr);
    if (!wanted || llvm::any_of(wanted, [](Attribute entry) { return !isa<ArrayAttr>(entry); }))
      continue;
    Value any = e.truth(false);
    for (Attribute entry : wanted)
      any = e.either(any, wantedBy(entry));
    conditions[&op] = any;
  }

  Value begin = division.begin(e, index, batch), end = division.begin(e, e.add(index, 1), batch);
  auto loop = scf::ForOp::create(e.b, begin, end, division.chunk);
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPoint(loop.getBody()->getTerminator());
  Value first = loop.getInductionVar();
  emitter.extents.samples = e.minimum(division.chunk, e.sub(end, first));
  emitter.extents.firstSample = first;
  auto advanced = [&](Buffer buffer) {
    if (buffer.memory.base && buffer.sampleStride)
      buffer.memory.offset = e.add(buffer.memory.offset, e.mul(first, buffer.sampleStride));
    return buffer;
  };
  for (auto [argument, operand] : llvm::zip(body.getArguments(), phase->getOperands()))
    emitter.buffers[argument] = advanced(known.find(operand)->second);
  for (auto [value, result] : llvm::zip(phase.getYield().getConcat(), phase.getConcat())) {
    if (homeOf(value) == result)
      emitter.buffers[resolveView(value)] = viewed(advanced(known.find(result)->second), resolveView(value));
    else if (!needsPlace(value) && value.getDefiningOp() && !isView(value.getDefiningOp()) && !homeOf(value))
      emitter.buffers[value] = givenRows(result, first);
  }

  bool loads = false;
  for (Operation &op : body.without_terminator())
    if (op.hasAttr(kLoadAttr)) {
      Value source = phase->getOperand(cast<BlockArgument>(op.getOperand(0)).getArgNumber());
      emitLoad(emitter, cast<MapOp>(op), source, fault);
      loads = true;
    }
  auto rest = [&] {
    for (Operation &op : body.without_terminator()) {
      if (op.hasAttr(kLoadAttr))
        continue;
      auto emit = [&] {
        if (!isSum(&op))
          return emitter.emitAny(op);
        // Each yielded sum has a slot of its own; one that is yielded twice is added up twice.
        for (auto [number, value] : llvm::enumerate(phase.getYield().getSum())) {
          if (value != op.getResult(0))
            continue;
          SumSlot slot = slotOf(phase, number, index, division);
          slot.fresh = e.equal(first, begin);
          slot.blocks = runsOf(&op).blocks(e, e.sub(first, begin), steps);
          emitter.emitAnySum(cast<IndexedOpInterface>(op), slot);
        }
      };
      if (Value condition = conditions.lookup(&op))
        e.when(condition, emit);
      else
        emit();
    }
    for (auto [value, result] : llvm::zip(phase.getYield().getConcat(), phase.getConcat())) {
      const Buffer &from = emitter.buffers.find(value)->second;
      // What has no place lies with the host already.
      if (!needsPlace(value) && value.getDefiningOp() && !isView(value.getDefiningOp()) && !homeOf(value))
        continue;
      if (needsPlace(result) && homeOf(value) != result)
        copyOutlined(emitter, from, advanced(known.find(result)->second));
      storeOutputs(emitter, result, from, first);
    }
  };
  if (!loads)
    return rest();
  e.when(fault.isClear(e), rest);
}

void TaskWriter::bindKnown(ValueRange values) {
  for (Value value : values)
    known[value] = buffer(value);
}

/// The rows of samples from `first` on in which the host wants a result of the function; null if it does not.
Buffer TaskWriter::hostBuffer(unsigned index, ArrayType type, Value first) {
  func::FuncOp function = plan.function;
  StringRef symbol = symbolOf(function.getResultAttrDict(index));
  Buffer to;
  if (module.lookupSymbol<StateOp>(symbol)) {
    Value pointer = frame.pointer(offsetof(snn_call, state_out));
    to = stateRows(pointer, symbol, type);
    to.wanted = e.isGiven(pointer);
  } else {
    Value pointer = frame.output(declarationIndex<OutputOp>(module, symbol));
    to = hostRows(pointer, type.getElementType().isInteger(1) ? type.withElement(e.real) : type);
    to.wanted = e.isGiven(pointer);
  }
  if (to.sampleStride)
    to.memory.offset = e.add(to.memory.offset, e.mul(first, to.sampleStride));
  return to;
}

/// Where a phase's result goes that nobody but the host gets.
Buffer TaskWriter::givenRows(Value result, Value first) {
  OpOperand &use = *result.use_begin();
  return hostBuffer(use.getOperandNumber(), cast<ArrayType>(result.getType()), first);
}

/// What a phase gives to the host, sample by sample.
void TaskWriter::storeOutputs(OpEmitter &emitter, Value result, const Buffer &from, Value first) {
  for (OpOperand &use : result.getUses()) {
    if (!isa<func::ReturnOp>(use.getOwner()))
      continue;
    Buffer to = hostBuffer(use.getOperandNumber(), from.type, first);
    Value wanted = to.wanted;
    to.wanted = nullptr;
    e.when(wanted, [&] { copyOutlined(emitter, from, to); });
  }
}

/// Rows of one state, a block of all states for each sample.
Buffer TaskWriter::stateRows(Value pointer, StringRef symbol, ArrayType type) {
  Buffer buffer;
  buffer.type = type;
  const SpanSlot *slot = spans.find(symbol);
  // Spikes that are carried are reals at the boundary; in memory of the host there are no bits.
  buffer.memory = e.atPointer(e.advance(pointer, e.index(slot->offset)), e.real);
  if (type.getElementType().isInteger(1))
    buffer.type = type.withElement(e.real);
  buffer.rowElements = slot->elements;
  buffer.sampleStride = e.index(spans.stateBytes() / spans.realBytes());
  int64_t stride = 1;
  for (int64_t extent : llvm::reverse(type.getShape()))
    if (extent > 0) {
      buffer.strides.insert(buffer.strides.begin(), stride);
      stride *= extent;
    }
  return buffer;
}

void TaskWriter::emitSerial(const Stage &stage) {
  OpEmitter emitter(e, module, {batch, steps, e.index(0), firstStep, nullptr}, numbers);
  emitter.placeSamples = batch;
  bindFunctionValues(emitter, stage.ops);
  for (Operation *op : stage.ops)
    numbers.prepare(op);
  auto rest = [&] {
    for (Operation *op : stage.ops)
      if (isSum(op)) {
        Value result = op->getResult(0);
        emitWholeSum(emitter, cast<IndexedOpInterface>(op), {}, e.index(0),
                     e.mul(stepsOf(e, result, steps), layoutOf(result).elements));
      } else if (!op->hasAttr(kLoadAttr))
        emitter.emitAny(*op);
  };
  if (!stage.loads())
    return rest();
  FaultRecord fault = FaultRecord::of(e, arena, e.index(0));
  fault.clear(e);
  for (Operation *op : stage.ops)
    if (op->hasAttr(kLoadAttr))
      emitLoad(emitter, cast<MapOp>(op), op->getOperand(0), fault);
  e.when(fault.isClear(e), rest);
}

static int64_t tilesOf(Operation *op) {
  return (matchProduct(cast<ContractOp>(op))->depth + kTileInputs - 1) / kTileInputs;
}

int64_t TaskWriter::tiles(const Stage &stage) {
  int64_t count = 0;
  for (Operation *op : stage.ops)
    count += tilesOf(op);
  return count;
}

void TaskWriter::emitTiles(const Stage &stage, Value index, Value worker) {
  OpEmitter emitter(e, module, {batch, steps, e.index(0), firstStep, nullptr}, numbers);
  bindFunctionValues(emitter, stage.ops);
  Value memory = e.add(offsets.workers, e.mul(worker, offsets.workerBytes));
  int64_t firstTile = 0;
  for (Operation *op : stage.ops) {
    MatrixProduct product = *matchProduct(cast<ContractOp>(op));
    int64_t count = tilesOf(op);
    emitter.scratches[op] = {e.advance(arena, memory), e.index(0)};
    Value mine = e.both(e.compare(arith::CmpIPredicate::uge, index, e.index(firstTile)),
                        e.below(index, e.index(firstTile + count)));
    e.when(mine, [&] {
      Value from = e.mul(e.sub(index, e.index(firstTile)), kTileInputs);
      Value to = e.minimum(e.add(from, kTileInputs), e.index(product.depth));
      emitWholeSum(emitter, cast<IndexedOpInterface>(op), {from, to}, e.mul(from, product.stride),
                   e.mul(to, product.stride));
    });
    firstTile += count;
  }
}

static void emitAddParts(Emitter &e, Memory sums, Value partStride, Value levelStride, const Runs &runs,
                         const Division &division, Value from, Value to, Value batch, Value steps) {
  auto addTo = [&](Value target, Value source) {
    e.loop(from, to, kLanes, [&](Value i) {
      Value sum = arith::AddFOp::create(e.b, e.loadVector(sums, e.add(target, i), kLanes),
                                        e.loadVector(sums, e.add(source, i), kLanes));
      e.storeVector(sum, sums, e.add(target, i));
    });
  };
  e.loop(division.tasks, [&](Value part) {
    Value begin = division.begin(e, part, batch), end = division.begin(e, e.add(part, 1), batch);
    Value blocks = runs.blocks(e, e.sub(end, begin), steps), at = e.mul(part, partStride);
    Value filled = e.index(64);
    for (int64_t level = 1; level < kMaxLevels; ++level) {
      // A level that no total has reached has nothing in it.
      e.when(e.compare(arith::CmpIPredicate::uge, blocks, filled),
             [&] { addTo(at, e.add(at, e.mul(levelStride, level))); });
      filled = e.mul(filled, 64);
    }
  });
  scf::WhileOp::create(
      e.b, TypeRange{e.b.getIndexType()}, ValueRange{e.index(1)},
      [&](OpBuilder &b, Location loc, ValueRange args) {
        Value more = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, args[0], division.tasks);
        scf::ConditionOp::create(b, loc, more, args);
      },
      [&](OpBuilder &b, Location loc, ValueRange args) {
        OpBuilder::InsertionGuard guard(e.b);
        e.b.setInsertionPoint(b.getInsertionBlock(), b.getInsertionPoint());
        Value distance = args[0], pair = e.mul(distance, 2);
        e.loop(e.div(division.tasks, pair), [&](Value i) {
          Value target = e.mul(i, pair);
          addTo(e.mul(target, partStride), e.mul(e.add(target, distance), partStride));
        });
        scf::YieldOp::create(e.b, ValueRange{pair});
      });
}

/// Elements [from, to) of the first part become the sum of all, and the result: what is not full goes up, then parts
/// are added as neighbours, and pairs of them. One function for all sums of a kind.
static void addParts(OpEmitter &emitter, const Buffer &first, const Buffer &result, Value partStride, Value levelStride,
                     const Runs &runs, const Division &division, Value from, Value to) {
  emitter.outline({llvm::formatv("add_parts_{0}{1}", runs.positions, runs.overTime ? "_over_time" : ""),
                   nullptr,
                   {first, result},
                   std::nullopt,
                   {partStride, levelStride, division.tasks, division.unit, from, to}},
                  [&](OpEmitter &inner, const Outlined &taken) {
                    Emitter &e = inner.e;
                    const SmallVector<Value> &values = taken.values;
                    Memory sums = taken.buffers[0].memory, target = taken.buffers[1].memory;
                    emitAddParts(e, sums, values[0], values[1], runs, {values[2], values[3], nullptr, nullptr},
                                 values[4], values[5], inner.extents.samples, inner.extents.steps);
                    e.loop(values[4], values[5], kLanes,
                           [&](Value i) { e.storeVector(e.loadVector(sums, i, kLanes), target, i); });
                  });
}

/// Part after part, each with levels of its own, then their tree: elements [from, to) of the result, which are those of
/// the inputs.
static void emitWholeSum(OpEmitter &emitter, IndexedOpInterface op, const SumSlot &first, kernels::Range inputs,
                         Value from, Value to) {
  Emitter &e = emitter.e;
  Value batch = emitter.extents.samples, steps = emitter.extents.steps;
  Division division = Division::of(e, op, 1, batch, steps);
  Value partStride = e.mul(division.levels, first.levelStride);
  e.loop(division.tasks, [&](Value part) {
    Value begin = division.begin(e, part, batch), end = division.begin(e, e.add(part, 1), batch);
    OpEmitter inner(e, emitter.module, {e.sub(end, begin), steps, begin, emitter.extents.firstStep, nullptr},
                    emitter.numbers);
    inner.scratches[op] = emitter.scratches.lookup(op);
    for (Value operand : op->getOperands()) {
      Buffer buffer = emitter.buffers.find(operand)->second;
      if (buffer.memory.base && buffer.sampleStride)
        buffer.memory.offset = e.add(buffer.memory.offset, e.mul(begin, buffer.sampleStride));
      inner.buffers[operand] = buffer;
    }
    SumSlot slot = first;
    slot.total.memory.offset = e.add(slot.total.memory.offset, e.mul(part, partStride));
    auto contract = dyn_cast<ContractOp>(op.getOperation());
    if (!contract || !inner.emitGradient(contract, slot, inputs))
      inner.emitAnySum(op, slot);
  });
  addParts(emitter, first.total, emitter.buffers.find(op->getResult(0))->second, partStride, first.levelStride,
           Runs::of(op), division, from, to);
}

void TaskWriter::emitWholeSum(OpEmitter &emitter, IndexedOpInterface op, kernels::Range inputs, Value from, Value to) {
  Value result = op->getResult(0);
  Layout layout = layoutOf(result);
  Value levelStride = e.mul(stepsOf(e, result, steps), bytesOf(result) / layout.elementBytes());
  SumSlot first{emitter.buffers.find(result)->second, levelStride, e.truth(true), e.index(0)};
  first.total.memory = sumMemory(op, layout.element);
  emitter.outline({"whole_" + op->getName().stripDialect().str(), op, {}, first, {inputs.from, inputs.to, from, to}},
                  [&](OpEmitter &inner, const Outlined &taken) {
                    const SmallVector<Value> &values = taken.values;
                    core::emitWholeSum(inner, op, *taken.slot, {values[0], values[1]}, values[2], values[3]);
                  });
}

int64_t TaskWriter::reduceSlices(const Stage &stage) {
  int64_t slices = 0;
  BatchMapOp phase = stage.phase();
  for (Value sum : phase.getSum())
    slices += (layoutOf(sum).elements + kReduceElements - 1) / kReduceElements;
  return slices;
}

void TaskWriter::emitReduce(const Stage &stage, Value index) {
  BatchMapOp phase = stage.phase();
  Division division = divisionOf(stage);
  int64_t firstSlice = 0, bytes = integer(phase, kSumBytesAttr, 0);
  IndexedOpInterface any = anySum(phase);
  Runs runs = Runs::of(any);
  OpEmitter emitter(e, module, {batch, steps, e.index(0), firstStep, nullptr}, numbers);
  for (auto [number, sum] : llvm::enumerate(phase.getSum())) {
    Layout layout = layoutOf(sum);
    int64_t slices = (layout.elements + kReduceElements - 1) / kReduceElements;
    Value mine = e.both(e.compare(arith::CmpIPredicate::uge, index, e.index(firstSlice)),
                        e.below(index, e.index(firstSlice + slices)));
    e.when(mine, [&] {
      Value from = e.mul(e.sub(index, e.index(firstSlice)), kReduceElements);
      Value to = e.minimum(e.add(from, kReduceElements), e.index(layout.elements));
      Buffer first = slotOf(phase, number, e.index(0), division).total;
      Value levelStride = e.index(bytes / layout.elementBytes());
      Value partStride = e.mul(division.levels, levelStride);
      addParts(emitter, first, buffer(sum), partStride, levelStride, runs, division, from, to);
      known.erase(sum);
    });
    firstSlice += slices;
  }
}

void TaskWriter::emitNumbers() {
  func::FuncOp function = plan.function;
  auto end = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  llvm::SmallDenseSet<Value> seen;
  for (auto [index, value] : llvm::enumerate(end.getOperands())) {
    DictionaryAttr attributes = function.getResultAttrDict(index);
    StringRef symbol = symbolOf(attributes);
    Buffer from = buffer(value);
    if (attributes.get(SnnDialect::spanAttrName())) {
      // The same value may be the gradient of several parameters; it lies with the first of them.
      if (seen.insert(value).second && !isa<BlockArgument>(value))
        continue;
      const SpanSlot *slot = spans.find(symbol);
      Memory to = e.atPointer(e.advance(frame.pointer(offsetof(snn_call, gradients)), e.index(slot->offset)), e.real);
      e.loop(e.index(0), e.index(slot->elements), kLanes,
             [&](Value i) { e.storeVector(e.loadVector(from.memory, i, kLanes), to, i); });
      continue;
    }
    if (cast<ArrayType>(value.getType()).getRank() != 0)
      continue;
    Value pointer = symbol == kLossName ? frame.pointer(offsetof(snn_call, loss))
                                        : frame.output(declarationIndex<OutputOp>(module, symbol));
    e.when(e.isGiven(pointer), [&] {
      Value number = from.scalar ? from.scalar : e.load(from.memory, e.index(0));
      if (!number.getType().isF64())
        number = arith::ExtFOp::create(e.b, e.b.getF64Type(), number);
      e.storeAt(number, pointer, 0);
    });
  }
}

} // namespace snn::core
