// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Real inputs of the host go through a cast, which copies them into the arena.

#include "compiler/TimeLoops/Cpu/Passes.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_LOADINPUTS
#include "compiler/TimeLoops/Cpu/Passes.h.inc"

namespace {

class LoadInputs : public impl::LoadInputsBase<LoadInputs> {
  void runOnOperation() override {
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      for (BatchMapOp map : function.getBody().front().getOps<BatchMapOp>())
        for (auto [operand, argument] : llvm::zip(map.getSharded(), map.getShardedArgs()))
          if (isRealInput(function, operand))
            load(map, argument);
  }

  bool isRealInput(func::FuncOp function, Value operand) {
    auto argument = dyn_cast<BlockArgument>(operand);
    if (!argument || !isa<FloatType>(cast<RankedTensorType>(operand.getType()).getElementType()))
      return false;
    auto bind = function.getArgAttrOfType<FlatSymbolRefAttr>(argument.getArgNumber(), SnnDialect::bindAttrName());
    return bind && getOperation().lookupSymbol<InputOp>(bind.getValue());
  }

  static void load(BatchMapOp map, BlockArgument argument) {
    if (llvm::all_of(argument.getUsers(), [](Operation *user) { return isa<CastOp>(user); }))
      return;
    OpBuilder builder = OpBuilder::atBlockBegin(&map.getBody().front());
    auto cast = CastOp::create(builder, argument.getLoc(), argument.getType(), argument);
    argument.replaceAllUsesExcept(cast, cast);
  }
};

} // namespace
} // namespace snn
