// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The functions of the math dialect as machine code: accuracy against the C library in long double, the same bits for
// scalars, for vectors of any width and for all targets.

#include "NativeFunctions.h"
#include "Support.h"

#include "compiler/Codegen/Cpu/Passes.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

using namespace mlir;

namespace snn::test {
namespace {

using Exact = long double;

/// A function and how far from exact it may be, in units of the last place.
struct Case {
  const char *name;
  Exact (*unary)(Exact);
  Exact (*binary)(Exact, Exact);
  double bound32, bound64;
  /// From this argument on the result is NaN.
  double range = INFINITY;
};

/// glibc's powl says that (-inf)^(-2^63) is infinite.
Exact power(Exact x, Exact y) { return x == 0 || std::isinf(x) ? std::pow(double(x), double(y)) : std::pow(x, y); }
Exact maximum(Exact x, Exact y) {
  return std::isnan(x) || std::isnan(y) ? NAN : x == y && std::signbit(x) ? y : std::max(x, y);
}
Exact minimum(Exact x, Exact y) {
  return std::isnan(x) || std::isnan(y) ? NAN : x == y && std::signbit(y) ? y : std::min(x, y);
}
Exact maximumNumber(Exact x, Exact y) { return std::isnan(x) ? y : std::isnan(y) ? x : maximum(x, y); }
Exact minimumNumber(Exact x, Exact y) { return std::isnan(x) ? y : std::isnan(y) ? x : minimum(x, y); }

const Case kCases[] = {
    {"math.exp", std::exp, nullptr, 1, 1},
    {"math.expm1", std::expm1, nullptr, 0.51, 1.25},
    {"math.log", std::log, nullptr, 0.51, 1},
    {"math.log1p", std::log1p, nullptr, 0.51, 1},
    {"math.tanh", std::tanh, nullptr, 0.51, 1},
    {"math.sin", std::sin, nullptr, 0.51, 1, 0x1p48},
    {"math.cos", std::cos, nullptr, 0.51, 1, 0x1p48},
    {"math.atan", std::atan, nullptr, 0.51, 1},
    {"math.powf", nullptr, power, 0.51, 1},
    // These are instructions, or nearly.
    {"math.sqrt", std::sqrt, nullptr, 0.5, 0.5},
    {"math.absf", std::abs, nullptr, 0, 0},
    {"math.floor", std::floor, nullptr, 0, 0},
    {"math.ceil", std::ceil, nullptr, 0, 0},
    {"math.trunc", std::trunc, nullptr, 0, 0},
    {"math.round", std::round, nullptr, 0, 0},
    {"math.roundeven", std::nearbyint, nullptr, 0, 0},
    {"math.copysign", nullptr, std::copysign, 0, 0},
    {"arith.maximumf", nullptr, maximum, 0, 0},
    {"arith.minimumf", nullptr, minimum, 0, 0},
    {"arith.maxnumf", nullptr, maximumNumber, 0, 0},
    {"arith.minnumf", nullptr, minimumNumber, 0, 0},
};

constexpr int kWidths[] = {0, 3, 16}; // 0: a scalar

/// "tanh_16_f32" of "math.tanh"
std::string functionName(StringRef op, int width, StringRef type) {
  return (op.split('.').second + "_" + Twine(width) + "_" + type).str();
}

/// (x, y, result: pointers) for one vector; y of functions of one number is not looked at.
std::string functionText(StringRef op, bool isBinary, int width, const std::string &element) {
  std::string type = width ? "vector<" + std::to_string(width) + "x" + element + ">" : element;
  std::string align = element == "f32" ? " {alignment = 4 : i64} : " : " {alignment = 8 : i64} : ";
  std::string text =
      "func.func @" + functionName(op, width, element) + "(%a: !llvm.ptr, %b: !llvm.ptr, %c: !llvm.ptr) {\n";
  text +=
      " %x = llvm.load %a" + align + "!llvm.ptr -> " + type + "\n %y = llvm.load %b" + align + "!llvm.ptr -> " + type;
  text += "\n %r = " + op.str() + " %x" + (isBinary ? ", %y" : "") + " : " + type;
  return text + "\n llvm.store %r, %c" + align + type + ", !llvm.ptr\n return\n}\n";
}

template <typename Real> using Bits = std::conditional_t<sizeof(Real) == 4, uint32_t, uint64_t>;

/// NaNs are one value: their signs and payloads are not promised.
template <typename Real> Bits<Real> bitsOf(Real x) {
  return std::isnan(x) ? ~Bits<Real>(0) : std::bit_cast<Bits<Real>>(x);
}

/// |found - exact| in units of the last place of the exact value; infinity stands for what follows the largest number.
template <typename Real> double error(Real found, Exact exact) {
  using Limits = std::numeric_limits<Real>;
  if (std::isnan(found) || std::isnan(exact))
    return std::isnan(found) && std::isnan(exact) ? 0 : INFINITY;
  if (found == exact)
    return exact == 0 && std::signbit(found) != std::signbit(exact) ? INFINITY : 0;
  const Exact end = std::ldexp(Exact(1), Limits::max_exponent);
  Exact got = std::isinf(found) ? std::copysign(end, Exact(found)) : Exact(found);
  exact = std::clamp(exact, -end, end);
  int exponent = exact == 0 ? Limits::min_exponent : std::max(std::ilogb(exact), Limits::min_exponent - 1);
  return double(std::abs(got - exact) /
                std::ldexp(Exact(1), std::min(exponent, Limits::max_exponent - 1) - Limits::digits + 1));
}

template <typename Real> std::vector<Real> specials() {
  using Limits = std::numeric_limits<Real>;
  std::vector<Real> found = {
      0, Limits::denorm_min(), Limits::min(), Limits::max(), Limits::infinity(), Limits::epsilon()};
  for (double x : {0.5,
                   1.0,
                   1.5,
                   2.0,
                   2.5,
                   3.0,
                   5.0,
                   10.0,
                   88.72,
                   88.73,
                   103.9,
                   104.0,
                   709.7,
                   709.8,
                   745.1,
                   745.2,
                   1000.0,
                   0.41421356237309503,
                   2.414213562373095,
                   0.34657359027997264,
                   1.5707963267948966,
                   3.141592653589793,
                   1e6,
                   355.0,
                   5.9,
                   0x1p23,
                   0x1p52,
                   0x1p62,
                   0x1p63,
                   1e22})
    found.push_back(Real(x));
  for (size_t i = 0, count = found.size(); i < count; ++i) {
    found.push_back(std::nextafter(found[i], Real(0)));
    found.push_back(std::nextafter(found[i], Limits::infinity()));
  }
  for (size_t i = 0, count = found.size(); i < count; ++i)
    found.push_back(-found[i]);
  found.push_back(Limits::quiet_NaN());
  return found;
}

/// Pairs of arguments: all specials with each other, and random ones of several ranges, a whole number of vectors.
template <typename Real> std::pair<std::vector<Real>, std::vector<Real>> arguments() {
  std::vector<Real> x, y, special = specials<Real>();
  for (Real a : special)
    for (Real b : special) {
      x.push_back(a);
      y.push_back(b);
    }
  std::mt19937_64 engine(7);
  auto uniform = [&](double low, double high) { return std::uniform_real_distribution<double>(low, high)(engine); };
  for (int i = 0; i < 8000; ++i) {
    for (double range : {1.0, 4.0, 40.0, 800.0, 1e6}) {
      x.push_back(Real(uniform(-range, range)));
      y.push_back(Real(uniform(-4, 4)));
    }
    x.push_back(Real(uniform(0.5, 2)));
    y.push_back(Real(uniform(-1000, 1000)));
    x.push_back(Real(uniform(0, 30)));
    y.push_back(Real(std::round(uniform(-40, 40))));
    x.push_back(Real(1 + std::exp(uniform(-36, 0)))); // near 1
    y.push_back(Real(std::exp(uniform(0, 36))));
    x.push_back(Real(1.5707963267948966 * std::round(std::exp(uniform(0, 33))))); // near zeros of sin and cos
    y.push_back(Real(uniform(-1, 1)));
    x.push_back(std::bit_cast<Real>(Bits<Real>(engine()))); // any
    y.push_back(std::bit_cast<Real>(Bits<Real>(engine())));
  }
  x.resize(x.size() / 48 * 48);
  y.resize(x.size());
  return {x, y};
}

class ExpandMath : public CompilerTest {
protected:
  template <typename Real> void check(ArrayRef<std::unique_ptr<NativeFunctions>> libraries) {
    const std::string type = sizeof(Real) == 4 ? "f32" : "f64";
    auto [x, y] = arguments<Real>();
    for (const Case &c : kCases) {
      std::vector<Real> first;
      for (const auto &library : libraries)
        for (int width : kWidths) {
          auto *function = library->get<void(const Real *, const Real *, Real *)>(functionName(c.name, width, type));
          if (!function)
            return;
          std::vector<Real> found(x.size());
          for (size_t i = 0; i < x.size(); i += std::max(width, 1))
            function(&x[i], &y[i], &found[i]);
          if (first.empty()) {
            first = found;
            continue;
          }
          for (size_t i = 0; i < x.size(); ++i)
            ASSERT_EQ(bitsOf(found[i]), bitsOf(first[i]))
                << c.name << " of " << x[i] << " and " << y[i] << " on " << width << " lanes of " << type;
        }
      double worst = 0;
      size_t at = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        if (std::abs(x[i]) >= c.range) {
          ASSERT_TRUE(std::isnan(first[i]) || c.range == INFINITY) << c.name << " of " << x[i];
          if (c.range < INFINITY)
            continue;
        }
        Exact exact = c.unary ? c.unary(x[i]) : c.binary(x[i], y[i]);
        if (double off = error(first[i], exact); off > worst) {
          worst = off;
          at = i;
        }
      }
      RecordProperty((c.name + ("_" + type)).c_str(), std::to_string(worst));
      EXPECT_LE(worst, sizeof(Real) == 4 ? c.bound32 : c.bound64)
          << c.name << " of " << type << " at " << std::hexfloat << x[at] << " and " << y[at] << ": " << first[at];
    }
  }
};

TEST_F(ExpandMath, IsAccurateAndTheSameEverywhere) {
  std::string text;
  for (const Case &c : kCases)
    for (int width : kWidths)
      for (std::string type : {"f32", "f64"})
        text += functionText(c.name, c.binary, width, type);
  auto module = parse(text);
  PassManager passes(&context);
  passes.addPass(createExpandMath());
  ASSERT_TRUE(succeeded(passes.run(*module)));
  std::vector<std::unique_ptr<NativeFunctions>> libraries;
  for (const Target &target : runnableTargets()) {
    OwningOpRef<ModuleOp> copy(module->clone());
    libraries.push_back(std::make_unique<NativeFunctions>(*copy, target));
  }
  ASSERT_FALSE(libraries.empty());
  check<float>(libraries);
  check<double>(libraries);
}

/// What `@f` of the module gives for a vector.
template <typename From, typename To> std::vector<To> lanes(ModuleOp module, const std::vector<From> &x) {
  PassManager passes(module.getContext());
  passes.addPass(createExpandMath());
  EXPECT_TRUE(succeeded(passes.run(module)));
  std::vector<To> found(x.size());
  NativeFunctions library(module, runnableTargets().back());
  if (auto *function = library.get<void(const From *, To *)>("f"))
    function(x.data(), found.data());
  return found;
}

TEST_F(ExpandMath, ConversionsKeepTheNearestThatFits) {
  auto module = parse(R"(func.func @f(%a: !llvm.ptr, %c: !llvm.ptr) {
    %x = llvm.load %a {alignment = 8 : i64} : !llvm.ptr -> vector<8xf64>
    %r = arith.fptosi %x : vector<8xf64> to vector<8xi64>
    llvm.store %r, %c {alignment = 8 : i64} : vector<8xi64>, !llvm.ptr
    return
  })");
  std::vector<double> x = {-1.9, 1.9, NAN, INFINITY, -INFINITY, 0x1p63, -0x1p63, 1e300};
  EXPECT_EQ((lanes<double, int64_t>(*module, x)),
            (std::vector<int64_t>{-1, 1, 0, INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX}));
}

} // namespace
} // namespace snn::test
