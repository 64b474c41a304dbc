// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The compiler as a function.

#ifndef SNN_COMPILER_DRIVER_COMPILE_H
#define SNN_COMPILER_DRIVER_COMPILE_H

#include "compiler/Driver/CompileOptions.h"
#include "llvm/Support/raw_ostream.h"

namespace snn {

enum ExitStatus : int {
  kExitSuccess = 0,
  kExitModelError = 1,     ///< the input, a model or the text of a stage, is wrong or cannot be read
  kExitCommandLine = 2,    ///< the options make no sense, alone or together
  kExitInternalError = 70, ///< the compiler is wrong; a reproducer was written
  kExitOutOfMemory = 71,   ///< the system refuses memory: nobody's mistake, and another machine may succeed
  kExitCannotWrite = 74,   ///< a result cannot be written; no half of a file is left
};

/// Compiles and writes what `options` ask for. Everything there is to say goes to `errors`; results for "-" to the
/// standard output. Results are written only after all of them have been made. A crash inside is caught and becomes
/// kExitInternalError. Only printable text goes to `errors`, whatever the input holds. Not to be called from two
/// threads at once.
ExitStatus compile(const CompileOptions &options, llvm::raw_ostream &errors);

} // namespace snn

#endif // SNN_COMPILER_DRIVER_COMPILE_H
