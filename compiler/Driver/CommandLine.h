// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The command line of snnc.

#ifndef SNN_COMPILER_DRIVER_COMMANDLINE_H
#define SNN_COMPILER_DRIVER_COMMANDLINE_H

#include "compiler/Driver/CompileOptions.h"
#include <optional>

namespace snn {

/// Fills `options`. Returns an exit status if there is nothing left to do: after --help, --version or an error, about
/// which everything has been said on the standard streams.
std::optional<int> parseCommandLine(int argc, const char *const *argv, CompileOptions &options);

} // namespace snn

#endif // SNN_COMPILER_DRIVER_COMMANDLINE_H
