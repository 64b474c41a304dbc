// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the functions are computed. All work in f64, those of f32 with shorter polynomials and one rounding at the end;
// only exp of f32 stays in f32, as surrogates call it at each step. Where one f64 is not enough a number is a pair: the
// sum of two, the second below the last place of the first. Each fma is written as such; nothing here is to be
// contracted or reordered.

#include "compiler/Codegen/Cpu/MathFunctions.h"
#include "compiler/Codegen/Cpu/MathCoefficients.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringMap.h"

#include <cmath>
#include <numbers>

using namespace mlir;

namespace snn {
namespace {

using Predicate = arith::CmpFPredicate;

/// A real, or a vector of them, with the builder, so that formulas read as such.
struct Real {
  Value value;
  ImplicitLocOpBuilder *b;
};

Real operator+(Real x, Real y) { return {arith::AddFOp::create(*x.b, x.value, y.value), x.b}; }
Real operator-(Real x, Real y) { return {arith::SubFOp::create(*x.b, x.value, y.value), x.b}; }
Real operator*(Real x, Real y) { return {arith::MulFOp::create(*x.b, x.value, y.value), x.b}; }
Real operator/(Real x, Real y) { return {arith::DivFOp::create(*x.b, x.value, y.value), x.b}; }
Real operator-(Real x) { return {arith::NegFOp::create(*x.b, x.value), x.b}; }
Real fma(Real x, Real y, Real z) { return {math::FmaOp::create(*x.b, x.value, y.value, z.value), x.b}; }
Real abs(Real x) { return {math::AbsFOp::create(*x.b, x.value), x.b}; }
Real trunc(Real x) { return {math::TruncOp::create(*x.b, x.value), x.b}; }
Real root(Real x) { return {math::SqrtOp::create(*x.b, x.value), x.b}; }
Real smaller(Real x, Real y) { return {arith::MinimumFOp::create(*x.b, x.value, y.value), x.b}; }
Real larger(Real x, Real y) { return {arith::MaximumFOp::create(*x.b, x.value, y.value), x.b}; }
Real withSign(Real x, Real sign) { return {math::CopySignOp::create(*x.b, x.value, sign.value), x.b}; }
Value compare(Predicate predicate, Real x, Real y) { return arith::CmpFOp::create(*x.b, predicate, x.value, y.value); }
Value operator<(Real x, Real y) { return compare(Predicate::OLT, x, y); }
Value operator>(Real x, Real y) { return compare(Predicate::OGT, x, y); }
Value operator==(Real x, Real y) { return compare(Predicate::OEQ, x, y); }
Value isNan(Real x) { return compare(Predicate::UNO, x, x); }
Real select(Value test, Real yes, Real no) {
  return {arith::SelectOp::create(*yes.b, test, yes.value, no.value), yes.b};
}

struct Pair {
  Real hi, lo;
};

/// The exact sum. |x| >= |y|, or x = 0.
Pair orderedSum(Real x, Real y) {
  Real sum = x + y;
  return {sum, x - sum + y};
}
Pair exactSum(Real x, Real y) {
  Real sum = x + y, share = sum - x;
  return {sum, (x - (sum - share)) + (y - share)};
}
Pair exactProduct(Real x, Real y) {
  Real product = x * y;
  return {product, fma(x, y, -product)};
}
Pair product(Pair x, Pair y) {
  Pair high = exactProduct(x.hi, y.hi);
  return {high.hi, fma(x.hi, y.lo, fma(x.lo, y.hi, high.lo))};
}
Pair select(Value test, Pair yes, Pair no) { return {select(test, yes.hi, no.hi), select(test, yes.lo, no.lo)}; }
Real rounded(Pair x) { return x.hi + x.lo; }

/// A whole number, as a real and in the low bits of an integer. The upper bits of the integer hold anything.
struct Whole {
  Real real;
  Value bits;
};

/// e^x = 2^n (1 + r + tail), |r| at most ln 2 / 2.
struct Exponential {
  Whole n;
  Real r, tail;
};

/// x = 2^k m, sqrt 1/2 <= m < sqrt 2, for positive finite x.
struct Split {
  Real k, m;
  Value biased; ///< k + 1024 as an integer
};

/// An angle less the nearest multiple of pi / 2. Both sums, of hi and lo, are less than one rounding off.
struct Turn {
  Value quarters; ///< the multiple's low bits
  Pair sin, cos;
};

class Functions {
public:
  Functions(ImplicitLocOpBuilder &b, Type type, bool isShort)
      : b(b), type(type), bitWidth(getElementTypeOrSelf(type).getIntOrFloatBitWidth()), isShort(isShort) {}

  // Beyond the bounds that arguments are held in, the last product overflows to infinity or rounds to 0 or 1 by itself.

  Real exp(Real x) { return whole(exponential(inside(x, isWide() ? -746 : -105, isWide() ? 710 : 89))); }

  Real exp2(Real x) {
    x = inside(x, -1076, 1025);
    Whole n = nearest(x);
    Pair r = product({x - n.real, number(0)}, {number(kLn2), number(kLn2Rest)});
    return whole({n, r.hi, fma(r.hi * r.hi, exponentialSeries(r.hi), r.lo)});
  }

  Real expm1(Real x) {
    Exponential e = exponential(inside(x, -40, 710), number(0));
    return select(abs(x) < number(0x1p-54), x, scaled(minusOne(e).hi, e.n));
  }

  /// E / (E + 2), E = e^2x - 1
  Real tanh(Real x) {
    Real y = smaller(abs(x), number(22));
    Exponential e = exponential(y + y, number(0));
    Pair difference = minusOne(e);
    Real scale = powerOfTwo(e.n.bits);
    Pair numerator{difference.hi * scale, difference.lo * scale};
    Pair denominator = exactSum(numerator.hi, number(2));
    return withSign(rounded(quotient(numerator, {denominator.hi, denominator.lo + numerator.lo})), x);
  }

  /// H + H / (2 H + 1), H = (e^x - 1) / 2
  Real sinh(Real x) {
    Exponential e = exponential(smaller(abs(x), number(711)), number(0));
    Pair difference = minusOne(e);
    Whole n = less(e.n, 1);
    Real half = scaled(difference.hi, n);
    Real other = half / smaller(half + half + number(1), number(0x1p1000)); // no infinity over infinity
    return select(abs(x) < number(0x1p-28), x, withSign(half + (other + scaled(difference.lo, n)), x));
  }

  Real cosh(Real x) {
    Exponential e = exponential(smaller(abs(x), number(711)), number(0));
    e.n = less(e.n, 1);
    Real half = whole(e);
    return half + number(0.25) / half;
  }

  Real log(Real x) { return logEnds(x, x, rounded(naturalLog(x))); }

  Real log2(Real x) {
    Split s = split(x);
    Pair units{number(0x1.71547652b82fep+0), number(0x1.777d0ffda0d24p-56)}; // 1 / ln 2
    return logEnds(x, x, rounded(joined(s.k, 1, 0, product(logNearOne({s.m - number(1), number(0)}), units))));
  }

  Real log10(Real x) {
    Split s = split(x);
    Pair units{number(0x1.bcb7b1526e50ep-2), number(0x1.95355baaafad3p-57)}; // 1 / ln 10
    Pair rest = product(logNearOne({s.m - number(1), number(0)}), units);
    return logEnds(x, x, rounded(joined(s.k, 0x1.34413509p-2, 0x1.ef3fde623e256p-35, rest))); // log10 2
  }

  Real log1p(Real x) {
    // What 1 + x rounds away goes into the difference from 1, in its units; twice, as 2^-k itself may be too small.
    Pair one = exactSum(number(1), x);
    Split s = split(one.hi);
    Real half = fromBits(shifted<arith::ShLIOp>(arith::SubIOp::create(b, integer(2048), s.biased), 52));
    Pair difference = orderedSum(s.m - number(1), one.lo * half * number(0.5));
    Pair result = joined(s.k, kLn2Upper, kLn2Lower, logNearOne(difference));
    return select(abs(x) < number(0x1p-60), x, logEnds(x, one.hi, rounded(result)));
  }

  Real pow(Real x, Real y) {
    Real size = abs(x);
    // A larger exponent gives 0, 1 or infinity as well.
    Pair power = product({inside(y, -0x1p70, 0x1p70), number(0)}, naturalLog(size));
    Real rest = select(abs(power.hi) < number(1000), power.lo, number(0));
    Real result = whole(exponential(inside(power.hi, -746, 710), rest));

    Value isEnd = either(size == number(0), size == number(kInfinity));
    Value grows = arith::XOrIOp::create(b, size > number(1), y < number(0));
    result = select(isEnd, select(grows, number(kInfinity), number(0)), result);
    Real half = y * number(0.5);
    Value isWhole = trunc(y) == y, isEven = trunc(half) == half;
    Value isNegative = withSign(number(1), x) < number(0);
    result = select(both(isNegative, both(isWhole, negated(isEven))), -result, result);
    Value noReal = both(both(x<number(0), x> number(-kInfinity)), negated(isWhole));
    result = select(either(noReal, isNan(x)), number(kNan), result);
    return select(either(y == number(0), x == number(1)), number(1), result);
  }

  Real sin(Real x) { return select(abs(x) < number(0x1p-27), x, ofTurn(turn(x), 0)); }
  Real cos(Real x) { return ofTurn(turn(x), 1); }
  Real tan(Real x) {
    Turn t = turn(x);
    Pair sin = orderedSum(t.sin.hi, t.sin.lo), cos = orderedSum(t.cos.hi, t.cos.lo);
    Value isOdd = hasBit(t.quarters, 1);
    Real result = rounded(quotient(select(isOdd, cos, sin), select(isOdd, sin, cos)));
    return select(abs(x) < number(0x1p-27), x, select(isOdd, -result, result));
  }

  Real atan(Real x) { return withSign(rounded(angle(smaller(abs(x), number(0x1p60)), number(1))), x); }

  Real atan2(Real y, Real x) {
    Real up = abs(y), along = abs(x);
    Value isEnd = either(up == number(kInfinity), along == number(kInfinity));
    Real zero = number(0), one = number(1), greatest = larger(up, along);
    // Within the exponents in which sums do not overflow, nor remainders vanish.
    Real scale = select(greatest > number(0x1p1000), number(0x1p-100),
                        select(greatest < number(0x1p-900), number(0x1p200), one));
    Real rise = select(isEnd, select(up == number(kInfinity), one, zero), up * scale);
    Real run = select(isEnd, select(along == number(kInfinity), one, zero), along * scale);
    run = select(greatest == zero, one, run);
    Pair result = angle(rise, run);
    Pair back = orderedSum(number(std::numbers::pi), -result.hi);
    Pair behind{back.hi, back.lo + (number(kPiRest) - result.lo)};
    result = select(withSign(one, x) < zero, behind, result);
    return select(either(isNan(x), isNan(y)), number(kNan), withSign(rounded(result), y));
  }

  Real erf(Real x) {
    Real y = smaller(abs(x), number(6)), z = y * y, one = number(1);
    Real low = fma(y, polynomial(z, coefficients::kErf32, coefficients::kErf64), y);
    Real t = (y - number(2)) / (y + number(2));
    Real high = one - exp(-z) * polynomial(t, coefficients::kErfc32, coefficients::kErfc64);
    return withSign(select(y < one, low, high), x);
  }

  Real rsqrt(Real x) { return number(1) / root(x); }
  /// Of two zeros the one with the sign that counts, which hardware leaves open.
  Real maxnum(Real x, Real y) { return select(isNan(x), y, select(isNan(y), x, larger(x, y))); }
  Real minnum(Real x, Real y) { return select(isNan(x), y, select(isNan(y), x, smaller(x, y))); }

private:
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  static constexpr double kLn2 = std::numbers::ln2, kLn2Rest = 0x1.abc9e3b39803fp-56;
  /// Few enough bits for products with exponents to be exact.
  static constexpr double kLn2Upper = 0x1.62e42feep-1, kLn2Lower = 0x1.a39ef35793c76p-33;
  static constexpr double kPiRest = 0x1.1a62633145c07p-53;

  bool isWide() const { return bitWidth == 64; }

  Real number(double value) {
    auto element = FloatAttr::get(getElementTypeOrSelf(type), value);
    if (auto shaped = dyn_cast<ShapedType>(type))
      return {arith::ConstantOp::create(b, DenseElementsAttr::get(shaped, element)), &b};
    return {arith::ConstantOp::create(b, element), &b};
  }

  Type integerType() {
    auto shaped = dyn_cast<ShapedType>(type);
    Type element = b.getIntegerType(bitWidth);
    return shaped ? Type(shaped.clone(element)) : element;
  }
  Value integer(int64_t value) {
    auto element = IntegerAttr::get(b.getIntegerType(bitWidth), value);
    if (auto shaped = dyn_cast<ShapedType>(integerType()))
      return arith::ConstantOp::create(b, DenseElementsAttr::get(shaped, element));
    return arith::ConstantOp::create(b, element);
  }
  Value toBits(Real x) { return arith::BitcastOp::create(b, integerType(), x.value); }
  Real fromBits(Value bits) { return {arith::BitcastOp::create(b, type, bits), &b}; }
  template <typename Shift> Value shifted(Value x, int64_t by) { return Shift::create(b, x, integer(by)); }
  Value hasBit(Value x, int64_t bit) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, arith::AndIOp::create(b, x, integer(bit)), integer(0));
  }
  Value both(Value x, Value y) { return arith::AndIOp::create(b, x, y); }
  Value either(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
  Value negated(Value x) { return arith::XOrIOp::create(b, x, (number(0) == number(0))); }

  Real inside(Real x, double low, double high) { return larger(smaller(x, number(high)), number(low)); }

  Real polynomial(Real z, ArrayRef<double> forF32, ArrayRef<double> forF64) {
    ArrayRef<double> terms = isShort ? forF32 : forF64;
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
  Whole less(Whole n, int64_t by) { return {n.real - number(by), arith::SubIOp::create(b, n.bits, integer(by))}; }

  /// For exponents of normal numbers.
  Real powerOfTwo(Value exponent) {
    Value biased = arith::AddIOp::create(b, exponent, integer(isWide() ? 1023 : 127));
    return fromBits(shifted<arith::ShLIOp>(biased, isWide() ? 52 : 23));
  }
  /// 2^n x, for n up to twice those exponents.
  Real scaled(Real x, Whole n) {
    Whole half = nearest(n.real * number(0.5));
    return x * powerOfTwo(half.bits) * powerOfTwo(arith::SubIOp::create(b, n.bits, half.bits));
  }

  Real exponentialSeries(Real r) { return polynomial(r, coefficients::kExp32, coefficients::kExp64); }

  /// Of x, or more precisely of x + rest.
  Exponential exponential(Real x, std::optional<Real> rest = std::nullopt) {
    Whole n = nearest(x * number(std::numbers::log2e));
    Real lower = number(isWide() ? -kLn2Lower : -0x1.7f7d1cp-20);
    Real upper = fma(n.real, number(isWide() ? -kLn2Upper : -0x1.62e4p-1), x), r = fma(n.real, lower, upper);
    Real square = r * r, series = exponentialSeries(r);
    if (!rest || isShort)
      return {n, r, square * series};
    return {n, r, fma(square, series, fma(n.real, lower, upper - r) + *rest)};
  }
  Real whole(Exponential e) { return scaled(number(1) + (e.r + e.tail), e.n); }
  /// (e^x - 1) / 2^n, for x of -40 and more: 1 - 2^-n is exact or 1.
  Pair minusOne(Exponential e) {
    Real offset = number(1) - powerOfTwo(nearest(-smaller(e.n.real, number(60))).bits);
    Pair sum = orderedSum(offset, e.r);
    return orderedSum(sum.hi, sum.lo + e.tail);
  }

  Split split(Real x) {
    constexpr int64_t rootOfHalf = 0x3fe6a09e667f3bcd, bias = int64_t(1024) << 52;
    Value isTiny = x < number(0x1p-1022);
    Value bits = toBits(isShort ? x : select(isTiny, x * number(0x1p54), x));
    Value biased = shifted<arith::ShRUIOp>(arith::AddIOp::create(b, bits, integer(bias - rootOfHalf)), 52);
    // As the last bits of 2^52 + k + 1024.
    Real k = fromBits(either(biased, integer(0x4330000000000000))) - number(0x1p52 + 1024);
    Value exponent = shifted<arith::ShLIOp>(arith::SubIOp::create(b, biased, integer(1024)), 52);
    return {isShort ? k : select(isTiny, k - number(54), k), fromBits(arith::SubIOp::create(b, bits, exponent)),
            biased};
  }

  /// log(1 + f) = 2 atanh s, s = f / (2 + f). The pair is good for 2^-65, as pow needs it.
  Pair logNearOne(Pair f) {
    Pair denominator = orderedSum(number(2), f.hi);
    Pair s = quotient(f, {denominator.hi, denominator.lo + f.lo});
    Pair z = product(s, s);
    Real rest = z.hi * polynomial(z.hi, coefficients::kLog32, coefficients::kLog64);
    Pair factor = orderedSum(number(0x1.5555555555555p-1), rest); // 2/3
    if (isShort)
      return {fma(s.hi * z.hi, factor.hi, s.hi + s.hi), number(0)};
    Pair cubic = product(s, product(z, {factor.hi, factor.lo + number(0x1.5555555555555p-55)}));
    Pair result = orderedSum(s.hi + s.hi, cubic.hi);
    return {result.hi, result.lo + (s.lo + s.lo + cubic.lo)};
  }
  /// k units + rest. The product with the unit's upper part is exact.
  Pair joined(Real k, double upper, double lower, Pair rest) {
    Pair sum = orderedSum(k * number(upper), rest.hi);
    return {sum.hi, sum.lo + fma(k, number(lower), rest.lo)};
  }
  Pair naturalLog(Real x) {
    Split s = split(x);
    return joined(s.k, kLn2Upper, kLn2Lower, logNearOne({s.m - number(1), number(0)}));
  }
  /// `argument` is what the logarithm was taken of.
  Real logEnds(Real x, Real argument, Real result) {
    Real infinity = number(kInfinity), zero = number(0);
    result = select(argument < infinity, result, x);
    return select(argument == zero, -infinity, select(argument < zero, number(kNan), result));
  }

  Turn turn(Real x) {
    // pi / 2 in three parts. The first difference is exact.
    Whole n = nearest(x * number(2 / std::numbers::pi));
    Real first = fma(n.real, number(-std::numbers::pi / 2), x);
    Pair second = exactProduct(n.real, number(-kPiRest / 2)), r = exactSum(first, second.hi);
    r.lo = r.lo + fma(n.real, number(0x1.f1976b7ed8fbcp-110), second.lo);
    Real z = r.hi * r.hi, half = z * number(0.5), one = number(1), near = one - half;
    Real sine = polynomial(z, coefficients::kSin32, coefficients::kSin64);
    Real cosine = polynomial(z, coefficients::kCos32, coefficients::kCos64);
    return {n.bits,
            {r.hi, fma(r.hi * z, sine, fma(-half, r.lo, r.lo))},
            {near, (one - near - half) + fma(z * z, cosine, -(r.hi * r.lo))}};
  }
  /// The sine of the angle and of `quarters` quarters of a turn.
  Real ofTurn(Turn t, int64_t quarters) {
    Value count = arith::AddIOp::create(b, t.quarters, integer(quarters));
    Real result = rounded(select(hasBit(count, 1), t.cos, t.sin));
    return select(hasBit(count, 2), -result, result);
  }

  /// atan(y / x) for y >= 0 and x >= 0, not both 0, by a quotient of at most tan(pi / 8).
  Pair angle(Real y, Real x) {
    Real zero = number(0);
    Value isSteep = y > x * number(2.41421356237309504880), isMiddle = y > x * number(0.41421356237309504880);
    Pair ratio = quotient(select(isSteep, {-x, zero}, select(isMiddle, exactSum(y, -x), {y, zero})),
                          select(isSteep, {y, zero}, select(isMiddle, exactSum(y, x), {x, zero})));
    Pair right{number(std::numbers::pi / 2), number(kPiRest / 2)};
    Pair base =
        select(isSteep, right, select(isMiddle, {right.hi * number(0.5), right.lo * number(0.5)}, {zero, zero}));
    Real z = ratio.hi * ratio.hi;
    Real series = ratio.hi * z * polynomial(z, coefficients::kAtan32, coefficients::kAtan64);
    Pair sum = orderedSum(base.hi, ratio.hi);
    return {sum.hi, sum.lo + (series + (ratio.lo + base.lo))};
  }

  ImplicitLocOpBuilder &b;
  Type type;
  unsigned bitWidth;
  bool isShort; ///< f32 is wanted
};

using Unary = Real (Functions::*)(Real);
using Binary = Real (Functions::*)(Real, Real);

struct Function {
  Unary unary = nullptr;
  Binary binary = nullptr;
};

Function functionOf(StringRef name) {
  static const llvm::StringMap<Unary> unary = {
      {"math.exp", &Functions::exp},     {"math.exp2", &Functions::exp2}, {"math.expm1", &Functions::expm1},
      {"math.log", &Functions::log},     {"math.log2", &Functions::log2}, {"math.log10", &Functions::log10},
      {"math.log1p", &Functions::log1p}, {"math.tanh", &Functions::tanh}, {"math.sinh", &Functions::sinh},
      {"math.cosh", &Functions::cosh},   {"math.sin", &Functions::sin},   {"math.cos", &Functions::cos},
      {"math.tan", &Functions::tan},     {"math.atan", &Functions::atan}, {"math.erf", &Functions::erf},
      {"math.rsqrt", &Functions::rsqrt}};
  static const llvm::StringMap<Binary> binary = {{"math.powf", &Functions::pow},
                                                 {"math.fpowi", &Functions::pow},
                                                 {"math.atan2", &Functions::atan2},
                                                 {"arith.maxnumf", &Functions::maxnum},
                                                 {"arith.minnumf", &Functions::minnum}};
  return {unary.lookup(name), binary.lookup(name)};
}

} // namespace

bool isMathFunction(StringRef name) {
  Function function = functionOf(name);
  return function.unary || function.binary;
}

Value writeMathFunction(ImplicitLocOpBuilder &b, StringRef name, ValueRange operands) {
  Type type = operands.front().getType();
  const bool isShort = getElementTypeOrSelf(type).isF32();
  const bool widens = isShort && name != "math.exp" && !name.starts_with("arith.");
  auto shaped = dyn_cast<ShapedType>(type);
  Type inner = !widens ? type : shaped ? Type(shaped.clone(b.getF64Type())) : b.getF64Type();
  SmallVector<Real, 2> arguments;
  for (Value operand : operands) {
    if (!isa<FloatType>(getElementTypeOrSelf(operand)))
      operand = arith::SIToFPOp::create(b, inner, operand);
    else if (widens)
      operand = arith::ExtFOp::create(b, inner, operand);
    arguments.push_back({operand, &b});
  }
  Functions functions(b, inner, isShort);
  Function function = functionOf(name);
  Real result = function.unary ? (functions.*function.unary)(arguments[0])
                               : (functions.*function.binary)(arguments[0], arguments[1]);
  return widens ? Value(arith::TruncFOp::create(b, type, result.value)) : result.value;
}

} // namespace snn
