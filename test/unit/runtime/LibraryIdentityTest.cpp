// What is opened is what the file holds at that moment, whatever was opened before, is open still or is opened at the
// same time. The models differ in a text of their table and in nothing that the loader looks at.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TestSupport.h"

#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace snn::test;

namespace {

const std::string original = "by hand"; // the tiny model's `compiler`

/// Seven characters that tell variant `number` from the others.
std::string mark(int number) {
  char text[16];
  std::snprintf(text, sizeof(text), "by %04d", number);
  return text;
}

/// The bytes of the tiny model with another text in its table.
std::string variant(int number) {
  std::string bytes = readText(tinyModel("plain"));
  size_t at = bytes.find(original);
  EXPECT_NE(at, std::string::npos);
  EXPECT_EQ(bytes.find(original, at + 1), std::string::npos);
  return bytes.replace(at, original.size(), mark(number));
}

snn_library *opened(const std::string &path) {
  snn_library *library = snn_library_open(path.c_str());
  EXPECT_TRUE(library) << snn_last_error();
  return library;
}

std::string markOf(const snn_library *library) { return library ? snn_library_table(library)->compiler : "no library"; }

class LibraryIdentity : public testing::Test {
protected:
  LibraryIdentity() {
    for (int number : {1, 2})
      writeText(path(number), variant(number));
  }

  std::string path(int number) const { return folder / ("model" + std::to_string(number) + ".so"); }

  TemporaryFolder folder;
};

} // namespace

// The second opening of the first model takes a descriptor, and gives it back to the second model's opening.
TEST_F(LibraryIdentity, ANumberOfADescriptorComesAgain) {
  snn_library *first = opened(path(1)), *again = opened(path(1));
  snn_library_close(again);
  snn_library *second = opened(path(2));
  EXPECT_EQ(markOf(first), mark(1));
  EXPECT_EQ(markOf(second), mark(2));
  snn_library_close(first);
  snn_library_close(second);
}

// A daemon closes all descriptors that it does not know, also ours.
TEST_F(LibraryIdentity, TheHostClosesOurDescriptors) {
  int first = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(first, 0);
  close(first);
  snn_library *old = opened(path(1));
  for (int fd = first; fd < first + 16; ++fd)
    close(fd);
  snn_library *fresh = opened(path(2));
  EXPECT_EQ(markOf(old), mark(1));
  EXPECT_EQ(markOf(fresh), mark(2));
  snn_library_close(fresh);

  // What the host has opened since under those numbers is not ours to close.
  std::vector<int> hosts;
  for (int i = 0; i < 16; ++i)
    hosts.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  snn_library_close(old);
  for (int fd : hosts) {
    EXPECT_NE(fcntl(fd, F_GETFD), -1) << "descriptor " << fd;
    close(fd);
  }
}

TEST_F(LibraryIdentity, AFileIsWrittenAnewInPlace) {
  snn_library *old = opened(path(1));
  writeText(path(1), variant(3)); // truncates and writes the same inode
  snn_library *fresh = opened(path(1));
  EXPECT_EQ(markOf(old), mark(1));
  EXPECT_EQ(markOf(fresh), mark(3));
  EXPECT_EQ(snn_library_table(old)->arena_size(2, 1, 1), 16u) << "the code that is in use has changed";
  writeText(path(1), "");
  EXPECT_EQ(snn_library_table(old)->arena_size(2, 1, 1), 16u) << "the code that is in use has gone";
  EXPECT_EQ(markOf(fresh), mark(3));
  snn_library_close(old);
  snn_library_close(fresh);
}

TEST_F(LibraryIdentity, AFileIsReplacedAgainAndAgain) {
  std::vector<snn_library *> open;
  for (int number = 10; number < 30; ++number) {
    writeText(folder / "next.so", variant(number));
    std::filesystem::rename(folder / "next.so", path(1));
    open.push_back(opened(path(1)));
    EXPECT_EQ(markOf(open.back()), mark(number));
    if (number % 3 == 0) {
      snn_library_close(open.front());
      open.erase(open.begin());
    }
  }
  for (snn_library *library : open)
    snn_library_close(library);
}

TEST_F(LibraryIdentity, OpeningLeavesNoDescriptorBehind) {
  auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  writeText(folder / "text.so", "no model");
  auto before = descriptors();
  for (int i = 0; i < 5; ++i) {
    snn_library_close(opened(path(1)));
    EXPECT_EQ(snn_library_open((folder / "text.so").c_str()), nullptr);
    EXPECT_EQ(snn_library_open(tinyModel("wrong_symbol").c_str()), nullptr);
  }
  EXPECT_EQ(descriptors(), before);
}

// 25 threads open and close 10 libraries 1,250 times. SNN_STRESS=8 makes that 200 threads and 10,000 times.
TEST_F(LibraryIdentity, ManyThreadsOpenAndClose) {
  const char *stress = std::getenv("SNN_STRESS");
  const int factor = stress ? std::atoi(stress) : 1, threads = 25 * factor, rounds = 50, files = 10;
  for (int number = 0; number < files; ++number)
    writeText(path(number), variant(number));
  std::atomic<int> failed{0}, wrong{0}, done{0};
  std::vector<std::thread> workers;
  for (int worker = 0; worker < threads; ++worker)
    workers.emplace_back([&, worker] {
      uint32_t random = uint32_t(worker) * 2654435761u + 1;
      snn_library *kept = nullptr; // lives while the next one is opened
      int keptNumber = 0;
      for (int round = 0; round < rounds; ++round) {
        random = random * 1664525 + 1013904223;
        int number = int((random >> 16) % files);
        snn_library *library = snn_library_open(path(number).c_str());
        if (!library) {
          if (failed.fetch_add(1) == 0)
            ADD_FAILURE() << snn_last_error();
          continue;
        }
        wrong += markOf(library) != mark(number) || (kept && markOf(kept) != mark(keptNumber));
        snn_library_close(kept);
        kept = library;
        keptNumber = number;
        ++done;
      }
      snn_library_close(kept);
    });
  for (std::thread &worker : workers)
    worker.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(done, threads * rounds);
}
