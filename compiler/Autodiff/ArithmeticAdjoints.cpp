// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Adjoints of arith and math ops, as external models of DifferentiableOpInterface. Comparisons have none: they are
// piecewise constant.

#include "compiler/Autodiff/Passes.h"

using namespace mlir;

namespace snn {
namespace {

/// Binds an adjoint rule, a function (op, b, g, adjoints), to an op.
template <typename OpTy, auto Rule> struct Model : DifferentiableOpInterface::ExternalModel<Model<OpTy, Rule>, OpTy> {
  LogicalResult buildAdjoint(Operation *op, OpBuilder &builder, Adjoints &adjoints) const {
    ImplicitLocOpBuilder b(op->getLoc(), builder);
    Rule(cast<OpTy>(op), b, adjoints.lookup(op->getResult(0)), adjoints);
    return success();
  }
};

using B = ImplicitLocOpBuilder;

Value zeroLike(B &b, Value value) { return ConstantOp::create(b, value.getType(), b.getF64FloatAttr(0.0)); }

/// dL/da += g where `test` holds, and to b where it does not.
void route(B &b, Adjoints &adjoints, Value g, Value test, Value onTrue, Value onFalse) {
  Value zero = zeroLike(b, g);
  if (adjoints.isActive(onTrue))
    adjoints.add(b, onTrue, arith::SelectOp::create(b, test, g, zero));
  if (adjoints.isActive(onFalse))
    adjoints.add(b, onFalse, arith::SelectOp::create(b, test, zero, g));
}

void add(arith::AddFOp op, B &b, Value g, Adjoints &adjoints) {
  adjoints.add(b, op.getLhs(), g);
  adjoints.add(b, op.getRhs(), g);
}

void sub(arith::SubFOp op, B &b, Value g, Adjoints &adjoints) {
  adjoints.add(b, op.getLhs(), g);
  if (adjoints.isActive(op.getRhs()))
    adjoints.add(b, op.getRhs(), arith::NegFOp::create(b, g));
}

void neg(arith::NegFOp op, B &b, Value g, Adjoints &adjoints) {
  adjoints.add(b, op.getOperand(), arith::NegFOp::create(b, g));
}

void mul(arith::MulFOp op, B &b, Value g, Adjoints &adjoints) {
  if (adjoints.isActive(op.getLhs()))
    adjoints.add(b, op.getLhs(), arith::MulFOp::create(b, g, op.getRhs()));
  if (adjoints.isActive(op.getRhs()))
    adjoints.add(b, op.getRhs(), arith::MulFOp::create(b, g, op.getLhs()));
}

/// d(x/y) = dx/y - (x/y) dy/y
void div(arith::DivFOp op, B &b, Value g, Adjoints &adjoints) {
  Value scaled = arith::DivFOp::create(b, g, op.getRhs());
  adjoints.add(b, op.getLhs(), scaled);
  if (adjoints.isActive(op.getRhs()))
    adjoints.add(b, op.getRhs(), arith::NegFOp::create(b, arith::MulFOp::create(b, scaled, op.getResult())));
}

void select(arith::SelectOp op, B &b, Value g, Adjoints &adjoints) {
  route(b, adjoints, g, op.getCondition(), op.getTrueValue(), op.getFalseValue());
}

/// Where `lhs` is chosen alone it gets all of the gradient, and so does `rhs`. At a tie each gets half, and nothing
/// beside a number of the text, which leaves a function of one value: the subgradients of least norm, which PyTorch
/// takes too. So clamp(x, lo, hi) passes nothing at numbers that are its bounds.
void extremum(B &b, Adjoints &adjoints, Value g, arith::CmpFPredicate chosen, Value lhs, Value rhs) {
  Value zero = zeroLike(b, g);
  Value left = arith::CmpFOp::create(b, chosen, lhs, rhs), right = arith::CmpFOp::create(b, chosen, rhs, lhs);
  Value tie = lhs.getDefiningOp<ConstantOp>() || rhs.getDefiningOp<ConstantOp>()
                  ? zero
                  : arith::MulFOp::create(b, g, ConstantOp::create(b, g.getType(), b.getF64FloatAttr(0.5)));
  auto pass = [&](Value to, Value isChosen, Value otherIsChosen) {
    if (!adjoints.isActive(to))
      return;
    Value otherwise = tie == zero ? zero : arith::SelectOp::create(b, otherIsChosen, zero, tie);
    adjoints.add(b, to, arith::SelectOp::create(b, isChosen, g, otherwise));
  };
  pass(lhs, left, right);
  pass(rhs, right, left);
}

void maximum(arith::MaximumFOp op, B &b, Value g, Adjoints &adjoints) {
  extremum(b, adjoints, g, arith::CmpFPredicate::OGT, op.getLhs(), op.getRhs());
}

void minimum(arith::MinimumFOp op, B &b, Value g, Adjoints &adjoints) {
  extremum(b, adjoints, g, arith::CmpFPredicate::OLT, op.getLhs(), op.getRhs());
}

void exponential(math::ExpOp op, B &b, Value g, Adjoints &adjoints) {
  adjoints.add(b, op.getOperand(), arith::MulFOp::create(b, g, op.getResult()));
}

/// Nothing at 0.
void absolute(math::AbsFOp op, B &b, Value g, Adjoints &adjoints) {
  Value zero = zeroLike(b, g);
  Value positive = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, op.getOperand(), zero);
  Value negative = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, op.getOperand(), zero);
  Value below = arith::SelectOp::create(b, negative, arith::NegFOp::create(b, g), zero);
  adjoints.add(b, op.getOperand(), arith::SelectOp::create(b, positive, g, below));
}

} // namespace

void registerArithmeticAdjoints(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, arith::ArithDialect *) {
    arith::AddFOp::attachInterface<Model<arith::AddFOp, add>>(*context);
    arith::SubFOp::attachInterface<Model<arith::SubFOp, sub>>(*context);
    arith::NegFOp::attachInterface<Model<arith::NegFOp, neg>>(*context);
    arith::MulFOp::attachInterface<Model<arith::MulFOp, mul>>(*context);
    arith::DivFOp::attachInterface<Model<arith::DivFOp, div>>(*context);
    arith::SelectOp::attachInterface<Model<arith::SelectOp, select>>(*context);
    arith::MaximumFOp::attachInterface<Model<arith::MaximumFOp, maximum>>(*context);
    arith::MinimumFOp::attachInterface<Model<arith::MinimumFOp, minimum>>(*context);
  });
  registry.addExtension(+[](MLIRContext *context, math::MathDialect *) {
    math::ExpOp::attachInterface<Model<math::ExpOp, exponential>>(*context);
    math::AbsFOp::attachInterface<Model<math::AbsFOp, absolute>>(*context);
  });
}

} // namespace snn
