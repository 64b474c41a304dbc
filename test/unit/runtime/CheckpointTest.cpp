// Checkpoints: what is saved comes back; weights of another model, damaged files and NaN are refused.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/checkpoint/Checkpoint.h"
#include "TestSupport.h"
#include "runtime/train/Model.h"

#include <limits>

using namespace snn;
using namespace snn::test;

namespace {

class CheckpointTest : public testing::Test {
protected:
  CheckpointTest() { check(snn_instance_init(instance.get(), 3)); }

  /// Message of loading a file of these tensors.
  std::string failure(std::vector<TensorToWrite> tensors, OtherTensors others = OtherTensors::Refuse) {
    writeSafetensors(folder / "weights.safetensors", std::move(tensors));
    return load(others);
  }
  std::string load(OtherTensors others = OtherTensors::Refuse) {
    return messageOf<DataError>(
        [&] { loadCheckpoint(instance.get(), table, TensorFile::read(folder / "weights.safetensors"), others); });
  }
  std::vector<float> bias() {
    std::vector<float> values(2);
    check(snn_instance_get_parameter(instance.get(), "1.bias", values.data(), 8));
    return values;
  }
  template <typename Real>
  static TensorToWrite tensor(const char *name, std::vector<int64_t> shape, const Real &values) {
    using Element = typename Real::value_type;
    return {name, sizeof(Element) == 4 ? ElementType::F32 : ElementType::F64, std::move(shape),
            std::as_bytes(std::span(values))};
  }

  TemporaryFolder folder;
  LibraryHandle library = openLibrary(tinyModel("plain"));
  const snn_model_table &table = *snn_library_table(library.get());
  InstanceHandle instance = createInstance(library.get(), 1, 1, nullptr);
  std::vector<float> six = {1, 2, 3, 4, 5, 6}, two = {7, 8};
};

} // namespace

TEST_F(CheckpointTest, RoundTrip) {
  saveCheckpoint(folder / "weights.safetensors", instance.get(), table);
  std::vector<float> before = bias();
  check(snn_instance_init(instance.get(), 4));
  EXPECT_NE(bias(), before);
  EXPECT_EQ(load(), "");
  EXPECT_EQ(bias(), before);
  TensorFile file = TensorFile::read(folder / "weights.safetensors");
  EXPECT_EQ(file.find("1.weight")->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(numbersOf(*file.find("2.beta"), ""), (std::vector<double>{double(0.9f)}));
}

TEST_F(CheckpointTest, WeightsSayWhatTheyAre) {
  saveCheckpoint(folder / "weights.safetensors", instance.get(), table, 12);
  const std::map<std::string, std::string> expected = {
      {"format", "pt"}, {"model", "tiny"}, {"model_hash", "1234567890abcdef"}, {"epoch", "12"}};
  EXPECT_EQ(TensorFile::read(folder / "weights.safetensors").metadata(), expected);
  saveCheckpoint(folder / "weights.safetensors", instance.get(), table);
  EXPECT_EQ(TensorFile::read(folder / "weights.safetensors").metadata().count("epoch"), 0u);
  std::string bad = readText(folder / "weights.safetensors");
  bad[bad.size() - 2] ^= 4;
  writeText(folder / "weights.safetensors", bad);
  EXPECT_TRUE(contains(load(), "weights.safetensors: is damaged: its content has checksum "));
}

TEST_F(CheckpointTest, AnInstanceWithoutMemory) {
  EXPECT_TRUE(contains(messageOf<DataError>([&] { createInstance(library.get(), uint64_t(1) << 44, 1, nullptr); }),
                       ": the model takes "));
}

TEST_F(CheckpointTest, DoublePrecisionIsNarrowed) {
  std::vector<double> wide = {0.5, 0.25};
  EXPECT_EQ(failure({tensor("1.weight", {2, 3}, six), tensor("1.bias", {2}, wide)}), "");
  EXPECT_EQ(bias(), (std::vector<float>{0.5, 0.25}));
  wide[1] = 1e300;
  EXPECT_TRUE(contains(failure({tensor("1.weight", {2, 3}, six), tensor("1.bias", {2}, wide)}), "1e+300"));
}

TEST_F(CheckpointTest, WeightsOfAnotherModel) {
  std::string message = failure({tensor("1.weight", {3, 2}, six), tensor("1.bias", {2}, two)});
  EXPECT_TRUE(contains(message, "weights.safetensors: tensor \"1.weight\" has shape [3, 2], expected [2, 3]; these "
                                "weights belong to another model"));
  message = failure({tensor("1.weight", {2, 3}, six)});
  EXPECT_TRUE(contains(message, "has no tensor \"1.bias\", which model \"tiny\" needs; these weights belong"));
  std::vector<TensorToWrite> more = {tensor("1.weight", {2, 3}, six), tensor("1.bias", {2}, two),
                                     tensor("3.bias", {2}, two)};
  EXPECT_TRUE(contains(failure(more), "has a tensor \"3.bias\", which model \"tiny\" does not have; these weights"));
  EXPECT_EQ(failure(more, OtherTensors::Ignore), "");
}

TEST_F(CheckpointTest, ConstantsMustAgree) {
  std::vector<float> beta = {0.9f};
  std::vector<double> wide = {0.9};
  EXPECT_EQ(failure({tensor("1.weight", {2, 3}, six), tensor("1.bias", {2}, two), tensor("2.beta", {}, beta)}), "");
  EXPECT_EQ(failure({tensor("1.weight", {2, 3}, six), tensor("1.bias", {2}, two), tensor("2.beta", {}, wide)}), "");
  beta[0] = 0.8f;
  std::string message =
      failure({tensor("1.weight", {2, 3}, six), tensor("1.bias", {2}, two), tensor("2.beta", {}, beta)});
  EXPECT_TRUE(contains(message, "tensor \"2.beta\" is 0.8"));
  EXPECT_TRUE(contains(message, "but 0.9 is compiled into the model"));
}

TEST_F(CheckpointTest, ConstantsOfOtherTypes) {
  const snn_tensor_info constants[] = {{"2.reset", SNN_DTYPE_F32, 0, nullptr, nullptr, 0, SNN_INIT_CONSTANT, 0, 1, 0}};
  snn_model_table other = table;
  other.constants = constants;
  other.constant_count = 1;
  auto failureOf = [&](const std::string &type, std::vector<uint8_t> bytes) {
    std::string header = "{\"2.reset\":{\"dtype\":\"" + type + "\",\"shape\":[],\"data_offsets\":[0," +
                         std::to_string(bytes.size()) + "]}}";
    std::string text(8, '\0');
    text[0] = char(header.size());
    text += header + std::string(bytes.begin(), bytes.end());
    writeText(folder / "weights.safetensors", text);
    return messageOf<DataError>([&] {
      loadCheckpoint(instance.get(), other, TensorFile::read(folder / "weights.safetensors"), OtherTensors::Refuse);
    });
  };
  // What a constant that agrees leaves to complain about.
  const std::string agrees = "has no tensor \"1.weight\"";
  for (auto [type, width] : {std::pair("I64", 8),
                             {"U64", 8},
                             {"I32", 4},
                             {"U32", 4},
                             {"I16", 2},
                             {"U16", 2},
                             {"I8", 1},
                             {"U8", 1},
                             {"BOOL", 1}}) {
    std::vector<uint8_t> bytes(width);
    EXPECT_TRUE(contains(failureOf(type, bytes), "tensor \"2.reset\" is 0, but 1 is compiled into the model")) << type;
    bytes[0] = 1;
    EXPECT_TRUE(contains(failureOf(type, bytes), agrees)) << type;
  }
  EXPECT_TRUE(contains(failureOf("I8", {0xff}), "tensor \"2.reset\" is -1, but 1 is compiled"));
  EXPECT_TRUE(contains(failureOf("I32", {0xfe, 0xff, 0xff, 0xff}), "tensor \"2.reset\" is -2, but 1 is compiled"));
  EXPECT_TRUE(contains(failureOf("F32", {0, 0, 0x80, 0x3f}), agrees));
  EXPECT_TRUE(contains(failureOf("F64", {0, 0, 0, 0, 0, 0, 0xf0, 0x3f}), agrees));
  EXPECT_TRUE(contains(failureOf("F16", {0, 0x3c}), "tensor \"2.reset\" has dtype F16, which is not supported"));
}

TEST_F(CheckpointTest, NotFinite) {
  std::vector<float> before = bias();
  two[1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(contains(failure({tensor("1.weight", {2, 3}, six), tensor("1.bias", {2}, two)}),
                       "tensor \"1.bias\" has the value nan at element 1"));
  two[1] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(contains(failure({tensor("1.weight", {2, 3}, six), tensor("1.bias", {2}, two)}), "the value inf"));
  EXPECT_EQ(bias(), before);
}

TEST_F(CheckpointTest, WrongType) {
  std::vector<int64_t> integers = {1, 2};
  std::string message =
      failure({tensor("1.weight", {2, 3}, six), {"1.bias", ElementType::I64, {2}, std::as_bytes(std::span(integers))}});
  EXPECT_TRUE(contains(message, "tensor \"1.bias\" has dtype I64, expected F32 or F64"));
}

TEST_F(CheckpointTest, CorruptFile) {
  saveCheckpoint(folder / "weights.safetensors", instance.get(), table);
  const std::string good = readText(folder / "weights.safetensors");
  writeText(folder / "weights.safetensors", good.substr(0, good.size() - 5));
  EXPECT_TRUE(contains(load(), "weights.safetensors: is not a valid safetensors file"));
  writeText(folder / "weights.safetensors", "garbage that is longer than eight bytes");
  EXPECT_TRUE(contains(load(), "is not a valid safetensors file"));
  std::filesystem::remove(folder / "weights.safetensors");
  EXPECT_TRUE(contains(load(), "cannot be opened"));
}
