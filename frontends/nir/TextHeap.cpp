// Global heaps: collections of objects, each with a number.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/TextHeap.h"

#include <cstring>

using namespace snn;

namespace {

constexpr uint64_t referenceBytes = 16, heapHeaderBytes = 16, objectHeaderBytes = 16;

class Heaps {
public:
  explicit Heaps(std::span<const std::byte> file) : file(file) {}

  /// Little-endian; nothing outside of the file.
  std::optional<uint64_t> number(uint64_t at, unsigned bytes) const {
    if (at > file.size() || bytes > file.size() - at)
      return std::nullopt;
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i)
      value |= uint64_t(file[at + i]) << 8 * i;
    return value;
  }

  std::optional<std::string> text(uint64_t at) const {
    const std::optional<uint64_t> length = number(at, 4), heap = number(at + 4, 8), index = number(at + 12, 4);
    if (!length || !heap || !index)
      return std::nullopt;
    if (*length == 0)
      return std::string();
    return object(*heap, *index, *length);
  }

private:
  std::optional<std::string> object(uint64_t heap, uint64_t index, uint64_t length) const {
    constexpr uint64_t signature = 0x4c4f4347; // "GCOL"
    const std::optional<uint64_t> size = number(heap + 8, 8);
    if (number(heap, 4) != signature || !size || *size > file.size() || heap > file.size() - *size)
      return std::nullopt;
    for (uint64_t at = heap + heapHeaderBytes; heap + *size - at >= objectHeaderBytes;) {
      const std::optional<uint64_t> number = this->number(at, 2), bytes = this->number(at + 8, 8);
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

  std::span<const std::byte> file;
};

} // namespace

std::optional<std::vector<std::string>> nir::readTextHeap(std::span<const std::byte> file, uint64_t at,
                                                          uint64_t count) {
  std::vector<std::string> texts;
  for (uint64_t i = 0; i < count; ++i) {
    std::optional<std::string> text = Heaps(file).text(at + i * referenceBytes);
    if (!text)
      return std::nullopt;
    texts.push_back(std::move(*text));
  }
  return texts;
}
