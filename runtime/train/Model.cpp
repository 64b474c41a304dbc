// Owning handles over the C interface.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/train/Model.h"
#include "runtime/core/Table.h"

#include <fmt/format.h>

using namespace snn;

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

bool snn::canEvaluate(const snn_model_table &table) { return hasEvaluate(table) && table.evaluate; }
