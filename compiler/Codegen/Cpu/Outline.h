// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions for ops: ops that look the same share one, so that deep networks stay small.

#ifndef SNN_COMPILER_CODEGEN_CPU_OUTLINE_H
#define SNN_COMPILER_CODEGEN_CPU_OUTLINE_H

#include "compiler/Codegen/Cpu/OpEmitter.h"

namespace snn::core {

/// What a function needs from its caller. The caller adds values; the function takes them in the same order. Constants
/// are no arguments but part of the function's identity.
class Interface {
public:
  explicit Interface(Emitter &e) : e(e) {}

  void add(mlir::Value value);
  void add(const Buffer &buffer);
  void add(const kernels::Scratch &scratch);

  llvm::SmallVector<mlir::Value> operands;
  std::string key; ///< of everything that is not an argument

private:
  mlir::Value address(const Memory &memory);

  Emitter &e;
};

/// The function's side.
class Received {
public:
  Received(Emitter &e, mlir::ValueRange arguments) : e(e), arguments(arguments) {}

  mlir::Value take(mlir::Value original);
  Buffer take(const Buffer &original);
  kernels::Scratch take(const kernels::Scratch &original);

private:
  mlir::Value next() { return arguments[position++]; }

  Emitter &e;
  mlir::ValueRange arguments;
  size_t position = 0;
};

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_OUTLINE_H
