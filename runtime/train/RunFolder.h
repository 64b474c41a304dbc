// The folder that a training run leaves behind.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TRAIN_RUNFOLDER_H
#define SNN_RUNTIME_TRAIN_RUNFOLDER_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace snn {

/// One line of metrics.jsonl; epochs count from 0, times are in seconds.
struct EpochMetrics {
  uint64_t epoch = 0;
  double trainLoss = 0, testAccuracy = 0, trainSeconds = 0, evalSeconds = 0;
};

/// What run.json holds.
struct RunRecord {
  std::vector<std::string> commandLine;
  std::string runtimeVersion, compiler, target, model, modelHash, precision, source, dataset, dataFolder, started;
  uint64_t seed = 0, threads = 0, batch = 0, epochs = 0, steps = 0;
  std::vector<std::pair<std::string, double>> hyper;
};

/// model.so, run.json, metrics.jsonl, weights.safetensors and, if the model came as text, model.snn.
class RunFolder {
public:
  explicit RunFolder(std::string path) : folder(std::move(path)) {}

  /// Makes the folder. One that holds a run, or weights or metrics of whatever origin, is refused with DataError unless
  /// `overwrite`: then these are removed. Throws WriteError.
  void create(bool overwrite) const;

  /// Whether weights, metrics or a record are there.
  bool holdsRun() const;

  const std::string &path() const { return folder; }
  std::string library() const { return folder + "/model.so"; }
  std::string source() const { return folder + "/model.snn"; }
  std::string weights() const { return folder + "/weights.safetensors"; }
  std::string metrics() const { return folder + "/metrics.jsonl"; }
  std::string record() const { return folder + "/run.json"; }

  /// Throw WriteError.
  void writeRecord(const RunRecord &record) const;
  void appendMetrics(const EpochMetrics &metrics) const;

  /// Throws DataError.
  RunRecord readRecord() const;

private:
  std::string folder;
};

/// `base`, or the first of `base`-2, `base`-3, ... that holds no run.
std::string freshFolder(const std::string &base);

} // namespace snn

#endif // SNN_RUNTIME_TRAIN_RUNFOLDER_H
