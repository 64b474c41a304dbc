// Names, types, shapes and values of a table's tensors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/checkpoint/TableTensors.h"
#include "runtime/data/Errors.h"

#include <cmath>
#include <cstring>
#include <fmt/format.h>

using namespace snn;

void snn::check(int32_t code) {
  if (code != SNN_OK)
    throw DataError(snn_last_error());
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

OwnedTensor snn::emptyTensor(std::string name, uint32_t dtype, std::vector<int64_t> shape) {
  OwnedTensor result{std::move(name), elementTypeOf(dtype), std::move(shape), {}};
  uint64_t bytes = snn_dtype_bytes(dtype);
  for (int64_t extent : result.shape)
    bytes *= uint64_t(extent);
  result.bytes.resize(bytes);
  return result;
}

void snn::putReal(OwnedTensor &tensor, uint64_t index, double value) {
  if (tensor.type == ElementType::F32) {
    float narrow = float(value);
    std::memcpy(tensor.bytes.data() + index * sizeof(narrow), &narrow, sizeof(narrow));
  } else {
    std::memcpy(tensor.bytes.data() + index * sizeof(value), &value, sizeof(value));
  }
}

template <typename Real> static std::optional<NotFinite> findNotFinite(std::span<const std::byte> bytes) {
  for (size_t offset = 0; offset < bytes.size(); offset += sizeof(Real)) {
    Real value;
    std::memcpy(&value, bytes.data() + offset, sizeof(Real));
    if (!std::isfinite(value))
      return NotFinite{offset / sizeof(Real), double(value)};
  }
  return std::nullopt;
}

std::optional<NotFinite> snn::findNotFinite(const OwnedTensor &tensor) {
  if (tensor.type == ElementType::F32)
    return ::findNotFinite<float>(tensor.bytes);
  if (tensor.type == ElementType::F64)
    return ::findNotFinite<double>(tensor.bytes);
  return std::nullopt;
}

OwnedTensor snn::convertStored(const StoredTensor &stored, std::string name, uint32_t dtype, const std::string &label) {
  OwnedTensor tensor = emptyTensor(std::move(name), dtype, stored.shape);
  if (tensor.type == ElementType::I64) {
    if (stored.type != ElementType::I64)
      throw DataError(fmt::format("{} has dtype {}, expected I64", label, stored.typeName));
    tensor.bytes.assign(stored.bytes.begin(), stored.bytes.end());
    return tensor;
  }
  if (stored.type != ElementType::F32 && stored.type != ElementType::F64)
    throw DataError(fmt::format("{} has dtype {}, expected F32 or F64", label, stored.typeName));
  std::vector<double> values = numbersOf(stored, label);
  for (uint64_t element = 0; element < values.size(); ++element) {
    bool overflows = tensor.type == ElementType::F32 && !std::isfinite(float(values[element]));
    if (!std::isfinite(values[element]) || overflows)
      throw DataError(
          fmt::format("{} has the value {} at element {}, expected finite numbers", label, values[element], element));
    putReal(tensor, element, values[element]);
  }
  return tensor;
}
