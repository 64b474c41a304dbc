// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a module of the LLVM dialect to optimised machine code in memory.

#ifndef SNN_COMPILER_EMIT_NATIVE_H
#define SNN_COMPILER_EMIT_NATIVE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include <memory>
#include <string>

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
} // namespace llvm

namespace snn {

enum class NativeForm { Assembly, Object };

/// An LLVM module with its code generator. Everything is deterministic: equal modules give equal bytes.
class NativeModule {
public:
  NativeModule(NativeModule &&);
  ~NativeModule();

  /// Translates and optimises for the module's snn.target. Fails with a diagnostic at the module.
  static mlir::FailureOr<NativeModule> build(mlir::ModuleOp module);

  /// Assembly text, or the bytes of an ELF object. May be called more than once.
  mlir::FailureOr<std::string> emit(NativeForm form) const;

private:
  NativeModule();

  mlir::LogicalResult checkMessages() const;

  mlir::ModuleOp source;
  /// What LLVM found wrong; it must not move as the context refers to it.
  std::unique_ptr<std::string> messages;
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<llvm::Module> module;
};

} // namespace snn

#endif // SNN_COMPILER_EMIT_NATIVE_H
