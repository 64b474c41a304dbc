// Arrays of Python: their types, shapes and places, checked before native code sees them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/python/bindings/Arrays.h"

#include "runtime/core/Memory.h"

#include <algorithm>
#include <memory>

namespace nb = nanobind;

namespace snn::python {
namespace {

nb::dlpack::dtype elementType(uint32_t dtype) {
  switch (dtype) {
  case SNN_DTYPE_F32:
    return nb::dtype<float>();
  case SNN_DTYPE_F64:
    return nb::dtype<double>();
  case SNN_DTYPE_U8:
    return nb::dtype<uint8_t>();
  default:
    return nb::dtype<int64_t>();
  }
}

std::string typeText(nb::dlpack::dtype type) {
  const char *kind = "?";
  switch (nb::dlpack::dtype_code(type.code)) {
  case nb::dlpack::dtype_code::Int:
    kind = "i";
    break;
  case nb::dlpack::dtype_code::UInt:
    kind = "u";
    break;
  case nb::dlpack::dtype_code::Float:
    kind = "f";
    break;
  case nb::dlpack::dtype_code::Bool:
    return "bool";
  case nb::dlpack::dtype_code::Complex:
    kind = "complex";
    break;
  default:
    break;
  }
  return kind + std::to_string(type.bits);
}

template <typename Array> std::string shapeText(const Array &array) {
  std::string text = "[";
  for (size_t d = 0; d < array.ndim(); ++d)
    text += (d ? ", " : "") + std::to_string(array.shape(d));
  return text + "]";
}

int64_t extentOf(const snn_tensor_info &info, uint32_t dimension, uint64_t steps, uint64_t batch) {
  const int64_t extent = info.shape[dimension];
  return extent == SNN_EXTENT_TIME ? int64_t(steps) : extent == SNN_EXTENT_BATCH ? int64_t(batch) : extent;
}

/// The shape that the call asks for.
std::string shapeText(const snn_tensor_info &info, uint64_t steps, uint64_t batch) {
  std::string text = "[";
  for (uint32_t d = 0; d < info.rank; ++d)
    text += (d ? ", " : "") + std::to_string(extentOf(info, d, steps, batch));
  return text + "]";
}

template <typename Array> Array take(nb::handle object, const std::string &what) {
  Array array;
  if (!nb::try_cast(object, array)) {
    nb::ndarray<nb::ro> readable;
    if (nb::try_cast(object, readable))
      throw nb::type_error((what + ": expected an array that may be written to, found one that is read-only").c_str());
    const std::string name = nb::cast<std::string>(nb::str(nb::type_name(object.type())));
    throw nb::type_error((what + ": expected an array, found " + name).c_str());
  }
  if (array.device_type() != nb::device::cpu::value)
    throw nb::type_error((what + ": expected an array in the CPU's memory, found one of another device").c_str());
  return array;
}

template <typename Array>
void checkElements(const Array &array, const std::string &what, const snn_tensor_info &info, uint32_t dtype,
                   uint64_t steps, uint64_t batch) {
  if (array.dtype() != elementType(dtype))
    throw nb::type_error(
        (what + ": expected elements of type " + dtypeName(dtype) + ", found " + typeText(array.dtype())).c_str());
  bool fits = array.ndim() == info.rank;
  for (uint32_t d = 0; fits && d < info.rank; ++d)
    fits = int64_t(array.shape(d)) == extentOf(info, d, steps, batch);
  if (!fits)
    throw nb::value_error(
        (what + ": expected the shape " + shapeText(info, steps, batch) + ", found " + shapeText(array)).c_str());
}

template <typename Array> bool isContiguous(const Array &array) {
  int64_t expected = 1;
  for (size_t d = array.ndim(); d-- > 0; expected *= int64_t(array.shape(d)))
    if (array.shape(d) > 1 && array.stride(d) != expected)
      return false;
  return true;
}

template <typename Array>
auto contiguous(nb::handle object, const std::string &what, const snn_tensor_info &info, uint32_t dtype, uint64_t steps,
                uint64_t batch) {
  Array array = take<Array>(object, what);
  checkElements(array, what, info, dtype, steps, batch);
  if (!isContiguous(array))
    throw nb::value_error((what + ": expected an array without gaps, in the order of C").c_str());
  return array.data();
}

template <typename Array> auto spanOf(nb::handle object, const char *what, uint64_t bytes) {
  Array array = take<Array>(object, what);
  if (array.nbytes() < bytes || !isContiguous(array))
    throw nb::value_error((std::string(what) + ": expected " + std::to_string(bytes) + " bytes without gaps, found " +
                           std::to_string(array.nbytes()))
                              .c_str());
  if (reinterpret_cast<uintptr_t>(array.data()) % SNN_ALIGNMENT != 0)
    throw nb::value_error(
        (std::string(what) + ": expected memory that is aligned to " + std::to_string(SNN_ALIGNMENT) + " bytes")
            .c_str());
  return array.data();
}

std::string quoted(const snn_tensor_info &info) { return "\"" + std::string(info.name) + "\""; }

} // namespace

const char *dtypeName(uint32_t dtype) {
  switch (dtype) {
  case SNN_DTYPE_F32:
    return "f32";
  case SNN_DTYPE_F64:
    return "f64";
  case SNN_DTYPE_U8:
    return "u8";
  default:
    return "i64";
  }
}

InputArray::InputArray(nb::handle object, const snn_tensor_info &info, uint64_t steps, uint64_t batch)
    : array(take<ReadArray>(object, "input " + quoted(info))) {
  checkElements(array, "input " + quoted(info), info, info.dtype, steps, batch);
  for (size_t d = 0; d < array.ndim(); ++d)
    strides.push_back(array.stride(d));
}

const void *readContiguous(nb::handle object, const char *what, const snn_tensor_info &info, uint32_t dtype,
                           uint64_t steps, uint64_t batch) {
  return contiguous<ReadArray>(object, std::string(what) + " " + quoted(info), info, dtype, steps, batch);
}

void *writeContiguous(nb::handle object, const snn_tensor_info &info, uint64_t steps, uint64_t batch) {
  return contiguous<WriteArray>(object, "output " + quoted(info), info, info.dtype, steps, batch);
}

void *span(nb::handle object, const char *what, uint64_t bytes) {
  return object.is_none() ? nullptr : spanOf<WriteArray>(object, what, bytes);
}

const void *readSpan(nb::handle object, const char *what, uint64_t bytes) {
  return object.is_none() ? nullptr : spanOf<ReadArray>(object, what, bytes);
}

nb::handle listEntry(nb::handle list, uint64_t index) {
  return list.is_none() ? nb::handle(nb::none()) : nb::handle(nb::cast<nb::list>(list)[index].ptr());
}

void checkLength(nb::handle list, const char *what, uint64_t expected) {
  if (!list.is_none() && nb::len(list) != expected)
    throw nb::value_error(
        (std::string("expected ") + std::to_string(expected) + " " + what + ", found " + std::to_string(nb::len(list)))
            .c_str());
}

nb::ndarray<nb::numpy, uint8_t, nb::ndim<1>> allocate(uint64_t bytes) {
  auto memory = std::make_unique<Mapping>(std::max<uint64_t>(bytes, 1), /*sparse=*/false);
  auto *start = reinterpret_cast<uint8_t *>(memory->data());
  nb::capsule owner(memory.release(), [](void *mapping) noexcept { delete static_cast<Mapping *>(mapping); });
  return {start, {size_t(bytes)}, owner};
}

} // namespace snn::python
