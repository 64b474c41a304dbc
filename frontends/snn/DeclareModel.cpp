// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A module of the core, and what it declares: parameters, inputs, outputs, states.

#include "frontends/snn/BoundFunction.h"
#include "frontends/snn/Evaluate.h"
#include "frontends/snn/Frontend.h"
#include "frontends/snn/ImportModel.h"
#include "frontends/snn/Limits.h"

#include "mlir/IR/Verifier.h"

using namespace llvm;
using namespace mlir;

namespace snn::frontend {

static_assert(limits::kNameCharacters <= kMaxModelName, "the name of a model must fit into the note of its library");

namespace {

constexpr int64_t kTime = core::ArrayType::kTime, kSample = core::ArrayType::kSample;

/// The number that the layer's options choose.
const Expr &chosenNumber(const Expr &expr, const CheckedLayer &layer) {
  const Expr *value = &expr;
  while (value->kind == Expr::Kind::Choice) {
    auto chosen = testOption(value->operand(0), [&](StringRef option) { return wordOf(layer, option); });
    value = &value->operand(*chosen ? 1 : 2);
  }
  return *value;
}

void collectFixed(const Statements &body, const CheckedLayer &layer, const DefinitionFile &definitions,
                  std::vector<std::pair<std::string, double>> &constants) {
  for (const Statement &statement : body) {
    if (statement.kind == Statement::Kind::Fixed)
      constants.emplace_back(statement.name.text.str(), definitions.number(chosenNumber(*statement.value, layer)));
    else if (statement.kind == Statement::Kind::If)
      if (const Statements *branch = chosenBranch(statement, layer))
        collectFixed(*branch, layer, definitions, constants);
  }
}

/// Name and value of each constant that a checkpoint of the layer holds: numeric parameters that are not trained, then
/// what `fixed` statements say under the layer's options.
std::vector<std::pair<std::string, double>> constantsOf(const CheckedLayer &layer, const DefinitionFile &definitions) {
  std::vector<std::pair<std::string, double>> constants;
  for (auto [param, value] : llvm::zip(layer.neuron->params, layer.values))
    if (param.kind == ParamKind::Number && !value.learn && !value.each)
      constants.emplace_back(param.name.text.str(), value.number);
  collectFixed(layer.neuron->decl->body, layer, definitions, constants);
  return constants;
}

class Declarer {
public:
  explicit Declarer(ModelContext &context)
      : context(context), model(context.model), builder(context.builder), real(context.real) {}

  void run() {
    for (const CheckedLayer &layer : model.layers)
      if (layer.kind == CheckedLayer::Kind::Defined)
        declareArrays(context.at(layer.loc), layer.key, layer.shapes);
      else if (layer.kind == CheckedLayer::Kind::Neuron)
        declareNeurons(layer);
    for (const CheckedLayer &layer : model.layers)
      if (layer.kind == CheckedLayer::Kind::Neuron)
        for (const auto &[name, value] : constantsOf(layer, model.definitions))
          FixedOp::create(builder, context.at(layer.loc), layer.key + "." + name, APFloat(value));
    declareInputs();
    declareOutputs();
    for (const CheckedLayer &layer : model.layers) {
      for (const LayerArray &state : layer.shapes.states) {
        context.states.push_back({layer.key + "." + state.name, context.array(withSample(state.extents), real)});
        StateOp::create(builder, context.at(layer.loc), context.states.back().symbol, context.states.back().type,
                        APFloat(state.low));
      }
      if (layer.kind == CheckedLayer::Kind::Neuron)
        for (const auto &[name, rest] : statesOf(*layer.neuron->decl, model.definitions)) {
          const bool bits = name == "fired" && givesBits(layer);
          context.states.push_back(
              {layer.key + "." + name.str(), context.array(withSample(layer.to), bits ? builder.getI1Type() : real)});
          StateOp::create(builder, context.at(layer.loc), context.states.back().symbol, context.states.back().type,
                          APFloat(rest));
        }
    }
  }

private:
  bool givesBits(const CheckedLayer &layer) { return frontend::givesBits(layer) && !model.options.softSpikes; }

  void declareParameter(Location loc, const std::string &symbol, ArrayRef<int64_t> shape, Attribute init) {
    context.parameters.push_back({symbol, context.array(shape, real)});
    ParameterOp::create(builder, loc, symbol, context.parameters.back().type, init);
  }
  void declareBuffer(Location loc, const std::string &symbol, ArrayRef<int64_t> shape, Attribute init) {
    context.buffers.push_back({symbol, context.array(shape, real)});
    BufferOp::create(builder, loc, symbol, context.buffers.back().type, init);
  }
  Attribute fill(double value) { return FillAttr::get(builder.getContext(), builder.getF64FloatAttr(value)); }
  Attribute uniform(double low, double high) {
    return UniformAttr::get(builder.getContext(), builder.getF64FloatAttr(low), builder.getF64FloatAttr(high));
  }

  static SmallVector<int64_t> withSample(ArrayRef<int64_t> extents) {
    SmallVector<int64_t> shape{kSample};
    llvm::append_range(shape, extents);
    return shape;
  }

  void declareArrays(Location loc, const std::string &key, const LayerShapes &shapes) {
    for (const LayerArray &array : shapes.arrays) {
      const std::string symbol = key + "." + array.name;
      if (array.learned)
        declareParameter(loc, symbol, array.extents, array.uniform ? uniform(array.low, array.high) : fill(array.low));
      else
        declareBuffer(loc, symbol, array.extents, fill(array.low));
    }
  }

  void declareNeurons(const CheckedLayer &layer) {
    const ArrayRef<int64_t> shape(layer.to);
    for (auto [param, value] : llvm::zip(layer.neuron->params, layer.values)) {
      const std::string symbol = layer.key + "." + param.name.text.str();
      Location loc = context.at(layer.loc);
      if (param.kind == ParamKind::Layer && value.each) // the name that snnTorch gives it
        declareParameter(loc, symbol + ".V", shape, fill(1));
      else if (param.kind == ParamKind::Layer)
        declareArrays(loc, symbol, value.shapes);
      if (param.kind != ParamKind::Number)
        continue;
      SmallVector<int64_t> extents(value.each ? shape : ArrayRef<int64_t>());
      if (value.channel) // as PyTorch spreads it over the others
        std::fill(extents.begin() + 1, extents.end(), 1);
      const Attribute init = value.uniform ? uniform(value.number, value.high) : fill(value.number);
      if (value.learn)
        declareParameter(loc, symbol, extents, init);
      else if (value.each)
        declareBuffer(loc, symbol, extents, init);
    }
  }

  void declareInputs() {
    declareInput(model.input, kInput);
    if (trains(model.options.mode))
      for (const CheckedInput &target : model.targets)
        declareInput(target, target.name);
  }
  void declareInput(const CheckedInput &input, StringRef symbol) {
    SmallVector<int64_t> shape = withSample(input.extents);
    if (input.overTime)
      shape.insert(shape.begin(), kTime);
    Type element = input.label   ? Type(builder.getI64Type())
                   : input.bytes ? Type(builder.getIntegerType(8, /*isSigned=*/false))
                                 : real;
    context.inputs.push_back({symbol.str(), context.array(shape, element)});
    const bool ownClasses = input.classes && input.classes != model.classes();
    InputOp::create(builder, context.at(input.declared ? input.loc : model.train.lossLoc), symbol,
                    context.inputs.back().type, ownClasses ? builder.getI64IntegerAttr(input.classes) : IntegerAttr());
  }

  void declareOutputs() {
    const CheckedLayer &last = context.neurons();
    declareOutputs(last);
    for (const CheckedLayer &layer : model.layers)
      if (isNeuron(layer) && &layer != &last)
        declareOutputs(layer);
    declareOutput(context.at(model.layers.back().loc), "count", context.array({kSample, model.classes()}, real));
  }
  void declareOutputs(const CheckedLayer &layer) {
    SmallVector<int64_t> shape = withSample(layer.to);
    shape.insert(shape.begin(), kTime);
    Location loc = context.at(layer.loc);
    declareOutput(loc, outputOf(layer, model, /*membrane=*/false),
                  context.array(shape, givesBits(layer) ? Type(builder.getI1Type()) : real));
    if (auto membrane = membraneOf(layer)) {
      if (layer.kind == CheckedLayer::Kind::Defined) {
        shape = withSample(layer.shapes.states[*membrane].extents);
        shape.insert(shape.begin(), kTime);
      }
      declareOutput(loc, outputOf(layer, model, /*membrane=*/true), context.array(shape, real));
    }
  }
  void declareOutput(Location loc, const std::string &symbol, core::ArrayType type) {
    context.outputs.push_back({symbol, type});
    OutputOp::create(builder, loc, symbol, type);
  }

  ModelContext &context;
  const CheckedModel &model;
  OpBuilder &builder;
  Type real;
};

} // namespace

OwningOpRef<ModuleOp> importModel(const CheckedModel &model, MLIRContext &mlir) {
  mlir.loadDialect<SnnDialect, core::CoreDialect, func::FuncDialect, arith::ArithDialect, math::MathDialect>();
  OpBuilder builder(&mlir);
  const bool isDouble = model.options.precision == Precision::F64, train = trains(model.options.mode);
  ModelContext context{model, builder, isDouble ? Type(builder.getF64Type()) : Type(builder.getF32Type())};
  Location loc = context.at(model.name.range.Start);
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module->getBody());
  ModelOp::create(builder, loc, model.name.text, context.real,
                  model.steps ? builder.getI64IntegerAttr(*model.steps) : nullptr, model.maxSteps,
                  train && model.train.window && !model.options.softSpikes
                      ? builder.getI64IntegerAttr(*model.train.window)
                      : nullptr,
                  model.classes(), model.options.mode, model.train.batch, model.train.epochs);
  Declarer(context).run();
  if (train && failed(importTraining(context)))
    return nullptr;
  if (failed(importNetworks(context)) || failed(verify(*module)))
    return nullptr;
  return module;
}

} // namespace snn::frontend
