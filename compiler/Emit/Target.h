// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The machines that code is made for: levels of an architecture.

#ifndef SNN_COMPILER_EMIT_TARGET_H
#define SNN_COMPILER_EMIT_TARGET_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Triple.h"
#include <memory>
#include <optional>
#include <string>

namespace llvm {
class TargetMachine;
}

namespace snn {

/// A level stands for an exact set of features, so that a handful of cpuid bits tells whether a library runs; the name
/// of a CPU would not allow that. Each has fused multiply-adds, on which all bits of the results rest, so x86-64-v2 is
/// no target. All are little-endian.
struct Target {
  llvm::StringRef name;
  llvm::Triple::ArchType architecture = llvm::Triple::UnknownArch;
  /// LLVM's name of a CPU that has just these features.
  llvm::StringRef cpu;
  /// Bits of a vector register.
  int64_t vectorBits = 0;
  /// For snn_note.cpu_level; 0: any CPU of the architecture.
  uint32_t level = 0;
  /// A processor without an operating system, for which there are streaming builds alone.
  bool bare = false;

  int64_t pointerBits() const { return triple().isArch64Bit() ? 64 : 32; }
  llvm::Triple triple() const;
  /// LLVM's name of the weakest CPU of the architecture.
  llvm::StringRef baseCpu() const;
  /// The part of names of functions that tells variants apart.
  std::string suffix() const;
};

/// What is said where hostTarget() is nothing.
inline constexpr llvm::StringLiteral kNoHostTarget =
    "this machine has no fused multiply-adds, which generated code is made of; name another target with --target-cpu";

/// All targets, those of an architecture from the weakest to the strongest.
llvm::ArrayRef<Target> allTargets();

/// Their names, separated by commas.
std::string targetNames();

/// The target of that name; nothing if the name is unknown.
std::optional<Target> targetByName(llvm::StringRef name);

/// The best target that this machine runs; nothing if it has no fused multiply-adds.
std::optional<Target> hostTarget();

/// All targets that this machine runs.
llvm::SmallVector<Target> hostTargets();

/// The second-level cache of a processor of this machine, in bytes; nothing if the system does not say.
std::optional<int64_t> hostCacheBytes();

/// The name of hostTarget() among names of targets.
inline constexpr llvm::StringLiteral kNativeTarget = "native";

/// Reads names that are separated by commas; `native` is hostTarget(). The strongest comes first, none twice. The error
/// says what is wrong: a name that is unknown, several architectures, or this machine is no target.
llvm::Expected<llvm::SmallVector<Target>> parseTargets(llvm::StringRef names);

/// Reads the module attribute `snn.target`: `{cpu = NAME, vector_bits = ...}`, with `pointer_bits = 32` where these are
/// not 64, or an array of these, the strongest first. Fails, with a diagnostic, if it is not there or makes no sense.
mlir::FailureOr<llvm::SmallVector<Target>> targetsOf(mlir::ModuleOp module);

/// The same for a module of one target.
mlir::FailureOr<Target> targetOf(mlir::ModuleOp module);

/// The target of a module for which there are streaming builds alone; nothing if there is none, or no sense in what is
/// there, about which targetsOf() complains.
std::optional<Target> bareTargetOf(mlir::ModuleOp module);

/// Whether the attribute names several.
bool hasSeveralTargets(mlir::ModuleOp module);

/// The modules of the targets: those that snn-split-targets has made, the strongest first, or else the module itself.
llvm::SmallVector<mlir::ModuleOp> variantsOf(mlir::ModuleOp module);

/// Writes that attribute: an array if there are several.
void setTargets(mlir::ModuleOp module, llvm::ArrayRef<Target> targets);

/// A code generator for the weakest CPU of the target's architecture, as functions name their own:
/// position-independent, no contraction of floating-point operations, level O3, or O0 for what is plain. Null, with
/// `error` set, if LLVM has none.
std::unique_ptr<llvm::TargetMachine> createTargetMachine(const Target &target, bool plain, std::string &error);

} // namespace snn

#endif // SNN_COMPILER_EMIT_TARGET_H
