// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Update.h.

#include "compiler/Codegen/Cpu/Update.h"

using namespace mlir;

namespace snn::core {
namespace {

class UpdateWriter {
public:
  UpdateWriter(Emitter &e, CallFrame &frame, func::FuncOp update, const SpanLayout &spans, ModuleOp module)
      : e(e), frame(frame), update(update), spans(spans), module(module), numbers(e, frame, module),
        bodies(e, module, {e.index(1), e.index(1), e.index(0), e.index(0), nullptr}, numbers) {}

  void emit(Value slice) {
    Block &block = update.getBody().front();
    SmallVector<std::pair<BlockArgument, Memory>> streams; // in their order: the same text in each run
    for (BlockArgument argument : block.getArguments()) {
      unsigned index = argument.getArgNumber();
      if (update.getArgAttr(index, SnnDialect::spanAttrName()))
        streams.emplace_back(argument, memoryOf(update.getArgAttrDict(index)));
      else
        values[argument] = e.splat(numberOf(update.getArgAttrDict(index)), kLanes);
    }
    // What depends on no element comes before the loop.
    SmallVector<Operation *> elementwise;
    for (Operation &op : block.without_terminator()) {
      if (llvm::all_of(op.getOperands(), [&](Value operand) { return values.contains(operand); }))
        emitMap(cast<MapOp>(op));
      else
        elementwise.push_back(&op);
    }
    int64_t all = spans.parameterBytes() / spans.realBytes();
    Value from = e.mul(slice, kUpdateElements), to = e.minimum(e.add(from, kUpdateElements), e.index(all));
    auto end = cast<func::ReturnOp>(block.getTerminator());
    SmallVector<Memory> targets;
    for (unsigned index = 0; index < end.getNumOperands(); ++index)
      targets.push_back(memoryOf(update.getResultAttrDict(index)));
    e.loop(from, to, kLanes, [&](Value i) {
      for (auto [argument, memory] : streams)
        values[argument] = e.loadVector(memory, i, kLanes);
      for (Operation *op : elementwise)
        emitMap(cast<MapOp>(op));
      for (auto [value, memory] : llvm::zip(end.getOperands(), targets))
        e.storeVector(values.lookup(value), memory, i);
    });
  }

private:
  void emitMap(MapOp op) {
    SmallVector<Value> arguments;
    for (Value input : op.getInputs())
      arguments.push_back(values.lookup(input));
    for (auto [result, value] : llvm::zip(op.getOutputs(), bodies.emitBody(op.getBody().front(), arguments, Points())))
      values[result] = value;
  }

  Memory memoryOf(DictionaryAttr attributes) {
    Span span = attributes.getAs<SpanAttr>(SnnDialect::spanAttrName()).getValue();
    auto copy = attributes.getAs<IntegerAttr>(SnnDialect::copyAttrName());
    size_t field = span == Span::Parameters  ? offsetof(snn_call, parameters)
                   : span == Span::Gradients ? offsetof(snn_call, gradients)
                                             : offsetof(snn_call, optimizer);
    int64_t offset = copy ? copy.getInt() * spans.parameterBytes() : 0;
    return e.atPointer(e.advance(frame.pointer(field), e.index(offset)), e.real);
  }

  /// A number of the host, or a count of the call.
  Value numberOf(DictionaryAttr attributes) {
    StringRef name = boundName(attributes);
    if (int64_t index = declarationIndex<HyperOp>(module, name); index >= 0)
      return frame.hyper(index);
    return e.loadAt(frame.call, *countField(name), e.b.getI64Type());
  }

  Emitter &e;
  CallFrame &frame;
  func::FuncOp update;
  const SpanLayout &spans;
  ModuleOp module;
  CallNumbers numbers;
  OpEmitter bodies;
  llvm::DenseMap<Value, Value> values;
};

} // namespace

int64_t updateSlices(const SpanLayout &spans) {
  int64_t elements = spans.parameterBytes() / spans.realBytes();
  return (elements + kUpdateElements - 1) / kUpdateElements;
}

void emitUpdateSlice(Emitter &e, CallFrame &frame, func::FuncOp update, const SpanLayout &spans, ModuleOp module,
                     Value index) {
  UpdateWriter(e, frame, update, spans, module).emit(index);
}

} // namespace snn::core
