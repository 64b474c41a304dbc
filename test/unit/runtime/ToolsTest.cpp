// snn-train and snn-run as programs: results, messages, exit statuses.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TestArrays.h"
#include "TestSupport.h"
#include "runtime/data/Safetensors.h"
#include "runtime/train/Model.h"

#include <cmath>
#include <csignal>
#include <cstdio>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tuple>
#include <unistd.h>

using namespace snn;
using namespace snn::test;
using namespace std::string_literals;

namespace {

struct Outcome {
  int status;
  std::string out, err;
};

class ToolsTest : public testing::Test {
protected:
  Outcome run(const std::string &command) {
    int code = std::system((command + " > " + (folder / "stdout") + " 2> " + (folder / "stderr")).c_str());
    return {WEXITSTATUS(code), readText(folder / "stdout"), readText(folder / "stderr")};
  }
  Outcome train(const std::string &arguments) { return run(SNN_TRAIN " "s + arguments); }
  Outcome runTool(const std::string &arguments) {
    return run(SNN_RUN " "s + tinyModel("plain") + " " + (folder / "in") + " -o " + (folder / "out") + " " + arguments);
  }
  /// A process whose output goes to the file "child".
  pid_t start(const std::vector<std::string> &words) {
    pid_t child = fork();
    if (child != 0)
      return child;
    std::vector<char *> arguments;
    for (const std::string &word : words)
      arguments.push_back(const_cast<char *>(word.c_str()));
    arguments.push_back(nullptr);
    if (std::freopen((folder / "child").c_str(), "w", stdout) && dup2(STDOUT_FILENO, STDERR_FILENO) >= 0)
      execv(arguments[0], arguments.data());
    _exit(127);
  }
  /// Of a process; the negative number of the signal that ended it.
  static int exitStatus(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  /// Not ours to wait for: it may stay in the list of processes until somebody asks for its status.
  static bool hasEnded(pid_t process) {
    const std::string status = readText("/proc/" + std::to_string(process) + "/stat");
    return status.empty() || contains(status, ") Z ");
  }
  template <typename Condition> static bool waitFor(Condition &&condition) {
    for (int i = 0; i < 1000 && !condition(); ++i)
      usleep(10000);
    return condition();
  }
  /// An snnc beside a copy of snn-train.
  void compilerThat(const std::string &commands) {
    std::filesystem::create_directories(folder / "bin");
    std::filesystem::copy_file(SNN_TRAIN, folder / "bin/snn-train", std::filesystem::copy_options::skip_existing);
    writeText(folder / "bin/snnc", "#!/bin/sh\necho $$ > " + (folder / "pid") + "\n" + commands + "\n");
    std::filesystem::permissions(folder / "bin/snnc", std::filesystem::perms::owner_all);
    writeText(folder / "model.snn", "snn 1\n");
  }
  pid_t startCompiling() {
    return start({folder / "bin/snn-train", folder / "model.snn", "--data=" + folder.path(), "--epochs=1",
                  "--out=" + (folder / "run"), "--overwrite"});
  }
  pid_t compilerProcess() { return pid_t(std::stoi("0" + readText(folder / "pid"))); }

  TensorFile result() { return TensorFile::read(folder / "out"); }
  std::vector<double> numbers(const std::string &name) {
    TensorFile file = result();
    const StoredTensor *tensor = file.find(name);
    EXPECT_TRUE(tensor) << name;
    return tensor ? numbersOf(*tensor, name) : std::vector<double>();
  }

  /// 120 training and 50 test images; class c has a bright row c.
  void writeDataset() {
    for (auto [prefix, count] : {std::pair{"train", 120}, {"t10k", 50}}) {
      std::string images = "\0\0\x08\x03\0\0\0"s + char(count) + "\0\0\0\x1c\0\0\0\x1c"s;
      std::string labels = "\0\0\x08\x01\0\0\0"s + char(count);
      for (int i = 0; i < count; ++i) {
        std::string image(784, '\0');
        image.replace(size_t(i % 10) * 28, 28, 28, char(0xff));
        images += image;
        labels += char(i % 10);
      }
      writeText(folder / (prefix + "-images-idx3-ubyte"s), images);
      writeText(folder / (prefix + "-labels-idx1-ubyte"s), labels);
    }
  }

  struct Tensors {
    std::vector<float> weight = {0.5f, -0.25f, 1, 0.75f, 0.5f, -1}, bias = {0.1f, -0.2f};
    std::vector<float> input = {1, 2, 3, 0.5f, 1, 1.5f, -1, 0, 1, 2, 2, 2}; // [T = 2, B = 2, 3]
    std::vector<int64_t> labels = {0, 1};
    std::vector<TensorToWrite> list() const {
      return {{"1.weight", ElementType::F32, {2, 3}, std::as_bytes(std::span(weight))},
              {"1.bias", ElementType::F32, {2}, std::as_bytes(std::span(bias))},
              {"input", ElementType::F32, {2, 2, 3}, std::as_bytes(std::span(input))},
              {"labels", ElementType::I64, {2}, std::as_bytes(std::span(labels))}};
    }
  };

  /// [sample, time, 3] or [time, sample, 3], and the class of each sample: whether its first numbers are large.
  std::pair<std::string, std::string> series(int samples, int steps, bool timeFirst) {
    std::vector<float> values(size_t(samples * steps * 3));
    std::vector<int16_t> classes;
    for (int sample = 0; sample < samples; ++sample) {
      classes.push_back(int16_t(sample * 5 % 7 % 2));
      for (int step = 0; step < steps; ++step)
        for (int k = 0; k < 3; ++k) {
          int place = (timeFirst ? step * samples + sample : sample * steps + step) * 3 + k;
          values[size_t(place)] =
              float((sample * 31 + step * 17 + k * 7) % 11) / 20 + (k == 0 && classes.back() ? 1 : 0);
        }
    }
    const std::string shape = timeFirst ? "(" + std::to_string(steps) + ", " + std::to_string(samples)
                                        : "(" + std::to_string(samples) + ", " + std::to_string(steps);
    return {npy("<f4", shape + ", 3)", bytesOf(values)),
            npy("<i2", "(" + std::to_string(samples) + ",)", bytesOf(classes))};
  }

  TemporaryFolder folder;
};

} // namespace

TEST_F(ToolsTest, HelpStartsWithExamples) {
  for (const char *tool : {SNN_TRAIN, SNN_RUN}) {
    Outcome outcome = run(tool + " --help"s);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.out.rfind("Examples:", 0), 0u) << outcome.out;
  }
}

TEST_F(ToolsTest, BadCommandLines) {
  writeDataset();
  const std::string data = " --data=" + folder.path();
  for (const std::string &arguments :
       {""s, "--nonsense"s, "m.so --batch=0"s, "m.so --epochs=x"s, "eval"s,
        tinyModel("u8") + data + " --lr=nan --out=" + (folder / "n"),
        tinyModel("u8") + data + " --lr=-1 --out=" + (folder / "r"), tinyModel("u8") + " --hyper lr",
        tinyModel("u8") + data + " --hyper rate=1 --out=" + (folder / "a"),
        tinyModel("u8") + " -D a=1 --out=" + (folder / "b"),
        tinyModel("u8") + data + " --steps=2 --out=" + (folder / "s"),
        tinyModel("u8") + data + " --validation=1 --out=" + (folder / "v"),
        tinyModel("u8") + data + " --validation=0 --out=" + (folder / "v")}) {
    Outcome outcome = train(arguments);
    EXPECT_EQ(outcome.status, 2) << arguments << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "snn-train: error: "));
  }
  EXPECT_EQ(runTool("--gradients --steps-of-training=2").status, 2);
  EXPECT_EQ(runTool("--hyper lr=nan").status, 2);
}

TEST_F(ToolsTest, TrainAndEvaluate) {
  writeDataset();
  const std::string data = " --data=" + folder.path(), out = " --out=" + (folder / "run");
  Outcome outcome = train(tinyModel("u8") + data + out + " --epochs=3 --batch=50 --lr=0.2 --seed=4 --threads=2");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "epoch   2  loss "));
  EXPECT_EQ(outcome.out.find('\r'), std::string::npos) << "a progress bar without a terminal";
  const std::string metrics = readText(folder / "run/metrics.jsonl"), record = readText(folder / "run/run.json");
  EXPECT_EQ(std::count(metrics.begin(), metrics.end(), '\n'), 3);
  EXPECT_EQ(metrics.rfind("{\"epoch\":0,\"train_loss\":", 0), 0u);
  for (const char *key : {"\"command_line\"", "\"compiler\": \"by hand\"", "\"target\": \"any\"", "\"seed\": 4",
                          "\"lr\": 0.2", "\"threads\": 2"})
    EXPECT_TRUE(contains(record, key));

  Outcome evaluated = train("eval " + (folder / "run"));
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  EXPECT_TRUE(contains(evaluated.out, " of 50)"));
  // "test accuracy xx.xx %" is the same text in both.
  std::string accuracy = evaluated.out.substr(14, 6);
  EXPECT_TRUE(contains(outcome.out.substr(outcome.out.find("epoch   2")), accuracy.substr(0, accuracy.find(' '))));

  Outcome again = train(tinyModel("u8") + data + out);
  EXPECT_EQ(again.status, 1);
  EXPECT_TRUE(contains(again.err, "holds a run already"));
  EXPECT_EQ(train(tinyModel("u8") + data + out + " --overwrite --epochs=1 --weights=" + (folder / "w")).status, 1);
}

TEST_F(ToolsTest, ArraysThatVaryOverTime) {
  auto [input, labels] = series(60, 4, false);
  auto [testInput, testLabels] = series(20, 6, false);
  writeText(folder / "data.npz", zipOf({{"x_train.npy", input, true},
                                        {"y_train.npy", labels},
                                        {"x_test.npy", testInput},
                                        {"y_test.npy", testLabels, true}}));
  const std::string common = tinyModel("full") + " --epochs=20 --batch=8 --seed=4 --validation=0.25 --out=";
  Outcome outcome = train(common + (folder / "run") + " --threads=2 --data=" + (folder / "data.npz"));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "45 training, 15 validation and 20 test samples, batch 8, 4 time steps"));
  EXPECT_TRUE(contains(outcome.out, "  validation accuracy "));
  EXPECT_TRUE(contains(outcome.out, "  validation largest "));
  const std::string metrics = readText(folder / "run/metrics.jsonl");
  EXPECT_EQ(std::count(metrics.begin(), metrics.end(), '\n'), 21) << "the test has a line of its own";
  double first = 0, last = 0;
  std::sscanf(metrics.c_str(), "{\"epoch\":0,\"train_loss\":%lf", &first);
  std::sscanf(metrics.c_str() + metrics.find("{\"epoch\":19,"), "{\"epoch\":19,\"train_loss\":%lf", &last);
  EXPECT_LT(last, 0.5 * first);
  for (const char *key : {"\"train_metrics\":{\"largest\":", "\"validation_loss\":", "\"validation_accuracy\":",
                          "\"validation_metrics\":{\"largest\":", "{\"epoch\":19,\"test_loss\":"})
    EXPECT_TRUE(contains(metrics, key));
  EXPECT_FALSE(contains(metrics.substr(0, metrics.find('\n')), "test"));

  // eval repeats the last line, its own data are the test.
  const std::string result = outcome.out.substr(outcome.out.find("\ntest accuracy ") + 1);
  Outcome evaluated = train("eval " + (folder / "run"));
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  EXPECT_TRUE(contains(evaluated.out, " of 20)\ntest loss "));
  EXPECT_EQ(result.rfind(evaluated.out, 0), 0u) << evaluated.out;
  EXPECT_TRUE(contains(train("eval " + (folder / "run") + " --data=" + (folder / "data.npz")).out, " of 20)"));

  // Another order of axes and other files, the same bits.
  std::filesystem::create_directories(folder / "arrays");
  std::tie(input, labels) = series(60, 4, true);
  writeText(folder / "arrays/input.npy", input);
  writeText(folder / "labels.npy", labels);
  Outcome again = train(common + (folder / "again") + " --threads=1 --time-first --data=" + (folder / "arrays") +
                        " --data=" + (folder / "labels.npy"));
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_TRUE(contains(again.out, "45 training and 15 validation samples"));
  EXPECT_EQ(readText(folder / "again/weights.safetensors"), readText(folder / "run/weights.safetensors"));
  EXPECT_TRUE(contains(train("eval " + (folder / "again")).out, " of 15)")) << "the samples that were put aside";
  std::tie(input, labels) = series(15, 4, true);
  writeText(folder / "arrays/input.npy", input);
  writeText(folder / "labels.npy", labels);
  EXPECT_TRUE(contains(train("eval " + (folder / "again")).err, "has 15 samples, but the run put 15 of them aside"));
}

TEST_F(ToolsTest, PartsFromOtherFiles) {
  for (auto [name, samples, steps] : {std::tuple{"a.npz", 30, 4}, {"b.npz", 10, 2}, {"c.npz", 12, 5}}) {
    auto [input, labels] = series(samples, steps, false);
    writeText(folder / name, zipOf({{"input.npy", input}, {"labels.npy", labels}}));
  }
  const std::string rest = " --epochs=1 --data=" + (folder / "a.npz") + " --out=";
  Outcome outcome = train(tinyModel("plain") + rest + (folder / "none"));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "30 training samples, "));
  EXPECT_TRUE(contains(train("eval " + (folder / "none")).err, "no data for a test; name them with --data"));
  EXPECT_TRUE(contains(train("eval " + (folder / "none") + " --data=" + (folder / "c.npz")).out, " of 12)"));
  outcome = train(tinyModel("plain") + rest + (folder / "all") + " --validation=" + (folder / "b.npz") +
                  " --test=" + (folder / "c.npz"));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "30 training, 10 validation and 12 test samples"));
  EXPECT_TRUE(contains(train("eval " + (folder / "all")).out, " of 12)"));

  EXPECT_EQ(train(tinyModel("plain") + rest + (folder / "d") + " --steps=3").status, 2) << "the data have 4";
  outcome = train(tinyModel("plain") + rest + (folder / "d") + " --test=" + (folder / "missing.npz"));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.err, "missing.npz: cannot be opened"));
  EXPECT_FALSE(std::filesystem::exists(folder / "d"));
}

TEST_F(ToolsTest, ModelsInTextFormAreCompiledByTheCompilerBesideOrOnPath) {
  writeDataset();
  std::filesystem::copy_file(SNN_TRAIN, folder / "snn-train");
  writeText(folder / "model.snn", "snn 1\n");
  const std::string command = (folder / "snn-train") + " " + (folder / "model.snn") + " --data=" + folder.path() +
                              " --epochs=1 -D hidden=3 -D other=4 --out=" + (folder / "run");
  Outcome outcome = run(command);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(
      contains(outcome.err, "snnc: cannot be found: it is neither in " + folder.path() + " nor in a folder of PATH"));

  writeText(folder / "snnc",
            "#!/bin/sh\necho \"$@\" > " + (folder / "arguments") + "\ncp " + tinyModel("u8") + " \"$3\"\n");
  std::filesystem::permissions(folder / "snnc", std::filesystem::perms::owner_all);
  outcome = run(command);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const std::string words = readText(folder / "arguments");
  EXPECT_EQ(words.rfind((folder / "model.snn") + " -o " + (folder / "run/."), 0), 0u) << words;
  EXPECT_TRUE(contains(words, "/model.so -D hidden=3 -D other=4\n"));
  EXPECT_EQ(readText(folder / "run/model.snn"), "snn 1\n");

  writeText(folder / "snnc", "#!/bin/sh\nexit 70\n");
  EXPECT_EQ(run(command + "2").status, 70);
  std::filesystem::create_directories(folder / "path");
  std::filesystem::rename(folder / "snnc", folder / "path/snnc");
  EXPECT_EQ(run("PATH=:/nowhere:" + (folder / "path") + ":$PATH " + command + "2").status, 70);
}

TEST_F(ToolsTest, TheModelMayLieInTheRunFolder) {
  writeDataset();
  std::filesystem::copy_file(tinyModel("u8"), folder / "model.so");
  const std::string arguments =
      (folder / "model.so") + " --epochs=1 --data=" + folder.path() + " --out=" + folder.path();
  EXPECT_EQ(train(arguments).status, 0);
  EXPECT_EQ(train(arguments).status, 1);
  EXPECT_EQ(train(arguments + " --overwrite").status, 0);
}

TEST_F(ToolsTest, StandardOutputThatCannotBeWritten) {
  writeDataset();
  int code = std::system((SNN_TRAIN " "s + tinyModel("u8") + " --data=" + folder.path() + " --out=" + (folder / "run") +
                          " > /dev/full 2> /dev/null")
                             .c_str());
  EXPECT_EQ(WEXITSTATUS(code), 74);
}

TEST_F(ToolsTest, EvaluationFindsBadWeights) {
  writeDataset();
  ASSERT_EQ(train(tinyModel("u8") + " --data=" + folder.path() + " --out=" + (folder / "run")).status, 0);
  const std::string good = readText(folder / "run/weights.safetensors");
  writeText(folder / "run/weights.safetensors", good.substr(0, good.size() / 2));
  Outcome outcome = train("eval " + (folder / "run"));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.err, "is not a valid safetensors file"));
  EXPECT_TRUE(contains(train("eval " + folder.path()).err, "is not a run folder"));
  writeText(folder / "run/run.json", "{}");
  EXPECT_TRUE(contains(train("eval " + (folder / "run")).err, "run.json: is damaged"));
}

TEST_F(ToolsTest, TrainErrors) {
  Outcome outcome = train(tinyModel("u8") + " --data=" + folder.path() + " --out=" + (folder / "a"));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.err, "has no file t10k-images-idx3-ubyte.gz"));
  outcome = train("missing.so --out=" + (folder / "b"));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.err, "missing.so: there is no such model file"));
  EXPECT_EQ(train(tinyModel("other_abi") + " --out=" + (folder / "c")).status, 1);
  EXPECT_EQ(train(tinyModel("infer") + " --out=" + (folder / "d")).status, 1);
  EXPECT_EQ(train(tinyModel("u8") + " --out=/proc/nothing/run").status, 74);
}

TEST_F(ToolsTest, SignalsLeaveTheLastCompleteEpoch) {
  writeDataset();
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    pid_t child = start({SNN_TRAIN, tinyModel("u8"), "--data=" + folder.path(), "--out=" + (folder / "run"),
                         "--epochs=1000000", "--overwrite"});
    const std::string metrics = folder / "run/metrics.jsonl";
    ASSERT_TRUE(waitFor([&] { return readText(metrics).find("\"epoch\":3,") != std::string::npos; }));
    // Two runs in one folder would mix their files.
    Outcome second = train(tinyModel("u8") + " --data=" + folder.path() + " --overwrite --out=" + (folder / "run"));
    EXPECT_EQ(second.status, 1);
    EXPECT_TRUE(contains(second.err, "run: another process is training into this folder"));
    EXPECT_EQ(train("eval " + (folder / "run")).status, 0) << "a run that is not over can be evaluated";
    kill(child, number);
    kill(child, number); // as timeout(1) does
    EXPECT_EQ(exitStatus(child), 128 + number);
    EXPECT_TRUE(contains(readText(folder / "child"), "interrupted in epoch "));
    EXPECT_EQ(train("eval " + (folder / "run")).status, 0);
    std::filesystem::remove_all(folder / "run");
  }
}

// Not the beginning of a run replaces what was there, but the weights of its first epoch.
TEST_F(ToolsTest, ARunThatComesToNothingLosesNothing) {
  writeDataset();
  const std::string arguments = tinyModel("u8") + " --epochs=1 --data=" + folder.path() + " --out=" + (folder / "run");
  ASSERT_EQ(train(arguments).status, 0);
  std::filesystem::copy(folder / "run", folder / "kept");
  Outcome outcome = train(arguments + " --seed=5 --lr=1e38 --overwrite");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.err, "a smaller learning rate may help"));
  EXPECT_EQ(run("diff -r " + (folder / "run") + " " + (folder / "kept")).out, "");
}

TEST_F(ToolsTest, ASecondSignalEndsAtOnce) {
  writeDataset();
  compilerThat("trap '' TERM\necho > " + (folder / "started") + "\nwhile :; do sleep 0.01; done");
  pid_t child = startCompiling();
  ASSERT_TRUE(waitFor([&] { return std::filesystem::exists(folder / "started"); }));
  kill(child, SIGTERM);
  usleep(300000);
  EXPECT_EQ(waitpid(child, nullptr, WNOHANG), 0) << "the compiler does not end, so it waits";
  kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
  kill(compilerProcess(), SIGKILL);
}

// The compiler ends with the program that called it, and the old run stays.
TEST_F(ToolsTest, SignalsEndTheCompiler) {
  writeDataset();
  ASSERT_EQ(train(tinyModel("u8") + " --data=" + folder.path() + " --epochs=1 --out=" + (folder / "run")).status, 0);
  const std::string weights = readText(folder / "run/weights.safetensors");
  compilerThat("echo > " + (folder / "started") + "\nexec sleep 100");
  for (int number : {SIGTERM, SIGINT, SIGHUP, SIGKILL}) {
    std::filesystem::remove(folder / "started");
    pid_t child = startCompiling();
    ASSERT_TRUE(waitFor([&] { return std::filesystem::exists(folder / "started"); }));
    const pid_t compiler = compilerProcess();
    ASSERT_GT(compiler, 0);
    kill(child, number);
    EXPECT_EQ(exitStatus(child), number == SIGKILL ? -SIGKILL : 128 + number);
    EXPECT_TRUE(waitFor([&] { return hasEnded(compiler); })) << "snnc still runs after signal " << number;
    EXPECT_EQ(readText(folder / "run/weights.safetensors"), weights);
  }
  compilerThat("exec cp " + tinyModel("u8") + " \"$3\"");
  EXPECT_EQ(exitStatus(startCompiling()), 0);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "run"), {}), 5) << "something was left";
}

TEST_F(ToolsTest, ACompilerThatIsKilled) {
  writeDataset();
  compilerThat("kill -9 $$");
  EXPECT_EQ(exitStatus(startCompiling()), 137);
  EXPECT_TRUE(contains(readText(folder / "child"), "snnc: was ended by signal 9 (Killed) while it compiled "));
}

TEST_F(ToolsTest, PipesAreNotWaitedFor) {
  writeDataset();
  ASSERT_EQ(mkfifo((folder / "pipe.so").c_str(), 0600), 0);
  ASSERT_EQ(mkfifo((folder / "pipe.snn").c_str(), 0600), 0);
  const std::string limited = "timeout 10 " SNN_TRAIN " ",
                    rest = " --data=" + folder.path() + " --out=" + (folder / "r");
  for (const std::string &arguments : {(folder / "pipe.so") + rest, (folder / "pipe.snn") + rest,
                                       tinyModel("u8") + rest + " --weights=" + (folder / "pipe.so")}) {
    Outcome outcome = run(limited + arguments);
    EXPECT_EQ(outcome.status, 1) << arguments;
    EXPECT_TRUE(contains(outcome.err, ": is not a regular file"));
  }
  std::filesystem::rename(folder / "pipe.so", folder / "t10k-images-idx3-ubyte");
  EXPECT_EQ(run(limited + tinyModel("u8") + rest).status, 1);
  EXPECT_EQ(
      run("timeout 10 " SNN_RUN " "s + tinyModel("plain") + " " + (folder / "pipe.snn") + " -o " + (folder / "out"))
          .status,
      1);
  EXPECT_FALSE(std::filesystem::exists(folder / "r"));
}

TEST_F(ToolsTest, WithoutMemory) {
  writeDataset();
  const std::string rest = " --data=" + folder.path() + " --out=" + (folder / "r");
  Outcome outcome = run("ulimit -v 400000; " SNN_TRAIN " "s + tinyModel("u8") + rest + " --batch=16777216");
  EXPECT_EQ(outcome.status, 71);
  EXPECT_TRUE(contains(outcome.err, ": the model takes "));
  EXPECT_TRUE(contains(outcome.err, " bytes for 16777216 samples at once and 1 time steps"));
  std::filesystem::copy_file(tinyModel("u8"), folder / "large.so");
  std::filesystem::resize_file(folder / "large.so", 1 << 30);
  outcome = run("ulimit -v 400000; " SNN_TRAIN " "s + (folder / "large.so") + rest);
  EXPECT_EQ(outcome.status, 71);
  EXPECT_TRUE(contains(outcome.err, "large.so: has 1073741824 bytes, for which there is not enough memory"));

  // Where nobody knows what was wanted: the file fits once, but not twice.
  std::string header = R"({"input":{"dtype":"F32","shape":[1,8388608,3],"data_offsets":[0,100663296]}})";
  header.resize(128, ' ');
  writeText(folder / "in", "\x80\0\0\0\0\0\0\0"s + header);
  std::filesystem::resize_file(folder / "in", 8 + 128 + 100663296);
  outcome = run("ulimit -v 180000; " SNN_RUN " "s + tinyModel("plain") + " " + (folder / "in") + " -o " +
                (folder / "out") + " --threads=1");
  EXPECT_EQ(outcome.status, 71);
  EXPECT_TRUE(contains(outcome.err, "snn-run: error: out of memory: "));
  EXPECT_TRUE(contains(outcome.err, "the limit of this process is 175 MiB"));
}

TEST_F(ToolsTest, EvaluationWantsWeightsOfThisModel) {
  writeDataset();
  ASSERT_EQ(train(tinyModel("u8") + " --data=" + folder.path() + " --out=" + (folder / "a")).status, 0);
  ASSERT_EQ(train(tinyModel("u8_other") + " --data=" + folder.path() + " --out=" + (folder / "b")).status, 0);
  std::filesystem::copy_file(folder / "a/weights.safetensors", folder / "b/weights.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(
      contains(train("eval " + (folder / "b")).err,
               "weights.safetensors: belongs to a model with hash 1234567890abcdef, but that of this run has "));
  std::filesystem::remove(folder / "b/weights.safetensors");
  EXPECT_TRUE(contains(train("eval " + (folder / "b")).err, "b: has no weights"));
}

TEST_F(ToolsTest, RunForwardLossAndGradients) {
  writeSafetensors(folder / "in", Tensors().list());
  ASSERT_EQ(runTool("--gradients --threads=2").status, 0);
  EXPECT_EQ(result().find("spikes")->shape, (std::vector<int64_t>{2, 2, 2}));
  EXPECT_EQ(result().find("grad.input")->shape, (std::vector<int64_t>{2, 2, 3}));
  EXPECT_EQ(result().find("grad.1.weight")->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(result().find("loss")->shape.size(), 0u);
  // Sample 0: mean over t of its inputs is (0, 1, 2), so the currents are 1.85 and -1.7.
  double error = 2.0 / 4 * (1.85 - 1), other = 2.0 / 4 * -1.7;
  EXPECT_NEAR(numbers("grad.input")[0], (error * 0.5 + other * 0.75) / 2, 1e-6);
  double loss = numbers("loss")[0];

  ASSERT_EQ(runTool("").status, 0);
  EXPECT_EQ(numbers("loss")[0], loss);
  EXPECT_FALSE(result().find("grad.1.weight"));
  EXPECT_FALSE(result().find("grad.input"));
  std::vector<double> membrane = numbers("membrane"), count = numbers("count");
  ASSERT_EQ(runTool("--streaming").status, 0);
  EXPECT_EQ(numbers("membrane"), membrane);
  EXPECT_EQ(numbers("count"), count);
}

TEST_F(ToolsTest, RunWithoutLabels) {
  Tensors tensors;
  std::vector<TensorToWrite> list = tensors.list();
  list.pop_back();
  writeSafetensors(folder / "in", list);
  ASSERT_EQ(runTool("").status, 0);
  EXPECT_TRUE(result().find("membrane"));
  EXPECT_FALSE(result().find("loss"));
  Outcome outcome = runTool("--gradients");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(contains(outcome.err, "has no tensor \"labels\""));
  EXPECT_TRUE(contains(runTool("--steps-of-training=2").err, "has no labels for training step 0"));
}

TEST_F(ToolsTest, RunTrainingSteps) {
  Tensors tensors;
  writeSafetensors(folder / "in", tensors.list());
  ASSERT_EQ(runTool("--steps-of-training=5 --hyper lr=0.05").status, 0);
  std::vector<double> losses = numbers("losses");
  ASSERT_EQ(losses.size(), 5u);
  EXPECT_LT(losses[4], losses[0]);
  EXPECT_NE(numbers("1.bias")[0], double(tensors.bias[0]));

  std::vector<TensorToWrite> list = tensors.list();
  std::vector<int64_t> one = {1};
  list.push_back({"batch.1.input", ElementType::F32, {2, 1, 3}, std::as_bytes(std::span(tensors.input).first(6))});
  list.push_back({"batch.1.labels", ElementType::I64, {1}, std::as_bytes(std::span(one))});
  writeSafetensors(folder / "in", list);
  ASSERT_EQ(runTool("--steps-of-training=3 --hyper lr=0.05").status, 0);
  EXPECT_EQ(numbers("losses")[0], losses[0]);
  EXPECT_NE(numbers("losses")[1], losses[1]);
}

TEST_F(ToolsTest, RunErrors) {
  Tensors tensors;
  auto failure = [&](size_t index, TensorToWrite tensor) {
    std::vector<TensorToWrite> list = tensors.list();
    list[index] = std::move(tensor);
    writeSafetensors(folder / "in", list);
    Outcome outcome = runTool("");
    EXPECT_EQ(outcome.status, 1);
    return outcome.err;
  };
  std::vector<uint8_t> bytes(12);
  auto input = std::as_bytes(std::span(tensors.input));
  EXPECT_TRUE(contains(failure(2, {"input", ElementType::U8, {2, 2, 3}, std::as_bytes(std::span(bytes))}),
                       "tensor \"input\" has dtype U8, but the model takes F32"));
  EXPECT_TRUE(contains(failure(2, {"input", ElementType::F32, {4, 3}, input}),
                       "has shape [4, 3], but the model takes [T, B, 3]"));
  EXPECT_TRUE(contains(failure(2, {"input", ElementType::F32, {1, 4, 3}, input}), "has 2 samples, but others have 4"));
  writeSafetensors(folder / "in", tensors.list());
  EXPECT_TRUE(contains(runTool("--steps=3").err, "has 2 time steps, expected 3"));
  EXPECT_TRUE(contains(failure(2, {"x", ElementType::F32, {2, 2, 3}, input}), "has no tensor \"input\""));
  EXPECT_TRUE(contains(failure(0, {"weight", ElementType::F32, {2, 3}, std::as_bytes(std::span(tensors.weight))}),
                       "these weights belong to another model"));
  tensors.input[7] = NAN;
  EXPECT_TRUE(contains(failure(2, tensors.list()[2]), "has a NaN or an infinity"));
  tensors.input[7] = 0;
  tensors.labels[1] = 2;
  EXPECT_TRUE(contains(failure(2, tensors.list()[2]), "row 1 of the batch has label 2"));
}

TEST_F(ToolsTest, RunCannotWrite) {
  writeSafetensors(folder / "in", Tensors().list());
  EXPECT_EQ(run(SNN_RUN " "s + tinyModel("plain") + " " + (folder / "in") + " -o /dev/full").status, 74);
  EXPECT_EQ(run(SNN_RUN " "s + tinyModel("plain") + " " + (folder / "in") + " -o " + (folder / "no/out")).status, 74);
}
