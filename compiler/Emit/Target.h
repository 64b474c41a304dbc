// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The machine that code is made for, by micro-architecture level.

#ifndef SNN_COMPILER_EMIT_TARGET_H
#define SNN_COMPILER_EMIT_TARGET_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include <memory>
#include <optional>
#include <string>

namespace llvm {
class TargetMachine;
}

namespace snn {

/// A level stands for an exact set of features, so that the loader can check with a handful of cpuid bits whether a
/// library runs; the name of a CPU would not allow that. The level is the weakest that has fused multiply-adds, on
/// which all bits of the results rest, so x86-64-v2 is no target.
struct Target {
  std::string cpu = "generic";
  /// Bits of a vector register.
  int64_t vectorBits = 128;
  /// For snn_note.cpu_level; 0: any CPU of the architecture.
  uint32_t level = 0;
};

/// Names that targetByName() takes.
llvm::ArrayRef<llvm::StringLiteral> targetNames();

/// The target of that name; nothing if the name is unknown.
std::optional<Target> targetByName(llvm::StringRef name);

/// The best target that this machine runs; nothing if it has no fused multiply-adds.
std::optional<Target> hostTarget();

/// Reads the module attribute `snn.target = {cpu = ..., vector_bits = ...}`; nothing if there is none.
std::optional<Target> targetOf(mlir::ModuleOp module);

/// Writes that attribute.
void setTarget(mlir::ModuleOp module, const Target &target);

/// A code generator for it: position-independent, no contraction of floating-point operations, level O3.
/// Null, with `error` set, if LLVM has none for this architecture.
std::unique_ptr<llvm::TargetMachine> createTargetMachine(const Target &target, std::string &error);

} // namespace snn

#endif // SNN_COMPILER_EMIT_TARGET_H
