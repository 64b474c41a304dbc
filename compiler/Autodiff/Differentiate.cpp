// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reverse-mode differentiation of the loss: BPTT as ordinary ops, and the optimiser's update.

#include "compiler/Autodiff/Passes.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_DIFFERENTIATE
#include "compiler/Autodiff/Passes.h.inc"

namespace {

constexpr StringLiteral kLoss = "loss", kGradient = "loss_and_gradient", kUpdate = "update";
constexpr StringLiteral kInputGradient = "grad.input";

class Differentiate : public impl::DifferentiateBase<Differentiate> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto function = module.lookupSymbol<func::FuncOp>(kLoss);
    if (!function) {
      module.emitError() << "expected a function @" << kLoss << ", which only models compiled to train have";
      return signalPassFailure();
    }
    if (failed(differentiate(function)) || failed(addUpdate(function)))
      signalPassFailure();
  }

  /// The declaration that argument `index` of `function` stands for.
  Operation *declarationOf(func::FuncOp function, unsigned index) {
    auto bind = function.getArgAttrOfType<FlatSymbolRefAttr>(index, SnnDialect::bindAttrName());
    return bind ? getOperation().lookupSymbol(bind.getValue()) : nullptr;
  }

  /// A gradient is wanted for parameters and for a real model input.
  bool wantsGradient(func::FuncOp function, unsigned index) {
    Operation *declaration = declarationOf(function, index);
    if (isa_and_nonnull<ParameterOp>(declaration))
      return true;
    auto input = dyn_cast_if_present<InputOp>(declaration);
    return input && input.getSymName() == "input" &&
           isa<FloatType>(cast<RankedTensorType>(input.getType()).getElementType());
  }

  LogicalResult differentiate(func::FuncOp function) {
    Block &block = function.getBody().front();
    auto maps = block.getOps<BatchMapOp>();
    auto means = block.getOps<BatchMeanOp>();
    if (!llvm::hasSingleElement(maps) || !llvm::hasSingleElement(means))
      return function.emitError() << "expected one snn.batch_map and one snn.batch_mean in @" << kLoss;
    BatchMapOp map = *maps.begin();
    BatchMeanOp mean = *means.begin();
    auto lossResult = dyn_cast<OpResult>(mean.getInput());
    if (!lossResult || lossResult.getOwner() != map)
      return mean.emitOpError() << "expected the loss of each sample from the snn.batch_map";

    // Each sample's share of the mean: an operand, since the body knows only its own samples.
    OpBuilder builder(map);
    Value share = BatchMeanGradOp::create(builder, mean.getLoc(), mean.getInput().getType(), map.getSharded().front());
    unsigned shardedCount = map.getSharded().size();
    map.getShardedMutable().append(share);
    Block &body = map.getBody().front();
    Value seed = body.insertArgument(shardedCount, share.getType(), mean.getLoc());

    Adjoints adjoints;
    SmallVector<std::pair<unsigned, BlockArgument>> wanted; // argument of the function, argument of the body
    for (auto [operand, argument] : llvm::zip(map.getOperands(), body.getArguments()))
      if (auto outer = dyn_cast<BlockArgument>(operand); outer && wantsGradient(function, outer.getArgNumber())) {
        adjoints.setActive(argument);
        wanted.emplace_back(outer.getArgNumber(), argument);
      }
    SmallVector<Operation *> forward;
    for (Operation &op : body.without_terminator()) {
      forward.push_back(&op);
      if (isa<DifferentiableOpInterface>(op) &&
          llvm::any_of(op.getOperands(), [&](Value v) { return adjoints.isActive(v); }))
        for (Value result : op.getResults())
          adjoints.setActive(result);
    }
    MapYieldOp yield = map.getYield();
    adjoints.add(builder, yield.getConcat()[lossResult.getResultNumber()], seed);
    builder.setInsertionPoint(yield);
    for (Operation *op : llvm::reverse(forward)) {
      auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
      if (!differentiable || llvm::none_of(op->getResults(), [&](Value v) { return adjoints.lookup(v); }))
        continue;
      if (failed(differentiable.buildAdjoint(builder, adjoints)))
        return failure();
      builder.setInsertionPoint(map.getYield());
    }
    return appendGradients(function, map, adjoints, wanted);
  }

  LogicalResult appendGradients(func::FuncOp function, BatchMapOp map, Adjoints &adjoints,
                                ArrayRef<std::pair<unsigned, BlockArgument>> wanted) {
    MapYieldOp yield = map.getYield();
    SmallVector<Type> concatTypes(map.getConcat().getTypes()), sumTypes(map.getSum().getTypes());
    SmallVector<std::pair<unsigned, bool>> added; // argument of the function, is a sum
    for (auto [position, argument] : wanted) {
      Value gradient = adjoints.lookup(argument);
      Operation *declaration = declarationOf(function, position);
      if (!gradient) { // the loss does not depend on it
        OpBuilder inside(yield);
        gradient = ConstantOp::create(inside, declaration->getLoc(), argument.getType(), inside.getF64FloatAttr(0.0));
      }
      bool sum = isa<ParameterOp>(declaration);
      (sum ? yield.getSumMutable() : yield.getConcatMutable()).append(gradient);
      (sum ? sumTypes : concatTypes).push_back(gradient.getType());
      added.emplace_back(position, sum);
    }
    OpBuilder builder(map);
    auto larger =
        BatchMapOp::create(builder, map.getLoc(), concatTypes, sumTypes, map.getSharded(), map.getInvariant());
    larger.getBody().takeBody(map.getBody());
    for (auto [old, result] : llvm::zip(map.getConcat(), larger.getConcat()))
      old.replaceAllUsesWith(result);
    unsigned nextConcat = map.getConcat().size(), nextSum = map.getSum().size();
    map.erase();

    Operation *end = function.getBody().front().getTerminator();
    for (auto [position, sum] : added) {
      Value gradient = sum ? larger.getSum()[nextSum++] : larger.getConcat()[nextConcat++];
      end->insertOperands(end->getNumOperands(), gradient);
      unsigned result = function.getNumResults();
      (void)function.insertResult(result, gradient.getType(), {});
      Attribute bind = function.getArgAttr(position, SnnDialect::bindAttrName());
      if (sum) {
        function.setResultAttr(result, SnnDialect::spanAttrName(), SpanAttr::get(&getContext(), Span::Gradients));
      } else {
        auto input = cast<InputOp>(declarationOf(function, position));
        OpBuilder declare(input);
        OutputOp::create(declare, input.getLoc(), kInputGradient, gradient.getType(), input.getOverTime());
        bind = FlatSymbolRefAttr::get(&getContext(), kInputGradient);
      }
      function.setResultAttr(result, SnnDialect::bindAttrName(), bind);
    }
    function.setName(kGradient);
    return success();
  }

  /// @update(parameter, gradient, optimiser state, ...; numbers) -> (parameter, optimiser state, ...).
  LogicalResult addUpdate(func::FuncOp after) {
    ModuleOp module = getOperation();
    auto rules = module.getOps<OptimizerOp>();
    if (rules.empty())
      return module.emitError("expected an snn.optimizer");
    OptimizerOp rule = *rules.begin();
    bool adam = rule.getKind() == OptimizerKind::Adam;
    Location loc = rule.getLoc();
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfter(after);
    auto function = func::FuncOp::create(builder, loc, kUpdate, builder.getFunctionType({}, {}));
    Block *block = function.addEntryBlock();
    builder.setInsertionPointToEnd(block);

    auto addArgument = [&](Type type, StringRef symbol, Span span, int64_t copy) -> Value {
      unsigned index = function.getNumArguments();
      (void)function.insertArgument(index, type, {}, loc);
      bindTo(function, index, /*result=*/false, symbol, span, copy);
      return function.getArgument(index);
    };
    // The step count has no declaration: it is a field of the call.
    Value step = adam ? addArgument(builder.getI64Type(), "optimizer_step", Span::Parameters, 0) : Value();
    SmallVector<Value> numbers;
    const SmallVector<StringRef> adamNumbers{"lr", "beta1", "beta2", "eps", "weight_decay"};
    const SmallVector<StringRef> sgdNumbers{"lr", "momentum", "weight_decay"};
    for (StringRef name : adam ? adamNumbers : sgdNumbers) {
      if (!module.lookupSymbol<HyperOp>(name))
        return rule.emitOpError() << "expected an snn.hyper @" << name;
      numbers.push_back(addArgument(builder.getF64Type(), name, Span::Parameters, 0));
    }
    SmallVector<Value> results;
    SmallVector<std::tuple<StringRef, Span, int64_t>> places;
    for (ParameterOp parameter : module.getOps<ParameterOp>()) {
      StringRef name = parameter.getSymName();
      Type type = parameter.getType();
      Value value = addArgument(type, name, Span::Parameters, 0);
      Value gradient = addArgument(type, name, Span::Gradients, 0);
      SmallVector<Value> states;
      for (int64_t copy = 0; copy < (adam ? 2 : 1); ++copy)
        states.push_back(addArgument(type, name, Span::Optimizer, copy));
      Operation *op;
      if (adam)
        op = AdamOp::create(builder, loc, value, gradient, states[0], states[1], step, numbers[0], numbers[1],
                            numbers[2], numbers[3], numbers[4]);
      else
        op = SgdOp::create(builder, loc, value, gradient, states[0], numbers[0], numbers[1], numbers[2]);
      for (auto [index, result] : llvm::enumerate(op->getResults())) {
        results.push_back(result);
        places.emplace_back(name, index == 0 ? Span::Parameters : Span::Optimizer, index == 0 ? 0 : index - 1);
      }
    }
    func::ReturnOp::create(builder, loc, results);
    for (auto [index, result] : llvm::enumerate(results)) {
      (void)function.insertResult(index, result.getType(), {});
      auto [name, span, copy] = places[index];
      bindTo(function, index, /*result=*/true, name, span, copy);
    }
    return success();
  }

  void bindTo(func::FuncOp function, unsigned index, bool result, StringRef symbol, Span span, int64_t copy) {
    auto set = [&](StringRef name, Attribute value) {
      if (result)
        function.setResultAttr(index, name, value);
      else
        function.setArgAttr(index, name, value);
    };
    set(SnnDialect::bindAttrName(), FlatSymbolRefAttr::get(&getContext(), symbol));
    if (span != Span::Parameters)
      set(SnnDialect::spanAttrName(), SpanAttr::get(&getContext(), span));
    if (span == Span::Optimizer)
      set(SnnDialect::copyAttrName(), Builder(&getContext()).getI64IntegerAttr(copy));
  }
};

} // namespace
} // namespace snn
