// Runs snn-train on a data set of noise, whose accuracies tell one run from another.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Trial.h"
#include "runtime/data/Safetensors.h"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <random>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace snn::test;
using namespace std::string_literals;

std::vector<Run> snn::test::prefixes(const Run &run) {
  std::vector<Run> runs;
  for (unsigned epochs = std::min(run.epochs, 1u); epochs <= run.epochs; ++epochs)
    runs.push_back({run.model, run.seed, epochs});
  return runs;
}

Lab::Lab(const std::string &train) : trainer(folder / "bin/snn-train") {
  std::mt19937 random(1);
  for (auto [prefix, count] : {std::pair{"train", 100}, {"t10k", 1000}}) {
    const std::string size = "\0\0"s + char(count / 256) + char(count % 256);
    std::string images = "\0\0\x08\x03"s + size + "\0\0\0\x1c\0\0\0\x1c"s, labels = "\0\0\x08\x01"s + size;
    for (int i = 0; i < count; ++i) {
      for (int pixel = 0; pixel < 784; ++pixel)
        images += char(random() % 256);
      labels += char(random() % 10);
    }
    writeText(folder / (prefix + "-images-idx3-ubyte"s), images);
    writeText(folder / (prefix + "-labels-idx1-ubyte"s), labels);
  }
  // Programs of its own: snn-train calls the snnc that lies beside it.
  std::filesystem::create_directories(folder / "bin");
  std::filesystem::copy_file(train, trainer);
  writeText(folder / "bin/snnc", "#!/bin/sh\nsleep 0.02\nexec cp \"$(cat \"$1\")\" \"$3\"\n");
  std::filesystem::permissions(folder / "bin/snnc", std::filesystem::perms::owner_all);
  for (Model model : {Model::First, Model::Second})
    writeText(folder / (model == Model::First ? "first.snn" : "second.snn"), library(model));
}

void Lab::clear() { std::filesystem::remove_all(folder / "run"); }

void Lab::put(const Run &run) {
  const std::string kept = fmt::format("{}-{}-{}", unsigned(run.model), run.seed, run.epochs);
  reference(run);
  std::filesystem::copy(folder / kept, folder / "run", std::filesystem::copy_options::recursive);
  writeText(runFile("model.snn"), "text of " + kept);
}

std::vector<std::string> Lab::words(const Run &run, const std::string &model, const std::string &name, bool overwrite) {
  std::vector<std::string> words = {trainer,
                                    model,
                                    "--data=" + folder.path(),
                                    "--out=" + (folder / name),
                                    fmt::format("--seed={}", run.seed),
                                    fmt::format("--epochs={}", run.epochs),
                                    "--threads=1",
                                    "--lr=0.01"};
  if (overwrite)
    words.push_back("--overwrite");
  return words;
}

Outcome Lab::start(const std::vector<std::string> &words, const std::map<std::string, std::string> &environment,
                   std::optional<std::chrono::microseconds> killAfter) {
  const std::string out = folder / "out", err = folder / "err";
  std::vector<char *> arguments;
  for (const std::string &word : words)
    arguments.push_back(const_cast<char *>(word.c_str()));
  arguments.push_back(nullptr);
  std::fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    for (const auto &[name, value] : environment)
      setenv(name.c_str(), value.c_str(), 1);
    if (!std::freopen(out.c_str(), "w", stdout) || !std::freopen(err.c_str(), "w", stderr))
      _exit(126);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  if (killAfter) {
    std::this_thread::sleep_for(*killAfter);
    kill(child, SIGKILL);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child)
    throw std::runtime_error("cannot wait for snn-train");
  Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                  readText(out), readText(err)};
  return outcome;
}

Outcome Lab::train(const Run &run, bool overwrite, const Fault &fault) {
  // Without a fault too, for the sake of speed: fault_shim.c makes no syncs.
  Outcome outcome =
      start(words(run, library(run.model), "run", overwrite), {{"LD_PRELOAD", FAULT_SHIM},
                                                               {"SNN_FAULT", fault.kind},
                                                               {"SNN_FAULT_AT", std::to_string(fault.call)},
                                                               {"SNN_FAULT_COUNT", folder / "count"}});
  if (outcome.status >= 0)
    outcome.calls = std::stoull("0" + readText(folder / "count"));
  return outcome;
}

Outcome Lab::trainText(const Run &run, bool overwrite, std::optional<std::chrono::microseconds> killAfter) {
  const std::string text = folder / (run.model == Model::First ? "first.snn" : "second.snn");
  return start(words(run, text, "run", overwrite), {}, killAfter);
}

bool Lab::compilerRuns() const {
  for (int attempt = 0; attempt < 100; ++attempt) {
    bool found = false;
    std::error_code error;
    for (const auto &process : std::filesystem::directory_iterator("/proc", error))
      found |= readText(process.path() / "cmdline").find(folder / "bin/snnc") != std::string::npos;
    if (!found)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

const Lab::Reference &Lab::reference(const Run &run) {
  auto found = references.find(run);
  if (found != references.end())
    return found->second;
  const std::string name = fmt::format("{}-{}-{}", unsigned(run.model), run.seed, run.epochs);
  Outcome outcome = start(words(run, library(run.model), name, false));
  if (outcome.status != 0)
    throw std::runtime_error("a run that nothing happens to fails: " + outcome.err);
  Reference reference = look(name);
  for (const auto &[other, its] : references)
    if (other.seed != run.seed && its.evaluation == reference.evaluation)
      throw std::runtime_error("two runs have the same accuracy, so they cannot be told apart; take another seed");
  return references[run] = reference;
}

/// Lines of metrics without the times, which differ. One without its end is not there: RunFolder.h allows that.
static std::vector<std::string> lossesOf(const std::string &metrics) {
  std::vector<std::string> losses;
  for (size_t begin = 0, end; (end = metrics.find('\n', begin)) != std::string::npos; begin = end + 1) {
    nlohmann::json line = nlohmann::json::parse(metrics.substr(begin, end - begin), nullptr, false);
    losses.push_back(line.is_discarded() ? "damaged: " + metrics.substr(begin, end - begin)
                                         : fmt::format("{} {} {}", line["epoch"].dump(), line["train_loss"].dump(),
                                                       line["test_accuracy"].dump()));
  }
  return losses;
}

Lab::Reference Lab::look(const std::string &name) {
  Reference seen;
  seen.weights = readText(folder / (name + "/weights.safetensors"));
  seen.losses = lossesOf(readText(folder / (name + "/metrics.jsonl")));
  Outcome outcome = start({trainer, "eval", folder / name, "--threads=1"});
  seen.evaluation = outcome.status == 0 ? outcome.out : "";
  return seen;
}

/// Files beside each other, when none is on its way: all of one run.
void Lab::judgeFiles(const std::optional<Run> &held, std::vector<std::string> &faults) {
  const std::vector<std::string> losses = lossesOf(readText(runFile("metrics.jsonl")));
  if (!held) {
    if (!losses.empty())
      faults.push_back("metrics, but no weights");
    return;
  }
  std::vector<std::string> expected = reference(*held).losses;
  const bool lineIsMissing = losses.size() + 1 == expected.size(); // the weights are saved before it
  if (lineIsMissing)
    expected.pop_back();
  if (losses != expected)
    faults.push_back(fmt::format("the metrics are {}, expected {}", losses, expected));
  if (readText(runFile("model.so")) != readText(library(held->model)))
    faults.push_back("the model is not that of the weights");
}

/// A run is not replaced unasked; the next one needs no help and leaves nothing but its own files.
void Lab::judgeNext(const std::optional<Run> &held, std::vector<std::string> &faults) {
  const Run next{Model::First, 77, 1};
  Outcome unasked = train(next, false);
  if (held) {
    if (unasked.status != 1 || unasked.err.find("holds a run already") == std::string::npos)
      faults.push_back(fmt::format("a run without --overwrite ended with {}: {}", unasked.status, unasked.err));
    if (look("run").evaluation != reference(*held).evaluation)
      faults.push_back("a run that was refused has changed what is there");
    if (Outcome asked = train(next, true); asked.status != 0)
      faults.push_back(fmt::format("the next run ended with {}: {}", asked.status, asked.err));
  } else if (unasked.status != 0) {
    faults.push_back(fmt::format("the next run ended with {}: {}", unasked.status, unasked.err));
    train(next, true);
  }
  std::vector<std::string> names;
  for (const auto &entry : std::filesystem::directory_iterator(folder / "run"))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  if (names != std::vector<std::string>{"metrics.jsonl", "model.so", "run.json", "weights.safetensors"})
    faults.push_back(fmt::format("after the next run there is {}", names));
  Reference seen = look("run"), expected = reference(next);
  if (seen.weights != expected.weights || seen.losses != expected.losses || seen.evaluation != expected.evaluation)
    faults.push_back("the next run is another one than in a new folder");
}

std::vector<std::string> Lab::judge(const std::vector<Run> &possible, bool mayBeEmpty) {
  std::vector<std::string> faults;
  auto holder = [&](const std::string &path) -> std::optional<Run> {
    if (!std::filesystem::exists(path))
      return std::nullopt;
    if (std::string message = messageOf<std::exception>([&] { TensorFile::read(path); }); !message.empty())
      faults.push_back(message);
    for (const Run &run : possible)
      if (readText(path) == reference(run).weights)
        return run;
    faults.push_back("the weights are neither the old nor the new ones");
    return std::nullopt;
  };
  std::optional<Run> held = holder(runFile("weights.safetensors"));
  if (!held && !mayBeEmpty)
    faults.push_back("there are no weights");
  if (std::filesystem::exists(runFile(".snn-complete/weights.safetensors")))
    held = holder(runFile(".snn-complete/weights.safetensors"));
  std::string evaluation = look("run").evaluation;
  if (evaluation != (held ? reference(*held).evaluation : ""))
    faults.push_back(
        fmt::format("eval says \"{}\", expected \"{}\"", evaluation, held ? reference(*held).evaluation : ""));
  if (!isBetweenRuns())
    judgeFiles(held, faults);
  judgeNext(held, faults);
  return faults;
}
