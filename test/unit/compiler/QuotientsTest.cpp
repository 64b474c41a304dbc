// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Quotients by way of a reciprocal have the bits of the division, above all near the middle between two numbers.

#include "compiler/Codegen/Cpu/Quotients.h"
#include "test/unit/compiler/NativeCode.h"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <random>

using namespace mlir;
using namespace snn;

namespace {

class QuotientsTest : public testing::TestWithParam<Target> {
protected:
  QuotientsTest() : code(GetParam(), /*f64=*/false) {
    code.add("root_over_uniform", [](Emitter &e, ModuleOp, NativeCode::Words in) {
      Value root = e.loadVector(in.reals(0), e.index(0), kLanes);
      Value divisor = e.loadVector(in.reals(1), e.index(0), kLanes);
      auto plain = [&]() -> Value { return arith::DivFOp::create(e.b, root, divisor); };
      e.storeVector(rootOverUniform(e, root, divisor, plain), in.reals(2), e.index(0));
      return Value();
    });
    code.compile();
  }

  void check(const Vector &roots, float divisor) {
    Vector divisors, found;
    divisors.fill(divisor);
    code.call("root_over_uniform", roots.data(), divisors.data(), found.data());
    for (int64_t i = 0; i < kLanes; ++i)
      ASSERT_EQ(bitsOf(found[i]), bitsOf(roots[i] / divisor)) << roots[i] << " / " << divisor << " is " << found[i];
  }

  NativeCode code;
};

TEST_P(QuotientsTest, EqualBits) {
  std::mt19937 random(7);
  auto mantissa = [&] { return std::bit_cast<float>(0x3f800000 | uint32_t(random() & 0x7fffff)); };
  auto divisorOf = [&](int round) -> float {
    const float specials[] = {
        1,  0.5F,  0x1.fffffep-1F, 0x1p-20F,  0x1p20F,  0x1.000002p0F, 0x1.fffffep-21F, 0x1.000002p20F,
        0,  -0.0F, -0.75F,         0x1p-130F, 0x1p127F, FLT_MAX,       INFINITY,        -INFINITY,
        NAN};
    if (size_t(round) < std::size(specials))
      return specials[round];
    return std::ldexp(mantissa(), int(random() % 40) - 20);
  };
  for (int round = 0; round < 3000; ++round) {
    const float divisor = divisorOf(round);
    check({0, INFINITY, NAN, std::sqrt(0x1p-149F), std::sqrt(FLT_MAX), 1, -0.0F, 0x1p-75F, 0x1p64F, 3, 0.1F, 1e-8F,
           divisor, std::sqrt(0x1p-126F), std::nextafter(divisor, 0.0F), 2},
          divisor);
    for (int i = 0; i < 8; ++i) {
      Vector roots;
      for (float &root : roots)
        if (random() % 2) // its quotient is next to the middle between two numbers
          root = float(double(divisor) * (double(mantissa()) + 0x1p-24));
        else
          root = std::sqrt(std::bit_cast<float>(uint32_t(random() & 0x7fffffff)));
      check(roots, divisor);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, QuotientsTest, testing::ValuesIn(hostTargets()),
                         [](const auto &info) { return "vectors_of_" + std::to_string(info.param.vectorBits); });

} // namespace
