// A file's bytes as they were when they were read, in memory that nobody can change any more.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CORE_SEALEDFILE_H
#define SNN_RUNTIME_CORE_SEALEDFILE_H

#include <string>
#include <sys/types.h>

namespace snn {

/// Owns a descriptor of a memory file (memfd_create) whose seals forbid writing and resizing: what was checked is what
/// will be mapped, also when the original is written anew meanwhile. Each has an inode of its own.
class SealedFile {
public:
  SealedFile() = default;
  /// Copies the file open at `source` from its start. `path` names the copy for debuggers (its last part) and is for
  /// messages. Throws Error(SNN_ERROR_MEMORY).
  SealedFile(int source, const std::string &path);
  ~SealedFile();
  SealedFile(SealedFile &&other) noexcept;
  SealedFile &operator=(SealedFile &&other) noexcept;

  int descriptor() const { return fd; }

  /// A name under which this process can open it, as long as this object lives and the descriptor keeps its number.
  std::string name() const { return "/proc/self/fd/" + std::to_string(fd); }

  /// Takes another, higher descriptor number, and so another name. Throws Error(SNN_ERROR_MEMORY).
  void rename(const std::string &path);

private:
  bool isOurs() const;
  void close() noexcept;

  int fd = -1;
  dev_t device = 0;
  ino_t inode = 0;
};

} // namespace snn

#endif // SNN_RUNTIME_CORE_SEALEDFILE_H
