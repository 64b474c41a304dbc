// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See NativeCode.h.

#include "test/unit/compiler/NativeCode.h"

#include "compiler/Emit/Link.h"
#include "compiler/Emit/Native.h"
#include "compiler/Emit/Passes.h"
#include "compiler/Pipelines/Pipelines.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;

namespace snn {

struct NativeCode::State {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  TargetShape shape;
  Type real;
  void *library = nullptr;
};

static void require(bool condition, const Twine &what) {
  if (!condition)
    llvm::report_fatal_error(what, /*gen_crash_diag=*/false);
}

NativeCode::NativeCode(const Target &target, bool f64) : state(std::make_unique<State>()) {
  DialectRegistry registry;
  registerStageDialects(registry);
  state->context.appendDialectRegistry(registry);
  state->context.loadAllAvailableDialects();
  state->module = ModuleOp::create(UnknownLoc::get(&state->context));
  setTargets(*state->module, target);
  state->shape.vectorBits = target.vectorBits;
  Builder b(&state->context);
  state->real = f64 ? Type(b.getF64Type()) : b.getF32Type();
}

NativeCode::~NativeCode() {
  if (state->library)
    dlclose(state->library);
}

Value NativeCode::Words::number(int64_t i) const {
  return e.toIndex(e.load(e.atPointer(array, e.b.getI64Type()), e.index(i)));
}

Memory NativeCode::Words::memory(int64_t i, Type element) const {
  Type pointer = LLVM::LLVMPointerType::get(e.b.getContext());
  return e.atPointer(LLVM::IntToPtrOp::create(e.b, pointer, e.toI64(number(i))), element);
}

void NativeCode::add(StringRef name, const std::function<Value(Emitter &, ModuleOp, Words)> &write) {
  OpBuilder b = OpBuilder::atBlockEnd(state->module->getBody());
  Type pointer = LLVM::LLVMPointerType::get(&state->context);
  Location loc = UnknownLoc::get(&state->context);
  auto function = func::FuncOp::create(b, loc, name, b.getFunctionType({pointer}, {b.getI64Type()}));
  b.setInsertionPointToEnd(function.addEntryBlock());
  Emitter e(loc, b, state->real, state->shape);
  Value result = write(e, *state->module, Words(e, function.getArgument(0)));
  func::ReturnOp::create(e.b, result ? e.toI64(result) : e.i64(0));
}

void NativeCode::compile() {
  PassManager passes(&state->context);
  buildConversionToLlvm(passes);
  passes.addPass(createApplyTarget());
  require(succeeded(verify(*state->module)) && succeeded(passes.run(*state->module)), "the code is not valid");
  FailureOr<NativeModule> native = NativeModule::build(*state->module, NativeForm::Object);
  require(succeeded(native), "no machine code");
  FailureOr<SmallVector<std::string>> objects = native->emit();
  require(succeeded(objects), "no object");
  std::string library = llvm::cantFail(linkSharedLibrary(*objects, "kernels.so"));
  int file = memfd_create("kernels.so", MFD_CLOEXEC);
  require(write(file, library.data(), library.size()) == ssize_t(library.size()), "cannot write the library");
  state->library = dlopen(("/proc/self/fd/" + std::to_string(file)).c_str(), RTLD_NOW | RTLD_LOCAL);
  require(state->library, "cannot load the library");
  close(file);
}

NativeCode::Function NativeCode::function(const char *name) const {
  auto function = reinterpret_cast<Function>(dlsym(state->library, name));
  require(function, Twine("no function ") + name);
  return function;
}

} // namespace snn
