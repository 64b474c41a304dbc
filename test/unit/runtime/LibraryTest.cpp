// Opening libraries: the good one, and each reason to refuse one.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TestSupport.h"

#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

using namespace snn::test;

static std::string refusal(const std::string &path) {
  snn_library *library = snn_library_open(path.c_str());
  EXPECT_EQ(library, nullptr);
  snn_library_close(library);
  return snn_last_error();
}

TEST(Library, Opens) {
  snn_library *library = snn_library_open(tinyModel("plain").c_str());
  ASSERT_TRUE(library) << snn_last_error();
  EXPECT_STREQ(snn_library_table(library)->name, "tiny");
  snn_library_close(library);
}

TEST(Library, NoteOfASegmentAlignedTo8) {
  snn_library *library = snn_library_open(tinyModel("note8").c_str());
  ASSERT_TRUE(library) << snn_last_error();
  snn_library_close(library);
}

TEST(Library, TwoAreOpenAtOnceAndAgain) {
  for (int round = 0; round < 3; ++round) {
    snn_library *plain = snn_library_open(tinyModel("plain").c_str());
    ASSERT_TRUE(plain) << snn_last_error();
    EXPECT_EQ(snn_library_table(plain)->classes, 2);
    if (round == 1)
      snn_library_close(plain);
    snn_library *images = snn_library_open(tinyModel("u8").c_str());
    ASSERT_TRUE(images) << snn_last_error();
    EXPECT_EQ(snn_library_table(images)->classes, 10);
    if (round != 1)
      snn_library_close(plain);
    snn_library_close(images);
  }
}

TEST(Library, FromQuery) {
  snn_library *library = snn_library_from_query(tiny_snn_query);
  ASSERT_TRUE(library) << snn_last_error();
  EXPECT_STREQ(snn_library_table(library)->name, "tiny");
  snn_library_close(library);
  EXPECT_EQ(snn_library_from_query(nullptr), nullptr);
}

TEST(Library, RefusesWhatIsNoModel) {
  TemporaryFolder folder;
  EXPECT_TRUE(contains(refusal(folder / "missing.so"), "cannot be opened"));
  EXPECT_TRUE(contains(refusal(folder.path()), "not a regular file"));
  writeText(folder / "empty.so", "");
  EXPECT_TRUE(contains(refusal(folder / "empty.so"), "not an ELF file"));
  writeText(folder / "text.so", "snn 1\nmodel population {}\n");
  EXPECT_TRUE(contains(refusal(folder / "text.so"), "not an ELF file"));
  EXPECT_TRUE(contains(refusal(tinyModel("no_note")), "no \"snnc\" note"));
}

// Opening a FIFO waits until somebody writes, which may be never.
TEST(Library, RefusesAFifo) {
  TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "fifo.so").c_str(), 0600), 0);
  alarm(10);
  EXPECT_TRUE(contains(refusal(folder / "fifo.so"), "not a regular file"));
  alarm(0);
}

TEST(Library, RefusesDamagedFiles) {
  TemporaryFolder folder;
  const std::string good = readText(tinyModel("plain"));
  writeText(folder / "short.so", good.substr(0, 40));
  EXPECT_TRUE(contains(refusal(folder / "short.so"), "cut short"));
  writeText(folder / "headers.so", good.substr(0, 100));
  EXPECT_TRUE(contains(refusal(folder / "headers.so"), "cut short"));
  for (size_t missing : {size_t{1}, size_t{1000}, good.size() / 2}) {
    writeText(folder / "cut.so", good.substr(0, good.size() - missing));
    EXPECT_TRUE(contains(refusal(folder / "cut.so"), "cut short")) << missing;
  }
  std::string other = good;
  other[18] = 40; // e_machine: ARM
  writeText(folder / "arm.so", other);
  EXPECT_TRUE(contains(refusal(folder / "arm.so"), "is for another kind of machine, but this machine is "));
  other = good;
  other[4] = 1; // 32 bits
  writeText(folder / "elf32.so", other);
  EXPECT_TRUE(contains(refusal(folder / "elf32.so"), "not an ELF file of 64 bits"));
  other = good;
  other[16] = 2; // ET_EXEC
  writeText(folder / "exec.so", other);
  EXPECT_TRUE(contains(refusal(folder / "exec.so"), "not a shared library"));
  other = good;
  std::memset(other.data() + 32, 0xff, 8); // e_phoff
  writeText(folder / "phoff.so", other);
  EXPECT_TRUE(contains(refusal(folder / "phoff.so"), "cut short"));
}

TEST(Library, RefusesWhatItCannotRun) {
  EXPECT_TRUE(contains(refusal(tinyModel("other_abi")),
                       "speaks ABI version 99, this runtime speaks version " + std::to_string(SNN_ABI_VERSION)));
  EXPECT_TRUE(contains(refusal(tinyModel("cpu")), "needs a CPU of level x86-64-v9"));
  EXPECT_TRUE(contains(refusal(tinyModel("refuse")), "does not speak ABI version " + std::to_string(SNN_ABI_VERSION)));
  EXPECT_TRUE(contains(refusal(tinyModel("wrong_symbol")), "has no symbol \"nobody_snn_query\""));
  EXPECT_TRUE(contains(refusal(tinyModel("small_span")), "parameter \"1.bias\" does not lie within its span"));
}
