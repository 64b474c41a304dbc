// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `snnc import` and `snnc export`.

#ifndef SNN_COMPILER_DRIVER_SUBCOMMANDS_H
#define SNN_COMPILER_DRIVER_SUBCOMMANDS_H

#include "llvm/Support/raw_ostream.h"
#include <optional>

namespace snn {

/// Does what the command line asks for, if its first word is a subcommand, and returns the exit status; nothing
/// otherwise.
std::optional<int> runSubcommand(int argc, const char *const *argv, llvm::raw_ostream &errors);

} // namespace snn

#endif // SNN_COMPILER_DRIVER_SUBCOMMANDS_H
