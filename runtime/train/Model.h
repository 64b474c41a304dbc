// Owning handles over the C interface, whose failures become exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TRAIN_MODEL_H
#define SNN_RUNTIME_TRAIN_MODEL_H

#include "runtime/data/Errors.h"
#include "runtime/data/Safetensors.h"
#include "snn/runtime.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace snn {

struct Deleter {
  void operator()(snn_library *library) const { snn_library_close(library); }
  void operator()(snn_pool *pool) const { snn_pool_destroy(pool); }
  void operator()(snn_instance *instance) const { snn_instance_destroy(instance); }
};
using LibraryHandle = std::unique_ptr<snn_library, Deleter>;
using PoolHandle = std::unique_ptr<snn_pool, Deleter>;
using InstanceHandle = std::unique_ptr<snn_instance, Deleter>;

/// Throws DataError with the runtime's message if `code` is not SNN_OK.
void check(int32_t code);

/// These throw DataError with the runtime's message; without memory for an instance it says how many bytes.
LibraryHandle openLibrary(const std::string &path);
PoolHandle createPool(uint64_t workers);
InstanceHandle createInstance(const snn_library *library, uint64_t batch, uint64_t steps, snn_pool *pool);

/// Place of a name in one of the table's lists.
std::optional<uint64_t> findTensor(const snn_tensor_info *tensors, uint64_t count, std::string_view name);

/// Whether the model gives its loss without a gradient.
bool canEvaluate(const snn_model_table &table);

ElementType elementTypeOf(uint32_t dtype);
std::vector<int64_t> shapeOf(const snn_tensor_info &tensor);

/// The shape in words, run-time extents as T and B: "[T, B, 10]".
std::string tableShapeText(const snn_tensor_info &tensor);

} // namespace snn

#endif // SNN_RUNTIME_TRAIN_MODEL_H
