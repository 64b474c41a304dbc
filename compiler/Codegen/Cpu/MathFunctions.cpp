// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the functions are computed. All work in f64, those of f32 with shorter polynomials and one rounding at the end;
// only exp of f32 stays in f32, as surrogates call it at each step. Where one f64 is not enough a number is a pair: the
// sum of two, the second below the last place of the first. Each fma is written as such; nothing here is to be
// contracted or reordered.

#include "compiler/Codegen/Cpu/MathFunctions.h"
#include "compiler/Codegen/Cpu/MathCoefficients.h"
#include "compiler/Codegen/Cpu/RealFormulas.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace snn {
namespace {

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

class Functions : private RealFormulas {
public:
  using RealFormulas::RealFormulas;

  // Beyond the bounds that arguments are held in, the last product overflows to infinity or rounds to 0 or 1 by itself.

  Real exp(Real x) { return whole(exponential(inside(x, isWide() ? -746 : -105, isWide() ? 710 : 89))); }

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

  Real log(Real x) { return logEnds(x, x, rounded(naturalLog(x))); }

  Real log1p(Real x) {
    // What 1 + x rounds away goes into the difference from 1, in its units; twice, as 2^-k itself may be too small.
    Pair one = exactSum(number(1), x);
    Split s = split(one.hi);
    Real half = fromBits(shifted<arith::ShLIOp>(arith::SubIOp::create(b, integer(2048), s.biased), 52));
    Pair difference = orderedSum(s.m - number(1), one.lo * half * number(0.5));
    Pair result = joined(s.k, logNearOne(difference));
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
    result = select(either(noReal, either(isNan(x), isNan(y))), number(kNan), result);
    return select(either(y == number(0), x == number(1)), number(1), result);
  }

  Real sin(Real x) { return select(abs(x) < number(0x1p-27), x, ofTurn(turn(x), 0)); }
  Real cos(Real x) { return ofTurn(turn(x), 1); }
  Real atan(Real x) { return withSign(rounded(angle(smaller(abs(x), number(0x1p60)))), x); }

  /// Of two zeros the one with the sign that counts, which hardware leaves open.
  Real maxnum(Real x, Real y) { return select(isNan(x), y, select(isNan(y), x, larger(x, y))); }
  Real minnum(Real x, Real y) { return select(isNan(x), y, select(isNan(y), x, smaller(x, y))); }

private:
  Real exponentialSeries(Real r) { return polynomial(r, coefficients::kExp32, coefficients::kExp64); }

  /// Of x, or more precisely of x + rest.
  Exponential exponential(Real x, std::optional<Real> rest = std::nullopt) {
    Whole n = nearest(x * number(std::numbers::log2e));
    Real lower = number(isWide() ? -kLn2Lower : -0x1.7f7d1cp-20);
    Real upper = fma(n.real, number(isWide() ? -kLn2Upper : -0x1.62e4p-1), x), r = fma(n.real, lower, upper);
    if (!rest || isShort)
      return {n, r, r * r * exponentialSeries(r)};
    // The rest may be far more than what r rounds away.
    Pair exact = orderedSum(r, fma(n.real, lower, upper - r) + *rest);
    return {n, exact.hi, fma(exact.hi * exact.hi, exponentialSeries(exact.hi), exact.lo)};
  }
  Real whole(Exponential e) { return scaled(number(1) + (e.r + e.tail), e.n); }
  /// (e^x - 1) / 2^n, for x of -40 and more. From 2^60 on the 1 is too small to matter.
  Pair minusOne(Exponential e) {
    Pair offset = exactSum(number(1), -powerOfTwo(nearest(-smaller(e.n.real, number(60))).bits));
    Pair sum = orderedSum(offset.hi, e.r);
    return orderedSum(sum.hi, sum.lo + (offset.lo + e.tail));
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
  /// k ln 2 + rest. The product with the upper part is exact.
  Pair joined(Real k, Pair rest) {
    Pair sum = orderedSum(k * number(kLn2Upper), rest.hi);
    return orderedSum(sum.hi, sum.lo + fma(k, number(kLn2Lower), rest.lo));
  }
  Pair naturalLog(Real x) {
    Split s = split(x);
    return joined(s.k, logNearOne({s.m - number(1), number(0)}));
  }
  /// `argument` is what the logarithm was taken of.
  Real logEnds(Real x, Real argument, Real result) {
    Real infinity = number(kInfinity), zero = number(0);
    result = select(argument < infinity, result, x);
    return select(argument == zero, -infinity, select(argument < zero, number(kNan), result));
  }

  Turn turn(Real x) {
    // pi / 2 in three parts; the first difference is exact. Beyond 2^48 the multiple has no exact place.
    x = select(abs(x) < number(0x1p48), x, number(kNan));
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

  /// atan y for y >= 0, by a quotient of at most tan(pi / 8).
  Pair angle(Real y) {
    Real zero = number(0), one = number(1);
    Value isSteep = y > number(2.41421356237309504880), isMiddle = y > number(0.41421356237309504880);
    Pair ratio = quotient(select(isSteep, {-one, zero}, select(isMiddle, exactSum(y, -one), {y, zero})),
                          select(isSteep, {y, zero}, select(isMiddle, exactSum(y, one), {one, zero})));
    Pair right{number(std::numbers::pi / 2), number(kPiRest / 2)};
    Pair base =
        select(isSteep, right, select(isMiddle, {right.hi * number(0.5), right.lo * number(0.5)}, {zero, zero}));
    Real z = ratio.hi * ratio.hi;
    Real series = ratio.hi * z * polynomial(z, coefficients::kAtan32, coefficients::kAtan64);
    Pair sum = orderedSum(base.hi, ratio.hi);
    return {sum.hi, sum.lo + (series + (ratio.lo + base.lo))};
  }
};

using Unary = Real (Functions::*)(Real);
using Binary = Real (Functions::*)(Real, Real);

struct Function {
  Unary unary = nullptr;
  Binary binary = nullptr;
};

Function functionOf(StringRef name) {
  static const llvm::StringMap<Unary> unary = {{"math.exp", &Functions::exp},   {"math.expm1", &Functions::expm1},
                                               {"math.log", &Functions::log},   {"math.log1p", &Functions::log1p},
                                               {"math.tanh", &Functions::tanh}, {"math.sin", &Functions::sin},
                                               {"math.cos", &Functions::cos},   {"math.atan", &Functions::atan}};
  static const llvm::StringMap<Binary> binary = {
      {"math.powf", &Functions::pow}, {"arith.maxnumf", &Functions::maxnum}, {"arith.minnumf", &Functions::minnum}};
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
    if (widens)
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
