// Whole files over the POSIX interface.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Files.h"
#include "runtime/data/Errors.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace snn;

namespace {

class Descriptor {
public:
  explicit Descriptor(int fd) : fd(fd) {}
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  int get() const { return fd; }
  int close() {
    int result = ::close(fd);
    fd = -1;
    return result;
  }

private:
  int fd;
};

[[noreturn]] void failWrite(const std::string &path, const char *what) {
  throw WriteError(fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
}

void writeAll(const Descriptor &file, std::span<const std::byte> bytes, const std::string &path) {
  while (!bytes.empty()) {
    ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      failWrite(path, "cannot be written");
    bytes = bytes.subspan(size_t(count));
  }
}

/// A new file beside `path`; `name` becomes its path.
int createTemporary(const std::filesystem::path &path, std::string &name) {
  for (unsigned attempt = 0;; ++attempt) {
    name = (path.parent_path() / fmt::format(".{}.{}.{}", path.filename().string(), getpid(), attempt)).string();
    int fd = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST || attempt == 100)
      return fd;
  }
}

} // namespace

std::vector<std::byte> snn::readFile(const std::string &path) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status;
  if (file.get() < 0 || fstat(file.get(), &status) != 0)
    throw DataError(fmt::format("{}: cannot be opened: {}", path, std::strerror(errno)));
  if (!S_ISREG(status.st_mode))
    throw DataError(fmt::format("{}: is not a regular file", path));
  std::vector<std::byte> bytes(size_t(status.st_size));
  for (size_t position = 0; position < bytes.size();) {
    ssize_t count = read(file.get(), bytes.data() + position, bytes.size() - position);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      throw DataError(
          fmt::format("{}: cannot be read: {}", path, count < 0 ? std::strerror(errno) : "it became shorter"));
    position += size_t(count);
  }
  return bytes;
}

void snn::writeFileAtomically(const std::string &givenPath, std::span<const std::span<const std::byte>> parts) {
  std::error_code error;
  std::string path = givenPath;
  auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status)) {
    if (std::filesystem::is_directory(status))
      throw WriteError(fmt::format("{}: cannot be written: it is a folder", path));
    if (!std::filesystem::is_regular_file(status)) {
      Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
      if (file.get() < 0)
        failWrite(path, "cannot be opened for writing");
      for (auto part : parts)
        writeAll(file, part, path);
      if (file.close() != 0)
        failWrite(path, "cannot be written");
      return;
    }
    if (auto resolved = std::filesystem::canonical(path, error); !error)
      path = resolved.string();
  }

  std::string temporary;
  Descriptor file(createTemporary(path, temporary));
  if (file.get() < 0)
    failWrite(temporary, "cannot be created");
  try {
    for (auto part : parts)
      writeAll(file, part, temporary);
    if (fsync(file.get()) != 0 || file.close() != 0)
      failWrite(temporary, "cannot be written");
    if (rename(temporary.c_str(), path.c_str()) != 0)
      failWrite(path, "cannot be replaced");
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
  std::string folder = std::filesystem::path(path).parent_path().string();
  Descriptor folderFile(open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot sync a folder; the file is in place all the same.
  if (folderFile.get() >= 0 && fsync(folderFile.get()) != 0 && errno != EINVAL && errno != ENOTSUP)
    failWrite(folder, "cannot be synced");
}

void snn::writeFileAtomically(const std::string &path, std::string_view text) {
  std::span<const std::byte> part = std::as_bytes(std::span(text));
  writeFileAtomically(path, std::span(&part, 1));
}

void snn::copyFile(const std::string &from, const std::string &to) {
  std::vector<std::byte> bytes = readFile(from);
  std::span<const std::byte> part = bytes;
  writeFileAtomically(to, std::span(&part, 1));
}
