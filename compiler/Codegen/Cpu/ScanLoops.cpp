// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A scan as loops: samples, strips of neurons, time. The carries of a strip stay in registers.

#include "compiler/Codegen/Cpu/LaneLowering.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace snn {
namespace {

/// Vectors of kLanes neurons that go through time together: consecutive memory, and work to hide latencies with.
int64_t stripVectors(Emitter &e) { return std::max<int64_t>(1, 4 * e.machineLanes() / kLanes); }

/// The body of one step for kLanes neurons, in vector registers.
class StepBody {
public:
  StepBody(Emitter &e, ScanOp scan) : e(e), scan(scan) {}

  /// `arguments` stand for the body's arguments; returns what the yield's operands become.
  SmallVector<Value> emit(ValueRange arguments) {
    IRMapping mapping;
    Block &body = scan.getBody().front();
    for (auto [formal, value] : llvm::zip(body.getArguments(), arguments))
      mapping.map(formal, value);
    for (Operation &op : body.without_terminator()) {
      if (auto constant = dyn_cast<ConstantOp>(op)) {
        mapping.map(op.getResult(0), e.constant(e.rowVector(), constant.getValue().convertToDouble()));
      } else if (auto cast = dyn_cast<CastOp>(op)) {
        mapping.map(op.getResult(0), e.bitsToReals(mapping.lookup(cast.getInput())));
      } else {
        OperationState state(op.getLoc(), op.getName());
        for (Value operand : op.getOperands())
          state.addOperands(mapping.lookup(operand));
        for (Value result : op.getResults())
          state.addTypes(e.vector(kLanes, mlir::cast<RankedTensorType>(result.getType()).getElementType()));
        state.propertiesAttr = op.getPropertiesAsAttribute();
        state.addAttributes(op.getDiscardableAttrDictionary().getValue());
        Operation *copy = e.b.create(state);
        mapping.map(op.getResults(), copy->getResults());
      }
    }
    SmallVector<Value> results;
    for (Value value : scan.getYield().getOperands())
      results.push_back(mapping.lookup(value));
    return results;
  }

private:
  Emitter &e;
  ScanOp scan;
};

} // namespace

LogicalResult LaneLowering::lower(ScanOp op) {
  int64_t neurons = op.getNeurons();
  for (Operation &inner : op.getBody().front().without_terminator()) {
    if (auto cast = dyn_cast<CastOp>(inner);
        cast && (!mlir::cast<RankedTensorType>(cast.getInput().getType()).getElementType().isInteger(1) ||
                 cast.getDivisor().convertToDouble() != 1.0))
      return cast.emitOpError("in a neuron's body can only turn truth values into reals");
    if (!isa<ConstantOp, CastOp>(inner) && !isa<arith::ArithDialect, math::MathDialect>(inner.getDialect()))
      return inner.emitOpError("has no vector form");
  }

  SmallVector<Buffer> sliced, invariant, stacked, finals, init;
  for (Value value : op.getSliced())
    sliced.push_back(bufferOf(value));
  for (Value value : op.getInvariant())
    invariant.push_back(bufferOf(value));
  for (Value value : op.getInit())
    init.push_back(bufferOf(value));
  for (Value value : op.getStacked())
    stacked.push_back(bufferOf(value));
  for (Value value : op.getFinals())
    finals.push_back(bufferOf(value));
  SmallVector<Memory> params;
  for (Value value : op.getParams())
    params.push_back(parameterMemory(value));

  StepBody body(e, op);
  // Column of a row: words of packed spikes hold kLanes neurons each.
  auto load = [&](const Buffer &buffer, Value row, Value neuron) -> Value {
    if (buffer.scalar)
      return e.splat(buffer.scalar, kLanes);
    if (buffer.element.isInteger(16))
      return e.wordToBits(e.load(buffer.memory, e.add(row, e.div(neuron, kLanes))));
    return e.loadVector(buffer.memory, e.add(row, neuron), kLanes);
  };
  auto store = [&](Value value, const Buffer &buffer, Value row, Value neuron) {
    if (buffer.element.isInteger(16))
      e.store(e.bitsToWord(value), buffer.memory, e.add(row, e.div(neuron, kLanes)));
    else
      e.storeVector(value, buffer.memory, e.add(row, neuron));
  };
  // Lanes beyond the last neuron are zero in all that leaves the body, so that they can never matter.
  auto masked = [&](Value value, int64_t valid) -> Value {
    if (valid == kLanes)
      return value;
    Value mask = e.laneMask(valid);
    if (mlir::cast<VectorType>(value.getType()).getElementType().isInteger(1))
      return e.both(value, mask);
    return arith::SelectOp::create(e.b, mask, value, e.constant(value.getType(), 0));
  };

  size_t carries = init.size();
  auto emitStrip = [&](Value sample, Value neuron, int64_t vectors, int64_t validInLast) {
    auto valid = [&](int64_t v) { return v + 1 == vectors ? validInLast : kLanes; };
    SmallVector<Value> constants[8], start;
    for (int64_t v = 0; v < vectors; ++v) {
      Value at = e.add(neuron, v * kLanes);
      for (const Buffer &buffer : invariant)
        constants[v].push_back(load(buffer, buffer.scalar ? Value() : rowOffset(buffer, sample, nullptr), at));
      for (auto [memory, value] : llvm::zip(params, op.getParams()))
        constants[v].push_back(mlir::cast<RankedTensorType>(value.getType()).getRank() == 0
                                   ? e.splat(e.load(memory, e.index(0)), kLanes)
                                   : e.loadVector(memory, at, kLanes));
      for (const Buffer &buffer : init)
        start.push_back(load(buffer, buffer.scalar ? Value() : rowOffset(buffer, sample, nullptr), at));
    }
    auto step = [&](Value t, ValueRange state) {
      Value time = op.getReverse() ? e.sub(e.sub(steps, e.index(1)), t) : t;
      SmallVector<Value> next;
      for (int64_t v = 0; v < vectors; ++v) {
        Value at = e.add(neuron, v * kLanes);
        SmallVector<Value> arguments;
        for (const Buffer &buffer : sliced)
          arguments.push_back(load(buffer, rowOffset(buffer, sample, time), at));
        llvm::append_range(arguments, constants[v]);
        llvm::append_range(arguments, state.slice(v * carries, carries));
        SmallVector<Value> results = body.emit(arguments);
        for (auto [index, buffer] : llvm::enumerate(stacked))
          if (buffer.memory.base)
            store(masked(results[index], valid(v)), buffer, rowOffset(buffer, sample, time), at);
        for (size_t c = 0; c < carries; ++c)
          next.push_back(results[stacked.size() + c]);
      }
      return next;
    };
    SmallVector<Value> last = e.loop(e.index(0), steps, 1, start, step);
    for (int64_t v = 0; v < vectors; ++v)
      for (auto [index, buffer] : llvm::enumerate(finals))
        if (buffer.memory.base)
          store(masked(last[v * carries + index], valid(v)), buffer, rowOffset(buffer, sample, nullptr),
                e.add(neuron, v * kLanes));
  };

  int64_t strip = stripVectors(e) * kLanes, whole = neurons / strip * strip, rest = neurons - whole;
  e.loop(count, [&](Value sample) {
    if (whole > 0)
      e.loop(e.index(0), e.index(whole), strip,
             [&](Value neuron) { emitStrip(sample, neuron, stripVectors(e), kLanes); });
    if (rest > 0)
      emitStrip(sample, e.index(whole), paddedWidth(rest) / kLanes, (rest - 1) % kLanes + 1);
  });
  return success();
}

} // namespace snn
