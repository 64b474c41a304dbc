// Zeroed memory from the kernel whose pages exist only once they are touched.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CORE_MEMORY_H
#define SNN_RUNTIME_CORE_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <new>
#include <sys/mman.h>

namespace snn {

/// One anonymous mapping; aligned to a page, zero.
class Mapping {
public:
  /// `sparse`: only parts will be used, so no huge pages. Throws std::bad_alloc.
  Mapping(uint64_t bytes, bool sparse) : size(bytes) {
    if (bytes == 0)
      return;
    if (bytes > PTRDIFF_MAX)
      throw std::bad_alloc();
    void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      throw std::bad_alloc();
    start = static_cast<std::byte *>(memory);
    if (sparse)
      madvise(memory, bytes, MADV_NOHUGEPAGE);
  }
  ~Mapping() {
    if (start)
      munmap(start, size);
  }
  Mapping(const Mapping &) = delete;
  Mapping &operator=(const Mapping &) = delete;

  std::byte *data() const { return start; }
  uint64_t bytes() const { return size; }

private:
  std::byte *start = nullptr;
  uint64_t size;
};

} // namespace snn

#endif // SNN_RUNTIME_CORE_MEMORY_H
