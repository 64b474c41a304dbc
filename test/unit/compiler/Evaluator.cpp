// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One line per op.

#include "Evaluator.h"

#include "dialect/SnnDialect.h"

#include "llvm/ADT/TypeSwitch.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace mlir;

namespace snn::test {
namespace {

template <typename Real> bool compare(arith::CmpFPredicate predicate, Real x, Real y) {
  switch (predicate) {
  case arith::CmpFPredicate::OGT:
    return x > y;
  case arith::CmpFPredicate::OGE:
    return x >= y;
  case arith::CmpFPredicate::OLT:
    return x < y;
  case arith::CmpFPredicate::OLE:
    return x <= y;
  case arith::CmpFPredicate::OEQ:
    return x == y;
  case arith::CmpFPredicate::UNO:
    return std::isnan(x) || std::isnan(y);
  case arith::CmpFPredicate::ORD:
    return !std::isnan(x) && !std::isnan(y);
  default:
    ADD_FAILURE() << "no rule for arith.cmpf " << stringifyCmpFPredicate(predicate).str();
    return false;
  }
}

/// arith.maximumf and arith.minimumf hand NaN on, unlike C's fmax.
template <typename Real> Real extreme(Real x, Real y, bool largest) {
  if (std::isnan(x) || std::isnan(y))
    return NAN;
  return (x > y) == largest ? x : y;
}

} // namespace

template <typename Real> void Evaluator<Real>::run(Block &block) {
  for (Operation &op : block.without_terminator())
    run(op);
}

template <typename Real> void Evaluator<Real>::run(Operation &op) {
  Value result = op.getResult(0);
  auto x = [&](unsigned i = 0) { return reals.lookup(op.getOperand(i)); };
  auto n = [&](unsigned i = 0) { return integers.lookup(op.getOperand(i)); };
  llvm::TypeSwitch<Operation *>(&op)
      .Case([&](ConstantOp c) { reals[result] = static_cast<Real>(c.getValue().convertToDouble()); })
      .Case([&](arith::ConstantOp c) {
        if (auto real = dyn_cast<FloatAttr>(c.getValue()))
          reals[result] = static_cast<Real>(real.getValueAsDouble());
        else
          integers[result] = cast<IntegerAttr>(c.getValue()).getInt();
      })
      .Case([&](arith::AddFOp) { reals[result] = x(0) + x(1); })
      .Case([&](arith::SubFOp) { reals[result] = x(0) - x(1); })
      .Case([&](arith::MulFOp) { reals[result] = x(0) * x(1); })
      .Case([&](arith::DivFOp) { reals[result] = x(0) / x(1); })
      .Case([&](arith::NegFOp) { reals[result] = -x(); })
      .Case([&](arith::MaximumFOp) { reals[result] = extreme(x(0), x(1), true); })
      .Case([&](arith::MinimumFOp) { reals[result] = extreme(x(0), x(1), false); })
      .Case([&](arith::CmpFOp c) { integers[result] = compare(c.getPredicate(), x(0), x(1)); })
      .Case([&](arith::SelectOp) { reals[result] = n() ? x(1) : x(2); })
      .Case([&](arith::SIToFPOp) { reals[result] = static_cast<Real>(n()); })
      .Case([&](math::FmaOp) { reals[result] = std::fma(x(0), x(1), x(2)); })
      .Case([&](math::AbsFOp) { reals[result] = std::abs(x()); })
      .Case([&](math::ExpOp) { reals[result] = std::exp(x()); })
      .Case([&](math::AtanOp) { reals[result] = std::atan(x()); })
      .Default([&](Operation *) { ADD_FAILURE() << "no rule for " << op.getName().getStringRef().str(); });
}

template class Evaluator<float>;
template class Evaluator<double>;

} // namespace snn::test
