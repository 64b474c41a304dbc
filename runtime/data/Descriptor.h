// A file descriptor that closes itself.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_DATA_DESCRIPTOR_H
#define SNN_RUNTIME_DATA_DESCRIPTOR_H

#include <unistd.h>
#include <utility>

namespace snn {

/// Owns a descriptor; a negative number is none.
class Descriptor {
public:
  explicit Descriptor(int fd = -1) : fd(fd) {}
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
  Descriptor(Descriptor &&other) noexcept : fd(std::exchange(other.fd, -1)) {}
  Descriptor &operator=(Descriptor &&other) noexcept {
    std::swap(fd, other.fd);
    return *this;
  }

  int get() const { return fd; }
  explicit operator bool() const { return fd >= 0; }
  /// Closes now, to see the result of close(2).
  int close() { return ::close(release()); }
  /// The caller closes it.
  int release() { return std::exchange(fd, -1); }

private:
  int fd;
};

} // namespace snn

#endif // SNN_RUNTIME_DATA_DESCRIPTOR_H
