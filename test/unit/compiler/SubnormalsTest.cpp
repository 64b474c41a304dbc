// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The way round subnormal numbers gives the bits of the plain operation, and is taken where a number is tiny alone.

#include "compiler/Codegen/Cpu/Subnormals.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "test/unit/compiler/NativeCode.h"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <random>

using namespace mlir;
using namespace snn;

namespace {

class SubnormalsTest : public testing::TestWithParam<Target> {
protected:
  SubnormalsTest() : code(GetParam(), /*f64=*/false) {
    add<arith::MulFOp>("mul");
    add<arith::DivFOp>("div");
    add<math::SqrtOp>("sqrt");
    code.add("tiny", [](Emitter &e, ModuleOp, NativeCode::Words in) {
      return e.select(anyTiny(e, e.loadVector(in.reals(0), e.index(0), kLanes)), e.index(1), e.index(0));
    });
    code.compile();
  }

  NativeCode code;

private:
  template <typename Op> void add(const char *name) {
    code.add(name, [](Emitter &e, ModuleOp, NativeCode::Words in) {
      SmallVector<Value> vectors, scalars;
      for (int64_t i = 0; i < (std::is_same_v<Op, math::SqrtOp> ? 1 : 2); ++i) {
        vectors.push_back(e.loadVector(in.reals(i), e.index(0), kLanes));
        scalars.push_back(e.constant(e.real, 1));
      }
      auto plain = [&] { return Op::create(e.b, vectors.front().getType(), vectors)->getResult(0); };
      auto scalar = Op::create(e.b, e.real, scalars);
      e.storeVector(aroundSubnormals(e, scalar, vectors, plain), in.reals(2), e.index(0));
      return Value();
    });
  }
};

TEST_P(SubnormalsTest, EqualBits) {
  std::mt19937 random(5);
  const float specials[] = {0.0F,
                            -0.0F,
                            0x1p-149F,
                            -0x1p-149F,
                            0x1.fffffcp-127F,
                            0x1p-126F,
                            -0x1.8p-101F,
                            0x1p-75F,
                            0.9F,
                            0.5F,
                            1.0F,
                            -1.0F,
                            1e-3F,
                            0x1p60F,
                            FLT_MAX,
                            -INFINITY,
                            INFINITY,
                            NAN,
                            0x1.000002p-126F,
                            3.0F};
  auto draw = [&]() -> float {
    switch (random() % 4) {
    case 0:
      return specials[random() % std::size(specials)];
    case 1: // subnormal
      return std::bit_cast<float>(uint32_t(random() & 0x807fffff) >> (random() % 2 ? 0 : random() % 23));
    case 2: // tiny or not by much
      return std::ldexp(float(int32_t(random())), -int(100 + random() % 80));
    default:
      return std::bit_cast<float>(uint32_t(random()));
    }
  };
  for (int round = 0; round < 20000; ++round) {
    Vector x, y, found;
    for (int64_t i = 0; i < kLanes; ++i) {
      x[i] = draw();
      y[i] = draw();
    }
    auto check = [&](const char *name, auto expected) {
      code.call(name, x.data(), y.data(), found.data());
      for (int64_t i = 0; i < kLanes; ++i)
        ASSERT_EQ(bitsOf(found[i]), bitsOf(expected(x[i], y[i])))
            << name << " of " << x[i] << " and " << y[i] << " is " << found[i];
    };
    check("mul", [](float x, float y) { return x * y; });
    check("div", [](float x, float y) { return x / y; });
    check("sqrt", [](float x, float) { return std::sqrt(x); });
  }
}

TEST_P(SubnormalsTest, WhatIsTiny) {
  auto isTiny = [&](float x) {
    Vector vector;
    vector.fill(1);
    vector[11] = x;
    return code.call("tiny", vector.data()) != 0;
  };
  for (float x : {0x1p-149F, -0x1p-149F, 0x1p-127F, 0x1p-126F, -0x1.fffffep-101F})
    EXPECT_TRUE(isTiny(x)) << x;
  for (float x : {0.0F, -0.0F, 0x1p-100F, -0x1p-100F, 1.0F, FLT_MAX, INFINITY, -INFINITY, float(NAN)})
    EXPECT_FALSE(isTiny(x)) << x;
}

INSTANTIATE_TEST_SUITE_P(Targets, SubnormalsTest, testing::ValuesIn(hostTargets()),
                         [](const auto &info) { return "vectors_of_" + std::to_string(info.param.vectorBits); });

} // namespace
