// The IDX reader, over zlib's file interface, which passes plain files through.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Idx.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <new>
#include <zlib.h>

using namespace snn;

namespace {

class Stream {
public:
  explicit Stream(const std::string &path) : path(path) {
    // Not gzopen, which waits for a pipe's writer.
    RegularFile regular = openRegularFile(path);
    file = gzdopen(regular.descriptor.get(), "rb");
    if (!file)
      fail("cannot be read: out of memory");
    regular.descriptor.release();
    gzbuffer(file, 1 << 18);
  }
  ~Stream() {
    if (file)
      gzclose_r(file);
  }
  Stream(const Stream &) = delete;
  Stream &operator=(const Stream &) = delete;

  [[noreturn]] void fail(const std::string &what) const { throw DataError(path + ": " + what); }

  /// Up to `size` bytes; fewer only at the end of the data.
  size_t read(void *to, size_t size) {
    size_t total = 0;
    while (total < size) {
      int count = gzread(file, static_cast<char *>(to) + total, unsigned(std::min<size_t>(size - total, 1 << 24)));
      checkError();
      if (count <= 0)
        break;
      total += size_t(count);
    }
    return total;
  }

private:
  void checkError() const {
    int code = Z_OK;
    const char *text = gzerror(file, &code);
    if (code == Z_BUF_ERROR)
      fail("is truncated: the compressed data ends too early");
    if (code == Z_ERRNO)
      fail(fmt::format("cannot be read: {}", std::strerror(errno)));
    if (code != Z_OK && code != Z_STREAM_END)
      fail(fmt::format("the compressed data is damaged: {}", text));
  }

  const std::string &path;
  gzFile file = nullptr;
};

} // namespace

IdxArray snn::readIdx(const std::string &path, unsigned rank) {
  Stream stream(path);
  uint8_t magic[4];
  if (stream.read(magic, 4) != 4)
    stream.fail("is truncated: expected an IDX header");
  constexpr unsigned unsignedByte = 0x08;
  if (magic[0] != 0 || magic[1] != 0)
    stream.fail(fmt::format("is not an IDX file: it starts with {:02x} {:02x} {:02x} {:02x}, expected 00 00 08 {:02x}",
                            magic[0], magic[1], magic[2], magic[3], rank));
  if (magic[2] != unsignedByte)
    stream.fail(fmt::format("has elements of IDX type 0x{:02x}, expected 0x08 (unsigned bytes)", magic[2]));
  if (magic[3] != rank)
    stream.fail(fmt::format("has {} dimensions, expected {}", magic[3], rank));

  IdxArray array;
  size_t expected = 1;
  for (unsigned d = 0; d < rank; ++d) {
    uint8_t bytes[4];
    if (stream.read(bytes, 4) != 4)
      stream.fail(fmt::format("is truncated: expected {} dimensions in the header", rank));
    uint32_t extent = uint32_t(bytes[0]) << 24 | uint32_t(bytes[1]) << 16 | uint32_t(bytes[2]) << 8 | bytes[3];
    if (extent == 0)
      stream.fail(fmt::format("dimension {} is 0, expected at least 1", d));
    if (__builtin_mul_overflow(expected, size_t{extent}, &expected) || expected > (size_t{1} << 40))
      stream.fail("says that it holds more than 2^40 bytes");
    array.shape.push_back(extent);
  }
  // The header alone does not decide how much memory is taken: a damaged one may ask for anything.
  constexpr size_t piece = size_t{1} << 26;
  while (array.values.size() < expected) {
    size_t have = array.values.size(), want = std::min(piece, expected - have);
    try {
      array.values.resize(have + want);
    } catch (const std::bad_alloc &) {
      stream.fail(fmt::format("the header says {} bytes of data, for which there is not enough memory", expected));
    }
    size_t count = stream.read(array.values.data() + have, want);
    if (count != want)
      stream.fail(fmt::format("is truncated: the header says {} bytes of data, found {}", expected, have + count));
  }
  uint8_t extra;
  if (stream.read(&extra, 1) != 0)
    stream.fail(fmt::format("has data after the {} bytes that the header says", expected));
  return array;
}
