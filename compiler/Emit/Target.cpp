// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Micro-architecture levels and LLVM's code generators for them.

#include "compiler/Emit/Target.h"

#include "dialect/SnnDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;

namespace snn {
namespace {

#if defined(__x86_64__)

constexpr llvm::StringLiteral kNames[] = {"x86-64-v3", "x86-64-v4"};

// x86-64 psABI, section 3.1.1; each level includes those below it.
constexpr llvm::StringLiteral kLevel3Features[] = {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt",
                                                   "cx16", "sahf",  "avx",    "avx2",   "bmi",
                                                   "bmi2", "f16c",  "fma",    "lzcnt",  "movbe"};
constexpr llvm::StringLiteral kLevel4Features[] = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};

#else

// The base of 64-bit Arm has fused multiply-adds and 128-bit vectors.
constexpr llvm::StringLiteral kNames[] = {"generic"};

#endif

} // namespace

ArrayRef<llvm::StringLiteral> targetNames() { return kNames; }

std::optional<Target> targetByName(StringRef name) {
  if (!llvm::is_contained(kNames, name))
    return std::nullopt;
  if (name == "x86-64-v3")
    return Target{name.str(), 256, 3};
  if (name == "x86-64-v4")
    return Target{name.str(), 512, 4};
  return Target{};
}

std::optional<Target> hostTarget() {
#if defined(__x86_64__)
  const llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  auto has = [&](StringRef feature) { return features.lookup(feature); };
  if (!llvm::all_of(kLevel3Features, has))
    return std::nullopt;
  return targetByName(llvm::all_of(kLevel4Features, has) ? "x86-64-v4" : "x86-64-v3");
#else
  return Target{};
#endif
}

std::optional<Target> targetOf(ModuleOp module) {
  auto dictionary = module->getAttrOfType<DictionaryAttr>(SnnDialect::targetAttrName());
  auto cpu = dictionary ? dictionary.getAs<StringAttr>("cpu") : StringAttr();
  return cpu ? targetByName(cpu) : std::nullopt;
}

void setTarget(ModuleOp module, const Target &target) {
  Builder b(module.getContext());
  module->setAttr(SnnDialect::targetAttrName(),
                  b.getDictionaryAttr({b.getNamedAttr("cpu", b.getStringAttr(target.cpu)),
                                       b.getNamedAttr("vector_bits", b.getI64IntegerAttr(target.vectorBits))}));
}

std::unique_ptr<llvm::TargetMachine> createTargetMachine(const Target &target, std::string &error) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  const llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return std::unique_ptr<llvm::TargetMachine>(backend->createTargetMachine(
      triple, target.cpu, "", options, llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

} // namespace snn
