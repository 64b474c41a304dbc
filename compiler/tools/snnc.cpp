// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// snnc: the compiler on the command line.

#include "compiler/Driver/CommandLine.h"
#include "compiler/Driver/Compile.h"
#include "compiler/Driver/Guard.h"

int main(int argc, char **argv) {
  snn::prepareProcess();
  snn::CompileOptions options;
  if (std::optional<int> status = snn::parseCommandLine(argc, argv, options))
    return *status;
  return snn::compile(options, llvm::errs());
}
