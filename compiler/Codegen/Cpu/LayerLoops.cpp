// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loops for the ops of a batch_map body other than scans: casts, linear layers, sums, counts and losses.

#include "compiler/Codegen/Cpu/LaneLowering.h"
#include "compiler/TimeLoops/Cpu/Footprint.h"

#include <limits>

using namespace mlir;

namespace snn {
namespace {

RankedTensorType tensorOf(Value value) { return cast<RankedTensorType>(value.getType()); }
bool isPacked(Value value) { return tensorOf(value).getElementType().isInteger(16); }

/// Extents of one sample and time step.
ArrayRef<int64_t> sampleShape(Value value) { return tensorOf(value).getShape().drop_front(isOverTime(value) ? 2 : 1); }

int64_t product(ArrayRef<int64_t> extents) {
  int64_t result = 1;
  for (int64_t extent : extents)
    result *= extent;
  return result;
}

} // namespace

LogicalResult LaneLowering::lower(CastOp op) {
  if (!needsPlace(op.getResult()))
    return success(); // unpacked on its way out
  if (auto argument = dyn_cast<BlockArgument>(op.getInput())) {
    loadInput(op, argument);
    return success();
  }
  Buffer from = bufferOf(op.getInput()), to = bufferOf(op.getResult());
  Value rows = rowCount(op.getResult());
  int64_t width = rowElements(op.getType());
  if (isPacked(op.getInput())) {
    if (op.getDivisor().convertToDouble() != 1.0)
      return op.emitOpError("divides spikes, which have no such packed form");
    emitSpreadSpikes(e, module, from.memory, e.mul(rows, width / kLanes), to.memory);
    return success();
  }
  Value divisor = e.constant(e.rowVector(), op.getDivisor().convertToDouble());
  e.loop(e.index(0), e.mul(rows, width), kLanes, [&](Value i) {
    Value value = e.loadVector(from.memory, i, kLanes);
    e.storeVector(arith::DivFOp::create(e.b, value, divisor), to.memory, i);
  });
  return success();
}

/// Copies one input of the host into padded rows, as reals, divided. Contiguous samples go by vectors, others
/// element by element, with strides of either sign. Reals are checked to be finite.
void LaneLowering::loadInput(CastOp op, BlockArgument argument) {
  unsigned position = cast<BlockArgument>(plan.map.getOperand(argument.getArgNumber())).getArgNumber();
  StringRef name = plan.argumentSymbol(position);
  int64_t input = declarationIndex<InputOp>(module, name);
  bool declaredOverTime = module.lookupSymbol<InputOp>(name).getOverTime();
  ArrayRef<int64_t> shape = sampleShape(op.getInput());
  int64_t elements = product(shape), width = rowElements(op.getType());
  Type element = tensorOf(op.getInput()).getElementType();
  bool bytes = element.isInteger(8);
  Buffer to = bufferOf(op.getResult());

  Value pointer = frame.inputData(input), strides = frame.inputStrides(input);
  Type stored = bytes ? e.b.getI8Type() : element;
  int64_t outer = declaredOverTime ? 2 : 1;
  auto stride = [&](int64_t dimension, Value contiguous) {
    return e.choose(
        e.isNull(strides), [&] { return contiguous; },
        [&]() -> Value { return e.toIndex(e.loadAt(strides, dimension * 8, e.b.getI64Type())); }, e.b.getIndexType());
  };
  Value sampleStride = stride(outer - 1, e.index(elements));
  Value timeStride = declaredOverTime ? stride(0, e.mul(batch, elements)) : e.index(0);
  SmallVector<Value> inner;
  Value dense = e.truth(true);
  int64_t expected = elements;
  for (auto [dimension, extent] : llvm::enumerate(shape)) {
    expected /= extent;
    inner.push_back(stride(outer + dimension, e.index(expected)));
    if (extent > 1)
      dense = e.both(dense, e.equal(inner.back(), e.index(expected)));
  }

  double divisor = op.getDivisor().convertToDouble();
  auto scaled = [&](Value value, Type type) {
    if (bytes)
      value = arith::UIToFPOp::create(e.b, type, value);
    if (divisor != 1.0)
      value = arith::DivFOp::create(e.b, value, e.constant(type, divisor));
    return value;
  };
  const llvm::fltSemantics &semantics = cast<FloatType>(e.real).getFloatSemantics();
  double largest = llvm::APFloat::getLargest(semantics).convertToDouble();
  auto checkRow = [&](Value finite, Value sample) {
    Value bad = e.compare(arith::CmpIPredicate::eq, finite, e.truth(false));
    e.when(bad, [&] { fault.report(e, SNN_ERROR_NOT_FINITE, e.add(first, sample)); });
  };
  Value yes = e.truth(true);
  auto forEachRow = [&](const std::function<Value(Value source, Value target)> &copyRow) {
    e.loop(count, [&](Value sample) {
      auto one = [&](Value time) {
        Value source = e.add(e.mul(e.add(first, sample), sampleStride), e.mul(time, timeStride));
        Value finite = copyRow(source, rowOffset(to, sample, to.timeStride ? time : Value()));
        if (!bytes)
          checkRow(finite, sample);
      };
      if (overTime(op.getResult()))
        e.loop(steps, one);
      else
        one(e.index(0));
    });
  };

  Type rowType = e.rowVector();
  auto isFinite = [&](Value value) -> Value {
    Value magnitude = math::AbsFOp::create(e.b, value);
    return arith::CmpFOp::create(e.b, arith::CmpFPredicate::OLE, magnitude, e.constant(value.getType(), largest));
  };
  auto copyDense = [&](Value source, Value target) -> Value {
    Memory from = e.displaced(pointer, source, stored);
    int64_t whole = elements / kLanes * kLanes;
    SmallVector<Value> finite;
    if (!bytes)
      finite.push_back(e.laneMask(kLanes));
    auto result = e.loop(e.index(0), e.index(whole), kLanes, finite, [&](Value i, ValueRange sound) {
      Value value = e.loadVector(from, i, kLanes);
      Value real = scaled(value, rowType);
      e.storeVector(real, to.memory, e.add(target, i));
      SmallVector<Value> next;
      if (!bytes)
        next.push_back(e.both(sound[0], isFinite(real)));
      return next;
    });
    if (whole < elements) {
      Type vectorType = e.vector(kLanes, stored);
      Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(vectorType));
      Value value =
          vector::MaskedLoadOp::create(e.b, cast<VectorType>(vectorType), from.base,
                                       ValueRange{e.add(from.offset, whole)}, e.laneMask(elements - whole), zero);
      Value real = scaled(value, rowType);
      e.storeVector(real, to.memory, e.add(target, whole));
      if (!bytes)
        result[0] = e.both(result[0], isFinite(real));
    }
    if (bytes)
      return yes;
    return vector::ReductionOp::create(e.b, vector::CombiningKind::AND, result[0]);
  };
  auto copyStrided = [&](Value source, Value target) -> Value {
    e.storeVector(e.constant(rowType, 0), to.memory, e.add(target, width - kLanes));
    // All elements of the row in row-major order, their position taken apart into the extents.
    auto result = e.loop(e.index(0), e.index(elements), 1, ValueRange{yes}, [&](Value i, ValueRange sound) {
      Value at = source, rest = i;
      for (int64_t dimension = shape.size() - 1; dimension >= 0; --dimension) {
        Value extent = e.index(shape[dimension]);
        Value position = e.b.createOrFold<arith::RemUIOp>(rest, extent);
        rest = e.div(rest, extent);
        at = e.add(at, e.mul(position, inner[dimension]));
      }
      Value real = scaled(e.load(e.displaced(pointer, at, stored), e.index(0)), e.real);
      e.store(real, to.memory, e.add(target, i));
      return SmallVector<Value>{bytes ? sound[0] : e.both(sound[0], isFinite(real))};
    });
    return result[0];
  };
  e.when(dense, [&] { forEachRow(copyDense); }, [&] { forEachRow(copyStrided); });
}

LogicalResult LaneLowering::lower(LinearOp op) {
  Buffer x = bufferOf(op.getInput()), y = bufferOf(op.getResult());
  auto weight = tensorOf(op.getWeight());
  int64_t inputs = weight.getDimSize(1), columns = paddedWidth(weight.getDimSize(0));
  Start start = op.getBias() ? Start::Bias : Start::Zero;
  Memory bias = op.getBias() ? parameterMemory(op.getBias()) : Memory{};
  if (isPacked(op.getInput())) {
    SpikeProduct product;
    product.spikes = {x.memory, paddedWidth(inputs) / kLanes, rowCount(op.getInput()), workerBytes, scratchOffset(op)};
    product.inputs = inputs;
    product.b = parameterMemory(op.getWeight());
    product.c = y.memory;
    product.bias = bias;
    product.columns = columns;
    product.start = start;
    emitSpikeProduct(e, module, product);
    return success();
  }
  DenseProduct product;
  product.a = x.memory;
  product.aRow = paddedWidth(inputs);
  product.b = parameterMemory(op.getWeight());
  product.c = y.memory;
  product.bias = bias;
  product.bRow = product.cRow = product.columns = columns;
  product.rows = rowCount(op.getInput());
  product.depth = e.index(inputs);
  product.start = start;
  emitDenseProduct(e, module, product);
  return success();
}

LogicalResult LaneLowering::lower(LinearWeightGradOp op) {
  Buffer x = bufferOf(op.getInput()), dy = bufferOf(op.getGrad());
  auto weight = tensorOf(op.getResult());
  int64_t inputs = weight.getDimSize(1), columns = paddedWidth(weight.getDimSize(0));
  Memory sum = sumMemory(op.getResult());
  if (isPacked(op.getInput())) {
    SpikeProduct product;
    product.spikes = {x.memory, paddedWidth(inputs) / kLanes, rowCount(op.getInput()), workerBytes, scratchOffset(op)};
    product.inputs = inputs;
    product.b = dy.memory;
    product.c = sum;
    product.columns = columns;
    product.start = Start::Sum;
    product.fresh = fresh;
    product.transposed = true;
    emitSpikeProduct(e, module, product);
    return success();
  }
  DenseProduct product;
  product.a = x.memory;
  product.aRow = 1;
  product.aStep = paddedWidth(inputs);
  product.b = dy.memory;
  product.c = sum;
  product.bRow = product.cRow = product.columns = columns;
  product.rows = e.index(inputs);
  product.depth = rowCount(op.getInput());
  product.start = Start::Sum;
  product.fresh = fresh;
  emitDenseProduct(e, module, product);
  return success();
}

LogicalResult LaneLowering::lower(SumToOp op) {
  Buffer from = bufferOf(op.getInput());
  int64_t width = rowElements(op.getInput().getType());
  Memory sum = sumMemory(op.getResult());
  Value rows = rowCount(op.getInput());
  e.loop(e.index(0), e.index(width), kLanes, [&](Value n) {
    Value start = arith::SelectOp::create(e.b, fresh, e.constant(e.rowVector(), 0), e.loadVector(sum, n, kLanes));
    auto total = e.loop(e.index(0), rows, 1, {start}, [&](Value row, ValueRange acc) {
      Value term = e.loadVector(from.memory, e.add(e.mul(row, width), n), kLanes);
      return SmallVector<Value>{arith::AddFOp::create(e.b, acc[0], term)};
    });
    e.storeVector(total[0], sum, n);
  });
  return success();
}

LogicalResult LaneLowering::lower(PopulationCountOp op) {
  Buffer spikes = bufferOf(op.getSpikes()), counts = bufferOf(op.getCount());
  int64_t neurons = op.getNeurons(), classes = tensorOf(op.getCount()).getShape().back();
  int64_t group = neurons / classes, width = paddedWidth(neurons);
  Memory scratch = scratchMemory(op, e.real);
  // Classes that are added up side by side, to hide the latency of the additions.
  constexpr int64_t kTogether = 8;
  e.loop(count, [&](Value sample) {
    Memory row = scratch;
    Value target = rowOffset(counts, sample, nullptr);
    if (group == 1)
      row = {counts.memory.base, e.add(counts.memory.offset, target)};
    e.loop(e.index(0), e.index(width), kLanes, [&](Value n) {
      auto total = e.loop(e.index(0), overTime(op.getSpikes()) ? steps : e.index(1), 1, {e.constant(e.rowVector(), 0)},
                          [&](Value time, ValueRange acc) {
                            Value at = rowOffset(spikes, sample, spikes.timeStride ? time : Value());
                            Value term =
                                isPacked(op.getSpikes())
                                    ? e.bitsToReals(e.wordToBits(e.load(spikes.memory, e.add(at, e.div(n, kLanes)))))
                                    : e.loadVector(spikes.memory, e.add(at, n), kLanes);
                            return SmallVector<Value>{arith::AddFOp::create(e.b, acc[0], term)};
                          });
      e.storeVector(total[0], row, n);
    });
    if (group == 1)
      return;
    auto addUp = [&](Value from, int64_t together) {
      SmallVector<Value> zeros(together, e.constant(e.real, 0));
      auto totals = e.loop(e.index(0), e.index(group), 1, zeros, [&](Value j, ValueRange acc) {
        SmallVector<Value> next;
        for (int64_t c = 0; c < together; ++c) {
          Value n = e.add(e.mul(e.add(from, c), group), j);
          next.push_back(arith::AddFOp::create(e.b, acc[c], e.load(scratch, n)));
        }
        return next;
      });
      for (int64_t c = 0; c < together; ++c)
        e.store(totals[c], counts.memory, e.add(target, e.add(from, c)));
    };
    int64_t whole = classes / kTogether * kTogether;
    if (whole > 0)
      e.loop(e.index(0), e.index(whole), kTogether, [&](Value c) { addUp(c, kTogether); });
    if (whole < classes)
      addUp(e.index(whole), classes - whole);
  });
  return success();
}

LogicalResult LaneLowering::lower(PopulationCountGradOp op) {
  Buffer from = bufferOf(op.getGrad()), to = bufferOf(op.getResult());
  int64_t neurons = tensorOf(op.getResult()).getShape().back(), classes = tensorOf(op.getGrad()).getShape().back();
  int64_t group = neurons / classes;
  e.loop(count, [&](Value sample) {
    Value source = rowOffset(from, sample, nullptr), target = rowOffset(to, sample, nullptr);
    e.storeVector(e.constant(e.rowVector(), 0), to.memory, e.add(target, paddedWidth(neurons) - kLanes));
    e.loop(e.index(classes), [&](Value c) {
      Value value = e.load(from.memory, e.add(source, c));
      e.loop(e.index(group), [&](Value j) { e.store(value, to.memory, e.add(target, e.add(e.mul(c, group), j))); });
    });
  });
  return success();
}

Value LaneLowering::labelOf(const Buffer &labels, Value sample) {
  return e.load(e.displaced(labels.host, e.mul(sample, labels.sampleStride), labels.element), e.index(0));
}

/// trunc(T rate N/C), in f64 as Python computes it, as a real.
Value LaneLowering::countTarget(Value rate, int64_t population) {
  Value numSteps = arith::UIToFPOp::create(e.b, e.b.getF64Type(), e.toI64(steps));
  Value target =
      arith::MulFOp::create(e.b, arith::MulFOp::create(e.b, numSteps, rate), e.constant(e.b.getF64Type(), population));
  Value whole = arith::FPToSIOp::create(e.b, e.b.getI64Type(), target);
  return arith::SIToFPOp::create(e.b, e.real, whole);
}

LogicalResult LaneLowering::lower(MseCountLossOp op) {
  Buffer counts = bufferOf(op.getCount()), labels = bufferOf(op.getLabels()), losses = bufferOf(op.getLoss());
  int64_t classes = tensorOf(op.getCount()).getShape().back();
  Value on = countTarget(scalarOf(op.getCorrect()), op.getPopulation());
  Value off = countTarget(scalarOf(op.getIncorrect()), op.getPopulation());
  Value numSteps = arith::UIToFPOp::create(e.b, e.real, e.toI64(steps));
  Value scale = arith::MulFOp::create(e.b, numSteps, e.constant(e.real, classes));
  e.loop(count, [&](Value sample) {
    Value label = labelOf(labels, sample);
    e.when(e.compare(arith::CmpIPredicate::uge, label, e.i64(classes)),
           [&] { fault.report(e, SNN_ERROR_LABEL, e.add(first, sample)); });
    Value row = rowOffset(counts, sample, nullptr);
    auto total = e.loop(e.index(0), e.index(classes), 1, {e.constant(e.real, 0)}, [&](Value c, ValueRange acc) {
      Value target = arith::SelectOp::create(e.b, e.equal(e.toI64(c), label), on, off);
      Value distance = arith::SubFOp::create(e.b, e.load(counts.memory, e.add(row, c)), target);
      return SmallVector<Value>{e.fma(distance, distance, acc[0])};
    });
    e.store(arith::DivFOp::create(e.b, total[0], scale), losses.memory, rowOffset(losses, sample, nullptr));
  });
  return success();
}

LogicalResult LaneLowering::lower(MseCountLossGradOp op) {
  Buffer counts = bufferOf(op.getCount()), labels = bufferOf(op.getLabels()), to = bufferOf(op.getResult());
  Buffer seed = bufferOf(op.getSeed());
  int64_t classes = tensorOf(op.getCount()).getShape().back();
  Value on = countTarget(scalarOf(op.getCorrect()), op.getPopulation());
  Value off = countTarget(scalarOf(op.getIncorrect()), op.getPopulation());
  Value numSteps = arith::UIToFPOp::create(e.b, e.real, e.toI64(steps));
  Value scale = arith::DivFOp::create(e.b, e.constant(e.real, 2),
                                      arith::MulFOp::create(e.b, numSteps, e.constant(e.real, classes)));
  e.loop(count, [&](Value sample) {
    Value label = labelOf(labels, sample);
    Value share = seed.scalar ? seed.scalar : e.load(seed.memory, rowOffset(seed, sample, nullptr));
    Value factor = arith::MulFOp::create(e.b, scale, share);
    Value row = rowOffset(counts, sample, nullptr), target = rowOffset(to, sample, nullptr);
    e.loop(e.index(classes), [&](Value c) {
      Value goal = arith::SelectOp::create(e.b, e.equal(e.toI64(c), label), on, off);
      Value distance = arith::SubFOp::create(e.b, e.load(counts.memory, e.add(row, c)), goal);
      e.store(arith::MulFOp::create(e.b, factor, distance), to.memory, e.add(target, c));
    });
  });
  return success();
}

} // namespace snn
