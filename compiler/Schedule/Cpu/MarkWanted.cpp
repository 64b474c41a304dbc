// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which outputs a value is computed for.

#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_MARKWANTED
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// Sets of outputs, numbered as the function's results; a last bit stands for what is always needed.
class Wanted {
public:
  explicit Wanted(func::FuncOp function) : function(function), size(function.getNumResults() + 1) {
    Operation *end = function.getBody().front().getTerminator();
    for (unsigned index = 0; index < function.getNumResults(); ++index)
      of(end->getOperand(index)).set(isOutput(index) ? index : size - 1);
    visit(function.getBody().front());
  }

private:
  /// Outputs are optional. Without declarations that is what is bound and no gradient.
  bool isOutput(unsigned result) {
    StringRef name = boundName(function.getResultAttrDict(result));
    auto module = function->getParentOfType<ModuleOp>();
    if (name.empty() || function.getResultAttr(result, SnnDialect::spanAttrName()))
      return false;
    return getModel(module) ? module.lookupSymbol<OutputOp>(name) != nullptr : !name.starts_with(kGradientPrefix);
  }

  llvm::BitVector &of(Value value) {
    llvm::BitVector &set = sets[value];
    set.resize(size);
    return set;
  }

  llvm::BitVector ofAny(ValueRange values) {
    llvm::BitVector all(size);
    for (Value value : values)
      all |= of(value);
    return all;
  }

  /// From the last op to the first. Operands of a phase are wanted for what its body wants their arguments for, those
  /// of a scan and its carries for whatever it gives.
  void visit(Block &block) {
    for (Operation &op : llvm::reverse(block.without_terminator())) {
      if (auto phase = dyn_cast<BatchMapOp>(op)) {
        Block &body = phase.getBody().front();
        for (auto [given, result] : llvm::zip_equal(phase.getYield()->getOperands(), phase->getResults()))
          of(given) |= llvm::BitVector(of(result));
        visit(body);
        for (auto [operand, argument] : llvm::zip_equal(phase->getOperands(), body.getArguments()))
          of(operand) |= llvm::BitVector(of(argument));
      } else {
        llvm::BitVector all = ofAny(op.getResults());
        for (Value operand : op.getOperands())
          of(operand) |= all;
        if (auto segments = dyn_cast<SegmentsOp>(op)) {
          SegmentOp yield = segments.getYield();
          for (auto [given, result] : llvm::zip(yield->getOperands(), op.getResults()))
            of(given) |= llvm::BitVector(of(result));
          for (Value next : yield.getNext())
            of(next) |= all;
          visit(segments.getBody().front());
        }
        if (auto scan = dyn_cast<ScanOp>(op)) {
          for (auto [given, result] : llvm::zip_equal(scan.getYield().getStacked(), scan.getStacked()))
            of(given) |= llvm::BitVector(of(result));
          for (Value next : scan.getYield().getNext())
            of(next) |= all;
          visit(scan.getBody().front());
        }
      }
      mark(&op);
    }
  }

  void mark(Operation *op) {
    MLIRContext *context = op->getContext();
    SmallVector<Attribute> entries;
    for (Value result : op->getResults()) {
      const llvm::BitVector &set = of(result);
      SmallVector<Attribute> names;
      for (unsigned index : set.set_bits())
        if (index + 1 < size)
          names.push_back(function.getResultAttrOfType<FlatSymbolRefAttr>(index, SnnDialect::bindAttrName()));
      entries.push_back(set.test(size - 1) ? Attribute(UnitAttr::get(context)) : ArrayAttr::get(context, names));
    }
    if (llvm::any_of(entries, [](Attribute entry) { return isa<ArrayAttr>(entry); }))
      op->setAttr(kWantedAttr, ArrayAttr::get(context, entries));
  }

  func::FuncOp function;
  unsigned size;
  llvm::DenseMap<Value, llvm::BitVector> sets;
};

class MarkWanted : public impl::MarkWantedBase<MarkWanted> {
  void runOnOperation() override {
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal())
        Wanted wanted(function);
  }
};

} // namespace
} // namespace snn::core
