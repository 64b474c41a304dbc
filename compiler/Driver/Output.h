// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Names of results and writing them.

#ifndef SNN_COMPILER_DRIVER_OUTPUT_H
#define SNN_COMPILER_DRIVER_OUTPUT_H

#include "compiler/Driver/CompileOptions.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

#include <optional>
#include <string>

namespace snn {

/// The input's file name without folder and extension (of the stage, if the compilation starts from one).
std::string stemOf(const CompileOptions &options);

/// The file that a result goes to; "-" is the standard output.
std::string outputPath(const CompileOptions &options, Stage stage);

/// A rule of make: each of `results` depends on all of `sources`. Spaces and what else make gives a meaning to are
/// escaped as compilers do it.
std::string dependencyRule(llvm::ArrayRef<std::string> results, llvm::ArrayRef<std::string> sources);

/// A result that is written but not in its place yet: a temporary file beside it, which goes if it is not kept. So one
/// of several results is there only if the others could be written. "-" and what is no regular file (a device, a pipe)
/// are written by `keep`.
class PendingOutput {
public:
  static llvm::Expected<PendingOutput> write(llvm::StringRef path, llvm::StringRef contents);
  PendingOutput(PendingOutput &&) = default;
  ~PendingOutput();
  llvm::Error keep();

private:
  explicit PendingOutput(llvm::StringRef path) : path(path) {}

  std::string path, contents;
  std::optional<llvm::sys::fs::TempFile> file;
};

/// Writes a result and keeps it.
llvm::Error writeOutput(llvm::StringRef path, llvm::StringRef contents);

} // namespace snn

#endif // SNN_COMPILER_DRIVER_OUTPUT_H
