// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What holds for the texts of stages snn, bptt and loops as a whole. Verifiers of ops see one op; that functions refer
// to declarations of their types is seen from here.

#include "compiler/Model/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_CHECKMODULE
#include "compiler/Model/Passes.h.inc"

namespace {

using core::ArrayType;

constexpr StringRef kOfSnn[] = {kNetwork, kTrainingNetwork, kCriterion, kClip, kUpdate};
constexpr StringRef kOfLater[] = {kForward, kForwardTraining, kEvaluate, kLossAndGradient, kBackward, kUpdate};

class CheckModule : public impl::CheckModuleBase<CheckModule> {
  void runOnOperation() override {
    if (failed(check()))
      signalPassFailure();
    markAllAnalysesPreserved();
  }

  LogicalResult check() {
    ModuleOp module = getOperation();
    if (!llvm::hasSingleElement(module.getOps<ModelOp>()))
      return module.emitError("expected one snn.model in the module");
    ModelOp model = getModel(module);
    real = model.getReal();
    SymbolTable table(module);
    symbols = &table;
    for (Operation &op : module.getBodyRegion().front()) {
      if (!isa<SnnDialect>(op.getDialect()) && !isa<func::FuncOp>(op))
        return op.emitOpError("has no place in a module of this stage");
      auto type = isa<func::FuncOp>(op) ? TypeAttr() : op.getAttrOfType<TypeAttr>("type");
      if (type && failed(checkReals(&op, type.getValue())))
        return failure();
    }
    const bool composed = !table.lookup(kNetwork);
    for (func::FuncOp function : module.getOps<func::FuncOp>()) {
      if (!llvm::is_contained(composed ? ArrayRef(kOfLater) : ArrayRef(kOfSnn), function.getName()))
        return function.emitError()
               << "is no function of a model; expected "
               << (composed ? "forward, forward_training, evaluate, loss_and_gradient, backward or update"
                            : "network, training_network, criterion, clip or update");
      if (failed(checkFunction(function)))
        return failure();
    }
    if (composed && !table.lookup(kForward))
      return module.emitError("expected a function @network or @forward");
    if (trains(model.getMode()) && !table.lookup(kUpdate))
      return module.emitError("is of a model that trains, but has no function @update");
    return success();
  }

  /// One type of reals for what hosts see, but single numbers may be f64, as may all that functions compute.
  LogicalResult checkReals(Operation *op, Type type) {
    auto array = dyn_cast<ArrayType>(type);
    Type element = array ? array.getElementType() : type;
    const bool mayBeDouble = array && (array.getRank() == 0 || !isa<SnnDialect>(op->getDialect()));
    if (!array || !isa<FloatType>(element) || element == real || (mayBeDouble && element.isF64()))
      return success();
    return op->emitOpError() << "has " << type << ", but the reals of this model are " << real;
  }

  LogicalResult checkFunction(func::FuncOp function) {
    if (!llvm::hasSingleElement(function.getBody()) || !isa<func::ReturnOp>(function.getBody().front().getTerminator()))
      return function.emitError("expected a body of one block");
    for (auto [index, type] : llvm::enumerate(function.getArgumentTypes()))
      if (failed(checkBinding(function, "argument", index, type, function.getArgAttrDict(index))))
        return failure();
    for (auto [index, type] : llvm::enumerate(function.getResultTypes()))
      if (failed(checkBinding(function, "result", index, type, function.getResultAttrDict(index))))
        return failure();
    if (function.getName() == kUpdate)
      for (Operation &op : function.getBody().front().without_terminator())
        if (auto map = dyn_cast<core::MapOp>(op); !map || !map.getDomain().empty())
          return op.emitOpError("has no place in @update, which holds for one element of each parameter");
    WalkResult result = function.getBody().walk([&](Operation *op) -> WalkResult {
      if (!isa<core::CoreDialect, arith::ArithDialect, math::MathDialect>(op->getDialect()) && !isa<func::ReturnOp>(op))
        return op->emitOpError("has no place in a function of this stage");
      if (isa<func::FuncOp>(op->getParentOp()) && !isa<core::CoreDialect>(op->getDialect()) && !isa<func::ReturnOp>(op))
        return op->emitOpError("computes on single numbers outside of a body");
      for (Value value : op->getResults())
        if (failed(checkReals(op, value.getType())))
          return failure();
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  LogicalResult checkBinding(func::FuncOp function, StringRef what, unsigned index, Type found,
                             DictionaryAttr attributes) {
    StringRef name = boundName(attributes);
    Type expected = name.empty() ? Type() : boundType(function, what == "result", name, attributes);
    if (!expected)
      return function.emitOpError() << what << " #" << index << " stands for nothing that the module declares";
    if (found != expected)
      return function.emitOpError() << what << " #" << index << " has type " << found << ", but what it stands for is "
                                    << expected;
    return success();
  }

  /// The type of what `name` stands for, or null.
  Type boundType(func::FuncOp function, bool isResult, StringRef name, DictionaryAttr attributes) {
    auto number = [&](Type element) { return ArrayType::get(&getContext(), {}, element); };
    Builder builder(&getContext());
    auto span = attributes.getAs<SpanAttr>(SnnDialect::spanAttrName());
    if (function.getName() == kUpdate) {
      if (span)
        return isResult && span.getValue() == Span::Gradients ? Type() : number(real);
      if (!isResult && llvm::is_contained(kCounts, name))
        return number(builder.getI64Type());
      return !isResult && isa_and_present<HyperOp>(symbols->lookup(name)) ? number(builder.getF64Type()) : Type();
    }
    if (function.getName() == kBackward && !isResult)
      if (StringRef output = name; output.consume_front(kGradientPrefix))
        if (auto declared = dyn_cast_if_present<OutputOp>(symbols->lookup(output))) {
          ArrayType type = declared.getType();
          return isa<FloatType>(type.getElementType()) ? type : type.withElement(real);
        }
    const bool isGradient = span && span.getValue() == Span::Gradients;
    if (isResult && name == kLoss && llvm::is_contained({kCriterion, kEvaluate, kLossAndGradient}, function.getName()))
      return number(builder.getF64Type());
    Operation *declared = symbols->lookup(name);
    if (!declared)
      return Type();
    return llvm::TypeSwitch<Operation *, Type>(declared)
        .Case([&](InputOp op) { return isResult ? Type() : op.getType(); })
        .Case([&](ParameterOp op) {
          const bool asGradient = isResult || function.getName() == kClip;
          return asGradient == isGradient ? op.getType() : ArrayType();
        })
        .Case([&](BufferOp op) {
          const bool isNext = span && span.getValue() == Span::Buffers;
          return isResult == isNext ? op.getType() : ArrayType();
        })
        .Case([](StateOp op) { return op.getType(); })
        .Case([&](HyperOp) { return isResult ? Type() : number(builder.getF64Type()); })
        .Case([&](OutputOp op) { return isResult || function.getName() == kCriterion ? op.getType() : Type(); })
        .Default(Type());
  }

  Type real;
  const SymbolTable *symbols = nullptr;
};

} // namespace
} // namespace snn
