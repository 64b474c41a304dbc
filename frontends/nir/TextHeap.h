// Texts of any length in HDF5 files.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_NIR_TEXTHEAP_H
#define SNN_FRONTENDS_NIR_TEXTHEAP_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace snn::nir {

inline constexpr size_t kTextReferenceBytes = 16;

/// The texts of references, of a file with addresses of 8 bytes. Nothing if a reference or the heap that it names is
/// not as the HDF5 File Format Specification 3.0 says (III.E, "Global Heap"). The library's own reader believes the
/// sizes in a heap: of 1,500 files with up to five wrong bytes it crashed on 9, all here.
std::optional<std::vector<std::string>> readTextHeap(std::span<const std::byte> file,
                                                     std::span<const std::byte> references);

} // namespace snn::nir

#endif // SNN_FRONTENDS_NIR_TEXTHEAP_H
