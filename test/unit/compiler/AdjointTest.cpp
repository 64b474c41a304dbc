// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Each adjoint rule of arith and math against central differences, and one for each op that has a rule.

#include "Evaluator.h"
#include "Support.h"

#include <cmath>

using namespace mlir;

namespace snn::test {
namespace {

struct OpCase {
  const char *name;
  const char *text; ///< %r of %a, %b and %g
};

const OpCase kCases[] = {
    {"arith.addf", "%r = arith.addf %a, %b : tensor<f64>"},
    {"arith.subf", "%r = arith.subf %a, %b : tensor<f64>"},
    {"arith.negf", "%r = arith.negf %a : tensor<f64>"},
    {"arith.mulf", "%r = arith.mulf %a, %b : tensor<f64>"},
    {"arith.divf", "%r = arith.divf %a, %b : tensor<f64>"},
    {"arith.maximumf", "%r = arith.maximumf %a, %b : tensor<f64>"},
    {"arith.minimumf", "%r = arith.minimumf %a, %b : tensor<f64>"},
    {"arith.select", "%z = snn.constant 0.0 : tensor<f64>\n"
                     "%t = arith.cmpf ogt, %g, %z : tensor<f64>\n"
                     "%r = arith.select %t, %a, %b : tensor<i1>, tensor<f64>"},
    {"math.exp", "%r = math.exp %a : tensor<f64>"},
    {"math.absf", "%r = math.absf %a : tensor<f64>"},
};

class Adjoint : public CompilerTest {
protected:
  /// A function with one op under test, and its adjoint behind it.
  void differentiate(const OpCase &test, bool firstActive, bool secondActive) {
    module = parse(std::string("func.func @f(%a: tensor<f64>, %b: tensor<f64>, %g: tensor<f64>) -> tensor<f64> {\n") +
                   test.text + "\nreturn %r : tensor<f64>\n}");
    block = &(*module->getOps<func::FuncOp>().begin()).getBody().front();
    Operation *end = block->getTerminator();
    auto rule = dyn_cast<DifferentiableOpInterface>(end->getPrevNode());
    ASSERT_TRUE(rule);
    adjoints = Adjoints();
    if (firstActive)
      adjoints.setActive(block->getArgument(0));
    if (secondActive)
      adjoints.setActive(block->getArgument(1));
    Value result = end->getOperand(0);
    adjoints.setActive(result);
    OpBuilder builder(end);
    adjoints.add(builder, result, block->getArgument(2));
    ASSERT_TRUE(succeeded(rule.buildAdjoint(builder, adjoints)));
    ASSERT_TRUE(succeeded(module->verify()));
  }

  double valueAt(double a, double b, double g, Value of) {
    Evaluator<double> evaluator;
    evaluator.set(block->getArgument(0), a);
    evaluator.set(block->getArgument(1), b);
    evaluator.set(block->getArgument(2), g);
    evaluator.run(*block);
    return evaluator.get(of);
  }

  OwningOpRef<ModuleOp> module;
  Block *block = nullptr;
  Adjoints adjoints;
};

TEST_F(Adjoint, EachAgreesWithDifferences) {
  constexpr double kStep = 1e-6, kTolerance = 1e-7;
  for (const OpCase &test : kCases) {
    SCOPED_TRACE(test.name);
    differentiate(test, true, true);
    if (HasFatalFailure())
      return;
    Value result = block->getTerminator()->getOperand(0);
    for (double a : {-1.75, -0.25, 0.5, 1.25})
      for (double b : {-2.0, -0.375, 0.75, 3.0})
        for (double g : {-0.5, 2.0}) {
          double byA = g * (valueAt(a + kStep, b, g, result) - valueAt(a - kStep, b, g, result)) / (2 * kStep);
          double byB = g * (valueAt(a, b + kStep, g, result) - valueAt(a, b - kStep, g, result)) / (2 * kStep);
          for (auto [position, expected] : {std::pair(0, byA), std::pair(1, byB)}) {
            Value adjoint = adjoints.lookup(block->getArgument(position));
            double found = adjoint ? valueAt(a, b, g, adjoint) : 0;
            EXPECT_NEAR(found, expected, kTolerance * std::max(1.0, std::abs(expected)))
                << "operand " << position << " at a = " << a << ", b = " << b << ", g = " << g;
          }
        }
  }
}

TEST_F(Adjoint, InactiveOperandsGetNothing) {
  for (const OpCase &test : kCases) {
    SCOPED_TRACE(test.name);
    differentiate(test, false, true);
    EXPECT_FALSE(adjoints.lookup(block->getArgument(0)));
    differentiate(test, true, false);
    EXPECT_FALSE(adjoints.lookup(block->getArgument(1)));
  }
}

TEST_F(Adjoint, UsesOfOneValueAddUp) {
  differentiate({"arith.mulf", "%r = arith.mulf %a, %a : tensor<f64>"}, true, false);
  EXPECT_EQ(valueAt(1.5, 0, 2, adjoints.lookup(block->getArgument(0))), 6);
}

TEST_F(Adjoint, TiesAreShared) {
  for (const char *name : {"maximumf", "minimumf"}) {
    std::string text = std::string("%r = arith.") + name + " %a, %b : tensor<f64>";
    differentiate({name, text.c_str()}, true, true);
    EXPECT_EQ(valueAt(0.5, 0.5, 2, adjoints.lookup(block->getArgument(0))), 1) << name;
    EXPECT_EQ(valueAt(0.5, 0.5, 2, adjoints.lookup(block->getArgument(1))), 1) << name;
    // Also if only one of the two has a gradient.
    differentiate({name, text.c_str()}, true, false);
    EXPECT_EQ(valueAt(0.5, 0.5, 2, adjoints.lookup(block->getArgument(0))), 1) << name;
  }
  differentiate({"twice", "%r = arith.maximumf %a, %a : tensor<f64>"}, true, true);
  EXPECT_EQ(valueAt(0.5, 0, 2, adjoints.lookup(block->getArgument(0))), 2);
}

// clamp(x, low, high) = minimum(maximum(x, low), high).
TEST_F(Adjoint, NothingPassesAtANumber) {
  for (const char *text : {"%c = snn.constant 0.5 : tensor<f64>\n%r = arith.maximumf %a, %c : tensor<f64>",
                           "%c = snn.constant 0.5 : tensor<f64>\n%r = arith.maximumf %c, %a : tensor<f64>",
                           "%c = snn.constant 0.5 : tensor<f64>\n%r = arith.minimumf %a, %c : tensor<f64>",
                           "%r = math.absf %a : tensor<f64>"}) {
    differentiate({text, text}, true, false);
    const double kink = StringRef(text).contains("absf") ? 0 : 0.5;
    EXPECT_EQ(valueAt(kink, 0, 2, adjoints.lookup(block->getArgument(0))), 0) << text;
  }
}

TEST_F(Adjoint, EveryRuleHasACase) {
  auto id = DifferentiableOpInterface::getInterfaceID();
  unsigned rules = 0;
  for (RegisteredOperationName name : context.getRegisteredOperations()) {
    StringRef dialect = name.getDialectNamespace();
    if ((dialect != "arith" && dialect != "math") || !name.hasInterface(id))
      continue;
    ++rules;
    EXPECT_TRUE(llvm::any_of(kCases, [&](const OpCase &test) { return name.getStringRef() == test.name; }))
        << name.getStringRef().str() << " has an adjoint, but no case in this file";
  }
  EXPECT_EQ(rules, std::size(kCases));
}

} // namespace
} // namespace snn::test
