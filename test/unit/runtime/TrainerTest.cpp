// Shuffles, epochs with a short last batch, evaluation, stopping.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/train/Trainer.h"
#include "TestArrays.h"
#include "TestSupport.h"
#include "runtime/train/Model.h"
#include "runtime/train/Shuffle.h"

#include <algorithm>
#include <limits>

using namespace snn;
using namespace snn::test;

namespace {

struct Images {
  std::vector<int64_t> shape;
  std::vector<uint8_t> pixels;
  std::vector<int64_t> labels;
};

/// Class c has a bright row c.
Images makeImages(uint64_t count) {
  Images images;
  images.shape = {int64_t(count), 28, 28};
  images.pixels.resize(count * 784);
  for (uint64_t i = 0; i < count; ++i) {
    int64_t label = int64_t(i * 7 % 10);
    images.labels.push_back(label);
    for (uint64_t column = 0; column < 28; ++column)
      images.pixels[i * 784 + uint64_t(label) * 28 + column] = uint8_t(150 + i % 50);
  }
  return images;
}

class TrainerTest : public testing::Test {
protected:
  TrainerTest() {
    options.batch = 20;
    options.steps = 1;
    options.seed = 1;
    check(snn_instance_init(instance.get(), 1));
  }

  Samples samples(const Images &images, Samples::Part part) {
    ArrayFiles files;
    addArray(files, "x", ElementType::U8, images.shape, images.pixels);
    addArray(files, "y", ElementType::I64, {images.shape[0]}, images.labels);
    return *Samples::find(table, files, part, {.plain = true, .needed = true}, false);
  }
  Samples train() { return samples(makeImages(205), Samples::Training); }
  Samples test() { return samples(makeImages(103), Samples::Test); }

  LibraryHandle library = openLibrary(tinyModel("u8"));
  const snn_model_table &table = *snn_library_table(library.get());
  InstanceHandle instance = createInstance(library.get(), 20, 1, nullptr);
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
  Trainer trainer(table, instance.get(), options);
  const Samples training = train();
  double first = *trainer.trainEpoch(training, 0)->loss, loss = first;
  EXPECT_EQ(steps, 11u);
  EXPECT_EQ(last, 205u);
  for (uint64_t epoch = 1; epoch < 15; ++epoch)
    loss = *trainer.trainEpoch(training, epoch)->loss;
  EXPECT_LT(loss, 0.3 * first);
  Measures measures = *trainer.evaluate(test());
  EXPECT_EQ(measures.samples, 103u);
  EXPECT_GT(measures.accuracy(), 0.95);
}

TEST_F(TrainerTest, IsRepeatable) {
  Trainer trainer(table, instance.get(), options);
  const Samples training = train();
  double loss = *trainer.trainEpoch(training, 0)->loss;
  check(snn_instance_init(instance.get(), 1));
  EXPECT_EQ(*trainer.trainEpoch(training, 0)->loss, loss);
}

TEST_F(TrainerTest, Stops) {
  std::atomic<bool> stop{false};
  options.stop = &stop;
  options.progress = [&](uint64_t done, uint64_t) { stop = done >= 100; };
  Trainer trainer(table, instance.get(), options);
  const Samples training = train();
  EXPECT_FALSE(trainer.trainEpoch(training, 0));
  EXPECT_EQ(snn_instance_optimizer_step(instance.get()), 5u);
  EXPECT_FALSE(trainer.evaluate(test()));
}

TEST_F(TrainerTest, LabelsAreCheckedAtOnce) {
  Images images = makeImages(30);
  for (int64_t label : {10, -1}) {
    images.labels[17] = label;
    EXPECT_TRUE(contains(messageOf<DataError>([&] { samples(images, Samples::Test); }),
                         "y: sample 17 has label " + std::to_string(label) +
                             ", expected 0 to 9, the classes of input \"labels\""));
  }
}

TEST_F(TrainerTest, FaultsNameTheSample) {
  LibraryHandle plain = openLibrary(tinyModel("plain"));
  InstanceHandle other = createInstance(plain.get(), 20, 2, nullptr);
  ArrayFiles files;
  std::vector<float> input(30 * 2 * 3, 0.5f);
  input[17 * 6 + 4] = std::numeric_limits<float>::infinity();
  addArray(files, "input", ElementType::F32, {30, 2, 3}, input);
  addArray(files, "labels", ElementType::I64, {30}, std::vector<int64_t>(30));
  const snn_model_table &otherTable = *snn_library_table(plain.get());
  Samples bad = *Samples::find(otherTable, files, Samples::Training, {.plain = true, .needed = true}, false);
  Trainer trainer(otherTable, other.get(), options);
  EXPECT_TRUE(contains(messageOf<DataError>([&] { trainer.trainEpoch(bad, 0); }), "(training sample 17)"));
  EXPECT_TRUE(contains(messageOf<DataError>([&] { trainer.evaluate(bad); }), "(training sample 17)"));
}

TEST_F(TrainerTest, DivergenceIsReported) {
  check(snn_instance_set_hyper(instance.get(), "lr", 1e30));
  Trainer trainer(table, instance.get(), options);
  const Samples training = train();
  EXPECT_TRUE(
      contains(messageOf<DataError>([&] { trainer.trainEpoch(training, 0); }), "a smaller learning rate may help"));
}

TEST_F(TrainerTest, DatasetsThatDoNotFit) {
  Images images = makeImages(30);
  images.shape = {30, 14, 56};
  EXPECT_TRUE(contains(messageOf<DataError>([&] { samples(images, Samples::Test); }),
                       "x has shape [30, 14, 56], so its samples are [14, 56]; input \"input\" of model \"tiny\" is U8 "
                       "[B, 1, 28, 28]"));
  images.shape = {30, 1, 28, 28, 1};
  EXPECT_EQ(messageOf<DataError>([&] { samples(images, Samples::Test); }), "");
}
