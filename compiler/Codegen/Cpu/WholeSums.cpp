// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tasks that add: gradients of the whole batch, and the parts of a phase's sums.

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

/// Elements [from, to) of the first part of a memory of sums become the sum of all, and the result: what is not full
/// goes up, then parts are added as neighbours, and pairs of them. One function for all sums of a class. Each part has
/// memory for so many levels.
static void addParts(OpEmitter &emitter, const SumClass &sum, Value levels, const SumSlot &first, const Buffer &result,
                     Value from, Value to) {
  std::string name = llvm::formatv("add_parts_{0}{1}_{2}_{3}", sum.positions, sum.overTime ? "_over_time" : "",
                                   sum.maxParts, sum.part);
  emitter.outline({name, nullptr, {result}, first, {from, to, levels}}, [&](OpEmitter &inner, const Outlined &taken) {
    Emitter &e = inner.e;
    Memory sums = taken.slot->total.memory, target = taken.buffers[0].memory;
    Value from = taken.values[0], to = taken.values[1], levelStride = taken.slot->levelStride;
    Division division = Division::of(e, sum, 1, inner.extents.samples, inner.extents.steps);
    Value partStride = e.mul(taken.values[2], levelStride);
    auto addTo = [&](Value target, Value source) {
      e.loop(from, to, kLanes, [&](Value i) {
        Value sum = arith::AddFOp::create(e.b, e.loadVector(sums, e.add(target, i), kLanes),
                                          e.loadVector(sums, e.add(source, i), kLanes));
        e.storeVector(sum, sums, e.add(target, i));
      });
    };
    e.loop(division.tasks, [&](Value part) {
      Value blocks = division.blocks(e, e.sub(division.begin(e, e.add(part, 1)), division.begin(e, part)));
      Value at = e.mul(part, partStride), filled = e.index(kernels::kLevel);
      for (int64_t level = 1; level < kernels::kMaxLevels; ++level) {
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
    e.loop(from, to, kLanes, [&](Value i) { e.storeVector(e.loadVector(sums, i, kLanes), target, i); });
  });
}

/// Part after part, each with levels of its own, then their tree: elements of the result that belong to the inputs.
static void emitWholeGradient(OpEmitter &emitter, ContractOp op, const SumSlot &first, kernels::Range inputs) {
  Emitter &e = emitter.e;
  Value batch = emitter.extents.samples, steps = emitter.extents.steps;
  SumClass sum = *SumClass::of(op);
  Division division = Division::of(e, sum, 1, batch, steps);
  Value partStride = e.mul(division.levels, first.levelStride);
  e.loop(division.tasks, [&](Value part) {
    Value begin = division.begin(e, part), end = division.begin(e, e.add(part, 1));
    OpEmitter inner = forSamples(emitter, op, begin, e.sub(end, begin));
    SumSlot slot = first;
    slot.total.memory.offset = e.add(slot.total.memory.offset, e.mul(part, partStride));
    inner.emitGradient(op, slot, inputs);
  });
  int64_t stride = matchProduct(op)->stride;
  addParts(emitter, sum, division.levels, first, emitter.buffers.find(op.getResult())->second,
           e.mul(inputs.from, stride), e.mul(inputs.to, stride));
}

/// The product of task `index`, and which of its inputs.
static void forTile(Emitter &e, const Stage &stage, Value index,
                    llvm::function_ref<void(ContractOp op, kernels::Range inputs)> body) {
  int64_t first = 0;
  for (Operation *op : stage.ops)
    forMine(e, index, first, tilesOf(op), [&](Value tile) {
      auto contract = cast<ContractOp>(op);
      Value from = e.mul(tile, kTileInputs);
      body(contract, {from, e.minimum(e.add(from, kTileInputs), e.index(matchProduct(contract)->depth))});
    });
}

void TaskWriter::emitTiles(const Stage &stage, Value index, Value worker) {
  OpEmitter emitter(e, module, {batch, steps, e.index(0), firstStep, nullptr}, numbers);
  bindFunctionValues(emitter, stage.ops);
  Value memory = e.add(offsets.workers, e.mul(worker, offsets.workerBytes));
  for (Operation *op : stage.ops)
    emitter.scratches[op] = {e.advance(arena, memory), e.index(0)};
  forTile(e, stage, index, [&](ContractOp op, kernels::Range inputs) {
    Layout layout = layoutOf(op.getResult());
    SumSlot first{emitter.buffers.find(op.getResult())->second, e.index(layout.elements), e.truth(true), e.index(0)};
    first.total.memory = sumMemory(op, layout.element);
    emitter.outline({"whole_contract", op, {}, first, {inputs.from, inputs.to}},
                    [&](OpEmitter &inner, const Outlined &taken) {
                      emitWholeGradient(inner, op, *taken.slot, {taken.values[0], taken.values[1]});
                    });
  });
}

static int64_t slicesOf(Value sum) { return llvm::divideCeil(layoutOf(sum).elements, kReduceElements); }

int64_t TaskWriter::reduceSlices(const Stage &stage) {
  int64_t slices = 0;
  for (Value sum : stage.phase().getSum())
    slices += slicesOf(sum);
  return slices;
}

/// The sum of task `index`, and which of its elements.
static void forSlice(Emitter &e, const Stage &stage, Value index,
                     llvm::function_ref<void(unsigned number, Value from, Value to)> body) {
  int64_t first = 0;
  for (auto [number, sum] : llvm::enumerate(stage.phase().getSum()))
    forMine(e, index, first, slicesOf(sum), [&, number = number, sum = sum](Value slice) {
      Value from = e.mul(slice, kReduceElements);
      body(number, from, e.minimum(e.add(from, kReduceElements), e.index(layoutOf(sum).elements)));
    });
}

void TaskWriter::emitReduce(const Stage &stage, Value index) {
  BatchMapOp phase = stage.phase();
  Division division = divide(e, phase, batch, steps);
  OpEmitter emitter(e, module, {batch, steps, e.index(0), firstStep, nullptr}, numbers);
  forSlice(e, stage, index, [&](unsigned number, Value from, Value to) {
    Value sum = phase.getSum()[number];
    addParts(emitter, *SumClass::of(reductionOf(phase.getYield().getSum()[number])), division.levels,
             slotOf(phase, number, e.index(0), division), buffer(sum), from, to);
    known.erase(sum);
  });
}

void forFinished(Emitter &e, const Stage &stage, Value index,
                 llvm::function_ref<void(Value result, Value from, Value to)> body) {
  if (stage.kind == Stage::Kind::Phase)
    return forSlice(e, stage, index, [&](unsigned number, Value from, Value to) {
      body(BatchMapOp(stage.phase()).getSum()[number], from, to);
    });
  forTile(e, stage, index, [&](ContractOp op, kernels::Range inputs) {
    const int64_t stride = matchProduct(op)->stride;
    body(op.getResult(), e.mul(inputs.from, stride), e.mul(inputs.to, stride));
  });
}

} // namespace snn::core
