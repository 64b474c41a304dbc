// Each adjoint rule of arith and math ops in bodies of the core against central differences, and one for each op that
// has a rule. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "compiler/Autodiff/Passes.h"
#include "compiler/Autodiff/Vjp.h"
#include "test/oracle/InterpreterTestSupport.h"

#include <cmath>

using namespace mlir;

namespace snn::interpreter {
namespace {

struct OpCase {
  const char *name;
  const char *text; ///< %r of %a, %b and %c
  double low = -3;  ///< the smallest %a
};

const OpCase kCases[] = {
    {"arith.addf", "%r = arith.addf %a, %b : f64"},
    {"arith.subf", "%r = arith.subf %a, %b : f64"},
    {"arith.negf", "%r = arith.negf %a : f64"},
    {"arith.mulf", "%r = arith.mulf %a, %b : f64"},
    {"arith.divf", "%r = arith.divf %a, %b : f64"},
    {"arith.select", "%zero = arith.constant 0.0 : f64\n"
                     "%positive = arith.cmpf ogt, %c, %zero : f64\n"
                     "%r = arith.select %positive, %a, %b : f64"},
    {"arith.maximumf", "%r = arith.maximumf %a, %b : f64"},
    {"arith.minimumf", "%r = arith.minimumf %a, %b : f64"},
    {"math.fma", "%r = math.fma %a, %b, %c : f64"},
    {"math.powf", "%r = math.powf %a, %b : f64", 0.2},
    {"math.exp", "%r = math.exp %a : f64"},
    {"math.expm1", "%r = math.expm1 %a : f64"},
    {"math.log", "%r = math.log %a : f64", 0.2},
    {"math.log1p", "%r = math.log1p %a : f64", -0.8},
    {"math.tanh", "%r = math.tanh %a : f64"},
    {"math.sqrt", "%r = math.sqrt %a : f64", 0.2},
    {"math.sin", "%r = math.sin %a : f64"},
    {"math.cos", "%r = math.cos %a : f64"},
    {"math.atan", "%r = math.atan %a : f64"},
    {"math.absf", "%r = math.absf %a : f64"},
};

/// %bit of the spikes %p, %q and %s, each of which stands once in it.
const OpCase kOfSpikes[] = {
    {"arith.andi", "%bit = arith.andi %p, %q : i1"},
    {"arith.ori", "%bit = arith.ori %p, %q : i1"},
    {"arith.xori", "%bit = arith.xori %p, %q : i1"},
    {"not", "%true = arith.constant true\n%bit = arith.xori %p, %true : i1"},
    {"arith.select", "%bit = arith.select %p, %q, %s : i1"},
    {"several", "%either = arith.ori %p, %q : i1\n%true = arith.constant true\n"
                "%not = arith.xori %either, %true : i1\n%bit = arith.andi %not, %s : i1"},
};

/// Rules of conversions, which differences cannot show: numbers are rounded, spikes jump.
const char *const kConversions[] = {"arith.uitofp", "arith.extf", "arith.truncf"};

class ScalarRules : public InterpreterTest {
protected:
  ScalarRules() {
    DialectRegistry registry;
    registerCoreAdjoints(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// @f of one op, element by element.
  static std::string textOf(const char *op) {
    return std::string(R"(!v = !core.array<24 x f64>
#n = affine_map<(n) -> (n)>
func.func @f(%x: !v, %y: !v, %z: !v) -> !v {
  %w = core.map over [24] reads(%x, %y, %z : !v, !v, !v) by [#n, #n, #n] writes [#n] -> !v {
  ^bb0(%a: f64, %b: f64, %c: f64):
)") + op + "\n    core.yield %r : f64\n  }\n  return %w : !v\n}";
  }

  std::vector<Array> runModule(ModuleOp module, ArrayRef<Array> inputs) {
    auto results = interpreter::run(*module.getOps<func::FuncOp>().begin(), inputs, Call{1, 1});
    if (results)
      return std::move(*results);
    ADD_FAILURE() << llvm::toString(results.takeError());
    return std::vector<Array>(4);
  }

  /// The gradients of sum(g * f) with respect to the arguments `wanted`.
  std::vector<Array> gradients(const std::string &text, ArrayRef<Array> inputs, const Array &g,
                               ArrayRef<unsigned> wanted) {
    auto module = parseSourceString<ModuleOp>(text, &context);
    auto function = *module->getOps<func::FuncOp>().begin();
    unsigned seed = function.getNumArguments();
    EXPECT_TRUE(succeeded(function.insertArgument(seed, function.getResultTypes()[0], {}, function.getLoc())));
    SmallVector<Value> found;
    EXPECT_TRUE(succeeded(core::appendVjp(function, wanted, {function.getArgument(seed)}, found)));
    function.getBody().front().getTerminator()->setOperands(found);
    function.setFunctionType(FunctionType::get(&context, function.getArgumentTypes(), ValueRange(found).getTypes()));
    EXPECT_TRUE(succeeded(module->verify()));
    std::vector<Array> all(inputs.begin(), inputs.end());
    all.push_back(g);
    return runModule(*module, all);
  }

  Array numbersFrom(double low, double high) {
    Array array(Element::F64, {24});
    std::uniform_real_distribution<double> numbers(low, high);
    for (double &number : std::get<std::vector<double>>(array.data()))
      number = numbers(random);
    return array;
  }
};

TEST_F(ScalarRules, EachAgreesWithDifferences) {
  constexpr double kStep = 1e-6, kTolerance = 1e-8;
  for (const OpCase &test : kCases) {
    std::string text = textOf(test.text);
    auto module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << test.name;
    std::vector<Array> inputs = {numbersFrom(test.low, 3), numbersFrom(0.3, 2), numbersFrom(-2, 2)};
    Array g = numbersFrom(-2, 2);
    std::vector<Array> found = gradients(text, inputs, g, {0, 1, 2});
    for (unsigned argument : {0, 1, 2}) {
      std::vector<std::vector<double>> values;
      for (double step : {kStep, -kStep}) {
        std::vector<Array> moved = inputs;
        for (double &number : std::get<std::vector<double>>(moved[argument].data()))
          number += step;
        values.push_back(runModule(*module, moved)[0].numbers());
      }
      for (unsigned i = 0; i < 24; ++i) {
        double expected = g.number(i) * (values[0][i] - values[1][i]) / (2 * kStep);
        EXPECT_NEAR(found[argument].number(i), expected, kTolerance * std::max(1.0, std::abs(expected)))
            << test.name << " by operand " << argument << " at " << inputs[0].number(i) << ", " << inputs[1].number(i)
            << ", " << inputs[2].number(i);
      }
    }
  }
}

TEST_F(ScalarRules, ASpikesGradientIsTheDifferenceThatItMakes) {
  std::string spikes; // which fire where %a, %b and %c are above 0
  for (const char *spike : {"%p = core.custom_vjp(%a)", "%q = core.custom_vjp(%b)", "%s = core.custom_vjp(%c)"})
    spikes += std::string(spike) + R"( : (f64) -> i1 value {
    ^bb0(%v: f64):
      %zero = arith.constant 0.0 : f64
      %fires = arith.cmpf ogt, %v, %zero : f64
      core.yield %fires : i1
    } vjp {
    ^bb0(%v: f64, %result: i1, %grad: f64):
      core.yield %grad : f64
    }
)";
  const char *const kResults[] = {"%r = arith.uitofp %bit : i1 to f64",
                                  "%three = arith.constant 3.0 : f64\n%half = arith.constant 0.5 : f64\n"
                                  "%r = arith.select %bit, %three, %half : f64"};
  for (const OpCase &test : kOfSpikes)
    for (const char *result : kResults) {
      std::string text = textOf((spikes + test.text + "\n" + result).c_str());
      auto module = parseSourceString<ModuleOp>(text, &context);
      ASSERT_TRUE(module) << test.name;
      std::vector<Array> inputs = {numbersFrom(-1, 1), numbersFrom(-1, 1), numbersFrom(-1, 1)};
      Array g = numbersFrom(-2, 2);
      std::vector<Array> found = gradients(text, inputs, g, {0, 1, 2});
      for (unsigned argument : {0, 1, 2}) {
        std::vector<std::vector<double>> values;
        for (double moved : {1, -1}) {
          std::vector<Array> there = inputs;
          there[argument] = Array(Element::F64, {24}, std::vector<double>(24, moved));
          values.push_back(runModule(*module, there)[0].numbers());
        }
        for (unsigned i = 0; i < 24; ++i)
          EXPECT_EQ(found[argument].number(i), g.number(i) * (values[0][i] - values[1][i]))
              << test.name << " by spike " << argument << ", " << result;
      }
    }
}

TEST_F(ScalarRules, AtATieEachOperandTakesHalfAndNothingBesideANumber) {
  Array same = numbersFrom(-1, 1), half(Element::F64, {24}, std::vector<double>(24, 0.5)), g = numbersFrom(1, 2);
  for (const char *name : {"maximumf", "minimumf"}) {
    std::string op = std::string("%r = arith.") + name + " %a, %b : f64";
    std::vector<Array> both = gradients(textOf(op.c_str()), {same, same, same}, g, {0, 1});
    std::string bound = std::string("%bound = arith.constant 0.5 : f64\n%r = arith.") + name + " %a, %bound : f64";
    std::vector<Array> alone = gradients(textOf(bound.c_str()), {half, half, half}, g, {0});
    for (unsigned i = 0; i < 24; ++i) {
      EXPECT_EQ(both[0].number(i), g.number(i) / 2) << name;
      EXPECT_EQ(both[1].number(i), g.number(i) / 2) << name;
      EXPECT_EQ(alone[0].number(i), 0) << name;
    }
  }
}

TEST_F(ScalarRules, PowersAtZero) {
  // x^0 does not move with x, 0^p not with p.
  Array zero(Element::F64, {24}), g = numbersFrom(1, 2), two(Element::F64, {24}, std::vector<double>(24, 2));
  std::string text = textOf("%r = math.powf %a, %b : f64");
  std::vector<Array> flat = gradients(text, {zero, zero, zero}, g, {0, 1});
  std::vector<Array> square = gradients(text, {zero, two, zero}, g, {0, 1});
  for (unsigned i = 0; i < 24; ++i)
    for (const Array &gradient : {flat[0], flat[1], square[0], square[1]})
      EXPECT_EQ(gradient.number(i), 0);
}

TEST_F(ScalarRules, TheAbsoluteValueIsFlatAtZero) {
  Array zero(Element::F64, {24}), g = numbersFrom(1, 2);
  EXPECT_EQ(gradients(textOf("%r = math.absf %a : f64"), {zero, zero, zero}, g, {0})[0].numbers(),
            std::vector<double>(24));
}

TEST_F(ScalarRules, ASpikesGradientHasTheRealTypeOfTheFunction) {
  // In f64 it is used, but the function's arrays are f32.
  const char *text = R"(!s = !core.array<24 x i1>
!v = !core.array<24 x f32>
#n = affine_map<(n) -> (n)>
func.func @f(%x: !s, %y: !v) -> !core.array<24 x f64> {
  %w = core.map over [24] reads(%x, %y : !s, !v) by [#n, #n] writes [#n] -> !core.array<24 x f64> {
  ^bb0(%a: i1, %b: f32):
    %narrow = arith.uitofp %a : i1 to f32
    %half = arith.mulf %narrow, %b : f32
    %first = arith.extf %half : f32 to f64
    %second = arith.uitofp %a : i1 to f64
    %r = arith.addf %first, %second : f64
    core.yield %r : f64
  }
  return %w : !core.array<24 x f64>
})";
  Array spikes = randomSpikes({24}), weights(Element::F32, {24}, std::vector<double>(24, 0.5));
  Array ones(Element::F64, {24}, std::vector<double>(24, 1));
  Array gradient = gradients(text, {spikes, weights}, ones, {0})[0];
  EXPECT_EQ(gradient.element(), Element::F32);
  EXPECT_EQ(gradient.numbers(), std::vector<double>(24, 1.5));
}

TEST_F(ScalarRules, EveryRuleHasACase) {
  auto id = core::DifferentiableOpInterface::getInterfaceID();
  for (RegisteredOperationName name : context.getRegisteredOperations()) {
    StringRef dialect = name.getDialectNamespace();
    if ((dialect != "arith" && dialect != "math") || !name.hasInterface(id))
      continue;
    auto isOf = [&](const OpCase &test) { return name.getStringRef() == test.name; };
    EXPECT_TRUE(llvm::any_of(kCases, isOf) || llvm::any_of(kOfSpikes, isOf) ||
                llvm::is_contained(kConversions, name.getStringRef()))
        << name.getStringRef().str() << " has an adjoint, but no case in this file";
  }
}

} // namespace
} // namespace snn::interpreter
