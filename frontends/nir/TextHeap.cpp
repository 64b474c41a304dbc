// Global heaps: collections of objects, each with a number.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/TextHeap.h"

#include <cstring>

using namespace snn;

namespace {

constexpr uint64_t heapHeaderBytes = 16, objectHeaderBytes = 16;

/// Little-endian; nothing outside of the bytes.
std::optional<uint64_t> numberAt(std::span<const std::byte> bytes, uint64_t at, unsigned count) {
  if (at > bytes.size() || count > bytes.size() - at)
    return std::nullopt;
  uint64_t value = 0;
  for (unsigned i = 0; i < count; ++i)
    value |= uint64_t(bytes[at + i]) << 8 * i;
  return value;
}

std::optional<std::string> objectOf(std::span<const std::byte> file, uint64_t heap, uint64_t index, uint64_t length) {
  constexpr uint64_t signature = 0x4c4f4347; // "GCOL"
  const std::optional<uint64_t> size = numberAt(file, heap + 8, 8);
  if (numberAt(file, heap, 4) != signature || !size || *size > file.size() || heap > file.size() - *size)
    return std::nullopt;
  for (uint64_t at = heap + heapHeaderBytes; at <= heap + *size && heap + *size - at >= objectHeaderBytes;) {
    const std::optional<uint64_t> number = numberAt(file, at, 2), bytes = numberAt(file, at + 8, 8);
    const uint64_t room = heap + *size - at - objectHeaderBytes;
    if (!number || !bytes || *number == 0 || *bytes > room) // number 0 is the free rest
      return std::nullopt;
    if (*number == index) {
      if (length > *bytes)
        return std::nullopt;
      const auto *begin = reinterpret_cast<const char *>(file.data() + at + objectHeaderBytes);
      return std::string(begin, strnlen(begin, length));
    }
    const uint64_t padded = (*bytes + 7) / 8 * 8;
    if (padded > room)
      return std::nullopt;
    at += objectHeaderBytes + padded;
  }
  return std::nullopt;
}

} // namespace

std::optional<std::vector<std::string>> nir::readTextHeap(std::span<const std::byte> file,
                                                          std::span<const std::byte> references) {
  std::vector<std::string> texts;
  for (uint64_t at = 0; at + kTextReferenceBytes <= references.size(); at += kTextReferenceBytes) {
    const std::optional<uint64_t> length = numberAt(references, at, 4), heap = numberAt(references, at + 4, 8),
                                  index = numberAt(references, at + 12, 4);
    std::optional<std::string> text = *length == 0 ? std::string() : objectOf(file, *heap, *index, *length);
    if (!text)
      return std::nullopt;
    texts.push_back(std::move(*text));
  }
  return texts;
}
