// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reading what a compilation starts from.

#ifndef SNN_COMPILER_DRIVER_INPUT_H
#define SNN_COMPILER_DRIVER_INPUT_H

#include "compiler/Driver/Compile.h"
#include "dialect/SnnDialect.h"
#include "llvm/Support/SourceMgr.h"

namespace snn {

struct Input {
  const CompileOptions &options;
  /// Gets the input's text; diagnostics point into it.
  llvm::SourceMgr &sources;
  mlir::MLIRContext &context;
  llvm::raw_ostream &errors;

  /// The checked model's text; only if the input is a model.
  std::string ast = {};
  mlir::OwningOpRef<mlir::ModuleOp> module = {};

  /// Reads, parses and checks; makes a module only if `wantModule`. Errors have been reported when it returns.
  ExitStatus read(bool wantModule);

private:
  ExitStatus readModel(bool wantModule);
};

} // namespace snn

#endif // SNN_COMPILER_DRIVER_INPUT_H
