// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// core.segments: a chunk goes through time in pieces, each in the memory of the one before.

#include "compiler/Codegen/Cpu/Tasks.h"

#include "compiler/Schedule/Cpu/Memory.h"

using namespace mlir;

namespace snn::core {

/// Blocks of a sum over time that a whole segment of a sample adds.
static int64_t blocksOf(IndexedOpInterface op, int64_t length) {
  if (op.reducesSamples())
    return SumClass::of(op)->blocks({1, length});
  for (int64_t dim : op.getAlong())
    length *= std::max<int64_t>(op.getDomain()[dim], 1);
  return llvm::divideCeil(length, kernels::kBlock);
}

void TaskWriter::emitSegments(OpEmitter &emitter, SegmentsOp op, const ChunkFrame &chunk) {
  const SegmentCounts counts = SegmentCounts::of(e, op, steps);
  kernels::Scratch memory = emitter.scratches.lookup(op);
  auto take = [&](Value value, Value &bytes) {
    Buffer buffer = Buffer::of(e, value, e.view(memory.bytes, memory.offset, layoutOf(value).element), steps);
    Place place = footprintOf(value);
    bytes = e.add(e.mul(emitter.placeSamples, place.samples), place.fixed);
    memory.offset = e.add(memory.offset, bytes);
    return buffer;
  };
  Value bytes;
  for (auto [argument, init] : llvm::zip_equal(op.getCarryArgs(), op.getInit())) {
    Buffer carry = take(argument, bytes);
    emitter.copyRows(emitter.buffers.find(init)->second, carry);
    emitter.buffers[argument] = carry;
  }
  // Sums of each sample; those over samples have the slots of their phase.
  SmallVector<SumSlot> slots;
  for (Value sum : op.getYield().getSum()) {
    SumSlot &slot = slots.emplace_back();
    auto reduction = sum.getDefiningOp<IndexedOpInterface>();
    if (reduction.reducesSamples())
      continue;
    slot.total = take(sum, bytes);
    slot.levelStride = e.div(bytes, layoutOf(sum).elementBytes());
    memory.offset = e.add(memory.offset, e.mul(bytes, levelsOfSum(reduction) - 1));
  }

  e.loop(counts.count, [&](Value turn) {
    Value last = e.sub(counts.count, e.index(1));
    Value number = op.getReverse() ? e.sub(last, turn) : turn;
    // Counted from the last step, so that the first segment is the short one.
    Value end = e.sub(steps, e.mul(e.sub(last, number), counts.longest));
    Value begin = e.select(e.below(end, counts.longest), e.index(0), e.sub(end, counts.longest));
    Extents extents = emitter.extents;
    extents.steps = e.sub(end, begin);
    extents.firstStep = e.add(extents.firstStep, begin);
    extents.segment = begin;
    OpEmitter inner(e, module, extents, numbers);
    inner.placeSamples = emitter.placeSamples;
    for (Operation &step : op.getBody().front())
      bindPlaces(inner, &step, chunk.behind, {emitter.placeSamples, counts.longest}, extents.steps);
    bindSegment(emitter, inner, op, number);
    emitLoads(inner, llvm::map_to_vector(op.getBody().front(), [](Operation &step) { return &step; }), chunk.fault,
              [&] { emitSegmentOps(inner, op, chunk, turn, slots); });
  });

  auto giveFinals = [&] {
    for (auto [argument, result] : llvm::zip_equal(op.getCarryArgs(), op.getFinals()))
      if (auto found = emitter.buffers.find(result); found != emitter.buffers.end())
        emitter.copyRows(emitter.buffers.find(argument)->second, found->second);
  };
  // States may lie where the host gave them, and stay if the input of a segment is at fault.
  loadsInput(op) ? e.when(chunk.fault.isClear(e), giveFinals) : giveFinals();
  for (auto [sum, result, slot] : llvm::zip_equal(op.getYield().getSum(), op.getSum(), slots))
    if (auto found = emitter.buffers.find(result); slot.levelStride && found != emitter.buffers.end())
      finishSum(emitter, sum.getDefiningOp<IndexedOpInterface>(), slot, found->second);
}

/// Where the arrays of a segment lie that are parts of what lies outside.
void TaskWriter::bindSegment(OpEmitter &outer, OpEmitter &inner, SegmentsOp op, Value number) {
  Value begin = inner.extents.segment;
  auto partOf = [&](Value array, const Buffer &buffer) {
    if (isa<ArrayType>(array.getType()))
      return buffer.fromStep(e, begin);
    Buffer one = buffer.fromStep(e, number);
    one.timeStride = nullptr;
    return one;
  };
  for (auto [argument, operand] : llvm::zip(op.getCutArgs(), op.getCut()))
    inner.buffers[argument] = partOf(operand, outer.buffers.find(operand)->second);
  for (auto [argument, operand] : llvm::zip(op.getInvariantArgs(), op.getInvariant()))
    inner.buffers[argument] = outer.buffers.find(operand)->second;
  for (Value argument : op.getCarryArgs())
    inner.buffers[argument] = outer.buffers.find(argument)->second;
  for (auto [value, result] : llvm::zip_equal(op.getYield().getStacked(), op.getStacked())) {
    auto found = outer.buffers.find(result);
    if (found == outer.buffers.end())
      continue;
    Buffer part = partOf(result, found->second);
    inner.buffers[result] = part;
    if (homeOf(value) == result)
      inner.buffers[resolveView(value)] = part.as(resolveView(value));
    else if (isWithHost(value))
      inner.buffers[value] = part;
  }
}

/// The body, for the segment that comes in `turn`.
void TaskWriter::emitSegmentOps(OpEmitter &inner, SegmentsOp op, const ChunkFrame &chunk, Value turn,
                                ArrayRef<SumSlot> slots) {
  SegmentOp yield = op.getYield();
  Value isFirst = e.equal(turn, e.index(0));
  for (Operation &step : op.getBody().front().without_terminator()) {
    if (step.hasAttr(kLoadAttr) || step.use_empty())
      continue;
    auto emit = [&] {
      const size_t number = llvm::find(yield.getSum(), step.getResult(0)) - yield.getSum().begin();
      if (number == yield.getSum().size())
        return inner.emitAny(step);
      auto reduction = cast<IndexedOpInterface>(step);
      Value before = e.mul(turn, op.getLength() ? blocksOf(reduction, *op.getLength()) : 0);
      if (reduction.reducesSamples())
        return emitSums(inner, reduction, op.getSum()[number], chunk, isFirst, before);
      SumSlot slot = slots[number];
      slot.fresh = isFirst;
      slot.blocks = before;
      inner.emitAnySum(reduction, slot);
    };
    whenWanted(wantedByAny(step.getAttrOfType<ArrayAttr>(kWantedAttr)), emit);
  }
  for (auto [value, result] : llvm::zip_equal(yield.getStacked(), op.getStacked()))
    if (auto found = inner.buffers.find(result);
        found != inner.buffers.end() && homeOf(value) != result && !isWithHost(value))
      inner.copyRows(inner.buffers.find(value)->second, found->second);
  for (auto [value, argument] : llvm::zip_equal(yield.getNext(), op.getCarryArgs()))
    inner.copyRows(inner.buffers.find(value)->second, inner.buffers.find(argument)->second);
}

/// What is not full goes up, and the sum to its place.
void TaskWriter::finishSum(OpEmitter &emitter, IndexedOpInterface op, const SumSlot &slot, const Buffer &result) {
  auto emit = [&] {
    int64_t positions = 1;
    for (int64_t dim : op.getAlong())
      positions *= std::max<int64_t>(op.getDomain()[dim], 1);
    Value blocks = e.ceilDiv(e.mul(steps, positions), kernels::kBlock), filled = e.index(kernels::kLevel);
    Memory total = slot.total.memory, to = result.memory;
    Value count = e.mul(slot.total.sampleStride ? emitter.extents.samples : e.index(1), slot.total.rowElements);
    for (int64_t level = 1; level < levelsOfSum(op); ++level) {
      Value above = e.mul(slot.levelStride, level);
      e.when(e.compare(arith::CmpIPredicate::uge, blocks, filled), [&] {
        e.loop(e.index(0), count, kLanes, [&](Value i) {
          Value sum =
              arith::AddFOp::create(e.b, e.loadVector(total, i, kLanes), e.loadVector(total, e.add(above, i), kLanes));
          e.storeVector(sum, total, i);
        });
      });
      filled = e.mul(filled, kernels::kLevel);
    }
    e.loop(e.index(0), count, kLanes, [&](Value i) { e.storeVector(e.loadVector(total, i, kLanes), to, i); });
  };
  result.wanted ? e.when(result.wanted, emit) : emit();
}

} // namespace snn::core
