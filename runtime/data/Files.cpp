// Whole files over the POSIX interface.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Files.h"
#include "runtime/data/Errors.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace snn;

namespace {

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

// Temporary files for NAME are called .NAME.snn-PROCESS-NUMBER.tmp.
std::string temporaryPrefix(const std::filesystem::path &path) {
  return fmt::format(".{}.snn-", path.filename().string());
}
constexpr std::string_view temporaryEnding = ".tmp";

bool isTemporary(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix) || !name.ends_with(temporaryEnding))
    return false;
  std::string_view middle = name.substr(prefix.size(), name.size() - prefix.size() - temporaryEnding.size());
  return middle.find_first_not_of("0123456789-") == std::string_view::npos;
}

/// A new file beside `path`, locked; `name` becomes its path.
Descriptor createTemporary(const std::filesystem::path &path, std::string &name) {
  for (unsigned attempt = 0;; ++attempt) {
    name = (path.parent_path() / fmt::format("{}{}-{}{}", temporaryPrefix(path), getpid(), attempt, temporaryEnding))
               .string();
    Descriptor file(open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!file && (errno != EEXIST || attempt == 100))
      return file;
    if (!file)
      continue;
    // Until it is locked it looks abandoned. Who takes it for that locks it first and removes it then.
    bool taken = flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    struct stat status;
    if (!taken && fstat(file.get(), &status) == 0 && status.st_nlink > 0)
      return file;
  }
}

} // namespace

RegularFile snn::openRegularFile(const std::string &path) {
  RegularFile file{Descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY))};
  struct stat status;
  if (!file.descriptor || fstat(file.descriptor.get(), &status) != 0)
    throw DataError(fmt::format("{}: cannot be opened: {}", path, std::strerror(errno)));
  if (!S_ISREG(status.st_mode))
    throw DataError(fmt::format("{}: is not a regular file", path));
  file.bytes = uint64_t(status.st_size);
  return file;
}

bool snn::isAt(const Descriptor &file, const std::string &path) {
  struct stat opened, named;
  return fstat(file.get(), &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

std::vector<std::byte> snn::readFile(const std::string &path) {
  RegularFile file = openRegularFile(path);
  std::vector<std::byte> bytes;
  try {
    bytes.resize(file.bytes);
  } catch (const std::exception &) { // bad_alloc or length_error
    throw MemoryError(fmt::format("{}: has {} bytes, for which there is not enough memory", path, file.bytes));
  }
  for (size_t position = 0; position < bytes.size();) {
    ssize_t count = read(file.descriptor.get(), bytes.data() + position, bytes.size() - position);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      throw DataError(
          fmt::format("{}: cannot be read: {}", path, count < 0 ? std::strerror(errno) : "it became shorter"));
    position += size_t(count);
  }
  return bytes;
}

FileBytes snn::mapFile(const std::string &path) {
  RegularFile file = openRegularFile(path);
  if (file.bytes == 0) // which cannot be mapped
    return {};
  void *address = mmap(nullptr, file.bytes, PROT_READ, MAP_PRIVATE, file.descriptor.get(), 0);
  if (address == MAP_FAILED)
    throw MemoryError(
        fmt::format("{}: has {} bytes, which cannot be mapped: {}", path, file.bytes, std::strerror(errno)));
  std::shared_ptr<const void> owner(
      address, [bytes = file.bytes](const void *mapped) { munmap(const_cast<void *>(mapped), bytes); });
  return {{static_cast<const std::byte *>(address), file.bytes}, std::move(owner)};
}

void snn::removeAbandonedTemporaries(const std::string &path) noexcept try {
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const std::string prefix = temporaryPrefix(path);
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder.empty() ? "." : folder, error), end; !error && at != end;
       at.increment(error)) {
    if (!isTemporary(at->path().filename().string(), prefix))
      continue;
    Descriptor file(open(at->path().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    // A lock on what no longer has this name says nothing about the file that has it now.
    if (file && flock(file.get(), LOCK_EX | LOCK_NB) == 0 && isAt(file, at->path().string()))
      unlink(at->path().c_str());
  }
} catch (const std::exception &) {
}

void snn::syncFile(const std::string &path) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file || fsync(file.get()) != 0)
    failWrite(path, "cannot be synced");
}

void snn::syncFolder(const std::string &path) {
  Descriptor folder(open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot sync a folder, and a folder may be writable but not readable; its files are in place.
  if (folder && fsync(folder.get()) != 0 && errno != EINVAL && errno != ENOTSUP)
    failWrite(path, "cannot be synced");
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
      if (!file)
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

  removeAbandonedTemporaries(path);
  std::string temporary;
  Descriptor file = createTemporary(path, temporary);
  if (!file)
    failWrite(temporary, "cannot be created");
  try {
    for (auto part : parts)
      writeAll(file, part, temporary);
    if (fsync(file.get()) != 0)
      failWrite(temporary, "cannot be written");
    if (rename(temporary.c_str(), path.c_str()) != 0)
      failWrite(path, "cannot be replaced");
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
  if (file.close() != 0) // the lock was needed until the rename
    failWrite(path, "cannot be written");
  syncFolder(std::filesystem::path(path).parent_path().string());
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
