// Random numbers: the generator by its published vectors, and which number belongs to which point.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Random.h"
#include "test/oracle/InterpreterTestSupport.h"

#include <set>

namespace snn::interpreter {
namespace {

TEST(Philox, PublishedVectors) {
  // kat_vectors of Random123, philox4x32 with 10 rounds.
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, UnitsAreBelowOneAndShareTheirUpperBits) {
  EXPECT_EQ(unitF32({~0u, ~0u, 0, 0}), 1 - 0x1p-24);
  EXPECT_EQ(unitF64({~0u, ~0u, 0, 0}), 1 - 0x1p-53);
  EXPECT_EQ(unitF32({0x12345678, 0x9abcdef0, 0, 0}), 0x123456 * 0x1p-24);
  EXPECT_EQ(unitF64({0x12345678, 0x9abcdef0, 0, 0}), double(0x123456789abcdef0 >> 11) * 0x1p-53);
}

TEST(Philox, TheLayoutStaysAsItIs) {
  // From another implementation of Philox: the numbers that a seed gives are a promise.
  auto key = randomKey(/*seed=*/(uint64_t(5) << 32) + 6, /*purpose=*/9, /*epoch=*/7);
  EXPECT_EQ(key, (std::array<uint32_t, 2>{0xcf23a8ad, 0xad1e7c63}));
  EXPECT_EQ(randomBlock(key, {.sample = (uint64_t(3) << 32) + 4, .step = 10, .element = 11}),
            (Words{0x0ca3d2c5, 0xf9d99f29, 0x90b95346, 0xcba47c6f}));
}

TEST(Philox, EachPartOfAPlaceCounts) {
  auto key = randomKey(1, 2, 3);
  std::set<std::array<uint32_t, 2>> keys = {key,
                                            randomKey(2, 2, 3),
                                            randomKey(uint64_t(1) << 32 | 1, 2, 3),
                                            randomKey(1, 3, 3),
                                            randomKey(1, 2, 4),
                                            randomKey(1, 3, 2)};
  EXPECT_EQ(keys.size(), 6u);
  std::set<Words> blocks;
  for (RandomPlace place : {RandomPlace{4, 5, 6}, RandomPlace{5, 5, 6}, RandomPlace{uint64_t(1) << 32 | 4, 5, 6},
                            RandomPlace{4, 6, 6}, RandomPlace{4, 5, 7}, RandomPlace{5, 4, 6}})
    blocks.insert(randomBlock(key, place));
  EXPECT_EQ(blocks.size(), 6u);
}

/// A number for each step, sample and element of 2 x 3; in a map over time, or in a scan's body.
std::string randomMap(const std::string &suffix, const std::string &type) {
  return "func.func @f(%x: !core.array<time x sample x f32>) -> !core.array<time x sample x 2 x 3 x " + type +
         "> {\n  %y = core.map over [time, 2, sample, 3] reads() by [] writes [affine_map<(t, a, s, b) -> (t, s, a, "
         "b)>]"
         " -> !core.array<time x sample x 2 x 3 x " +
         type + "> {\n    %r = core.random 9 " + suffix + " : " + type + "\n    core.yield %r : " + type +
         "\n  }\n  return %y : !core.array<time x sample x 2 x 3 x " + type + ">\n}";
}

constexpr const char *randomScan =
    R"(func.func @f(%x: !core.array<time x sample x f32>) -> !core.array<time x sample x 2 x 3 x f32> {
  %y = core.scan sliced(%x : !core.array<time x sample x f32>) invariant() init() -> stacked(!core.array<time x sample x 2 x 3 x f32>) {
  ^bb0(%xt: !core.array<sample x f32>):
    %z = core.map over [sample, 2, 3] reads() by [] writes [affine_map<(s, a, b) -> (s, a, b)>] -> !core.array<sample x 2 x 3 x f32> {
      %r = core.random 9 : f32
      core.yield %r : f32
    }
    core.step stacked(%z : !core.array<sample x 2 x 3 x f32>) next()
  }
  return %y : !core.array<time x sample x 2 x 3 x f32>
})";

TEST_F(InterpreterTest, ANumberBelongsToItsPlace) {
  constexpr int64_t steps = 3, batch = 2;
  Array x(Element::F32, {steps, batch});
  Call call{.firstStep = 10, .seed = (uint64_t(5) << 32) + 6, .epoch = 7, .sampleIds = {uint64_t(1) << 33, 4}};
  for (bool isSingle : {true, false})
    for (bool perSample : {false, true}) {
      Array numbers = run(randomMap(perSample ? "per_sample" : "", isSingle ? "f32" : "f64"), {x}, call)[0];
      for (int64_t i = 0; i < numbers.size(); ++i) {
        Words block = randomBlock(randomKey(call.seed, 9, 7), {.sample = call.sampleIds[i / 6 % batch],
                                                               .step = perSample ? 0 : uint32_t(10 + i / 6 / batch),
                                                               .element = uint32_t(i % 6)});
        ASSERT_EQ(numbers.number(i), isSingle ? unitF32(block) : unitF64(block)) << i;
      }
    }
  Array whole = run(randomMap("", "f32"), {x}, call)[0];
  EXPECT_EQ(run(randomScan, {x}, call)[0].numbers(), whole.numbers()) << "a scan draws what a map over time draws";
  EXPECT_EQ(run(randomMap("", "f32"), {x}, call, Numbers::Wide)[0].numbers(), whole.numbers());
}

TEST_F(InterpreterTest, NumbersAreUniform) {
  Array numbers = run(randomMap("", "f32"), {Array(Element::F32, {50, 100})})[0];
  double sum = 0, squares = 0;
  for (double number : numbers.numbers()) {
    sum += number;
    squares += number * number;
  }
  // Of 30,000 numbers: standard errors are 0.0017 of the mean and 0.0017 of the mean square.
  EXPECT_NEAR(sum / numbers.size(), 0.5, 0.006);
  EXPECT_NEAR(squares / numbers.size(), 1 / 3., 0.006);
}

} // namespace
} // namespace snn::interpreter
