// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reals in generated code as operands of C++ formulas, and what formulas of functions are made of.

#ifndef SNN_COMPILER_CODEGEN_CPU_REALFORMULAS_H
#define SNN_COMPILER_CODEGEN_CPU_REALFORMULAS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>
#include <numbers>

namespace snn {

/// A real, or a vector of them, with the builder, so that formulas read as such.
struct Real {
  mlir::Value value;
  mlir::ImplicitLocOpBuilder *b;
};

inline Real operator+(Real x, Real y) { return {mlir::arith::AddFOp::create(*x.b, x.value, y.value), x.b}; }
inline Real operator-(Real x, Real y) { return {mlir::arith::SubFOp::create(*x.b, x.value, y.value), x.b}; }
inline Real operator*(Real x, Real y) { return {mlir::arith::MulFOp::create(*x.b, x.value, y.value), x.b}; }
inline Real operator/(Real x, Real y) { return {mlir::arith::DivFOp::create(*x.b, x.value, y.value), x.b}; }
inline Real operator-(Real x) { return {mlir::arith::NegFOp::create(*x.b, x.value), x.b}; }
inline Real fma(Real x, Real y, Real z) { return {mlir::math::FmaOp::create(*x.b, x.value, y.value, z.value), x.b}; }
inline Real abs(Real x) { return {mlir::math::AbsFOp::create(*x.b, x.value), x.b}; }
inline Real trunc(Real x) { return {mlir::math::TruncOp::create(*x.b, x.value), x.b}; }
inline Real smaller(Real x, Real y) { return {mlir::arith::MinimumFOp::create(*x.b, x.value, y.value), x.b}; }
inline Real larger(Real x, Real y) { return {mlir::arith::MaximumFOp::create(*x.b, x.value, y.value), x.b}; }
inline Real withSign(Real x, Real sign) { return {mlir::math::CopySignOp::create(*x.b, x.value, sign.value), x.b}; }
inline mlir::Value compare(mlir::arith::CmpFPredicate predicate, Real x, Real y) {
  return mlir::arith::CmpFOp::create(*x.b, predicate, x.value, y.value);
}
inline mlir::Value operator<(Real x, Real y) { return compare(mlir::arith::CmpFPredicate::OLT, x, y); }
inline mlir::Value operator>(Real x, Real y) { return compare(mlir::arith::CmpFPredicate::OGT, x, y); }
inline mlir::Value operator==(Real x, Real y) { return compare(mlir::arith::CmpFPredicate::OEQ, x, y); }
inline mlir::Value isNan(Real x) { return compare(mlir::arith::CmpFPredicate::UNO, x, x); }
inline Real select(mlir::Value test, Real yes, Real no) {
  return {mlir::arith::SelectOp::create(*yes.b, test, yes.value, no.value), yes.b};
}

struct Pair {
  Real hi, lo;
};

/// The exact sum. |x| >= |y|, or x = 0.
inline Pair orderedSum(Real x, Real y) {
  Real sum = x + y;
  return {sum, x - sum + y};
}
inline Pair exactSum(Real x, Real y) {
  Real sum = x + y, share = sum - x;
  return {sum, (x - (sum - share)) + (y - share)};
}
inline Pair exactProduct(Real x, Real y) {
  Real product = x * y;
  return {product, fma(x, y, -product)};
}
inline Pair product(Pair x, Pair y) {
  Pair high = exactProduct(x.hi, y.hi);
  return {high.hi, fma(x.hi, y.lo, fma(x.lo, y.hi, high.lo))};
}
inline Pair select(mlir::Value test, Pair yes, Pair no) {
  return {select(test, yes.hi, no.hi), select(test, yes.lo, no.lo)};
}
inline Real rounded(Pair x) { return x.hi + x.lo; }

/// A whole number, as a real and in the low bits of an integer. The upper bits of the integer hold anything.
struct Whole {
  Real real;
  mlir::Value bits;
};

/// Constants, bits and steps of one type.
class RealFormulas {
public:
  RealFormulas(mlir::ImplicitLocOpBuilder &b, mlir::Type type, bool isShort)
      : b(b), type(type), bitWidth(mlir::getElementTypeOrSelf(type).getIntOrFloatBitWidth()), isShort(isShort) {}

protected:
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  /// Few enough bits for products with exponents to be exact.
  static constexpr double kLn2Upper = 0x1.62e42feep-1, kLn2Lower = 0x1.a39ef35793c76p-33;
  static constexpr double kPiRest = 0x1.1a62633145c07p-53;

  bool isWide() const { return bitWidth == 64; }

  Real number(double value) {
    auto element = mlir::FloatAttr::get(mlir::getElementTypeOrSelf(type), value);
    if (auto shaped = mlir::dyn_cast<mlir::ShapedType>(type))
      return {mlir::arith::ConstantOp::create(b, mlir::DenseElementsAttr::get(shaped, element)), &b};
    return {mlir::arith::ConstantOp::create(b, element), &b};
  }

  mlir::Type integerType() {
    auto shaped = mlir::dyn_cast<mlir::ShapedType>(type);
    mlir::Type element = b.getIntegerType(bitWidth);
    return shaped ? mlir::Type(shaped.clone(element)) : element;
  }
  mlir::Value integer(int64_t value) {
    auto element = mlir::IntegerAttr::get(b.getIntegerType(bitWidth), value);
    if (auto shaped = mlir::dyn_cast<mlir::ShapedType>(integerType()))
      return mlir::arith::ConstantOp::create(b, mlir::DenseElementsAttr::get(shaped, element));
    return mlir::arith::ConstantOp::create(b, element);
  }
  mlir::Value toBits(Real x) { return mlir::arith::BitcastOp::create(b, integerType(), x.value); }
  Real fromBits(mlir::Value bits) { return {mlir::arith::BitcastOp::create(b, type, bits), &b}; }
  template <typename Shift> mlir::Value shifted(mlir::Value x, int64_t by) { return Shift::create(b, x, integer(by)); }
  mlir::Value hasBit(mlir::Value x, int64_t bit) {
    return mlir::arith::CmpIOp::create(b, mlir::arith::CmpIPredicate::ne,
                                       mlir::arith::AndIOp::create(b, x, integer(bit)), integer(0));
  }
  mlir::Value both(mlir::Value x, mlir::Value y) { return mlir::arith::AndIOp::create(b, x, y); }
  mlir::Value either(mlir::Value x, mlir::Value y) { return mlir::arith::OrIOp::create(b, x, y); }
  mlir::Value negated(mlir::Value x) {
    return mlir::arith::XOrIOp::create(b, x, mlir::arith::ConstantOp::create(b, b.getOneAttr(x.getType())));
  }

  Real inside(Real x, double low, double high) { return larger(smaller(x, number(high)), number(low)); }

  Real polynomial(Real z, llvm::ArrayRef<double> forF32, llvm::ArrayRef<double> forF64) {
    llvm::ArrayRef<double> terms = isShort ? forF32 : forF64;
    Real sum = number(terms.back());
    for (double term : llvm::reverse(terms.drop_back()))
      sum = fma(sum, z, number(term));
    return sum;
  }

  /// x / y. In f64 also what the quotient's rounding leaves.
  Pair quotient(Pair x, Pair y) {
    if (isShort)
      return {x.hi / y.hi, number(0)};
    Real inverse = number(1) / y.hi, ratio = x.hi * inverse;
    return {ratio, (fma(-ratio, y.hi, x.hi) + fma(-ratio, y.lo, x.lo)) * inverse};
  }

  /// To even if between two. Adding 1.5 * 2^52 (f32: 2^23) leaves no room for a fraction; conversions to integers would
  /// not be vectors on all machines.
  Whole nearest(Real x) {
    Real shift = number(isWide() ? 0x1.8p52 : 0x1.8p23), sum = x + shift;
    return {sum - shift, toBits(sum)};
  }

  /// For exponents of normal numbers.
  Real powerOfTwo(mlir::Value exponent) {
    mlir::Value biased = mlir::arith::AddIOp::create(b, exponent, integer(isWide() ? 1023 : 127));
    return fromBits(shifted<mlir::arith::ShLIOp>(biased, isWide() ? 52 : 23));
  }
  /// 2^n x, for n up to twice those exponents.
  Real scaled(Real x, Whole n) {
    Whole half = nearest(n.real * number(0.5));
    return x * powerOfTwo(half.bits) * powerOfTwo(mlir::arith::SubIOp::create(b, n.bits, half.bits));
  }

  mlir::ImplicitLocOpBuilder &b;
  mlir::Type type;
  unsigned bitWidth;
  bool isShort; ///< f32 is wanted
};

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_REALFORMULAS_H
