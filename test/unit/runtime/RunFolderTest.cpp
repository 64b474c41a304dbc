// Run folders: who may write to one, when a run replaces another, what dead runs leave. kill-runs.cpp has the kills.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/train/RunFolder.h"
#include "TestSupport.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Files.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/file.h>

using namespace snn;
using namespace snn::test;

namespace {

class RunFolderTest : public testing::Test {
protected:
  std::vector<std::string> names(const std::string &where = "run") {
    std::vector<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(folder / where))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  static RunRecord record(const std::string &model) {
    RunRecord record;
    record.model = model;
    return record;
  }
  /// A run that ended well; `what` is the content of its files.
  void putRun(const std::string &what) {
    std::filesystem::create_directories(path);
    RunFolder(path).writeRecord(record(what));
    for (const std::string &name : {"model.so", "model.snn", "metrics.jsonl", "weights.safetensors"})
      writeText(path + "/" + name, what);
  }
  void expectRun(const std::string &what, bool withText = true) {
    readRun(path, [&](const RunRecord &record, const RunFiles &files) {
      EXPECT_EQ(record.model, what);
      EXPECT_EQ(readText(files.library), what);
      EXPECT_EQ(readText(files.weights), what);
    });
    if (std::filesystem::exists(path + "/.snn-complete"))
      return;
    EXPECT_EQ(readText(path + "/metrics.jsonl"), what);
    EXPECT_EQ(std::filesystem::exists(path + "/model.snn"), withText);
  }
  std::string refusal(bool overwrite = false) {
    return messageOf<DataError>([&] { RunWriter::claim(path, overwrite); });
  }

  TemporaryFolder folder;
  const std::string path = folder / "run";
};

} // namespace

TEST_F(RunFolderTest, OneProcessAtATime) {
  {
    RunWriter first = RunWriter::claim(path, false);
    EXPECT_TRUE(contains(refusal(), "run: another process is training into this folder"));
    EXPECT_TRUE(contains(refusal(true), "another process is training"));
    EXPECT_EQ(RunWriter::claimFresh(path).path(), path + "-2");
    RunWriter moved = std::move(first);
    EXPECT_NE(refusal(), "");
    moved.begin(record("a"));
    EXPECT_NE(refusal(), "") << "the claim ends with the run, not when it begins";
  }
  EXPECT_EQ(refusal(), "");
  EXPECT_FALSE(std::filesystem::exists(path + "-2")) << "what a claim made, and nobody used, stayed";
}

TEST_F(RunFolderTest, AClaimThatComesToNothing) {
  {
    RunWriter writer = RunWriter::claim(path, false);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  std::filesystem::create_directory(path);
  {
    RunWriter writer = RunWriter::claim(path, false);
  }
  EXPECT_TRUE(std::filesystem::exists(path)) << "it was there before";
  putRun("old");
  {
    RunWriter writer = RunWriter::claim(path, true);
    writeText(writer.files().library(), "new");
    writer.begin(record("new"));
    writeText(writer.files().weights(), "new");
    EXPECT_TRUE(writer.replaces());
    expectRun("old");
  }
  expectRun("old");
  EXPECT_EQ(names().size(), 5u);
}

TEST_F(RunFolderTest, WeightsAndMetricsAreNotReplacedUnasked) {
  for (const char *name : {"weights.safetensors", "metrics.jsonl"}) {
    std::filesystem::create_directories(path);
    writeText(path + "/" + name, "");
    EXPECT_TRUE(contains(refusal(), "run: holds a run already; name another folder or say --overwrite")) << name;
    EXPECT_EQ(RunWriter::claimFresh(path).path(), path + "-2");
    EXPECT_EQ(names(), std::vector<std::string>{name});
    std::filesystem::remove_all(path);
  }
  // A run that never had weights is no loss.
  {
    RunWriter::claim(path, false).begin(record("dead"));
  }
  EXPECT_EQ(names(), std::vector<std::string>{"run.json"});
  EXPECT_EQ(refusal(), "");
}

TEST_F(RunFolderTest, ARunReplacesAnotherAsAWhole) {
  putRun("old");
  RunWriter writer = RunWriter::claim(path, true);
  writeText(writer.files().library(), "new");
  writer.begin(record("new"));
  writeText(writer.files().weights(), "new");
  writeText(writer.files().metrics(), "new");
  expectRun("old");
  writer.publish();
  EXPECT_EQ(writer.files().path(), path);
  expectRun("new", /*withText=*/false);
  writer.publish();
  EXPECT_EQ(names(), (std::vector<std::string>{"metrics.jsonl", "model.so", "run.json", "weights.safetensors"}));
}

TEST_F(RunFolderTest, SomebodysTextStays) {
  std::filesystem::create_directory(path);
  writeText(path + "/model.snn", "mine");
  RunWriter::claim(path, false).begin(record("new"));
  EXPECT_EQ(readText(path + "/model.snn"), "mine");
}

TEST_F(RunFolderTest, WhatCannotBeReplacedIsFoundFirst) {
  putRun("old");
  std::filesystem::remove(path + "/model.so");
  std::filesystem::create_directory(path + "/model.so");
  RunWriter writer = RunWriter::claim(path, true);
  writer.begin(record("new"));
  writeText(writer.files().weights(), "new");
  EXPECT_TRUE(
      contains(messageOf<WriteError>([&] { writer.publish(); }), "model.so: cannot be replaced: it is a folder"));
  EXPECT_EQ(readText(path + "/weights.safetensors"), "old");
}

TEST_F(RunFolderTest, WhatDeadRunsLeftIsRemoved) {
  putRun("old");
  std::filesystem::create_directories(path + "/.snn-incoming-12-0/deeper");
  for (const char *name : {".weights.safetensors.snn-12-0.tmp", ".run.json.snn-1-99.tmp", ".weights.safetensors.tmp",
                           ".weights.safetensors.snn-x.tmp", ".model.so.snn-7-0.tmp", "mine"})
    writeText(path + "/" + name, "");
  Descriptor live(open((path + "/.model.so.snn-7-0.tmp").c_str(), O_RDONLY));
  ASSERT_EQ(flock(live.get(), LOCK_EX), 0);
  {
    RunWriter writer = RunWriter::claim(path, true);
  }
  expectRun("old");
  EXPECT_EQ(names(), (std::vector<std::string>{".model.so.snn-7-0.tmp", ".weights.safetensors.snn-x.tmp",
                                               ".weights.safetensors.tmp", "metrics.jsonl", "mine", "model.snn",
                                               "model.so", "run.json", "weights.safetensors"}));
}

// As if a process had been killed after each step of its way.
TEST_F(RunFolderTest, WhatADeadRunDecidedIsFinished) {
  const std::vector<std::string> files = {"weights.safetensors", "metrics.jsonl", "model.snn", "model.so", "run.json"};
  for (size_t moved = 0; moved <= files.size(); ++moved) {
    std::filesystem::remove_all(path);
    putRun("new");
    std::filesystem::rename(path, folder / "next");
    writeText(folder / "next/model.snn", ""); // the old run's is to go
    putRun("old");
    std::filesystem::rename(folder / "next", path + "/.snn-complete");
    for (size_t i = 0; i < moved; ++i)
      if (files[i] == "model.snn") {
        std::filesystem::remove(path + "/model.snn");
        std::filesystem::remove(path + "/.snn-complete/model.snn");
      } else {
        std::filesystem::rename(path + "/.snn-complete/" + files[i], path + "/" + files[i]);
      }
    expectRun("new");
    EXPECT_TRUE(contains(refusal(), "holds a run already"));
    {
      RunWriter writer = RunWriter::claim(path, true);
    }
    expectRun("new", /*withText=*/false);
    EXPECT_EQ(names(), (std::vector<std::string>{"metrics.jsonl", "model.so", "run.json", "weights.safetensors"}));
  }
}

TEST_F(RunFolderTest, AReaderSeesOneRun) {
  putRun("old");
  std::string weights;
  int reads = 0;
  readRun(path, [&](const RunRecord &record, const RunFiles &files) {
    if (reads++ == 0)
      putRun("new");
    weights = readText(files.weights);
    EXPECT_TRUE(reads == 1 || record.model == "new");
    if (reads == 1)
      throw DataError("as if the model did not fit the record");
  });
  EXPECT_EQ(reads, 2);
  EXPECT_EQ(weights, "new");
  EXPECT_EQ(messageOf<DataError>([&] { readRun(path, [](auto &, auto &) { throw DataError("lasting"); }); }),
            "lasting");
}

TEST_F(RunFolderTest, FoldersThatCannotBe) {
  writeText(folder / "file", "");
  EXPECT_TRUE(contains(messageOf<WriteError>([&] { RunWriter::claim(folder / "file", false); }), "cannot be created"));
  EXPECT_TRUE(
      contains(messageOf<WriteError>([&] { RunWriter::claim("/proc/nothing/run", false); }), "/proc/nothing/run"));
  std::filesystem::create_directory(folder / "real");
  std::filesystem::create_directory_symlink("real", path);
  RunWriter::claim(path, false).begin(record("linked"));
  EXPECT_EQ(names("real"), std::vector<std::string>{"run.json"});
}
