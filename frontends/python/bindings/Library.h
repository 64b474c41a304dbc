// A compiled model in Python: what its table says, and calls of its entries.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_PYTHON_BINDINGS_LIBRARY_H
#define SNN_FRONTENDS_PYTHON_BINDINGS_LIBRARY_H

#include "runtime/core/Memory.h"
#include "runtime/train/Model.h"

#include <nanobind/nanobind.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>

namespace snn::python {

/// What the runtime refuses: a code of snn_status or snn_runtime_error, and its sentence.
struct ModelFailure : std::runtime_error {
  explicit ModelFailure(int32_t code) : std::runtime_error(snn_last_error()), code(code) {}
  int32_t code;
};

/// Scratch memory of one call at a time; grows to the largest.
class Arena {
public:
  /// Holds the arena for one call. Throws std::bad_alloc.
  class Use {
  public:
    Use(Arena &arena, uint64_t bytes);
    void *data() const { return arena.memory->data(); }
    uint64_t bytes() const { return arena.memory->bytes(); }
    /// Whether the call before was not of this content (never 0) of the model's parameters; from now on it is.
    bool bring(uint64_t content);

  private:
    std::unique_lock<std::mutex> lock;
    Arena &arena;
  };
  uint64_t bytes() const;
  /// A number that has not been given yet, never 0.
  uint64_t number() { return ++numbers; }

private:
  mutable std::mutex mutex;
  std::unique_ptr<Mapping> memory;
  uint64_t content = 0;
  std::atomic<uint64_t> numbers = 0;
};

/// Adds Library, Threads, Arena and what they need to the module.
void bindLibrary(nanobind::module_ &module);

} // namespace snn::python

#endif // SNN_FRONTENDS_PYTHON_BINDINGS_LIBRARY_H
