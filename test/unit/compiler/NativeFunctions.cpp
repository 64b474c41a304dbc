// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See NativeFunctions.h.

#include "NativeFunctions.h"

#include "compiler/Emit/Link.h"
#include "compiler/Emit/Native.h"
#include "compiler/Emit/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;

namespace snn::test {

std::vector<Target> runnableTargets() {
  const SmallVector<Target> targets = hostTargets();
  return {targets.begin(), targets.end()};
}

NativeFunctions::NativeFunctions(ModuleOp module, const Target &target) {
  setTargets(module, target);
  PassManager passes(module.getContext());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  passes.addPass(createApplyTarget());
  if (failed(passes.run(module))) {
    ADD_FAILURE() << "the module is not lowered";
    return;
  }
  FailureOr<NativeModule> native = NativeModule::build(module, NativeForm::Object);
  FailureOr<SmallVector<std::string>> objects =
      succeeded(native) ? native->emit() : FailureOr<SmallVector<std::string>>(failure());
  if (failed(objects)) {
    ADD_FAILURE() << "the module has no code";
    return;
  }
  llvm::Expected<std::string> bytes = linkSharedLibrary(*objects, "functions.so");
  if (!bytes) {
    ADD_FAILURE() << llvm::toString(bytes.takeError());
    return;
  }
  const int file = memfd_create("functions", 0);
  EXPECT_EQ(write(file, bytes->data(), bytes->size()), ssize_t(bytes->size()));
  library = dlopen(("/proc/self/fd/" + std::to_string(file)).c_str(), RTLD_NOW | RTLD_LOCAL);
  EXPECT_TRUE(library) << dlerror();
  close(file);
}

NativeFunctions::~NativeFunctions() {
  if (library)
    dlclose(library);
}

void *NativeFunctions::address(const std::string &name) const {
  void *found = library ? dlsym(library, name.c_str()) : nullptr;
  EXPECT_TRUE(found) << name;
  return found;
}

} // namespace snn::test
