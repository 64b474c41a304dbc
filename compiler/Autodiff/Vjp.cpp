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

/// The real type of a function's arrays. Only if it has no f32 at all it computes in f64: that is also the type of
/// numbers that belong to no element.
static Type realTypeOf(func::FuncOp function) {
  Type f32 = Float32Type::get(function.getContext()), f64 = Float64Type::get(function.getContext());
  auto isF32 = [&](Type type) {
    auto array = dyn_cast<ArrayType>(type);
    return array && array.getElementType() == f32;
  };
  WalkResult walked = function.walk([&](Block *block) {
    bool found = llvm::any_of(block->getArgumentTypes(), isF32);
    for (Operation &op : *block)
      found |= llvm::any_of(op.getResultTypes(), isF32);
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  return walked.wasInterrupted() ? f32 : f64;
}

LogicalResult appendVjp(func::FuncOp function, ArrayRef<unsigned> wanted, ArrayRef<Value> seeds,
                        SmallVectorImpl<Value> &gradients) {
  Block &block = function.getBody().front();
  Operation *end = block.getTerminator();
  Adjoints adjoints(realTypeOf(function));
  for (unsigned index : wanted)
    adjoints.setActive(function.getArgument(index));
  SmallVector<Operation *> forward = opsOf(block);
  adjoints.propagate(forward);
  OpBuilder builder(end);
  for (auto [value, seed] : llvm::zip(end->getOperands(), seeds))
    if (seed)
      adjoints.add(builder, value, seed);
  if (failed(adjoints.reverse(builder, forward)))
    return failure();
  for (unsigned index : wanted) {
    Value argument = function.getArgument(index);
    Value gradient = adjoints.lookup(argument);
    if (!gradient) // the results do not depend on it
      gradient = constantArray(builder, function.getLoc(), gradientType(argument.getType(), adjoints.getReal()), 0);
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
    auto isArray = [](Type type) { return isa<core::ArrayType>(type); };
    if (!original.getBody().hasOneBlock() || !llvm::all_of(original.getResultTypes(), isArray)) {
      original.emitError() << "expected a body of one block and results that are arrays, to differentiate @"
                           << function;
      return signalPassFailure();
    }
    if (getOperation().lookupSymbol((original.getName() + "_vjp").str())) {
      original.emitError() << "cannot be differentiated as there is a @" << function << "_vjp already";
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
    SmallVector<Value> seeds, gradients;
    if (ofLoss) {
      if (failed(seedLoss(copy, seeds)))
        return signalPassFailure();
    } else {
      addSeedArguments(copy, core::realTypeOf(original), seeds);
    }
    if (failed(core::appendVjp(copy, wanted, seeds, gradients)))
      return signalPassFailure();
    Operation *end = copy.getBody().front().getTerminator();
    for (auto [index, gradient] : llvm::zip(wanted, gradients)) {
      end->insertOperands(end->getNumOperands(), gradient);
      (void)copy.insertResult(copy.getNumResults(), gradient.getType(),
                              bound(kGradientPrefix, copy.getArgAttrDict(index)));
    }
  }

private:
  /// What is bound to @x gets a companion that is bound to @PREFIXx.
  DictionaryAttr bound(StringRef prefix, DictionaryAttr attributes) {
    StringRef name = boundName(attributes);
    return name.empty() ? DictionaryAttr() : bindingTo(&getContext(), (prefix + name).str());
  }

  void addSeedArguments(func::FuncOp function, Type real, SmallVector<Value> &seeds) {
    for (auto [result, type] : llvm::enumerate(function.getResultTypes())) {
      if (!core::hasGradient(type)) { // a winner, say
        seeds.push_back(Value());
        continue;
      }
      unsigned index = function.getNumArguments();
      (void)function.insertArgument(index, core::gradientType(type, real),
                                    bound("seed.", function.getResultAttrDict(result)), function.getLoc());
      seeds.push_back(function.getArgument(index));
    }
  }

  /// 1 for the result that is bound to @loss, nothing for the others.
  LogicalResult seedLoss(func::FuncOp function, SmallVector<Value> &seeds) {
    OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
    bool found = false;
    for (auto [result, type] : llvm::enumerate(function.getResultTypes())) {
      auto array = cast<core::ArrayType>(type);
      if (boundName(function.getResultAttrDict(result)) != kLoss || array.getRank() != 0) {
        seeds.push_back(Value());
        continue;
      }
      found = true;
      seeds.push_back(core::constantArray(builder, function.getLoc(), array, 1));
    }
    if (!found)
      return function.emitError("expected a result without extents that is bound to @loss");
    return success();
  }
};

} // namespace
} // namespace snn
