// Threads that calls of models are spread over.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_PYTHON_BINDINGS_THREADS_H
#define SNN_FRONTENDS_PYTHON_BINDINGS_THREADS_H

#include "snn/runtime.h"

#include <memory>

namespace snn::python {

/// What a call's `parallel_for` and `pool` are.
class Threads {
public:
  virtual ~Threads() = default;
  virtual uint64_t workers() const = 0;
  virtual snn_parallel_for_fn parallelFor() const = 0;
  virtual void *pool() = 0;

  /// Of the runtime's own; 0: one for each CPU of the process. NULL if they cannot be started: see snn_last_error().
  static std::unique_ptr<Threads> own(uint64_t workers);

  /// Those of the OpenMP library that this process has loaded already, as PyTorch does; NULL if it has none. Two teams
  /// of threads that each wait for work with a busy CPU would take the CPUs from each other: a step of training takes
  /// four times as long on two of them.
  static std::unique_ptr<Threads> ofOpenMp(uint64_t workers);
};

} // namespace snn::python

#endif // SNN_FRONTENDS_PYTHON_BINDINGS_THREADS_H
