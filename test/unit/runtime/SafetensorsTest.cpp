// The safetensors reader refuses everything that the format does not allow; the writer writes what the reader takes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Safetensors.h"
#include "TestSupport.h"
#include "runtime/data/Errors.h"

using namespace snn;
using namespace snn::test;

namespace {

std::vector<std::byte> bytesOf(const std::string &text) {
  const auto *start = reinterpret_cast<const std::byte *>(text.data());
  return {start, start + text.size()};
}

std::string fileText(const std::string &header, size_t dataBytes, uint64_t headerBytes = UINT64_MAX) {
  uint64_t length = headerBytes == UINT64_MAX ? header.size() : headerBytes;
  return std::string(reinterpret_cast<const char *>(&length), 8) + header + std::string(dataBytes, '\1');
}

std::string failure(const std::string &text) {
  return messageOf<DataError>([&] { TensorFile::parse(bytesOf(text), "file"); });
}

std::string failure(const std::string &header, size_t dataBytes) { return failure(fileText(header, dataBytes)); }

} // namespace

TEST(Safetensors, ReadsAValidFile) {
  TensorFile file = TensorFile::parse(
      bytesOf(fileText(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"U8","shape":[2,0],"data_offsets":[8,8]},)"
                       R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                       R"("s":{"data_offsets":[8,10],"shape":[],"dtype":"BF16"}}  )",
                       10)),
      "file");
  EXPECT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.find("a")->shape, std::vector<int64_t>{2});
  EXPECT_EQ(file.find("b")->elements(), 0u);
  EXPECT_EQ(file.find("c"), nullptr);
  EXPECT_TRUE(contains(messageOf<DataError>([&] { numbersOf(*file.find("s"), "\"s\""); }), "BF16"));
}

TEST(Safetensors, HeaderLength) {
  EXPECT_TRUE(contains(failure(std::string()), "expected at least 8"));
  EXPECT_TRUE(contains(failure(std::string(7, '\0')), "expected at least 8"));
  EXPECT_TRUE(contains(failure(fileText("{}", 0, 3)), "length of the header is 3"));
  EXPECT_TRUE(contains(failure(fileText("{}", 0, ~uint64_t{0} - 1)), "length of the header"));
  EXPECT_TRUE(contains(failure(fileText("{}", 0, uint64_t{1} << 63)), "length of the header"));
  EXPECT_TRUE(contains(failure(fileText("", 0)), "does not start with '{'"));
}

TEST(Safetensors, HeaderText) {
  EXPECT_TRUE(contains(failure(" {}", 0), "does not start with '{'"));
  EXPECT_TRUE(contains(failure("{\"a\":", 0), "not valid JSON"));
  EXPECT_TRUE(contains(failure("{} x", 0), "not valid JSON"));
  EXPECT_TRUE(contains(failure("{\"a\":1}", 0), "has a number"));
  EXPECT_TRUE(contains(failure("{\"a\":[]}", 0), "has a list"));
  EXPECT_TRUE(contains(failure(R"({"a":{"dtype":"U8","shape":[{}],"data_offsets":[0,0]}})", 0), "has an object"));
  EXPECT_TRUE(contains(failure(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}})", 0), "negative number"));
  EXPECT_TRUE(contains(failure(R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,0]}})", 0), "no integer"));
  EXPECT_TRUE(contains(failure(R"({"a":{"dtype":"U8","shape":[1e30],"data_offsets":[0,0]}})", 0), "no integer"));
  EXPECT_TRUE(contains(failure(R"({"a":{"dtype":"U8","shape":[]}})", 0), "lacks dtype, shape or data_offsets"));
  EXPECT_TRUE(contains(failure(R"({"a":{"kind":"U8"}})", 0), "unknown field \"kind\""));
  EXPECT_TRUE(contains(failure(R"({"a":{"dtype":"F7","shape":[],"data_offsets":[0,0]}})", 0), "unknown dtype \"F7\""));
  EXPECT_TRUE(contains(failure(R"({"__metadata__":{"x":1}})", 0), "has a number"));
}

TEST(Safetensors, NothingButSpacesFollowsTheHeader) {
  using namespace std::string_literals;
  EXPECT_EQ(failure("{}      ", 0), "");
  EXPECT_TRUE(contains(failure("{}\0\0"s, 0), "byte 2 of the header is zero"));
  EXPECT_TRUE(contains(failure("{}\0{}"s, 0), "byte 2 of the header is zero"));
  EXPECT_TRUE(contains(failure("{}\0 }"s, 0), "byte 2 of the header is zero"));
  EXPECT_TRUE(contains(failure("{} \n ", 0), "byte 3 of the header is 0x0a, expected spaces only after the last '}'"));
  EXPECT_TRUE(contains(failure("{}\t", 0), "byte 2 of the header is 0x09"));
  EXPECT_TRUE(contains(failure("{}{}", 0), "not valid JSON"));
}

TEST(Safetensors, DuplicateNames) {
  const std::string entry = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  EXPECT_TRUE(contains(failure("{" + entry + "," + entry + "}", 1), "tensor \"a\" is there twice"));
  EXPECT_TRUE(contains(failure(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
                       "\"dtype\" of \"a\" is there twice"));
}

TEST(Safetensors, Offsets) {
  auto two = [](const std::string &a, const std::string &b) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + a +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}";
  };
  EXPECT_EQ(failure(two("[0,4]", "[4,8]"), 8), "");
  EXPECT_TRUE(contains(failure(two("[0,4]", "[2,6]"), 6), "tensor \"b\" overlaps"));
  EXPECT_TRUE(contains(failure(two("[0,4]", "[0,4]"), 4), "overlaps"));
  EXPECT_TRUE(contains(failure(two("[0,4]", "[5,9]"), 9), "a hole of 1 bytes before tensor \"b\""));
  EXPECT_TRUE(contains(failure(two("[1,5]", "[5,9]"), 9), "a hole of 1 bytes before tensor \"a\""));
  EXPECT_TRUE(contains(failure(two("[0,4]", "[4,8]"), 9), "1 bytes at the end belong to no tensor"));
  EXPECT_TRUE(contains(failure(two("[0,4]", "[4,8]"), 7), "the file may be cut short"));
  EXPECT_TRUE(contains(failure(two("[0,4]", "[18446744073709551612,18446744073709551615]"), 8), "cut short"));
  EXPECT_TRUE(contains(failure(two("[4,0]", "[4,8]"), 8), "expected [begin, end]"));
  EXPECT_TRUE(contains(failure(two("[0]", "[4,8]"), 8), "expected [begin, end]"));
  EXPECT_TRUE(contains(failure(two("[0,5]", "[5,9]"), 9), "tensor \"a\" has 5 bytes, expected 4 for U8 [4]"));
}

TEST(Safetensors, OverflowingShapes) {
  EXPECT_TRUE(contains(failure(R"({"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}})", 4),
                       "which overflows"));
  EXPECT_TRUE(contains(failure(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0),
                       "which overflows"));
  EXPECT_TRUE(contains(failure(R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,0]}})", 0),
                       "which overflows"));
}

TEST(Safetensors, RoundTrip) {
  TemporaryFolder folder;
  const std::vector<float> f = {1, 2, 3, 4, 5, 6};
  const std::vector<uint8_t> u = {7, 8, 9};
  const std::vector<int64_t> i = {-1};
  auto bytes = [](const auto &values) { return std::as_bytes(std::span(values)); };
  writeSafetensors(folder / "t.safetensors",
                   {{"u", ElementType::U8, {3}, bytes(u)},
                    {"f \"quoted\"", ElementType::F32, {2, 3}, bytes(f)},
                    {"i", ElementType::I64, {}, bytes(i)}},
                   {{"model", "m"}});
  TensorFile file = TensorFile::read(folder / "t.safetensors");
  EXPECT_EQ(numbersOf(*file.find("f \"quoted\""), ""), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(numbersOf(*file.find("u"), ""), (std::vector<double>{7, 8, 9}));
  EXPECT_EQ(numbersOf(*file.find("i"), ""), (std::vector<double>{-1}));
  EXPECT_EQ(file.find("i")->shape.size(), 0u);
  EXPECT_EQ(file.metadata().at("model"), "m");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "a temporary file was left";
}

TEST(Safetensors, EachFlippedBitIsFound) {
  TemporaryFolder folder;
  const std::vector<float> f = {1, -0.5f, 0};
  const std::vector<uint8_t> u = {7, 8, 9};
  // Scalars and empty tensors, whose shapes and bytes are nothing, stand before, between and behind the others.
  writeSafetensors(folder / "t",
                   {{"e", ElementType::F32, {2, 0}, {}},
                    {"s", ElementType::F32, {}, std::as_bytes(std::span(f).first(1))},
                    {"u", ElementType::U8, {3}, std::as_bytes(std::span(u))},
                    {"v", ElementType::F32, {}, std::as_bytes(std::span(f).first(1))},
                    {"x", ElementType::F32, {0}, {}},
                    {"y", ElementType::F32, {}, std::as_bytes(std::span(f).last(1))},
                    {"w", ElementType::F32, {3, 1}, std::as_bytes(std::span(f))}},
                   {{"format", "pt"}, {"epoch", "4"}});
  const std::string good = readText(folder / "t");
  ASSERT_EQ(failure(good), "");
  EXPECT_EQ(TensorFile::parse(bytesOf(good), "file").metadata().size(), 2u) << "the checksum is not for readers";
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = char(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(failure(bad), "") << "bit " << bit % 8 << " of byte " << bit / 8 << ": " << bad.substr(8);
  }
  std::string bad = good;
  bad.back() ^= 1;
  EXPECT_TRUE(contains(failure(bad), "file: is damaged: its content has checksum "));
  bad = good;
  bad.replace(bad.find("\"epoch\":\"4\""), 11, "\"epoch\":\"5\"");
  EXPECT_TRUE(contains(failure(bad), "is damaged"));
}

TEST(Safetensors, OtherProgramsFilesHaveNoChecksum) {
  EXPECT_EQ(failure(R"({"__metadata__":{"format":"pt","checksum":"sha256 of somebody"}})", 0), "");
  EXPECT_TRUE(contains(failure(R"({"__metadata__":{"snn.checksum":"00000000"}})", 0), "its metadata should have"));
  EXPECT_TRUE(contains(failure(R"({"__metadata__":{"snn.checksum":"0","snn.checksum.kind":"sum"}})", 0),
                       "its metadata should have"));
}

TEST(Safetensors, WriterErrors) {
  TemporaryFolder folder;
  const std::vector<uint8_t> u = {7, 8, 9};
  std::span<const std::byte> data = std::as_bytes(std::span(u));
  EXPECT_THROW(writeSafetensors(folder / "x", {{"u", ElementType::U8, {4}, data}}), std::logic_error);
  EXPECT_THROW(writeSafetensors(folder / "x", {{"u", ElementType::U8, {3}, data}, {"u", ElementType::U8, {3}, data}}),
               std::logic_error);
  EXPECT_THROW(writeSafetensors(folder / "no/x", {{"u", ElementType::U8, {3}, data}}), WriteError);
  EXPECT_THROW(writeSafetensors(folder.path(), {{"u", ElementType::U8, {3}, data}}), WriteError);
  EXPECT_THROW(writeSafetensors("/dev/full", {{"u", ElementType::U8, {3}, data}}), WriteError);
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
}

TEST(Safetensors, WriterReplacesTheTargetOfALink) {
  TemporaryFolder folder;
  const std::vector<uint8_t> u = {7};
  writeText(folder / "real", "old");
  std::filesystem::create_symlink("real", folder / "link");
  writeSafetensors(folder / "link", {{"u", ElementType::U8, {1}, std::as_bytes(std::span(u))}});
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_TRUE(TensorFile::read(folder / "real").find("u"));
}
