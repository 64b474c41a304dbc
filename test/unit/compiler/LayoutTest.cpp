// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How values of the core lie in memory: no two elements in one position, in the order that is promised.

#include "Support.h"

#include "compiler/Schedule/Cpu/Layout.h"

using namespace mlir;

namespace snn::test {
namespace {

using core::layoutOf;
using core::Place;
using Strides = std::vector<int64_t>;

class LayoutTest : public CompilerTest {
protected:
  /// The arguments of @f.
  void read(StringRef arguments, StringRef body = "return\n", StringRef before = "", StringRef results = "") {
    module = parse((before + "func.func @f(" + arguments + ") " + results + " {\n" + body + "}\n").str());
    function = *module->getOps<func::FuncOp>().begin();
  }
  core::Layout argument(unsigned index) { return layoutOf(function.getArgument(index)); }
  static Strides strides(const core::Layout &layout) { return Strides(layout.strides.begin(), layout.strides.end()); }

  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
};

TEST_F(LayoutTest, RowsAreContiguousAndPaddedAtTheEnd) {
  read("%a: !core.array<time x sample x 3 x 4 x 5 x f32>, %b: !core.array<sample x time x 3 x 4 x 5 x f32>, "
       "%c: !core.array<sample x f64>, %d: !core.array<time x 17 x ui8>");
  for (unsigned index : {0, 1}) {
    core::Layout layout = argument(index);
    EXPECT_EQ(strides(layout), (Strides{20, 5, 1}));
    EXPECT_EQ(layout.elements, 64);
    EXPECT_TRUE(layout.samples && layout.steps);
    EXPECT_TRUE(core::footprintOf(function.getArgument(index)) == (Place{0, 0, 0, 256}));
  }
  EXPECT_EQ(argument(2).elements, 16);
  EXPECT_TRUE(core::footprintOf(function.getArgument(2)) == (Place{0, 0, 128, 0}));
  EXPECT_EQ(argument(3).elements, 32);
  EXPECT_TRUE(argument(3).element.isInteger(8));
  EXPECT_TRUE(core::footprintOf(function.getArgument(3)) == (Place{0, 64, 0, 0}));
}

TEST_F(LayoutTest, SpikesAreBitsInWords) {
  read("%a: !core.array<time x sample x 500 x i1>, %b: !core.array<3 x 20 x i1>");
  EXPECT_EQ(argument(0).elements, 32);
  EXPECT_EQ(argument(0).width(), 512);
  EXPECT_TRUE(argument(0).element.isInteger(16));
  EXPECT_EQ(strides(argument(1)), (Strides{32, 1}));
  EXPECT_EQ(argument(1).elements, 6);
}

TEST_F(LayoutTest, BlocksHaveTheirLastExtentPadded) {
  read("%a: !core.array<2 x 3 x 20 x f32>, %b: !core.array<f64>");
  EXPECT_EQ(strides(argument(0)), (Strides{96, 32, 1}));
  EXPECT_EQ(argument(0).elements, 192);
  EXPECT_EQ(argument(1).elements, 16);
}

TEST_F(LayoutTest, RowsOfMatricesAreNotAWayOfTheCacheApart) {
  read("%a: !core.array<3 x 1024 x f32>, %b: !core.array<3 x 512 x f64>, %c: !core.array<3 x 2 x 2040 x f32>, "
       "%d: !core.array<3 x 512 x f32>, %e: !core.array<1024 x f32>, %f: !core.array<sample x 1024 x f32>, "
       "%g: !core.array<2 x 32768 x i1>");
  EXPECT_EQ(strides(argument(0)), (Strides{1040, 1}));
  EXPECT_EQ(argument(0).elements, 3120);
  EXPECT_EQ(strides(argument(1)), (Strides{528, 1}));
  EXPECT_EQ(strides(argument(2)), (Strides{4128, 2064, 1}));
  EXPECT_EQ(strides(argument(3)), (Strides{512, 1}));
  // No rows below each other, or such that the next layer reads with other extents; bits are few.
  EXPECT_EQ(argument(4).elements, 1024);
  EXPECT_EQ(argument(5).elements, 1024);
  EXPECT_EQ(strides(argument(6)), (Strides{32768, 1}));
}

TEST_F(LayoutTest, ParametersHaveTheirFirstExtentInnermost) {
  read("%a: !core.array<20 x 3 x 5 x f32> {snn.bind = @w}, %b: !core.array<20 x 3 x f32> {snn.bind = @classes}",
       "return\n",
       "snn.model @m train real = f32 max_steps = 1 classes = 4 batch = 8 epochs = 1\n"
       "snn.parameter @w : !core.array<20 x 3 x 5 x f32> init #snn.fill<0.0>\n");
  EXPECT_TRUE(argument(0).parameterLike);
  EXPECT_EQ(strides(argument(0)), (Strides{1, 160, 32}));
  EXPECT_EQ(argument(0).elements, 480);
  EXPECT_FALSE(argument(1).parameterLike);
}

TEST_F(LayoutTest, GradientsLieLikeParametersAlsoBeforeTheyAreChanged) {
  read(
      "%x: !core.array<sample x 20 x f32>",
      R"(%0, %1 = core.batch_map sharded(%x : !core.array<sample x 20 x f32>) invariant() -> sum(!core.array<20 x 3 x f32>, !core.array<20 x 3 x f32>) {
  ^bb0(%xs: !core.array<sample x 20 x f32>):
    %2 = core.fold add over [sample, 20, 3] along [0] reads(%xs : !core.array<sample x 20 x f32>) by [affine_map<(s, n, k) -> (s, n)>]
        writes affine_map<(s, n, k) -> (n, k)> order <run = 64> -> !core.array<20 x 3 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %3 = core.fold add over [sample, 20, 3] along [0] reads(%xs : !core.array<sample x 20 x f32>) by [affine_map<(s, n, k) -> (s, k)>]
        writes affine_map<(s, n, k) -> (n, k)> order <run = 64> -> !core.array<20 x 3 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat() sum(%2, %3 : !core.array<20 x 3 x f32>, !core.array<20 x 3 x f32>)
  }
  %4 = core.map over [20, 3] reads(%0, %1 : !core.array<20 x 3 x f32>, !core.array<20 x 3 x f32>) by [affine_map<(n, k) -> (n, k)>, affine_map<(n, k) -> (0, k)>]
      writes [affine_map<(n, k) -> (n, k)>] -> !core.array<20 x 3 x f32> {
  ^bb0(%a: f32, %b: f32):
    %c = arith.addf %a, %b : f32
    core.yield %c : f32
  }
  return %4 : !core.array<20 x 3 x f32>
)",
      "", "-> (!core.array<20 x 3 x f32> {snn.bind = @grad.w})");
  auto phase = *function.getBody().front().getOps<core::BatchMapOp>().begin();
  EXPECT_TRUE(layoutOf(function.getBody().front().getTerminator()->getOperand(0)).parameterLike);
  EXPECT_TRUE(layoutOf(phase.getSum()[0]).parameterLike);
  EXPECT_TRUE(layoutOf(phase.getYield().getSum()[0]).parameterLike);
  EXPECT_FALSE(layoutOf(phase.getSum()[1]).parameterLike); // read otherwise than it is written
}

TEST_F(LayoutTest, StepsOfAScanAreRowsOfTheWhole) {
  read(
      "%x: !core.array<time x 3 x 4 x f32>",
      R"(%0 = core.scan sliced(%x : !core.array<time x 3 x 4 x f32>) invariant() init() -> stacked(!core.array<time x 3 x 4 x f32>) {
  ^bb0(%step: !core.array<3 x 4 x f32>):
    core.step stacked(%step : !core.array<3 x 4 x f32>) next()
  }
  return
)");
  auto scan = *function.getBody().front().getOps<core::ScanOp>().begin();
  core::Layout step = layoutOf(scan.getSlicedArgs()[0]);
  EXPECT_TRUE(step.slice && step.steps);
  EXPECT_EQ(strides(step), (Strides{4, 1})); // not the padded rows of a matrix
  EXPECT_EQ(step.elements, 16);
}

} // namespace
} // namespace snn::test
