// Owning handles over the C interface.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/train/Model.h"
#include "runtime/core/Table.h"

#include <fmt/format.h>

using namespace snn;

void snn::check(int32_t code) {
  if (code != SNN_OK)
    throw DataError(snn_last_error());
}

template <typename Handle> static Handle checked(Handle handle) {
  if (!handle)
    throw DataError(snn_last_error());
  return handle;
}

LibraryHandle snn::openLibrary(const std::string &path) {
  return checked(LibraryHandle(snn_library_open(path.c_str())));
}

PoolHandle snn::createPool(uint64_t workers) { return checked(PoolHandle(snn_pool_create(workers))); }

InstanceHandle snn::createInstance(const snn_library *library, uint64_t batch, uint64_t steps, snn_pool *pool) {
  const uint64_t bytes = snn_instance_bytes(library, batch, steps, pool ? snn_pool_workers(pool) : 1);
  if (bytes == 0)
    throw DataError(snn_last_error());
  InstanceHandle instance(snn_instance_create(library, batch, steps, pool));
  if (!instance) // the layout is sound, so it is the memory
    throw MemoryError(fmt::format("{}: the model takes {} bytes for {} samples at once and {} time steps; a smaller "
                                  "batch takes less",
                                  snn_last_error(), bytes, batch, steps));
  return instance;
}

std::optional<uint64_t> snn::findTensor(const snn_tensor_info *tensors, uint64_t count, std::string_view name) {
  for (uint64_t i = 0; i < count; ++i)
    if (name == tensors[i].name)
      return i;
  return std::nullopt;
}

ElementType snn::elementTypeOf(uint32_t dtype) {
  switch (dtype) {
  case SNN_DTYPE_F32:
    return ElementType::F32;
  case SNN_DTYPE_F64:
    return ElementType::F64;
  case SNN_DTYPE_U8:
    return ElementType::U8;
  case SNN_DTYPE_I64:
    return ElementType::I64;
  default:
    return ElementType::Other;
  }
}

std::vector<int64_t> snn::shapeOf(const snn_tensor_info &tensor) { return {tensor.shape, tensor.shape + tensor.rank}; }

std::string snn::tableShapeText(const snn_tensor_info &tensor) {
  std::string text = "[";
  for (uint32_t d = 0; d < tensor.rank; ++d) {
    int64_t extent = tensor.shape[d];
    text += d ? ", " : "";
    text += extent == SNN_EXTENT_TIME ? "T" : extent == SNN_EXTENT_BATCH ? "B" : std::to_string(extent);
  }
  return text + "]";
}

bool snn::canEvaluate(const snn_model_table &table) { return hasEvaluate(table) && table.evaluate; }
