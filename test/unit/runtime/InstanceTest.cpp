// Instances of the tiny model: initial values, calls, errors in words, the same bits for any number of threads.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TestSupport.h"
#include "runtime/core/Philox.h"
#include "runtime/train/Model.h"

#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

using namespace snn;
using namespace snn::test;

namespace {

class InstanceTest : public testing::Test {
protected:
  InstanceTest() : library(openLibrary(tinyModel("plain"))), table(*snn_library_table(library.get())) {
    views[0].data = inputs.data();
    views[1].data = labels.data();
    batch.struct_size = sizeof(batch);
    batch.batch = rows;
    batch.steps = steps;
    batch.inputs = views;
    for (size_t i = 0; i < inputs.size(); ++i)
      inputs[i] = std::sin(float(i) * 0.7f);
    for (uint64_t row = 0; row < rows; ++row)
      labels[row] = int64_t(row % 2);
  }

  InstanceHandle create(snn_pool *pool = nullptr) {
    InstanceHandle instance = createInstance(library.get(), rows, steps, pool);
    check(snn_instance_init(instance.get(), 5));
    return instance;
  }

  static constexpr uint64_t rows = 37, steps = 4;
  LibraryHandle library;
  const snn_model_table &table;
  std::vector<float> inputs = std::vector<float>(steps * rows * 3);
  std::vector<int64_t> labels = std::vector<int64_t>(rows);
  snn_view views[2] = {};
  snn_batch batch = {};
};

template <size_t Count> std::vector<float> parameter(const snn_instance *instance, const char *name) {
  std::vector<float> values(Count);
  EXPECT_EQ(snn_instance_get_parameter(instance, name, values.data(), Count * sizeof(float)), SNN_OK);
  return values;
}

} // namespace

TEST_F(InstanceTest, InitialValuesDoNotDependOnTheLayout) {
  InstanceHandle instance = create();
  std::vector<float> weight = parameter<6>(instance.get(), "1.weight"), bias = parameter<2>(instance.get(), "1.bias");
  double bound = 1 / std::sqrt(3.0);
  for (uint32_t e = 0; e < 6; ++e) {
    double unit = philoxUnit(philox({e / 4, 0, 0, 0}, {5, 0})[e % 4]);
    EXPECT_EQ(weight[e], float(-bound + 2 * bound * unit));
  }
  for (uint32_t e = 0; e < 2; ++e)
    EXPECT_EQ(bias[e], float(-bound + 2 * bound * philoxUnit(philox({0, 0, 1, 0}, {5, 0})[e])));
  // Element [1, 2] lies at 2 * 8 + 1 in the transposed, padded span.
  const auto *span = static_cast<const float *>(snn_instance_span(instance.get(), SNN_SPAN_PARAMETERS, nullptr));
  EXPECT_EQ(span[17], weight[5]);
  EXPECT_EQ(span[7], 0.0f);
}

TEST_F(InstanceTest, InitialValuesDoNotDependOnTheHostsRounding) {
  InstanceHandle expected = create();
  for (int rounding : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    fesetround(rounding);
    feclearexcept(FE_ALL_EXCEPT);
    InstanceHandle instance = create();
    EXPECT_EQ(fegetround(), rounding);
    EXPECT_EQ(fetestexcept(FE_ALL_EXCEPT), 0) << "the host's sticky flags have changed";
    fesetround(FE_TONEAREST);
    EXPECT_EQ(parameter<6>(instance.get(), "1.weight"), parameter<6>(expected.get(), "1.weight"));
    EXPECT_EQ(parameter<2>(instance.get(), "1.bias"), parameter<2>(expected.get(), "1.bias"));
  }
}

TEST_F(InstanceTest, BytesAreKnownBefore) {
  uint64_t small = snn_instance_bytes(library.get(), 1, 1, 1), large = snn_instance_bytes(library.get(), 1000, 4, 1);
  EXPECT_GE(small, 3 * (8 * 3 + 2) * sizeof(float));
  EXPECT_GT(large, small);
  EXPECT_EQ(snn_instance_bytes(library.get(), UINT64_MAX / 4, 4, 1), 0u);
  EXPECT_TRUE(contains(snn_last_error(), "address space"));
  EXPECT_EQ(snn_instance_bytes(library.get(), 1, 17, 1), 0u);
  EXPECT_TRUE(contains(snn_last_error(), "at most 16 time steps"));
}

TEST_F(InstanceTest, SetAndGetParameters) {
  InstanceHandle instance = create();
  std::vector<float> values = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(snn_instance_set_parameter(instance.get(), "1.weight", values.data(), 24), SNN_OK);
  EXPECT_EQ(parameter<6>(instance.get(), "1.weight"), values);
  EXPECT_EQ(snn_instance_set_parameter(instance.get(), "1.weight", values.data(), 20), SNN_ERROR_SIZE);
  EXPECT_TRUE(contains(snn_last_error(), "has 24 bytes, the memory for it has 20"));
  EXPECT_EQ(snn_instance_set_parameter(instance.get(), "3.weight", values.data(), 24), SNN_ERROR_NAME);
  EXPECT_TRUE(contains(snn_last_error(), "no parameter \"3.weight\""));
}

TEST_F(InstanceTest, HyperValues) {
  InstanceHandle instance = create();
  double value = 0;
  EXPECT_EQ(snn_instance_get_hyper(instance.get(), "lr", &value), SNN_OK);
  EXPECT_EQ(value, 0.1);
  EXPECT_EQ(snn_instance_set_hyper(instance.get(), "lr", 0.5), SNN_OK);
  EXPECT_EQ(snn_instance_get_hyper(instance.get(), "lr", &value), SNN_OK);
  EXPECT_EQ(value, 0.5);
  for (double bad : {-1.0, double(NAN), double(INFINITY)}) {
    EXPECT_EQ(snn_instance_set_hyper(instance.get(), "lr", bad), SNN_ERROR_HYPER);
    EXPECT_TRUE(contains(snn_last_error(), ", expected at least 0"));
  }
  EXPECT_EQ(snn_instance_get_hyper(instance.get(), "lr", &value), SNN_OK);
  EXPECT_EQ(value, 0.5);
  EXPECT_EQ(snn_instance_set_hyper(instance.get(), "rate", 0.5), SNN_ERROR_NAME);
  EXPECT_TRUE(contains(snn_last_error(), "it has: lr"));
}

TEST_F(InstanceTest, StepsGiveTheBitsOfForward) {
  InstanceHandle instance = create();
  std::vector<float> whole(steps * rows * 2), parts(steps * rows * 2);
  void *outputs[4] = {nullptr, whole.data(), nullptr, nullptr};
  batch.outputs = outputs;
  check(snn_instance_forward(instance.get(), &batch));
  for (int round = 0; round < 2; ++round) {
    check(snn_instance_reset_state(instance.get()));
    for (uint64_t t = 0; t < steps; ++t) {
      views[0].data = inputs.data() + t * rows * 3;
      outputs[1] = parts.data() + t * rows * 2;
      check(snn_instance_step(instance.get(), &batch));
    }
    EXPECT_EQ(whole, parts);
  }
}

TEST_F(InstanceTest, TrainStepIsItsParts) {
  InstanceHandle fused = create(), separate = create();
  double fusedLoss = 0, separateLoss = 0;
  for (int i = 0; i < 5; ++i) {
    batch.loss = &fusedLoss;
    check(snn_instance_train_step(fused.get(), &batch));
    batch.loss = &separateLoss;
    check(snn_instance_loss_and_gradient(separate.get(), &batch));
    check(snn_instance_update(separate.get()));
  }
  EXPECT_EQ(fusedLoss, separateLoss);
  EXPECT_EQ(parameter<6>(fused.get(), "1.weight"), parameter<6>(separate.get(), "1.weight"));
  EXPECT_EQ(snn_instance_optimizer_step(fused.get()), 5u);
  EXPECT_EQ(*static_cast<uint64_t *>(snn_instance_span(separate.get(), SNN_SPAN_OPTIMIZER, nullptr)), 5u);
}

TEST_F(InstanceTest, SameBitsForAnyNumberOfThreads) {
  std::vector<float> first;
  for (uint64_t threads : {1, 2, 3, 7}) {
    PoolHandle pool = createPool(threads);
    InstanceHandle instance = create(pool.get());
    for (int i = 0; i < 20; ++i)
      check(snn_instance_train_step(instance.get(), &batch));
    std::vector<float> weight = parameter<6>(instance.get(), "1.weight");
    if (first.empty())
      first = weight;
    EXPECT_EQ(weight, first) << threads << " threads";
  }
}

TEST_F(InstanceTest, FaultsInTheData) {
  InstanceHandle instance = create();
  std::vector<float> before = parameter<6>(instance.get(), "1.weight");
  uint64_t row = 0;
  batch.fault_row = &row;
  labels[11] = 2;
  EXPECT_EQ(snn_instance_train_step(instance.get(), &batch), SNN_ERROR_LABEL);
  EXPECT_EQ(row, 11u);
  EXPECT_STREQ(snn_last_error(), "tiny.train_step: row 11 of the batch has label 2, expected 0 to 1");
  labels[11] = 0;
  inputs[(2 * rows + 9) * 3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(snn_instance_train_step(instance.get(), &batch), SNN_ERROR_NOT_FINITE);
  EXPECT_EQ(row, 9u);
  EXPECT_TRUE(contains(snn_last_error(), "row 9 of the batch has a NaN"));
  EXPECT_EQ(parameter<6>(instance.get(), "1.weight"), before);
  EXPECT_EQ(snn_instance_optimizer_step(instance.get()), 0u);
}

TEST_F(InstanceTest, WrongCalls) {
  InstanceHandle instance = create();
  batch.batch = rows + 1;
  EXPECT_EQ(snn_instance_forward(instance.get(), &batch), SNN_ERROR_ARGUMENT);
  EXPECT_TRUE(contains(snn_last_error(), "a batch of 38 samples, expected 1 to 37"));
  batch.batch = 0;
  EXPECT_EQ(snn_instance_forward(instance.get(), &batch), SNN_ERROR_ARGUMENT);
  batch.batch = rows;
  batch.steps = 5;
  EXPECT_EQ(snn_instance_forward(instance.get(), &batch), SNN_ERROR_STEPS);
  batch.steps = steps;
  batch.struct_size = 8;
  EXPECT_EQ(snn_instance_forward(instance.get(), &batch), SNN_ERROR_ARGUMENT);
  EXPECT_EQ(snn_instance_forward(instance.get(), nullptr), SNN_ERROR_ARGUMENT);
  EXPECT_EQ(snn_instance_forward(nullptr, &batch), SNN_ERROR_ARGUMENT);
  batch.struct_size = sizeof(batch);
  views[1].data = nullptr;
  EXPECT_EQ(snn_instance_train_step(instance.get(), &batch), SNN_ERROR_ARGUMENT);
  EXPECT_TRUE(contains(snn_last_error(), "an input it needs is missing"));
}

TEST_F(InstanceTest, InferenceOnly) {
  LibraryHandle inference = openLibrary(tinyModel("infer"));
  InstanceHandle instance = createInstance(inference.get(), rows, steps, nullptr);
  check(snn_instance_init(instance.get(), 1));
  EXPECT_EQ(snn_instance_forward(instance.get(), &batch), SNN_OK);
  EXPECT_EQ(snn_instance_train_step(instance.get(), &batch), SNN_ERROR_UNSUPPORTED);
  EXPECT_TRUE(contains(snn_last_error(), "--mode=infer"));
  float bias[2];
  EXPECT_EQ(snn_instance_get_gradient(instance.get(), "1.bias", bias, sizeof(bias)), SNN_ERROR_UNSUPPORTED);
}
