// Whole files: reading, and writing so that a crash leaves the old or the new file.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_DATA_FILES_H
#define SNN_RUNTIME_DATA_FILES_H

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace snn {

/// The bytes of a regular file. Throws DataError.
std::vector<std::byte> readFile(const std::string &path);

/// Writes the parts to a temporary file in the same folder, syncs it, renames it to `path` and syncs the folder. A link
/// is followed; what is not a regular file (a device, a pipe) is written to directly. Throws WriteError.
void writeFileAtomically(const std::string &path, std::span<const std::span<const std::byte>> parts);
void writeFileAtomically(const std::string &path, std::string_view text);

/// Copies a regular file atomically. Throws DataError, WriteError.
void copyFile(const std::string &from, const std::string &to);

} // namespace snn

#endif // SNN_RUNTIME_DATA_FILES_H
