// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random numbers of generated code against their definition, test/oracle/Random.h, which is held to the published
// vectors of Philox by test/oracle/RandomTest.cpp.

#include "test/oracle/Random.h"
#include "NativeFunctions.h"
#include "Support.h"

#include "compiler/Codegen/Cpu/Random.h"

#include <random>

using namespace mlir;

namespace snn::test {
namespace {

/// What a function of the test takes; numbers of elements ascend from `element`.
struct Draw {
  uint64_t seed, sample;
  uint32_t purpose, epoch, step, element;
};

class RandomNumbers : public CompilerTest {
protected:
  /// @key(seed, purpose, epoch, to) writes the key; @draw(low, high, element, sample low, sample high, step, to) 16
  /// numbers.
  OwningOpRef<ModuleOp> build(StringRef type) {
    std::string text = R"(func.func @key(%seed: i64, %purpose: i32, %epoch: i32, %to: !llvm.ptr) { return }
      func.func @draw(%low: i32, %high: i32, %element: i32, %s0: i32, %s1: i32, %step: i32, %to: !llvm.ptr) { return })";
    auto module = parse(text);
    auto functions = llvm::to_vector(module->getOps<func::FuncOp>());
    OpBuilder builder(functions[0].getBody().front().getTerminator());
    Type real = type == "f32" ? builder.getF32Type() : Type(builder.getF64Type());
    {
      Emitter e(module->getLoc(), builder, real, {});
      auto arguments = functions[0].getArguments();
      RandomKey key = randomKey(e, *module, arguments[0], arguments[1], arguments[2]);
      LLVM::StoreOp::create(e.b, key.low, arguments[3]);
      LLVM::StoreOp::create(e.b, key.high, e.advance(arguments[3], e.i64(4)));
    }
    builder.setInsertionPoint(functions[1].getBody().front().getTerminator());
    Emitter e(module->getLoc(), builder, real, {});
    auto arguments = functions[1].getArguments();
    SmallVector<int32_t> counting(kLanes);
    std::iota(counting.begin(), counting.end(), 0);
    auto words = VectorType::get({kLanes}, builder.getI32Type());
    Value lane = arith::ConstantOp::create(e.b, DenseElementsAttr::get(words, ArrayRef<int32_t>(counting)));
    Value elements = arith::AddIOp::create(e.b, lane, e.splat(arguments[2], kLanes));
    Value units = randomUnits(e, *module, real, {arguments[0], arguments[1]},
                              {elements, arguments[3], arguments[4], arguments[5]});
    LLVM::StoreOp::create(e.b, units, arguments[6], /*alignment=*/4);
    return module;
  }

  template <typename Real> void check() {
    for (const Target &target : runnableTargets()) {
      auto module = build(sizeof(Real) == 4 ? "f32" : "f64");
      NativeFunctions library(*module, target);
      auto *keyOf = library.get<void(uint64_t, uint32_t, uint32_t, uint32_t *)>("key");
      auto *draw = library.get<void(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, Real *)>("draw");
      if (!keyOf || !draw)
        return;
      std::mt19937_64 engine(11);
      for (int trial = 0; trial < 1000; ++trial) {
        Draw d{engine(), engine(), uint32_t(engine()), uint32_t(engine()), uint32_t(engine()), uint32_t(engine())};
        if (trial == 0)
          d = {0, 0, 0, 0, 0, 0};
        if (trial == 1)
          d = {~0ull, ~0ull, ~0u, ~0u, ~0u, ~0u};
        uint32_t key[2];
        keyOf(d.seed, d.purpose, d.epoch, key);
        auto expected = interpreter::randomKey(d.seed, d.purpose, d.epoch);
        ASSERT_TRUE(key[0] == expected[0] && key[1] == expected[1]) << "key of trial " << trial;
        Real found[kLanes];
        draw(key[0], key[1], d.element, uint32_t(d.sample), uint32_t(d.sample >> 32), d.step, found);
        for (uint32_t lane = 0; lane < kLanes; ++lane) {
          auto block = interpreter::randomBlock(expected, {d.sample, d.step, d.element + lane});
          ASSERT_EQ(found[lane], sizeof(Real) == 4 ? interpreter::unitF32(block) : interpreter::unitF64(block))
              << "trial " << trial << ", lane " << lane << " on " << target.name.str();
        }
      }
    }
  }
};

TEST_F(RandomNumbers, F32AreAsDefined) { check<float>(); }
TEST_F(RandomNumbers, F64AreAsDefined) { check<double>(); }

/// The published vectors through the generated code: the counter is {element, sample, sample, step}, and the first word
/// is the upper half of what f64 keeps.
TEST_F(RandomNumbers, PublishedVectors) {
  auto module = build("f64");
  NativeFunctions library(*module, runnableTargets().back());
  auto *draw = library.get<void(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, double *)>("draw");
  ASSERT_TRUE(draw);
  double found[kLanes];
  draw(0, 0, 0, 0, 0, 0, found);
  EXPECT_EQ(found[0], interpreter::unitF64({0x6627e8d5, 0xe169c58d}));
  draw(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, found);
  EXPECT_EQ(found[0], interpreter::unitF64({0x408f276d, 0x41c83b0e}));
  draw(0xa4093822, 0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, found);
  EXPECT_EQ(found[0], interpreter::unitF64({0xd16cfe09, 0x94fdcceb}));
}

} // namespace
} // namespace snn::test
