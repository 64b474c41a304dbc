// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The arena of calls as a constant expression of C.

#ifndef SNN_COMPILER_EMIT_ARENAMACRO_H
#define SNN_COMPILER_EMIT_ARENAMACRO_H

#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace snn {

/// Definition of the macro `name(batch, steps, workers)`: what `arena_size` of snn/abi.h says for numbers within its
/// bounds, or a little more. `module` is in the stage loops.
///
/// It is more only where a function that sums over samples takes any number of steps: how many parts and levels its
/// sums have, and how many samples go together, is then bounded from above instead of computed.
std::string arenaMacro(mlir::ModuleOp module, llvm::StringRef name);

} // namespace snn

#endif // SNN_COMPILER_EMIT_ARENAMACRO_H
