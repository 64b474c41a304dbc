// snn-train as a library: options in, a run folder out.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TOOLS_TRAINTOOL_H
#define SNN_RUNTIME_TOOLS_TRAINTOOL_H

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace snn::tools {

struct TrainToolOptions {
  std::vector<std::string> commandLine;
  std::string model;                   // .snn or .so
  std::vector<std::string> data, test; // paths; no `data`: the system's Fashion-MNIST
  std::vector<std::string> validation; // paths, or a number between 0 and 1: the part of the training samples
  bool timeFirst = false;
  std::optional<std::string> out, weights;
  std::optional<uint64_t> epochs, batch, steps;
  uint64_t seed = 0;
  uint64_t threads = 0; // 0: one per CPU
  std::optional<double> learningRate;
  std::vector<std::string> hyper;       // name=number
  std::vector<std::string> definitions; // name=value, for snnc
  std::string memoryLimit;              // for snnc; empty: none
  bool overwrite = false;
};

struct EvalToolOptions {
  std::string run;
  std::vector<std::string> data; // paths; none: the run's
  std::optional<uint64_t> threads;
};

/// Trains; prints a line per epoch. Returns the exit status; throws UsageError, DataError, WriteError, ChildFailed.
/// When `stop` becomes true, it ends after the current step, or stops the compiler, and returns ExitInterrupted.
int train(const TrainToolOptions &options, const std::atomic<bool> &stop);

/// Repeats the evaluation of a run's weights: on test samples or, where there are none, on those for validation.
int evaluate(const EvalToolOptions &options, const std::atomic<bool> &stop);

} // namespace snn::tools

#endif // SNN_RUNTIME_TOOLS_TRAINTOOL_H
