// Members of zip files, as numpy.savez and torch.save write them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_DATA_ZIP_H
#define SNN_RUNTIME_DATA_ZIP_H

#include "runtime/data/Files.h"

#include <map>

namespace snn {

/// A zip file, also one of more than 4 GiB (Zip64), whose members are stored or deflated.
class ZipFile {
public:
  /// Reads the list of members. Throws DataError: what lies outside of the file, is encrypted or spans several disks,
  /// names that are there twice or, unless `folders` says that they may, lead to folders. `kind` is what the file
  /// should be, for messages.
  ZipFile(FileBytes file, std::string path, std::string kind = ".npz file", bool folders = false);

  struct Member {
    uint64_t method = 0, crc = 0, packedBytes = 0, bytes = 0, at = 0; // `at`: of the local header
  };
  const std::map<std::string, Member> &members() const { return list; }

  /// The content: a part of the file if it is stored, else unpacked. Throws DataError if it has another length or
  /// checksum than the list says.
  FileBytes read(const std::string &name) const;

private:
  [[noreturn]] void fail(const std::string &what) const;
  uint64_t number(uint64_t at, unsigned bytes) const;
  uint64_t findEnd() const;
  void readEntry(uint64_t &at, uint64_t end);

  FileBytes file;
  std::string path, kind;
  bool folders;
  std::map<std::string, Member> list;
};

} // namespace snn

#endif // SNN_RUNTIME_DATA_ZIP_H
