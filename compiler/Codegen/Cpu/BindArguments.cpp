// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// snn-bind-arguments: what all calls of a function give alike is a constant of the function. A kernel is written for
// any caller, and most have callers that agree on much.

#include "compiler/Codegen/Cpu/Passes.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_BINDARGUMENTS
#include "compiler/Codegen/Cpu/Passes.h.inc"

namespace {

/// A function of which all calls are known, and these.
struct Known {
  func::FuncOp function;
  SmallVector<func::CallOp> calls;
};

/// The constant that all calls give for an argument, or null.
TypedAttr constantOf(const Known &known, unsigned argument) {
  TypedAttr same;
  for (func::CallOp call : known.calls) {
    TypedAttr given;
    if (!matchPattern(call.getOperand(argument), m_Constant(&given)) || (same && given != same))
      return {};
    same = given;
  }
  return same;
}

struct BindArguments : impl::BindArgumentsBase<BindArguments> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::MapVector<StringAttr, Known> known;
    for (auto function : module.getOps<func::FuncOp>())
      if (function.isPrivate() && !function.isExternal())
        known[function.getSymNameAttr()].function = function;
    module.walk([&](Operation *op) {
      if (auto address = dyn_cast<func::ConstantOp>(op))
        known.erase(StringAttr::get(&getContext(), address.getValue()));
      else if (auto call = dyn_cast<func::CallOp>(op))
        if (auto found = known.find(call.getCalleeAttr().getAttr()); found != known.end())
          found->second.calls.push_back(call);
    });

    // A constant may be what a function gives to another one.
    bool changed = true;
    while (changed) {
      changed = false;
      for (Known &callee : llvm::make_second_range(known))
        changed |= bind(callee);
    }
  }

  /// Whether an argument could go.
  bool bind(Known &callee) {
    func::FuncOp function = callee.function;
    if (callee.calls.empty())
      return false;
    llvm::BitVector gone(function.getNumArguments());
    OpBuilder builder = OpBuilder::atBlockBegin(&function.front());
    for (BlockArgument argument : function.getArguments()) {
      if (argument.use_empty()) {
        gone.set(argument.getArgNumber());
        continue;
      }
      TypedAttr constant = constantOf(callee, argument.getArgNumber());
      if (!constant)
        continue;
      argument.replaceAllUsesWith(arith::ConstantOp::create(builder, function.getLoc(), constant));
      gone.set(argument.getArgNumber());
    }
    if (gone.none() || failed(function.eraseArguments(gone)))
      return false;
    for (func::CallOp call : callee.calls)
      call->eraseOperands(gone);
    return true;
  }
};

} // namespace
} // namespace snn
