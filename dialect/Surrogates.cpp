// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The surrogates' derivatives as snnTorch 1.0.0 computes them (surrogate.py), and their antiderivatives, which make
// a network smooth for checking gradients by differences.

#include "dialect/SnnDialect.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <numbers>

using namespace mlir;

namespace {

/// Arithmetic on values of one type (a float or a shaped type of floats), with constants made on the spot.
struct Expr {
  ImplicitLocOpBuilder &b;
  Type type;

  Value constant(double value) const {
    if (isa<RankedTensorType>(type))
      return snn::ConstantOp::create(b, type, b.getF64FloatAttr(value));
    auto element = FloatAttr::get(mlir::getElementTypeOrSelf(type), value);
    if (auto shaped = dyn_cast<ShapedType>(type))
      return arith::ConstantOp::create(b, DenseElementsAttr::get(shaped, element));
    return arith::ConstantOp::create(b, element);
  }
  Value add(Value x, Value y) const { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) const { return arith::DivFOp::create(b, x, y); }
  Value abs(Value x) const { return math::AbsFOp::create(b, x); }
  Value exp(Value x) const { return math::ExpOp::create(b, x); }
  Value above(Value x, double bound, Value yes, Value no) const {
    Value test = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, constant(bound));
    return arith::SelectOp::create(b, test, yes, no);
  }
};

double number(FloatAttr attr) { return attr.getValueAsDouble(); }

/// 1 / (slope |x| + 1)^2
Value fastSigmoid(const Expr &e, Value x, double slope) {
  Value d = e.add(e.mul(e.constant(slope), e.abs(x)), e.constant(1));
  return e.div(e.constant(1), e.mul(d, d));
}

/// x / (slope |x| + 1), its antiderivative
Value fastSigmoidSum(const Expr &e, Value x, double slope) {
  return e.div(x, e.add(e.mul(e.constant(slope), e.abs(x)), e.constant(1)));
}

} // namespace

namespace snn {

Value FastSigmoidAttr::emitDerivative(ImplicitLocOpBuilder &b, Value x) const {
  return fastSigmoid({b, x.getType()}, x, number(getSlope()));
}
Value FastSigmoidAttr::emitAntiderivative(ImplicitLocOpBuilder &b, Value x) const {
  return fastSigmoidSum({b, x.getType()}, x, number(getSlope()));
}

Value AtanAttr::emitDerivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  double alpha = number(getAlpha());
  Value u = e.mul(e.constant(std::numbers::pi / 2 * alpha), x);
  return e.div(e.constant(alpha / 2), e.add(e.constant(1), e.mul(u, u)));
}
Value AtanAttr::emitAntiderivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  Value u = e.mul(e.constant(std::numbers::pi / 2 * number(getAlpha())), x);
  return e.mul(e.constant(1 / std::numbers::pi), math::AtanOp::create(b, u));
}

Value SigmoidAttr::emitDerivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  double slope = number(getSlope());
  Value decay = e.exp(e.mul(e.constant(-slope), e.abs(x)));
  Value d = e.add(decay, e.constant(1));
  return e.div(e.mul(e.constant(slope), decay), e.mul(d, d));
}
Value SigmoidAttr::emitAntiderivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  Value decay = e.exp(e.mul(e.constant(-number(getSlope())), e.abs(x)));
  Value upper = e.div(e.constant(1), e.add(decay, e.constant(1)));
  return e.above(x, 0, upper, e.sub(e.constant(1), upper));
}

Value StraightThroughAttr::emitDerivative(ImplicitLocOpBuilder &b, Value x) const {
  return Expr{b, x.getType()}.constant(1);
}
Value StraightThroughAttr::emitAntiderivative(ImplicitLocOpBuilder &, Value x) const { return x; }

Value TriangularAttr::emitDerivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  double height = number(getHeight());
  Value below = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, e.constant(0));
  return arith::SelectOp::create(b, below, e.constant(height), e.constant(-height));
}
Value TriangularAttr::emitAntiderivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  return e.mul(e.constant(-number(getHeight())), e.abs(x));
}

Value StepAttr::emitDerivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  return e.above(x, 0, e.constant(1), e.constant(0));
}
Value StepAttr::emitAntiderivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  return e.above(x, 0, x, e.constant(0));
}

Value SpikeRateEscapeAttr::emitDerivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  Value distance = e.abs(e.sub(x, e.constant(1)));
  return e.mul(e.constant(number(getSlope())), e.exp(e.mul(e.constant(-number(getBeta())), distance)));
}
Value SpikeRateEscapeAttr::emitAntiderivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  double scale = number(getSlope()) / number(getBeta());
  Value distance = e.abs(e.sub(x, e.constant(1)));
  Value tail = e.mul(e.constant(scale), e.exp(e.mul(e.constant(-number(getBeta())), distance)));
  return e.above(x, 1, e.sub(e.constant(2 * scale), tail), tail);
}

Value TwoSlopesAttr::emitDerivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  return e.above(x, 0, e.constant(1), e.constant(number(getSlope())));
}
Value TwoSlopesAttr::emitAntiderivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  return e.above(x, 0, x, e.mul(e.constant(number(getSlope())), x));
}

Value SparseFastSigmoidAttr::emitDerivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  return e.above(x, number(getBound()), fastSigmoid(e, x, number(getSlope())), e.constant(0));
}
Value SparseFastSigmoidAttr::emitAntiderivative(ImplicitLocOpBuilder &b, Value x) const {
  Expr e{b, x.getType()};
  double slope = number(getSlope()), bound = number(getBound());
  double atBound = bound / (slope * std::abs(bound) + 1);
  return e.above(x, bound, e.sub(fastSigmoidSum(e, x, slope), e.constant(atBound)), e.constant(0));
}

} // namespace snn
