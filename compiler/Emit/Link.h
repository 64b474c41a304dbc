// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From an object in memory to a shared library in memory, with lld inside this process.

#ifndef SNN_COMPILER_EMIT_LINK_H
#define SNN_COMPILER_EMIT_LINK_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace snn {

/// Links objects to a library that needs no other library and no symbol but memcpy, memset and memmove. Needs no
/// temporary files, but /proc. Fails with an ECError if the system refuses memory for the object or a pipe, and else
/// with a message: an object refers to another symbol, or lld's own. Not to be called from two threads at once.
llvm::Expected<std::string> linkSharedLibrary(llvm::ArrayRef<std::string> objects, llvm::StringRef soname);

/// One object of several, in which what they share is local. The same holds for it otherwise.
llvm::Expected<std::string> mergeObjects(llvm::ArrayRef<std::string> objects);

} // namespace snn

#endif // SNN_COMPILER_EMIT_LINK_H
