// memfd_create(2) and its seals.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/core/SealedFile.h"
#include "runtime/core/Error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace snn;

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U // <linux/memfd.h> of Linux 6.3
#endif

[[noreturn]] static void fail(const std::string &path) {
  throw Error(SNN_ERROR_MEMORY, path + ": no copy of it can be made in memory: " + std::strerror(errno));
}

static int createMemoryFile(const std::string &path) {
  constexpr size_t longest = 200; // of 249 that the kernel takes
  std::string name = path.substr(path.rfind('/') + 1).substr(0, longest);
  // The copy is mapped, never executed as a program. A system may insist on that; older kernels do not know the flag.
  int fd = memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL)
    fd = memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  return fd;
}

SealedFile::SealedFile(int source, const std::string &path) : fd(createMemoryFile(path)) {
  if (fd < 0)
    fail(path);
  try {
    constexpr size_t chunk = size_t{1} << 30;
    off_t position = 0; // the descriptor's own position is left alone
    for (;;) {
      ssize_t count = sendfile(fd, source, &position, chunk);
      if (count == 0)
        break;
      if (count < 0 && errno != EINTR)
        fail(path);
    }
    struct stat status;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0 ||
        fstat(fd, &status) != 0)
      fail(path);
    device = status.st_dev;
    inode = status.st_ino;
  } catch (...) {
    ::close(fd);
    throw;
  }
}

SealedFile::~SealedFile() { close(); }

SealedFile::SealedFile(SealedFile &&other) noexcept
    : fd(std::exchange(other.fd, -1)), device(other.device), inode(other.inode) {}

SealedFile &SealedFile::operator=(SealedFile &&other) noexcept {
  std::swap(fd, other.fd);
  std::swap(device, other.device);
  std::swap(inode, other.inode);
  return *this;
}

void SealedFile::rename(const std::string &path) {
  int higher = fcntl(fd, F_DUPFD_CLOEXEC, fd + 1);
  if (higher < 0)
    fail(path);
  close();
  fd = higher;
}

/// Hosts close descriptors that they do not know (daemons do), and then the number may be another file's.
bool SealedFile::isOurs() const {
  struct stat status;
  return fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void SealedFile::close() noexcept {
  if (fd >= 0 && isOurs())
    ::close(fd);
  fd = -1;
}
