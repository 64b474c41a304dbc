// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// snnc: the compiler on the command line.

#include "compiler/Driver/CommandLine.h"
#include "compiler/Driver/Compile.h"
#include "compiler/Driver/Guard.h"
#include "compiler/Driver/Subcommands.h"

int main(int argc, char **argv) {
  snn::prepareProcess();
  if (std::optional<int> status = snn::runSubcommand(argc, argv, llvm::errs()))
    return *status;
  snn::CompileOptions options;
  if (std::optional<int> status = snn::parseCommandLine(argc, argv, options))
    return *status;
  return snn::compile(options, llvm::errs());
}
