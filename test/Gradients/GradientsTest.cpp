// Gradients of neurons that the compiler has never seen against central differences in double precision.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Spikes are soft (--spike=soft), so that the loss is smooth. A detached value is not part of the gradient but is part
// of the value, so plain differences would disagree with correct code: the base run records each detached value
// (snn-expose-detached=mode=record), and the perturbed runs use those instead of their own (replay).
#include "test/tools/HostInstance.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace snn;
using namespace snn::test;

namespace {

constexpr double tolerance = 1e-6;
/// Of a difference, for inputs that are multiples of 2^-13, so that sums are exact. Neurons magnify it over time, and
/// what a difference of fourth order leaves out grows with its fourth power.
double widthFor(uint64_t steps) { return steps > 10 ? 0x1p-22 : 0x1p-16; }

/// One compiled form of the model, with memory for one number of steps.
struct Variant {
  LibraryHandle library;
  const snn_model_table *table;
  std::unique_ptr<HostInstance> instance;
  std::unique_ptr<HostCall> call;

  /// Of the text of stage snn.
  explicit Variant(const std::string &text)
      : library(openLibrary(compileText(text, "--from=snn"))), table(snn_library_table(library.get())) {}

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
  void SetUp() override {
    std::string model = readText(std::string(SNN_GRADIENTS) + "/" + GetParam());
    std::string text = readText(compileText(model, "--precision=f64 --spike=soft --emit=snn"));
    normal = std::make_unique<Variant>(text);
    recorded = std::make_unique<Variant>(runPasses(text, "--snn-expose-detached=mode=record"));
    replayed = std::make_unique<Variant>(runPasses(text, "--snn-expose-detached=mode=replay"));
  }

  void prepare(uint64_t numSteps) {
    steps = numSteps;
    for (Variant *variant : {normal.get(), recorded.get(), replayed.get()})
      variant->prepare(steps);
    Random random(7);
    fillInputs(*normal->call, *normal->table, random, 1);
    for (Variant *variant : {normal.get(), recorded.get(), replayed.get()}) {
      variant->instance->initialise(11, 2);
      for (HostTensor &tensor : variant->call->inputs)
        if (!isDetached(tensor.name))
          tensor.bytes = normal->call->input(tensor.name)->bytes;
    }
    baseLoss = normal->loss();
    recordedLoss = recorded->loss();
    detachedCount = 0;
    for (HostTensor &tensor : replayed->call->inputs)
      if (isDetached(tensor.name)) {
        HostTensor *output = recorded->call->output(tensor.name);
        ASSERT_TRUE(output) << tensor.name;
        ASSERT_EQ(output->shape, tensor.shape) << tensor.name;
        tensor.bytes = output->bytes;
        ++detachedCount;
      }
  }

  /// The derivative of the loss along `direction` (entries -1, 0, 1) at `tensor`, by a difference of fourth order.
  template <typename Put> double difference(const HostTensor &tensor, const std::vector<double> &direction, Put &&put) {
    const double width = widthFor(steps);
    auto at = [&](double distance) {
      HostTensor moved = tensor;
      for (uint64_t i = 0; i < moved.size(); ++i)
        if (direction[i] != 0)
          moved.set(i, tensor.get(i) + distance * direction[i]);
      put(moved);
      return replayed->loss();
    };
    double slope = (8 * (at(width) - at(-width)) - (at(2 * width) - at(-2 * width))) / (12 * width);
    put(tensor);
    return slope;
  }

  template <typename Put> void probe(const HostTensor &tensor, const std::vector<double> &gradient, Put &&put) {
    ASSERT_EQ(tensor.size(), gradient.size());
    double largest = 0, norm = 0;
    for (double value : gradient) {
      ASSERT_TRUE(std::isfinite(value)) << tensor.name;
      largest = std::max(largest, std::abs(value));
      norm += value * value;
    }
    // In a step or two nothing may have decayed or been reset yet: the differences then have to be zero as well.
    if (steps > 2)
      ASSERT_GT(largest, 0) << tensor.name << ": nothing to compare";
    Random random(3);
    const int trials = steps > 10 ? 2 : 4;
    for (int trial = 0; trial < trials; ++trial) { // random directions see every element
      std::vector<double> direction(gradient.size());
      double want = 0;
      for (size_t i = 0; i < direction.size(); ++i) {
        direction[i] = random.below(2) ? 1 : -1;
        want += gradient[i] * direction[i];
      }
      EXPECT_NEAR(difference(tensor, direction, put), want, tolerance * std::sqrt(norm))
          << tensor.name << ", direction";
    }
    for (int trial = 0; trial < trials; ++trial) { // single elements, the largest among them
      size_t index = random.below(gradient.size());
      if (trial == 0)
        for (size_t i = 0; i < gradient.size(); ++i)
          if (std::abs(gradient[i]) == largest)
            index = i;
      std::vector<double> direction(gradient.size());
      direction[index] = 1;
      EXPECT_NEAR(difference(tensor, direction, put), gradient[index], tolerance * largest)
          << tensor.name << "[" << index << "]";
    }
  }

  void expectThatReplayingChangesNothing() {
    EXPECT_GT(detachedCount, 0);
    EXPECT_EQ(recordedLoss, baseLoss);
    EXPECT_NEAR(replayed->loss(), baseLoss, 1e-13 * std::abs(baseLoss));
    for (uint64_t i = 0; i < normal->table->parameter_count; ++i) {
      const snn_tensor_info &info = normal->table->parameters[i];
      EXPECT_EQ(recorded->instance->gradient(info).values(), normal->instance->gradient(info).values()) << info.name;
    }
  }

  void expectDifferences() {
    for (uint64_t i = 0; i < normal->table->parameter_count; ++i) {
      const snn_tensor_info &info = normal->table->parameters[i];
      probe(normal->instance->parameter(info), normal->instance->gradient(info).values(),
            [&](const HostTensor &moved) { replayed->instance->set(moved); });
    }
    HostTensor *gradient = normal->call->output("grad.input");
    ASSERT_TRUE(gradient);
    probe(*normal->call->input("input"), gradient->values(), [&](const HostTensor &moved) {
      std::memcpy(replayed->call->input("input")->bytes.data(), moved.bytes.data(), moved.bytes.size());
    });
  }

  std::unique_ptr<Variant> normal, recorded, replayed;
  double baseLoss = 0, recordedLoss = 0;
  int detachedCount = 0;
  uint64_t steps = 0;
};

TEST_P(Gradients, AgreeWithDifferences) {
  for (uint64_t numSteps : {1, 2, 7, 64}) {
    SCOPED_TRACE(std::to_string(numSteps) + " steps");
    prepare(numSteps);
    expectThatReplayingChangesNothing();
    expectDifferences();
    if (HasFailure())
      return;
  }
}

std::string nameOf(const testing::TestParamInfo<const char *> &info) {
  std::string name = info.param;
  return name.substr(0, name.find('.'));
}

INSTANTIATE_TEST_SUITE_P(Neurons, Gradients,
                         testing::Values("adaptive_leaky.snn", "resonator.snn", "gated.snn", "cascade.snn"), nameOf);

} // namespace
