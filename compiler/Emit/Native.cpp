// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Translation to LLVM IR, optimisation and code generation.

#include "compiler/Emit/Native.h"
#include "compiler/Emit/Target.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace mlir;

namespace snn {
namespace {

/// The optimiser may assume of no library function but the three that every C program has anyway: it would otherwise
/// turn loops and intrinsics into calls of libm, and the object would no longer stand alone.
llvm::TargetLibraryInfoImpl knownLibrary(const llvm::Triple &triple) {
  llvm::TargetLibraryInfoImpl library(triple);
  library.disableAllFunctions();
  for (llvm::LibFunc function : {llvm::LibFunc_memcpy, llvm::LibFunc_memset, llvm::LibFunc_memmove})
    library.setAvailable(function);
  return library;
}

/// Vectors, unrolled loops and functions worth sharing are written where the schedule is known (compiler/Codegen), and
/// all of it is in SSA form. What is left is to see which arguments are always the same, to fold, to take out of loops
/// what does not change in them, and to compute nothing twice. The O3 pipeline took five times as long for the same
/// speed.
constexpr llvm::StringLiteral kPasses =
    "always-inline,ipsccp,globaldce,cgscc(function-attrs),"
    "function(sroa,early-cse<memssa>,simplifycfg,instcombine<no-verify-fixpoint>,loop-mssa(loop-rotate,licm),gvn,"
    "instcombine<no-verify-fixpoint>,simplifycfg)";

void optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  functions.registerPass([&] { return llvm::TargetLibraryAnalysis(knownLibrary(machine.getTargetTriple())); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager passes;
  llvm::cantFail(builder.parsePassPipeline(passes, kPasses));
  passes.run(module, modules);
}

/// Without this LLVM prints errors and leaves the process.
void collect(const llvm::DiagnosticInfo *info, void *messages) {
  if (info->getSeverity() != llvm::DS_Error)
    return;
  llvm::raw_string_ostream stream(*static_cast<std::string *>(messages));
  llvm::DiagnosticPrinterRawOStream printer(stream);
  info->print(printer);
  stream << '\n';
}

} // namespace

NativeModule::NativeModule()
    : messages(std::make_unique<std::string>()), context(std::make_unique<llvm::LLVMContext>()) {
  context->setDiagnosticHandlerCallBack(collect, messages.get());
}
NativeModule::NativeModule(NativeModule &&) = default;
NativeModule::~NativeModule() {
  // The module refers to its context.
  module.reset();
}

FailureOr<NativeModule> NativeModule::build(ModuleOp source) {
  const FailureOr<SmallVector<Target>> targets = targetsOf(source);
  if (failed(targets))
    return failure();
  NativeModule result;
  result.source = source;
  std::string error;
  result.machine = createTargetMachine(targets->front(), error);
  if (!result.machine)
    return source.emitError("no code generator for this target: ") << error;
  result.module = translateModuleToLLVMIR(source, *result.context, "model");
  if (!result.module)
    return failure();
  result.module->setTargetTriple(result.machine->getTargetTriple());
  result.module->setDataLayout(result.machine->createDataLayout());
  optimise(*result.module, *result.machine);
  if (failed(result.checkMessages()))
    return failure();
  return result;
}

LogicalResult NativeModule::checkMessages() const {
  if (messages->empty())
    return success();
  return ModuleOp(source).emitError("LLVM: ") << StringRef(*messages).trim();
}

FailureOr<std::string> NativeModule::emit(NativeForm form) const {
  SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  passes.add(new llvm::TargetLibraryInfoWrapperPass(knownLibrary(machine->getTargetTriple())));
  const llvm::CodeGenFileType type =
      form == NativeForm::Assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, type))
    return ModuleOp(source).emitError("the code generator cannot write this kind of file");
  // Code generation rewrites the module, so it works on a copy.
  std::unique_ptr<llvm::Module> copy = llvm::CloneModule(*module);
  passes.run(*copy);
  if (failed(checkMessages()))
    return failure();
  return std::string(bytes.begin(), bytes.end());
}

} // namespace snn
