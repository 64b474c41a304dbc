// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A surrogate is the derivative of what --spike=soft puts in the place of the step.

#include "Evaluator.h"
#include "Support.h"

#include "mlir/AsmParser/AsmParser.h"

#include <cmath>

using namespace mlir;

namespace snn::test {
namespace {

class Surrogate : public CompilerTest, public ::testing::WithParamInterface<const char *> {};

TEST_P(Surrogate, IsTheDerivativeOfTheSoftSpike) {
  auto surrogate = dyn_cast_if_present<SurrogateAttrInterface>(parseAttribute(GetParam(), &context));
  ASSERT_TRUE(surrogate);
  auto module = parse("func.func @f(%x: tensor<f64>) {\nreturn\n}");
  Block &block = (*module->getOps<func::FuncOp>().begin()).getBody().front();
  Value x = block.getArgument(0);
  ImplicitLocOpBuilder b(x.getLoc(), block.getTerminator());
  Value slope = surrogate.emitDerivative(b, x), soft = surrogate.emitAntiderivative(b, x);
  EXPECT_EQ(slope.getType(), x.getType());
  EXPECT_EQ(soft.getType(), x.getType());

  auto at = [&](double number, Value of) {
    Evaluator<double> evaluator;
    evaluator.set(x, number);
    evaluator.run(block);
    return evaluator.get(of);
  };
  constexpr double kStep = 1e-6;
  // No point is a kink of any of them (0, and 0.25 or 1 for two).
  for (double point : {-3.0, -1.125, -0.5, -0.03125, 0.03125, 0.375, 0.75, 1.5, 4.0}) {
    double difference = (at(point + kStep, soft) - at(point - kStep, soft)) / (2 * kStep);
    EXPECT_NEAR(at(point, slope), difference, 1e-7 * std::max(1.0, std::abs(difference))) << "at " << point;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Surrogate,
                         ::testing::Values("#snn.fast_sigmoid<25.0>", "#snn.atan<2.0>", "#snn.sigmoid<4.0>",
                                           "#snn.straight_through", "#snn.triangular<0.5>", "#snn.heaviside",
                                           "#snn.spike_rate_escape<1.0, 4.0>", "#snn.two_slopes<0.125>",
                                           "#snn.sparse_fast_sigmoid<4.0, 0.25>"));

} // namespace
} // namespace snn::test
