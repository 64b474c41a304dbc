// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Units.h.

#include "compiler/Emit/Units.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace snn {
namespace {

/// Ops of kernels in a unit. A unit costs some milliseconds, as each has a context and a code generator of its own.
constexpr size_t kUnitOps = 8000;

/// Whether it is a function that is worth its optimisation, where it is not part of others.
bool isKernel(Operation &op) {
  auto function = dyn_cast<LLVM::LLVMFuncOp>(op);
  if (!function || function.isExternal() || function.getAlwaysInline().value_or(false))
    return false;
  ArrayAttr attributes = function.getPassthroughAttr();
  return !attributes || !llvm::is_contained(attributes.getValue(), StringAttr::get(op.getContext(), "optnone"));
}

/// Makes a definition known to other units.
template <typename OpTy> void share(OpTy op) {
  if (!op || (op.getLinkage() != LLVM::Linkage::Internal && op.getLinkage() != LLVM::Linkage::Private))
    return;
  op.setLinkage(LLVM::Linkage::External);
  op.setVisibility_(LLVM::Visibility::Hidden);
}

/// What says that another unit has it.
Operation *shareAndDeclare(Operation *definition) {
  share(dyn_cast<LLVM::LLVMFuncOp>(definition));
  share(dyn_cast<LLVM::GlobalOp>(definition));
  Operation *declaration = definition->cloneWithoutRegions();
  if (auto global = dyn_cast<LLVM::GlobalOp>(declaration))
    global.removeValueAttr();
  return declaration;
}

} // namespace

SmallVector<Unit, 0> splitIntoUnits(ModuleOp module) {
  // Kernels in the order of the text, in parts of about the same length.
  SmallVector<std::pair<Operation *, size_t>> kernels;
  size_t ops = 0;
  for (Operation &op : module.getOps())
    if (isKernel(op)) {
      size_t length = 0;
      op.walk([&](Operation *) { ++length; });
      kernels.push_back({&op, length});
      ops += length;
    }
  const size_t parts = llvm::divideCeil(ops, kUnitOps);

  SmallVector<Unit, 0> units;
  auto addUnit = [&](bool plain) {
    units.push_back({cast<ModuleOp>(module->cloneWithoutRegions()), plain});
    units.back().module->getBodyRegion().emplaceBlock();
  };
  addUnit(/*plain=*/true);
  for (size_t part = 0; part < parts; ++part)
    addUnit(/*plain=*/false);
  llvm::DenseMap<StringAttr, std::pair<Operation *, size_t>> home; // of a symbol: its op and unit
  auto place = [&](Operation &op, size_t unit) {
    Operation *own = op.clone();
    units[unit].module->push_back(own);
    if (isa<LLVM::LLVMFuncOp, LLVM::GlobalOp>(own))
      home[SymbolTable::getSymbolName(own)] = {own, unit};
  };
  for (Operation &op : module.getOps())
    if (!isKernel(op))
      place(op, 0);
  size_t before = 0;
  for (auto [op, length] : kernels) {
    place(*op, 1 + before * parts / ops);
    before += length;
  }

  for (auto [index, unit] : llvm::enumerate(units)) {
    llvm::SetVector<StringAttr> foreign;
    unit.module->walk([&](Operation *op) {
      for (NamedAttribute attribute : op->getAttrs())
        attribute.getValue().walk([&, index = index](FlatSymbolRefAttr symbol) {
          auto found = home.find(symbol.getAttr());
          if (found != home.end() && found->second.second != index)
            foreign.insert(symbol.getAttr());
        });
    });
    OpBuilder builder = OpBuilder::atBlockBegin(unit.module->getBody());
    for (StringAttr name : foreign)
      builder.insert(shareAndDeclare(home[name].first));
  }
  return units;
}

} // namespace snn
