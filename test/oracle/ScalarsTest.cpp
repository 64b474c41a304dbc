// Each operation of scalar bodies against numbers worked out by hand.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/InterpreterTestSupport.h"

#include <cmath>

namespace snn::interpreter {
namespace {

struct Argument {
  std::string type;
  double value;
};

class ScalarsTest : public InterpreterTest {
protected:
  /// %r, of type `type`, as `body` computes it from arguments %a, %b, %c.
  double compute(const std::string &body, const std::string &type, std::vector<Argument> arguments,
                 Numbers numbers = Numbers::AsStated) {
    std::string parameters, reads, types, maps, inner;
    std::vector<Array> inputs;
    for (auto [index, argument] : llvm::enumerate(arguments)) {
      std::string comma = index ? ", " : "", name(1, char('a' + index)), array = "!core.array<" + argument.type + ">";
      parameters += comma + "%" + name + "0: " + array;
      reads += comma + "%" + name + "0";
      types += comma + array;
      maps += comma + "affine_map<() -> ()>";
      inner += comma + "%" + name + ": " + (argument.type == "ui8" ? "i8" : argument.type);
      inputs.push_back(Array(elementNamed(argument.type), {}, argument.value));
    }
    std::string result = "!core.array<" + type + ">", inBody = type == "ui8" ? "i8" : type;
    std::string text = "func.func @f(" + parameters + ") -> " + result + " {\n  %y = core.map over [] reads(" +
                       (arguments.empty() ? "" : reads + " : " + types) + ") by [" + maps +
                       "] writes [affine_map<() -> ()>] -> " + result + " {\n  ^bb0(" + inner + "):\n  " + body +
                       "\n  core.yield %r : " + inBody + "\n  }\n  return %y : " + result + "\n}\n";
    return run(text, inputs, {}, numbers)[0].number(0);
  }

  static Element elementNamed(const std::string &type) {
    for (Element element : {Element::F32, Element::F64, Element::Spike, Element::U8, Element::I32, Element::I64})
      if (type == nameOf(element))
        return element;
    ADD_FAILURE() << type;
    return Element::F32;
  }

  double real(const std::string &op, double a) { return compute("%r = " + op + " %a : f64", "f64", {{"f64", a}}); }
  double real(const std::string &op, double a, double b) {
    return compute("%r = " + op + " %a, %b : f64", "f64", {{"f64", a}, {"f64", b}});
  }
  double integer(const std::string &op, double a, double b, const std::string &type = "i32") {
    return compute("%r = " + op + " %a, %b : " + type, type, {{type, a}, {type, b}});
  }
  double compare(const std::string &op, double a, double b, const std::string &type) {
    return compute("%r = " + op + ", %a, %b : " + type, "i1", {{type, a}, {type, b}});
  }
};

constexpr double nan = NAN, infinity = INFINITY;

TEST_F(ScalarsTest, Arithmetic) {
  EXPECT_EQ(real("arith.addf", 1.5, 2), 3.5);
  EXPECT_EQ(real("arith.subf", 1.5, 2), -0.5);
  EXPECT_EQ(real("arith.mulf", 1.5, -2), -3);
  EXPECT_EQ(real("arith.divf", 1, 4), 0.25);
  EXPECT_EQ(real("arith.negf", 3), -3);
  EXPECT_TRUE(std::signbit(real("arith.negf", 0)));
  EXPECT_EQ(compute("%r = math.fma %a, %b, %c : f64", "f64", {{"f64", 2}, {"f64", 3}, {"f64", 4}}), 10);
  EXPECT_EQ(compute("%r = arith.constant 0.1 : f64", "f64", {}), 0.1);
  EXPECT_EQ(compute("%r = arith.constant 0.1 : f32", "f32", {}), double(0.1f));
}

TEST_F(ScalarsTest, LargerAndSmaller) {
  EXPECT_EQ(real("arith.maximumf", 1, 2), 2);
  EXPECT_EQ(real("arith.minimumf", 1, 2), 1);
  EXPECT_TRUE(std::isnan(real("arith.maximumf", 1, nan)));
  EXPECT_TRUE(std::isnan(real("arith.minimumf", nan, 1)));
  EXPECT_EQ(real("arith.maxnumf", 1, nan), 1);
  EXPECT_EQ(real("arith.minnumf", nan, 1), 1);
  EXPECT_FALSE(std::signbit(real("arith.maximumf", -0.0, 0.0)));
  EXPECT_FALSE(std::signbit(real("arith.maximumf", 0.0, -0.0)));
  EXPECT_TRUE(std::signbit(real("arith.minimumf", 0.0, -0.0)));
  EXPECT_TRUE(std::signbit(real("arith.minnumf", -0.0, 0.0)));
}

TEST_F(ScalarsTest, Functions) {
  EXPECT_NEAR(real("math.exp", 1), 2.718281828459045, 1e-15);
  EXPECT_EQ(real("math.exp2", 3), 8);
  EXPECT_NEAR(real("math.expm1", 1e-10), 1.00000000005e-10, 1e-22);
  EXPECT_NEAR(real("math.log", 10), 2.302585092994046, 1e-15);
  EXPECT_EQ(real("math.log2", 8), 3);
  EXPECT_EQ(real("math.log10", 1000), 3);
  EXPECT_NEAR(real("math.log1p", 1e-10), 9.9999999995e-11, 1e-22);
  EXPECT_NEAR(real("math.tanh", 0.5), 0.46211715726000975, 1e-15);
  EXPECT_EQ(real("math.sqrt", 2.25), 1.5);
  EXPECT_EQ(real("math.rsqrt", 0.25), 2);
  EXPECT_EQ(real("math.absf", -2), 2);
  EXPECT_EQ(real("math.floor", -1.5), -2);
  EXPECT_EQ(real("math.ceil", -1.5), -1);
  EXPECT_EQ(real("math.trunc", -1.5), -1);
  EXPECT_EQ(real("math.round", 2.5), 3);
  EXPECT_EQ(real("math.roundeven", 2.5), 2);
  EXPECT_EQ(real("math.roundeven", 3.5), 4);
  EXPECT_NEAR(real("math.sin", 0.5), 0.479425538604203, 1e-15);
  EXPECT_NEAR(real("math.cos", 0.5), 0.8775825618903728, 1e-15);
  EXPECT_NEAR(real("math.atan", 1), 0.7853981633974483, 1e-15);
  EXPECT_NEAR(real("math.erf", 0.5), 0.5204998778130465, 1e-15);
  EXPECT_EQ(real("math.powf", 3, 4), 81);
  EXPECT_EQ(real("math.copysign", 3, -0.0), -3);
}

TEST_F(ScalarsTest, SingleNumbersAreRoundedAfterEachOperation) {
  std::vector<Argument> tiny = {{"f32", 1}, {"f32", 0x1p-30}};
  std::string twice = "%s = arith.addf %a, %b : f32\n  %r = arith.subf %s, %a : f32";
  EXPECT_EQ(compute(twice, "f32", tiny), 0);
  EXPECT_EQ(compute(twice, "f32", tiny, Numbers::Wide), 0x1p-30);
  EXPECT_EQ(compute("%r = math.exp %a : f32", "f32", {{"f32", 1}}), 2.7182817459106445);
  EXPECT_EQ(compute("%r = arith.truncf %a : f64 to f32", "f32", {{"f64", 0.1}}), double(0.1f));
  EXPECT_EQ(compute("%r = arith.truncf %a : f64 to f32", "f32", {{"f64", 0.1}}, Numbers::Wide), 0.1);
  EXPECT_EQ(compute("%r = arith.extf %a : f32 to f64", "f64", {{"f32", 0.5}}), 0.5);
  // 2^24 + 1 lies between two f32; 2^62 + 2^38 + 1 above the middle of two, which f64 cannot tell.
  EXPECT_EQ(compute("%r = arith.sitofp %a : i32 to f32", "f32", {{"i32", 16777217}}), 16777216);
  EXPECT_EQ(compute("%k = arith.constant 4611686293305294849 : i64\n  %r = arith.sitofp %k : i64 to f32", "f32", {}),
            0x1p62 + 0x1p39);
}

TEST_F(ScalarsTest, AFusedMultiplyAddRoundsOnce) {
  double a = 1 + 0x1p-12, square = 1 + 0x1p-11; // a * a is square + 2^-24, halfway to the next f32
  auto fused = [&](double c) {
    return compute("%r = math.fma %a, %b, %c : f32", "f32", {{"f32", a}, {"f32", a}, {"f32", c}});
  };
  EXPECT_EQ(fused(-square), 0x1p-24);
  EXPECT_EQ(fused(0), square);
  EXPECT_EQ(fused(0x1p-80), square + 0x1p-23) << "rounded to f64 first, 2^-80 would be lost";
}

TEST_F(ScalarsTest, Comparisons) {
  struct Case {
    const char *predicate;
    bool less, equal, greater, unordered;
  };
  for (Case c : {Case{"false", 0, 0, 0, 0}, Case{"oeq", 0, 1, 0, 0}, Case{"ogt", 0, 0, 1, 0}, Case{"oge", 0, 1, 1, 0},
                 Case{"olt", 1, 0, 0, 0}, Case{"ole", 1, 1, 0, 0}, Case{"one", 1, 0, 1, 0}, Case{"ord", 1, 1, 1, 0},
                 Case{"ueq", 0, 1, 0, 1}, Case{"ugt", 0, 0, 1, 1}, Case{"uge", 0, 1, 1, 1}, Case{"ult", 1, 0, 0, 1},
                 Case{"ule", 1, 1, 0, 1}, Case{"une", 1, 0, 1, 1}, Case{"uno", 0, 0, 0, 1}, Case{"true", 1, 1, 1, 1}}) {
    std::string op = std::string("arith.cmpf ") + c.predicate;
    EXPECT_EQ(compare(op, 1, 2, "f32"), c.less) << op;
    EXPECT_EQ(compare(op, -0.0, 0, "f32"), c.equal) << op;
    EXPECT_EQ(compare(op, 2, 1, "f32"), c.greater) << op;
    EXPECT_EQ(compare(op, nan, 1, "f32"), c.unordered) << op;
  }
  for (Case c : {Case{"eq", 0, 1, 0, 0}, Case{"ne", 1, 0, 1, 1}, Case{"slt", 1, 0, 0, 1}, Case{"sle", 1, 1, 0, 1},
                 Case{"sgt", 0, 0, 1, 0}, Case{"sge", 0, 1, 1, 0}, Case{"ult", 1, 0, 0, 0}, Case{"ule", 1, 1, 0, 0},
                 Case{"ugt", 0, 0, 1, 1}, Case{"uge", 0, 1, 1, 1}}) {
    std::string op = std::string("arith.cmpi ") + c.predicate;
    EXPECT_EQ(compare(op, 1, 2, "i32"), c.less) << op;
    EXPECT_EQ(compare(op, 2, 2, "i32"), c.equal) << op;
    EXPECT_EQ(compare(op, 2, 1, "i32"), c.greater) << op;
    EXPECT_EQ(compare(op, -1, 1, "i32"), c.unordered) << op << ", where -1 is the largest number without sign";
  }
}

TEST_F(ScalarsTest, Integers) {
  EXPECT_EQ(integer("arith.addi", 2147483647, 1), -2147483648.0);
  EXPECT_EQ(integer("arith.subi", 1, 3), -2);
  EXPECT_EQ(integer("arith.muli", -3, 5), -15);
  EXPECT_EQ(integer("arith.muli", 65536, 65536), 0);
  EXPECT_EQ(integer("arith.andi", 12, 10), 8);
  EXPECT_EQ(integer("arith.ori", 12, 10), 14);
  EXPECT_EQ(integer("arith.xori", 12, 10), 6);
  EXPECT_EQ(integer("arith.addi", 1, 1, "i1"), 0);
  EXPECT_EQ(integer("arith.xori", 1, 0, "i1"), 1);
  EXPECT_EQ(integer("arith.addi", 0x1p40, 1, "i64"), 0x1p40 + 1);
}

TEST_F(ScalarsTest, Conversions) {
  EXPECT_EQ(compute("%r = arith.uitofp %a : i1 to f32", "f32", {{"i1", 1}}), 1);
  EXPECT_EQ(compute("%r = arith.sitofp %a : i1 to f32", "f32", {{"i1", 1}}), -1);
  EXPECT_EQ(compute("%r = arith.uitofp %a : i8 to f32", "f32", {{"ui8", 200}}), 200);
  EXPECT_EQ(compute("%r = arith.sitofp %a : i8 to f32", "f32", {{"ui8", 200}}), -56);
  EXPECT_EQ(compute("%r = arith.addi %a, %a : i8", "ui8", {{"ui8", 200}}), 144);
  EXPECT_EQ(compute("%r = arith.fptosi %a : f64 to i32", "i32", {{"f64", -2.9}}), -2);
  EXPECT_EQ(compute("%r = arith.fptoui %a : f64 to i32", "i32", {{"f64", 2.9}}), 2);
  EXPECT_EQ(compute("%r = arith.extui %a : i1 to i32", "i32", {{"i1", 1}}), 1);
  EXPECT_EQ(compute("%r = arith.extsi %a : i1 to i32", "i32", {{"i1", 1}}), -1);
  EXPECT_EQ(compute("%r = arith.trunci %a : i64 to i32", "i32", {{"i64", 0x1p32 + 5}}), 5);
  EXPECT_EQ(compute("%k = arith.constant true\n  %r = arith.uitofp %k : i1 to f64", "f64", {}), 1);
}

TEST_F(ScalarsTest, Selections) {
  for (double condition : {0, 1}) {
    EXPECT_EQ(compute("%r = arith.select %a, %b, %c : f64", "f64", {{"i1", condition}, {"f64", 5}, {"f64", infinity}}),
              condition ? 5 : infinity);
    EXPECT_EQ(compute("%r = arith.select %a, %b, %c : i32", "i32", {{"i1", condition}, {"i32", 5}, {"i32", 6}}),
              condition ? 5 : 6);
  }
}

TEST_F(ScalarsTest, WhatOnlyGradientsSeeIsLeftOut) {
  EXPECT_EQ(compute(R"(%d = core.detach %a : f64
  %r = core.custom_vjp(%d) : (f64) -> i1 value {
  ^bb0(%v: f64):
    %zero = arith.constant 0.0 : f64
    %fires = arith.cmpf ogt, %v, %zero : f64
    core.yield %fires : i1
  } vjp {
  ^bb0(%v: f64, %result: i1, %grad: f64):
    core.yield %grad : f64
  })",
                    "i1", {{"f64", 0.5}}),
            1);
}

} // namespace
} // namespace snn::interpreter
