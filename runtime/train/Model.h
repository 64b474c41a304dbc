// Owning handles over the C interface, whose failures become exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TRAIN_MODEL_H
#define SNN_RUNTIME_TRAIN_MODEL_H

#include "runtime/checkpoint/TableTensors.h"
#include "runtime/data/Errors.h"
#include "snn/runtime.h"

#include <memory>
#include <string>

namespace snn {

struct Deleter {
  void operator()(snn_library *library) const { snn_library_close(library); }
  void operator()(snn_pool *pool) const { snn_pool_destroy(pool); }
  void operator()(snn_instance *instance) const { snn_instance_destroy(instance); }
};
using LibraryHandle = std::unique_ptr<snn_library, Deleter>;
using PoolHandle = std::unique_ptr<snn_pool, Deleter>;
using InstanceHandle = std::unique_ptr<snn_instance, Deleter>;

/// These throw DataError with the runtime's message; without memory for an instance it says how many bytes.
LibraryHandle openLibrary(const std::string &path);
PoolHandle createPool(uint64_t workers);
InstanceHandle createInstance(const snn_library *library, uint64_t batch, uint64_t steps, snn_pool *pool);

/// Whether the model gives its loss without a gradient.
bool canEvaluate(const snn_model_table &table);

} // namespace snn

#endif // SNN_RUNTIME_TRAIN_MODEL_H
