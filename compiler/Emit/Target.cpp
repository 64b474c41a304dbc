// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of targets and LLVM's code generators for them.

#include "compiler/Emit/Target.h"

#include "dialect/SnnDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include <unistd.h>

using namespace mlir;

namespace snn {
namespace {

const Target kTargets[] = {
    {"x86-64-v3", llvm::Triple::x86_64, "x86-64-v3", 256, 3},
    {"x86-64-v4", llvm::Triple::x86_64, "x86-64-v4", 512, 4},
    // The base of 64-bit Arm has fused multiply-adds and 128-bit vectors.
    {"armv8-a", llvm::Triple::aarch64, "generic", 128, 0},
    // Microcontrollers with arithmetic of f32 and no vectors. Without the DSP extension, which a Cortex-M33 need not
    // have, it is code for Cortex-M7, M33 and M55 too.
    {"cortex-m4", llvm::Triple::thumb, "cortex-m4", 32, 0, /*bare=*/true},
};

// x86-64 psABI, section 3.1.1; each level includes those below it.
constexpr llvm::StringLiteral kLevel3Features[] = {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt",
                                                   "cx16", "sahf",  "avx",    "avx2",   "bmi",
                                                   "bmi2", "f16c",  "fma",    "lzcnt",  "movbe"};
constexpr llvm::StringLiteral kLevel4Features[] = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};

/// Adds a target in its place, the strongest first.
void insert(SmallVectorImpl<Target> &targets, const Target &target) {
  auto place = llvm::find_if(targets, [&](const Target &other) { return other.level <= target.level; });
  if (place == targets.end() || place->name != target.name)
    targets.insert(place, target);
}

std::string differ(const Target &one, const Target &other) {
  return (one.name + " and " + other.name + " are of different architectures, of which a library has one").str();
}

/// {cpu = ..., vector_bits = ...}; nothing if the name is unknown, or its pointers are not as wide as stands there.
std::optional<Target> readTarget(Attribute attribute) {
  auto dictionary = dyn_cast<DictionaryAttr>(attribute);
  auto name = dictionary ? dictionary.getAs<StringAttr>("cpu") : StringAttr();
  const std::optional<Target> target = name ? targetByName(name) : std::nullopt;
  auto pointerBits = dictionary ? dictionary.getAs<IntegerAttr>("pointer_bits") : IntegerAttr();
  return target && target->pointerBits() == (pointerBits ? pointerBits.getInt() : 64) ? target : std::nullopt;
}

} // namespace

llvm::Triple Target::triple() const {
  if (bare)
    return llvm::Triple("thumbv7em", "none", "none", "eabihf");
  return llvm::Triple(llvm::Triple::getArchTypeName(architecture), "unknown", "linux", "gnu");
}

StringRef Target::baseCpu() const { return bare ? cpu : architecture == llvm::Triple::x86_64 ? "x86-64" : "generic"; }

std::string Target::suffix() const {
  std::string text = "." + name.str();
  llvm::replace(text, '-', '_');
  return text;
}

ArrayRef<Target> allTargets() { return kTargets; }

std::string targetNames() {
  std::string names;
  for (const Target &target : kTargets)
    names += (names.empty() ? "" : ", ") + target.name.str();
  return names;
}

std::optional<Target> targetByName(StringRef name) {
  const Target *found = llvm::find_if(kTargets, [&](const Target &target) { return target.name == name; });
  return found == std::end(kTargets) ? std::nullopt : std::optional<Target>(*found);
}

std::optional<Target> hostTarget() {
#if defined(__x86_64__)
  const llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  auto has = [&](StringRef feature) { return features.lookup(feature); };
  if (!llvm::all_of(kLevel3Features, has))
    return std::nullopt;
  return targetByName(llvm::all_of(kLevel4Features, has) ? "x86-64-v4" : "x86-64-v3");
#elif defined(__aarch64__)
  return targetByName("armv8-a");
#else
  return std::nullopt;
#endif
}

SmallVector<Target> hostTargets() {
  const std::optional<Target> best = hostTarget();
  SmallVector<Target> targets;
  for (const Target &target : kTargets)
    if (best && target.architecture == best->architecture && target.level <= best->level)
      targets.push_back(target);
  return targets;
}

std::optional<int64_t> hostCacheBytes() {
#ifdef _SC_LEVEL2_CACHE_SIZE
  const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (bytes > 0)
    return bytes;
#endif
  return std::nullopt;
}

llvm::Expected<SmallVector<Target>> parseTargets(StringRef names) {
  SmallVector<Target> targets;
  for (StringRef name : llvm::split(names, ',')) {
    const std::optional<Target> target = name == kNativeTarget ? hostTarget() : targetByName(name);
    if (!target && name == kNativeTarget)
      return llvm::createStringError(kNoHostTarget);
    if (!target)
      return llvm::createStringError("'" + name + "' is unknown, expected " + kNativeTarget + " or some of " +
                                     targetNames());
    if (!targets.empty() && targets.front().architecture != target->architecture)
      return llvm::createStringError(differ(targets.front(), *target));
    insert(targets, *target);
  }
  return targets;
}

/// One for each target.
static SmallVector<Attribute> attributesOf(ModuleOp module) {
  const Attribute attribute = module->getAttr(SnnDialect::targetAttrName());
  if (auto array = dyn_cast_or_null<ArrayAttr>(attribute))
    return SmallVector<Attribute>(array.begin(), array.end());
  return attribute ? SmallVector<Attribute>{attribute} : SmallVector<Attribute>();
}

std::optional<Target> bareTargetOf(ModuleOp module) {
  for (Attribute attribute : attributesOf(module))
    if (const std::optional<Target> target = readTarget(attribute); target && target->bare)
      return target;
  return std::nullopt;
}

FailureOr<SmallVector<Target>> targetsOf(ModuleOp module) {
  const SmallVector<Attribute> all = attributesOf(module);
  SmallVector<Target> targets;
  for (Attribute one : all) {
    const std::optional<Target> target = readTarget(one);
    if (!target)
      break;
    if (!targets.empty() && targets.front().architecture != target->architecture)
      return module.emitError("snn.target: ") << differ(targets.front(), *target);
    insert(targets, *target);
  }
  if (all.empty() || targets.size() != all.size())
    return module.emitError("the module has no snn.target with a known cpu, or has one twice; expected some of ")
           << targetNames();
  return targets;
}

FailureOr<Target> targetOf(ModuleOp module) {
  const FailureOr<SmallVector<Target>> targets = targetsOf(module);
  if (failed(targets))
    return failure();
  if (targets->size() != 1)
    return module.emitError("the module has ") << targets->size() << " targets, expected one here";
  return targets->front();
}

bool hasSeveralTargets(ModuleOp module) {
  return isa_and_nonnull<ArrayAttr>(module->getAttr(SnnDialect::targetAttrName()));
}

SmallVector<ModuleOp> variantsOf(ModuleOp module) {
  SmallVector<ModuleOp> variants(module.getOps<ModuleOp>());
  if (variants.empty())
    variants.push_back(module);
  return variants;
}

void setTargets(ModuleOp module, ArrayRef<Target> targets) {
  Builder b(module.getContext());
  SmallVector<Attribute> all;
  for (const Target &target : targets) {
    NamedAttrList entries;
    entries.append("cpu", b.getStringAttr(target.name));
    entries.append("vector_bits", b.getI64IntegerAttr(target.vectorBits));
    if (target.pointerBits() != 64)
      entries.append("pointer_bits", b.getI64IntegerAttr(target.pointerBits()));
    all.push_back(entries.getDictionary(module.getContext()));
  }
  module->setAttr(SnnDialect::targetAttrName(), all.size() == 1 ? all.front() : b.getArrayAttr(all));
}

std::unique_ptr<llvm::TargetMachine> createTargetMachine(const Target &target, bool plain, std::string &error) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeX86AsmParser(); // for cpuid
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64Target();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64AsmPrinter();
  LLVMInitializeARMTargetInfo();
  LLVMInitializeARMTarget();
  LLVMInitializeARMTargetMC();
  LLVMInitializeARMAsmPrinter();
  const llvm::Triple triple = target.triple();
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return std::unique_ptr<llvm::TargetMachine>(
      backend->createTargetMachine(triple, target.baseCpu(), target.bare ? "-dsp" : "", options,
                                   target.bare ? llvm::Reloc::Static : llvm::Reloc::PIC_, std::nullopt,
                                   plain ? llvm::CodeGenOptLevel::None : llvm::CodeGenOptLevel::Aggressive));
}

} // namespace snn
