// Epochs of training and evaluation of one instance.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TRAIN_TRAINER_H
#define SNN_RUNTIME_TRAIN_TRAINER_H

#include "runtime/train/Samples.h"
#include "snn/runtime.h"

#include <atomic>
#include <functional>
#include <optional>

namespace snn {

struct TrainerOptions {
  uint64_t batch = 0;  // samples in a step; the last step of an epoch may have fewer
  uint64_t steps = 0;  // time steps where no input varies over time; 0: the instance's
  uint64_t seed = 0;   // of the shuffles
  uint64_t epochs = 0; // in all, for schedules; 0: not known
  /// Looked at between steps; when it becomes true, epochs end early.
  const std::atomic<bool> *stop = nullptr;
  /// Told after each step: samples done, samples in all. May be empty.
  std::function<void(uint64_t, uint64_t)> progress;
};

/// Means over samples.
struct Measures {
  uint64_t samples = 0;
  std::optional<uint64_t> correct;                     // how many classes were right, where the model has classes
  std::optional<double> loss;                          // where it was computed
  std::vector<std::pair<std::string, double>> metrics; // the model's own
  double accuracy() const { return double(*correct) / double(samples); }
};

/// Does not own what it works on. Samples are gathered by row into one batch.
class Trainer {
public:
  Trainer(const snn_model_table &table, snn_instance *instance, TrainerOptions options);

  /// One pass over the samples in the order of shuffledOrder(seed, epoch). Losses and metrics are each taken before the
  /// update of its step. Nothing if it was stopped. Throws DataError: a fault in the data, or a loss that is not
  /// finite.
  std::optional<Measures> trainEpoch(const Samples &samples, uint64_t epoch);

  /// Each sample from rest. Where the input "labels" has one class per sample, the prediction is the largest entry of
  /// the output "count", the first of equal ones. Nothing if it was stopped.
  std::optional<Measures> evaluate(const Samples &samples);

private:
  bool stopped() const { return options.stop && options.stop->load(std::memory_order_relaxed); }
  uint64_t stepsOf(const Samples &samples) const { return samples.steps().value_or(options.steps); }
  /// Throws DataError unless `code` is SNN_OK; a fault of a row names the sample.
  void check(int32_t code, const Samples &samples, std::span<const uint64_t> rows, uint64_t faultRow) const;
  uint64_t countCorrect(const std::vector<std::byte> &counts, const int64_t *labels, uint64_t rows) const;

  const snn_model_table &table;
  snn_instance *instance;
  TrainerOptions options;
  std::vector<uint64_t> metrics;                  // places of outputs
  std::optional<uint64_t> countIndex, labelIndex; // both, or none
};

/// Index of the largest of `count` values; the first of equal ones.
template <typename Real> uint64_t argmax(const Real *values, uint64_t count) {
  uint64_t best = 0;
  for (uint64_t i = 1; i < count; ++i)
    if (values[i] > values[best])
      best = i;
  return best;
}

} // namespace snn

#endif // SNN_RUNTIME_TRAIN_TRAINER_H
