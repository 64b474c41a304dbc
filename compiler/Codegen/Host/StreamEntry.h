// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The one function of a streaming build, `<model>_step`: a time step of one sample, called without a table.

#ifndef SNN_COMPILER_CODEGEN_HOST_STREAMENTRY_H
#define SNN_COMPILER_CODEGEN_HOST_STREAMENTRY_H

#include "mlir/IR/BuiltinOps.h"

namespace snn {

/// Writes `i32 <model>_step(stream *, arena *, const inputs *, const outputs *)`, which calls an entry point. The last
/// two are structs of as many pointers as the model has inputs and outputs; no outputs may be given as NULL, as may any
/// of them. An error leaves the stream as it was.
void addStreamEntry(mlir::ModuleOp module, llvm::StringRef entry, int64_t pointerBytes);

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_HOST_STREAMENTRY_H
