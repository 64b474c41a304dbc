// Gradients of neurons that the compiler has never seen against central differences in double precision.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Spikes are soft (--spike=soft), so that the loss is smooth. A detached value is not part of the gradient but is part
// of the value, so plain differences would disagree with correct code: the base run records each detached value
// (--detached=record), and the perturbed runs use those instead of their own (replay).
#include "runtime/tools/GradCheck.h"
#include "test/tools/HostInstance.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace snn;
using namespace snn::test;
using namespace snn::tools;

namespace {

/// One compiled form of the model, with memory for one number of steps.
struct Variant {
  std::string path;
  LibraryHandle library;
  const snn_model_table *table;
  std::unique_ptr<HostInstance> instance;
  std::unique_ptr<HostCall> call;

  Variant(const std::string &model, const std::string &flags)
      : path(compileText(model, "--precision=f64 --spike=soft " + flags)), library(openLibrary(path)),
        table(snn_library_table(library.get())) {}

  void prepare(uint64_t steps) {
    uint64_t batch = uint64_t(table->default_batch);
    instance = std::make_unique<HostInstance>(*table, batch, steps, 1, Poison::NotANumber);
    call = std::make_unique<HostCall>(*table, batch, steps);
  }

  double loss() {
    instance->lossAndGradient(*call);
    return call->loss;
  }
};

bool isDetached(const std::string &name) { return name.compare(0, 9, "detached.") == 0; }

class Gradients : public testing::TestWithParam<const char *> {
protected:
  const std::string model = readText(std::string(SNN_GRADIENTS) + "/" + GetParam());
  Variant recorded{model, "--detached=record"}, replayed{model, "--detached=replay"};
};

TEST_P(Gradients, RecordingAndReplayingChangeNothing) {
  Variant normal(model, "");
  for (Variant *variant : {&normal, &recorded, &replayed})
    variant->prepare(7);
  Random random(7);
  fillInputs(*normal.call, *normal.table, random, 1);
  for (Variant *variant : {&normal, &recorded, &replayed}) {
    variant->instance->initialise(11, 2);
    for (HostTensor &tensor : variant->call->inputs)
      if (!isDetached(tensor.name))
        tensor.bytes = normal.call->input(tensor.name)->bytes;
  }
  const double loss = normal.loss();
  EXPECT_EQ(recorded.loss(), loss);
  int count = 0;
  for (HostTensor &tensor : replayed.call->inputs)
    if (isDetached(tensor.name)) {
      HostTensor *output = recorded.call->output(tensor.name);
      ASSERT_TRUE(output) << tensor.name;
      ASSERT_EQ(output->shape, tensor.shape) << tensor.name;
      tensor.bytes = output->bytes;
      ++count;
    }
  EXPECT_GT(count, 0);
  EXPECT_NEAR(replayed.loss(), loss, 1e-13 * std::abs(loss));
  EXPECT_EQ(recorded.instance->gradientBits(), normal.instance->gradientBits());
}

TEST_P(Gradients, AgreeWithDifferences) {
  for (uint64_t steps : {1, 2, 7, 64}) {
    SCOPED_TRACE(std::to_string(steps) + " steps");
    GradCheckOptions options;
    options.batch = 13; // no multiple of a vector
    options.steps = steps;
    for (const CheckedGradient &tensor : checkGradients(recorded.path, replayed.path, options).tensors) {
      if (tensor.name == "labels") {
        EXPECT_EQ(tensor.verdict, GradVerdict::NotDifferentiated);
        continue;
      }
      // In a step or two nothing may have decayed or been reset yet.
      const bool isSilent = steps <= 2 && tensor.verdict == GradVerdict::Unreached;
      EXPECT_TRUE(tensor.verdict == GradVerdict::Agrees || isSilent)
          << tensor.name << ": verdict " << int(tensor.verdict) << ", error " << tensor.error << ", element "
          << tensor.worst << ": " << tensor.compiled << " instead of " << tensor.difference;
    }
  }
}

std::string nameOf(const testing::TestParamInfo<const char *> &info) {
  std::string name = info.param;
  return name.substr(0, name.find('.'));
}

INSTANTIATE_TEST_SUITE_P(Neurons, Gradients,
                         testing::Values("adaptive_leaky.snn", "resonator.snn", "gated.snn", "cascade.snn"), nameOf);

} // namespace
