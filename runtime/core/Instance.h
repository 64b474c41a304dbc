// One trainable copy of a model: its memory and its counters.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CORE_INSTANCE_H
#define SNN_RUNTIME_CORE_INSTANCE_H

#include "runtime/core/Calls.h"
#include "runtime/core/Memory.h"
#include "snn/runtime.h"

#include <vector>

namespace snn {

/// Where an instance's spans lie. Sizes in bytes, each rounded up to SNN_ALIGNMENT.
struct InstanceLayout {
  uint64_t batch = 0, steps = 0, workers = 0;
  uint64_t parameters = 0, gradients = 0, optimizer = 0, buffers = 0, arena = 0, state = 0;

  /// Zero `batch`, `steps` mean the model's. Throws Error.
  InstanceLayout(const snn_model_table &table, uint64_t batch, uint64_t steps, uint64_t workers);
  uint64_t withoutState() const { return parameters + gradients + optimizer + buffers + arena; }
};

} // namespace snn

struct snn_instance {
  snn_instance(const snn_model_table &table, uint64_t batch, uint64_t steps, snn_pool *pool);

  void init(uint64_t seed);
  void resetState();
  void resetOptimizer();
  void resetBuffers();

  /// Runs an entry point. `batch` NULL: update(). Throws Error with what went wrong in words.
  void call(snn::EntryMember entry, const char *name, const snn_batch *batch, uint64_t updateNumber);

  std::byte *parameters() const { return memory.data(); }
  std::byte *gradients() const { return parameters() + layout.parameters; }
  std::byte *optimizer() const { return gradients() + layout.gradients; }
  std::byte *buffers() const { return optimizer() + layout.optimizer; }
  std::byte *arena() const { return buffers() + layout.buffers; }

  const snn_model_table &table;
  snn_pool *pool;
  snn::InstanceLayout layout;
  snn::Mapping memory;      // parameters, gradients, optimizer, buffers, arena
  snn::Mapping stateMemory; // untouched, and so without pages, until step() runs
  std::vector<double> hyper;
  uint64_t updates = 0;
  uint64_t seed = 0;
  uint64_t plannedUpdates = 0, plannedEpochs = 0; // of the whole training; 0: not known
  uint64_t epoch = 0;                             // of the gradients
  uint64_t stepsTaken = 0;                        // by step() since the state was at rest
  bool stateIsZero = true;
  bool stateIsShared = false; // the host may write it at any time
};

#endif // SNN_RUNTIME_CORE_INSTANCE_H
