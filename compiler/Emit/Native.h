// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a module of the LLVM dialect to optimised machine code in memory.

#ifndef SNN_COMPILER_EMIT_NATIVE_H
#define SNN_COMPILER_EMIT_NATIVE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace snn {

enum class NativeForm { Assembly, Object };

/// Calls body(0) .. body(count - 1), in any order or several at a time.
using Spread = std::function<void(size_t count, llvm::function_ref<void(size_t)> body)>;
void oneByOne(size_t count, llvm::function_ref<void(size_t)> body);

/// A module on its way to machine code. Everything is deterministic: equal modules give equal bytes.
class NativeModule {
public:
  NativeModule(NativeModule &&);
  ~NativeModule();

  /// Translates and optimises for the module's snn.target. Fails with a diagnostic at the module.
  static mlir::FailureOr<NativeModule> build(mlir::ModuleOp module, NativeForm form, const Spread &spread = oneByOne);

  /// The bytes of ELF objects, to be linked with each other, or an assembly text. To be called once.
  mlir::FailureOr<llvm::SmallVector<std::string>> emit(const Spread &spread = oneByOne);

private:
  struct Part;

  NativeModule();

  mlir::LogicalResult checkMessages() const;

  mlir::ModuleOp source;
  NativeForm form;
  std::vector<Part> parts;
};

} // namespace snn

#endif // SNN_COMPILER_EMIT_NATIVE_H
