// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Names of results and writing them.

#ifndef SNN_COMPILER_DRIVER_OUTPUT_H
#define SNN_COMPILER_DRIVER_OUTPUT_H

#include "compiler/Driver/CompileOptions.h"
#include "llvm/Support/Error.h"

namespace snn {

/// The input's file name without folder and extension (of the stage, if the compilation starts from one).
std::string stemOf(const CompileOptions &options);

/// The file that a result goes to; "-" is the standard output.
std::string outputPath(const CompileOptions &options, Stage stage);

/// A rule of make: each of `results` depends on all of `sources`. Spaces and what else make gives a meaning to are
/// escaped as compilers do it.
std::string dependencyRule(llvm::ArrayRef<std::string> results, llvm::ArrayRef<std::string> sources);

/// Writes a temporary file beside `path` and renames it. "-" and what is no regular file (a device, a pipe) are
/// written directly.
llvm::Error writeOutput(llvm::StringRef path, llvm::StringRef contents);

} // namespace snn

#endif // SNN_COMPILER_DRIVER_OUTPUT_H
