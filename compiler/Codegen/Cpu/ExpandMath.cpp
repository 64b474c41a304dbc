// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// exp and atan as polynomials on vectors of reals.
//
// exp: x = n ln 2 + r with ln 2 in two parts, a Taylor polynomial in r of as many terms as the type needs, times 2^n
// put together from bits. atan: the reduction and the rational approximation of the Cephes library (atan.c,
// S. L. Moshier), whose coefficients give full f64 precision.

#include "compiler/Codegen/Cpu/Passes.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <numbers>

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_EXPANDMATH
#include "compiler/Codegen/Cpu/Passes.h.inc"

namespace {

class Polynomials {
public:
  Polynomials(Operation *op) : b(op->getLoc(), op), type(op->getResult(0).getType()) {}

  Value exp(Value x) {
    bool wide = bits() == 64;
    // Beyond these the result is infinite or (flushed to) zero.
    Value high = constant(wide ? 709.782712893384 : 88.72283172607421875);
    Value low = constant(wide ? -708.3964185322641 : -87.33654022216796875);
    Value inside = arith::MaximumFOp::create(b, arith::MinimumFOp::create(b, x, high), low);
    Value n = math::RoundEvenOp::create(b, mul(inside, constant(std::numbers::log2e)));
    // ln 2 = upper + lower, with few enough bits in upper for n * upper to be exact.
    Value upper = constant(wide ? -0x1.62e42feep-1 : -0x1.62e4p-1);
    Value lower = constant(wide ? -0x1.a39ef35793c76p-33 : -0x1.7f7d1cp-20);
    Value r = fma(n, lower, fma(n, upper, inside));
    int terms = wide ? 13 : 7;
    double factorial = 1;
    for (int i = 2; i <= terms; ++i)
      factorial *= i;
    Value sum = constant(1 / factorial);
    for (int i = terms; i > 0; --i) {
      factorial /= i;
      sum = fma(sum, r, constant(1 / factorial));
    }
    // 2^n in two factors, so that n may reach the largest exponent.
    Value half = math::FloorOp::create(b, mul(n, constant(0.5)));
    Value result = mul(mul(sum, powerOfTwo(half)), powerOfTwo(arith::SubFOp::create(b, n, half)));
    Value over = compare(arith::CmpFPredicate::OGT, x, high), under = compare(arith::CmpFPredicate::OLT, x, low);
    result = select(over, constant(INFINITY), select(under, constant(0), result));
    return select(compare(arith::CmpFPredicate::UNO, x, x), x, result);
  }

  Value atan(Value x) {
    Value magnitude = math::AbsFOp::create(b, x);
    Value one = constant(1);
    // Above tan(3 pi / 8): pi/2 - atan(1/x). Above 0.66: pi/4 + atan((x - 1) / (x + 1)).
    Value large = compare(arith::CmpFPredicate::OGT, magnitude, constant(2.41421356237309504880));
    Value middle = compare(arith::CmpFPredicate::OGT, magnitude, constant(0.66));
    Value inverse = arith::NegFOp::create(b, div(one, magnitude));
    Value ratio = div(arith::SubFOp::create(b, magnitude, one), add(magnitude, one));
    Value y = select(large, inverse, select(middle, ratio, magnitude));
    Value base =
        select(large, constant(std::numbers::pi / 2), select(middle, constant(std::numbers::pi / 4), constant(0)));
    const double p[] = {-8.750608600031904122785e-1, -1.615753718733365076637e1, -7.500855792314704667340e1,
                        -1.228866684490136173410e2, -6.485021904942025371773e1};
    const double q[] = {1.0,
                        2.485846490142306297962e1,
                        1.650270098316988542046e2,
                        4.328810604912902668951e2,
                        4.853903996359136964868e2,
                        1.945506571482613964425e2};
    Value z = mul(y, y);
    Value series = div(mul(z, horner(z, p)), horner(z, q));
    Value result = add(base, fma(y, series, y));
    return math::CopySignOp::create(b, result, x);
  }

private:
  unsigned bits() { return getElementTypeOrSelf(type).getIntOrFloatBitWidth(); }

  Value constant(double value) {
    auto element = FloatAttr::get(getElementTypeOrSelf(type), value);
    if (auto shaped = dyn_cast<ShapedType>(type))
      return arith::ConstantOp::create(b, DenseElementsAttr::get(shaped, element));
    return arith::ConstantOp::create(b, element);
  }

  Type integerType() {
    Type integer = b.getIntegerType(bits());
    auto shaped = dyn_cast<ShapedType>(type);
    return shaped ? Type(shaped.clone(integer)) : integer;
  }

  Value integer(int64_t value) {
    auto element = IntegerAttr::get(b.getIntegerType(bits()), value);
    if (auto shaped = dyn_cast<ShapedType>(integerType()))
      return arith::ConstantOp::create(b, DenseElementsAttr::get(shaped, element));
    return arith::ConstantOp::create(b, element);
  }

  /// n whole and within the exponents of normal numbers.
  Value powerOfTwo(Value n) {
    bool wide = bits() == 64;
    Value exponent = arith::AddIOp::create(b, arith::FPToSIOp::create(b, integerType(), n), integer(wide ? 1023 : 127));
    Value pattern = arith::ShLIOp::create(b, exponent, integer(wide ? 52 : 23));
    return arith::BitcastOp::create(b, type, pattern);
  }

  Value horner(Value z, ArrayRef<double> coefficients) {
    Value sum = constant(coefficients.front());
    for (double coefficient : coefficients.drop_front())
      sum = fma(sum, z, constant(coefficient));
    return sum;
  }

  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(b, x, y, z); }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) { return arith::CmpFOp::create(b, predicate, x, y); }
  Value select(Value test, Value yes, Value no) { return arith::SelectOp::create(b, test, yes, no); }

  ImplicitLocOpBuilder b;
  Type type;
};

class ExpandMath : public impl::ExpandMathBase<ExpandMath> {
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      Value result;
      if (auto exp = dyn_cast<math::ExpOp>(op))
        result = Polynomials(op).exp(exp.getOperand());
      else if (auto atan = dyn_cast<math::AtanOp>(op))
        result = Polynomials(op).atan(atan.getOperand());
      else
        return;
      op->getResult(0).replaceAllUsesWith(result);
      op->erase();
    });
  }
};

} // namespace
} // namespace snn
