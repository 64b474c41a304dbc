// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tasks that add: gradients of the whole batch, and the parts of a phase's sums.

#include "compiler/Codegen/Cpu/Outline.h"
#include "compiler/Codegen/Cpu/Tasks.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace snn::core {

constexpr int64_t kReduceElements = 16384; ///< of a sum that one task adds up
constexpr int64_t kTileInputs = 64;        ///< rows of a gradient of the whole batch that one task computes

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
    Value filled = e.index(kernels::kLevel);
    for (int64_t level = 1; level < kMaxLevels; ++level) {
      // A level that no total has reached has nothing in it.
      e.when(e.compare(arith::CmpIPredicate::uge, blocks, filled),
             [&] { addTo(at, e.add(at, e.mul(levelStride, level))); });
      filled = e.mul(filled, kernels::kLevel);
    }
  });
  e.whileBelow(e.index(1), division.tasks, [&](Value distance) {
    Value pair = e.mul(distance, 2);
    e.loop(e.div(division.tasks, pair), [&](Value i) {
      Value target = e.mul(i, pair);
      addTo(e.mul(target, partStride), e.mul(e.add(target, distance), partStride));
    });
    return pair;
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
  Value levelStride = e.mul(stepsOf(e, result, steps), sumBytes(result) / layout.elementBytes());
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
  int64_t firstSlice = 0, bytes = integerOf(phase, kSumBytesAttr, 0);
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

} // namespace snn::core
