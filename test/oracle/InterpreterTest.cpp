// Maps, folds, contracts and scans against loops, and what is wrong with a call.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Access.h"
#include "test/oracle/InterpreterTestSupport.h"

#include "mlir/AsmParser/AsmParser.h"

#include <cmath>

namespace snn::interpreter {
namespace {

/// What an affine expression is, one operation after the other.
int64_t valueOf(mlir::AffineExpr expression, llvm::ArrayRef<int64_t> point) {
  if (auto dim = llvm::dyn_cast<mlir::AffineDimExpr>(expression))
    return point[dim.getPosition()];
  if (auto constant = llvm::dyn_cast<mlir::AffineConstantExpr>(expression))
    return constant.getValue();
  auto binary = llvm::cast<mlir::AffineBinaryOpExpr>(expression);
  int64_t a = valueOf(binary.getLHS(), point), b = valueOf(binary.getRHS(), point);
  switch (binary.getKind()) {
  case mlir::AffineExprKind::Add:
    return a + b;
  case mlir::AffineExprKind::Mul:
    return a * b;
  case mlir::AffineExprKind::FloorDiv:
    return int64_t(std::floor(double(a) / double(b)));
  case mlir::AffineExprKind::CeilDiv:
    return int64_t(std::ceil(double(a) / double(b)));
  default:
    return (a % b + b) % b;
  }
}

TEST_F(InterpreterTest, PlacesOfPoints) {
  std::vector<int64_t> extents = {3, 300, 4}, shape = {5, 7};
  for (const char *text :
       {"(a, b, c) -> (a, c)", "(a, b, c) -> (b - 2, a + c)", "(a, b, c) -> (a, 3 - b)",
        "(a, b, c) -> (a * 2, b * 3 - 4)", "(a, b, c) -> (b floordiv 60, b mod 7)",
        "(a, b, c) -> ((b - 20) floordiv 7, c)", "(a, b, c) -> (-b + 100 + a, (b * 2 + c) ceildiv 5)",
        "(a, b, c) -> ((c - b) mod 6, (a * 3 - b * 2) floordiv 4 + 9)"}) {
    auto map = llvm::cast<mlir::AffineMapAttr>(mlir::parseAttribute("affine_map<" + std::string(text) + ">", &context))
                   .getValue();
    auto access = Access::of(map, shape);
    ASSERT_TRUE(bool(access)) << text;
    for (int dim = 0; dim < 3; ++dim) {
      Row row;
      row.point.assign(3, 0);
      llvm::SmallVector<int64_t> others;
      for (int other = 0; other < 3; ++other)
        if (other != dim)
          others.push_back(other);
      Rows rows(extents, dim);
      forEachPoint(others, extents, row.point, -1, [&] {
        rows.forEach(row, [&] {
          int64_t offsets[rowLength];
          access->offsets(row, offsets);
          for (int64_t i = 0; i < row.count; ++i) {
            int64_t point[] = {row.coordinate(0, i), row.coordinate(1, i), row.coordinate(2, i)};
            int64_t first = valueOf(map.getResult(0), point), second = valueOf(map.getResult(1), point);
            bool isInside = first >= 0 && first < 5 && second >= 0 && second < 7;
            ASSERT_EQ(offsets[i], isInside ? first * 7 + second : -1)
                << text << " at " << point[0] << ", " << point[1] << ", " << point[2];
          }
        });
      });
    }
  }
}

TEST_F(InterpreterTest, AMapReadsAbsentElementsAndLeavesZeros) {
  // Each second element of the result is the sum of the one to the left and the one to the right; 9 stands outside.
  std::string text = R"(func.func @f(%x: !core.array<4 x f32>) -> (!core.array<8 x f32>, !core.array<4 x i1>) {
  %y, %s = core.map over [4] reads(%x, %x : !core.array<4 x f32>, !core.array<4 x f32>)
      by [affine_map<(i) -> (i - 1)>, affine_map<(i) -> (i + 1)>]
      writes [affine_map<(i) -> (i * 2 + 1)>, affine_map<(i) -> (i + 2)>] {absent = [9.0 : f32, 0.0 : f32]}
      -> !core.array<8 x f32>, !core.array<4 x i1> {
  ^bb0(%a: f32, %b: f32):
    %r = arith.addf %a, %b : f32
    %true = arith.constant true
    core.yield %r, %true : f32, i1
  }
  return %y, %s : !core.array<8 x f32>, !core.array<4 x i1>
})";
  std::vector<Array> results = run(text, {Array(Element::F32, {4}, {1, 2, 3, 4})});
  EXPECT_EQ(results[0].numbers(), (std::vector<double>{0, 11, 0, 4, 0, 6, 0, 3}));
  EXPECT_EQ(results[1].numbers(), (std::vector<double>{0, 0, 1, 1})) << "what is written outside is left out";
  EXPECT_EQ(results[1].element(), Element::Spike);
}

TEST_F(InterpreterTest, AMapLooksBackInTime) {
  std::string text = R"(func.func @f(%x: !core.array<time x sample x 2 x f32>) -> !core.array<time x sample x 2 x f32> {
  %y = core.map over [time, sample, 2] reads(%x : !core.array<time x sample x 2 x f32>)
      by [affine_map<(t, s, n) -> (t - 1, s, n)>] writes [affine_map<(t, s, n) -> (t, s, n)>] {absent = [7.0 : f32]}
      -> !core.array<time x sample x 2 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %y : !core.array<time x sample x 2 x f32>
})";
  EXPECT_EQ(run(text, {Array(Element::F32, {3, 1, 2}, {1, 2, 3, 4, 5, 6})})[0].numbers(),
            (std::vector<double>{7, 7, 1, 2, 3, 4}));
}

TEST_F(InterpreterTest, CoordinatesCountFromTheFirstStep) {
  std::string text = R"(func.func @f(%x: !core.array<time x sample x 2 x f32>) -> !core.array<time x sample x 2 x i64> {
  %y = core.map over [time, sample, 2] reads() by [] writes [affine_map<(t, s, n) -> (t, s, n)>]
      -> !core.array<time x sample x 2 x i64> {
    %t = core.index time
    %s = core.index sample
    %n = core.index 2
    %ten = arith.constant 10 : i64
    %a = arith.muli %t, %ten : i64
    %b = arith.addi %a, %s : i64
    %c = arith.muli %b, %ten : i64
    %d = arith.addi %c, %n : i64
    core.yield %d : i64
  }
  return %y : !core.array<time x sample x 2 x i64>
})";
  EXPECT_EQ(run(text, {Array(Element::F32, {2, 2, 2})}, {.firstStep = 5})[0].numbers(),
            (std::vector<double>{500, 501, 510, 511, 600, 601, 610, 611}));
}

TEST_F(InterpreterTest, TheFirstOfTheLargestWins) {
  // Windows of 3 with stride 2 and padding 1; the fourth has no point inside.
  std::string text =
      R"(func.func @f(%x: !core.array<2 x 5 x f32>) -> (!core.array<2 x 4 x f32>, !core.array<2 x 4 x i32>) {
  %y, %w = core.fold KIND over [2, 4, 3] along [2] reads(%x : !core.array<2 x 5 x f32>)
      by [affine_map<(c, o, k) -> (c, o * 2 + k - 1)>] writes affine_map<(c, o, k) -> (c, o)>
      -> !core.array<2 x 4 x f32> winner !core.array<2 x 4 x i32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %y, %w : !core.array<2 x 4 x f32>, !core.array<2 x 4 x i32>
})";
  std::string max = text, min = text;
  max.replace(max.find("KIND"), 4, "max");
  min.replace(min.find("KIND"), 4, "min");
  Array x(Element::F32, {2, 5}, {3, 3, 1, 1, 1, -0.0, 0, -INFINITY, -INFINITY, -INFINITY});
  std::vector<Array> largest = run(max, {x}), smallest = run(min, {x});
  EXPECT_EQ(largest[0].numbers(), (std::vector<double>{3, 3, 1, -INFINITY, 0, 0, -INFINITY, -INFINITY}));
  EXPECT_EQ(largest[1].numbers(), (std::vector<double>{1, 0, 0, -1, 1, 0, 0, -1}));
  EXPECT_TRUE(std::signbit(largest[0].number(4))) << "-0 came first";
  EXPECT_EQ(smallest[0].numbers(), (std::vector<double>{3, 1, 1, INFINITY, 0, -INFINITY, -INFINITY, INFINITY}));
  EXPECT_EQ(smallest[1].numbers(), (std::vector<double>{1, 1, 0, -1, 1, 1, 0, -1}));
  EXPECT_EQ(largest[1].element(), Element::I32);
}

TEST_F(InterpreterTest, WinnersAreNumberedInRowMajorOrder) {
  std::string text = R"(func.func @f(%x: !core.array<2 x 3 x f64>) -> !core.array<i32> {
  %y, %w = core.fold max over [2, 3] along [1, 0] reads(%x : !core.array<2 x 3 x f64>)
      by [affine_map<(i, j) -> (i, j)>] writes affine_map<(i, j) -> ()> -> !core.array<f64> winner !core.array<i32> {
  ^bb0(%a: f64):
    core.yield %a : f64
  }
  return %w : !core.array<i32>
})";
  EXPECT_EQ(run(text, {Array(Element::F64, {2, 3}, {0, 0, 0, 0, 1, 0})})[0].number(0), 3) << "j = 1, i = 1";
}

/// A strided, padded, grouped convolution and its two gradients: 4 channels in 2 groups to 6, kernel 3, stride 2,
/// padding 1, 9 x 9 to 5 x 5.
struct Convolution {
  static constexpr const char *x = "!core.array<time x sample x 4 x 9 x 9 x f32>";
  static constexpr const char *w = "!core.array<6 x 2 x 3 x 3 x f32>";
  static constexpr const char *y = "!core.array<time x sample x 6 x 5 x 5 x f32>";

  static std::string text(const std::string &a, const std::string &b, const std::string &c, const std::string &mapA,
                          const std::string &mapB, const std::string &mapC, const std::string &along) {
    std::string dims = "affine_map<(t, s, g, o, y, x, ky, kx, i) -> ";
    return "func.func @f(%a: " + a + ", %b: " + b + ") -> " + c +
           " {\n  %c = core.contract over [time, sample, 2, 3, 5, 5, 3, 3, 2] along " + along + " %a, %b by [" + dims +
           mapA + ">, " + dims + mapB + ">] writes " + dims + mapC + "> : " + a + ", " + b + " -> " + c +
           "\n  return %c : " + c + "\n}";
  }
  static constexpr const char *mapX = "(t, s, g * 2 + i, y * 2 + ky - 1, x * 2 + kx - 1)";
  static constexpr const char *mapW = "(g * 3 + o, i, ky, kx)", *mapY = "(t, s, g * 3 + o, y, x)";

  /// Calls `visit` with the offsets of x, w and y for each product.
  template <typename Visit> static void forEachProduct(int64_t frames, Visit visit) {
    for (int64_t frame = 0; frame < frames; ++frame)
      for (int64_t out = 0; out < 6; ++out)
        for (int64_t row = 0; row < 5; ++row)
          for (int64_t column = 0; column < 5; ++column)
            for (int64_t ky = 0; ky < 3; ++ky)
              for (int64_t kx = 0; kx < 3; ++kx)
                for (int64_t i = 0; i < 2; ++i) {
                  int64_t inRow = row * 2 + ky - 1, inColumn = column * 2 + kx - 1, in = out / 3 * 2 + i;
                  if (inRow >= 0 && inRow < 9 && inColumn >= 0 && inColumn < 9)
                    visit(((frame * 4 + in) * 9 + inRow) * 9 + inColumn, ((out * 2 + i) * 3 + ky) * 3 + kx,
                          ((frame * 6 + out) * 5 + row) * 5 + column);
                }
  }
};

void expectNear(const Array &got, const std::vector<double> &want) {
  ASSERT_EQ(got.size(), int64_t(want.size()));
  for (size_t i = 0; i < want.size(); ++i)
    ASSERT_NEAR(got.number(i), want[i], 1e-9 * (1 + std::abs(want[i]))) << "element " << i;
}

TEST_F(InterpreterTest, AConvolutionAndItsGradients) {
  constexpr int64_t steps = 2, batch = 3;
  Array x = randomArray({steps, batch, 4, 9, 9}), w = randomArray({6, 2, 3, 3}),
        y = randomArray({steps, batch, 6, 5, 5});
  std::vector<double> products(y.size()), toInput(x.size()), toWeight(w.size());
  Convolution::forEachProduct(steps * batch, [&](int64_t atX, int64_t atW, int64_t atY) {
    products[atY] += x.number(atX) * w.number(atW);
    toInput[atX] += y.number(atY) * w.number(atW);
    toWeight[atW] += y.number(atY) * x.number(atX);
  });
  using C = Convolution;
  expectNear(run(C::text(C::x, C::w, C::y, C::mapX, C::mapW, C::mapY, "[6, 7, 8]"), {x, w}, {}, Numbers::Wide)[0],
             products);
  expectNear(run(C::text(C::y, C::w, C::x, C::mapY, C::mapW, C::mapX, "[3, 6, 7]"), {y, w}, {}, Numbers::Wide)[0],
             toInput);
  expectNear(run(C::text(C::y, C::x, C::w, C::mapY, C::mapX, C::mapW, "[1, 0, 4, 5]"), {y, x}, {}, Numbers::Wide)[0],
             toWeight);
}

/// m' = decay * m + x for each sample and neuron, with m of the start of each step stacked.
std::string scanText(const std::string &direction) {
  return "func.func @f(%x: !core.array<time x sample x 3 x f32>, %decay: !core.array<3 x f32>, %m: !core.array<sample "
         "x 3 x f32>)"
         " -> (!core.array<time x sample x 3 x f32>, !core.array<time x sample x 3 x i64>, !core.array<sample x 3 x "
         "f32>) {\n"
         "  %before, %when, %last = core.scan " +
         direction + R"( sliced(%x : !core.array<time x sample x 3 x f32>) invariant(%decay : !core.array<3 x f32>)
      init(%m : !core.array<sample x 3 x f32>)
      -> stacked(!core.array<time x sample x 3 x f32>, !core.array<time x sample x 3 x i64>) final(!core.array<sample x 3 x f32>) {
  ^bb0(%xt: !core.array<sample x 3 x f32>, %d: !core.array<3 x f32>, %mt: !core.array<sample x 3 x f32>):
    %next, %t = core.map over [sample, 3] reads(%xt, %d, %mt : !core.array<sample x 3 x f32>, !core.array<3 x f32>, !core.array<sample x 3 x f32>)
        by [affine_map<(s, n) -> (s, n)>, affine_map<(s, n) -> (n)>, affine_map<(s, n) -> (s, n)>]
        writes [affine_map<(s, n) -> (s, n)>, affine_map<(s, n) -> (s, n)>] -> !core.array<sample x 3 x f32>, !core.array<sample x 3 x i64> {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %decayed = arith.mulf %b, %c : f32
      %sum = arith.addf %decayed, %a : f32
      %now = core.index time
      core.yield %sum, %now : f32, i64
    }
    core.step stacked(%mt, %t : !core.array<sample x 3 x f32>, !core.array<sample x 3 x i64>) next(%next : !core.array<sample x 3 x f32>)
  }
  return %before, %when, %last : !core.array<time x sample x 3 x f32>, !core.array<time x sample x 3 x i64>, !core.array<sample x 3 x f32>
})";
}

TEST_F(InterpreterTest, AScanGoesForwardOrBackward) {
  constexpr int64_t steps = 4, batch = 2, units = 3;
  Array x = randomArray({steps, batch, units}), decay = randomArray({units}), start = randomArray({batch, units});
  for (bool isReverse : {false, true}) {
    std::vector<float> membrane = start.as<float>().vec();
    std::vector<double> before(x.size());
    for (int64_t i = 0; i < steps; ++i) {
      int64_t t = isReverse ? steps - 1 - i : i;
      for (int64_t j = 0; j < batch * units; ++j) {
        before[t * batch * units + j] = membrane[j];
        float decayed = decay.as<float>()[j % units] * membrane[j];
        membrane[j] = decayed + x.as<float>()[t * batch * units + j];
      }
    }
    std::vector<Array> results = run(scanText(isReverse ? "reverse" : ""), {x, decay, start}, {.firstStep = 100});
    EXPECT_EQ(results[0].numbers(), before);
    EXPECT_EQ(results[2].numbers(), std::vector<double>(membrane.begin(), membrane.end()));
    EXPECT_EQ(results[1].number(0), 100);
    EXPECT_EQ(results[1].number(x.size() - 1), 103) << "steps are counted in time, also backward";
  }
}

TEST_F(InterpreterTest, ErrorsSayWhatIsWrong) {
  std::string scan = scanText("");
  Array x(Element::F32, {4, 2, 3}), decay(Element::F32, {3}), start(Element::F32, {2, 3});
  auto expectError = [&](const std::string &got, const std::string &part) {
    EXPECT_NE(got.find(part), std::string::npos) << got;
  };
  expectError(errorOf(scan, {x, decay}), "has 3 arguments, but 2 inputs were given");
  expectError(errorOf(scan, {x, start, start}), "argument #1 is f32[2, 3], but expected f32[3]");
  expectError(errorOf(scan, {x, decay.converted(Element::F64), start}), "argument #1 is f64[3], but expected f32[3]");
  expectError(errorOf(scan, {x, decay, Array(Element::F32, {5, 3})}), "argument #2 has 5 samples, but expected 2");
  expectError(errorOf(scan, {x, decay, start}, {.sampleIds = {1, 2, 3}}), "3 ids were given for 2 samples");

  expectError(errorOf(scan, {x, decay, start}, {.firstStep = -1}), "the first step is -1, but expected");

  std::string samples = R"(func.func @f(%x: !core.array<f32>) -> !core.array<sample x f32> {
  %y = core.map over [sample] reads(%x : !core.array<f32>) by [affine_map<(s) -> ()>]
      writes [affine_map<(s) -> (s)>] -> !core.array<sample x f32> {
  ^bb0(%a: f32):
    BODY
    core.yield %r : f32
  }
  return %y : !core.array<sample x f32>
})";
  auto withBody = [&](const std::string &body) {
    std::string text = samples;
    return text.replace(text.find("BODY"), 4, body);
  };
  Array one(Element::F32, {}, {1.0});
  std::string negate = withBody("%r = arith.negf %a : f32");
  expectError(errorOf(negate, {one}), "the number of samples is not known");
  EXPECT_EQ(run(negate, {one}, {.batch = 2})[0].numbers(), (std::vector<double>{-1, -1}));
  expectError(errorOf(withBody("%r = arith.remf %a, %a : f32"), {one}, {.batch = 2}),
              "operation 'arith.remf' is not known to the interpreter");
  expectError(
      errorOf(withBody("%h = arith.truncf %a : f32 to f16\n%r = arith.extf %h : f16 to f32"), {one}, {.batch = 2}),
      "'arith.truncf' on other numbers than f32, f64 and integers");
  expectError(errorOf(withBody("%t = core.index time\n%r = arith.sitofp %t : i64 to f32"), {one}, {.batch = 2}),
              "counts along time or the sample, but the op has none");
  expectError(errorOf("func.func @f(%x: f32) -> f32 {\n  return %x : f32\n}", {one}), "is no array of the core");
  expectError(errorOf("func.func private @f()", {}), "has no body");
}

} // namespace
} // namespace snn::interpreter
