// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cases of test/golden: outputs, losses, gradients and updates are those of snnTorch and PyTorch.
#include "runtime/data/Safetensors.h"
#include "test/Core/CoreModel.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

using namespace snn;
using namespace snn::test;
using interpreter::Element;

namespace {

std::string textOf(const std::string &name) {
  std::ifstream file(std::string(SNN_GOLDEN) + "/" + name + ".snn");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Values valuesOf(const std::string &name) {
  TensorFile file = TensorFile::read(std::string(SNN_GOLDEN) + "/" + name + ".safetensors");
  Values values;
  for (const auto &[key, tensor] : file.tensors())
    values.emplace(key, Array(tensor.type == ElementType::I64 ? Element::I64 : Element::F64, tensor.shape,
                              numbersOf(tensor, key)));
  return values;
}

bool isResult(const std::string &name) {
  for (const char *prefix : {"spikes", "membrane", "hidden", "loss", "grad."})
    if (name.rfind(prefix, 0) == 0)
      return name != "losses";
  return false;
}

void compare(const Values &got, const Values &want, double tolerance) {
  for (const auto &[name, value] : want) {
    if (!isResult(name))
      continue;
    ASSERT_TRUE(got.count(name)) << name;
    const bool exact = name == "spikes" || name.rfind("hidden.", 0) == 0;
    EXPECT_LE(error(got.at(name), value), exact ? 0 : tolerance) << name;
  }
}

/// The steps of a model whose input does not say how many there are.
Call callOf(const Values &values) {
  Call call;
  call.steps = values.at("spikes").shape()[0];
  return call;
}

class SnntorchCase : public testing::TestWithParam<const char *> {};

TEST_P(SnntorchCase, Agrees) {
  const Values want = valuesOf(GetParam());
  for (Numbers numbers : {Numbers::Wide, Numbers::AsStated}) {
    CoreModel model(textOf(GetParam()), {}, numbers);
    compare(model.run("loss_and_gradient", want, callOf(want)), want, 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(All, SnntorchCase,
                         testing::Values("leaky_atan", "leaky_fast_sigmoid", "leaky_heaviside", "leaky_learn",
                                         "leaky_none_delay", "leaky_none_now", "leaky_population",
                                         "leaky_population_T1", "leaky_sigmoid", "leaky_spike_rate_escape",
                                         "leaky_static", "leaky_straight_through", "leaky_subtract_delay",
                                         "leaky_subtract_now", "leaky_triangular", "leaky_zero_delay", "leaky_zero_now",
                                         "synaptic_learn", "synaptic_none", "synaptic_subtract", "synaptic_zero"),
                         [](const auto &info) { return std::string(info.param); });

class TorchCase : public testing::TestWithParam<const char *> {};

/// In double precision: all of the first step, and the parameters after some updates.
TEST_P(TorchCase, Agrees) {
  const Values want = valuesOf(GetParam());
  frontend::FrontendOptions options;
  options.precision = frontend::Precision::F64;
  CoreModel model(textOf(GetParam()), options);
  Values values = want;
  std::map<std::string, std::vector<double>> states;
  const Array &losses = want.at("losses");
  for (int64_t update = 1; update <= losses.size(); ++update) {
    Values got = model.run("loss_and_gradient", values);
    EXPECT_LE(std::abs(got.at("loss").number(0) - losses.number(update - 1)), 1e-12) << "update " << update;
    if (update == 1)
      compare(got, want, 1e-11);
    model.update(values, got, states,
                 {{"update", update}, {"updates", losses.size()}, {"epoch", update > 1}, {"epochs", 2}});
  }
  for (const auto &[name, value] : want)
    if (name.rfind("after.", 0) == 0) {
      EXPECT_LE(error(values.at(name.substr(6)), value), 1e-11) << name;
    }
}

INSTANTIATE_TEST_SUITE_P(All, TorchCase, testing::Values("core_linear", "core_each"),
                         [](const auto &info) { return std::string(info.param); });

/// 20 updates, one of them with a smaller batch, in single precision.
TEST(Training, EndsWhereSnntorchDoes) {
  for (const char *name : {"train_learn", "train_population"}) {
    Values values = valuesOf(name);
    CoreModel model(textOf(name), {}, Numbers::AsStated);
    std::map<std::string, std::vector<double>> states;
    for (int64_t update = 1; update <= 20; ++update) {
      values["input"] = values.at("batch." + std::to_string(update - 1) + ".input");
      values["labels"] = values.at("batch." + std::to_string(update - 1) + ".labels");
      Call call;
      call.steps = getModel(model.getModule()).getMaxSteps();
      const Values got = model.run("loss_and_gradient", values, call);
      const double want = values.at("losses").number(update - 1);
      EXPECT_LE(std::abs(got.at("loss").number(0) - want), 1e-5 * want) << name << ", update " << update;
      model.update(values, got, states, {{"update", update}, {"updates", 20}, {"epoch", 0}, {"epochs", 1}});
    }
    for (ParameterOp parameter : model.getModule().getOps<ParameterOp>()) {
      const std::string symbol = parameter.getSymName().str();
      EXPECT_LE(error(values.at(symbol), values.at("after." + symbol)), 1e-5) << name << ": " << symbol;
    }
  }
}

} // namespace
