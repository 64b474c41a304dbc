// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What holds for the texts of stages snn, bptt and loops as a whole. Verifiers of ops see one op; that functions refer
// to declarations of their types, and that ops read what their loops can read, is seen from here.

#include "compiler/Model/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_CHECKMODULE
#include "compiler/Model/Passes.h.inc"

namespace {

/// What a value in the body of a batch_map is, as far as it matters to those who read it. A mask names what an operand
/// may be.
enum Role : unsigned {
  kNothing = 0,
  kInput = 1 << 0,    ///< the host's memory, with strides
  kComputed = 1 << 1, ///< of this body, in the arena
  kConstant = 1 << 2, ///< in no memory
  kState = 1 << 3,
  kParameter = 1 << 4,
  kNumber = 1 << 5,
  kLabels = 1 << 6,
  kShare = 1 << 7, ///< of a sample in the mean
  kSum = 1 << 8    ///< over samples
};

Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

/// What operand `index` of `op` may be. `loaded`: inputs have been copied, and only casts read the host's memory.
unsigned acceptedRoles(Operation *op, unsigned index, bool loaded) {
  const unsigned values = kComputed | (loaded ? kNothing : kInput);
  return llvm::TypeSwitch<Operation *, unsigned>(op)
      .Case([](CastOp) { return kInput | kComputed; })
      .Case([&](FlattenOp) { return values | kConstant; })
      .Case([&](LinearOp) { return index == 0 ? values : kParameter; })
      .Case([&](LinearInputGradOp) { return index == 0 ? values : kParameter; })
      .Case<LinearWeightGradOp, SumToOp, PopulationCountOp, PopulationCountGradOp>([&](auto) { return values; })
      .Case([&](ScanOp scan) -> unsigned {
        if (index < scan.getSliced().size())
          return values;
        index -= scan.getSliced().size();
        const bool isParameter =
            index >= scan.getInvariant().size() && index < scan.getInvariant().size() + scan.getParams().size();
        return isParameter ? kParameter : values | kConstant | kState;
      })
      .Case([&](MseCountLossOp) { return index == 0   ? values
                                         : index == 1 ? kLabels
                                                      : kNumber; })
      .Case([&](MseCountLossGradOp) {
        return index == 0 ? values : index == 1 ? kLabels : index == 4 ? kComputed | kShare : kNumber;
      })
      .Default([](Operation *) { return kNothing; });
}

/// One function that is not @update.
class FunctionChecker {
public:
  FunctionChecker(func::FuncOp function, ModelOp model, const SymbolTable &symbols)
      : function(function), model(model), symbols(symbols) {
    steps = function.getName() == "step" ? 1 : model.getSteps() ? int64_t(*model.getSteps()) : ShapedType::kDynamic;
  }

  LogicalResult run() {
    for (BlockArgument argument : function.getArguments())
      if (failed(checkArgument(argument)))
        return failure();
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (failed(checkResult(i)))
        return failure();
    if (failed(checkOps()) || failed(checkReturn()))
      return failure();
    return checkBody();
  }

private:
  StringRef symbolOf(Attribute bind) {
    auto reference = dyn_cast_if_present<FlatSymbolRefAttr>(bind);
    return reference ? reference.getValue() : StringRef();
  }
  Operation *argumentDeclaration(unsigned index) {
    return symbols.lookup(symbolOf(function.getArgAttr(index, SnnDialect::bindAttrName())));
  }
  StringRef resultSymbol(unsigned index) { return symbolOf(function.getResultAttr(index, SnnDialect::bindAttrName())); }

  /// The type that a declared tensor has in this function: a step has no time, or one step of it.
  Type inputType(InputOp input) {
    auto type = cast<RankedTensorType>(input.getType());
    if (!input.getOverTime() || function.getName() != "step")
      return type;
    return RankedTensorType::get(type.getShape().drop_front(), type.getElementType());
  }
  Type outputType(OutputOp output) {
    auto type = cast<RankedTensorType>(output.getType());
    if (!output.getOverTime())
      return type;
    SmallVector<int64_t> shape(type.getShape());
    shape.front() = steps;
    return RankedTensorType::get(shape, type.getElementType());
  }
  static Type stateType(StateOp state) {
    auto type = cast<RankedTensorType>(state.getType());
    return RankedTensorType::get({ShapedType::kDynamic, type.getDimSize(0)}, type.getElementType());
  }

  LogicalResult checkArgument(BlockArgument argument) {
    Operation *declaration = argumentDeclaration(argument.getArgNumber());
    if (!declaration)
      return match("argument", argument.getArgNumber(), argument.getType(), Type());
    Type expected = llvm::TypeSwitch<Operation *, Type>(declaration)
                        .Case([&](InputOp op) { return inputType(op); })
                        .Case([](ParameterOp op) { return op.getType(); })
                        .Case([](StateOp op) { return stateType(op); })
                        .Case([&](HyperOp) { return Float64Type::get(model.getContext()); })
                        .Default(Type());
    return match("argument", argument.getArgNumber(), argument.getType(), expected);
  }

  LogicalResult checkResult(unsigned index) {
    StringRef name = resultSymbol(index);
    Type found = function.getResultTypes()[index];
    if (name == "loss")
      return match("result", index, found, Float64Type::get(model.getContext()));
    Operation *declaration = symbols.lookup(name);
    if (!declaration)
      return match("result", index, found, Type());
    Type expected = llvm::TypeSwitch<Operation *, Type>(declaration)
                        .Case([&](OutputOp op) { return outputType(op); })
                        .Case([](ParameterOp op) { return op.getType(); })
                        .Case([](StateOp op) { return stateType(op); })
                        .Default(Type());
    return match("result", index, found, expected);
  }

  LogicalResult match(StringRef what, unsigned index, Type found, Type expected) {
    if (!expected)
      return function.emitOpError() << what << " #" << index << " stands for nothing that the module declares";
    if (found == expected)
      return success();
    return function.emitOpError() << what << " #" << index << " has type " << found << ", but what it stands for is "
                                  << expected;
  }

  LogicalResult checkOps() {
    BatchMeanOp mean;
    for (Operation &op : function.getBody().front()) {
      if (auto found = dyn_cast<BatchMapOp>(op)) {
        if (map)
          return op.emitOpError("is the second of the function, but expected one");
        map = found;
      } else if (auto found = dyn_cast<BatchMeanOp>(op)) {
        auto result = dyn_cast<OpResult>(found.getInput());
        if (mean || !map || !result || result.getOwner() != map || result.getResultNumber() >= map.getConcat().size())
          return op.emitOpError("expected one mean, of the loss of each sample from the snn.batch_map");
        mean = found;
      } else if (!isa<BatchMeanGradOp, TransposeOp, func::ReturnOp>(op)) {
        return op.emitOpError("has no place in a function of this stage");
      } else if (isa<BatchMeanGradOp, TransposeOp>(op) && !isa<BlockArgument>(op.getOperand(0))) {
        return op.emitOpError("expected an argument of the function");
      }
    }
    if (!map)
      return function.emitError("expected one snn.batch_map");
    const bool trains = function.getName() == "loss" || function.getName() == "loss_and_gradient";
    if (bool(mean) != trains)
      return function.emitError() << (trains ? "expected a snn.batch_mean"
                                             : "has a snn.batch_mean, which only the loss has");
    if (mean && map.getSharded().empty())
      return map.emitOpError("has a loss, but no samples");
    return success();
  }

  /// Results of the batch_map go to what their kind allows.
  LogicalResult checkReturn() {
    auto end = cast<func::ReturnOp>(function.getBody().front().getTerminator());
    llvm::SmallPtrSet<Operation *, 16> seen;
    for (OpOperand &operand : end->getOpOperands()) {
      auto result = dyn_cast<OpResult>(operand.get());
      StringRef name = resultSymbol(operand.getOperandNumber());
      Operation *declaration = name == "loss" ? nullptr : symbols.lookup(name);
      const bool isSum = result && result.getOwner() == map && result.getResultNumber() >= map.getConcat().size();
      const bool fits = isa_and_nonnull<ParameterOp>(declaration) ? isSum
                        : isa_and_nonnull<OutputOp, StateOp>(declaration)
                            ? result && result.getOwner() == map && !isSum
                            : result && isa<BatchMeanOp>(result.getOwner());
      if (!fits)
        return end.emitOpError() << "operand #" << operand.getOperandNumber()
                                 << " is not what its place among the results stands for";
      if (declaration && !seen.insert(declaration).second)
        return end.emitOpError() << "gives back '" << name << "' twice";
    }
    for (OpResult result : map.getResults())
      for (Operation *user : result.getUsers())
        if (!isa<func::ReturnOp>(user) &&
            !(isa<BatchMeanOp>(user) && result.getResultNumber() < map.getConcat().size()))
          return user->emitOpError("cannot read a result of the snn.batch_map");
    return success();
  }

  /// What an operand of the batch_map is inside, from what it is outside.
  unsigned roleOf(Value operand) {
    if (auto transpose = operand.getDefiningOp<TransposeOp>())
      return roleOf(transpose.getInput()) & kParameter;
    if (operand.getDefiningOp<BatchMeanGradOp>())
      return kShare;
    auto argument = dyn_cast<BlockArgument>(operand);
    Operation *declaration = argument ? argumentDeclaration(argument.getArgNumber()) : nullptr;
    if (!declaration)
      return kNothing;
    return llvm::TypeSwitch<Operation *, unsigned>(declaration)
        .Case([](InputOp op) {
          return cast<RankedTensorType>(op.getType()).getElementType().isInteger(64) ? kLabels : kInput;
        })
        .Case([](ParameterOp) { return kParameter; })
        .Case([](StateOp) { return kState; })
        .Case([](HyperOp) { return kNumber; })
        .Default(unsigned(kNothing));
  }

  LogicalResult checkBody() {
    const bool loaded = map.getChunk().has_value();
    for (auto [index, operand, argument] : llvm::enumerate(map.getOperands(), map.getBody().getArguments())) {
      const bool isSharded = index < map.getSharded().size();
      unsigned &role = roles[argument] = roleOf(operand);
      if (!(role & (isSharded ? kInput | kState | kLabels | kShare : kParameter | kNumber)))
        return map.emitOpError() << "operand #" << index << " is nothing that can be "
                                 << (isSharded ? "cut along the samples" : "the same for all samples");
    }
    for (Operation &op : map.getBody().front().without_terminator()) {
      for (OpOperand &operand : op.getOpOperands())
        if (failed(checkOperand(operand, acceptedRoles(&op, operand.getOperandNumber(), loaded))))
          return failure();
      if (!isa<ConstantOp>(op) && op.getNumOperands() == 0 && !isa<ScanOp>(op))
        return op.emitOpError("has no place in the body of a snn.batch_map");
      for (Value result : op.getResults()) {
        roles[result] = isa<ConstantOp>(op)  ? unsigned(kConstant)
                        : isa<FlattenOp>(op) ? roles[op.getOperand(0)]
                        : isSum(result)      ? unsigned(kSum)
                                             : unsigned(kComputed);
        if (failed(checkValue(op, result, loaded)))
          return failure();
      }
    }
    MapYieldOp yield = map.getYield();
    for (OpOperand &operand : yield->getOpOperands()) {
      const unsigned index = operand.getOperandNumber();
      if (index >= yield.getConcat().size()) {
        if (failed(checkOperand(operand, kSum | kConstant)))
          return failure();
        continue;
      }
      const unsigned accepted = kComputed | kConstant | kState | (loaded ? kNothing : kInput);
      if (failed(checkOperand(operand, accepted)))
        return failure();
      if (!isa<FloatType>(elementOf(operand.get())))
        return yield.emitOpError() << "operand #" << index << " has type " << operand.get().getType()
                                   << ", but only reals leave the body";
      if (roles[operand.get()] == kState)
        for (OpOperand &use : map.getConcat()[index].getUses())
          if (isa<func::ReturnOp>(use.getOwner()) &&
              isa_and_nonnull<StateOp>(symbols.lookup(resultSymbol(use.getOperandNumber()))))
            return yield.emitOpError() << "operand #" << index
                                       << " is a state before the step, but expected the next one";
    }
    return success();
  }

  LogicalResult checkOperand(OpOperand &operand, unsigned accepted) {
    const unsigned role = roles.lookup(operand.get());
    Operation *op = operand.getOwner();
    if (!(role & accepted))
      return op->emitOpError() << "operand #" << operand.getOperandNumber() << " is nothing that the op can read there";
    if (role == kInput && !isa<CastOp>(op) && !isa<FloatType>(elementOf(operand.get())))
      return op->emitOpError() << "operand #" << operand.getOperandNumber() << " has type " << operand.get().getType()
                               << ", but expected reals; a snn.cast makes them";
    return success();
  }

  bool isSum(Value value) { return cast<RankedTensorType>(value.getType()).getNumDynamicDims() == 0; }

  /// [time, ] samples, ... of reals, or of bits that a scan has made.
  LogicalResult checkValue(Operation &op, Value value, bool loaded) {
    auto type = cast<RankedTensorType>(value.getType());
    ArrayRef<int64_t> shape = type.getShape();
    if (isSum(value)) {
      if (!hasBoundedExtents(shape) || !isa<ConstantOp, LinearWeightGradOp, SumToOp>(op))
        return op.emitOpError() << "gives " << type << ", which has no samples";
      return success();
    }
    const bool overTime = shape.size() >= 2 && ShapedType::isDynamic(shape[1]);
    if (shape.empty() || (overTime && shape.front() != steps) || !ShapedType::isDynamic(shape[overTime]) ||
        !hasBoundedExtents(shape.drop_front(overTime ? 2 : 1)))
      return op.emitOpError() << "gives " << type << ", but expected extents [?, ...], or "
                              << (ShapedType::isDynamic(steps) ? "?" : std::to_string(steps))
                              << " time steps before them";
    if (isa<FloatType>(type.getElementType()) || (isa<ScanOp>(op) && type.getElementType().isInteger(loaded ? 16 : 1)))
      return success();
    return op.emitOpError() << "gives " << type << ", but expected reals"
                            << (loaded ? ", or packed spikes of a scan" : ", or spikes of a scan");
  }

  func::FuncOp function;
  ModelOp model;
  const SymbolTable &symbols;
  int64_t steps; ///< kDynamic if the call decides
  BatchMapOp map;
  llvm::DenseMap<Value, unsigned> roles;
};

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
    for (Operation &op : module.getBodyRegion().front())
      if (!isa<SnnDialect>(op.getDialect()) && !isa<func::FuncOp>(op))
        return op.emitOpError("has no place in a module of this stage");
    if (llvm::range_size(module.getOps<OptimizerOp>()) > 1)
      return module.emitError("expected at most one snn.optimizer");
    if (failed(checkReals(module, model)))
      return failure();
    SymbolTable symbols(module);
    for (func::FuncOp function : module.getOps<func::FuncOp>()) {
      StringRef name = function.getName();
      if (!llvm::is_contained({"forward", "step", "loss", "loss_and_gradient", "update"}, name))
        return function.emitError() << "is no entry point of a model; expected forward, step, loss, loss_and_gradient "
                                       "or update";
      if (!llvm::hasSingleElement(function.getBody()) ||
          !isa<func::ReturnOp>(function.getBody().front().getTerminator()))
        return function.emitError("expected a body of one block");
      LogicalResult result =
          name == "update" ? checkUpdate(function, symbols) : FunctionChecker(function, model, symbols).run();
      if (failed(result))
        return failure();
    }
    if (symbols.lookup("loss_and_gradient") && !symbols.lookup("update"))
      return module.emitError("has a function @loss_and_gradient, but no @update");
    return success();
  }

  /// One type of reals throughout; numbers of their own are f64.
  LogicalResult checkReals(ModuleOp module, ModelOp model) {
    auto isReal = [&](Type type) {
      auto tensor = dyn_cast<ShapedType>(type);
      return !tensor || !isa<FloatType>(tensor.getElementType()) || tensor.getElementType() == model.getReal();
    };
    WalkResult result = module.walk([&](Operation *op) -> WalkResult {
      SmallVector<Type> types(op->getResultTypes());
      for (Region &region : op->getRegions())
        for (Block &block : region)
          llvm::append_range(types, block.getArgumentTypes());
      if (!isa<func::FuncOp>(op))
        if (auto type = op->getAttrOfType<TypeAttr>("type"))
          types.push_back(type.getValue());
      for (Type type : types)
        if (!isReal(type))
          return op->emitOpError() << "computes with " << type << ", but the reals of this model are "
                                   << model.getReal();
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  /// @update has an optimizer's op for parameters; operands say by their bindings where they lie.
  LogicalResult checkUpdate(func::FuncOp update, const SymbolTable &symbols) {
    auto rules = getOperation().getOps<OptimizerOp>();
    const int64_t copies = rules.empty() ? 0 : (*rules.begin()).getKind() == OptimizerKind::Adam ? 2 : 1;
    // The symbol of an argument if it lies in that copy of that span.
    auto placed = [&](Value operand, Span span, int64_t copy) -> Operation * {
      auto argument = dyn_cast<BlockArgument>(operand);
      if (!argument || argument.getOwner() != &update.getBody().front())
        return nullptr;
      const unsigned index = argument.getArgNumber();
      auto bind = update.getArgAttrOfType<FlatSymbolRefAttr>(index, SnnDialect::bindAttrName());
      auto place = update.getArgAttrOfType<SpanAttr>(index, SnnDialect::spanAttrName());
      auto number = update.getArgAttrOfType<IntegerAttr>(index, SnnDialect::copyAttrName());
      if (!bind || (place ? place.getValue() : Span::Parameters) != span || (number ? number.getInt() : 0) != copy)
        return nullptr;
      return symbols.lookup(bind.getValue());
    };
    auto checkRule = [&](Operation &op, Value parameter, Value gradient, ValueRange states, ValueRange numbers) {
      auto declared = dyn_cast_if_present<ParameterOp>(placed(parameter, Span::Parameters, 0));
      bool good = declared && declared.getType() == parameter.getType() && int64_t(states.size()) <= copies &&
                  placed(gradient, Span::Gradients, 0) == declared;
      for (auto [copy, state] : llvm::enumerate(states))
        good = good && placed(state, Span::Optimizer, int64_t(copy)) == declared;
      for (Value number : numbers)
        good = good && isa_and_nonnull<HyperOp>(placed(number, Span::Parameters, 0));
      if (good && llvm::any_of(op.getResults(), [](Value result) { return result.use_empty(); }))
        return LogicalResult(op.emitOpError("has results that @update does not give back"));
      return good ? success()
                  : LogicalResult(op.emitOpError("has operands that do not stand for one parameter, its "
                                                 "gradient, its state and numbers of the model"));
    };
    for (Operation &op : update.getBody().front().without_terminator()) {
      LogicalResult result =
          llvm::TypeSwitch<Operation *, LogicalResult>(&op)
              .Case([&](AdamOp adam) {
                auto step = dyn_cast<BlockArgument>(adam.getStep());
                auto bind =
                    step ? update.getArgAttrOfType<FlatSymbolRefAttr>(step.getArgNumber(), SnnDialect::bindAttrName())
                         : FlatSymbolRefAttr();
                if (!bind || bind.getValue() != "optimizer_step")
                  return LogicalResult(adam.emitOpError("expected the argument @optimizer_step"));
                return checkRule(
                    op, adam.getParameter(), adam.getGradient(), {adam.getMean(), adam.getVariance()},
                    {adam.getLr(), adam.getBeta1(), adam.getBeta2(), adam.getEps(), adam.getWeightDecay()});
              })
              .Case([&](SgdOp sgd) {
                return checkRule(op, sgd.getParameter(), sgd.getGradient(), {sgd.getVelocity()},
                                 {sgd.getLr(), sgd.getMomentum(), sgd.getWeightDecay()});
              })
              .Default([](Operation *other) {
                return LogicalResult(other->emitOpError("has no place in @update, which is made of optimizers' ops"));
              });
      if (failed(result))
        return failure();
    }
    return success();
  }
};

} // namespace
} // namespace snn
