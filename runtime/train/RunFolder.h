// The folder that a training run leaves behind.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TRAIN_RUNFOLDER_H
#define SNN_RUNTIME_TRAIN_RUNFOLDER_H

#include "runtime/data/Descriptor.h"
#include "runtime/train/Trainer.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace snn {

/// One line of metrics.jsonl; epochs count from 0, times are in seconds. Each part of the data that was measured has
/// PART_loss and PART_accuracy, where they are known, and, where the model has metrics, PART_metrics.
struct EpochMetrics {
  uint64_t epoch = 0;
  std::vector<std::pair<std::string, Measures>> parts; // "train", "validation", "test"
  std::optional<double> trainSeconds, evalSeconds;
};

/// What run.json holds.
struct RunRecord {
  std::vector<std::string> commandLine;
  std::string runtimeVersion, compiler, target, model, modelHash, precision, source, started;
  /// Paths; `validation` is empty or names files, while `validationSamples` were taken out of the training split.
  std::vector<std::string> data, validation, test;
  uint64_t validationSamples = 0;
  bool timeFirst = false;
  uint64_t seed = 0, threads = 0, batch = 0, epochs = 0, steps = 0;
  std::vector<std::pair<std::string, double>> hyper;
};

/// The content of a run.json; `path` starts the message. Throws DataError.
RunRecord parseRunRecord(std::string_view text, const std::string &path);

/// model.so, run.json, metrics.jsonl, weights.safetensors and, if the model came as text, model.snn. Only names and
/// their content; who writes them has a RunWriter.
class RunFolder {
public:
  explicit RunFolder(std::string path) : folder(std::move(path)) {}

  const std::string &path() const { return folder; }
  std::string library() const { return folder + "/model.so"; }
  std::string source() const { return folder + "/model.snn"; }
  std::string weights() const { return folder + "/weights.safetensors"; }
  std::string metrics() const { return folder + "/metrics.jsonl"; }
  std::string record() const { return folder + "/run.json"; }

  /// Throw WriteError. A line of metrics is on disk or, after an error, not there at all.
  void writeRecord(const RunRecord &record) const;
  void appendMetrics(const EpochMetrics &metrics) const;

private:
  std::string folder;
};

/// Paths of the files that make up the run in a folder; the process that writes it may be moving them (see RunWriter).
struct RunFiles {
  std::string record, library, weights;
  bool operator==(const RunFiles &) const = default;
};

/// Calls `read` with a run's record and files, and calls it again if the folder got another run meanwhile, so that what
/// it read last belongs together. `read` throws DataError if it cannot read. Throws DataError.
void readRun(const std::string &folder, const std::function<void(const RunRecord &, const RunFiles &)> &read);

/// One process's right to write to a run folder, and the way of its files into it.
///
/// A run's files belong together: the record names the model by its hash, and weights and metrics are that model's. So
/// a run that replaces another one collects its files in `.snn-incoming-*` and gives them up all at once, when it has
/// weights:
///
///   1. That folder is complete and synced. An empty file in it stands for one that the old run has and the new one
///      lacks.
///   2. It is renamed to `.snn-complete`: from here on the folder holds the new run, until then the old one.
///   3. One by one its files replace those of the folder; an empty one removes its namesake. Then `.snn-complete` goes.
///
/// Killed at any moment, the folder thus holds exactly one run: the files of `.snn-complete`, where they are there, and
/// otherwise those of the folder. Readers look in this order (readRun), and the next claim finishes step 3. A folder
/// without weights and metrics has nothing to lose: there steps 1 to 3 come as soon as the run begins, so that its
/// record can be seen. Afterwards each file is replaced by itself, weights first and then a line of metrics. (A kill in
/// the middle of that one write(2) may cut the line where a page of the file ends.)
///
/// The claim is flock(2) on the folder itself, which the kernel gives back when the process ends, however it ends; so
/// what a claim finds in `.snn-incoming-*`, or in temporary files, is a dead run's and is removed. On network file
/// systems the lock may be known to this machine only: there, two machines must not train into one folder at once.
class RunWriter {
public:
  /// Claims a folder, which is made if it is not there. Throws DataError if another process has it, or if it holds
  /// weights or metrics of whatever origin and not `overwrite`; WriteError.
  static RunWriter claim(const std::string &path, bool overwrite);
  /// Claims `base`, or the first of `base`-2, `base`-3, ... that no process has and that holds no weights or metrics.
  static RunWriter claimFresh(const std::string &base);

  /// If the run did not get as far as to replace what was there, the folder is left as it was.
  ~RunWriter();
  RunWriter(RunWriter &&other) noexcept = default;
  RunWriter &operator=(RunWriter &&) = delete;

  /// Where files are written now: `.snn-incoming-*`, later the folder.
  const RunFolder &files() const { return published ? folder : incoming; }
  const std::string &path() const { return folder.path(); }
  /// Whether the folder still holds a run that this one is to replace.
  bool replaces() const { return occupied && !published; }

  /// The model is there and everything else that a run needs was found to be sound. Throws WriteError.
  void begin(const RunRecord &record);
  /// Weights were saved: from now on the folder holds this run. Throws WriteError. No effect when called again.
  void publish();

private:
  enum class Refusal { None, Busy, Occupied };
  explicit RunWriter(const std::string &path);
  Refusal tryClaim(bool overwrite);
  void recover() const;
  void moveUp() const;

  RunFolder folder, incoming, complete;
  Descriptor lock; // of the folder; negative: it is not ours
  bool made = false, occupied = false, committed = false, published = false;
};

} // namespace snn

#endif // SNN_RUNTIME_TRAIN_RUNFOLDER_H
