// Gradients where a function has a kink, in compiled models: there differences say nothing, and a convention does.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The subgradient of least norm, as in PyTorch from 2.14 on (frontends/snn/README.md): clamp passes nothing at a number
// that is its bound, two values that tie get half each.
#include "test/tools/HostInstance.h"

#include <cmath>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>

using namespace snn;
using namespace snn::test;

namespace {

/// Gradients of the parameters of one neuron whose decay is `decay`, an expression of a and b.
std::map<std::string, double> gradients(const std::string &decay, double a, double b) {
  LibraryHandle library = openLibrary(compileText(fmt::format(R"(snn 1
neuron kinked(x; a = 0.5, b = 0.5, surrogate = atan(alpha = 2)) {{
  state mem = 0
  mem = ({}) * mem + x
  spike fire(mem - 1, surrogate)
}}
model kinks {{
  input f32[3] over time
  steps 5
  linear(20)
  kinked(a = learn {}, b = learn {})
  population(classes = 10)
}}
train {{
  loss       mse_count(correct = 0.8, incorrect = 0.2)
  optimizer  sgd(lr = 1e-2)
  batch      4
  epochs     1
}}
)",
                                                              decay, a, b),
                                                  "--precision=f64"));
  const snn_model_table &table = *snn_library_table(library.get());
  HostInstance instance(table, 4, 5, 1, Poison::NotANumber);
  instance.initialise(1, 3);
  HostCall call(table, 4, 5);
  Random random(2);
  fillInputs(call, table, random, 2);
  instance.lossAndGradient(call);
  std::map<std::string, double> result;
  for (uint64_t i = 0; i < table.parameter_count; ++i)
    if (table.parameters[i].rank == 0 || table.parameters[i].shape[0] == 1)
      result[table.parameters[i].name] = instance.gradient(table.parameters[i]).get(0);
  return result;
}

TEST(Kinks, ClampPassesNothingAtItsBounds) {
  for (double bound : {0.0, 1.0}) {
    EXPECT_EQ(gradients("clamp(a, 0, 1) + 0 * b", bound, 0.5).at("1.a"), 0) << bound;
    const double inside = std::abs(bound - 1e-9), outside = 2 * bound - inside;
    const double plain = gradients("a + 0 * b", inside, 0.5).at("1.a");
    EXPECT_NE(plain, 0);
    EXPECT_EQ(gradients("clamp(a, 0, 1) + 0 * b", inside, 0.5).at("1.a"), plain) << inside;
    EXPECT_EQ(gradients("clamp(a, 0, 1) + 0 * b", outside, 0.5).at("1.a"), 0) << outside;
  }
}

TEST(Kinks, TiesAreShared) {
  const double plain = gradients("a + 0 * b", 0.75, 0.75).at("1.a");
  EXPECT_NE(plain, 0);
  for (const char *name : {"min", "max"}) {
    const auto tie = gradients(fmt::format("{}(a, b)", name), 0.75, 0.75);
    EXPECT_NEAR(tie.at("1.a"), plain / 2, 1e-14 * std::abs(plain)) << name;
    EXPECT_NEAR(tie.at("1.b"), plain / 2, 1e-14 * std::abs(plain)) << name;
    EXPECT_EQ(gradients(fmt::format("{}(a, 0.75) + 0 * b", name), 0.75, 0.75).at("1.a"), 0) << name;
  }
}

} // namespace
