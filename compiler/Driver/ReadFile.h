// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reading text of bounded size.

#ifndef SNN_COMPILER_DRIVER_READFILE_H
#define SNN_COMPILER_DRIVER_READFILE_H

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

namespace snn {

/// What a file is read as, for messages, and how large it may be.
struct TextLimits {
  llvm::StringRef what; ///< "the text of a model"
  size_t bytes;
};

/// The whole of a file, or of the standard input for "-". Never reads much more than `limits.bytes`, so that pipes and
/// devices without an end are as good as any other file; it does not wait for somebody to open a pipe for writing. The
/// error is a sentence with the file's name: it cannot be read, is a folder, is no text, or is too large.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> readText(llvm::StringRef path, const TextLimits &limits);

} // namespace snn

#endif // SNN_COMPILER_DRIVER_READFILE_H
