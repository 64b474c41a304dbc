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
  if (order.group == 1 && order.lanes == 1) {
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

/// The levels above blocks: sums of `level` sums, until one is left.
template <typename Real> Real sumOfLevels(std::vector<Real> sums, int64_t level) {
  while (sums.size() > 1) {
    std::vector<Real> higher;
    for (size_t i = 0; i < sums.size(); ++i) {
      if (i % level == 0)
        higher.push_back(0);
      higher.back() += sums[i];
    }
    sums = higher;
  }
  return sums.empty() ? 0 : sums[0];
}

template <typename Real> Real sumOfRuns(const std::vector<Terms> &runs, const Order &order) {
  std::vector<Real> chains;
  for (int64_t lane = 0; lane < order.lanes; ++lane) {
    std::vector<Real> blocks;
    for (const Terms &run : runs) {
      Terms ofLane;
      for (size_t i = lane; i < run.size(); i += order.lanes)
        ofLane.push_back(run[i]);
      for (const Terms &block : split(ofLane, order.block))
        blocks.push_back(sumOfBlock<Real>(block, order));
    }
    chains.push_back(sumOfLevels(blocks, order.level));
  }
  return halvingTree(chains);
}

template <typename Real> Real neighbourTree(std::vector<Real> values) {
  while (values.size() > 1) {
    std::vector<Real> pairs;
    for (size_t i = 0; i < values.size(); i += 2)
      pairs.push_back(values[i] + values[i + 1]);
    values = pairs;
  }
  return values[0];
}

/// How the terms of a batch are divided; worked out from the counts of terms alone.
struct Division {
  int64_t stepsOfRun = 1, samplesOfRun = 1, units, parts = 1;

  Division(const Order &order, int64_t batch, int64_t steps, int64_t positions) {
    if (steps * positions < order.run) {
      stepsOfRun = steps;
      while (samplesOfRun * steps * positions < order.run)
        samplesOfRun *= 2;
    } else {
      while (stepsOfRun * positions < order.run)
        stepsOfRun *= 2;
    }
    units = (batch + samplesOfRun - 1) / samplesOfRun;
    parts = order.parts;
    while (parts > 1 && batch * steps * positions < order.part * parts)
      parts /= 2;
    while (parts > units)
      parts /= 2;
  }
};

/// `terms[sample][step]` are the terms of one step of one sample, in the order in which they are taken.
template <typename Real> Real sumOverSamples(const std::vector<std::vector<Terms>> &terms, const Order &order) {
  int64_t batch = terms.size(), steps = terms[0].size();
  Division division(order, batch, steps, terms[0][0].size());
  std::vector<Real> parts;
  for (int64_t part = 0; part < division.parts; ++part) {
    std::vector<Terms> runs;
    for (int64_t unit = part * division.units / division.parts; unit < (part + 1) * division.units / division.parts;
         ++unit)
      for (int64_t sample = unit * division.samplesOfRun; sample < std::min(batch, (unit + 1) * division.samplesOfRun);
           ++sample)
        for (int64_t step = 0; step < steps; ++step) {
          if (step % division.stepsOfRun == 0 && sample % division.samplesOfRun == 0)
            runs.emplace_back();
          const Terms &more = terms[sample][step];
          runs.back().insert(runs.back().end(), more.begin(), more.end());
        }
    parts.push_back(sumOfRuns<Real>(runs, order));
  }
  return neighbourTree(parts);
}

std::string textOf(const Order &order) {
  return "order <group = " + std::to_string(order.group) + ", block = " + std::to_string(order.block) +
         ", level = " + std::to_string(order.level) + ", lanes = " + std::to_string(order.lanes) +
         ", run = " + std::to_string(order.run) + ", parts = " + std::to_string(order.parts) +
         ", part = " + std::to_string(order.part) + ", descending = " + (order.descending ? "true" : "false") + ">";
}

constexpr int64_t steps = 5, height = 7, width = 11, units = 3;
constexpr int64_t positionsOfStep = height * width;

/// What is summed besides the window.
enum class Over { Time, Samples, SamplesAndTime };

/// Sums of a window that looks one row too far down, x[t, s, y + 1, x, n], for each unit and what else is not summed. A
/// contract multiplies by w[t, y, x].
class SumsTest : public InterpreterTest {
protected:
  static constexpr const char *x = "!core.array<time x sample x 7 x 11 x 3 x f32>";

  std::string text(const Order &order, bool isContract, Over over) {
    std::string extents = over == Over::Time ? "sample x " : over == Over::Samples ? "time x " : "";
    std::string left = over == Over::Time ? "s, " : over == Over::Samples ? "t, " : "";
    std::string along = over == Over::Time ? "[0, 2, 3] " : over == Over::Samples ? "[1, 2, 3] " : "[1, 0, 2, 3] ";
    std::string result = "!core.array<" + extents + "3 x f32>";
    std::string head = std::string("func.func @f(%x: ") + x + ", %w: !core.array<time x 7 x 11 x f32>) -> " + result +
                       " {\n  %y = core.";
    std::string domain = "over [time, sample, 7, 11, 3] along " + along;
    std::string read = "affine_map<(t, s, y, x, n) -> (t, s, y + 1, x, n)>";
    std::string write = "writes affine_map<(t, s, y, x, n) -> (" + left + "n)> " + textOf(order);
    if (isContract)
      return head + "contract " + domain + "%x, %w by [" + read + ", affine_map<(t, s, y, x, n) -> (t, y, x)>] " +
             write + " : " + x + ", !core.array<time x 7 x 11 x f32> -> " + result + "\n  return %y : " + result +
             "\n}";
    return head + "fold add " + domain + "reads(%x : " + x + ") by [" + read + "] " + write + " -> " + result +
           " {\n  ^bb0(%a: f32):\n    core.yield %a : f32\n  }\n  return %y : " + result + "\n}";
  }

  /// The same by lists.
  template <typename Real>
  std::vector<Real> expected(const Order &order, const Array &x, const Array &w, bool isContract, Over over) {
    int64_t batch = x.shape()[1];
    auto stepOf = [&](int64_t s, int64_t t, int64_t n) {
      Terms terms;
      for (int64_t row = 0; row < height; ++row)
        for (int64_t column = 0; column < width; ++column) {
          float factor = isContract ? float(w.number((t * height + row) * width + column)) : 1;
          int64_t offset = (((t * batch + s) * height + row + 1) * width + column) * units + n;
          terms.push_back(row + 1 < height ? Term{float(x.number(offset)), factor} : Term{0, 0, false});
        }
      return terms;
    };
    auto inTime = [&](int64_t s, int64_t n) {
      std::vector<Terms> taken;
      for (int64_t i = 0; i < steps; ++i)
        taken.push_back(stepOf(s, order.descending ? steps - 1 - i : i, n));
      return taken;
    };
    std::vector<Real> result;
    if (over == Over::Time) {
      for (int64_t s = 0; s < batch; ++s)
        for (int64_t n = 0; n < units; ++n) {
          Terms all;
          for (const Terms &step : inTime(s, n))
            all.insert(all.end(), step.begin(), step.end());
          result.push_back(sumOfRuns<Real>({all}, order));
        }
      return result;
    }
    for (int64_t t = 0; t < (over == Over::Samples ? steps : 1); ++t)
      for (int64_t n = 0; n < units; ++n) {
        std::vector<std::vector<Terms>> terms;
        for (int64_t s = 0; s < batch; ++s)
          terms.push_back(over == Over::Samples ? std::vector<Terms>{stepOf(s, t, n)} : inTime(s, n));
        result.push_back(sumOverSamples<Real>(terms, order));
      }
    return result;
  }

  /// Returns the numbers, so that a caller can see that another order gives others.
  std::vector<double> check(const Order &order, bool isContract, Over over, int64_t batch = 4) {
    random.seed(11);
    Array x = randomArray({steps, batch, height, width, units}), w = randomArray({steps, height, width});
    std::string program = text(order, isContract, over);
    std::vector<double> got = run(program, {x, w})[0].numbers();
    auto want = expected<float>(order, x, w, isContract, over);
    EXPECT_EQ(got, std::vector<double>(want.begin(), want.end())) << program << " of " << batch << " samples";
    EXPECT_EQ(run(program, {x, w}, {}, Numbers::Wide)[0].numbers(), expected<double>(order, x, w, isContract, over))
        << "in wide numbers: " << program << " of " << batch << " samples";
    return got;
  }
};

TEST_F(SumsTest, EachFieldOfSumsOfOneSample) {
  for (bool isContract : {false, true}) {
    std::vector<double> one = check({}, isContract, Over::Time);
    for (Order order :
         {Order{.block = 4}, Order{.group = 4}, Order{.group = 4, .block = 12}, Order{.group = 3, .block = 63},
          Order{.block = 16, .level = 2}, Order{.block = 4, .level = 3}, Order{.block = 1, .level = 2},
          Order{.lanes = 2}, Order{.lanes = 32}, Order{.block = 4, .level = 3, .lanes = 4},
          Order{.group = 2, .block = 8, .lanes = 4}, Order{.descending = true}})
      EXPECT_NE(check(order, isContract, Over::Time), one) << "the terms should tell orders apart: " << textOf(order);
  }
}

TEST_F(SumsTest, EachFieldOfSumsOverSamples) {
  for (bool isContract : {false, true}) {
    std::vector<double> one = check({.run = 1, .descending = true}, isContract, Over::SamplesAndTime, 13);
    for (Order order : {Order{.run = 100, .descending = true}, Order{.run = 300, .descending = true},
                        Order{.run = 1000, .descending = true}, Order{.run = 1, .parts = 2, .descending = true},
                        Order{.run = 1, .parts = 16, .part = 256, .descending = true},
                        Order{.run = 1000, .parts = 16, .descending = true},
                        Order{.group = 4, .block = 20, .run = 1, .descending = true},
                        Order{.block = 8, .level = 2, .run = 100, .parts = 4, .descending = true}})
      EXPECT_NE(check(order, isContract, Over::SamplesAndTime, 13), one)
          << "the terms should tell orders apart: " << textOf(order);
  }
}

TEST_F(SumsTest, SumsOverSamplesOfEachStep) {
  // A step has 77 terms: runs are one sample, or two, or eight.
  std::vector<double> one = check({.run = 77}, false, Over::Samples, 13);
  for (Order order : {Order{.run = 78}, Order{.run = 600}, Order{.run = 64, .parts = 4, .part = 256},
                      Order{.run = 78, .parts = 16, .part = 256}})
    EXPECT_NE(check(order, false, Over::Samples, 13), one) << "the terms should tell orders apart: " << textOf(order);
}

TEST_F(SumsTest, PartsOfBatchesOfEachSize) {
  // Runs of a step, of two steps, of a sample, of two and of four samples; a batch that is shorter is one short run.
  for (int64_t batch = 1; batch <= 9; ++batch)
    for (int64_t terms : {64, 154, 309, 386, 1000})
      for (int64_t parts : {1, 4, 16})
        for (int64_t part : {1, 1000})
          check({.run = terms, .parts = parts, .part = part, .descending = true}, false, Over::SamplesAndTime, batch);
}

TEST_F(SumsTest, ASpikeSelectsTheOtherFactor) {
  constexpr int64_t inputs = 70, outputs = 5, batch = 3;
  Array spikes = randomSpikes({batch, inputs}), w = randomArray({outputs, inputs});
  Order order{.group = 4, .block = 16, .level = 2};
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
      writes affine_map<(i) -> ()> order <RUN> -> !core.array<f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %y : !core.array<f32>
})";
  for (std::string field : {"group = 1", "group = 4", "block = 2", "block = 1, level = 2", "lanes = 4"}) {
    std::string text = fold;
    double sum =
        run(text.replace(text.find("RUN"), 3, field), {Array(Element::F32, {6}, {-0., -0., -0., -0., -0., -0.})})[0]
            .number(0);
    EXPECT_EQ(std::bit_cast<uint64_t>(sum), 0u) << field;
  }
  // -2^-100 * 2^-100 rounds to -0, which the block's chain has then, but not the sum.
  std::string contract = R"(func.func @f(%x: !core.array<1 x f32>, %w: !core.array<1 x f32>) -> !core.array<f32> {
  %y = core.contract over [1] along [0] %x, %w by [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>]
      writes affine_map<(i) -> ()> order <block = 64> : !core.array<1 x f32>, !core.array<1 x f32> -> !core.array<f32>
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
