// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the host gives is copied into rows, by the phase that reads it.

#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Phases.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_LOADINPUTS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

class LoadInputs : public impl::LoadInputsBase<LoadInputs> {
  void runOnOperation() override {
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal())
        for (BlockArgument argument : function.getArguments())
          if (isa<ArrayType>(argument.getType()) && hasSamples(argument.getType()))
            load(argument);
  }

  static void load(BlockArgument argument) {
    SmallVector<OpOperand *> beside; // what stands between phases reads
    BatchMapOp phase;                // the first one that reads it
    Value rows;                      // its copy
    for (OpOperand &use : argument.getUses()) {
      Operation *user = use.getOwner();
      auto reader = dyn_cast<BatchMapOp>(user);
      if (!reader) {
        if (!user->hasTrait<OpTrait::IsTerminator>())
          beside.push_back(&use);
        continue;
      }
      Value copied = copy(reader.getBody().front().getArgument(use.getOperandNumber()));
      if (!phase || reader->isBeforeInBlock(phase)) {
        phase = reader;
        rows = copied;
      }
    }
    if (beside.empty())
      return;
    bool isGiven =
        phase && llvm::all_of(beside, [&](OpOperand *use) { return phase->isBeforeInBlock(use->getOwner()); });
    if (!isGiven) {
      copy(argument, ArrayRef<OpOperand *>(beside));
      return;
    }
    Value given = give(phase, rows);
    for (OpOperand *use : beside)
      use->set(given);
  }

  /// Lets all uses, or those given, read a copy of the argument.
  static Value copy(BlockArgument argument, std::optional<ArrayRef<OpOperand *>> uses = std::nullopt) {
    auto type = cast<ArrayType>(argument.getType());
    OpBuilder builder = OpBuilder::atBlockBegin(argument.getOwner());
    auto map =
        MapOp::create(builder, argument.getLoc(), type, ValueRange(argument),
                      [](ImplicitLocOpBuilder &, ValueRange arguments) { return SmallVector<Value>(arguments); });
    map->setAttr(kLoadAttr, builder.getUnitAttr());
    if (!uses)
      argument.replaceAllUsesExcept(map.getResult(0), map);
    else
      for (OpOperand *use : *uses)
        use->set(map.getResult(0));
    return map.getResult(0);
  }

  /// Makes a value of the phase's body a result of it.
  static Value give(BatchMapOp phase, Value value) {
    PartsOp parts = phase.getYield();
    parts.getConcatMutable().append(value);
    unsigned index = phase.getConcat().size();
    SmallVector<Type> concat(phase.getConcat().getTypes());
    concat.push_back(value.getType());
    OpBuilder builder(phase);
    auto larger = BatchMapOp::create(builder, phase.getLoc(), concat, phase.getSum().getTypes(), phase.getSharded(),
                                     phase.getInvariant());
    larger.getBody().takeBody(phase.getBody());
    phase.getConcat().replaceAllUsesWith(larger.getConcat().drop_back());
    phase.getSum().replaceAllUsesWith(larger.getSum());
    larger->setDiscardableAttrs(phase->getDiscardableAttrDictionary());
    phase.erase();
    return larger.getConcat()[index];
  }
};

} // namespace
} // namespace snn::core
