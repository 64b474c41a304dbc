// Epochs of training and evaluation of one instance on one dataset.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TRAIN_TRAINER_H
#define SNN_RUNTIME_TRAIN_TRAINER_H

#include "runtime/data/Dataset.h"
#include "snn/runtime.h"

#include <atomic>
#include <functional>
#include <optional>

namespace snn {

struct TrainerOptions {
  uint64_t batch = 0;  // samples in a step; the last step of an epoch may have fewer
  uint64_t steps = 0;  // time steps; 0: the instance's
  uint64_t seed = 0;   // of the shuffles
  uint64_t epochs = 0; // in all, for schedules; 0: not known
  /// Looked at between steps; when it becomes true, epochs end early.
  const std::atomic<bool> *stop = nullptr;
  /// Told after each step: samples done, samples in all. May be empty.
  std::function<void(uint64_t, uint64_t)> progress;
};

struct Accuracy {
  uint64_t correct = 0, count = 0;
  double value() const { return count ? double(correct) / double(count) : 0; }
};

/// Does not own what it works on. Inputs are passed in place (evaluation) or gathered by row into one batch (training).
class Trainer {
public:
  /// Throws DataError if the model's inputs do not take the dataset's samples.
  Trainer(const snn_model_table &table, snn_instance *instance, const Dataset &dataset, TrainerOptions options);

  /// One pass over the training split in the order of shuffledOrder(seed, epoch). Returns the mean loss over the
  /// samples, each taken before the update of its step; nothing if it was stopped. Throws DataError: a fault in the
  /// data, or a loss that is not finite.
  std::optional<double> trainEpoch(uint64_t epoch);

  /// The test split, each sample from rest: the prediction is the largest entry of the output "count", the first of
  /// equal ones. Nothing if it was stopped.
  std::optional<Accuracy> evaluate();

private:
  bool stopped() const { return options.stop && options.stop->load(std::memory_order_relaxed); }
  void checkInputs() const;
  template <typename Real> std::optional<Accuracy> evaluateAs();

  const snn_model_table &table;
  snn_instance *instance;
  const Dataset &dataset;
  TrainerOptions options;
  uint64_t inputIndex = 0, countIndex = 0;
  std::optional<uint64_t> labelIndex;
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
