// Numbers of any byte order, and pieces of arrays.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/Elements.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <zlib.h>

using namespace snn;
using namespace snn::nir;

std::vector<double> nir::decode(std::span<const std::byte> bytes, const ElementLayout &layout) {
  std::vector<double> numbers(bytes.size() / layout.bytes);
  for (size_t i = 0; i < numbers.size(); ++i) {
    uint64_t bits = 0;
    for (unsigned k = 0; k < layout.bytes; ++k)
      bits |= uint64_t(bytes[i * layout.bytes + (layout.highFirst ? layout.bytes - 1 - k : k)]) << 8 * k;
    const unsigned unused = 64 - 8 * layout.bytes;
    if (layout.kind == ElementLayout::Kind::Real)
      numbers[i] = layout.bytes == 4 ? double(std::bit_cast<float>(uint32_t(bits))) : std::bit_cast<double>(bits);
    else if (layout.kind == ElementLayout::Kind::Signed)
      numbers[i] = double(int64_t(bits << unused) >> unused);
    else
      numbers[i] = double(bits);
  }
  return numbers;
}

std::vector<std::byte> nir::inflateExactly(std::span<const std::byte> packed, size_t size) {
  std::vector<std::byte> bytes(size + 1); // one more shows that there is more
  uLongf given = bytes.size();
  uLong taken = packed.size();
  if (uncompress2(reinterpret_cast<Bytef *>(bytes.data()), &given, reinterpret_cast<const Bytef *>(packed.data()),
                  &taken) != Z_OK ||
      given != size)
    return {};
  bytes.resize(size);
  return bytes;
}

void nir::placePiece(std::span<const std::byte> piece, std::span<const uint64_t> chunk, std::span<const uint64_t> at,
                     std::span<const uint64_t> extents, size_t elementBytes, std::span<std::byte> to) {
  const size_t rank = chunk.size(), last = rank - 1;
  const size_t rowBytes = std::min(chunk[last], extents[last] - at[last]) * elementBytes;
  std::vector<uint64_t> index(rank); // in the piece, of the first element of a row
  while (true) {
    size_t from = 0, target = 0;
    bool isInside = true;
    for (size_t axis = 0; axis < rank; ++axis) {
      from = from * chunk[axis] + index[axis];
      target = target * extents[axis] + at[axis] + index[axis];
      isInside &= at[axis] + index[axis] < extents[axis];
    }
    if (isInside)
      std::memcpy(to.data() + target * elementBytes, piece.data() + from * elementBytes, rowBytes);
    size_t axis = last;
    while (axis > 0 && ++index[axis - 1] == chunk[axis - 1])
      index[--axis] = 0;
    if (axis == 0)
      return;
  }
}
