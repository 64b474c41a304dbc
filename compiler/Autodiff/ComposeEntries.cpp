// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Network and loss -> the entries of the interface.

#include "compiler/Autodiff/Passes.h"
#include "compiler/Autodiff/Vjp.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_COMPOSEENTRIES
#include "compiler/Autodiff/Passes.h.inc"

namespace {

using core::ArrayType;

StringRef argSymbol(func::FuncOp function, unsigned index) { return boundName(function.getArgAttrDict(index)); }
StringRef resultSymbol(func::FuncOp function, unsigned index) { return boundName(function.getResultAttrDict(index)); }

class ComposeEntries : public impl::ComposeEntriesBase<ComposeEntries> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto network = module.lookupSymbol<func::FuncOp>(kNetwork);
    auto training = module.lookupSymbol<func::FuncOp>(kTrainingNetwork);
    auto loss = module.lookupSymbol<func::FuncOp>(kCriterion);
    if (!network) {
      module.emitError() << "expected a function @" << kNetwork;
      return signalPassFailure();
    }
    if (!training)
      training = network;
    if (loss && (failed(composeEvaluate(network, loss)) || failed(composeLoss(training, loss)) ||
                 failed(composeBackward(training))))
      return signalPassFailure();
    if (training != network && loss)
      training.setName(kForwardTraining);
    else if (training != network)
      training.erase();
    for (func::FuncOp merged : {loss, module.lookupSymbol<func::FuncOp>(kClip)})
      if (merged)
        merged.erase();
    network.setName(kForward);
  }

  DictionaryAttr bound(StringRef symbol, std::optional<Span> span = std::nullopt) {
    return bindingTo(&getContext(), symbol, span);
  }

  func::FuncOp copyOf(func::FuncOp function, StringRef name) {
    OpBuilder builder(&getContext());
    builder.setInsertionPointToEnd(getOperation().getBody());
    auto copy = cast<func::FuncOp>(builder.clone(*function));
    copy.setName(name);
    return copy;
  }

  static Value addArgument(func::FuncOp function, Type type, DictionaryAttr attrs) {
    const unsigned index = function.getNumArguments();
    (void)function.insertArgument(index, type, attrs, function.getLoc());
    return function.getArgument(index);
  }
  static void addResult(func::FuncOp function, unsigned index, Value value, DictionaryAttr attrs) {
    function.getBody().front().getTerminator()->insertOperands(index, value);
    (void)function.insertResult(index, value.getType(), attrs);
  }

  /// What @clip makes of the gradients of all parameters, which are those of these arguments.
  void clip(func::FuncOp function, ArrayRef<unsigned> wanted, MutableArrayRef<Value> gradients) {
    auto clip = getOperation().lookupSymbol<func::FuncOp>(kClip);
    if (!clip)
      return;
    llvm::StringMap<Value *> known;
    for (auto [index, gradient] : llvm::zip(wanted, gradients))
      known[argSymbol(function, index)] = &gradient;
    SmallVector<Value> arguments;
    for (unsigned index = 0; index < clip.getNumArguments(); ++index) {
      Value *gradient = known.lookup(argSymbol(clip, index));
      arguments.push_back(
          gradient ? *gradient : addArgument(function, clip.getArgument(index).getType(), clip.getArgAttrDict(index)));
    }
    OpBuilder builder(function.getBody().front().getTerminator());
    for (auto [index, value] : llvm::enumerate(core::cloneBody(builder, clip.getBody().front(), arguments)))
      if (Value *gradient = known.lookup(resultSymbol(clip, index)))
        *gradient = value;
  }

  /// Appends the gradients, of which `seeds` are those of the results, of all parameters and of the input. @clip is the
  /// text's own for its own loss: who brings the seeds gets the gradients as they are.
  LogicalResult appendGradients(func::FuncOp function, ArrayRef<Value> seeds, bool clipped) {
    SymbolTable symbols(getOperation());
    SmallVector<unsigned> wanted;
    for (unsigned index = 0; index < function.getNumArguments(); ++index) {
      Operation *declared = symbols.lookup(argSymbol(function, index));
      auto type = cast<ArrayType>(function.getArgument(index).getType());
      if (isa_and_present<ParameterOp>(declared) ||
          (isa_and_present<InputOp>(declared) && argSymbol(function, index) == kInput &&
           isa<FloatType>(type.getElementType())))
        wanted.push_back(index);
    }
    SmallVector<Value> gradients;
    if (failed(core::appendVjp(function, wanted, seeds, gradients)))
      return failure();
    if (clipped)
      clip(function, wanted, gradients);
    for (auto [index, gradient] : llvm::zip(wanted, gradients)) {
      StringRef symbol = argSymbol(function, index);
      Operation *declared = symbols.lookup(symbol);
      const bool isParameter = isa<ParameterOp>(declared);
      const std::string output = (kGradientPrefix + symbol).str();
      if (!isParameter && !symbols.lookup(output)) {
        OpBuilder builder(&getContext());
        builder.setInsertionPointAfter(declared);
        symbols.insert(OutputOp::create(builder, declared->getLoc(), output, cast<ArrayType>(gradient.getType())));
      }
      addResult(function, function.getNumResults(), gradient,
                isParameter ? bound(symbol, Span::Gradients) : bound(output));
    }
    return success();
  }

  /// Appends results of the loss, which is computed from the network's results, wherever they are what its arguments
  /// are bound to. They come first.
  LogicalResult appendLoss(func::FuncOp entry, func::FuncOp loss) {
    Operation *end = entry.getBody().front().getTerminator();
    llvm::StringMap<Value> known;
    for (unsigned index = 0; index < entry.getNumResults(); ++index)
      known[resultSymbol(entry, index)] = end->getOperand(index);
    SmallVector<Value> arguments;
    for (unsigned index = 0; index < loss.getNumArguments(); ++index) {
      Value &value = known[argSymbol(loss, index)];
      if (!value)
        value = addArgument(entry, loss.getArgument(index).getType(), loss.getArgAttrDict(index));
      if (value.getType() != loss.getArgument(index).getType())
        return loss.emitError() << "argument #" << index << " has type " << loss.getArgument(index).getType()
                                << ", but the network gives " << value.getType();
      arguments.push_back(value);
    }
    OpBuilder builder(end);
    for (auto [index, value] : llvm::enumerate(core::cloneBody(builder, loss.getBody().front(), arguments)))
      addResult(entry, index, value, loss.getResultAttrDict(index));
    return success();
  }

  LogicalResult composeEvaluate(func::FuncOp network, func::FuncOp loss) {
    return appendLoss(copyOf(network, kEvaluate), loss);
  }

  LogicalResult composeLoss(func::FuncOp network, func::FuncOp loss) {
    func::FuncOp entry = copyOf(network, kLossAndGradient);
    if (failed(appendLoss(entry, loss)))
      return failure();
    OpBuilder builder(entry.getBody().front().getTerminator());
    SmallVector<Value> seeds;
    for (unsigned index = 0; index < loss.getNumResults(); ++index) {
      const bool isLoss = resultSymbol(loss, index) == kLoss;
      seeds.push_back(
          isLoss ? core::constantArray(builder, loss.getLoc(), cast<ArrayType>(loss.getResultTypes()[index]), 1)
                 : Value());
    }
    if (llvm::none_of(seeds, [](Value seed) { return seed != nullptr; }))
      return loss.emitError() << "expected a result that is bound to @" << kLoss;
    seeds.resize(entry.getNumResults());
    return appendGradients(entry, seeds, /*clipped=*/true);
  }

  LogicalResult composeBackward(func::FuncOp network) {
    func::FuncOp entry = copyOf(network, kBackward);
    SymbolTable symbols(getOperation());
    Type real = getModel(getOperation()).getReal();
    SmallVector<Value> seeds;
    llvm::BitVector outputs(entry.getNumResults());
    for (unsigned index = 0; index < entry.getNumResults(); ++index) {
      StringRef symbol = resultSymbol(entry, index);
      Operation *declared = symbols.lookup(symbol);
      if (isa_and_present<OutputOp, BufferOp>(declared)) // no buffer changes here
        outputs.set(index);
      auto output = dyn_cast_if_present<OutputOp>(declared);
      if (!output) {
        seeds.push_back(Value());
        continue;
      }
      output.setDifferentiable(true);
      seeds.push_back(addArgument(entry, core::gradientType(entry.getResultTypes()[index], real),
                                  bound((kGradientPrefix + symbol).str())));
    }
    if (failed(appendGradients(entry, seeds, /*clipped=*/false)))
      return failure();
    outputs.resize(entry.getNumResults());
    entry.getBody().front().getTerminator()->eraseOperands(outputs);
    (void)entry.eraseResults(outputs);
    return success();
  }
};

} // namespace
} // namespace snn
