// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Adjoints of arith and math ops on scalars, and of a definition that states its own. Comparisons and roundings have
// none: they are piecewise constant (isFlat in Adjoints.cpp).

#include "compiler/Autodiff/Adjoints.h"

using namespace mlir;

namespace snn::core {
namespace {

using B = ImplicitLocOpBuilder;

/// Binds an adjoint rule, a function (op, b, g, adjoints), to an op.
template <typename OpTy, auto Rule> struct Model : DifferentiableOpInterface::ExternalModel<Model<OpTy, Rule>, OpTy> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, Adjoints &adjoints) const {
    B b(op->getLoc(), builder);
    Rule(cast<OpTy>(op), b, adjoints.lookup(op->getResult(0)), adjoints);
    return success();
  }
};

Value constant(B &b, Type type, double value) { return arith::ConstantOp::create(b, b.getFloatAttr(type, value)); }
Value mul(B &b, Value x, Value y) { return arith::MulFOp::create(b, x, y); }
Value div(B &b, Value x, Value y) { return arith::DivFOp::create(b, x, y); }
Value sub(B &b, Value x, Value y) { return arith::SubFOp::create(b, x, y); }
Value neg(B &b, Value x) { return arith::NegFOp::create(b, x); }
Value select(B &b, Value condition, Value x, Value y) { return arith::SelectOp::create(b, condition, x, y); }
Value zero(B &b, Value like) { return constant(b, like.getType(), 0); }
Value one(B &b, Value like) { return constant(b, like.getType(), 1); }

/// An operand's share of the adjoint: written only if somebody wants it.
template <typename Make> void contribute(B &b, Adjoints &adjoints, Value operand, Make make) {
  if (adjoints.isActive(operand))
    adjoints.add(b, operand, make());
}

/// Two operands in like roles: `Share` is what one of them gets beside the other.
template <typename OpTy, Value (*Share)(B &, Value g, Value operand, Value other)>
void symmetric(OpTy op, B &b, Value g, Adjoints &adjoints) {
  contribute(b, adjoints, op.getLhs(), [&] { return Share(b, g, op.getLhs(), op.getRhs()); });
  contribute(b, adjoints, op.getRhs(), [&] { return Share(b, g, op.getRhs(), op.getLhs()); });
}

Value sumShare(B &, Value g, Value, Value) { return g; }
Value productShare(B &b, Value g, Value, Value other) { return mul(b, g, other); }

void subF(arith::SubFOp op, B &b, Value g, Adjoints &adjoints) {
  adjoints.add(b, op.getLhs(), g);
  contribute(b, adjoints, op.getRhs(), [&] { return neg(b, g); });
}

void negF(arith::NegFOp op, B &b, Value g, Adjoints &adjoints) {
  contribute(b, adjoints, op.getOperand(), [&] { return neg(b, g); });
}

/// d(x/y) = dx/y - (x/y) dy/y
void divF(arith::DivFOp op, B &b, Value g, Adjoints &adjoints) {
  Value scaled = div(b, g, op.getRhs());
  adjoints.add(b, op.getLhs(), scaled);
  contribute(b, adjoints, op.getRhs(), [&] { return neg(b, mul(b, scaled, op.getResult())); });
}

void fma(math::FmaOp op, B &b, Value g, Adjoints &adjoints) {
  contribute(b, adjoints, op.getA(), [&] { return mul(b, g, op.getB()); });
  contribute(b, adjoints, op.getB(), [&] { return mul(b, g, op.getA()); });
  adjoints.add(b, op.getC(), g);
}

/// Spikes are numbers of which only 0 and 1 occur: a and b is a b, a or b is a + b - a b, one of both is a + b - 2 a b,
/// and a choice between x and y is a x + (1 - a) y.
Value andShare(B &b, Value g, Value, Value other) { return select(b, other, g, zero(b, g)); }
Value orShare(B &b, Value g, Value, Value other) { return select(b, other, zero(b, g), g); }
Value xorShare(B &b, Value g, Value, Value other) { return select(b, other, neg(b, g), g); }

void choice(arith::SelectOp op, B &b, Value g, Adjoints &adjoints) {
  auto number = [&](Value value) -> Value {
    return isa<FloatType>(value.getType()) ? value : arith::UIToFPOp::create(b, g.getType(), value);
  };
  Value condition = op.getCondition(), x = op.getTrueValue(), y = op.getFalseValue();
  contribute(b, adjoints, x, [&] { return select(b, condition, g, zero(b, g)); });
  contribute(b, adjoints, y, [&] { return select(b, condition, zero(b, g), g); });
  contribute(b, adjoints, condition, [&] { return mul(b, g, sub(b, number(x), number(y))); });
}

/// At a tie each operand takes half, as in torch.maximum and torch.minimum; beside a number of the text, as in a clamp
/// or relu, nothing passes: the subgradient of least norm, as in PyTorch from 2.14 on.
template <arith::CmpFPredicate Wins> Value extremeShare(B &b, Value g, Value operand, Value other) {
  Value wins = select(b, arith::CmpFOp::create(b, Wins, operand, other), g, zero(b, g));
  if (other.getDefiningOp<arith::ConstantOp>())
    return wins;
  Value tie = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, operand, other);
  return select(b, tie, mul(b, g, constant(b, g.getType(), 0.5)), wins);
}

/// A spike's gradient is that of the real number which it stands for.
void fromSpike(arith::UIToFPOp op, B &b, Value g, Adjoints &adjoints) { adjoints.add(b, op.getIn(), g); }

void widen(arith::ExtFOp op, B &b, Value g, Adjoints &adjoints) {
  contribute(b, adjoints, op.getIn(), [&] { return arith::TruncFOp::create(b, op.getIn().getType(), g); });
}

void narrow(arith::TruncFOp op, B &b, Value g, Adjoints &adjoints) {
  contribute(b, adjoints, op.getIn(), [&] { return arith::ExtFOp::create(b, op.getIn().getType(), g); });
}

/// Functions of one number: g times the derivative, from the operand x and the result y.
template <typename OpTy, Value (*Derivative)(B &, Value, Value)>
void unary(OpTy op, B &b, Value g, Adjoints &adjoints) {
  contribute(b, adjoints, op.getOperand(), [&] { return mul(b, g, Derivative(b, op.getOperand(), op.getResult())); });
}

Value expRule(B &, Value, Value y) { return y; }
Value expm1Rule(B &b, Value, Value y) { return arith::AddFOp::create(b, y, one(b, y)); }
Value logRule(B &b, Value x, Value) { return div(b, one(b, x), x); }
Value log1pRule(B &b, Value x, Value) { return div(b, one(b, x), arith::AddFOp::create(b, one(b, x), x)); }
Value tanhRule(B &b, Value, Value y) { return sub(b, one(b, y), mul(b, y, y)); }
Value sqrtRule(B &b, Value, Value y) { return div(b, constant(b, y.getType(), 0.5), y); }
Value sinRule(B &b, Value x, Value) { return math::CosOp::create(b, x); }
Value cosRule(B &b, Value x, Value) { return neg(b, math::SinOp::create(b, x)); }
Value atanRule(B &b, Value x, Value) { return div(b, one(b, x), arith::AddFOp::create(b, one(b, x), mul(b, x, x))); }

/// 0 at 0, as in torch.abs.
Value absRule(B &b, Value x, Value) {
  Value above = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, zero(b, x));
  Value below = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, zero(b, x));
  return select(b, above, one(b, x), select(b, below, constant(b, x.getType(), -1), zero(b, x)));
}

/// d(x^p) = p x^(p-1) dx + x^p log(x) dp. The first is 0 where p = 0, the second where x = 0 and p is not negative, as
/// in torch.pow: their factors are 0 and an infinity.
void power(math::PowFOp op, B &b, Value g, Adjoints &adjoints) {
  Value x = op.getLhs(), p = op.getRhs();
  auto compare = [&](arith::CmpFPredicate predicate, Value value) -> Value {
    return arith::CmpFOp::create(b, predicate, value, zero(b, value));
  };
  contribute(b, adjoints, x, [&] {
    Value lower = math::PowFOp::create(b, x, sub(b, p, one(b, p)));
    return select(b, compare(arith::CmpFPredicate::OEQ, p), zero(b, g), mul(b, g, mul(b, p, lower)));
  });
  contribute(b, adjoints, p, [&] {
    Value flat = arith::AndIOp::create(b, compare(arith::CmpFPredicate::OEQ, x), compare(arith::CmpFPredicate::OGE, p));
    return select(b, flat, zero(b, g), mul(b, g, mul(b, op.getResult(), math::LogOp::create(b, x))));
  });
}

/// A definition that states its own derivative: a copy of its region.
struct CustomVjpModel : DifferentiableOpInterface::ExternalModel<CustomVjpModel, CustomVjpOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, Adjoints &adjoints) const {
    auto custom = cast<CustomVjpOp>(op);
    Block &block = custom.getVjp().front();
    SmallVector<Value> values(custom.getInputs());
    llvm::append_range(values, custom.getOutputs());
    for (auto [index, result] : llvm::enumerate(custom.getOutputs())) {
      Value grad = adjoints.lookup(result);
      Type type = block.getArgument(values.size()).getType();
      auto array = dyn_cast<ArrayType>(type);
      if (grad)
        grad = convertReals(builder, op->getLoc(), grad, array ? array.getElementType() : type);
      else
        grad = array ? constantArray(builder, op->getLoc(), array, 0)
                     : arith::ConstantOp::create(builder, op->getLoc(), builder.getZeroAttr(type));
      values.push_back(grad);
    }
    for (auto [operand, gradient] : llvm::zip(custom.getInputs(), cloneBody(builder, block, values)))
      adjoints.add(builder, operand, gradient);
    return success();
  }
};

template <typename OpTy, auto Rule> void attach(MLIRContext *context) {
  OpTy::template attachInterface<Model<OpTy, Rule>>(*context);
}
template <typename OpTy, Value (*Derivative)(B &, Value, Value)> void attachUnary(MLIRContext *context) {
  attach<OpTy, unary<OpTy, Derivative>>(context);
}
template <typename OpTy, Value (*Share)(B &, Value, Value, Value)> void attachSymmetric(MLIRContext *context) {
  attach<OpTy, symmetric<OpTy, Share>>(context);
}

} // namespace

void registerScalarRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    attachSymmetric<arith::AddFOp, sumShare>(context);
    attachSymmetric<arith::MulFOp, productShare>(context);
    attachSymmetric<arith::AndIOp, andShare>(context);
    attachSymmetric<arith::OrIOp, orShare>(context);
    attachSymmetric<arith::XOrIOp, xorShare>(context);
    attachSymmetric<arith::MaximumFOp, extremeShare<arith::CmpFPredicate::OGT>>(context);
    attachSymmetric<arith::MinimumFOp, extremeShare<arith::CmpFPredicate::OLT>>(context);
    attach<arith::SubFOp, subF>(context);
    attach<arith::NegFOp, negF>(context);
    attach<arith::DivFOp, divF>(context);
    attach<arith::SelectOp, choice>(context);
    attach<arith::UIToFPOp, fromSpike>(context);
    attach<arith::ExtFOp, widen>(context);
    attach<arith::TruncFOp, narrow>(context);
  });
  registry.addExtension(+[](MLIRContext *context, math::MathDialect *) {
    attach<math::FmaOp, fma>(context);
    attach<math::PowFOp, power>(context);
    attachUnary<math::ExpOp, expRule>(context);
    attachUnary<math::ExpM1Op, expm1Rule>(context);
    attachUnary<math::LogOp, logRule>(context);
    attachUnary<math::Log1pOp, log1pRule>(context);
    attachUnary<math::TanhOp, tanhRule>(context);
    attachUnary<math::SqrtOp, sqrtRule>(context);
    attachUnary<math::SinOp, sinRule>(context);
    attachUnary<math::CosOp, cosRule>(context);
    attachUnary<math::AtanOp, atanRule>(context);
    attachUnary<math::AbsFOp, absRule>(context);
  });
  registry.addExtension(
      +[](MLIRContext *context, CoreDialect *) { CustomVjpOp::attachInterface<CustomVjpModel>(*context); });
}

} // namespace snn::core
