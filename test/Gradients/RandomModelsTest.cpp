// Random models: gradients against differences, and bits that depend neither on threads nor on what memory held.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// More of them than the suite runs: SNN_RANDOM_MODELS=500 random-models-tests
#include "test/Gradients/RandomModel.h"
#include "test/tools/HostInstance.h"

#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>

using namespace snn;
using namespace snn::test;

namespace {

constexpr double tolerance = 1e-6;
constexpr double width = 0x1p-14; // of a difference along all elements of a parameter at once
constexpr uint64_t modelsInSuite = 6;

uint64_t modelCount() {
  const char *given = std::getenv("SNN_RANDOM_MODELS");
  return given ? std::strtoull(given, nullptr, 10) : modelsInSuite;
}

class RandomModels : public testing::TestWithParam<uint64_t> {
protected:
  RandomModel model{GetParam()};

  void SetUp() override { RecordProperty("model", model.text); }

  LibraryHandle compile(const std::string &flags) { return openLibrary(compileText(model.text, flags)); }

  std::unique_ptr<HostInstance> instance(const snn_model_table &table, uint64_t workers, Poison poison) {
    auto result = std::make_unique<HostInstance>(table, model.batch, model.steps, workers, poison);
    result->initialise(GetParam(), 2);
    return result;
  }

  void fill(HostCall &call, const snn_model_table &table) {
    Random random(GetParam());
    fillInputs(call, table, random, 2);
  }

  /// Outputs, gradients and what training makes of the parameters: the same bits whoever computes them and whatever
  /// memory and padding held.
  void expectSameBits(const snn_model_table &table) {
    HostCall call(table, model.batch, model.steps);
    fill(call, table);
    std::vector<std::byte> outputs, gradients, trained;
    for (uint64_t workers : {1, 3})
      for (Poison poison : kPoisons) {
        auto host = instance(table, workers, poison);
        host->lossAndGradient(call);
        const bool isFirst = outputs.empty();
        if (isFirst) {
          outputs = call.outputBits();
          gradients = host->gradientBits();
        }
        EXPECT_EQ(call.outputBits(), outputs) << workers << " workers";
        EXPECT_EQ(host->gradientBits(), gradients) << workers << " workers";
        for (int update = 0; update < 3; ++update) {
          if ((update + int(workers)) % 2) {
            host->trainStep(call);
          } else {
            host->lossAndGradient(call);
            host->update();
          }
        }
        if (isFirst)
          trained = host->parameterBits();
        EXPECT_EQ(host->parameterBits(), trained) << workers << " workers";
        auto start = instance(table, 1, poison);
        for (uint64_t i = 0; i < table.parameter_count; ++i)
          if (model.isUnreached(table.parameters[i].name)) {
            EXPECT_EQ(host->parameter(table.parameters[i]).values(), start->parameter(table.parameters[i]).values())
                << table.parameters[i].name << " drifts";
          }
      }
    HostCall inference(table, model.batch, model.steps);
    fill(inference, table);
    std::vector<double> spikes;
    for (Poison poison : kPoisons) {
      instance(table, 1, poison)->forward(inference);
      if (spikes.empty())
        spikes = inference.output("spikes")->values();
      EXPECT_EQ(inference.output("spikes")->values(), spikes);
    }
  }
};

TEST_P(RandomModels, GradientsAgreeWithDifferences) {
  LibraryHandle library = compile("--precision=f64 --spike=soft");
  const snn_model_table &table = *snn_library_table(library.get());
  expectSameBits(table);
  HostCall call(table, model.batch, model.steps);
  fill(call, table);
  auto base = instance(table, 1, Poison::NotANumber), moved = instance(table, 1, Poison::Pattern);
  base->lossAndGradient(call);
  Random random(GetParam() + 1000);
  for (uint64_t i = 0; i < table.parameter_count; ++i) {
    const snn_tensor_info &info = table.parameters[i];
    HostTensor parameter = base->parameter(info), gradient = base->gradient(info);
    double norm = 0;
    for (double value : gradient.values())
      norm += value * value;
    ASSERT_TRUE(std::isfinite(norm)) << info.name;
    if (model.isUnreached(info.name)) {
      EXPECT_EQ(norm, 0) << info.name << ": the loss does not depend on it";
      continue;
    }
    std::vector<double> direction(parameter.size());
    double want = 0;
    for (uint64_t element = 0; element < direction.size(); ++element) {
      direction[element] = random.below(2) ? 1 : -1;
      want += gradient.get(element) * direction[element];
    }
    auto lossAt = [&](double distance) {
      HostTensor tensor = parameter;
      for (uint64_t element = 0; element < direction.size(); ++element)
        tensor.set(element, parameter.get(element) + distance * direction[element]);
      moved->set(tensor);
      moved->lossAndGradient(call);
      return call.loss;
    };
    double slope = (8 * (lossAt(width) - lossAt(-width)) - (lossAt(2 * width) - lossAt(-2 * width))) / (12 * width);
    moved->set(parameter);
    EXPECT_NEAR(slope, want, tolerance * std::sqrt(norm * double(direction.size())) + 1e-10) << info.name;
  }
  if (HasFailure())
    std::printf("%s", model.text.c_str());
}

TEST_P(RandomModels, BitsDependOnNothingElse) {
  LibraryHandle library = compile("");
  expectSameBits(*snn_library_table(library.get()));
  if (HasFailure())
    std::printf("%s", model.text.c_str());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomModels, testing::Range<uint64_t>(0, modelCount()));

} // namespace
