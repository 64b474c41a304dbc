// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the host gives, copied into rows: inputs of any strides, states, gradients of outputs.

#include "compiler/Codegen/Cpu/Tasks.h"
#include "compiler/Schedule/Cpu/Memory.h"

using namespace mlir;

namespace snn::core {

void TaskWriter::emitLoads(OpEmitter &emitter, ArrayRef<Operation *> ops, const FaultRecord &fault,
                           llvm::function_ref<void()> rest) {
  bool loads = false;
  for (Operation *op : ops)
    if (op->hasAttr(kLoadAttr)) {
      emitLoad(emitter, cast<MapOp>(op), fault);
      loads = true;
    }
  loads ? e.when(fault.isClear(e), rest) : rest();
}

void TaskWriter::emitLoad(OpEmitter &emitter, MapOp op, const FaultRecord &fault) {
  func::FuncOp function = plan.function;
  const Buffer &to = emitter.buffers.find(op.getResult(0))->second;
  auto argument = cast<BlockArgument>(op.getInputs()[0]);
  for (Operation *nest = op->getParentOp(); isa<BatchMapOp, SegmentsOp>(nest); nest = nest->getParentOp())
    argument = cast<BlockArgument>(nest->getOperand(argument.getArgNumber()));
  StringRef symbol = boundName(function.getArgAttrDict(argument.getArgNumber()));
  Operation *declaration = module.lookupSymbol(symbol);
  if (auto input = dyn_cast_if_present<InputOp>(declaration))
    return emitter.outline({"input_" + std::to_string(declarationIndex<InputOp>(module, symbol)),
                            nullptr,
                            {to},
                            std::nullopt,
                            {fault.pointer, batch}},
                           [&](OpEmitter &inner, const Outlined &taken) {
                             loadInput(inner, taken.buffers[0], input, {taken.values[0]}, taken.values[1]);
                           });
  if (auto state = dyn_cast_if_present<StateOp>(declaration))
    return loadState(emitter, to, state);
  symbol.consume_front(kGradientPrefix);
  loadSeed(emitter, to, declarationIndex<OutputOp>(module, symbol));
}

void TaskWriter::copyOutlined(OpEmitter &emitter, const Buffer &from, const Buffer &to) {
  emitter.outline({"copy", nullptr, {from, to}}, [](OpEmitter &inner, const Outlined &taken) {
    inner.copyElements(taken.buffers[0], taken.buffers[1]);
  });
}

/// A gradient of an output: contiguous, or zero where the host gives none.
void TaskWriter::loadSeed(OpEmitter &emitter, const Buffer &to, int64_t output) {
  Value pointer = frame.outputGradient(output);
  e.when(
      e.isNull(pointer),
      [&] {
        emitter.outline({"zero", nullptr, {to}},
                        [](OpEmitter &inner, const Outlined &taken) { inner.fillZero(taken.buffers[0]); });
      },
      [&] {
        Buffer from = hostRows(pointer, to.type).fromSample(e, emitter.extents.firstSample);
        copyOutlined(emitter, emitter.extents.segment ? from.fromStep(e, emitter.extents.segment) : from, to);
      });
}

/// Reads before anything of these samples is written, so the host may give the same memory for both.
void TaskWriter::loadState(OpEmitter &emitter, const Buffer &to, StateOp state) {
  Value pointer = frame.pointer(offsetof(snn_call, state_in));
  e.when(
      e.isNull(pointer),
      [&] {
        double rest = state.getRest().convertToDouble();
        Value number = to.isBits() ? e.truth(rest != 0) : e.constant(to.type.getElementType(), rest);
        emitter.outline({"rest", nullptr, {to}, std::nullopt, {number}}, [](OpEmitter &inner, const Outlined &taken) {
          const Buffer &rows = taken.buffers[0];
          AffineMap identity = AffineMap::getMultiDimIdentityMap(rows.type.getRank(), inner.module.getContext());
          Value value = inner.e.splat(taken.values[0], kLanes);
          inner.forEachRow(rows.type.getShape(), [&](SmallVectorImpl<LaneIndex> &dims) {
            inner.forEachStrip(rows.type.getShape(), dims, /*collapse=*/true, [&](ArrayRef<Points> strip) {
              LaneAccess(inner.e, rows, identity).store(value, strip.front());
            });
          });
        });
      },
      [&] {
        Buffer from = stateRows(pointer, state.getSymName(), to.type).fromSample(e, emitter.extents.firstSample);
        copyOutlined(emitter, from, to);
      });
}

/// Contiguous samples go by vectors, others element by element, with strides of either sign. Reals must be finite,
/// labels must be classes.
void TaskWriter::loadInput(OpEmitter &emitter, const Buffer &to, InputOp input, const FaultRecord &fault, Value batch) {
  Emitter &e = emitter.e;
  ModuleOp module = emitter.module;
  CallFrame frame(e, emitter.numbers.call(), module);
  const int64_t index = declarationIndex<InputOp>(module, input.getSymName());
  auto declared = cast<ArrayType>(input.getType());
  Type stored = declared.scalarType();
  Value pointer = frame.inputData(index), given = frame.inputStrides(index);
  Value first = emitter.extents.firstSample;

  // Strides of the host, in the order of the declared extents.
  const Buffer usual = Buffer::dense(declared, Memory());
  const int64_t width = usual.rowElements;
  Value dense = e.truth(true);
  SmallVector<Value> strides, inner;
  SmallVector<int64_t> extents;
  for (auto [dimension, extent] : llvm::enumerate(declared.getShape())) {
    Value contiguous = extent == ArrayType::kTime     ? e.mul(declared.sampleDim() >= 0 ? batch : e.index(1), width)
                       : extent == ArrayType::kSample ? e.index(width)
                                                      : e.index(usual.strides[inner.size()]);
    strides.push_back(e.choose(
        e.isNull(given), [&] { return contiguous; },
        [&]() -> Value { return e.toIndex(e.loadAt(given, dimension * 8, e.b.getI64Type())); }, e.b.getIndexType()));
    if (extent < 0)
      continue;
    inner.push_back(strides.back());
    extents.push_back(extent);
    if (extent > 1)
      dense = e.both(dense, e.equal(inner.back(), contiguous));
  }

  // A row is looked at as a whole when it lies in its place.
  auto check = [&](Value row, Value sample) {
    Value bad;
    if (isa<FloatType>(stored)) {
      double largest = llvm::APFloat::getLargest(cast<FloatType>(stored).getFloatSemantics()).convertToDouble();
      auto sound = e.loop(e.index(0), e.index(width), kLanes, {e.laneMask(kLanes)}, [&](Value at, ValueRange so) {
        Value value = e.loadVector(to.memory, e.add(row, at), kLanes);
        Value finite = arith::CmpFOp::create(e.b, arith::CmpFPredicate::OLE, math::AbsFOp::create(e.b, value),
                                             e.constant(value.getType(), largest));
        if (Value mask = emitter.maskAt(at, width))
          finite = e.either(finite, arith::XOrIOp::create(e.b, mask, e.laneMask(kLanes)));
        return SmallVector<Value>{e.both(so[0], finite)};
      });
      Value all = vector::ReductionOp::create(e.b, vector::CombiningKind::AND, sound[0]);
      bad = e.equal(all, e.truth(false));
      e.when(bad, [&] { fault.report(e, SNN_ERROR_NOT_FINITE, e.add(first, sample)); });
    } else if (stored.isInteger(64)) {
      // As unsigned numbers, negative ones are larger than any.
      auto worst = e.loop(e.index(0), e.index(width), 1, {e.truth(false)}, [&](Value at, ValueRange known) {
        Value label = e.load(to.memory, e.add(row, at));
        Value wrong = e.compare(arith::CmpIPredicate::uge, label, e.i64(classesOf(input)));
        return SmallVector<Value>{e.either(known[0], wrong)};
      });
      e.when(worst[0], [&] { fault.report(e, SNN_ERROR_LABEL, e.add(first, sample)); });
    }
  };
  auto copyDense = [&](Value source, Value row) {
    Memory from = e.displaced(pointer, source, stored);
    // Vectors of as many bytes as kLanes of f32 have, then of kLanes elements.
    int64_t done = 0;
    for (int64_t lanes : {kLanes * std::max<int64_t>(1, 32 / int64_t(stored.getIntOrFloatBitWidth())), kLanes}) {
      const int64_t whole = width / lanes * lanes;
      if (whole > done)
        e.loop(e.index(done), e.index(whole), lanes,
               [&](Value at) { e.storeVector(e.loadVector(from, at, lanes), to.memory, e.add(row, at)); });
      done = std::max(done, whole);
    }
    if (done < width) {
      Value value = e.loadMasked(from, e.index(done), e.laneMask(width - done));
      e.storeVector(value, to.memory, e.add(row, done));
    }
  };
  auto copyStrided = [&](Value source, Value row) {
    e.loop(e.index(width), [&](Value i) {
      Value at = source, rest = i;
      for (int64_t dimension = extents.size() - 1; dimension >= 0; --dimension) {
        Value position = e.b.createOrFold<arith::RemUIOp>(rest, e.index(extents[dimension]));
        rest = e.div(rest, extents[dimension]);
        at = e.add(at, e.mul(position, inner[dimension]));
      }
      e.store(e.load(e.displaced(pointer, at, stored), e.index(0)), to.memory, e.add(row, i));
    });
  };
  emitter.forEachRow(declared.getShape(), [&](SmallVectorImpl<LaneIndex> &dims) {
    Value source = e.index(0), row = to.rowAt(e, declared.getShape(), dims), sample = e.index(0);
    for (auto [extent, dim, stride] : llvm::zip(declared.getShape(), dims, strides)) {
      if (extent == ArrayType::kSample)
        sample = dim.base;
      Value at = dim.base;
      if (extent == ArrayType::kSample)
        at = e.add(first, sample);
      else if (extent == ArrayType::kTime && emitter.extents.segment)
        at = e.add(at, emitter.extents.segment);
      if (extent < 0)
        source = e.add(source, e.mul(at, stride));
    }
    e.when(dense, [&] { copyDense(source, row); }, [&] { copyStrided(source, row); });
    check(row, sample);
  });
}

} // namespace snn::core
