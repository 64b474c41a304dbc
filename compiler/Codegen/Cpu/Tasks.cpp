// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Tasks.h.

#include "compiler/Codegen/Cpu/Tasks.h"

#include "compiler/Schedule/Cpu/Memory.h"

using namespace mlir;

namespace snn::core {

void forMine(Emitter &e, Value index, int64_t &first, int64_t count, llvm::function_ref<void(Value place)> body) {
  Value place = e.sub(index, e.index(first)); // as an unsigned number large before the first
  e.when(e.below(place, e.index(count)), [&] { body(place); });
  first += count;
}

OpEmitter forSamples(OpEmitter &emitter, Operation *op, Value first, Value samples) {
  Emitter &e = emitter.e;
  Extents extents = emitter.extents;
  extents.samples = samples;
  extents.firstSample = first;
  OpEmitter some(e, emitter.module, extents, emitter.numbers);
  some.placeSamples = emitter.placeSamples;
  if (auto scratch = emitter.scratches.find(op); scratch != emitter.scratches.end())
    some.scratches[op] = scratch->second;
  Value at = e.sub(first, emitter.extents.firstSample);
  for (Value operand : op->getOperands())
    some.buffers[operand] = emitter.buffers.find(operand)->second.fromSample(e, at);
  return some;
}

TaskWriter::TaskWriter(Emitter &e, CallFrame &frame, const FunctionPlan &plan, const OffsetsFunction &offsets,
                       const SpanLayout &spans, ModuleOp module)
    : e(e), frame(frame), plan(plan), spans(spans), module(module), numbers(e, frame, module), batch(frame.batch()),
      steps(frame.steps(plan.steps)), firstStep(frame.word(offsetof(snn_call, first_step))),
      arena(frame.pointer(offsetof(snn_call, arena))),
      offsets(offsets.call(e, batch, steps, frame.word(offsetof(snn_call, workers)))) {}

/// `value` at its place in `bytes`; a sample has rows for so many steps.
Buffer TaskWriter::placed(Value value, Memory bytes, PlaceAttr place, const PlaceCounts &counts, Value rowSteps) {
  Value at = e.add(bytes.offset, evaluate(e, place, counts));
  auto checkpoints = dyn_cast<CheckpointsType>(value.getType());
  if (!checkpoints)
    return Buffer::of(e, value, e.view(bytes.base, at, layoutOf(value).element), rowSteps);
  Layout layout = layoutOf(checkpoints.getArray(), /*parameterLike=*/false);
  Buffer buffer;
  buffer.type = checkpoints.getArray();
  buffer.memory = e.view(bytes.base, at, layout.element);
  buffer.rowElements = layout.elements;
  buffer.strides.assign(layout.strides.begin(), layout.strides.end());
  buffer.timeStride = e.index(layout.elements);
  if (layout.samples)
    buffer.sampleStride = e.mul(counts.segments, layout.elements);
  return buffer;
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
    StringRef symbol = boundName(function.getArgAttrDict(argument.getArgNumber()));
    Operation *declaration = module.lookupSymbol(symbol);
    if (isa_and_nonnull<ParameterOp>(declaration)) {
      result = inSpan(offsetof(snn_call, parameters), spans.find(symbol)->offset);
    } else if (isa_and_nonnull<BufferOp>(declaration)) {
      result = inSpan(offsetof(snn_call, buffers), spans.find(symbol)->offset);
    } else if (isa_and_nonnull<HyperOp>(declaration)) {
      result.type = type;
      result.scalar = frame.hyper(declarationIndex<HyperOp>(module, symbol));
    } else {
      result.type = type; // read by loads alone
    }
    return known[value] = result;
  }
  // A gradient lies where the host wants it, that of several parameters with the first of them.
  std::optional<unsigned> gradient;
  for (OpOperand &use : value.getUses()) {
    if (!isa<func::ReturnOp>(use.getOwner()))
      continue;
    DictionaryAttr attributes = function.getResultAttrDict(use.getOperandNumber());
    auto span = attributes ? attributes.getAs<SpanAttr>(SnnDialect::spanAttrName()) : SpanAttr();
    if (span && span.getValue() == Span::Gradients)
      gradient = std::min(gradient.value_or(use.getOperandNumber()), use.getOperandNumber());
  }
  if (gradient)
    return known[value] = inSpan(offsetof(snn_call, gradients),
                                 spans.find(boundName(function.getResultAttrDict(*gradient)))->offset);
  auto opResult = cast<OpResult>(value);
  if (isView(opResult.getOwner()))
    return known[value] = buffer(resolveView(value)).as(value);
  if (auto phase = dyn_cast<BatchMapOp>(opResult.getOwner());
      phase && opResult.getResultNumber() >= phase.getConcat().size()) {
    unsigned number = opResult.getResultNumber() - phase.getConcat().size();
    return known[value] = slotOf(phase, number, e.index(0), divide(e, phase, batch, steps)).total;
  }
  PlaceAttr place = placeOf(opResult);
  if (!place)
    return Buffer();
  return known[value] = placed(value, sharedMemory(), place, {batch, steps}, steps);
}

SumSlot TaskWriter::slotOf(BatchMapOp phase, unsigned result, Value part, const Division &division) {
  Value value = phase.getSum()[result];
  Layout layout = layoutOf(value);
  int64_t bytes = offsetOfSum(phase, phase.getSum().size());
  Value start = e.add(e.mul(e.mul(part, division.levels), bytes), e.index(offsetOfSum(phase, result)));
  Memory memory = e.atPointer(e.advance(arena, e.add(offsets.sums(e, phase), start)), layout.element);
  return {Buffer::of(e, value, memory, steps), e.index(bytes / layout.elementBytes()), {}, {}};
}

/// Contiguous rows of the host without padding: [time, sample, ...].
Buffer TaskWriter::hostRows(Value pointer, ArrayType type) {
  Buffer buffer = Buffer::dense(type, e.atPointer(pointer, type.getElementType()));
  buffer.padded = false;
  if (type.sampleDim() >= 0)
    buffer.sampleStride = e.index(buffer.rowElements);
  if (type.timeDim() >= 0)
    buffer.timeStride = e.mul(type.sampleDim() >= 0 ? batch : e.index(1), buffer.rowElements);
  return buffer;
}

/// Whether the host asks for an output for which something is computed; null if it always is.
Value TaskWriter::wantedBy(Attribute outputs) {
  auto symbols = dyn_cast_if_present<ArrayAttr>(outputs);
  if (!symbols)
    return nullptr;
  Value any = e.truth(false);
  for (auto symbol : symbols.getAsRange<FlatSymbolRefAttr>()) {
    int64_t output = declarationIndex<OutputOp>(module, symbol.getValue());
    any = e.either(any, e.isGiven(output >= 0 ? frame.output(output) : frame.pointer(offsetof(snn_call, state_out))));
  }
  return any;
}

/// Whether the host asks for a state that it is given when the function ends; null for what others read as well.
Value TaskWriter::wantedAtEnd(Value result) {
  const bool isForHost =
      result.hasOneUse() && isa<func::ReturnOp>(*result.user_begin()) && isGivenLast(*result.use_begin());
  return isForHost ? e.isGiven(frame.pointer(offsetof(snn_call, state_out))) : Value();
}

/// Where something is wanted, by a condition of the functions above: null is always.
void TaskWriter::whenWanted(Value condition, llvm::function_ref<void()> body) {
  condition ? e.when(condition, body) : body();
}

/// Whether the host asks for any of the results of an op.
Value TaskWriter::wantedByAny(ArrayAttr wanted) {
  if (!wanted || !llvm::all_of(wanted, llvm::IsaPred<ArrayAttr>))
    return nullptr;
  Value any = e.truth(false);
  for (Attribute outputs : wanted)
    any = e.either(any, wantedBy(outputs));
  return any;
}

/// Places of an op and of what stands in it, but for segments, which have an arena of their own.
void TaskWriter::bindPlaces(OpEmitter &emitter, Operation *root, Memory bytes, const PlaceCounts &counts,
                            Value rowSteps) {
  root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    auto places = op->getAttrOfType<ArrayAttr>(kPlacesAttr);
    auto wanted = op->getAttrOfType<ArrayAttr>(kWantedAttr);
    const WalkResult next = isa<SegmentsOp>(op) ? WalkResult::skip() : WalkResult::advance();
    if (!places)
      return next;
    for (OpResult result : op->getResults())
      if (PlaceAttr place = placeOf(result)) {
        Buffer buffer = placed(result, bytes, place, counts, rowSteps);
        if (wanted)
          buffer.wanted = wantedBy(wanted[result.getResultNumber()]);
        emitter.buffers[result] = buffer;
      }
    if (places.size() > op->getNumResults()) {
      auto place = cast<PlaceAttr>(places[op->getNumResults()]);
      emitter.scratches[op] = {bytes.base, e.add(bytes.offset, evaluate(e, place, counts))};
    }
    return next;
  });
}

void TaskWriter::bindFunctionValues(OpEmitter &emitter, ArrayRef<Operation *> ops) {
  for (Operation *op : ops) {
    bindPlaces(emitter, op, sharedMemory(), {batch, steps}, steps);
    for (Value operand : op->getOperands())
      emitter.buffers[operand] = buffer(operand);
    for (Value result : op->getResults())
      if (Buffer found = buffer(result); found.type)
        emitter.buffers[result] = found;
  }
}

/// Whether nothing in its phase reads what is yielded, nor what that is a view of.
static bool isForYieldAlone(Value value) {
  while (value.hasOneUse()) {
    if (!isView(value.getDefiningOp()))
      return true;
    value = value.getDefiningOp()->getOperand(0);
  }
  return false;
}

void TaskWriter::emitPhase(const Stage &stage, Value index, Value worker) {
  BatchMapOp phase = stage.phase();
  Block &body = phase.getBody().front();
  Division division = divide(e, phase, batch, steps, frame.workers());
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
    bindPlaces(emitter, &op, bytes, countsOf(e, phase, division.chunk, steps), steps);
  Memory behind = bytes;
  behind.offset = e.add(bytes.offset, ownBytes(e, phase, division.chunk, steps));

  Value begin = division.begin(e, index), end = division.begin(e, e.add(index, 1));
  OpBuilder::InsertionGuard guard(e.b);
  auto loop = scf::ForOp::create(e.b, begin, end, division.chunk);
  e.b.setInsertionPoint(loop.getBody()->getTerminator());
  Value first = loop.getInductionVar();
  emitter.extents.samples = e.minimum(division.chunk, e.sub(end, first));
  emitter.extents.firstSample = first;
  for (auto [argument, operand] : llvm::zip(body.getArguments(), phase->getOperands()))
    emitter.buffers[argument] = known.find(operand)->second.fromSample(e, first);
  for (auto [value, result] : llvm::zip(phase.getYield().getConcat(), phase.getConcat())) {
    if (homeOf(value) == result) {
      Buffer home = known.find(result)->second.fromSample(e, first).as(resolveView(value));
      if (isForYieldAlone(value))
        home.wanted = wantedAtEnd(result);
      emitter.buffers[resolveView(value)] = home;
    } else if (isWithHost(value))
      emitter.buffers[value] = givenRows(result, first);
  }

  SmallVector<Operation *> ops = llvm::map_to_vector(body.without_terminator(), [](Operation &op) { return &op; });
  ChunkFrame chunk{phase, division, index, begin, first, fault, behind};
  emitLoads(emitter, ops, fault, [&] {
    emitChunkOps(emitter, ops, chunk, [&] {
      for (unsigned number = 0; number < phase.getConcat().size(); ++number)
        if (!isGivenWhenMade(phase.getYield().getConcat()[number]))
          give(emitter, chunk, number);
    });
  });
}

/// A result of the phase, as far as it has not been written where it belongs.
void TaskWriter::give(OpEmitter &emitter, const ChunkFrame &chunk, unsigned number) {
  BatchMapOp phase = chunk.phase;
  Value value = phase.getYield().getConcat()[number], result = phase.getConcat()[number];
  if (isWithHost(value))
    return;
  const Buffer &from = emitter.buffers.find(value)->second;
  if (needsPlace(result) && homeOf(value) != result)
    whenWanted(wantedAtEnd(result),
               [&] { copyOutlined(emitter, from, known.find(result)->second.fromSample(e, chunk.first)); });
  storeOutputs(emitter, result, from, chunk.first);
}

/// What of a phase computes for a chunk. Segments that find their input at fault end it.
void TaskWriter::emitChunkOps(OpEmitter &emitter, ArrayRef<Operation *> ops, const ChunkFrame &chunk,
                              llvm::function_ref<void()> end) {
  for (auto [index, op] : llvm::enumerate(ops)) {
    if (op->hasAttr(kLoadAttr))
      continue;
    auto segments = dyn_cast<SegmentsOp>(op);
    auto emit = [&] {
      if (segments)
        return emitSegments(emitter, segments, chunk);
      if (!isSum(op))
        return emitter.emitAny(*op);
      emitSums(emitter, cast<IndexedOpInterface>(op), op->getResult(0), chunk, e.truth(true), e.index(0));
    };
    auto emitAndGive = [&] {
      emit();
      for (auto [number, value] : llvm::enumerate(BatchMapOp(chunk.phase).getYield().getConcat()))
        if (value.getDefiningOp() == op && isGivenWhenMade(value))
          give(emitter, chunk, number);
    };
    whenWanted(wantedByAny(op->getAttrOfType<ArrayAttr>(kWantedAttr)), emitAndGive);
    if (segments && loadsInput(segments))
      return e.when(chunk.fault.isClear(e),
                    [&, rest = ops.drop_front(index + 1)] { emitChunkOps(emitter, rest, chunk, end); });
  }
  end();
}

/// A sum of the phase, `result` of an op of it. Each yielded sum has a slot of its own; one that is yielded twice is
/// added up twice. A chunk is a piece of one part of it, or has several parts.
void TaskWriter::emitSums(OpEmitter &emitter, IndexedOpInterface op, Value result, const ChunkFrame &chunk,
                          Value isFirst, Value blocksBefore) {
  BatchMapOp phase = chunk.phase;
  auto add = [&](OpEmitter &inner, const Division &own, Value part, Value begin) {
    Value first = inner.extents.firstSample;
    for (auto [number, value] : llvm::enumerate(phase.getYield().getSum())) {
      if (value != result)
        continue;
      SumSlot slot = slotOf(phase, number, part, chunk.division);
      slot.fresh = e.both(e.equal(first, begin), isFirst);
      slot.blocks = e.add(own.blocks(e, e.sub(first, begin)), blocksBefore);
      inner.emitAnySum(op, slot);
    }
  };
  if (!chunk.division.joinsParts)
    return add(emitter, chunk.division, chunk.task, chunk.begin);
  Division own = Division::of(e, *SumClass::of(op), 1, batch, steps);
  Value end = e.add(chunk.first, emitter.extents.samples);
  e.loop(own.partOf(e, chunk.first), e.add(own.partOf(e, e.sub(end, e.index(1))), 1), 1, [&](Value part) {
    Value begin = own.begin(e, part), first = e.maximum(begin, chunk.first);
    OpEmitter inner = forSamples(emitter, op, first, e.sub(e.minimum(own.begin(e, e.add(part, 1)), end), first));
    add(inner, own, part, begin);
  });
}

void TaskWriter::bindKnown(ValueRange values) {
  for (Value value : values)
    known[value] = buffer(value);
}

/// The rows of samples from `first` on in which the host wants a result of the function; null if it does not.
Buffer TaskWriter::hostBuffer(unsigned index, ArrayType type, Value first) {
  func::FuncOp function = plan.function;
  StringRef symbol = boundName(function.getResultAttrDict(index));
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
  return to.fromSample(e, first);
}

/// Where a phase's result goes that nobody but the host gets.
Buffer TaskWriter::givenRows(Value result, Value first) {
  OpOperand &use = *result.use_begin();
  return hostBuffer(use.getOperandNumber(), cast<ArrayType>(result.getType()), first);
}

/// What a phase gives to the host, sample by sample.
void TaskWriter::storeOutputs(OpEmitter &emitter, Value result, const Buffer &from, Value first) {
  for (OpOperand &use : result.getUses()) {
    if (!isa<func::ReturnOp>(use.getOwner()) || isGivenLast(use))
      continue;
    Buffer to = hostBuffer(use.getOperandNumber(), from.type, first);
    Value wanted = to.wanted;
    to.wanted = nullptr;
    e.when(wanted, [&] { copyOutlined(emitter, from, to); });
  }
}

/// Rows of one state, a block of all states for each sample. Spikes that are carried are reals at the boundary; in
/// memory of the host there are no bits.
Buffer TaskWriter::stateRows(Value pointer, StringRef symbol, ArrayType type) {
  const SpanSlot *slot = spans.find(symbol);
  Buffer buffer = Buffer::dense(type.getElementType().isInteger(1) ? type.withElement(e.real) : type,
                                e.atPointer(e.advance(pointer, e.index(slot->offset)), e.real));
  buffer.rowElements = slot->elements;
  buffer.sampleStride = e.index(spans.stateBytes() / spans.realBytes());
  return buffer;
}

void TaskWriter::emitSerial(const Stage &stage) {
  OpEmitter emitter(e, module, {batch, steps, e.index(0), firstStep, nullptr}, numbers);
  emitter.placeSamples = batch;
  bindFunctionValues(emitter, stage.ops);
  for (Operation *op : stage.ops)
    numbers.prepare(op);
  FaultRecord fault = FaultRecord::of(e, arena, e.index(0));
  fault.clear(e);
  emitLoads(emitter, stage.ops, fault, [&] {
    for (Operation *op : stage.ops)
      if (!op->hasAttr(kLoadAttr))
        emitter.emitAny(*op);
  });
}

bool TaskWriter::hasNumbers(func::FuncOp function) {
  Operation *end = function.getBody().front().getTerminator();
  return llvm::any_of(llvm::seq(function.getNumResults()), [&](unsigned index) {
    if (isGivenLast(end->getOpOperand(index)))
      return true;
    DictionaryAttr attributes = function.getResultAttrDict(index);
    auto type = dyn_cast<ArrayType>(function.getResultTypes()[index]);
    return (attributes && attributes.contains(SnnDialect::spanAttrName())) || (type && type.getRank() == 0);
  });
}

void TaskWriter::emitNumbers() {
  func::FuncOp function = plan.function;
  auto end = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  llvm::SmallDenseSet<Value> seen;
  OpEmitter emitter(e, module, {batch, steps, e.index(0), firstStep, nullptr}, numbers);
  for (auto [index, value] : llvm::enumerate(end.getOperands())) {
    if (isGivenLast(end->getOpOperand(index))) {
      Buffer from = buffer(value), to = hostBuffer(index, from.type, e.index(0));
      Value wanted = to.wanted;
      to.wanted = nullptr;
      e.when(wanted, [&] { copyOutlined(emitter, from, to); });
      continue;
    }
    DictionaryAttr attributes = function.getResultAttrDict(index);
    StringRef symbol = boundName(attributes);
    Buffer from = buffer(value);
    if (auto span = attributes.getAs<SpanAttr>(SnnDialect::spanAttrName())) {
      const bool isBuffer = span.getValue() == Span::Buffers;
      // The same value may be the gradient of several parameters; it lies with the first of them.
      if (!isBuffer && seen.insert(value).second && !isa<BlockArgument>(value))
        continue;
      const SpanSlot *slot = spans.find(symbol);
      size_t field = isBuffer ? offsetof(snn_call, buffers) : offsetof(snn_call, gradients);
      Memory to = e.atPointer(e.advance(frame.pointer(field), e.index(slot->offset)), e.real);
      e.loop(e.index(0), e.index(slot->elements), kLanes,
             [&](Value i) { e.storeVector(e.loadVector(from.memory, i, kLanes), to, i); });
      continue;
    }
    if (cast<ArrayType>(value.getType()).getRank() != 0)
      continue;
    Value pointer = symbol == kLoss ? frame.pointer(offsetof(snn_call, loss))
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
