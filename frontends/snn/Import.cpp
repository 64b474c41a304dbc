// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checked model -> snn dialect: declarations first, then neuron definitions, then the functions.

#include "dialect/SnnDialect.h"
#include "frontends/snn/Frontend.h"
#include "frontends/snn/ImportModel.h"
#include "frontends/snn/ImportNeurons.h"
#include "frontends/snn/Limits.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"

#include <cmath>

using namespace llvm;
using namespace mlir;

namespace snn::frontend {

static_assert(limits::kNameCharacters <= kMaxModelName, "the name of a model must fit into the note of its library");

namespace {

constexpr int64_t kAny = ShapedType::kDynamic;

class Importer {
public:
  Importer(const CheckedModel &model, MLIRContext &context)
      : model(model), context(&context), builder(&context),
        real(model.options.precision == Precision::F64 ? Type(builder.getF64Type()) : Type(builder.getF32Type())),
        train(model.options.mode == Mode::Train), steps(model.steps.value_or(kAny)) {}

  OwningOpRef<ModuleOp> run() {
    Location loc = at(model.name.range.Start);
    OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
    builder.setInsertionPointToEnd(module->getBody());
    ModelOp::create(builder, loc, model.name.text, real,
                    model.steps ? builder.getI64IntegerAttr(*model.steps) : nullptr, model.maxSteps, model.classes(),
                    train ? RunMode::Train : RunMode::Infer, model.train.batch, model.train.epochs);
    declareParameters();
    declareInputs();
    declareOutputs();
    declareStates();
    if (train)
      declareTraining();
    NeuronDefinitions neurons(model, *module, real);
    definitions = &neurons;
    for (const CheckedLayer &layer : model.layers)
      if (layer.kind == CheckedLayer::Kind::Neuron)
        neurons.get(layer);
    emitFunction(Role::Forward);
    emitFunction(Role::Step);
    if (train)
      emitFunction(Role::Loss);
    if (failed(verify(*module)))
      return nullptr;
    return module;
  }

private:
  enum class Role { Forward, Step, Loss };

  /// A declared symbol and the type of the value that is bound to it.
  struct Declared {
    std::string symbol;
    RankedTensorType type;
  };

  Location at(SMLoc loc) { return locationOf(model, loc, context); }
  RankedTensorType tensor(ArrayRef<int64_t> shape, Type element) { return RankedTensorType::get(shape, element); }
  FloatAttr f64(double value) { return builder.getF64FloatAttr(value); }

  /// [T, B, ...] or [B, ...]
  RankedTensorType batched(std::optional<int64_t> time, ArrayRef<int64_t> sample, Type element) {
    SmallVector<int64_t> shape;
    if (time)
      shape.push_back(*time);
    shape.push_back(kAny);
    llvm::append_range(shape, sample);
    return tensor(shape, element);
  }

  void declareParameter(Location loc, const std::string &symbol, ArrayRef<int64_t> shape, Attribute init) {
    parameters.push_back({symbol, tensor(shape, real)});
    ParameterOp::create(builder, loc, symbol, parameters.back().type, init);
  }

  void declareParameters() {
    for (const CheckedLayer &layer : model.layers) {
      Location loc = at(layer.loc);
      if (layer.kind == CheckedLayer::Kind::Linear) {
        // PyTorch's default for nn.Linear (kaiming_uniform with a = sqrt(5)) comes down to this for both tensors.
        double bound = 1 / std::sqrt(static_cast<double>(layer.from[0]));
        auto init = UniformAttr::get(context, f64(-bound), f64(bound));
        declareParameter(loc, layer.key + ".weight", {layer.to[0], layer.from[0]}, init);
        if (layer.bias)
          declareParameter(loc, layer.key + ".bias", {layer.to[0]}, init);
      }
      if (layer.kind != CheckedLayer::Kind::Neuron)
        continue;
      for (auto [param, value] : llvm::zip(layer.neuron->params, layer.values)) {
        if (param.kind != ParamKind::Number || !value.learn)
          continue;
        Attribute init = value.uniform ? Attribute(UniformAttr::get(context, f64(value.number), f64(value.high)))
                                       : Attribute(FillAttr::get(context, f64(value.number)));
        declareParameter(loc, layer.key + "." + param.name.text.str(),
                         value.each ? ArrayRef(layer.to) : ArrayRef<int64_t>(), init);
      }
    }
    for (const CheckedLayer &layer : model.layers)
      if (layer.kind == CheckedLayer::Kind::Neuron)
        for (const auto &[name, value] : constantsOf(layer))
          FixedOp::create(builder, at(layer.loc), layer.key + "." + name, APFloat(value));
  }

  void declareInputs() {
    Type element = model.input.bytes ? Type(builder.getIntegerType(8, /*isSigned=*/false)) : real;
    std::optional<int64_t> time = model.input.overTime ? std::optional(steps) : std::nullopt;
    inputs.push_back({"input", batched(time, model.input.extents, element)});
    InputOp::create(builder, at(model.input.loc), "input", inputs[0].type, model.input.overTime);
    if (!train)
      return;
    inputs.push_back({"labels", tensor({kAny}, builder.getI64Type())});
    InputOp::create(builder, at(model.train.lossLoc), "labels", inputs[1].type, /*over_time=*/false);
  }

  void declareOutput(SMLoc loc, const std::string &symbol, std::optional<int64_t> time, int64_t width) {
    outputs.push_back({symbol, batched(time, {width}, real)});
    OutputOp::create(builder, at(loc), symbol, outputs.back().type, time.has_value());
  }

  void declareOutputs() {
    for (const CheckedLayer &layer : model.layers)
      if (layer.kind == CheckedLayer::Kind::Neuron)
        neuronLayers.push_back(&layer);
    auto declare = [&](const CheckedLayer &layer, const std::string &spikes, const std::string &membrane) {
      declareOutput(layer.loc, spikes, steps, layer.to[0]);
      if (layer.neuron->membrane())
        declareOutput(layer.loc, membrane, steps, layer.to[0]);
    };
    declare(*neuronLayers.back(), "spikes", "membrane");
    for (const CheckedLayer *layer : ArrayRef(neuronLayers).drop_back())
      declare(*layer, "hidden." + layer->key, "hidden_membrane." + layer->key);
    declareOutput(model.layers.back().loc, "count", std::nullopt, model.classes());
  }

  void declareStates() {
    for (const CheckedLayer *layer : neuronLayers)
      for (const auto &[name, rest] : statesOf(*layer)) {
        states.push_back({layer->key + "." + name, batched(std::nullopt, layer->to, real)});
        StateOp::create(builder, at(layer->loc), states.back().symbol, tensor(layer->to, real), APFloat(rest));
      }
  }

  void declareHyper(SMLoc loc, const Hyper &hyper) {
    FloatAttr high = std::isinf(hyper.range.high) ? FloatAttr() : f64(hyper.range.high), none;
    HyperOp::create(builder, at(loc), builder.getStringAttr(hyper.name), f64(hyper.value),
                    RangeAttr::get(context, f64(hyper.range.low), hyper.range.belowHigh ? none : high,
                                   hyper.range.belowHigh ? high : none));
  }

  void declareTraining() {
    for (const Hyper &hyper : model.train.optimizer)
      declareHyper(model.train.optimizerLoc, hyper);
    declareHyper(model.train.lossLoc, {"loss.correct", model.train.correct, kShare});
    declareHyper(model.train.lossLoc, {"loss.incorrect", model.train.incorrect, kShare});
    OptimizerOp::create(builder, at(model.train.optimizerLoc),
                        model.train.adam ? OptimizerKind::Adam : OptimizerKind::Sgd);
  }

  /// The function's arguments or results, each with the symbol that it is bound to.
  struct Bindings {
    SmallVector<Type> types;
    SmallVector<DictionaryAttr> attrs;

    void add(Builder &builder, StringRef symbol, Type type) {
      auto ref = FlatSymbolRefAttr::get(builder.getContext(), symbol);
      types.push_back(type);
      attrs.push_back(builder.getDictionaryAttr(builder.getNamedAttr(SnnDialect::bindAttrName(), ref)));
    }
  };

  /// A step has one time step, whatever the model's number is.
  RankedTensorType atTime(RankedTensorType type, Role role) {
    if (role != Role::Step || type.getRank() != 3)
      return type;
    return tensor({1, type.getDimSize(1), type.getDimSize(2)}, type.getElementType());
  }

  void emitFunction(Role role) {
    Location loc = at(model.name.range.Start);
    RankedTensorType input = inputs[0].type;
    if (role == Role::Step)
      input = batched(std::nullopt, model.input.extents, input.getElementType());
    Bindings args, results;
    args.add(builder, "input", input);
    if (role == Role::Loss)
      args.add(builder, "labels", inputs[1].type);
    for (const Declared &parameter : parameters)
      args.add(builder, parameter.symbol, parameter.type);
    if (role == Role::Step)
      for (const Declared &state : states)
        args.add(builder, state.symbol, state.type);
    if (role == Role::Loss) {
      args.add(builder, "loss.correct", builder.getF64Type());
      args.add(builder, "loss.incorrect", builder.getF64Type());
      results.add(builder, "loss", builder.getF64Type());
    }
    for (const Declared &output : outputs)
      results.add(builder, output.symbol, atTime(output.type, role));
    if (role == Role::Step)
      for (const Declared &state : states)
        results.add(builder, state.symbol, state.type);

    StringRef name = role == Role::Forward ? "forward" : role == Role::Step ? "step" : "loss";
    auto function = func::FuncOp::create(builder, loc, name, builder.getFunctionType(args.types, results.types));
    function.setAllArgAttrs(args.attrs);
    function.setAllResultAttrs(results.attrs);
    OpBuilder::InsertionGuard guard(builder);
    Block *entry = function.addEntryBlock();
    builder.setInsertionPointToEnd(entry);
    emitBatchMap(role, entry->getArguments(), results.types);
  }

  void emitBatchMap(Role role, ArrayRef<BlockArgument> args, ArrayRef<Type> resultTypes) {
    Location loc = at(model.name.range.Start);
    SmallVector<Value> sharded{args[0]}, invariant;
    ArrayRef<BlockArgument> rest = args.drop_front();
    if (role == Role::Loss) {
      sharded.push_back(rest.front());
      rest = rest.drop_front();
    }
    llvm::append_range(invariant, rest.take_front(parameters.size()));
    rest = rest.drop_front(parameters.size());
    llvm::append_range(role == Role::Step ? sharded : invariant, rest);

    SmallVector<Type> concatTypes(resultTypes);
    if (role == Role::Loss)
      concatTypes[0] = tensor({kAny}, real);
    auto map = BatchMapOp::create(builder, loc, concatTypes, TypeRange(), sharded, invariant);
    {
      OpBuilder::InsertionGuard guard(builder);
      SmallVector<Type> types(map.getOperandTypes());
      builder.createBlock(&map.getBody(), {}, types, SmallVector<Location>(types.size(), loc));
      emitBody(role, map);
    }
    SmallVector<Value> values(map.getResults());
    if (role == Role::Loss)
      values[0] = BatchMeanOp::create(builder, at(model.train.lossLoc), builder.getF64Type(), values[0]);
    func::ReturnOp::create(builder, loc, values);
  }

  Value toReal(Location loc, Value value, double divisor = 1) {
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getElementType() == real && divisor == 1)
      return value;
    return CastOp::create(builder, loc, withElementType(type, real), value, f64(divisor));
  }

  void emitBody(Role role, BatchMapOp map) {
    llvm::StringMap<Value> bound; // parameters and states by symbol
    for (auto [parameter, arg] : llvm::zip(parameters, map.getInvariantArgs()))
      bound[parameter.symbol] = arg;
    if (role == Role::Step)
      for (auto [state, arg] : llvm::zip(states, map.getShardedArgs().drop_front()))
        bound[state.symbol] = arg;

    Value x = toReal(at(model.input.loc), map.getShardedArgs()[0], model.input.divisor);
    std::optional<int64_t> time; // of x, if it varies over time
    if (model.input.overTime && role != Role::Step)
      time = steps;
    int64_t stepCount = role == Role::Step ? 1 : steps;
    Value spikes, count;
    SmallVector<Value> shown, finals; // spikes and membrane of each neuron layer
    SmallVector<size_t> shownBegin;
    for (const CheckedLayer &layer : model.layers) {
      Location loc = at(layer.loc);
      switch (layer.kind) {
      case CheckedLayer::Kind::Flatten: {
        auto type = batched(time, layer.to, cast<RankedTensorType>(x.getType()).getElementType());
        if (type != x.getType())
          x = FlattenOp::create(builder, loc, type, x);
        break;
      }
      case CheckedLayer::Kind::Linear:
        x = LinearOp::create(builder, loc, batched(time, layer.to, real), x, bound[layer.key + ".weight"],
                             layer.bias ? bound[layer.key + ".bias"] : Value());
        break;
      case CheckedLayer::Kind::Neuron: {
        NeuronOp neuron = emitNeuron(layer, loc, toReal(loc, x), stepCount, bound);
        time = stepCount;
        x = spikes = neuron.getSpikes();
        llvm::append_range(finals, neuron.getFinals());
        shownBegin.push_back(shown.size());
        shown.push_back(toReal(loc, spikes));
        if (const CheckedState *membrane = layer.neuron->membrane())
          shown.push_back(neuron.getStates()[membrane - layer.neuron->states.data()]);
        break;
      }
      case CheckedLayer::Kind::Population:
        break;
      }
    }
    int64_t neurons = model.outputNeurons(), classes = model.classes();
    count = PopulationCountOp::create(builder, at(model.layers.back().loc), tensor({kAny, classes}, real), spikes,
                                      static_cast<uint64_t>(neurons));

    SmallVector<Value> concat;
    if (role == Role::Loss)
      concat.push_back(MseCountLossOp::create(builder, at(model.train.lossLoc), tensor({kAny}, real), count,
                                              map.getShardedArgs()[1], map.getInvariantArgs().drop_back().back(),
                                              map.getInvariantArgs().back(), static_cast<uint64_t>(neurons / classes)));
    llvm::append_range(concat, ArrayRef(shown).drop_front(shownBegin.back()));
    llvm::append_range(concat, ArrayRef(shown).take_front(shownBegin.back()));
    concat.push_back(count);
    if (role == Role::Step)
      llvm::append_range(concat, finals);
    MapYieldOp::create(builder, map.getLoc(), concat, ValueRange());
  }

  NeuronOp emitNeuron(const CheckedLayer &layer, Location loc, Value x, int64_t stepCount,
                      llvm::StringMap<Value> &bound) {
    SmallVector<Value> params, init;
    for (auto [param, value] : llvm::zip(layer.neuron->params, layer.values)) {
      if (param.kind != ParamKind::Number)
        continue;
      params.push_back(value.learn ? bound[layer.key + "." + param.name.text.str()]
                                   : Value(ConstantOp::create(builder, loc, tensor({}, real), f64(value.number))));
    }
    auto finalType = batched(std::nullopt, layer.to, real), stackedType = batched(stepCount, layer.to, real);
    for (const auto &[name, rest] : statesOf(layer)) {
      Value start = bound.lookup(layer.key + "." + name);
      init.push_back(start ? start : Value(ConstantOp::create(builder, loc, finalType, f64(rest))));
    }
    Type spikeType = model.options.softSpikes ? real : Type(builder.getI1Type());
    return NeuronOp::create(builder, loc, batched(stepCount, layer.to, spikeType),
                            SmallVector<Type>(init.size(), stackedType), SmallVector<Type>(init.size(), finalType),
                            definitions->get(layer), x, params, init);
  }

  const CheckedModel &model;
  MLIRContext *context;
  OpBuilder builder;
  Type real;
  bool train;
  int64_t steps; ///< kAny if given with each call
  NeuronDefinitions *definitions = nullptr;
  std::vector<const CheckedLayer *> neuronLayers;
  std::vector<Declared> parameters, inputs, outputs, states;
};

} // namespace

OwningOpRef<ModuleOp> importModel(const CheckedModel &model, MLIRContext &context) {
  if (model.options.core)
    return importCoreModel(model, context);
  context.loadDialect<SnnDialect, func::FuncDialect, arith::ArithDialect, math::MathDialect>();
  return Importer(model, context).run();
}

} // namespace snn::frontend
