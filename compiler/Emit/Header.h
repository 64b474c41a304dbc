// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The C header of a model.

#ifndef SNN_COMPILER_EMIT_HEADER_H
#define SNN_COMPILER_EMIT_HEADER_H

#include "compiler/Emit/ModelInterface.h"

namespace snn {

/// Text for C99 and C++: includes snn/abi.h, declares the query function, gives sizes and places as constants, and has
/// typed functions for the entry points. `module`, of which `model` was read, is in the stage loops. `hasWeights`: the
/// code will have values of the parameters.
std::string emitHeader(const ModelInterface &model, mlir::ModuleOp module, bool hasWeights);

/// The same for a streaming build: a text that includes nothing of ours, with the one function and what it works on.
std::string emitStreamHeader(const ModelInterface &model, mlir::ModuleOp module, bool hasWeights);

} // namespace snn

#endif // SNN_COMPILER_EMIT_HEADER_H
