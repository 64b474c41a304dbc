// IDX files (the format of MNIST), plain or compressed with gzip.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_DATA_IDX_H
#define SNN_RUNTIME_DATA_IDX_H

#include <cstdint>
#include <string>
#include <vector>

namespace snn {

/// Unsigned bytes in row-major order of `shape`.
struct IdxArray {
  std::vector<int64_t> shape;
  std::vector<uint8_t> values;
};

/// Reads an IDX file of unsigned bytes with `rank` dimensions: two zero bytes, type 0x08, rank, big-endian 32-bit
/// extents, data; nothing may be missing or follow. Throws DataError with the file's name and what was expected.
IdxArray readIdx(const std::string &path, unsigned rank);

} // namespace snn

#endif // SNN_RUNTIME_DATA_IDX_H
