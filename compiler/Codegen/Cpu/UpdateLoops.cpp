// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See UpdateLoops.h.

#include "compiler/Codegen/Cpu/UpdateLoops.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace snn {
namespace {

/// Calls body(i) for the elements i of `slot` that lie in slice `slice`, kLanes at a time; i counts from the slot's
/// own start. Slots and slices are multiples of kLanes.
void forSlotInSlice(Emitter &e, const SpanSlot &slot, Value slice, const Emitter::Body &body) {
  int64_t begin = slot.offset / e.realBytes();
  Value from = e.mul(slice, kSliceElements), to = e.add(from, kSliceElements);
  Value low = e.maximum(from, e.index(begin)), high = e.minimum(to, e.index(begin + slot.elements));
  e.when(e.below(low, high), [&] { e.loop(e.sub(low, e.index(begin)), e.sub(high, e.index(begin)), kLanes, body); });
}

/// The optimisers' arithmetic on rows of kLanes reals, with scalars that are the same everywhere.
class UpdateRules {
public:
  UpdateRules(Emitter &e, CallFrame &frame, func::FuncOp update, const SpanLayout &spans, ModuleOp module, Value slice)
      : e(e), frame(frame), update(update), spans(spans), module(module), slice(slice), row(e.rowVector()) {}

  LogicalResult emit() {
    for (Operation &op : update.getBody().front().without_terminator()) {
      LogicalResult known = llvm::TypeSwitch<Operation *, LogicalResult>(&op)
                                .Case<AdamOp, SgdOp>([&](auto rule) {
                                  lower(rule);
                                  return success();
                                })
                                .Default([](Operation *other) { return other->emitOpError("has no loops for CPUs"); });
      if (failed(known))
        return failure();
    }
    return success();
  }

private:
  StringRef symbol(Value argument) {
    return update
        .getArgAttrOfType<FlatSymbolRefAttr>(cast<BlockArgument>(argument).getArgNumber(), SnnDialect::bindAttrName())
        .getValue();
  }

  Value number(Value argument) { return frame.hyper(declarationIndex<HyperOp>(module, symbol(argument))); }

  /// An f64 number in all lanes, as the model's reals.
  Value everywhere(Value f64) {
    Value real = e.real.isF64() ? f64 : Value(arith::TruncFOp::create(e.b, e.real, f64));
    return e.splat(real, kLanes);
  }

  Value f64(double value) { return e.constant(e.b.getF64Type(), value); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(e.b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(e.b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(e.b, x, y); }
  Value add(Value x, Value y) { return arith::AddFOp::create(e.b, x, y); }

  /// base^exponent by repeated squaring, in f64: for Adam's bias correction.
  Value power(Value base, Value exponent) {
    Value one = e.i64(1), zero = e.i64(0);
    auto loop = scf::WhileOp::create(
        e.b, TypeRange{e.b.getI64Type(), e.b.getF64Type(), e.b.getF64Type()}, ValueRange{exponent, base, f64(1)},
        [&](OpBuilder &b, Location loc, ValueRange args) {
          Value more = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, args[0], zero);
          scf::ConditionOp::create(b, loc, more, args);
        },
        [&](OpBuilder &b, Location loc, ValueRange args) {
          Value odd = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne,
                                            arith::AndIOp::create(b, loc, args[0], one), zero);
          Value taken = arith::MulFOp::create(b, loc, args[2], args[1]);
          Value result = arith::SelectOp::create(b, loc, odd, taken, args[2]);
          Value rest = arith::ShRUIOp::create(b, loc, args[0], one);
          Value square = arith::MulFOp::create(b, loc, args[1], args[1]);
          scf::YieldOp::create(b, loc, ValueRange{rest, square, result});
        });
    return loop.getResult(2);
  }

  /// The memory of a tensor: which span, and which copy in it, its argument says.
  Memory memoryOf(Value tensor) {
    unsigned index = cast<BlockArgument>(tensor).getArgNumber();
    auto span = update.getArgAttrOfType<SpanAttr>(index, SnnDialect::spanAttrName());
    auto copy = update.getArgAttrOfType<IntegerAttr>(index, SnnDialect::copyAttrName());
    size_t field = !span || span.getValue() == Span::Parameters ? offsetof(snn_call, parameters)
                   : span.getValue() == Span::Gradients         ? offsetof(snn_call, gradients)
                                                                : offsetof(snn_call, optimizer);
    int64_t offset = spans.find(symbol(tensor))->offset + (copy ? copy.getInt() : 0) * spans.parameterBytes();
    return e.atPointer(e.advance(frame.pointer(field), e.index(offset)), e.real);
  }

  /// torch.optim.Adam, single-tensor form: m += (1 - b1)(g - m); v = b2 v + (1 - b2) g g;
  /// p -= lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps).
  void lower(AdamOp op) {
    Value beta1 = number(op.getBeta1()), beta2 = number(op.getBeta2());
    Value step = e.loadAt(frame.call, offsetof(snn_call, optimizer_step), e.b.getI64Type());
    Value size = div(number(op.getLr()), sub(f64(1), power(beta1, step)));
    Value unbias = div(f64(1), math::SqrtOp::create(e.b, sub(f64(1), power(beta2, step))));
    Value stepSize = everywhere(arith::NegFOp::create(e.b, size)), unbiased = everywhere(unbias);
    Value decay2 = everywhere(beta2), take1 = everywhere(sub(f64(1), beta1)), take2 = everywhere(sub(f64(1), beta2));
    Value eps = everywhere(number(op.getEps())), decay = everywhere(number(op.getWeightDecay()));
    Memory parameter = memoryOf(op.getParameter()), gradient = memoryOf(op.getGradient());
    Memory mean = memoryOf(op.getMean()), variance = memoryOf(op.getVariance());
    forSlotInSlice(e, *spans.find(symbol(op.getParameter())), slice, [&](Value i) {
      Value p = e.loadVector(parameter, i, kLanes);
      Value g = e.fma(decay, p, e.loadVector(gradient, i, kLanes));
      Value m = e.loadVector(mean, i, kLanes), v = e.loadVector(variance, i, kLanes);
      m = e.fma(take1, sub(g, m), m);
      v = e.fma(mul(take2, g), g, mul(decay2, v));
      Value root = math::SqrtOp::create(e.b, v);
      p = e.fma(stepSize, div(m, e.fma(root, unbiased, eps)), p);
      e.storeVector(p, parameter, i);
      e.storeVector(m, mean, i);
      e.storeVector(v, variance, i);
    });
  }

  /// torch.optim.SGD without dampening: v = momentum v + g; p -= lr v.
  void lower(SgdOp op) {
    Value rate = everywhere(arith::NegFOp::create(e.b, number(op.getLr())));
    Value momentum = everywhere(number(op.getMomentum())), decay = everywhere(number(op.getWeightDecay()));
    Memory parameter = memoryOf(op.getParameter()), gradient = memoryOf(op.getGradient());
    Memory velocity = memoryOf(op.getVelocity());
    forSlotInSlice(e, *spans.find(symbol(op.getParameter())), slice, [&](Value i) {
      Value p = e.loadVector(parameter, i, kLanes);
      Value g = e.fma(decay, p, e.loadVector(gradient, i, kLanes));
      Value v = e.fma(momentum, e.loadVector(velocity, i, kLanes), g);
      e.storeVector(e.fma(rate, v, p), parameter, i);
      e.storeVector(v, velocity, i);
    });
  }

  Emitter &e;
  CallFrame &frame;
  func::FuncOp update;
  const SpanLayout &spans;
  ModuleOp module;
  Value slice;
  Type row;
};

} // namespace

void emitReduceSlice(Emitter &e, CallFrame &frame, const LanePlan &plan, const SpanLayout &spans, ModuleOp module,
                     Value slice) {
  ArenaMap arena =
      ArenaMap::of(e, plan, frame.batch(), frame.steps(plan.steps), frame.word(offsetof(snn_call, workers)));
  Value lanes = e.advance(frame.pointer(offsetof(snn_call, arena)), arena.sums);
  Value gradients = frame.pointer(offsetof(snn_call, gradients));
  int64_t laneElements = plan.laneBytes / e.realBytes();
  for (ParameterOp parameter : module.getOps<ParameterOp>()) {
    const SpanSlot &slot = *spans.find(parameter.getSymName());
    Memory to = e.atPointer(e.advance(gradients, e.index(slot.offset)), e.real);
    const std::optional<SumPlace> &place = plan.sums[plan.gradients.lookup(parameter.getSymName())];
    if (!place) { // the loss does not depend on it
      forSlotInSlice(e, slot, slice, [&](Value i) { e.storeVector(e.constant(e.rowVector(), 0), to, i); });
      continue;
    }
    Memory from = e.atPointer(e.advance(lanes, e.index(place->offset)), e.real);
    if (!place->scalar) {
      forSlotInSlice(e, slot, slice, [&](Value i) {
        auto total =
            e.loop(e.index(1), arena.laneCount, 1, {e.loadVector(from, i, kLanes)}, [&](Value lane, ValueRange sum) {
              Value term = e.loadVector(from, e.add(e.mul(lane, laneElements), i), kLanes);
              return SmallVector<Value>{arith::AddFOp::create(e.b, sum[0], term)};
            });
        e.storeVector(total[0], to, i);
      });
      continue;
    }
    // One number for all neurons: lanes in order, neurons in order.
    forSlotInSlice(e, slot, slice, [&](Value) {
      auto total = e.loop(e.index(0), arena.laneCount, 1, {e.constant(e.real, 0)}, [&](Value lane, ValueRange sum) {
        return e.loop(e.index(0), e.index(place->elements), 1, sum, [&](Value n, ValueRange inner) {
          Value term = e.load(from, e.add(e.mul(lane, laneElements), n));
          return SmallVector<Value>{arith::AddFOp::create(e.b, inner[0], term)};
        });
      });
      e.storeVector(e.constant(e.rowVector(), 0), to, e.index(0));
      e.store(total[0], to, e.index(0));
    });
  }
}

LogicalResult emitUpdateSlice(Emitter &e, CallFrame &frame, func::FuncOp update, const SpanLayout &spans,
                              ModuleOp module, Value slice) {
  return UpdateRules(e, frame, update, spans, module, slice).emit();
}

} // namespace snn
