// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scalars -> arith and math.

#include "frontends/snn/ImportScalars.h"

#include "frontends/snn/Evaluate.h"

#include "dialect/core/CoreDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace llvm;
using namespace mlir;

namespace snn::frontend {
namespace {

bool isComparison(Operator op) { return op >= Operator::Less && op <= Operator::NotEqual; }

arith::CmpIPredicate integerPredicate(Operator op) {
  switch (op) {
  case Operator::Less:
    return arith::CmpIPredicate::slt;
  case Operator::LessEqual:
    return arith::CmpIPredicate::sle;
  case Operator::Greater:
    return arith::CmpIPredicate::sgt;
  case Operator::GreaterEqual:
    return arith::CmpIPredicate::sge;
  case Operator::Equal:
    return arith::CmpIPredicate::eq;
  default:
    return arith::CmpIPredicate::ne;
  }
}

} // namespace

arith::CmpFPredicate floatPredicate(Operator op) {
  switch (op) {
  case Operator::Less:
    return arith::CmpFPredicate::OLT;
  case Operator::LessEqual:
    return arith::CmpFPredicate::OLE;
  case Operator::Greater:
    return arith::CmpFPredicate::OGT;
  case Operator::GreaterEqual:
    return arith::CmpFPredicate::OGE;
  case Operator::Equal:
    return arith::CmpFPredicate::OEQ;
  default:
    return arith::CmpFPredicate::UNE;
  }
}

Value ScalarBuilder::asReal(const Scalar &scalar, bool network) {
  Type type = network ? real : builder.getF64Type();
  if (scalar.constant)
    return arith::ConstantOp::create(builder, builder.getFloatAttr(type, *scalar.constant));
  if (scalar.kind == ValueType::Kind::Bits)
    return arith::UIToFPOp::create(builder, type, scalar.value);
  if (scalar.kind == ValueType::Kind::Integer)
    return arith::SIToFPOp::create(builder, type, scalar.value);
  if (!network) // a number, or what was the network's and becomes one
    return type == scalar.value.getType() ? scalar.value : arith::ExtFOp::create(builder, type, scalar.value);
  if (scalar.network)
    return scalar.value;
  Value number = outside(scalar.value);
  return type == number.getType() ? number : arith::TruncFOp::create(builder, type, number);
}

Type ScalarBuilder::typeOf(const Scalar &scalar) {
  if (scalar.value)
    return scalar.value.getType();
  return scalar.kind == ValueType::Kind::Bits ? Type(builder.getI1Type()) : builder.getF64Type();
}

Value ScalarBuilder::asValue(const Scalar &scalar) {
  if (!scalar.constant)
    return scalar.value;
  if (scalar.kind == ValueType::Kind::Bits)
    return arith::ConstantOp::create(builder, builder.getBoolAttr(*scalar.constant != 0));
  return asReal(scalar, /*network=*/false);
}

Scalar ScalarBuilder::negate(const Scalar &x) {
  if (x.constant)
    return Scalar::number(-*x.constant);
  return result(arith::NegFOp::create(builder, asReal(x, x.network)), x.network);
}

Scalar ScalarBuilder::operation(Operator op, const Scalar &a, const Scalar &b) {
  const bool compares = isComparison(op), network = a.network || b.network;
  if (a.constant && b.constant) {
    Scalar known = Scalar::number(applyOperator(op, *a.constant, *b.constant));
    known.kind = compares ? ValueType::Kind::Bits : ValueType::Kind::Real;
    return known;
  }
  if (compares && a.kind == ValueType::Kind::Integer && b.kind == ValueType::Kind::Integer)
    return result(arith::CmpIOp::create(builder, integerPredicate(op), a.value, b.value), network,
                  ValueType::Kind::Bits);
  if (op == Operator::Multiply) // nothing is rounded
    for (const auto &[one, other] : {std::pair(&a, &b), std::pair(&b, &a)})
      if (one->constant == 1.0 && other->kind == ValueType::Kind::Real)
        return *other;
  // No gradient passes a comparison, not even one with 1, which says of a spike what it is and would be folded to it.
  auto operand = [&](const Scalar &scalar) {
    Scalar compared = scalar;
    if (compares && scalar.kind == ValueType::Kind::Bits && !scalar.constant)
      compared.value = core::DetachOp::create(builder, scalar.value.getType(), scalar.value);
    return asReal(compared, network);
  };
  Value x = operand(a), y = operand(b);
  switch (op) {
  case Operator::Add:
    return result(arith::AddFOp::create(builder, x, y), network);
  case Operator::Subtract:
    return result(arith::SubFOp::create(builder, x, y), network);
  case Operator::Multiply:
    return result(arith::MulFOp::create(builder, x, y), network);
  case Operator::Divide:
    return result(arith::DivFOp::create(builder, x, y), network);
  default:
    return result(arith::CmpFOp::create(builder, floatPredicate(op), x, y), network, ValueType::Kind::Bits);
  }
}

/// x^n by squares: x^5 is (x^2)^2 * x.
static Value productOf(ImplicitLocOpBuilder &builder, Value x, unsigned exponent) {
  Value product;
  for (Value square = x; exponent > 0;) {
    if (exponent & 1)
      product = product ? arith::MulFOp::create(builder, square, product) : square;
    if (exponent >>= 1)
      square = arith::MulFOp::create(builder, square, square);
  }
  return product;
}

Scalar ScalarBuilder::power(const Scalar &a, const Scalar &b) {
  if (a.constant && b.constant)
    return Scalar::number(std::pow(*a.constant, *b.constant));
  const bool network = a.network || b.network;
  constexpr double most = 64;
  if (!b.constant || *b.constant != std::trunc(*b.constant) || std::abs(*b.constant) > most)
    return result(math::PowFOp::create(builder, asReal(a, network), asReal(b, network)), network);
  const double exponent = *b.constant;
  if (exponent == 0)
    return Scalar::number(1);
  Value product = productOf(builder, asReal(a, network), static_cast<unsigned>(std::abs(exponent)));
  if (exponent < 0)
    product = arith::DivFOp::create(builder, asReal(Scalar::number(1), network), product);
  return result(product, network);
}

Scalar ScalarBuilder::choose(const Scalar &condition, const Scalar &yes, const Scalar &no) {
  if (condition.constant)
    return *condition.constant != 0 ? yes : no;
  const bool network = condition.network || yes.network || no.network;
  if (condition.kind == ValueType::Kind::Real) { // a soft spike mixes; integers cannot be mixed
    if (yes.kind == ValueType::Kind::Integer && no.kind == ValueType::Kind::Integer)
      return choose(operation(Operator::Greater, condition, Scalar::number(0.5)), yes, no);
    Scalar rest = operation(Operator::Subtract, Scalar::number(1), condition);
    return operation(Operator::Add, operation(Operator::Multiply, condition, yes),
                     operation(Operator::Multiply, rest, no));
  }
  const bool same = yes.kind == no.kind && yes.kind != ValueType::Kind::Real;
  Value a = same ? asValue(yes) : asReal(yes, network), b = same ? asValue(no) : asReal(no, network);
  Scalar chosen =
      result(arith::SelectOp::create(builder, condition.value, a, b), network, same ? yes.kind : ValueType::Kind::Real);
  if (same && yes.of == no.of)
    chosen.of = yes.of;
  return chosen;
}

Scalar ScalarBuilder::function(StringRef name, ArrayRef<Scalar> args) {
  if (llvm::all_of(args, [](const Scalar &arg) { return arg.constant.has_value(); })) {
    SmallVector<double> values;
    for (const Scalar &arg : args)
      values.push_back(*arg.constant);
    return Scalar::number(applyFunction(name, values));
  }
  const bool network = llvm::any_of(args, [](const Scalar &arg) { return arg.network; });
  SmallVector<Value> x;
  for (const Scalar &arg : args)
    x.push_back(asReal(arg, network));
  Value value;
  if (name == "abs")
    value = math::AbsFOp::create(builder, x[0]);
  else if (name == "exp")
    value = math::ExpOp::create(builder, x[0]);
  else if (name == "log")
    value = math::LogOp::create(builder, x[0]);
  else if (name == "sqrt")
    value = math::SqrtOp::create(builder, x[0]);
  else if (name == "tanh")
    value = math::TanhOp::create(builder, x[0]);
  else if (name == "sin")
    value = math::SinOp::create(builder, x[0]);
  else if (name == "cos")
    value = math::CosOp::create(builder, x[0]);
  else if (name == "atan")
    value = math::AtanOp::create(builder, x[0]);
  else if (name == "trunc")
    value =
        arith::SIToFPOp::create(builder, x[0].getType(), arith::FPToSIOp::create(builder, builder.getI64Type(), x[0]));
  else if (name == "min")
    value = arith::MinimumFOp::create(builder, x[0], x[1]);
  else if (name == "max")
    value = arith::MaximumFOp::create(builder, x[0], x[1]);
  else
    value = arith::MinimumFOp::create(builder, arith::MaximumFOp::create(builder, x[0], x[1]), x[2]);
  return result(value, network);
}

} // namespace snn::frontend
