// The order of summation against one that splits lists of terms, for each field of #core.order.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Sums.h"
#include "test/oracle/InterpreterTestSupport.h"

#include <bit>
#include <cmath>

namespace snn::interpreter {
namespace {

/// A term, a * b (b = 1 in a fold), or none.
struct Term {
  float a, b;
  bool isThere = true;
};
using Terms = std::vector<Term>;

std::vector<Terms> split(const Terms &terms, int64_t length) {
  std::vector<Terms> pieces;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (i % length == 0)
      pieces.emplace_back();
    pieces.back().push_back(terms[i]);
  }
  return pieces;
}

template <typename Real> Real halvingTree(std::vector<Real> values) {
  while (values.size() > 1) {
    size_t half = values.size() / 2;
    for (size_t i = 0; i < half; ++i)
      values[i] = values[i] + values[i + half];
    values.resize(half);
  }
  return values[0];
}

template <typename Real> Real sumOfBlock(const Terms &block, const Order &order) {
  Real sum = 0;
  if (order.group == 1) {
    for (Term term : block)
      if (term.isThere)
        sum = std::fma(Real(term.a), Real(term.b), sum);
    return sum;
  }
  for (const Terms &group : split(block, order.group)) {
    Real groupSum = 0;
    for (Term term : group)
      if (term.isThere)
        groupSum += Real(term.a) * Real(term.b);
    sum += groupSum;
  }
  return sum;
}

template <typename Real> Real sumOfRuns(const std::vector<Terms> &runs, const Order &order) {
  Real total = 0;
  for (const Terms &run : runs) {
    if (order.lanes > 1) {
      std::vector<Real> chains(order.lanes);
      for (size_t i = 0; i < run.size(); ++i)
        if (run[i].isThere)
          chains[i % order.lanes] += Real(run[i].a) * Real(run[i].b);
      total += halvingTree(chains);
      continue;
    }
    for (const Terms &block : split(run, order.group * order.block))
      total += sumOfBlock<Real>(block, order);
  }
  return total;
}

std::string textOf(const Order &order) {
  return "order <run = " + std::to_string(order.run) + ", group = " + std::to_string(order.group) +
         ", block = " + std::to_string(order.block) + ", lanes = " + std::to_string(order.lanes) +
         ", samples = " + std::to_string(order.samples) + ", parts = " + std::to_string(order.parts) +
         ", descending = " + (order.descending ? "true" : "false") + ">";
}

constexpr int64_t steps = 5, height = 7, width = 11, units = 3;

/// Sums over time and a window that looks one row too far down, x[t, s, y + 1, x, n], for each sample and unit; or over
/// samples too. A contract multiplies by w[t, y, x].
class SumsTest : public InterpreterTest {
protected:
  static constexpr const char *x = "!core.array<time x sample x 7 x 11 x 3 x f32>";

  std::string text(const Order &order, bool isContract, bool overSamples) {
    std::string result = overSamples ? "!core.array<3 x f32>" : "!core.array<sample x 3 x f32>";
    std::string head = std::string("func.func @f(%x: ") + x + ", %w: !core.array<time x 7 x 11 x f32>) -> " + result +
                       " {\n  %y = core.";
    std::string domain = "over [time, sample, 7, 11, 3] along ";
    domain += overSamples ? "[1, 0, 2, 3] " : "[0, 2, 3] ";
    std::string read = "affine_map<(t, s, y, x, n) -> (t, s, y + 1, x, n)>";
    std::string write =
        std::string("writes affine_map<(t, s, y, x, n) -> (") + (overSamples ? "n" : "s, n") + ")> " + textOf(order);
    if (isContract)
      return head + "contract " + domain + "%x, %w by [" + read + ", affine_map<(t, s, y, x, n) -> (t, y, x)>] " +
             write + " : " + x + ", !core.array<time x 7 x 11 x f32> -> " + result + "\n  return %y : " + result +
             "\n}";
    return head + "fold add " + domain + "reads(%x : " + x + ") by [" + read + "] " + write + " -> " + result +
           " {\n  ^bb0(%a: f32):\n    core.yield %a : f32\n  }\n  return %y : " + result + "\n}";
  }

  /// The same by lists.
  template <typename Real>
  std::vector<Real> expected(const Order &order, const Array &x, const Array &w, bool isContract, bool overSamples) {
    int64_t batch = x.shape()[1];
    auto timeAt = [&](int64_t i) { return order.descending ? steps - 1 - i : i; };
    auto term = [&](int64_t t, int64_t s, int64_t row, int64_t column, int64_t n) {
      float factor = isContract ? float(w.number((t * height + row) * width + column)) : 1;
      bool isThere = row + 1 < height;
      int64_t offset = (((t * batch + s) * height + row + 1) * width + column) * units + n;
      return isThere ? Term{float(x.number(offset)), factor} : Term{0, 0, false};
    };
    std::vector<Real> result;
    for (int64_t n = 0; overSamples && n < units; ++n) {
      int64_t unitCount = (batch + order.samples - 1) / order.samples, parts = 1;
      while (parts * 2 <= std::min(order.parts, unitCount))
        parts *= 2;
      int64_t unitsEach = (unitCount + parts - 1) / parts;
      std::vector<Real> sums;
      for (int64_t part = 0; part < parts; ++part) {
        std::vector<Terms> runs;
        for (int64_t unit = part * unitsEach; unit < std::min((part + 1) * unitsEach, unitCount); ++unit) {
          Terms &run = runs.emplace_back();
          for (int64_t s = unit * order.samples; s < std::min((unit + 1) * order.samples, batch); ++s)
            for (int64_t i = 0; i < steps * height * width; ++i)
              run.push_back(term(timeAt(i / (height * width)), s, i / width % height, i % width, n));
        }
        sums.push_back(sumOfRuns<Real>(runs, order));
      }
      result.push_back(halvingTree(sums));
    }
    for (int64_t s = 0; !overSamples && s < batch; ++s)
      for (int64_t n = 0; n < units; ++n) {
        Terms all;
        for (int64_t i = 0; i < steps * height * width; ++i)
          all.push_back(term(timeAt(i / (height * width)), s, i / width % height, i % width, n));
        int64_t lengths[] = {1, width, height * width, steps * height * width};
        result.push_back(sumOfRuns<Real>(split(all, lengths[order.run]), order));
      }
    return result;
  }

  /// Returns the bits, so that a caller can see that another order gives others.
  std::vector<double> check(const Order &order, bool isContract, int64_t batch = 4) {
    bool overSamples = order.samples > 0;
    random.seed(11);
    Array x = randomArray({steps, batch, height, width, units}), w = randomArray({steps, height, width});
    std::string program = text(order, isContract, overSamples);
    std::vector<double> got = run(program, {x, w})[0].numbers();
    auto want = expected<float>(order, x, w, isContract, overSamples);
    EXPECT_EQ(got, std::vector<double>(want.begin(), want.end())) << program;
    EXPECT_EQ(run(program, {x, w}, {}, Numbers::Wide)[0].numbers(),
              expected<double>(order, x, w, isContract, overSamples))
        << "in wide numbers: " << program;
    return got;
  }
};

TEST_F(SumsTest, EachFieldOfSumsOfOneSample) {
  for (bool isContract : {false, true}) {
    std::vector<double> one = check({.run = 1}, isContract);
    for (Order order :
         {Order{.run = 0}, Order{.run = 2}, Order{.run = 3}, Order{.run = 1, .block = 4}, Order{.run = 2, .block = 1},
          Order{.run = 3, .group = 4, .block = 3}, Order{.run = 1, .group = 4},
          Order{.run = 2, .group = 3, .block = 64}, Order{.run = 2, .lanes = 16}, Order{.run = 1, .lanes = 4},
          Order{.run = 3, .lanes = 2}, Order{.run = 2, .descending = true}})
      EXPECT_NE(check(order, isContract), one) << "the terms should tell orders apart: " << textOf(order);
  }
}

TEST_F(SumsTest, EachFieldOfSumsOverSamples) {
  for (bool isContract : {false, true}) {
    std::vector<double> one = check({.samples = 1}, isContract, 13);
    for (Order order :
         {Order{.samples = 4}, Order{.samples = 8}, Order{.samples = 4, .parts = 2}, Order{.samples = 1, .parts = 16},
          Order{.samples = 2, .parts = 4, .descending = true}, Order{.group = 4, .block = 5, .samples = 2, .parts = 4},
          Order{.lanes = 8, .samples = 3, .parts = 2}, Order{.samples = 1, .descending = true}})
      EXPECT_NE(check(order, isContract, 13), one) << "the terms should tell orders apart: " << textOf(order);
  }
}

TEST_F(SumsTest, PartsOfBatchesOfEachSize) {
  // 5 units in 4 parts are 2, 2, 1 and none; a batch below R is one short run.
  for (int64_t batch = 1; batch <= 9; ++batch)
    for (int64_t samples : {1, 2, 4})
      for (int64_t parts : {1, 4, 16})
        check({.samples = samples, .parts = parts, .descending = true}, false, batch);
}

TEST_F(SumsTest, ASpikeSelectsTheOtherFactor) {
  constexpr int64_t inputs = 70, outputs = 5, batch = 3;
  Array spikes = randomSpikes({batch, inputs}), w = randomArray({outputs, inputs});
  Order order{.run = 1, .group = 4, .block = 4};
  std::string text =
      R"(func.func @f(%s: !core.array<sample x 70 x i1>, %w: !core.array<5 x 70 x f32>) -> !core.array<sample x 5 x f32> {
  %y = core.contract over [sample, 5, 70] along [2] %s, %w by [affine_map<(s, o, i) -> (s, i)>, affine_map<(s, o, i) -> (o, i)>]
      writes affine_map<(s, o, i) -> (s, o)> )" +
      textOf(order) + R"( : !core.array<sample x 70 x i1>, !core.array<5 x 70 x f32> -> !core.array<sample x 5 x f32>
  return %y : !core.array<sample x 5 x f32>
})";
  std::vector<double> want;
  for (int64_t s = 0; s < batch; ++s)
    for (int64_t o = 0; o < outputs; ++o) {
      Terms terms;
      for (int64_t i = 0; i < inputs; ++i)
        terms.push_back({1, float(w.number(o * inputs + i)), spikes.number(s * inputs + i) != 0});
      want.push_back(sumOfRuns<float>({terms}, order));
    }
  EXPECT_EQ(run(text, {spikes, w})[0].numbers(), want);

  // A weight that is no number does not matter where no spike comes.
  std::get<std::vector<uint8_t>>(spikes.data()).assign(batch * inputs, 0);
  std::get<std::vector<float>>(w.data()).assign(outputs * inputs, NAN);
  EXPECT_EQ(run(text, {spikes, w})[0].numbers(), std::vector<double>(batch * outputs));
}

TEST_F(SumsTest, SumsAreNeverMinusZero) {
  std::string fold = R"(func.func @f(%x: !core.array<6 x f32>) -> !core.array<f32> {
  %y = core.fold add over [6] along [0] reads(%x : !core.array<6 x f32>) by [affine_map<(i) -> (i)>]
      writes affine_map<(i) -> ()> order <run = 1, RUN> -> !core.array<f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %y : !core.array<f32>
})";
  for (std::string field : {"group = 1", "group = 4", "block = 2", "lanes = 4"}) {
    std::string text = fold;
    double sum =
        run(text.replace(text.find("RUN"), 3, field), {Array(Element::F32, {6}, {-0., -0., -0., -0., -0., -0.})})[0]
            .number(0);
    EXPECT_EQ(std::bit_cast<uint64_t>(sum), 0u) << field;
  }
  // -2^-100 * 2^-100 rounds to -0, which the block's chain has then, but not the sum.
  std::string contract = R"(func.func @f(%x: !core.array<1 x f32>, %w: !core.array<1 x f32>) -> !core.array<f32> {
  %y = core.contract over [1] along [0] %x, %w by [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>]
      writes affine_map<(i) -> ()> order <run = 1> : !core.array<1 x f32>, !core.array<1 x f32> -> !core.array<f32>
  return %y : !core.array<f32>
})";
  Array small(Element::F32, {1}, {-0x1p-100}), other(Element::F32, {1}, {0x1p-100});
  EXPECT_EQ(std::bit_cast<uint64_t>(run(contract, {small, other})[0].number(0)), 0u);
}

TEST_F(SumsTest, WithoutAnOrderOnlyWideNumbersAreAdded) {
  std::string text = R"(func.func @f(%x: !core.array<3 x f32>) -> !core.array<f32> {
  %y = core.fold add over [3] along [0] reads(%x : !core.array<3 x f32>) by [affine_map<(i) -> (i)>]
      writes affine_map<(i) -> ()> -> !core.array<f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %y : !core.array<f32>
})";
  Array x(Element::F32, {3}, {1, 0x1p-40, 2});
  EXPECT_NE(errorOf(text, {x}).find("'core.fold' adds terms, but states no order of summation"), std::string::npos);
  EXPECT_EQ(run(text, {x}, {}, Numbers::Wide)[0].number(0), 3 + 0x1p-40);
}

} // namespace
} // namespace snn::interpreter
