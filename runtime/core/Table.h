// Checks of a model's table, so that nobody else has to doubt it, and strided access to its tensors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CORE_TABLE_H
#define SNN_RUNTIME_CORE_TABLE_H

#include "snn/abi.h"

#include <cstddef>
#include <string>

namespace snn {

/// Throws Error(SNN_ERROR_LIBRARY) unless the table is one of this ABI version, complete, and each parameter,
/// buffer and state lies within its span. `origin` starts the message.
void checkTable(const snn_model_table *table, const char *origin);

/// The table's window, which the first tables lack.
inline uint64_t windowOf(const snn_model_table &table) {
  return table.struct_size > offsetof(snn_model_table, window) ? table.window : 0;
}

/// Whether the table has a place for the entry point `evaluate`, which the first tables lack.
inline bool hasEvaluate(const snn_model_table &table) {
  return table.struct_size > offsetof(snn_model_table, evaluate);
}

/// Values of parameters and buffers that are a part of the code; NULL in the first tables, which have no place for
/// them.
inline const void *initialParametersOf(const snn_model_table &table) {
  return table.struct_size > offsetof(snn_model_table, initial_parameters) ? table.initial_parameters : nullptr;
}
inline const void *initialBuffersOf(const snn_model_table &table) {
  return table.struct_size > offsetof(snn_model_table, initial_buffers) ? table.initial_buffers : nullptr;
}

/// Whether the network is another one when it trains, with an entry of its own.
inline bool trainsApart(const snn_model_table &table) {
  return table.struct_size > offsetof(snn_model_table, forward_training) && table.forward_training;
}

/// Whether results depend on random numbers.
inline bool drawsRandom(const snn_model_table &table) {
  return table.struct_size > offsetof(snn_model_table, random) && table.random;
}

/// What the labels of an input of type i64 are below.
inline int64_t classesOf(const snn_model_table &table, const snn_tensor_info &labels) {
  return labels.init_high > 0 ? int64_t(labels.init_high) : table.classes;
}

/// Whether a number of the hyper list may have this value; its range in words: "at least 0 and below 1".
bool inRange(const snn_hyper_info &info, double value);
std::string rangeText(const snn_hyper_info &info);

/// The shortest text that reads as this number: "0.5".
std::string numberText(double value);

/// Elements of a tensor whose extents are all known.
uint64_t elementCount(const snn_tensor_info &tensor);

/// Calls visit(element, byte offset) for each element in row-major order of the shape; `element` counts from 0, the
/// offset is relative to the start of the span.
template <typename Visit> void forEachElement(const snn_tensor_info &tensor, uint64_t elementBytes, Visit &&visit) {
  constexpr uint32_t maxRank = 16;
  uint64_t count = elementCount(tensor);
  int64_t index[maxRank] = {};
  int64_t strides[maxRank];
  int64_t contiguous = 1;
  for (uint32_t d = tensor.rank; d-- > 0; contiguous *= tensor.shape[d])
    strides[d] = tensor.strides ? tensor.strides[d] : contiguous;
  int64_t position = 0;
  for (uint64_t element = 0; element < count; ++element) {
    visit(element, tensor.offset + uint64_t(position) * elementBytes);
    for (uint32_t d = tensor.rank; d-- > 0;) {
      position += strides[d];
      if (++index[d] < tensor.shape[d])
        break;
      position -= strides[d] * tensor.shape[d];
      index[d] = 0;
    }
  }
}

} // namespace snn

#endif // SNN_RUNTIME_CORE_TABLE_H
