// Conversions between element types, none of which loses anything unseen.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Array.h"

#include <cstring>
#include <fmt/format.h>
#include <type_traits>

using namespace snn;

namespace {

template <typename Element> Element elementAt(const std::byte *from) {
  Element element;
  std::memcpy(&element, from, sizeof(element));
  return element;
}

/// Whether `to` is what `from` was.
template <typename From, typename To> bool unchanged(From from, To to) {
  if constexpr (std::is_same_v<From, To>)
    return true;
  else if constexpr (std::is_integral_v<From> && std::is_integral_v<To>)
    return std::in_range<To>(from);
  else if constexpr (std::is_integral_v<From>) // a long double holds all 64-bit integers
    return static_cast<long double>(from) == static_cast<long double>(to);
  else
    return double(from) == double(to) || from != from; // what is no number is found by the model
}

template <typename From, typename To>
uint64_t convertElements(const std::byte *from, const int64_t *offsets, uint64_t count, std::byte *to) {
  if constexpr (std::is_same_v<From, To>)
    if (!offsets) {
      std::memcpy(to, from, count * sizeof(To));
      return count;
    }
  for (uint64_t i = 0; i < count; ++i) {
    From element = elementAt<From>(offsets ? from + offsets[i] : from + i * sizeof(From));
    To converted = static_cast<To>(element);
    if (!unchanged(element, converted))
      return i;
    std::memcpy(to + i * sizeof(To), &converted, sizeof(To));
  }
  return count;
}

template <typename From, typename To> Conversion conversionOf() {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>)
    return {};
  else if constexpr (std::is_same_v<From, To>)
    return {convertElements<From, To>, false};
  else if constexpr (std::is_integral_v<From> && std::is_integral_v<To>)
    return {convertElements<From, To>, !(std::in_range<To>(std::numeric_limits<From>::min()) &&
                                         std::in_range<To>(std::numeric_limits<From>::max()))};
  else
    return {convertElements<From, To>, std::numeric_limits<From>::digits > std::numeric_limits<To>::digits};
}

template <typename From> Conversion conversionTo(ElementType to) {
  switch (to) {
  case ElementType::F32:
    return conversionOf<From, float>();
  case ElementType::F64:
    return conversionOf<From, double>();
  case ElementType::I64:
    return conversionOf<From, int64_t>();
  case ElementType::U8:
    return conversionOf<From, uint8_t>();
  default:
    return {};
  }
}

} // namespace

Conversion snn::conversion(ElementType from, ElementType to) {
  return withElement(from, [&](auto zero) { return conversionTo<decltype(zero)>(to); });
}

std::string snn::elementText(ElementType type, const std::byte *element) {
  return withElement(type, [&](auto zero) { return fmt::format("{}", elementAt<decltype(zero)>(element)); });
}

std::vector<int64_t> snn::contiguousStrides(std::span<const int64_t> shape, uint64_t elementBytes,
                                            bool firstIsFastest) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = int64_t(elementBytes);
  for (size_t i = 0; i < shape.size(); ++i) {
    size_t axis = firstIsFastest ? i : shape.size() - 1 - i;
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}
