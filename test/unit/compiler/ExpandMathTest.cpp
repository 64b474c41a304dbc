// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The accuracy of the polynomials that stand for exp and atan, against the C library in long double.

#include "Evaluator.h"
#include "Support.h"

#include "compiler/Codegen/Cpu/Passes.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace snn::test {
namespace {

template <typename Real> class Expanded : public CompilerTest {
protected:
  /// Takes the name of a function of the math dialect.
  void expand(const std::string &name) {
    std::string type = sizeof(Real) == 4 ? "f32" : "f64";
    module = parse("func.func @f(%x: " + type + ") -> " + type + " {\n %y = math." + name + " %x : " + type +
                   "\n return %y : " + type + "\n}");
    PassManager passes(&context);
    passes.addPass(createExpandMath());
    ASSERT_TRUE(succeeded(passes.run(*module)));
    function = *module->getOps<func::FuncOp>().begin();
    function.walk([&](Operation *op) { EXPECT_NE(op->getName().getStringRef(), "math." + name); });
  }

  Real at(Real x) {
    Block &block = function.getBody().front();
    Evaluator<Real> evaluator;
    evaluator.set(block.getArgument(0), x);
    evaluator.run(block);
    return evaluator.get(block.getTerminator()->getOperand(0));
  }

  /// |found - exact| in units of the last place of the exact value.
  static double error(Real found, long double exact) {
    int exponent = std::ilogb(exact);
    long double place = std::ldexp(1.0L, exponent - std::numeric_limits<Real>::digits + 1);
    return static_cast<double>(std::abs(found - exact) / place);
  }

  double worstError(Real low, Real high, long double (*exact)(long double)) {
    constexpr int kPoints = 20000;
    double worst = 0;
    for (int i = 0; i <= kPoints; ++i) {
      Real x = low + (high - low) * (static_cast<Real>(i) / kPoints);
      if (x != 0)
        worst = std::max(worst, error(at(x), exact(x)));
    }
    return worst;
  }

  static constexpr Real kInfinity = std::numeric_limits<Real>::infinity();
  static constexpr Real kNan = std::numeric_limits<Real>::quiet_NaN();

  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
};

using Reals = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Expanded, Reals);

TYPED_TEST(Expanded, ExpIsAccurate) {
  this->expand("exp");
  bool wide = sizeof(TypeParam) == 8;
  EXPECT_LT(this->worstError(wide ? -708 : -87, wide ? 709 : 88, std::exp), 1.5);
  EXPECT_LT(this->worstError(-1, 1, std::exp), 1.5);
  EXPECT_LT(this->worstError(-1e-3, 1e-3, std::exp), 1.0);
}

TYPED_TEST(Expanded, ExpAtItsEnds) {
  this->expand("exp");
  EXPECT_EQ(this->at(0), 1);
  EXPECT_EQ(this->at(-TypeParam(0)), 1);
  EXPECT_EQ(this->at(this->kInfinity), this->kInfinity);
  EXPECT_EQ(this->at(-this->kInfinity), 0);
  EXPECT_TRUE(std::isnan(this->at(this->kNan)));
  // The logarithms of the largest and of the smallest normal number; what is smaller is flushed to zero.
  TypeParam high = std::log(std::numeric_limits<TypeParam>::max());
  TypeParam low = std::log(std::numeric_limits<TypeParam>::min());
  EXPECT_TRUE(std::isfinite(this->at(std::nextafter(high, TypeParam(0)))));
  EXPECT_EQ(this->at(high * TypeParam(1.001)), this->kInfinity);
  EXPECT_GT(this->at(std::nextafter(low, TypeParam(0))), 0);
  EXPECT_EQ(this->at(low * TypeParam(1.001)), 0);
  EXPECT_EQ(this->at(std::numeric_limits<TypeParam>::lowest()), 0);
  EXPECT_EQ(this->at(std::numeric_limits<TypeParam>::max()), this->kInfinity);
}

TYPED_TEST(Expanded, AtanIsAccurate) {
  this->expand("atan");
  EXPECT_LT(this->worstError(-4, 4, std::atan), 2.0);
  EXPECT_LT(this->worstError(-1e-3, 1e-3, std::atan), 1.0);
  EXPECT_LT(this->worstError(-1e6, 1e6, std::atan), 1.5);
}

TYPED_TEST(Expanded, AtanAtItsEnds) {
  this->expand("atan");
  EXPECT_EQ(this->at(0), 0);
  EXPECT_TRUE(std::signbit(this->at(-TypeParam(0))));
  EXPECT_EQ(this->at(this->kInfinity), std::atan(this->kInfinity));
  EXPECT_EQ(this->at(-this->kInfinity), -std::atan(this->kInfinity));
  EXPECT_TRUE(std::isnan(this->at(this->kNan)));
  for (TypeParam x : {TypeParam(0.25), TypeParam(0.66), TypeParam(1), TypeParam(2.5), TypeParam(1e30)})
    EXPECT_EQ(this->at(-x), -this->at(x)) << x;
}

} // namespace
} // namespace snn::test
