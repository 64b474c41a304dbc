// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// snn-emit-query: joins the targets' modules, and writes the choice among their tables and the ELF note.

#include "compiler/Codegen/StreamLayout.h"
#include "compiler/Emit/CpuLevel.h"
#include "compiler/Emit/ModelInterface.h"
#include "compiler/Emit/Passes.h"
#include "compiler/Emit/Target.h"
#include "dialect/SnnDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_EMITQUERY
#include "compiler/Emit/Passes.h.inc"

namespace {

/// A target with the symbol of its table.
struct Variant {
  Target target;
  std::string table;
};

/// Whether all targets have the same: functions from elsewhere, and weights.
bool isShared(Operation &op) {
  if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op))
    return function.isExternal();
  auto global = dyn_cast<LLVM::GlobalOp>(op);
  return global && (global.getSymName() == kInitialParameters || global.getSymName() == kInitialBuffers);
}

/// Gives all that `variant` defines names of its own.
void rename(ModuleOp variant, const std::string &suffix) {
  auto symbols = [&](function_ref<void(Operation &, StringAttr)> visit) {
    for (Operation &op : *variant.getBody())
      if (auto symbol = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName()); symbol && !isShared(op))
        visit(op, symbol);
  };
  DenseMap<StringAttr, StringAttr> names;
  symbols([&](Operation &, StringAttr symbol) {
    names[symbol] = StringAttr::get(variant.getContext(), symbol.getValue() + suffix);
  });
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](FlatSymbolRefAttr reference) -> std::optional<Attribute> {
    const StringAttr renamed = names.lookup(reference.getAttr());
    return renamed ? FlatSymbolRefAttr::get(renamed) : std::optional<Attribute>();
  });
  replacer.recursivelyReplaceElementsIn(variant);
  symbols([&](Operation &op, StringAttr symbol) { SymbolTable::setSymbolName(&op, names[symbol]); });
}

/// Moves what `variant` holds into `module`, which has once what is shared, and erases it.
void dissolve(ModuleOp variant, ModuleOp module) {
  for (Operation &op : llvm::make_early_inc_range(*variant.getBody())) {
    if (isShared(op) && module.lookupSymbol(SymbolTable::getSymbolName(&op)))
      op.erase();
    else
      op.moveBefore(module.getBody(), module.getBody()->end());
  }
  variant.erase();
}

/// `const snn_model_table *<model>_snn_query(uint32_t abi_version)`: the best table that the machine has the
/// instructions for, if the version is ours; else NULL. `variants`: the strongest first.
LLVM::LLVMFuncOp writeQuery(ImplicitLocOpBuilder &b, StringRef name, ArrayRef<Variant> variants,
                            LLVM::LLVMFuncOp cpuLevel) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto function = LLVM::LLVMFuncOp::create(b, name, LLVM::LLVMFunctionType::get(pointer, {b.getI32Type()}));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(function.addEntryBlock(b));
  auto number = [&](uint32_t value) {
    return LLVM::ConstantOp::create(b, b.getI32Type(), b.getI32IntegerAttr(int32_t(value)));
  };
  Value null = LLVM::ZeroOp::create(b, pointer), table = null, level;
  if (cpuLevel)
    level = LLVM::CallOp::create(b, cpuLevel, ValueRange()).getResult();
  for (const Variant &variant : llvm::reverse(variants)) {
    Value address = LLVM::AddressOfOp::create(b, pointer, variant.table);
    if (variant.target.level != 0) {
      Value enough = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::uge, level, number(variant.target.level));
      address = LLVM::SelectOp::create(b, enough, address, table);
    }
    table = address;
  }
  Value same = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, function.getArgument(0), number(SNN_ABI_VERSION));
  LLVM::ReturnOp::create(b, LLVM::SelectOp::create(b, same, table, null).getResult());
  return function;
}

/// The note as the bytes that stand in the file. The byte order is that of the machine that runs snnc and of all
/// targets.
std::string noteBytes(uint64_t hash, StringRef query, uint32_t level) {
  snn_note note = {};
  note.abi_version = SNN_ABI_VERSION;
  note.cpu_level = level;
  note.model_hash = hash;
  llvm::copy(query, note.query_symbol);
  char owner[8] = SNN_NOTE_OWNER;
  const uint32_t header[3] = {sizeof(SNN_NOTE_OWNER), sizeof(note), SNN_NOTE_TYPE};
  std::string bytes(reinterpret_cast<const char *>(header), sizeof(header));
  bytes.append(owner, sizeof(owner));
  bytes.append(reinterpret_cast<const char *>(&note), sizeof(note));
  return bytes;
}

void writeNote(ImplicitLocOpBuilder &b, const std::string &bytes) {
  auto note = LLVM::GlobalOp::create(b, LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size()), /*isConstant=*/true,
                                     LLVM::Linkage::Internal, "snn_note", b.getStringAttr(bytes), /*alignment=*/4);
  note.setSection(".note.snnc");

  // Nothing refers to the note, so the optimiser needs to be told to keep it.
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto used = LLVM::GlobalOp::create(b, LLVM::LLVMArrayType::get(pointer, 1), /*isConstant=*/false,
                                     LLVM::Linkage::Appending, "llvm.compiler.used", Attribute());
  used.setSection("llvm.metadata");
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&used.getInitializerRegion().emplaceBlock());
  Value list = LLVM::UndefOp::create(b, used.getGlobalType());
  Value address = LLVM::AddressOfOp::create(b, pointer, "snn_note");
  LLVM::ReturnOp::create(b, LLVM::InsertValueOp::create(b, list, address, ArrayRef<int64_t>{0}).getResult());
}

struct EmitQuery : impl::EmitQueryBase<EmitQuery> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    const SmallVector<ModuleOp> modules = variantsOf(module);
    ModelOp model = getModel(modules.front());
    if (isStreaming(modules.front())) { // programs call it by name, and nothing looks for a note
      model.erase();
      module->setAttr(SnnDialect::streamAttrName(), UnitAttr::get(&getContext()));
      if (failed(checkLowered(module)))
        signalPassFailure();
      return;
    }
    SmallVector<Variant> variants;
    for (ModuleOp variant : modules) {
      const FailureOr<Target> target = targetOf(variant);
      if (failed(target))
        return signalPassFailure();
      ModelOp declared = getModel(variant);
      if (!declared || !declared->hasAttr(SnnDialect::hashAttrName()) || !variant.lookupSymbol(kTable)) {
        variant.emitError("there is no table of a model for target ") << target->name;
        return signalPassFailure();
      }
      variants.push_back({*target, kTable.str()});
    }
    const std::string query = querySymbolOf(model.getSymName());
    const uint64_t hash = model->getAttrOfType<IntegerAttr>(SnnDialect::hashAttrName()).getValue().getZExtValue();
    ImplicitLocOpBuilder b(model.getLoc(), module.getBodyRegion());
    for (ModuleOp variant : modules)
      getModel(variant).erase();
    for (auto [variant, own] : llvm::zip_equal(variants, modules)) {
      if (own == module)
        break;
      rename(own, variant.target.suffix());
      variant.table += variant.target.suffix();
      dissolve(own, module);
    }

    const Target weakest = variants.back().target;
    b.setInsertionPointToEnd(module.getBody());
    auto cpuLevel = weakest.level == 0 ? LLVM::LLVMFuncOp() : writeCpuLevel(b);
    for (LLVM::LLVMFuncOp function : {cpuLevel, writeQuery(b, query, variants, cpuLevel)})
      if (function) {
        function.setTargetCpu(weakest.baseCpu());
        function.setNoUnwind(true);
      }
    writeNote(b, noteBytes(hash, query, weakest.level));
    if (failed(checkLowered(module)))
      signalPassFailure();
  }

  /// Conversions leave alone what they do not know. What is left here would fail much later, with less to say.
  static LogicalResult checkLowered(ModuleOp module) {
    WalkResult result = module.walk([&](Operation *op) {
      if (op == module || isa<LLVM::LLVMDialect>(op->getDialect()))
        return WalkResult::advance();
      op->emitOpError("is left over: no pass turns it into the LLVM dialect");
      return WalkResult::interrupt();
    });
    return failure(result.wasInterrupted());
  }
};

} // namespace
} // namespace snn
