// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checked model -> core: declarations, and the network as functions.

#include "frontends/snn/ImportModel.h"

#include "frontends/snn/BoundFunction.h"

#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/Verifier.h"

using namespace llvm;
using namespace mlir;

namespace snn::frontend {

using core::ArrayType;

namespace {

constexpr const char *kCount = "count"; ///< an output of the binary interface

/// Writes one of the networks. Values are arrays of the axes time (if they vary), sample and what belongs to one
/// sample.
class NetworkImporter {
public:
  NetworkImporter(ModelContext &context, StringRef name, bool training)
      : context(context), model(context.model), builder(context.builder), training(training),
        function(builder, context.at(model.name.range.Start), name) {}

  LogicalResult run() {
    Value input = function.argument(kInput, context.inputs.front().type);
    for (const auto *declared : {&context.parameters, &context.buffers, &context.states})
      for (const Declared &symbol : *declared)
        bound[symbol.symbol] = function.argument(symbol.symbol, symbol.type);
    x = {input, {Axis::Sample, Axis::Neuron}};
    if (model.input.overTime)
      x.axes = x.axes | AxisSet{Axis::Time};
    location = context.at(model.input.loc);
    x.value = context.realOf(x.value, model.input, location);
    results.push_back(x);
    for (auto [index, layer] : enumerate(model.layers)) {
      location = context.at(layer.loc);
      x = resultOf(layer.sources.front());
      if (layer.kind == CheckedLayer::Kind::Flatten && layer.from.size() > 1)
        flatten(layer);
      else if (layer.kind == CheckedLayer::Kind::Defined)
        applyDefined(layer, index);
      else if (layer.kind == CheckedLayer::Kind::Neuron && failed(applyNeurons(layer, index)))
        return failure();
      results.push_back(x);
    }
    location = context.at(model.layers.back().loc);
    values[kCount] = countSpikes();
    for (const Declared &output : context.outputs)
      function.result(output.symbol, values.at(output.symbol));
    for (auto [state, value] : llvm::zip(context.states, finals))
      function.result(state.symbol, value);
    for (const Declared &buffer : context.buffers)
      if (auto next = nextBuffers.find(buffer.symbol); training && next != nextBuffers.end())
        function.result(buffer.symbol, next->second, {Span::Buffers});
    function.finish();
    return success();
  }

private:
  ArrayType typeOf(Value value) { return cast<ArrayType>(value.getType()); }

  Value map(ArrayType result, ValueRange inputs, ArrayRef<int64_t> domain, ArrayRef<AffineMap> reads, AffineMap write,
            core::BodyBuilder body) {
    return core::MapOp::create(builder, location, TypeRange(Type(result)), inputs, domain, reads, ArrayRef(write),
                               /*absent=*/nullptr, body)
        .getOutputs()
        .front();
  }
  AffineMap identity(ArrayType type) { return AffineMap::getMultiDimIdentityMap(type.getRank(), builder.getContext()); }

  /// The elements of a sample lie in the same order before and after.
  void flatten(const CheckedLayer &layer) {
    ArrayType type = typeOf(x.value);
    const unsigned outer = type.getRank() - layer.from.size();
    SmallVector<AffineExpr> positions;
    for (unsigned dim = 0; dim < outer; ++dim)
      positions.push_back(getAffineDimExpr(dim, builder.getContext()));
    AffineExpr place = getAffineConstantExpr(0, builder.getContext());
    int64_t stride = layer.to.front();
    for (auto [dim, extent] : enumerate(layer.from)) {
      stride /= extent;
      if (extent > 1)
        place = place + getAffineDimExpr(outer + dim, builder.getContext()) * stride;
    }
    positions.push_back(place);
    SmallVector<int64_t> shape(type.getShape().take_front(outer));
    shape.push_back(layer.to.front());
    x.value = map(context.array(shape, type.getElementType()), x.value, type.getShape(), identity(type),
                  AffineMap::get(type.getRank(), 0, positions, builder.getContext()),
                  [](ImplicitLocOpBuilder &, ValueRange args) -> SmallVector<Value> { return {args[0]}; });
  }

  std::map<StringRef, Value> arraysOf(const std::string &key, const LayerShapes &shapes) {
    std::map<StringRef, Value> arrays;
    for (const LayerArray &array : shapes.arrays)
      arrays[array.name] = bound.lookup(key + "." + array.name);
    return arrays;
  }

  void applyDefined(const CheckedLayer &layer, size_t index) {
    SmallVector<ArrayValue> inputs;
    for (int source : layer.sources) {
      ArrayValue input = resultOf(source);
      input.axes = input.axes - AxisSet{Axis::Neuron};
      inputs.push_back(input);
    }
    int64_t purposes = purposesOf(index);
    const ImportContext uses = context.uses(nullptr, training, &purposes);
    SmallVector<Value> states;
    for (const LayerArray &state : layer.shapes.states)
      states.push_back(bound.lookup(layer.key + "." + state.name));
    LayerResults found = importLayer(layer.call, layer.shapes, inputs, arraysOf(layer.key, layer.shapes), states, uses,
                                     builder, location);
    x = found.output;
    x.axes = x.axes | AxisSet{Axis::Neuron};
    llvm::append_range(finals, found.finals);
    for (const auto &[name, value] : found.buffers)
      nextBuffers[layer.key + "." + name.str()] = value;
    if (!isNeuron(layer))
      return;
    if (layer.shapes.factor != 1)
      grade(layer.shapes.factor);
    values[outputOf(layer, model, /*membrane=*/false)] = x.value;
    values[outputOf(layer, model, /*membrane=*/true)] = found.states[*membraneOf(layer)];
  }

  /// Spikes become reals.
  void grade(double factor) {
    const ArrayType type = typeOf(x.value);
    auto multiply = [&](ImplicitLocOpBuilder &b, ValueRange args) -> SmallVector<Value> {
      Value number = arith::ConstantOp::create(b, b.getFloatAttr(context.real, factor));
      Value none = arith::ConstantOp::create(b, b.getFloatAttr(context.real, 0));
      const bool bits = type.getElementType() != context.real;
      return {bits ? Value(arith::SelectOp::create(b, args[0], number, none))
                   : Value(arith::MulFOp::create(b, args[0], number))};
    };
    x.value = map(type.withElement(context.real), x.value, type.getShape(), identity(type), identity(type), multiply);
    x.kind = ValueType::Kind::Real;
  }

  /// What a layer gives, or the model's input.
  const ArrayValue &resultOf(int layer) const { return results[layer + 1]; }

  /// A value of each channel, for all neurons of it.
  Value spread(Value value, ArrayRef<int64_t> shape) {
    if (shape.size() == 1)
      return value;
    const ArrayType type = context.array(shape, context.real);
    SmallVector<AffineExpr> channel(shape.size(), builder.getAffineConstantExpr(0));
    channel.front() = builder.getAffineDimExpr(0);
    return map(type, value, shape, AffineMap::get(shape.size(), 0, channel, builder.getContext()), identity(type),
               [](ImplicitLocOpBuilder &, ValueRange args) -> SmallVector<Value> { return {args[0]}; });
  }

  /// Random numbers of a layer do not depend on what the layers before it draw, which may differ in training.
  static int64_t purposesOf(size_t index) {
    constexpr unsigned perLayer = 16;
    return static_cast<int64_t>(index) << perLayer;
  }

  LogicalResult applyNeurons(const CheckedLayer &layer, size_t index) {
    int64_t purposes = purposesOf(index);
    const ImportContext uses = context.uses(&layer, training, &purposes);
    NeuronLayer neurons;
    neurons.definition = layer.neuron->decl;
    neurons.current = x;
    neurons.graded = !givesBits(layer);
    for (auto [param, value] : llvm::zip(layer.neuron->params, layer.values)) {
      StringRef name = param.name.text;
      const std::string symbol = layer.key + "." + name.str();
      if (param.kind == ParamKind::Option)
        neurons.words[name] = value.word;
      else if (param.kind == ParamKind::Surrogate || param.kind == ParamKind::Function)
        neurons.surrogates[name] = value.surrogate.call;
      else if (param.kind == ParamKind::Layer)
        neurons.layers[name] = value.each ? RecurrentLayer{nullptr, nullptr, {{"V", bound.lookup(symbol + ".V")}}}
                                          : RecurrentLayer{&value.call, &value.shapes, arraysOf(symbol, value.shapes)};
      else if (value.learn || value.each)
        neurons.numbers[name] = {value.channel ? spread(bound.lookup(symbol), layer.to) : bound.lookup(symbol),
                                 value.each ? AxisSet{Axis::Neuron} : AxisSet()};
      else
        neurons.constants[name] = value.number;
    }
    const auto states = statesOf(*layer.neuron->decl, model.definitions);
    for (const auto &[name, rest] : states)
      neurons.states.push_back(bound.lookup(layer.key + "." + name.str()));
    auto results = importNeuron(neurons, uses, builder, location);
    if (failed(results))
      return failure();
    llvm::append_range(finals, results->finals);
    values[outputOf(layer, model, /*membrane=*/false)] = results->output;
    if (auto membrane = membraneOf(layer))
      values[outputOf(layer, model, /*membrane=*/true)] = results->states[*membrane];
    const bool bits = typeOf(results->output).getElementType().isInteger(1);
    x = {results->output,
         {Axis::Time, Axis::Sample, Axis::Neuron},
         bits ? ValueType::Kind::Bits : ValueType::Kind::Real};
    return success();
  }

  /// What the definition of this output's name says.
  Value countSpikes() {
    const ImportContext uses = context.uses(&context.neurons(), training);
    Expr call;
    call.kind = Expr::Kind::Call;
    call.name = kCount;
    call.args.resize(1);
    call.args[0].value = std::make_unique<Expr>();
    call.args[0].value->kind = Expr::Kind::Name;
    call.args[0].value->name = "spikes";
    BodyImporter importer(uses, builder, location);
    importer.names["spikes"] = Binding::of(x);
    return importer.arrayOf(importer.importExpr(call)).value;
  }

  ModelContext &context;
  const CheckedModel &model;
  OpBuilder &builder;
  const bool training;
  BoundFunction function;
  Location location = UnknownLoc::get(builder.getContext());
  llvm::StringMap<Value> bound;    ///< parameters and states
  ArrayValue x;                    ///< what the layer takes, and then gives
  std::vector<ArrayValue> results; ///< of the input and the layers
  std::map<std::string, Value> values, nextBuffers;
  SmallVector<Value> finals;
};

} // namespace

Location ModelContext::at(SMLoc loc) const {
  const unsigned buffer = loc.isValid() ? model.sources->FindBufferContainingLoc(loc) : 0;
  if (buffer == 0)
    return at(model.name.range.Start);
  auto [line, column] = model.sources->getLineAndColumn(loc, buffer);
  StringRef file = model.sources->getMemoryBuffer(buffer)->getBufferIdentifier();
  return FileLineColLoc::get(builder.getContext(), file, line, column);
}

Value ModelContext::realOf(Value value, const CheckedInput &input, Location location) const {
  auto type = cast<ArrayType>(value.getType());
  if (type.getElementType() == real && input.divisor == 1)
    return value;
  const AffineMap identity = AffineMap::getMultiDimIdentityMap(type.getRank(), builder.getContext());
  auto convert = [&](ImplicitLocOpBuilder &b, ValueRange args) -> SmallVector<Value> {
    Value number = args[0];
    if (number.getType() != real)
      number = arith::UIToFPOp::create(b, real, number);
    if (input.divisor != 1)
      number = arith::DivFOp::create(b, number, arith::ConstantOp::create(b, b.getFloatAttr(real, input.divisor)));
    return {number};
  };
  return core::MapOp::create(builder, location, TypeRange(Type(type.withElement(real))), value, type.getShape(),
                             ArrayRef(identity), ArrayRef(identity), /*absent=*/nullptr, convert)
      .getOutputs()
      .front();
}

ArrayType ModelContext::array(ArrayRef<int64_t> shape, Type element) const {
  return ArrayType::get(builder.getContext(), shape, element);
}

ImportContext ModelContext::uses(const CheckedLayer *layer, bool training, int64_t *purposes) const {
  ImportContext context{model.definitions, real};
  if (layer) {
    context.shape = llvm::to_vector(layer->to);
    context.classes = model.classesOf(*layer);
  }
  context.steps = model.steps;
  context.training = training;
  context.softSpikes = model.options.softSpikes;
  context.leftOut = &leftOut;
  context.purposes = purposes;
  return context;
}

const CheckedLayer &ModelContext::neurons(StringRef key) const {
  for (const CheckedLayer &layer : llvm::reverse(model.layers))
    if (isNeuron(layer) && (key.empty() || layer.key == key))
      return layer;
  llvm_unreachable("the checks have found it");
}

std::string outputOf(const CheckedLayer &layer, const CheckedModel &model, bool membrane) {
  const CheckedLayer *last = nullptr;
  for (const CheckedLayer &other : model.layers)
    if (isNeuron(other))
      last = &other;
  if (&layer == last)
    return membrane ? "membrane" : "spikes";
  return (membrane ? "hidden_membrane." : "hidden.") + layer.key;
}

LogicalResult importNetworks(ModelContext &context) {
  if (failed(NetworkImporter(context, kNetwork, /*training=*/false).run()))
    return failure();
  if (context.model.options.mode != RunMode::Train)
    return success();
  if (failed(NetworkImporter(context, kTrainingNetwork, /*training=*/true).run()))
    return failure();
  auto module = cast<ModuleOp>(context.builder.getInsertionBlock()->getParentOp());
  auto network = module.lookupSymbol<func::FuncOp>(kNetwork);
  auto other = module.lookupSymbol<func::FuncOp>(kTrainingNetwork);
  if (OperationEquivalence::isRegionEquivalentTo(&network.getBody(), &other.getBody(),
                                                 OperationEquivalence::IgnoreLocations))
    other.erase();
  return success();
}

} // namespace snn::frontend
