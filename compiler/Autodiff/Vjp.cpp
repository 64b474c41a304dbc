// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The vector-Jacobian product of a function of core ops.

#include "compiler/Autodiff/Vjp.h"

#include "compiler/Autodiff/Passes.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_VJP
#include "compiler/Autodiff/Passes.h.inc"

void registerCoreAdjoints(DialectRegistry &registry) {
  core::registerScalarRules(registry);
  core::registerIndexedRules(registry);
  core::registerScanRule(registry);
}

namespace core {

LogicalResult appendVjp(func::FuncOp function, ArrayRef<unsigned> wanted, ArrayRef<Value> seeds,
                        SmallVectorImpl<Value> &gradients) {
  Block &block = function.getBody().front();
  Operation *end = block.getTerminator();
  Adjoints adjoints;
  for (unsigned index : wanted)
    adjoints.setActive(function.getArgument(index));
  SmallVector<Operation *> forward;
  Type real;
  for (Operation &op : block.without_terminator()) {
    forward.push_back(&op);
    adjoints.propagate(&op);
  }
  OpBuilder builder(end);
  for (auto [value, seed] : llvm::zip(end->getOperands(), seeds))
    if (seed) {
      adjoints.add(builder, value, seed);
      real = cast<ArrayType>(seed.getType()).getElementType();
    }
  if (failed(adjoints.reverse(builder, forward)))
    return failure();
  for (unsigned index : wanted) {
    Value argument = function.getArgument(index);
    Value gradient = adjoints.lookup(argument);
    if (!gradient) // the results do not depend on it
      gradient = zeroArray(builder, function.getLoc(), gradientType(argument.getType(), real));
    gradients.push_back(gradient);
  }
  return success();
}

} // namespace core

namespace {

class Vjp : public impl::VjpBase<Vjp> {
public:
  using VjpBase::VjpBase;

  void runOnOperation() override {
    auto original = getOperation().lookupSymbol<func::FuncOp>(function);
    if (!original) {
      getOperation().emitError() << "expected a function @" << function;
      return signalPassFailure();
    }
    OpBuilder builder(original);
    builder.setInsertionPointAfter(original);
    auto copy = cast<func::FuncOp>(builder.clone(*original));
    copy.setName((original.getName() + "_vjp").str());

    SmallVector<unsigned> wanted;
    for (auto [index, type] : llvm::enumerate(original.getArgumentTypes()))
      if (auto array = dyn_cast<core::ArrayType>(type); array && isa<FloatType>(array.getElementType()))
        wanted.push_back(index);
    Type real = getModuleReal(original);
    SmallVector<Value> seeds, gradients;
    for (Type type : original.getResultTypes()) {
      unsigned index = copy.getNumArguments();
      core::ArrayType seedType = core::gradientType(type, real);
      (void)copy.insertArgument(index, seedType, {}, original.getLoc());
      seeds.push_back(copy.getArgument(index));
    }
    if (failed(core::appendVjp(copy, wanted, seeds, gradients)))
      return signalPassFailure();
    Operation *end = copy.getBody().front().getTerminator();
    for (Value gradient : gradients) {
      end->insertOperands(end->getNumOperands(), gradient);
      (void)copy.insertResult(copy.getNumResults(), gradient.getType(), {});
    }
  }

  static Type getModuleReal(func::FuncOp function) {
    for (Type type : function.getArgumentTypes())
      if (auto array = dyn_cast<core::ArrayType>(type); array && isa<FloatType>(array.getElementType()))
        return array.getElementType();
    return Float32Type::get(function.getContext());
  }
};

} // namespace
} // namespace snn
