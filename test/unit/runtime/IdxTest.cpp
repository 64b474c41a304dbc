// IDX files, plain and compressed, and the Fashion-MNIST folder: what is read and what is refused.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Idx.h"
#include "TestSupport.h"
#include "runtime/data/ArrayFiles.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Files.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

using namespace snn;
using namespace snn::test;
using namespace std::string_literals;

namespace {

const std::string header = "\0\0\x08\x02\0\0\0\x02\0\0\0\x03"s;

void writeGz(const std::string &path, const std::string &text) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), unsigned(text.size()));
  gzclose(file);
}

class IdxTest : public testing::Test {
protected:
  std::string failure(const std::string &text) {
    writeText(folder / "data", text);
    return messageOf<DataError>([&] { readIdx(folder / "data", 2); });
  }
  TemporaryFolder folder;
};

} // namespace

TEST_F(IdxTest, ReadsPlainAndCompressed) {
  writeText(folder / "plain", header + "abcdef");
  writeGz(folder / "packed.gz", header + "abcdef");
  for (const char *name : {"plain", "packed.gz"}) {
    IdxArray array = readIdx(folder / name, 2);
    EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(std::string(array.values.begin(), array.values.end()), "abcdef");
  }
}

TEST_F(IdxTest, MissingFile) {
  std::string message = messageOf<DataError>([&] { readIdx(folder / "nothing", 2); });
  EXPECT_TRUE(contains(message, "nothing: cannot be opened: No such file"));
  EXPECT_TRUE(contains(messageOf<DataError>([&] { readIdx(folder.path(), 2); }), "not a regular file"));
}

TEST_F(IdxTest, APipeIsNotWaitedFor) {
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  alarm(10); // ends the test program if it waits
  EXPECT_TRUE(contains(messageOf<DataError>([&] { readIdx(folder / "pipe", 2); }), "pipe: is not a regular file"));
  EXPECT_TRUE(contains(messageOf<DataError>([&] { readFile(folder / "pipe"); }), "pipe: is not a regular file"));
  alarm(0);
}

TEST_F(IdxTest, Header) {
  EXPECT_TRUE(contains(failure(""), "expected an IDX header"));
  EXPECT_TRUE(contains(failure("<html>"), "is not an IDX file: it starts with 3c 68 74 6d, expected 00 00 08 02"));
  EXPECT_TRUE(contains(failure("\0\0\x0d\x02"s), "elements of IDX type 0x0d, expected 0x08"));
  EXPECT_TRUE(contains(failure("\0\0\x08\x03"s), "has 3 dimensions, expected 2"));
  EXPECT_TRUE(contains(failure(header.substr(0, 10)), "expected 2 dimensions in the header"));
  EXPECT_TRUE(contains(failure("\0\0\x08\x02\0\0\0\0\0\0\0\x03"s), "dimension 0 is 0"));
  EXPECT_TRUE(contains(failure("\0\0\x08\x02\xff\xff\xff\xff\xff\xff\xff\xff"s), "more than 2^40 bytes"));
}

TEST_F(IdxTest, Truncated) {
  EXPECT_TRUE(contains(failure(header + "abcde"), "data: is truncated: the header says 6 bytes of data, found 5"));
  EXPECT_TRUE(contains(failure("\0\0\x08\x02\0\0\xff\xff\0\0\xff\xff"s), "is truncated"));
  EXPECT_TRUE(contains(failure(header + "abcdefg"), "data after the 6 bytes"));
}

TEST_F(IdxTest, DamagedCompressedFiles) {
  writeGz(folder / "packed.gz", header + std::string(6, 'x'));
  const std::string good = readText(folder / "packed.gz");
  for (size_t length : {size_t{12}, good.size() - 9, good.size() - 1})
    EXPECT_TRUE(contains(failure(good.substr(0, length)), "truncated")) << length << " of " << good.size();
  std::string bad = good;
  bad[bad.size() - 6] ^= 1; // the checksum
  EXPECT_TRUE(contains(failure(bad), "damaged"));
}

TEST_F(IdxTest, FashionMnistFolder) {
  const ArrayFiles files({folder.path()});
  auto failure = [&](const std::string &name) { return messageOf<DataError>([&] { files.load(name); }); };
  EXPECT_TRUE(contains(messageOf<DataError>([] { ArrayFiles({"/no/such/folder"}); }), "is not a folder"));
  EXPECT_TRUE(contains(failure("test.input"), "has no file t10k-images-idx3-ubyte.gz"));
  writeText(folder / "t10k-images-idx3-ubyte", "\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x01xy"s);
  writeGz(folder / "t10k-labels-idx1-ubyte.gz", "\0\0\x08\x01\0\0\0\x02\0\x09"s);
  EXPECT_EQ(files.load("test.input").shape, (std::vector<int64_t>{2, 1, 1}));
  EXPECT_EQ(files.load("test.labels").bytes[1], std::byte{9});
  EXPECT_TRUE(contains(failure("train.labels"), "has no file train-labels-idx1-ubyte.gz"));
}

TEST(FashionMnist, TheRealData) {
  if (!std::filesystem::is_directory(defaultDataFolder))
    GTEST_SKIP() << "the package dataset-fashion-mnist is not installed";
  const ArrayFiles files({defaultDataFolder});
  EXPECT_EQ(files.load("train.input").shape, (std::vector<int64_t>{60000, 28, 28}));
  EXPECT_EQ(files.load("test.labels").shape, (std::vector<int64_t>{10000}));
  EXPECT_EQ(files.load("train.labels").bytes[0], std::byte{9});
}
