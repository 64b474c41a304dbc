// What a model's table says of its tensors, in the terms of files.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CHECKPOINT_TABLETENSORS_H
#define SNN_RUNTIME_CHECKPOINT_TABLETENSORS_H

#include "runtime/data/Safetensors.h"
#include "snn/runtime.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snn {

/// Throws DataError with the runtime's message if `code` is not SNN_OK.
void check(int32_t code);

/// Place of a name in one of the table's lists.
std::optional<uint64_t> findTensor(const snn_tensor_info *tensors, uint64_t count, std::string_view name);

ElementType elementTypeOf(uint32_t dtype);
std::vector<int64_t> shapeOf(const snn_tensor_info &tensor);

/// The shape in words, run-time extents as T and B: "[T, B, 10]".
std::string tableShapeText(const snn_tensor_info &tensor);

/// A tensor with its memory.
struct OwnedTensor {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;

  TensorToWrite view() const { return {name, type, shape, bytes}; }
};

/// A tensor of zeros.
OwnedTensor emptyTensor(std::string name, uint32_t dtype, std::vector<int64_t> shape);

/// Writes `value` as element number `index` of a tensor of F32 or F64.
void putReal(OwnedTensor &tensor, uint64_t index, double value);

/// The index and value of the first element of a tensor of F32 or F64 that is not finite.
struct NotFinite {
  uint64_t element;
  double value;
};
std::optional<NotFinite> findNotFinite(const OwnedTensor &tensor);

/// The stored numbers in a tensor of this type. Reals of either width become the table's, and must be finite there;
/// integers must be of its type. Throws DataError that begins with `label`.
OwnedTensor convertStored(const StoredTensor &stored, std::string name, uint32_t dtype, const std::string &label);

} // namespace snn

#endif // SNN_RUNTIME_CHECKPOINT_TABLETENSORS_H
