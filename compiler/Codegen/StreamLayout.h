// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a program and a streaming build share: `struct <model>_stream` of the generated header.

#ifndef SNN_COMPILER_CODEGEN_STREAMLAYOUT_H
#define SNN_COMPILER_CODEGEN_STREAMLAYOUT_H

#include "dialect/SnnDialect.h"

#include <optional>

namespace snn {

/// All that a stream is between two steps, in bytes from its start.
struct StreamLayout {
  static constexpr int64_t kStep = 0, kSeed = 8, kSample = 16, kState = 24; ///< of 64 bits; all zero: at rest
  int64_t stateBytes = 0;
  /// A pointer each, behind the state, unless the code has the values or there are none.
  std::optional<int64_t> parameters, buffers;

  static StreamLayout of(mlir::ModuleOp module, int64_t pointerBytes);
};

/// The one function of a streaming build.
std::string streamSymbolOf(llvm::StringRef model);

/// Globals with weights that are a part of the code; until they are written, attributes of snn.model hold the bytes.
/// Modules of several targets share them.
inline constexpr llvm::StringLiteral kInitialParameters = "snn_initial_parameters",
                                     kInitialBuffers = "snn_initial_buffers";

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_STREAMLAYOUT_H
