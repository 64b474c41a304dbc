// Bytes of data sets as numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_NIR_ELEMENTS_H
#define SNN_FRONTENDS_NIR_ELEMENTS_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace snn::nir {

/// A number as machines have it.
struct ElementLayout {
  enum class Kind { Real, Signed, Unsigned };
  Kind kind = Kind::Real;
  unsigned bytes = 4; ///< 4 or 8 of a real, 1, 2, 4 or 8 of an integer
  bool highFirst = false;
};

/// All elements; there are bytes for whole ones.
std::vector<double> decode(std::span<const std::byte> bytes, const ElementLayout &layout);

/// What zlib's format holds. Empty if that is not exactly `size` bytes, which are at least 1.
std::vector<std::byte> inflateExactly(std::span<const std::byte> packed, size_t size);

/// Copies a piece of extents `chunk` to its place in an array of `extents`; what reaches beyond is left out. All have
/// the same number of extents, at least one, and the elements `elementBytes`; `at` is the place of the first one, which
/// lies in the array.
void placePiece(std::span<const std::byte> piece, std::span<const uint64_t> chunk, std::span<const uint64_t> at,
                std::span<const uint64_t> extents, size_t elementBytes, std::span<std::byte> to);

} // namespace snn::nir

#endif // SNN_FRONTENDS_NIR_ELEMENTS_H
