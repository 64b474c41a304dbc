// The JSON header of a safetensors file, parsed event by event so that names that are there twice are found.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_DATA_SAFETENSORSHEADER_H
#define SNN_RUNTIME_DATA_SAFETENSORSHEADER_H

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace snn {

struct HeaderEntry {
  std::string name, dtype;
  std::vector<uint64_t> shape, offsets;
  bool hasDtype = false, hasShape = false, hasOffsets = false;
};

struct SafetensorsHeader {
  std::vector<HeaderEntry> entries; // in the order of the text
  std::map<std::string, std::string> metadata;
};

/// Parses the text. Throws DataError; `path` starts the message.
SafetensorsHeader parseSafetensorsHeader(std::string_view text, const std::string &path);

} // namespace snn

#endif // SNN_RUNTIME_DATA_SAFETENSORSHEADER_H
