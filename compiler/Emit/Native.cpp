// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Translation to LLVM IR, optimisation and code generation.

#include "compiler/Emit/Native.h"
#include "compiler/Emit/Target.h"
#include "compiler/Emit/Units.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/OptBisect.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"

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
/// all of it is in SSA form. What is left is to fold, to take out of loops what does not change in them, and to compute
/// nothing twice. The O3 pipeline took five times as long for the same speed.
constexpr llvm::StringLiteral kPasses =
    "always-inline,globaldce,cgscc(function-attrs),"
    "function(sroa,sccp,early-cse<memssa>,simplifycfg,instcombine<no-verify-fixpoint>,loop-mssa(loop-rotate,licm),gvn,"
    "simplifycfg)";
/// Of a plain unit: what must be part of a function.
constexpr llvm::StringLiteral kPlainPasses = "always-inline,globaldce";

void optimise(llvm::Module &module, llvm::TargetMachine &machine, llvm::StringRef text) {
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
  llvm::cantFail(builder.parsePassPipeline(passes, text));
  passes.run(module, modules);
}

/// What the code generator leaves out. Kernels are written with the induction variables that they need; to look for
/// better ones took an eighth of the time of code generation, for the same speed.
class Gate : public llvm::OptPassGate {
public:
  bool shouldRunPass(llvm::StringRef pass, llvm::StringRef) const override {
    return pass != "Loop Strength Reduction" && pass != "Canonicalize Freeze Instructions in Loops";
  }
  bool isEnabled() const override { return true; }
};

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

struct NativeModule::Part {
  Part() : messages(std::make_unique<std::string>()), context(std::make_unique<llvm::LLVMContext>()) {
    context->setDiagnosticHandlerCallBack(collect, messages.get());
    context->setOptPassGate(*gate);
  }

  void optimise() { snn::optimise(*module, *machine, plain ? kPlainPasses : kPasses); }
  void emit(NativeForm form);

  bool plain = false;
  /// What LLVM found wrong; it must not move as the context refers to it.
  std::unique_ptr<std::string> messages;
  std::unique_ptr<Gate> gate = std::make_unique<Gate>();
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<llvm::Module> module; // refers to the context, and goes before it
  llvm::SmallVector<char, 0> bytes;
};

void NativeModule::Part::emit(NativeForm form) {
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  passes.add(new llvm::TargetLibraryInfoWrapperPass(knownLibrary(machine->getTargetTriple())));
  const llvm::CodeGenFileType type =
      form == NativeForm::Assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, type))
    *messages += "the code generator cannot write this kind of file";
  else
    passes.run(*module);
}

void oneByOne(size_t count, llvm::function_ref<void(size_t)> body) {
  for (size_t i = 0; i < count; ++i)
    body(i);
}

NativeModule::NativeModule() = default;
NativeModule::NativeModule(NativeModule &&) = default;
NativeModule::~NativeModule() = default;

FailureOr<NativeModule> NativeModule::build(ModuleOp source, NativeForm form, const Spread &spread) {
  const FailureOr<SmallVector<Target>> targets = targetsOf(source);
  if (failed(targets))
    return failure();
  NativeModule result;
  result.source = source;
  result.form = form;
  auto add = [&](ModuleOp module, bool plain) -> LogicalResult {
    Part &part = result.parts.emplace_back();
    part.plain = plain;
    std::string error;
    part.machine = createTargetMachine(targets->front(), plain, error);
    if (!part.machine)
      return source.emitError("no code generator for this target: ") << error;
    part.module = translateModuleToLLVMIR(module, *part.context, "model");
    if (!part.module)
      return failure();
    part.module->setTargetTriple(part.machine->getTargetTriple());
    part.module->setDataLayout(part.machine->createDataLayout());
    return success();
  };
  // A text has labels that must not occur twice, so it is one.
  if (form == NativeForm::Assembly) {
    if (failed(add(source, /*plain=*/false)))
      return failure();
  } else {
    for (Unit &unit : splitIntoUnits(source))
      if (failed(add(*unit.module, unit.plain)))
        return failure();
  }
  spread(result.parts.size(), [&](size_t part) { result.parts[part].optimise(); });
  if (failed(result.checkMessages()))
    return failure();
  return result;
}

LogicalResult NativeModule::checkMessages() const {
  for (const Part &part : parts)
    if (!part.messages->empty())
      return ModuleOp(source).emitError("LLVM: ") << StringRef(*part.messages).trim();
  return success();
}

FailureOr<SmallVector<std::string>> NativeModule::emit(const Spread &spread) {
  spread(parts.size(), [&](size_t part) { parts[part].emit(form); });
  if (failed(checkMessages()))
    return failure();
  SmallVector<std::string> results;
  for (Part &part : parts)
    results.emplace_back(part.bytes.begin(), part.bytes.end());
  return results;
}

} // namespace snn
