// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Adjoints of arith and math ops on scalars, and of a definition that states its own. Comparisons and roundings have
// none: they are piecewise constant.

#include "compiler/Autodiff/Adjoints.h"

#include "mlir/IR/IRMapping.h"

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

/// An operand's share of the adjoint: written only if somebody wants it.
template <typename Make> void contribute(B &b, Adjoints &adjoints, Value operand, Make make) {
  if (adjoints.isActive(operand))
    adjoints.add(b, operand, make());
}

void addF(arith::AddFOp op, B &b, Value g, Adjoints &adjoints) {
  adjoints.add(b, op.getLhs(), g);
  adjoints.add(b, op.getRhs(), g);
}

void subF(arith::SubFOp op, B &b, Value g, Adjoints &adjoints) {
  adjoints.add(b, op.getLhs(), g);
  contribute(b, adjoints, op.getRhs(), [&] { return neg(b, g); });
}

void negF(arith::NegFOp op, B &b, Value g, Adjoints &adjoints) {
  contribute(b, adjoints, op.getOperand(), [&] { return neg(b, g); });
}

void mulF(arith::MulFOp op, B &b, Value g, Adjoints &adjoints) {
  contribute(b, adjoints, op.getLhs(), [&] { return mul(b, g, op.getRhs()); });
  contribute(b, adjoints, op.getRhs(), [&] { return mul(b, g, op.getLhs()); });
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

void select(arith::SelectOp op, B &b, Value g, Adjoints &adjoints) {
  Value zero = constant(b, g.getType(), 0);
  contribute(b, adjoints, op.getTrueValue(), [&] { return arith::SelectOp::create(b, op.getCondition(), g, zero); });
  contribute(b, adjoints, op.getFalseValue(), [&] { return arith::SelectOp::create(b, op.getCondition(), zero, g); });
}

/// At a tie each operand takes half, as in torch.maximum and torch.minimum; beside a number of the text, as in a clamp
/// or relu, nothing passes: the subgradient of least norm, as in PyTorch from 2.14 on.
template <typename OpTy, arith::CmpFPredicate Wins> void extremum(OpTy op, B &b, Value g, Adjoints &adjoints) {
  Value zero = constant(b, g.getType(), 0);
  auto share = [&](Value operand, Value other) -> Value {
    Value wins = arith::SelectOp::create(b, arith::CmpFOp::create(b, Wins, operand, other), g, zero);
    if (other.template getDefiningOp<arith::ConstantOp>())
      return wins;
    Value tie = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, operand, other);
    return arith::SelectOp::create(b, tie, mul(b, g, constant(b, g.getType(), 0.5)), wins);
  };
  contribute(b, adjoints, op.getLhs(), [&] { return share(op.getLhs(), op.getRhs()); });
  contribute(b, adjoints, op.getRhs(), [&] { return share(op.getRhs(), op.getLhs()); });
}

/// A spike's gradient is that of the real number which it stands for.
void fromSpike(arith::UIToFPOp op, B &b, Value g, Adjoints &adjoints) {
  if (op.getIn().getType().isInteger(1))
    adjoints.add(b, op.getIn(), g);
}

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

Value one(B &b, Value like) { return constant(b, like.getType(), 1); }
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
  Value zero = constant(b, x.getType(), 0);
  Value above = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, zero);
  Value below = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, zero);
  return arith::SelectOp::create(b, above, one(b, x),
                                 arith::SelectOp::create(b, below, constant(b, x.getType(), -1), zero));
}

/// d(x^p) = p x^(p-1) dx + x^p log(x) dp. The first is 0 where p = 0, the second where x = 0 and p is not negative, as
/// in torch.pow: their factors are 0 and an infinity.
void power(math::PowFOp op, B &b, Value g, Adjoints &adjoints) {
  Value x = op.getLhs(), p = op.getRhs();
  Value zero = constant(b, g.getType(), 0);
  auto compare = [&](arith::CmpFPredicate predicate, Value value) -> Value {
    return arith::CmpFOp::create(b, predicate, value, zero);
  };
  contribute(b, adjoints, x, [&]() -> Value {
    Value lower = math::PowFOp::create(b, x, sub(b, p, one(b, p)));
    return arith::SelectOp::create(b, compare(arith::CmpFPredicate::OEQ, p), zero, mul(b, g, mul(b, p, lower)));
  });
  contribute(b, adjoints, p, [&]() -> Value {
    Value flat = arith::AndIOp::create(b, compare(arith::CmpFPredicate::OEQ, x), compare(arith::CmpFPredicate::OGE, p));
    return arith::SelectOp::create(b, flat, zero, mul(b, g, mul(b, op.getResult(), math::LogOp::create(b, x))));
  });
}

/// A definition that states its own derivative: a copy of its region.
struct CustomVjpModel : DifferentiableOpInterface::ExternalModel<CustomVjpModel, CustomVjpOp> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, Adjoints &adjoints) const {
    auto custom = cast<CustomVjpOp>(op);
    Block &block = custom.getVjp().front();
    IRMapping mapping;
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
    mapping.map(block.getArguments(), values);
    for (Operation &inner : block.without_terminator())
      builder.clone(inner, mapping);
    for (auto [operand, gradient] : llvm::zip(custom.getInputs(), block.getTerminator()->getOperands()))
      adjoints.add(builder, operand, mapping.lookupOrDefault(gradient));
    return success();
  }
};

template <typename OpTy, auto Rule> void attach(MLIRContext *context) {
  OpTy::template attachInterface<Model<OpTy, Rule>>(*context);
}
template <typename OpTy, Value (*Derivative)(B &, Value, Value)> void attachUnary(MLIRContext *context) {
  attach<OpTy, unary<OpTy, Derivative>>(context);
}

} // namespace

void registerScalarRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    attach<arith::AddFOp, addF>(context);
    attach<arith::SubFOp, subF>(context);
    attach<arith::NegFOp, negF>(context);
    attach<arith::MulFOp, mulF>(context);
    attach<arith::DivFOp, divF>(context);
    attach<arith::SelectOp, select>(context);
    attach<arith::UIToFPOp, fromSpike>(context);
    attach<arith::ExtFOp, widen>(context);
    attach<arith::TruncFOp, narrow>(context);
    attach<arith::MaximumFOp, extremum<arith::MaximumFOp, arith::CmpFPredicate::OGT>>(context);
    attach<arith::MinimumFOp, extremum<arith::MinimumFOp, arith::CmpFPredicate::OLT>>(context);
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
