// Whole files: reading, and writing so that a crash leaves the old or the new file.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_DATA_FILES_H
#define SNN_RUNTIME_DATA_FILES_H

#include "runtime/data/Descriptor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace snn {

/// A regular file, open for reading. Anything else is refused at once: a pipe without a writer is not waited for.
struct RegularFile {
  Descriptor descriptor;
  uint64_t bytes = 0;
};

/// Throws DataError.
RegularFile openRegularFile(const std::string &path);

/// Whether `path` still names what was opened.
bool isAt(const Descriptor &file, const std::string &path);

/// The bytes of a regular file. Throws DataError, also if there is no memory for them.
std::vector<std::byte> readFile(const std::string &path);

/// Bytes that are there as long as their owner.
struct FileBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// A regular file as a part of the address space: it takes no memory that cannot be given back, but a process that
/// makes the file shorter ends this one. Throws DataError.
FileBytes mapFile(const std::string &path);

/// Writes the parts to a temporary file in the same folder, syncs it, renames it to `path` and syncs the folder. A link
/// is followed; what is not a regular file (a device, a pipe) is written to directly. Throws WriteError.
///
/// A process that is killed may leave its temporary file. Each writer holds flock(2) on its own until that has its
/// final name, so one that can be locked belongs to nobody: the next writer of the same `path` removes it.
void writeFileAtomically(const std::string &path, std::span<const std::span<const std::byte>> parts);
void writeFileAtomically(const std::string &path, std::string_view text);

/// Removes temporary files for `path` that killed writers left. Never fails: what cannot be removed stays.
void removeAbandonedTemporaries(const std::string &path) noexcept;

/// Waits until a file or a folder is on disk. Throws WriteError. A folder is not synced where the file system cannot.
void syncFile(const std::string &path);
void syncFolder(const std::string &path);

/// Copies a regular file atomically. Throws DataError, WriteError.
void copyFile(const std::string &from, const std::string &to);

} // namespace snn

#endif // SNN_RUNTIME_DATA_FILES_H
