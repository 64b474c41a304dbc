// Shuffles, epochs with a short last batch, evaluation, stopping.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/train/Trainer.h"
#include "TestSupport.h"
#include "runtime/train/Model.h"
#include "runtime/train/Shuffle.h"

#include <algorithm>

using namespace snn;
using namespace snn::test;

namespace {

/// Class c has a bright row c.
Split makeSplit(uint64_t count) {
  Split split;
  split.sampleShape = {28, 28};
  split.samples.resize(count * 784);
  for (uint64_t i = 0; i < count; ++i) {
    int64_t label = int64_t(i * 7 % 10);
    split.labels.push_back(label);
    for (uint64_t column = 0; column < 28; ++column)
      split.samples[i * 784 + uint64_t(label) * 28 + column] = uint8_t(150 + i % 50);
  }
  return split;
}

class TrainerTest : public testing::Test {
protected:
  TrainerTest() {
    dataset.name = "rows";
    dataset.classes = 10;
    dataset.train = makeSplit(205);
    dataset.test = makeSplit(103);
    options.batch = 20;
    options.steps = 1;
    options.seed = 1;
    check(snn_instance_init(instance.get(), 1));
  }

  LibraryHandle library = openLibrary(tinyModel("u8"));
  const snn_model_table &table = *snn_library_table(library.get());
  InstanceHandle instance = createInstance(library.get(), 20, 1, nullptr);
  Dataset dataset;
  TrainerOptions options;
};

} // namespace

TEST(Shuffle, IsAPermutationOfSeedAndEpoch) {
  std::vector<uint64_t> order = shuffledOrder(1, 0, 1000);
  EXPECT_EQ(order, shuffledOrder(1, 0, 1000));
  EXPECT_NE(order, shuffledOrder(2, 0, 1000));
  EXPECT_NE(order, shuffledOrder(1, 1, 1000));
  std::sort(order.begin(), order.end());
  for (uint64_t i = 0; i < 1000; ++i)
    EXPECT_EQ(order[i], i);
  EXPECT_TRUE(shuffledOrder(1, 0, 0).empty());
}

TEST(Argmax, FirstOfEqualOnes) {
  const float values[] = {0, 2, 2, 1};
  EXPECT_EQ(argmax(values, 4), 1u);
  const float zeros[] = {0, 0, 0};
  EXPECT_EQ(argmax(zeros, 3), 0u);
}

TEST_F(TrainerTest, Learns) {
  uint64_t steps = 0, last = 0;
  options.progress = [&](uint64_t done, uint64_t total) {
    EXPECT_EQ(total, 205u);
    last = done;
    ++steps;
  };
  Trainer trainer(table, instance.get(), dataset, options);
  double first = *trainer.trainEpoch(0), loss = first;
  EXPECT_EQ(steps, 11u);
  EXPECT_EQ(last, 205u);
  for (uint64_t epoch = 1; epoch < 15; ++epoch)
    loss = *trainer.trainEpoch(epoch);
  EXPECT_LT(loss, 0.3 * first);
  Accuracy accuracy = *trainer.evaluate();
  EXPECT_EQ(accuracy.count, 103u);
  EXPECT_GT(accuracy.value(), 0.95);
}

TEST_F(TrainerTest, IsRepeatable) {
  Trainer trainer(table, instance.get(), dataset, options);
  double loss = *trainer.trainEpoch(0);
  check(snn_instance_init(instance.get(), 1));
  EXPECT_EQ(*trainer.trainEpoch(0), loss);
}

TEST_F(TrainerTest, Stops) {
  std::atomic<bool> stop{false};
  options.stop = &stop;
  options.progress = [&](uint64_t done, uint64_t) { stop = done >= 100; };
  Trainer trainer(table, instance.get(), dataset, options);
  EXPECT_FALSE(trainer.trainEpoch(0));
  EXPECT_EQ(snn_instance_optimizer_step(instance.get()), 5u);
  EXPECT_FALSE(trainer.evaluate());
}

TEST_F(TrainerTest, FaultsNameTheSample) {
  dataset.train.labels[17] = 10;
  Trainer trainer(table, instance.get(), dataset, options);
  EXPECT_TRUE(contains(messageOf<DataError>([&] { trainer.trainEpoch(0); }), "has label 10, expected 0 to 9 (training "
                                                                             "sample 17)"));
}

TEST_F(TrainerTest, DivergenceIsReported) {
  check(snn_instance_set_hyper(instance.get(), "lr", 1e30));
  Trainer trainer(table, instance.get(), dataset, options);
  EXPECT_TRUE(contains(messageOf<DataError>([&] { trainer.trainEpoch(0); }), "a smaller learning rate may help"));
}

TEST_F(TrainerTest, DatasetsThatDoNotFit) {
  auto failure = [&] { return messageOf<DataError>([&] { Trainer(table, instance.get(), dataset, options); }); };
  dataset.classes = 5;
  EXPECT_TRUE(contains(failure(), "has 10 classes, dataset rows has 5"));
  dataset.test.sampleShape = {14, 56};
  EXPECT_TRUE(contains(failure(), "takes input [B, 1, 28, 28], dataset rows has samples of [14, 56]"));
  LibraryHandle plain = openLibrary(tinyModel("plain"));
  InstanceHandle other = createInstance(plain.get(), 20, 1, nullptr);
  EXPECT_TRUE(
      contains(messageOf<DataError>([&] { Trainer(*snn_library_table(plain.get()), other.get(), dataset, options); }),
               "takes an input that varies over time"));
}
