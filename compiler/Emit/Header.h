// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The C header of a model.

#ifndef SNN_COMPILER_EMIT_HEADER_H
#define SNN_COMPILER_EMIT_HEADER_H

#include "compiler/Emit/ModelInterface.h"

namespace snn {

/// C99 text: includes snn/abi.h, declares the query function, gives sizes as macros and tabulates the tensors.
std::string emitHeader(const ModelInterface &model);

} // namespace snn

#endif // SNN_COMPILER_EMIT_HEADER_H
