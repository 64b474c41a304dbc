// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a file is that should have been text.

#ifndef SNN_COMPILER_DRIVER_FILEKIND_H
#define SNN_COMPILER_DRIVER_FILEKIND_H

#include "llvm/ADT/StringRef.h"
#include <optional>

namespace snn {

/// A file that is no text, in words that complete "FILE is ...".
struct FileKind {
  llvm::StringRef name;
  llvm::StringRef hint; ///< what takes such a file; may be empty
};

/// Recognises `head`, the first bytes of a file (512 are enough for all kinds). Nothing if it may be text.
std::optional<FileKind> binaryKind(llvm::StringRef head);

} // namespace snn

#endif // SNN_COMPILER_DRIVER_FILEKIND_H
