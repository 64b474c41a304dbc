// The C interface of files: weights, neuron states and any tensors come back as they were, and what is refused has
// changed nothing. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TestSupport.h"
#include "runtime/train/Model.h"

#include <array>
#include <cmath>
#include <cstring>
#include <vector>

using namespace snn;
using namespace snn::test;

namespace {

using TensorsHandle = std::unique_ptr<snn_tensors, decltype(&snn_tensors_close)>;
TensorsHandle open(const std::string &path) { return {snn_tensors_open(path.c_str()), &snn_tensors_close}; }

class CheckpointApi : public testing::Test {
protected:
  static constexpr uint64_t rows = 3;
  using State = std::array<float, 2 * rows>;

  InstanceHandle create(uint64_t seed, const LibraryHandle &of) {
    InstanceHandle instance = createInstance(of.get(), rows, 1, nullptr);
    check(snn_instance_init(instance.get(), seed));
    return instance;
  }
  std::vector<std::byte> parameters(const InstanceHandle &instance) {
    uint64_t bytes = 0;
    const auto *start = static_cast<const std::byte *>(snn_instance_span(instance.get(), SNN_SPAN_PARAMETERS, &bytes));
    return {start, start + bytes};
  }
  /// The membranes after one more step.
  State step(const InstanceHandle &instance) {
    State membranes = {};
    void *outputs[4] = {nullptr, membranes.data(), nullptr, nullptr};
    snn_batch batch = {};
    batch.struct_size = sizeof(batch);
    batch.batch = rows;
    batch.inputs = views;
    batch.outputs = outputs;
    check(snn_instance_step(instance.get(), &batch));
    return membranes;
  }

  TemporaryFolder folder;
  const std::string path = folder / "file.safetensors";
  LibraryHandle library = openLibrary(tinyModel("plain"));
  InstanceHandle instance = create(1, library);
  float input[rows * 3] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  int64_t labels[rows] = {};
  snn_view views[2] = {{input, nullptr}, {labels, nullptr}};
};

} // namespace

TEST_F(CheckpointApi, WeightsComeBack) {
  ASSERT_EQ(snn_instance_save(instance.get(), path.c_str()), SNN_OK);
  InstanceHandle other = create(2, library), third = create(3, library);
  EXPECT_NE(parameters(other), parameters(instance));
  EXPECT_EQ(snn_instance_load(other.get(), path.c_str()), SNN_OK);
  EXPECT_EQ(parameters(other), parameters(instance));
  TensorsHandle tensors = open(path);
  ASSERT_TRUE(tensors);
  EXPECT_EQ(snn_instance_load_tensors(third.get(), tensors.get()), SNN_OK);
  EXPECT_EQ(parameters(third), parameters(instance));
  EXPECT_STREQ(snn_tensors_metadata(tensors.get(), "model"), "tiny");
  EXPECT_EQ(snn_tensors_metadata(tensors.get(), "snn.checksum"), nullptr);
}

TEST_F(CheckpointApi, WeightsOfAnotherModelChangeNothing) {
  LibraryHandle images = openLibrary(tinyModel("u8"));
  ASSERT_EQ(snn_instance_save(create(1, images).get(), path.c_str()), SNN_OK);
  const std::vector<std::byte> before = parameters(instance);
  EXPECT_EQ(snn_instance_load(instance.get(), path.c_str()), SNN_ERROR_DATA);
  EXPECT_TRUE(contains(snn_last_error(),
                       "tensor \"1.weight\" has shape [10, 784], expected [2, 3]; these weights belong "
                       "to another model"));
  // The first tensor that is read is good, the second is not.
  const float weight[6] = {1, 2, 3, 4, 5, 6}, bias[2] = {1, NAN};
  const int64_t weightShape[] = {2, 3}, biasShape[] = {2};
  const snn_tensor tensors[] = {{"1.weight", "F32", 2, weightShape, weight, sizeof(weight)},
                                {"1.bias", "F32", 1, biasShape, bias, sizeof(bias)}};
  ASSERT_EQ(snn_tensors_write(path.c_str(), tensors, 2, nullptr), SNN_OK);
  EXPECT_EQ(snn_instance_load(instance.get(), path.c_str()), SNN_ERROR_DATA);
  EXPECT_TRUE(contains(snn_last_error(), "has the value nan at element 1"));
  EXPECT_EQ(snn_instance_load(instance.get(), (folder / "nothing").c_str()), SNN_ERROR_DATA);
  EXPECT_TRUE(contains(snn_last_error(), "cannot be opened"));
  EXPECT_EQ(parameters(instance), before);
}

TEST_F(CheckpointApi, NothingIsHalfWritten) {
  const float bias[2] = {1, NAN};
  check(snn_instance_set_parameter(instance.get(), "1.bias", bias, sizeof(bias)));
  EXPECT_EQ(snn_instance_save(instance.get(), path.c_str()), SNN_ERROR_DATA);
  EXPECT_FALSE(std::filesystem::exists(path));
  check(snn_instance_init(instance.get(), 1));
  EXPECT_EQ(snn_instance_save(instance.get(), (folder / "no/folder").c_str()), SNN_ERROR_WRITE);
  EXPECT_TRUE(contains(snn_last_error(), "cannot be created"));
}

TEST_F(CheckpointApi, StatesGoOnWhereTheyWere) {
  step(instance);
  ASSERT_EQ(snn_instance_save_state(instance.get(), rows, path.c_str()), SNN_OK);
  InstanceHandle other = create(1, library);
  ASSERT_EQ(snn_instance_load_state(other.get(), rows, path.c_str()), SNN_OK);
  EXPECT_EQ(step(other), step(instance));
  const std::string later = folder / "later.safetensors"; // two steps, one of them before the state was saved
  ASSERT_EQ(snn_instance_save_state(other.get(), rows, later.c_str()), SNN_OK);
  EXPECT_STREQ(snn_tensors_metadata(open(later).get(), "first_step"), "2");
  TensorsHandle file = open(path);
  EXPECT_STREQ(snn_tensors_metadata(file.get(), "first_step"), "1");
  snn_tensor state = {};
  ASSERT_EQ(snn_tensors_find(file.get(), "2.mem", &state), SNN_OK);
  EXPECT_EQ(std::vector<int64_t>(state.shape, state.shape + state.rank), (std::vector<int64_t>{rows, 2}));

  // A state of fewer samples: the others are at rest.
  ASSERT_EQ(snn_instance_save_state(instance.get(), 1, path.c_str()), SNN_OK);
  ASSERT_EQ(snn_instance_load_state(other.get(), 1, path.c_str()), SNN_OK);
  InstanceHandle fresh = create(1, library);
  const State loaded = step(other), kept = step(instance), rested = step(fresh);
  EXPECT_EQ(std::vector(loaded.begin(), loaded.begin() + 2), std::vector(kept.begin(), kept.begin() + 2));
  EXPECT_EQ(std::vector(loaded.begin() + 2, loaded.end()), std::vector(rested.begin() + 2, rested.end()));
}

TEST_F(CheckpointApi, StatesThatDoNotFitChangeNothing) {
  step(instance);
  InstanceHandle other = create(1, library), same = create(1, library);
  step(other), step(same);
  ASSERT_EQ(snn_instance_save_state(instance.get(), rows - 1, path.c_str()), SNN_OK);
  EXPECT_EQ(snn_instance_load_state(other.get(), rows, path.c_str()), SNN_ERROR_DATA);
  EXPECT_TRUE(
      contains(snn_last_error(), "state \"2.mem\" has shape [2, 2], expected [3, 2]; it is of another batch size"));
  ASSERT_EQ(snn_instance_save_state(create(1, openLibrary(tinyModel("u8"))).get(), rows, path.c_str()), SNN_OK);
  EXPECT_EQ(snn_instance_load_state(other.get(), rows, path.c_str()), SNN_ERROR_DATA);
  EXPECT_TRUE(contains(snn_last_error(), "has shape [3, 10], expected [3, 2]; it belongs to another model"));
  check(snn_instance_save(instance.get(), path.c_str()));
  EXPECT_EQ(snn_instance_load_state(other.get(), rows, path.c_str()), SNN_ERROR_DATA);
  EXPECT_TRUE(contains(snn_last_error(), "its metadata have no \"first_step\", so it is no file of neuron states"));
  for (const char *steps : {"-1", "3x", ""}) {
    const char *metadata[] = {"first_step", steps, nullptr};
    check(snn_tensors_write(path.c_str(), nullptr, 0, metadata));
    EXPECT_EQ(snn_instance_load_state(other.get(), rows, path.c_str()), SNN_ERROR_DATA);
    EXPECT_TRUE(contains(snn_last_error(), "expected a whole number"));
  }
  const char *metadata[] = {"first_step", "3", nullptr};
  check(snn_tensors_write(path.c_str(), nullptr, 0, metadata));
  EXPECT_EQ(snn_instance_load_state(other.get(), rows, path.c_str()), SNN_ERROR_DATA);
  EXPECT_TRUE(contains(snn_last_error(), "has no state \"2.mem\", which model \"tiny\" needs"));
  const float state[2 * rows] = {};
  const int64_t shape[] = {rows, 2};
  const snn_tensor two[] = {{"2.mem", "F32", 2, shape, state, sizeof(state)},
                            {"9.mem", "F32", 2, shape, state, sizeof(state)}};
  check(snn_tensors_write(path.c_str(), two, 2, metadata));
  EXPECT_EQ(snn_instance_load_state(other.get(), rows, path.c_str()), SNN_ERROR_DATA);
  EXPECT_TRUE(contains(snn_last_error(), "has a state \"9.mem\", which model \"tiny\" does not have"));
  for (uint64_t batch : {uint64_t(0), rows + 1}) {
    EXPECT_EQ(snn_instance_load_state(other.get(), batch, path.c_str()), SNN_ERROR_ARGUMENT);
    EXPECT_EQ(snn_instance_save_state(other.get(), batch, path.c_str()), SNN_ERROR_ARGUMENT);
  }
  EXPECT_EQ(step(other), step(same));
}

TEST_F(CheckpointApi, AnyTensors) {
  const double number = 0.5;
  const uint16_t words[4] = {1, 2, 3, 4};
  const int64_t shape[] = {2, 2}, none[] = {0};
  const snn_tensor tensors[] = {{"words", "U16", 2, shape, words, sizeof(words)},
                                {"number", "F64", 0, nullptr, &number, sizeof(number)},
                                {"none", "I64", 1, none, nullptr, 0}};
  const char *metadata[] = {"made by", "hand", "again", "yes", nullptr};
  ASSERT_EQ(snn_tensors_write(path.c_str(), tensors, 3, metadata), SNN_OK);
  const std::string bytes = readText(path);
  TensorsHandle file = open(path), memory{snn_tensors_from_memory(bytes.data(), bytes.size()), &snn_tensors_close};
  for (const TensorsHandle &read : {std::ref(file), std::ref(memory)}) {
    ASSERT_TRUE(read);
    ASSERT_EQ(snn_tensors_count(read.get()), 3u);
    snn_tensor tensor = {};
    std::string names;
    for (uint64_t i = 0; i < 3; ++i) {
      ASSERT_EQ(snn_tensors_at(read.get(), i, &tensor), SNN_OK);
      names += std::string(tensor.name) + ":" + tensor.dtype + " ";
    }
    EXPECT_EQ(names, "none:I64 number:F64 words:U16 ");
    EXPECT_EQ(tensor.bytes, sizeof(words));
    EXPECT_EQ(std::memcmp(tensor.data, words, sizeof(words)), 0);
    ASSERT_EQ(snn_tensors_find(read.get(), "number", &tensor), SNN_OK);
    EXPECT_EQ(tensor.rank, 0u);
    EXPECT_EQ(snn_tensors_find(read.get(), "numbers", &tensor), SNN_ERROR_NAME);
    EXPECT_EQ(snn_tensors_at(read.get(), 3, &tensor), SNN_ERROR_ARGUMENT);
    EXPECT_STREQ(snn_tensors_metadata(read.get(), "made by"), "hand");
    EXPECT_EQ(snn_tensors_metadata(read.get(), "made"), nullptr);
  }
  std::string damaged = bytes;
  damaged[damaged.size() - 3] ^= 1;
  EXPECT_EQ(snn_tensors_from_memory(damaged.data(), damaged.size()), nullptr);
  EXPECT_TRUE(contains(snn_last_error(), "memory: is damaged"));
}

TEST_F(CheckpointApi, TensorsThatCannotBeWritten) {
  const float two[2] = {};
  const int64_t shape[] = {2}, negative[] = {-2};
  const snn_tensor good = {"good", "F32", 1, shape, two, sizeof(two)};
  auto with = [&](auto change) {
    snn_tensor tensor = good;
    change(tensor);
    return snn_tensors_write(path.c_str(), &tensor, 1, nullptr);
  };
  EXPECT_EQ(with([](snn_tensor &t) { t.dtype = "BF16"; }), SNN_ERROR_ARGUMENT);
  EXPECT_TRUE(contains(snn_last_error(), "there is no dtype \"BF16\" to write"));
  EXPECT_EQ(with([](snn_tensor &t) { t.bytes = 4; }), SNN_ERROR_SIZE);
  EXPECT_EQ(snn_last_error(), std::string("tensor \"good\" has 4 bytes, expected 8 for F32 [2]"));
  EXPECT_EQ(with([&](snn_tensor &t) { t.shape = negative; }), SNN_ERROR_ARGUMENT);
  EXPECT_EQ(with([](snn_tensor &t) { t.name = "__metadata__"; }), SNN_ERROR_NAME);
  EXPECT_EQ(with([](snn_tensor &t) { t.name = "\xff"; }), SNN_ERROR_DATA);
  EXPECT_TRUE(contains(snn_last_error(), "that is no UTF-8"));
  const snn_tensor twice[] = {good, good};
  EXPECT_EQ(snn_tensors_write(path.c_str(), twice, 2, nullptr), SNN_ERROR_NAME);
  EXPECT_TRUE(contains(snn_last_error(), "tensor \"good\" is there twice"));
  const char *own[] = {"snn.checksum", "1", nullptr};
  EXPECT_EQ(snn_tensors_write(path.c_str(), &good, 1, own), SNN_ERROR_NAME);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(with([](snn_tensor &) {}), SNN_OK);
}
