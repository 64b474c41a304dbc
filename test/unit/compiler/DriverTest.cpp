// Small parts of the driver: kinds of files, what may reach a terminal, bounded reads, crashes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "compiler/Driver/FileKind.h"
#include "compiler/Driver/Guard.h"
#include "compiler/Driver/Messages.h"
#include "compiler/Driver/ReadFile.h"

#include <csignal>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

using namespace snn;
using std::string_literals::operator""s;

namespace {

std::string kindOf(const std::string &head) {
  const std::optional<FileKind> kind = binaryKind(head);
  return kind ? kind->name.str() : "";
}

/// Uses up the stack. Each call needs the memory of the ones before it, so that none of them is optimised away.
int fallDeep(volatile int *before) {
  volatile int here[256];
  here[0] = *before + 1;
  return here[0] < 0 ? 0 : fallDeep(here) + here[0];
}

void expectCaught(void (*crash)()) {
  for (int time = 0; time < 2; ++time) { // the second one finds everything as it was
    std::string reason;
    EXPECT_FALSE(runGuarded([&] { crash(); }, reason));
    EXPECT_EQ(reason, "it crashed");
    bool ran = false;
    EXPECT_TRUE(runGuarded([&] { ran = true; }, reason));
    EXPECT_TRUE(ran);
  }
}

void overflow() {
  volatile int start = 0;
  fallDeep(&start);
}

TEST(Guard, CatchesAStackThatOverflows) {
  expectCaught(overflow);
  std::thread(expectCaught, overflow).join();
}

TEST(Guard, CatchesOtherSignals) {
  expectCaught([] { std::abort(); });
  expectCaught([] { raise(SIGSEGV); });
}

TEST(Guard, SpreadsWorkOverThreads) {
  std::string reason;
  std::vector<int> times(100);
  EXPECT_TRUE(runGuarded([&] { spreadGuarded(times.size(), [&](size_t i) { ++times[i]; }); }, reason));
  EXPECT_EQ(times, std::vector<int>(100, 1));
}

TEST(Guard, CatchesWhatBreaksInAnyThread) {
  for (size_t broken : {0, 1, 6}) {
    std::string reason;
    auto body = [&](size_t i) {
      if (i == broken)
        overflow();
    };
    EXPECT_FALSE(runGuarded([&] { spreadGuarded(7, body); }, reason)) << broken;
    EXPECT_EQ(reason, "it crashed");
  }
}

TEST(FileKind, NamesWhatPeopleHave) {
  EXPECT_EQ(kindOf("\x7f\x45LF\2\1\1\0"s), "a compiled library or object file (ELF)");
  EXPECT_EQ(kindOf("PK\3\4\0\0\0\0archive/data.pkl"s), "a checkpoint of PyTorch");
  EXPECT_EQ(kindOf("PK\3\4\0\0\0\0x.npy"s), "an archive of NumPy arrays");
  EXPECT_EQ(kindOf("PK\3\4\0\0\0\0readme"s), "a zip archive");
  EXPECT_EQ(kindOf("\x80\2}q\0"s), "a pickle of Python, as torch.save writes");
  EXPECT_EQ(kindOf("\x80\4\x95\0\0"s), "a pickle of Python, as torch.save writes");
  EXPECT_EQ(kindOf("\x93NUMPY\1\0"s), "a NumPy array");
  EXPECT_EQ(kindOf("\x89HDF\r\n\x1a\n"s), "an HDF5 file");
  EXPECT_EQ(kindOf("\x1f\x8b\x08"s), "compressed by gzip");
  EXPECT_EQ(kindOf("\x89PNG\r\n\x1a\n"s), "a PNG picture");
  EXPECT_EQ(kindOf("\x20\0\0\0\0\0\0\0{\"w\":"s), "a safetensors file");
  EXPECT_EQ(kindOf("\0\0\x08\x03\0\0"s), "a file of pictures (IDX)");
  EXPECT_EQ(kindOf("ML\xefR\6"s), "bytecode of MLIR");
  EXPECT_EQ(kindOf("\xff\xfes\0n\0"s), "text in UTF-16");
  EXPECT_EQ(kindOf("snn 1\0"s), "not text: it has a zero byte");
}

TEST(FileKind, LeavesTextAlone) {
  EXPECT_EQ(kindOf(""), "");
  EXPECT_EQ(kindOf("snn 1\nmodel m {\n"), "");
  EXPECT_EQ(kindOf("# \xc3\xa4 comment\n"), "");
  EXPECT_EQ(kindOf("{\"a\": 1, \"b\": {}}"), "");
}

TEST(Messages, NothingThatATerminalObeysIsPrintable) {
  EXPECT_EQ(printable("a\tb\n"), "a\tb\n");
  EXPECT_EQ(printable("\x1b[31m\r\a\x7f"), "?[31m???");
  EXPECT_EQ(printable("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(printable("\xc2\x9b"), "??");      // CSI in one character
  EXPECT_EQ(printable("\xe2\x80\xae"), "???"); // right to left from here
  EXPECT_EQ(printable("\xff\xc3("), "?"
                                    "?(");               // no UTF-8
  EXPECT_EQ(printable("\xe2\x82"), "??");                // cut off
  EXPECT_EQ(printable("\xed\xa0\x80\xc0\xaf"), "?????"); // surrogates, overlong
}

TEST(Messages, CharactersMayComeInPieces) {
  std::string text;
  llvm::raw_string_ostream to(text);
  {
    PrintableStream stream(to);
    stream << "one\ntw\xc3";
    EXPECT_EQ(text, "one\n");
    stream << "\xb6\x1b";
  }
  EXPECT_EQ(text, "one\ntw\xc3\xb6?");
}

TEST(ReadText, StopsAtItsLimit) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::thread writer([&] {
    const std::string text(5000, 'x');
    (void)!write(ends[1], text.data(), text.size());
    close(ends[1]);
  });
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> got =
      readText("/proc/self/fd/" + std::to_string(ends[0]), {"a text", 4999});
  writer.join();
  close(ends[0]);
  ASSERT_FALSE(bool(got));
  EXPECT_NE(llvm::toString(got.takeError()).find("has more than 4999 bytes, but a text has at most 4999"),
            std::string::npos);
}

TEST(ReadText, TakesWhatFits) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "snn 1", 5), 5);
  close(ends[1]);
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> got =
      readText("/proc/self/fd/" + std::to_string(ends[0]), {"a text", 5});
  close(ends[0]);
  ASSERT_TRUE(bool(got)) << llvm::toString(got.takeError());
  EXPECT_EQ((*got)->getBuffer(), "snn 1");
}

} // namespace
