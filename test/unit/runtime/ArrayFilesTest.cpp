// Data files: what is read from .npy, .npz, .safetensors and folders, and everything that is refused.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TestArrays.h"
#include "TestSupport.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Npy.h"
#include "runtime/data/Zip.h"

#include <cmath>
#include <limits>

using namespace snn;
using namespace snn::test;
using namespace std::string_literals;

namespace {

const std::string six = npy("<i2", "(2, 3)", bytesOf<int16_t>({1, 2, 3, 4, 5, 6}));

FileBytes inMemory(const std::string &text) {
  auto owner = std::make_shared<const std::string>(text);
  return {std::as_bytes(std::span(*owner)), owner};
}

std::string npyFailure(const std::string &text) {
  return messageOf<DataError>([&] { parseNpy(inMemory(text), "a.npy"); });
}

/// The list, and each member.
std::string zipFailure(const std::string &text) {
  return messageOf<DataError>([&] {
    ZipFile zip(inMemory(text), "a.npz");
    for (const auto &[name, member] : zip.members())
      zip.read(name);
  });
}

class ArrayFilesTest : public testing::Test {
protected:
  std::string failure(const std::string &name) {
    return messageOf<DataError>([&] { ArrayFiles({folder / name}); });
  }
  TemporaryFolder folder;
};

} // namespace

TEST(Npy, ShapesAndOrders) {
  Array array = parseNpy(inMemory(six), "a.npy");
  EXPECT_EQ(array.type, ElementType::I16);
  EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(array.strides, (std::vector<int64_t>{6, 2}));
  EXPECT_EQ(elementText(array.type, array.bytes.data() + 6), "4");
  array = parseNpy(inMemory(npy("<f4", "(2, 3)", std::string(24, '\0'), /*fortran=*/true)), "a.npy");
  EXPECT_EQ(array.strides, (std::vector<int64_t>{4, 8}));
  EXPECT_TRUE(parseNpy(inMemory(npy("|b1", "()", "\1")), "a.npy").shape.empty());
  EXPECT_EQ(parseNpy(inMemory(npy("|u1", "(4,)", "abcd")), "a.npy").shape, (std::vector<int64_t>{4}));
  EXPECT_EQ(parseNpy(inMemory(npy("<f8", "(0, 7)", "")), "a.npy").shape, (std::vector<int64_t>{0, 7}));
  // Keys in any order, another quote, version 2.
  const std::string header = "{\"shape\":(1,),\"fortran_order\":False,\"descr\":\"<i8\"}";
  const std::string second = "\x93NUMPY\x02"s + '\0' + littleEndian(uint32_t(header.size())) + header + "12345678";
  EXPECT_EQ(parseNpy(inMemory(second), "a.npy").type, ElementType::I64);
}

TEST(Npy, IsCutShortAnywhere) {
  for (size_t length = 0; length < six.size(); ++length)
    EXPECT_TRUE(contains(npyFailure(six.substr(0, length)), "a.npy: is not a valid .npy file: ")) << length;
  EXPECT_TRUE(contains(npyFailure(six + "x"), "has 13 bytes of data, expected 12"));
}

TEST(Npy, WrongHeaders) {
  EXPECT_TRUE(contains(npyFailure("\x93NUMPX\1\0aaaaaaaa"s), "does not start as one"));
  EXPECT_TRUE(contains(npyFailure("\x93NUMPY\4\0aaaaaaaa"s), "has version 4.0"));
  EXPECT_TRUE(contains(npyFailure("\x93NUMPY\1\0\xff\xff{}"s), "the length of the header is 65535"));
  EXPECT_TRUE(contains(npyFailure("\x93NUMPY\2\0\xff\xff\xff\xff{}"s), "the length of the header is 4294967295"));
  for (const auto &[header, message] : std::initializer_list<std::pair<std::string, const char *>>{
           {"", "ends where '{' was expected"},
           {"{}", "lacks descr, fortran_order or shape"},
           {"{'descr': '<f4', 'shape': (1,), }", "lacks"},
           {"{'descr': '<f4', 'descr': '<f4'}", "each once"},
           {"{'other': 1}", "has \"other\""},
           {"{'descr' '<f4'}", "where ':' was expected"},
           {"{'descr: 1}", "text in quotes"},
           {"{'descr': '<f4', 'fortran_order': 0}", "where True or False was expected"},
           {"{'shape': (1", "ends where ')' was expected"},
           {"{'shape': (-1,)}", "something else than numbers"},
           {"{'shape': (1e3,)}", "where ')' was expected"},
           {"{'shape': (1234567890123456789,)}", "1 to 18 digits"},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", "goes on after its dictionary"},
           {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "records of several fields"},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "does not fit into memory"},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967295, 4294967295)}", "does not fit into memory"}})
    EXPECT_TRUE(contains(npyFailure(npyWith(header, "1234")), message)) << header;
  std::string shape = "(";
  for (int i = 0; i < 33; ++i)
    shape += "1,";
  EXPECT_TRUE(contains(npyFailure(npy("|u1", shape + ")", "1")), "has 33 dimensions"));
}

TEST(Npy, TypesThatAreNoNumbers) {
  for (const char *type : {"<f2", "<c8", ">f4", "|O", "<U5", "|S3", "<M8[ns]", "f4", "", "<f16", "|i4", "|u8"})
    EXPECT_TRUE(contains(npyFailure(npy(type, "(1,)", "1234")), "a.npy: has elements of type \""s + type + "\""))
        << type;
  EXPECT_TRUE(contains(npyFailure(npy(">f4", "(1,)", "1234")), "in the order of another machine"));
}

TEST(Zip, StoredDeflatedAndLarge) {
  const std::string content(5000, 'x');
  for (bool end64 : {false, true}) {
    const std::string text = zipOf(
        {{"a.npy", content}, {"b.npy", content, true}, {"c.npy", "", true}, {"d.npy", content, true, true}}, end64);
    for (const std::string &comment : {""s, "PK\5\6"s}) {
      std::string commented = text + comment;
      commented[text.size() - 2] = char(comment.size());
      ZipFile zip(inMemory(commented), "a.npz");
      ASSERT_EQ(zip.members().size(), 4u);
      for (const char *name : {"a.npy", "b.npy", "d.npy"}) {
        FileBytes bytes = zip.read(name);
        EXPECT_EQ(std::string(reinterpret_cast<const char *>(bytes.bytes.data()), bytes.bytes.size()), content);
      }
      EXPECT_TRUE(zip.read("c.npy").bytes.empty());
    }
  }
}

TEST(Zip, IsCutShortOrChangedAnywhere) {
  for (bool end64 : {false, true}) {
    const std::string text = zipOf({{"a.npy", six}, {"b.npy", std::string(300, 'y'), true, true}}, end64);
    EXPECT_EQ(zipFailure(text), "");
    for (size_t length = 0; length < text.size(); ++length)
      EXPECT_TRUE(contains(zipFailure(text.substr(0, length)), "a.npz: is not a valid .npz file: ")) << length;
    // Whatever a damaged byte does, it is refused or read; nothing crashes.
    for (size_t at = 0; at < text.size(); ++at)
      for (int bit : {1, 0x80, 0xff}) {
        std::string changed = text;
        changed[at] = char(changed[at] ^ bit);
        zipFailure(changed);
      }
  }
}

TEST(Zip, WhatIsRefused) {
  EXPECT_TRUE(contains(zipFailure("<html>"), "has no list of members at its end"));
  for (const std::string &name : {"../a.npy"s, "/a.npy"s, "a\\b.npy"s, ""s, "a\0.npy"s})
    EXPECT_TRUE(contains(zipFailure(zipOf({{name, six}})), "a member has a name that is a path")) << name;
  EXPECT_TRUE(contains(zipFailure(zipOf({{"a", six}, {"a", six}})), "member \"a\" is there twice"));
  ZipMember member = {"a", six};
  member.flags = 1;
  EXPECT_TRUE(contains(zipFailure(zipOf({member})), "member \"a\" is encrypted"));
  member = {"a", six};
  member.method = 12;
  EXPECT_TRUE(contains(zipFailure(zipOf({member})), "packed by method 12"));
  for (bool deflated : {false, true}) {
    member = {"a", six, deflated};
    member.crcError = 1;
    EXPECT_TRUE(contains(zipFailure(zipOf({member})), "its checksum differs"));
    for (uint64_t wrong : {six.size() - 1, six.size() + 1}) {
      member = {"a", six, deflated};
      member.claimedBytes = wrong;
      EXPECT_NE(zipFailure(zipOf({member})), "");
    }
  }
  // A claim alone takes no memory.
  member = {"a", six, true, true};
  member.claimedBytes = uint64_t{1} << 60;
  EXPECT_TRUE(contains(zipFailure(zipOf({member})), "too many for"));
  // Nor does a member that packs well: it is longer than it says.
  member = {"a", std::string(1 << 20, '\0'), true};
  member.claimedBytes = 1000;
  EXPECT_TRUE(contains(zipFailure(zipOf({member})), "damaged or longer than the list says"));
}

TEST_F(ArrayFilesTest, FilesAndFolders) {
  writeText(folder / "all.npz", zipOf({{"x_train.npy", six, true}, {"y.npy", six}}));
  std::filesystem::create_directory(folder / "arrays");
  writeText(folder / "arrays/input.npy", six);
  writeText(folder / "arrays/notes.txt", "not an array");
  std::vector<float> values = {1, 2, 3, 4};
  writeSafetensors(folder / "a.safetensors", {{"z", ElementType::F32, {2, 2}, std::as_bytes(std::span(values))}});
  const ArrayFiles files({folder / "all.npz", folder / "arrays", folder / "a.safetensors"});
  for (const char *name : {"x_train", "y", "input"})
    EXPECT_EQ(files.load(name).type, ElementType::I16) << name;
  EXPECT_EQ(files.load("z").strides, (std::vector<int64_t>{8, 4}));
  EXPECT_EQ(files.nameText(), "input, x_train, y, z");
  EXPECT_FALSE(files.has("notes"));
  EXPECT_TRUE(contains(messageOf<DataError>([&] { ArrayFiles({folder / "all.npz", folder / "all.npz"}); }),
                       "array \"x_train\" is there twice"));
}

TEST_F(ArrayFilesTest, WhatIsNoData) {
  writeText(folder / "a.txt", "");
  EXPECT_TRUE(contains(failure("a.txt"), "a.txt: is not a folder, nor a file that ends in .safetensors, .npz or .npy"));
  EXPECT_TRUE(contains(failure("nothing.npz"), "nothing.npz: cannot be opened"));
  writeText(folder / "empty.npz", "");
  EXPECT_TRUE(contains(failure("empty.npz"), "is not a valid .npz file"));
  writeText(folder / "empty.safetensors", "");
  EXPECT_TRUE(contains(failure("empty.safetensors"), "is not a valid safetensors file"));
  std::filesystem::create_directory(folder / "arrays");
  std::filesystem::create_directory(folder / "arrays/folder.npy");
  EXPECT_TRUE(contains(messageOf<DataError>([&] { ArrayFiles({folder / "arrays"}).load("folder"); }),
                       "folder.npy: is not a regular file"));
}

TEST(Conversions, NothingIsLostUnseen) {
  auto convert = [](ElementType from, ElementType to, auto value, auto result) {
    auto *bytes = reinterpret_cast<std::byte *>(&result);
    EXPECT_NE(conversion(from, to).convert, nullptr);
    return conversion(from, to).convert(reinterpret_cast<const std::byte *>(&value), nullptr, 1, bytes) == 1;
  };
  EXPECT_TRUE(convert(ElementType::U64, ElementType::I64, uint64_t{5}, int64_t{}));
  EXPECT_FALSE(convert(ElementType::U64, ElementType::I64, ~uint64_t{0}, int64_t{}));
  EXPECT_TRUE(convert(ElementType::I64, ElementType::U8, int64_t{255}, uint8_t{}));
  EXPECT_FALSE(convert(ElementType::I64, ElementType::U8, int64_t{256}, uint8_t{}));
  EXPECT_FALSE(convert(ElementType::I8, ElementType::U8, int8_t{-1}, uint8_t{}));
  EXPECT_TRUE(convert(ElementType::I32, ElementType::F32, int32_t{1 << 24}, float{}));
  EXPECT_FALSE(convert(ElementType::I32, ElementType::F32, int32_t{(1 << 24) + 1}, float{}));
  EXPECT_FALSE(convert(ElementType::I64, ElementType::F64, std::numeric_limits<int64_t>::max(), double{}));
  EXPECT_TRUE(convert(ElementType::F64, ElementType::F32, 0.5, float{}));
  EXPECT_FALSE(convert(ElementType::F64, ElementType::F32, 0.1, float{}));
  EXPECT_FALSE(convert(ElementType::F64, ElementType::F32, 1e300, float{}));
  EXPECT_TRUE(convert(ElementType::F64, ElementType::F32, std::nan(""), float{})) << "which the model refuses";
  EXPECT_TRUE(convert(ElementType::F32, ElementType::F64, 0.1f, double{}));
  EXPECT_FALSE(conversion(ElementType::F32, ElementType::U8).convert) << "whatever the values";
  EXPECT_FALSE(conversion(ElementType::F64, ElementType::I64).convert);
  EXPECT_FALSE(conversion(ElementType::Other, ElementType::F32).convert);
  for (auto [from, to] : {std::pair{ElementType::U8, ElementType::F32},
                          {ElementType::I16, ElementType::F32},
                          {ElementType::Bool, ElementType::U8},
                          {ElementType::U32, ElementType::I64}})
    EXPECT_FALSE(conversion(from, to).mayFail);
}
