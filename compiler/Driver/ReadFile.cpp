// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bounded reads.

#include "compiler/Driver/ReadFile.h"

#include "compiler/Driver/FileKind.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

#include <cerrno>
#include <fcntl.h>

using namespace llvm;

namespace snn {
namespace {

/// Bytes by which kinds of files are told apart; read first, so that a large file of another kind is named as such.
constexpr size_t kHead = 4096;
constexpr size_t kPiece = size_t(1) << 16;

/// Appends to `text` until it has `size` bytes or the file ends.
Error append(sys::fs::file_t file, SmallVectorImpl<char> &text, size_t size) {
  while (text.size() < size) {
    const size_t old = text.size();
    text.resize_for_overwrite(std::min(size, old + kPiece));
    Expected<size_t> got = sys::fs::readNativeFile(file, MutableArrayRef(text.data() + old, text.size() - old));
    text.truncate(old + (got ? *got : 0));
    if (!got)
      return got.takeError();
    if (*got == 0)
      break;
  }
  return Error::success();
}

} // namespace

Expected<std::unique_ptr<MemoryBuffer>> readText(StringRef path, const TextLimits &limits) {
  auto cannotRead = [&](Error error) {
    return createStringError("cannot read '" + path + "': " + toString(std::move(error)));
  };
  const bool isStandard = path == "-";
  sys::fs::file_t file = sys::fs::getStdinHandle();
  if (!isStandard) {
    // Opening a pipe that nobody writes to would wait for somebody; reading one that somebody writes to may wait.
    file = open(path.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
      return cannotRead(errorCodeToError(std::error_code(errno, std::generic_category())));
    fcntl(file, F_SETFL, fcntl(file, F_GETFL) & ~O_NONBLOCK);
  }
  scope_exit close([&] {
    if (!isStandard)
      sys::fs::closeFile(file);
  });
  const std::string name = isStandard ? "the standard input" : ("'" + path + "'").str();
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(file, status))
    return cannotRead(errorCodeToError(code));
  if (status.type() == sys::fs::file_type::directory_file)
    return createStringError(name + " is a folder, but expected " + limits.what);

  SmallString<0> text;
  if (Error error = append(file, text, kHead))
    return cannotRead(std::move(error));
  if (text.empty() && status.type() == sys::fs::file_type::fifo_file)
    return createStringError(name + " is a pipe to which nobody writes, but expected " + limits.what);
  if (std::optional<FileKind> kind = binaryKind(text.str()))
    return createStringError(name + " is " + kind->name + ", but expected " + limits.what +
                             (kind->hint.empty() ? "" : "; " + kind->hint));
  auto tooLarge = [&](const Twine &found) {
    return createStringError(name + " has " + found + " bytes, but " + limits.what + " has at most " +
                             Twine(limits.bytes));
  };
  if (status.type() == sys::fs::file_type::regular_file && status.getSize() > limits.bytes)
    return tooLarge(Twine(status.getSize()));
  if (Error error = append(file, text, limits.bytes + 1))
    return cannotRead(std::move(error));
  if (text.size() > limits.bytes)
    return tooLarge("more than " + Twine(limits.bytes));
  return MemoryBuffer::getMemBufferCopy(text.str(), isStandard ? "<stdin>" : path);
}

} // namespace snn
