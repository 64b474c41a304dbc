// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// lld's ELF linker as a library.

#include "compiler/Emit/Link.h"

#include "lld/Common/CommonLinkerContext.h"
#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

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

Error writeFile(StringRef path, StringRef contents) {
  std::error_code code;
  raw_fd_ostream stream(path, code, sys::fs::OF_None);
  if (!code) {
    stream << contents;
    stream.close();
    code = stream.error();
    stream.clear_error();
  }
  return code ? createFileError(path, code) : Error::success();
}

} // namespace

Expected<std::string> linkSharedLibrary(StringRef object, StringRef soname) {
  if (Error error = checkSymbols(object))
    return error;
  SmallString<128> folder;
  if (std::error_code code = sys::fs::createUniqueDirectory("snnc", folder))
    return createFileError("temporary folder", code);
  scope_exit cleanUp([&] { sys::fs::remove_directories(folder); });
  const std::string input = (folder + "/model.o").str(), output = (folder + "/model.so").str();
  if (Error error = writeFile(input, object))
    return error;

  const std::string name = soname.str();
  const char *arguments[] = {"ld.lld",     "-shared", "--hash-style=gnu", "-z",          "now",
                             "-z",         "relro",   "--build-id=none",  "--threads=1", "-soname",
                             name.c_str(), "-o",      output.c_str(),     input.c_str()};
  std::string messages;
  raw_string_ostream stream(messages);
  const bool linked = lld::elf::link(arguments, stream, stream, /*exitEarly=*/false, /*disableOutput=*/false);
  lld::CommonLinkerContext::destroy();
  if (!linked)
    return createStringError("lld: " + StringRef(messages).trim());

  ErrorOr<std::unique_ptr<MemoryBuffer>> library = MemoryBuffer::getFile(output, /*IsText=*/false,
                                                                         /*RequiresNullTerminator=*/false);
  if (!library)
    return createFileError(output, library.getError());
  return (*library)->getBuffer().str();
}

} // namespace snn
