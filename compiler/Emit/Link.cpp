// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// lld's ELF linker as a library.

#include "compiler/Emit/Link.h"

#include "lld/Common/CommonLinkerContext.h"
#include "lld/Common/Driver.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cerrno>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>
#include <vector>

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace snn {
namespace {

/// Helper functions of the "Run-time ABI for the Arm Architecture", which come with every compiler for it: arithmetic
/// that the processor has no instructions for.
bool isOfRunTimeAbi(StringRef name) { return name.starts_with("__aeabi_"); }

Error checkSymbols(ArrayRef<std::string> objects) {
  StringSet<> defined;
  SmallVector<StringRef> undefined;
  for (StringRef object : objects) {
    Expected<std::unique_ptr<object::ObjectFile>> file =
        object::ObjectFile::createObjectFile(MemoryBufferRef(object, "model.o"));
    if (!file)
      return file.takeError();
    for (const object::SymbolRef &symbol : (*file)->symbols()) {
      Expected<uint32_t> flags = symbol.getFlags();
      if (!flags)
        return flags.takeError();
      Expected<StringRef> name = symbol.getName(); // within `object`
      if (!name)
        return name.takeError();
      if (!(*flags & object::SymbolRef::SF_Undefined))
        defined.insert(*name);
      else if (!name->empty() && !is_contained({"memcpy", "memset", "memmove"}, *name) &&
               !(is_contained({Triple::arm, Triple::thumb}, (*file)->getArch()) && isOfRunTimeAbi(*name)))
        undefined.push_back(*name);
    }
  }
  for (StringRef name : undefined)
    if (!defined.contains(name))
      return createStringError("generated code calls '" + name + "', which is not memcpy, memset or memmove");
  return Error::success();
}

/// A descriptor that is closed in the end.
struct Descriptor {
  explicit Descriptor(int number) : number(number) {}
  Descriptor(Descriptor &&other) : number(std::exchange(other.number, -1)) {}
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

/// What lld makes of objects.
Expected<std::string> runLinker(ArrayRef<std::string> objects, ArrayRef<StringRef> options) {
  if (Error error = checkSymbols(objects))
    return error;
  // lld knows files only by their names. The objects lie in memory that has some, and a thread takes the result from a
  // pipe as it is written: lld writes to what is no regular file at once, without a file beside it.
  std::vector<Descriptor> inputs;
  for (StringRef object : objects) {
    inputs.emplace_back(memfd_create("model.o", MFD_CLOEXEC));
    if (inputs.back().number < 0)
      return lastError();
    if (Error error = writeAll(inputs.back().number, object))
      return error;
  }
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0)
    return lastError();
  Descriptor source(ends[0]), sink(ends[1]);
  Reader reader{source.number, {}, 0};
  pthread_t thread;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, size_t(1) << 18);
  const int code = pthread_create(&thread, &small, readAll, &reader);
  pthread_attr_destroy(&small);
  if (code != 0)
    return errorCodeToError(std::error_code(code, std::generic_category()));

  std::vector<std::string> words = {"ld.lld", "--threads=1", "-o", sink.path()};
  words.insert(words.end(), options.begin(), options.end());
  for (const Descriptor &input : inputs)
    words.push_back(input.path());
  std::vector<const char *> arguments;
  for (const std::string &word : words)
    arguments.push_back(word.c_str());
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

} // namespace

Expected<std::string> linkSharedLibrary(ArrayRef<std::string> objects, StringRef soname) {
  return runLinker(objects,
                   {"-shared", "--hash-style=gnu", "-z", "now", "-z", "relro", "--build-id=none", "-soname", soname});
}

Expected<std::string> mergeObjects(ArrayRef<std::string> objects) {
  Expected<std::string> merged = runLinker(objects, {"-r"});
  if (!merged)
    return merged;
  Expected<std::unique_ptr<object::Binary>> binary = object::createBinary(MemoryBufferRef(*merged, "model.o"));
  if (!binary)
    return binary.takeError();
  objcopy::ConfigManager config;
  config.ELF.LocalizeHidden = true;
  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  if (Error error = objcopy::executeObjcopyOnBinary(config, **binary, stream))
    return error;
  return std::string(bytes.begin(), bytes.end());
}

} // namespace snn
