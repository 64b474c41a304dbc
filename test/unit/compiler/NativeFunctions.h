// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions of a module as machine code of this process, by the way that models take.

#ifndef SNN_TEST_UNIT_COMPILER_NATIVEFUNCTIONS_H
#define SNN_TEST_UNIT_COMPILER_NATIVEFUNCTIONS_H

#include "compiler/Emit/Target.h"

#include "mlir/IR/BuiltinOps.h"

namespace snn::test {

/// Targets whose code this machine can run.
std::vector<Target> runnableTargets();

class NativeFunctions {
public:
  /// Lowers `module` from the stage cpu on. What it calls must be in it: linking fails else, and with it the test.
  NativeFunctions(mlir::ModuleOp module, const Target &target);
  ~NativeFunctions();
  NativeFunctions(const NativeFunctions &) = delete;

  template <typename Signature> Signature *get(const std::string &name) const {
    return reinterpret_cast<Signature *>(address(name));
  }

private:
  void *address(const std::string &name) const;

  void *library = nullptr;
};

} // namespace snn::test

#endif // SNN_TEST_UNIT_COMPILER_NATIVEFUNCTIONS_H
