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

  /// Makes the folder, and in it one for files on their way in, which is also the claim on it: false if another
  /// process holds that. One that holds a run, or weights or metrics of whatever origin, is refused with DataError
  /// unless `overwrite`; nothing is lost before adopt(). Throws WriteError.
  bool claim(bool overwrite) const;
  /// Where a claimed folder's model is put until everything that a run needs has been found to be sound.
  RunFolder incoming() const { return RunFolder(folder + "/.incoming"); }
  /// The run begins: its model replaces what was there, the record is written, the claim ends. Throws WriteError.
  void adopt(const RunRecord &record) const;
  /// The run did not begin: leaves the folder as it was. No effect after adopt().
  void release() const;

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

/// Claims `base`, or the first of `base`-2, `base`-3, ... that holds no run and is not claimed.
RunFolder claimFreshFolder(const std::string &base);

} // namespace snn

#endif // SNN_RUNTIME_TRAIN_RUNFOLDER_H
