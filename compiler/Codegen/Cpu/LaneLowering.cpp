// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See LaneLowering.h: the frame around the loops of LayerLoops.cpp and ScanLoops.cpp.

#include "compiler/Codegen/Cpu/LaneLowering.h"
#include "compiler/Codegen/Cpu/CheckPlan.h"
#include "compiler/TimeLoops/Cpu/Footprint.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace snn {
namespace {

int64_t alignTo64(int64_t bytes) { return (bytes + SNN_ALIGNMENT - 1) / SNN_ALIGNMENT * SNN_ALIGNMENT; }

StringRef symbolOf(Attribute bind) {
  auto reference = dyn_cast_if_present<FlatSymbolRefAttr>(bind);
  return reference ? reference.getValue() : StringRef();
}

} // namespace

StringRef LanePlan::argumentSymbol(unsigned index) const {
  return symbolOf(function.getArgAttr(index, SnnDialect::bindAttrName()));
}

StringRef LanePlan::resultSymbol(unsigned index) const {
  return symbolOf(function.getResultAttr(index, SnnDialect::bindAttrName()));
}

/// A value that is yielded as several sums is added up once.
LogicalResult LanePlan::placeSums(const SpanLayout &spans) {
  llvm::DenseMap<Value, SumPlace> known;
  for (auto [index, value] : llvm::enumerate(map.getYield().getSum())) {
    std::optional<SumPlace> &place = sums.emplace_back();
    if (auto constant = value.getDefiningOp<ConstantOp>()) {
      if (!constant.getValue().isZero())
        return constant.emitOpError("is the same for all samples, so its sum over them can only be zero");
      continue;
    }
    if (!value.getDefiningOp<SumToOp>() && !value.getDefiningOp<LinearWeightGradOp>())
      return map.getYield().emitOpError() << "sum #" << index << " is not made by an op that sums over samples";
    auto [entry, isNew] = known.try_emplace(value);
    if (isNew) {
      auto type = cast<RankedTensorType>(value.getType());
      SumPlace &fresh = entry->second;
      fresh.offset = laneBytes;
      fresh.scalar = type.getRank() == 0;
      fresh.elements = fresh.scalar ? rowElements(value.getDefiningOp<SumToOp>().getInput().getType())
                                    : paddedWidth(type.getDimSize(0)) * (type.getRank() == 2 ? type.getDimSize(1) : 1);
      laneBytes += alignTo64(fresh.elements * spans.realBytes());
    }
    place = entry->second;
  }
  for (auto [index, result] : llvm::enumerate(map.getSum()))
    for (OpOperand &use : result.getUses())
      gradients[resultSymbol(use.getOperandNumber())] = index;
  for (ParameterOp parameter : function->getParentOfType<ModuleOp>().getOps<ParameterOp>())
    if (hasLoss && !gradients.contains(parameter.getSymName()))
      return parameter.emitOpError() << "has no gradient among the sums of @" << function.getName();
  return success();
}

FailureOr<LanePlan> LanePlan::of(func::FuncOp function, const SpanLayout &spans) {
  LanePlan plan;
  plan.function = function;
  auto maps = function.getBody().front().getOps<BatchMapOp>();
  if (!llvm::hasSingleElement(maps))
    return function.emitError("expected one snn.batch_map");
  plan.map = *maps.begin();
  if (!plan.map.getChunk() || !plan.map.getArena())
    return plan.map.emitOpError("has no schedule or no memory plan: expected the text of stage loops");
  ModelOp model = getModel(function->getParentOfType<ModuleOp>());
  plan.steps = model.getSteps();
  if (function.getName() == "step")
    plan.steps = 1;
  plan.hasLoss = !function.getBody().front().getOps<BatchMeanOp>().empty();
  if (failed(checkPlan(plan.map, plan.steps.value_or(1), plan.steps.value_or(model.getMaxSteps()))))
    return failure();
  plan.lanes = plan.map.getLanes().value_or(1);
  plan.laneSamples = plan.map.getLaneSamples().value_or(1);

  if (failed(plan.placeSums(spans)))
    return failure();
  for (TransposeOp op : function.getBody().front().getOps<TransposeOp>()) {
    plan.transposes[op] = plan.transposeBytes;
    auto type = cast<RankedTensorType>(op.getType());
    plan.transposeBytes += alignTo64(type.getDimSize(1) * paddedWidth(type.getDimSize(0)) * spans.realBytes());
  }
  return plan;
}

ArenaMap ArenaMap::of(Emitter &e, const LanePlan &plan, Value batch, Value steps, Value workers) {
  ArenaMap map;
  BatchMapOp op = plan.map;
  // The largest power of two that the batch fills: it divides evenly among as many threads.
  Value filled = e.ceilDiv(batch, plan.laneSamples);
  map.laneCount = e.index(1);
  for (int64_t lanes = 2; lanes <= plan.lanes; lanes *= 2)
    map.laneCount = e.maximum(map.laneCount, e.mul(e.minimum(e.div(filled, lanes), e.index(1)), lanes));
  map.losses = e.index(alignTo64(plan.lanes * FaultRecord::kBytes));
  map.transposes = e.add(map.losses, e.alignUp(e.mul(batch, e.realBytes()), SNN_ALIGNMENT));
  map.sums = e.add(map.transposes, plan.transposeBytes);
  Value sumBytes = plan.hasLoss ? e.mul(map.laneCount, plan.laneBytes) : e.index(0);
  map.workers = e.add(map.sums, sumBytes);
  map.workerBytes = e.add(e.mul(steps, op.getArena()->getSteps()), op.getArena()->getConstant());
  map.total = e.add(map.workers, e.mul(map.workerBytes, workers));
  return map;
}

/// An op is needed if one of its users is. The conditions do not change from chunk to chunk, and each is one step from
/// those of the op's users, so that deep models stay small.
Demand Demand::of(CallFrame &frame, const LanePlan &plan, ModuleOp module) {
  ScalarEmitter &e = frame.e;
  Demand result;
  for (int64_t i = 0, count = llvm::range_size(module.getOps<OutputOp>()); i < count; ++i)
    result.outputs.push_back(frame.output(i));
  BatchMapOp map = plan.map;
  for (Operation &op : llvm::reverse(map.getBody().front().without_terminator())) {
    Value any;
    bool always = false;
    auto include = [&](Value condition) { any = any ? e.either(any, condition) : condition; };
    for (OpOperand &use : op.getUses()) {
      if (!isa<MapYieldOp>(use.getOwner())) {
        auto user = result.optional.find(use.getOwner());
        if (user == result.optional.end())
          always = true;
        else if (user->second)
          include(user->second);
        continue;
      }
      if (use.getOperandNumber() >= map.getYield().getConcat().size()) {
        always = true;
        continue;
      }
      for (OpOperand &outside : map.getConcat()[use.getOperandNumber()].getUses()) {
        int64_t output = isa<func::ReturnOp>(outside.getOwner())
                             ? declarationIndex<OutputOp>(module, plan.resultSymbol(outside.getOperandNumber()))
                             : -1;
        if (output < 0)
          always = true;
        else
          include(e.isGiven(result.outputs[output]));
      }
    }
    if (!always)
      result.optional[&op] = any;
  }
  return result;
}

LogicalResult LaneLowering::emit(Value lane, Value worker) {
  batch = frame.batch();
  steps = frame.steps(plan.steps);
  ArenaMap arena = ArenaMap::of(e, plan, batch, steps, frame.workers());
  Value arenaPointer = frame.pointer(offsetof(snn_call, arena));
  fault = FaultRecord::of(e, arenaPointer, lane);
  lossesPointer = e.advance(arenaPointer, arena.losses);
  transposesPointer = e.advance(arenaPointer, arena.transposes);
  sumsPointer = e.advance(arenaPointer, e.add(arena.sums, e.mul(lane, plan.laneBytes)));
  Value workerPointer = e.advance(arenaPointer, e.add(arena.workers, e.mul(worker, arena.workerBytes)));
  workerBytes = e.atPointer(workerPointer, e.b.getI8Type()).base;

  fault.clear(e);
  Value begin = e.div(e.mul(lane, batch), arena.laneCount);
  Value end = e.div(e.mul(e.add(lane, 1), batch), arena.laneCount);
  BatchMapOp map = plan.map;
  int64_t chunk = *map.getChunk();
  placeValues();
  demand = Demand::of(frame, plan, module);
  LogicalResult result = success();
  e.loop(begin, end, chunk, [&](Value sample) {
    first = sample;
    fresh = e.equal(first, begin);
    count = e.minimum(e.index(chunk), e.sub(end, first));
    result = emitChunk();
  });
  return result;
}

LogicalResult LaneLowering::emitChunk() {
  bindArguments();
  BatchMapOp map = plan.map;
  for (Operation &op : map.getBody().front().without_terminator()) {
    LogicalResult result = success();
    auto optional = demand.optional.find(&op);
    if (optional == demand.optional.end())
      result = emitOp(op);
    else if (optional->second)
      e.when(optional->second, [&] { result = emitOp(op); });
    if (failed(result))
      return failure();
  }
  storeOutputs();
  return success();
}

LogicalResult LaneLowering::emitOp(Operation &op) {
  e.b.setLoc(op.getLoc());
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case<CastOp, LinearOp, LinearWeightGradOp, SumToOp, ScanOp, PopulationCountOp, PopulationCountGradOp,
            MseCountLossOp, MseCountLossGradOp>([&](auto known) { return lower(known); })
      .Case<ConstantOp, FlattenOp>([](auto) { return success(); })
      .Default([](Operation *unknown) { return unknown->emitOpError("has no loops for CPUs"); });
}

/// The arguments of the body: host inputs, states, numbers, weights.
void LaneLowering::bindArguments() {
  BatchMapOp map = plan.map;
  for (auto [operand, argument] : llvm::zip(map.getOperands(), map.getBody().getArguments())) {
    if (auto transpose = operand.getDefiningOp<TransposeOp>()) {
      parameters[argument] =
          e.atPointer(e.advance(transposesPointer, e.index(plan.transposes.lookup(transpose))), e.real);
      continue;
    }
    if (operand.getDefiningOp<BatchMeanGradOp>()) {
      Value samples = arith::UIToFPOp::create(e.b, e.real, e.toI64(batch));
      Buffer share;
      share.element = e.real;
      share.scalar = arith::DivFOp::create(e.b, e.constant(e.real, 1), samples);
      buffers[argument] = share;
      continue;
    }
    StringRef name = plan.argumentSymbol(cast<BlockArgument>(operand).getArgNumber());
    Operation *declaration = module.lookupSymbol(name);
    if (isa<HyperOp>(declaration)) {
      scalars[argument] = frame.hyper(declarationIndex<HyperOp>(module, name));
    } else if (isa<ParameterOp>(declaration)) {
      Value span = frame.pointer(offsetof(snn_call, parameters));
      parameters[argument] = e.atPointer(e.advance(span, e.index(spans.find(name)->offset)), e.real);
    } else if (isa<StateOp>(declaration)) {
      Value span = frame.pointer(offsetof(snn_call, state_in));
      Value pointer = e.advance(span, e.add(e.mul(first, spans.stateBytes()), spans.find(name)->offset));
      buffers[argument] = {
          e.atPointer(pointer, e.real), e.index(spans.stateBytes() / e.realBytes()), Value(), e.real, Value(), Value()};
    } else if (auto type = cast<RankedTensorType>(argument.getType()); type.getElementType().isInteger(64)) {
      int64_t input = declarationIndex<InputOp>(module, name);
      Value strides = frame.inputStrides(input);
      Value stride = e.choose(
          e.isNull(strides), [&] { return e.index(1); },
          [&] { return e.toIndex(e.loadAt(strides, 0, e.b.getI64Type())); }, e.b.getIndexType());
      Value pointer = e.advance(frame.inputData(input), e.mul(e.mul(first, stride), 8));
      Buffer labels;
      labels.host = pointer;
      labels.sampleStride = stride;
      labels.element = e.b.getI64Type();
      buffers[argument] = labels;
    }
  }
}

/// Values with a place: views of the worker's memory, the same for each chunk.
void LaneLowering::placeValues() {
  BatchMapOp map = plan.map;
  for (Operation &op : map.getBody().front().without_terminator()) {
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      Buffer buffer;
      buffer.element = e.real;
      buffer.scalar = e.constant(e.real, constant.getValue().convertToDouble());
      buffers[op.getResult(0)] = buffer;
      continue;
    }
    auto places = op.getAttrOfType<ArrayAttr>(SnnDialect::placesAttrName());
    for (auto [index, value] : llvm::enumerate(op.getResults())) {
      Buffer buffer;
      buffer.element = cast<RankedTensorType>(value.getType()).getElementType();
      auto place = places ? dyn_cast<PlaceAttr>(places[index]) : PlaceAttr();
      if (place) {
        Value offset = e.add(e.mul(steps, place.getSteps()), place.getConstant());
        buffer.memory = e.view(workerBytes, offset, buffer.element);
        Value width = e.index(rowElements(value.getType()));
        buffer.timeStride = overTime(value) ? width : Value();
        buffer.sampleStride = overTime(value) ? e.mul(steps, width) : width;
      }
      buffers[value] = buffer;
    }
  }
}

void LaneLowering::storeOutputs() {
  BatchMapOp map = plan.map;
  for (auto [value, result] : llvm::zip(map.getYield().getConcat(), map.getConcat()))
    for (OpOperand &use : result.getUses()) {
      if (isa<BatchMeanOp>(use.getOwner())) {
        Buffer from = bufferOf(value);
        Memory to = e.atPointer(lossesPointer, e.real);
        e.loop(count, [&](Value sample) {
          Value loss = from.scalar ? from.scalar : e.load(from.memory, rowOffset(from, sample, nullptr));
          e.store(loss, to, e.add(first, sample));
        });
        continue;
      }
      StringRef name = plan.resultSymbol(use.getOperandNumber());
      if (isa_and_nonnull<StateOp>(module.lookupSymbol(name))) {
        storeState(value, *spans.find(name));
        continue;
      }
      Value pointer = demand.outputs[declarationIndex<OutputOp>(module, name)];
      e.when(e.isGiven(pointer), [&, value = value] { storeRows(value, pointer); });
    }
}

/// Rows of the chunk into the host's contiguous [T, B, ...], without padding.
void LaneLowering::storeRows(Value value, Value pointer) {
  Value source = value;
  auto cast = value.getDefiningOp<CastOp>();
  if (cast && !needsPlace(value) &&
      mlir::cast<RankedTensorType>(cast.getInput().getType()).getElementType().isInteger(16))
    source = cast.getInput();
  Buffer from = bufferOf(source);
  auto shape = mlir::cast<RankedTensorType>(value.getType()).getShape().drop_front(overTime(value) ? 2 : 1);
  int64_t elements = 1;
  for (int64_t extent : shape)
    elements *= extent;
  Memory to = e.atPointer(pointer, e.real);
  int64_t whole = elements / kLanes * kLanes;
  auto load = [&](Value row, Value n) -> Value {
    if (from.scalar)
      return e.splat(from.scalar, kLanes);
    if (from.element.isInteger(16))
      return e.bitsToReals(e.wordToBits(e.load(from.memory, e.add(row, e.div(n, kLanes)))));
    return e.loadVector(from.memory, e.add(row, n), kLanes);
  };
  e.loop(count, [&](Value sample) {
    auto one = [&](Value time) {
      Value row = from.scalar ? Value() : rowOffset(from, sample, from.timeStride ? time : Value());
      Value target = e.mul(e.add(e.mul(time, batch), e.add(first, sample)), elements);
      e.loop(e.index(0), e.index(whole), kLanes, [&](Value n) { e.storeVector(load(row, n), to, e.add(target, n)); });
      if (whole < elements)
        vector::MaskedStoreOp::create(e.b, to.base, ValueRange{e.add(to.offset, e.add(target, whole))},
                                      e.laneMask(elements - whole), load(row, e.index(whole)));
    };
    if (overTime(value))
      e.loop(steps, one);
    else
      one(e.index(0));
  });
}

/// A chunk with a fault keeps its states: what came out of it is not a number.
void LaneLowering::storeState(Value value, const SpanSlot &slot) {
  Value sound = fault.isClear(e);
  Buffer from = bufferOf(value);
  Value span = frame.pointer(offsetof(snn_call, state_out));
  Value pointer = e.advance(span, e.add(e.mul(first, spans.stateBytes()), slot.offset));
  Memory to = e.atPointer(pointer, e.real);
  Value rows = arith::SelectOp::create(e.b, sound, count, e.index(0));
  e.loop(rows, [&](Value sample) {
    e.loop(e.index(0), e.index(slot.elements), kLanes, [&](Value n) {
      Value row = from.scalar ? e.splat(from.scalar, kLanes)
                              : e.loadVector(from.memory, e.add(rowOffset(from, sample, nullptr), n), kLanes);
      e.storeVector(row, to, e.add(e.mul(sample, spans.stateBytes() / e.realBytes()), n));
    });
  });
}

Buffer LaneLowering::bufferOf(Value value) { return buffers.lookup(resolveView(value)); }
Memory LaneLowering::parameterMemory(Value value) { return parameters.lookup(value); }
Value LaneLowering::scalarOf(Value value) { return scalars.lookup(value); }

Memory LaneLowering::sumMemory(Value value) {
  BatchMapOp map = plan.map;
  auto yielded = map.getYield().getSum();
  const SumPlace &place = *plan.sums[std::distance(yielded.begin(), llvm::find(yielded, value))];
  return e.atPointer(e.advance(sumsPointer, e.index(place.offset)), e.real);
}

bool LaneLowering::overTime(Value value) { return isOverTime(value); }

Value LaneLowering::rowOffset(const Buffer &buffer, Value sample, Value time) {
  Value offset = e.mul(sample, buffer.sampleStride);
  return time && buffer.timeStride ? e.add(offset, e.mul(time, buffer.timeStride)) : offset;
}

Value LaneLowering::rowCount(Value value) { return overTime(value) ? e.mul(count, steps) : count; }

Value LaneLowering::scratchOffset(Operation *op) {
  auto places = op->getAttrOfType<ArrayAttr>(SnnDialect::placesAttrName());
  auto place = cast<PlaceAttr>(places[places.size() - 1]);
  return e.add(e.mul(steps, place.getSteps()), place.getConstant());
}

Memory LaneLowering::scratchMemory(Operation *op, Type element) {
  return e.view(workerBytes, scratchOffset(op), element);
}

} // namespace snn
