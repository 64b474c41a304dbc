// Which arrays are which inputs of a model, how they are laid out, and the samples that are put aside.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/train/Samples.h"
#include "TestArrays.h"
#include "TestSupport.h"
#include "runtime/train/Model.h"

#include <algorithm>
#include <numeric>

using namespace snn;
using namespace snn::test;

namespace {

/// Input f32 [T, B, 3] with 1 to 16 steps, labels i64 [B] of 2 classes.
class SamplesTest : public testing::Test {
protected:
  void put(const std::string &name, std::vector<int64_t> shape, ElementType type = ElementType::F32) {
    std::vector<float> values(size_t(std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>())));
    std::iota(values.begin(), values.end(), 0.0f);
    if (type == ElementType::F32)
      addArray(files, name, type, std::move(shape), std::move(values));
    else
      addArray(files, name, type, std::move(shape), std::vector<double>(values.begin(), values.end()));
  }
  void putLabels(const std::string &name, std::vector<uint8_t> labels) {
    addArray(files, name, ElementType::U8, {int64_t(labels.size())}, std::move(labels));
  }
  Samples find(Samples::Part part = Samples::Training, bool timeFirst = false) {
    return *Samples::find(table, files, part, {.plain = true, .needed = true}, timeFirst);
  }
  std::string failure(Samples::Part part = Samples::Training, bool timeFirst = false) {
    return messageOf<DataError>([&] { find(part, timeFirst); });
  }
  /// Of the input "input".
  std::vector<float> gathered(const Samples &samples, std::vector<uint64_t> which, size_t firstStep = 0) {
    samples.gather(which, batch);
    const auto *data = static_cast<const float *>(batch.views(firstStep)[0].data);
    return {data, data + (*samples.steps() - firstStep) * which.size() * 3};
  }

  LibraryHandle library = openLibrary(tinyModel("plain"));
  const snn_model_table &table = *snn_library_table(library.get());
  ArrayFiles files;
  Batch batch;
};

} // namespace

TEST_F(SamplesTest, TimeBecomesTheFirstAxis) {
  put("input", {4, 2, 3});
  putLabels("labels", {0, 1, 0, 1});
  const Samples samples = find();
  EXPECT_EQ(samples.count(), 4u);
  EXPECT_EQ(samples.steps(), 2u);
  EXPECT_EQ(gathered(samples, {2, 0}), (std::vector<float>{12, 13, 14, 0, 1, 2, 15, 16, 17, 3, 4, 5}));
  const auto *labels = static_cast<const int64_t *>(batch.views()[1].data);
  EXPECT_EQ(labels[0], 0);
  EXPECT_EQ(gathered(samples, {3, 0}, /*firstStep=*/1), (std::vector<float>{21, 22, 23, 3, 4, 5}));
  EXPECT_EQ(static_cast<const int64_t *>(batch.views(1)[1].data)[0], 1) << "labels do not vary over time";
}

TEST_F(SamplesTest, TimeMayBeTheFirstAxis) {
  put("input", {2, 4, 3});
  putLabels("labels", {0, 1, 0, 1});
  EXPECT_TRUE(
      contains(failure(), "labels has 4 samples, but input has 2; if time is the first axis, say --time-first"));
  const Samples samples = find(Samples::Training, /*timeFirst=*/true);
  EXPECT_EQ(samples.steps(), 2u);
  EXPECT_EQ(gathered(samples, {2, 0}), (std::vector<float>{6, 7, 8, 0, 1, 2, 18, 19, 20, 12, 13, 14}));
}

TEST_F(SamplesTest, AxesInTheOrderOfFortran) {
  files.add("input", [] {
    static std::vector<float> values(4 * 2 * 3);
    std::iota(values.begin(), values.end(), 0.0f);
    return Array{"input",
                 ElementType::F32,
                 "F32",
                 {4, 2, 3},
                 contiguousStrides(std::vector<int64_t>{4, 2, 3}, 4, true),
                 std::as_bytes(std::span(values)),
                 nullptr};
  });
  putLabels("labels", {0, 1, 0, 1});
  EXPECT_EQ(gathered(find(), {2, 1}), (std::vector<float>{2, 10, 18, 1, 9, 17, 6, 14, 22, 5, 13, 21}));
}

TEST_F(SamplesTest, NamesOfParts) {
  for (const auto &[x, y] :
       std::initializer_list<std::pair<std::string, std::string>>{{"input", "labels"},
                                                                  {"x", "y"},
                                                                  {"data", "targets"},
                                                                  {"train.input", "train.labels"},
                                                                  {"train_x", "train_y"},
                                                                  {"x_train", "y_train"},
                                                                  {"data_train", "target_train"}}) {
    files = ArrayFiles();
    put(x, {4, 2, 3});
    putLabels(y, {0, 1, 0, 1});
    EXPECT_EQ(failure(), "") << x;
    EXPECT_FALSE(Samples::find(table, files, Samples::Test, {}, false)) << x;
  }
  put("x_test", {5, 2, 3});
  putLabels("test.y", {0, 1, 0, 1, 0});
  put("input_val", {6, 1, 3});
  putLabels("validation_labels", {0, 1, 0, 1, 0, 0});
  EXPECT_EQ(find().count(), 4u);
  EXPECT_EQ(find(Samples::Test).count(), 5u);
  EXPECT_EQ(find(Samples::Validation).count(), 6u);
  EXPECT_EQ(find(Samples::Validation).steps(), 1u);
}

TEST_F(SamplesTest, NamesThatAreMissingOrSeveral) {
  EXPECT_TRUE(contains(failure(),
                       "has no training data for input \"input\" of model \"tiny\", expected an array "
                       "\"input\" or \"x\" or \"data\", or a name with the split, such as \"train.input\"; it "
                       "has nothing"));
  put("x_train", {4, 2, 3});
  EXPECT_TRUE(contains(failure(), "has no training data for input \"labels\" of model \"tiny\", expected an array "
                                  "\"train.labels\" or \"train_labels\""));
  EXPECT_TRUE(contains(failure(), "it has x_train"));
  put("train.input", {4, 2, 3});
  EXPECT_TRUE(contains(failure(), "has \"train.input\" and \"x_train\", each of which may be the same input"));
}

TEST_F(SamplesTest, ShapesThatDoNotFit) {
  auto with = [&](std::vector<int64_t> shape, bool timeFirst = false) {
    files = ArrayFiles();
    put("input", std::move(shape));
    putLabels("labels", {0, 1, 0, 1});
    return failure(Samples::Training, timeFirst);
  };
  EXPECT_TRUE(contains(with({4}), "input has shape [4], expected samples and time at least; input \"input\" of model "
                                  "\"tiny\" is F32 [T, B, 3]"));
  EXPECT_TRUE(contains(with({4, 3}), "has shape [4, 3], so its time steps are []"));
  EXPECT_TRUE(contains(with({4, 2, 4}), "so its time steps are [4]"));
  EXPECT_TRUE(contains(with({4, 2, 3, 2}), "so its time steps are [3, 2]"));
  EXPECT_TRUE(contains(with({0, 2, 3}), "it has no samples"));
  EXPECT_TRUE(contains(with({4, 0, 3}), "so it has 0 time steps, but the model has 1 to 16"));
  EXPECT_TRUE(contains(with({4, 17, 3}), "17 time steps, but the model has 1 to 16; if time is its first axis"));
  EXPECT_TRUE(contains(with({17, 4, 3}, true), "without --time-first, time is its second axis"));
  EXPECT_TRUE(contains(with({5, 2, 3}), "labels has 4 samples, but input has 5"));
  EXPECT_EQ(with({4, 2, 1, 3, 1}), "");
}

TEST_F(SamplesTest, TypesAndValuesThatDoNotFit) {
  put("input", {4, 2, 3}, ElementType::F64);
  putLabels("labels", {0, 1, 0, 1});
  EXPECT_EQ(failure(), "") << "whole numbers are the same in single precision";
  files = ArrayFiles();
  std::vector<double> values(24);
  values[20] = 0.1;
  addArray(files, "input", ElementType::F64, {4, 2, 3}, values);
  putLabels("labels", {0, 1, 0, 1});
  EXPECT_TRUE(contains(failure(), "input: sample 3 has the value 0.1, which is none of F32, the type of input "
                                  "\"input\"; store the array as float32, or compile the model with --precision=f64"));
  files = ArrayFiles();
  put("input", {4, 2, 3});
  put("labels", {4});
  EXPECT_TRUE(contains(failure(), "labels has elements of type F32, which do not become I64"));
  files = ArrayFiles();
  put("input", {4, 2, 3});
  putLabels("labels", {0, 1, 2, 1});
  EXPECT_TRUE(contains(failure(), "labels: sample 2 has label 2, expected 0 to 1, the classes of input \"labels\""));
}

TEST_F(SamplesTest, SamplesPutAsideAreChosenByTheSeed) {
  put("input", {40, 1, 3});
  putLabels("labels", std::vector<uint8_t>(40, 1));
  Samples train = find(), again = find(), other = find();
  const Samples validation = train.takeOut(10, 3, Samples::Validation);
  EXPECT_EQ(validation.samples(), again.takeOut(10, 3, Samples::Validation).samples());
  EXPECT_NE(validation.samples(), other.takeOut(10, 4, Samples::Validation).samples());
  EXPECT_STREQ(validation.name(), "validation");
  EXPECT_EQ(validation.count(), 10u);
  EXPECT_EQ(train.count(), 30u);
  std::vector<uint64_t> all = train.samples();
  all.insert(all.end(), validation.samples().begin(), validation.samples().end());
  std::sort(all.begin(), all.end());
  for (uint64_t i = 0; i < 40; ++i)
    EXPECT_EQ(all[i], i);
  EXPECT_EQ(gathered(validation, {validation.samples()[0]})[0], float(validation.samples()[0] * 3));
}
