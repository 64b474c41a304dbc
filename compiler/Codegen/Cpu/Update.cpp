// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Update.h.

#include "compiler/Codegen/Cpu/Update.h"

#include "compiler/Codegen/Cpu/Subnormals.h"

using namespace mlir;

namespace snn::core {
namespace {

/// Neighbours in the span that have the same numbers.
struct Range {
  StringRef label;
  int64_t from, to;
};

SmallVector<Range> rangesOf(const SpanLayout &spans, ModuleOp module) {
  SmallVector<Range> ranges;
  for (const SpanSlot &slot : spans.parameters()) {
    StringRef label = StringRef(slot.name).split('.').first;
    if (llvm::none_of(module.getOps<HyperOp>(), [&](HyperOp hyper) { return hyper.getLabel() == label; }))
      label = "";
    const int64_t from = slot.offset / spans.realBytes();
    if (ranges.empty() || ranges.back().label != label)
      ranges.push_back({label, from, from});
    ranges.back().to =
        llvm::alignTo(slot.offset + slot.elements * spans.realBytes(), SNN_ALIGNMENT) / spans.realBytes();
  }
  return ranges;
}

constexpr int64_t kUpdateElements = 16384; ///< of the parameter span that one task updates

} // namespace

/// A function of the elements [from, to) of the spans: whole vectors.
static void writeUpdate(Emitter &e, Value call, func::FuncOp update, const SpanLayout &spans, ModuleOp module,
                        Value from, Value to) {
  CallFrame frame(e, call, module);
  CallNumbers numbers(e, frame, module);
  OpEmitter bodies(e, module, {e.index(1), e.index(1), e.index(0), e.index(0), nullptr}, numbers);
  llvm::DenseMap<Value, Value> values;
  llvm::DenseMap<Operation *, IRMapping> uniform; // of what depends on no element
  auto emitMap = [&](MapOp op, bool tiny) {
    SmallVector<Value> arguments;
    for (Value input : op.getInputs())
      arguments.push_back(values.lookup(input));
    SmallVector<Value> results =
        bodies.emitBody(op.getBody().front(), arguments, Points(), {.tiny = tiny, .known = uniform.lookup(op)});
    for (auto [result, value] : llvm::zip(op.getOutputs(), results))
      values[result] = value;
  };
  auto emitUniform = [&](MapOp op) {
    IRMapping &known = uniform[op];
    for (auto [input, argument] : llvm::zip(op.getInputs(), op.getBody().front().getArguments()))
      if (Value value = values.lookup(input))
        known.map(argument, value);
    for (Operation &inner : op.getBody().front().without_terminator()) {
      if (isa<IndexOp, RandomOp>(inner) ||
          !llvm::all_of(inner.getOperands(), [&](Value operand) { return known.contains(operand); }))
        continue;
      SmallVector<Value> operands;
      for (Value operand : inner.getOperands())
        operands.push_back(known.lookup(operand));
      known.map(inner.getResult(0), bodies.onVectors(inner, operands));
    }
  };
  auto memoryOf = [&](DictionaryAttr attributes) {
    Span span = attributes.getAs<SpanAttr>(SnnDialect::spanAttrName()).getValue();
    auto copy = attributes.getAs<IntegerAttr>(SnnDialect::copyAttrName());
    size_t field = span == Span::Parameters  ? offsetof(snn_call, parameters)
                   : span == Span::Gradients ? offsetof(snn_call, gradients)
                                             : offsetof(snn_call, optimizer);
    int64_t offset = copy ? copy.getInt() * spans.parameterBytes() : 0;
    return e.atPointer(e.advance(frame.pointer(field), e.index(offset)), e.real);
  };
  // A number of the host, that of the label or else of all parameters, or a count of the call.
  auto numberOf = [&](DictionaryAttr attributes, StringRef label) -> Value {
    StringRef name = boundName(attributes);
    for (auto [index, hyper] : llvm::enumerate(module.getOps<HyperOp>()))
      if (hyper.getOf() == name && hyper.getLabel() == label)
        return frame.hyper(static_cast<int64_t>(index));
    if (int64_t index = declarationIndex<HyperOp>(module, name); index >= 0)
      return frame.hyper(index);
    return e.loadAt(frame.call, *countField(name), e.b.getI64Type());
  };

  Block &block = update.getBody().front();
  SmallVector<std::pair<BlockArgument, Memory>> streams;
  for (BlockArgument argument : block.getArguments())
    if (auto attributes = update.getArgAttrDict(argument.getArgNumber()); attributes.get(SnnDialect::spanAttrName()))
      streams.emplace_back(argument, memoryOf(attributes));
  auto end = cast<func::ReturnOp>(block.getTerminator());
  SmallVector<Memory> targets;
  for (unsigned index = 0; index < end.getNumOperands(); ++index)
    targets.push_back(memoryOf(update.getResultAttrDict(index)));
  for (const Range &range : rangesOf(spans, module)) {
    values.clear();
    uniform.clear();
    for (BlockArgument argument : block.getArguments())
      if (DictionaryAttr attributes = update.getArgAttrDict(argument.getArgNumber());
          !attributes.get(SnnDialect::spanAttrName()))
        values[argument] = e.splat(numberOf(attributes, range.label), kLanes);
    // What depends on no element comes before the loop.
    SmallVector<MapOp> elementwise;
    for (auto map : block.getOps<MapOp>()) {
      emitUniform(map);
      if (llvm::all_of(map.getInputs(), [&](Value input) { return values.contains(input); }))
        emitMap(map, /*tiny=*/false);
      else
        elementwise.push_back(map);
    }
    e.loop(e.maximum(from, e.index(range.from)), e.minimum(to, e.index(range.to)), kLanes, [&](Value i) {
      SmallVector<Value> given;
      for (auto [argument, memory] : streams)
        given.push_back(values[argument] = e.loadVector(memory, i, kLanes));
      auto update = [&](bool tiny) {
        for (MapOp map : elementwise)
          emitMap(map, tiny);
        for (auto [value, memory] : llvm::zip(end.getOperands(), targets))
          e.storeVector(values.lookup(value), memory, i);
      };
      // A moment that decays without a gradient stays subnormal for good.
      if (Value tiny = anyTiny(e, given))
        e.when(tiny, [&] { update(true); }, [&] { update(false); });
      else
        update(false);
    });
  }
}

void emitUpdate(Emitter &e, Value call, func::FuncOp update, const SpanLayout &spans, ModuleOp module, Value from,
                Value to) {
  e.call(
      module, "snn_update_range", {},
      [&](Emitter &inner, Value call, Value from, Value to) {
        writeUpdate(inner, call, update, spans, module, from, to);
        return SmallVector<Value>();
      },
      call, from, to);
}

/// Ranges that one task updates together, or of which each is cut into tasks.
static bool isShort(FusedUpdate::Range range) { return range.to - range.from <= kUpdateElements / 8; }

static int64_t slicesOf(FusedUpdate::Range range) { return llvm::divideCeil(range.to - range.from, kUpdateElements); }

int64_t updateTasks(ArrayRef<FusedUpdate::Range> ranges) {
  int64_t tasks = llvm::any_of(ranges, isShort);
  for (FusedUpdate::Range range : ranges)
    tasks += isShort(range) ? 0 : slicesOf(range);
  return tasks;
}

void emitUpdateTask(Emitter &e, Value call, func::FuncOp update, const SpanLayout &spans, ModuleOp module,
                    ArrayRef<FusedUpdate::Range> ranges, Value index) {
  int64_t first = 0;
  for (FusedUpdate::Range range : ranges)
    if (!isShort(range))
      forMine(e, index, first, slicesOf(range), [&](Value slice) {
        Value from = e.add(e.mul(slice, kUpdateElements), range.from);
        Value to = e.minimum(e.add(from, kUpdateElements), e.index(range.to));
        emitUpdate(e, call, update, spans, module, from, to);
      });
  if (llvm::any_of(ranges, isShort))
    e.when(e.equal(index, e.index(first)), [&] {
      for (FusedUpdate::Range range : ranges)
        if (isShort(range))
          emitUpdate(e, call, update, spans, module, e.index(range.from), e.index(range.to));
    });
}

} // namespace snn::core
