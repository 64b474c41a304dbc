// A folder in which runs are started, ended and judged.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_UNIT_RUNTIME_TRIAL_H
#define SNN_TEST_UNIT_RUNTIME_TRIAL_H

#include "TestSupport.h"

#include <chrono>
#include <compare>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace snn::test {

enum class Model { First, Second };

/// What a run's weights follow from.
struct Run {
  Model model;
  unsigned seed, epochs;
  auto operator<=>(const Run &) const = default;
};

/// The run as it stands after each of its epochs.
std::vector<Run> prefixes(const Run &run);

/// What fault_shim.c is told.
struct Fault {
  std::string kind;
  uint64_t call = 0;
};

struct Outcome {
  int status = 0, signal = 0;
  std::string out, err;
  uint64_t calls = 0; // that fault_shim.c counted
};

class Lab {
public:
  /// `train`: the snn-train to test.
  explicit Lab(const std::string &train);

  /// No run folder.
  void clear();
  /// A complete run, of a model that came as text.
  void put(const Run &run);

  Outcome train(const Run &run, bool overwrite, const Fault &fault = {});
  /// From a model in text form, over a compiler that takes its time; killed after a while.
  Outcome trainText(const Run &run, bool overwrite, std::optional<std::chrono::microseconds> killAfter);

  /// Whether files are on their way into the folder.
  bool isBetweenRuns() const { return std::filesystem::exists(folder / "run/.snn-complete"); }
  /// Whether the compiler of a run still runs a second after that run's end.
  bool compilerRuns() const;

  /// What is wrong with the run folder, which should hold one of `possible` and nothing of another run; and with the
  /// runs that follow.
  std::vector<std::string> judge(const std::vector<Run> &possible, bool mayBeEmpty);

private:
  struct Reference {
    std::string weights, evaluation;
    std::vector<std::string> losses;
  };
  const Reference &reference(const Run &run);
  Reference look(const std::string &name);
  std::vector<std::string> words(const Run &run, const std::string &model, const std::string &name, bool overwrite);
  Outcome start(const std::vector<std::string> &words, const std::map<std::string, std::string> &environment = {},
                std::optional<std::chrono::microseconds> killAfter = std::nullopt);
  std::string library(Model model) const { return tinyModel(model == Model::First ? "u8" : "u8_other"); }
  std::string runFile(const std::string &name) const { return folder / ("run/" + name); }
  void judgeFiles(const std::optional<Run> &held, std::vector<std::string> &faults);
  void judgeNext(const std::optional<Run> &held, std::vector<std::string> &faults);

  TemporaryFolder folder;
  std::string trainer;
  std::map<Run, Reference> references;
};

} // namespace snn::test

#endif // SNN_TEST_UNIT_RUNTIME_TRIAL_H
