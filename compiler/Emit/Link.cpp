// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// lld's ELF linker as a library.

#include "compiler/Emit/Link.h"

#include "lld/Common/CommonLinkerContext.h"
#include "lld/Common/Driver.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cerrno>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace snn {
namespace {

Error checkSymbols(StringRef object) {
  Expected<std::unique_ptr<object::ObjectFile>> file =
      object::ObjectFile::createObjectFile(MemoryBufferRef(object, "model.o"));
  if (!file)
    return file.takeError();
  for (const object::SymbolRef &symbol : (*file)->symbols()) {
    Expected<uint32_t> flags = symbol.getFlags();
    if (!flags)
      return flags.takeError();
    Expected<StringRef> name = symbol.getName();
    if (!name)
      return name.takeError();
    if ((*flags & object::SymbolRef::SF_Undefined) && !name->empty() &&
        !is_contained({"memcpy", "memset", "memmove"}, *name))
      return createStringError("generated code calls '" + *name + "', which is not memcpy, memset or memmove");
  }
  return Error::success();
}

/// A descriptor that is closed in the end.
struct Descriptor {
  explicit Descriptor(int number) : number(number) {}
  Descriptor(const Descriptor &) = delete;
  ~Descriptor() { reset(); }
  void reset() {
    if (number >= 0)
      close(number);
    number = -1;
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(number); }
  int number;
};

Error lastError() { return errorCodeToError(std::error_code(errno, std::generic_category())); }

Error writeAll(int file, StringRef contents) {
  while (!contents.empty()) {
    const ssize_t count = write(file, contents.data(), contents.size());
    if (count < 0 && errno != EINTR)
      return lastError();
    contents = contents.drop_front(count < 0 ? 0 : size_t(count));
  }
  return Error::success();
}

struct Reader {
  int file;
  std::string contents;
  int error = 0; ///< of the system
};

/// A pthread's function: std::thread would throw if there can be no further thread.
void *readAll(void *argument) {
  auto &reader = *static_cast<Reader *>(argument);
  char piece[1 << 16];
  for (;;) {
    const ssize_t count = read(reader.file, piece, sizeof(piece));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      reader.error = errno;
    if (count <= 0)
      return nullptr;
    reader.contents.append(piece, size_t(count));
  }
}

} // namespace

Expected<std::string> linkSharedLibrary(StringRef object, StringRef soname) {
  if (Error error = checkSymbols(object))
    return error;
  // lld knows files only by their names. The object lies in memory that has one, and a thread takes the library from a
  // pipe as it is written: lld writes to what is no regular file at once, without a file beside it.
  Descriptor input(memfd_create("model.o", MFD_CLOEXEC));
  int ends[2] = {-1, -1};
  if (input.number < 0 || pipe2(ends, O_CLOEXEC) != 0)
    return lastError();
  Descriptor source(ends[0]), sink(ends[1]);
  if (Error error = writeAll(input.number, object))
    return error;
  const std::string from = input.path(), to = sink.path();
  Reader reader{source.number, {}, 0};
  pthread_t thread;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, size_t(1) << 18);
  const int code = pthread_create(&thread, &small, readAll, &reader);
  pthread_attr_destroy(&small);
  if (code != 0)
    return errorCodeToError(std::error_code(code, std::generic_category()));

  const std::string name = soname.str();
  const char *arguments[] = {"ld.lld",     "-shared", "--hash-style=gnu", "-z",          "now",
                             "-z",         "relro",   "--build-id=none",  "--threads=1", "-soname",
                             name.c_str(), "-o",      to.c_str(),         from.c_str()};
  std::string messages;
  raw_string_ostream stream(messages);
  const bool linked = lld::elf::link(arguments, stream, stream, /*exitEarly=*/false, /*disableOutput=*/false);
  lld::CommonLinkerContext::destroy();
  sink.reset();
  pthread_join(thread, nullptr);
  // lld gives words only. What the system refuses is no defect of the object.
  if (!linked && StringRef(messages).contains(std::generic_category().message(ENOMEM)))
    return errorCodeToError(std::make_error_code(std::errc::not_enough_memory));
  if (!linked)
    return createStringError("lld: " + StringRef(messages).trim());
  if (reader.error != 0)
    return errorCodeToError(std::error_code(reader.error, std::generic_category()));
  return std::move(reader.contents);
}

} // namespace snn
