// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The numbers of training, and loss, metrics and update as functions.

#include "frontends/snn/BoundFunction.h"
#include "frontends/snn/ImportModel.h"

#include <cmath>

using namespace llvm;
using namespace mlir;

namespace snn::frontend {
namespace {

class TrainingImporter {
public:
  explicit TrainingImporter(ModelContext &context)
      : context(context), model(context.model), builder(context.builder), f64(builder.getF64Type()) {}

  LogicalResult run() {
    const CheckedTrain &train = model.train;
    for (const auto *uses : {&train.losses, &train.metrics})
      for (const CheckedUse &use : *uses)
        declareHypers(use);
    declareHypers(train.rule);
    for (const CheckedUse &group : train.groups)
      for (const Hyper &hyper : group.numbers)
        declareHyper(context.at(group.loc), hyper, group.layer);
    declareHypers(train.schedule);
    declareHypers(train.clip);
    for (const CheckedUse &metric : train.metrics)
      OutputOp::create(builder, context.at(metric.loc), metric.symbol, context.array({}, f64));
    if (train.clip.definition && !model.options.softSpikes) // whose gradients are compared with differences
      importClips();
    return success(succeeded(importLosses()) && succeeded(importUpdate()));
  }

private:
  using Names = std::map<StringRef, Binding>;

  void declareHypers(const CheckedUse &use) {
    for (const Hyper &hyper : use.numbers)
      declareHyper(context.at(use.loc), hyper);
    if (use.weight)
      declareHyper(context.at(use.loc), *use.weight);
  }
  /// With a label it is NUMBER.LABEL, which stands for the number there.
  void declareHyper(Location loc, const Hyper &hyper, StringRef label = "") {
    FloatAttr none, high = std::isinf(hyper.range.high) ? none : builder.getF64FloatAttr(hyper.range.high);
    RangeAttr range;
    if (!std::isinf(hyper.range.low))
      range = RangeAttr::get(builder.getContext(), builder.getF64FloatAttr(hyper.range.low),
                             hyper.range.belowHigh ? none : high, hyper.range.belowHigh ? high : none);
    StringAttr of, at;
    if (!label.empty()) {
      of = builder.getStringAttr(StringRef(hyper.name).drop_back(label.size() + 1));
      at = builder.getStringAttr(label);
    }
    HyperOp::create(builder, loc, builder.getStringAttr(hyper.name), of, at, builder.getF64FloatAttr(hyper.value),
                    range);
  }

  Value number(BoundFunction &function, const Hyper &hyper) {
    return function.argument(hyper.name, context.array({}, f64));
  }
  static Binding asNumber(Value value) { return Binding::of({value, {}, ValueType::Kind::Real, /*network=*/false}); }

  void addNumbers(BoundFunction &function, const CheckedUse &use, Names &names, const ImportContext &uses) {
    const Hyper *next = use.numbers.data();
    for (const NeuronParam &param : use.definition->params) {
      if (auto word = use.words.find(param.name.text); word != use.words.end()) {
        names[param.name.text].word = word->second;
        continue;
      }
      if (auto constants = use.constants.find(param.name.text); constants != use.constants.end()) {
        ArrayRef<double> numbers = constants->second;
        names[param.name.text] = numbers.size() == 1
                                     ? Binding::number(numbers.front())
                                     : Binding::of(BodyImporter(uses, builder, context.at(use.loc)).ofClasses(numbers));
        continue;
      }
      if (param.value->kind != Expr::Kind::Tuple) {
        names[param.name.text] = asNumber(number(function, *next++));
        continue;
      }
      for (size_t index = 0; index < param.value->args.size(); ++index)
        names[param.name.text].elements.push_back(*asNumber(number(function, *next++)).array);
    }
  }

  /// What a loss or a metric reads: outputs of the network, which are arguments once they were asked for.
  Binding read(BoundFunction &function, StringRef input, const CheckedUse &use, const CheckedLayer &layer) {
    auto place = use.reads.find(input);
    const CheckedInput *target = place == use.reads.end() ? nullptr : &model.targets[place->second];
    const std::string symbol = target ? target->name : outputOf(layer, model, input == "membrane");
    Value &value = arguments[symbol];
    if (!value)
      for (const Declared &declared : target ? context.inputs : context.outputs)
        if (declared.symbol == symbol)
          value = function.argument(symbol, declared.type);
    const AxisSet declared = target && target->overTime ? AxisSet{Axis::Time, Axis::Sample} : AxisSet{Axis::Sample};
    if (target && target->label)
      return Binding::of({value, declared, ValueType::Kind::Integer, /*network=*/false, Axis::Class});
    if (target)
      return Binding::of({context.realOf(value, *target, context.at(target->loc)), declared | AxisSet{Axis::Neuron}});
    const bool bits = cast<core::ArrayType>(value.getType()).getElementType().isInteger(1);
    return Binding::of(
        {value, {Axis::Time, Axis::Sample, Axis::Neuron}, bits ? ValueType::Kind::Bits : ValueType::Kind::Real});
  }

  FailureOr<Value> importUse(BoundFunction &function, const CheckedUse &use, bool differentiated) {
    const CheckedLayer &layer = context.neurons(use.layer);
    Names names;
    for (const Name &input : use.definition->inputs)
      names[input.text] = read(function, input.text, use, layer);
    ImportContext uses = context.uses(&layer, /*training=*/true);
    uses.softSpikes &= differentiated;
    addNumbers(function, use, names, uses);
    return importLoss(*use.definition, std::move(names), uses, builder, context.at(use.loc));
  }

  LogicalResult importLosses() {
    Location loc = context.at(model.train.lossLoc);
    BoundFunction function(builder, loc, kCriterion);
    SmallVector<Value> terms, weights;
    for (const CheckedUse &use : model.train.losses) {
      auto term = importUse(function, use, /*differentiated=*/true);
      if (failed(term))
        return failure();
      terms.push_back(*term);
      weights.push_back(use.weight ? number(function, *use.weight) : Value());
    }
    function.result(kLoss, terms.size() == 1 && !weights[0] ? terms[0] : sumOf(loc, terms, weights));
    for (const CheckedUse &metric : model.train.metrics) {
      auto value = importUse(function, metric, /*differentiated=*/false);
      if (failed(value))
        return failure();
      function.result(metric.symbol, *value);
    }
    function.finish();
    return success();
  }

  /// The value of one number, from others.
  Value combine(Location loc, ValueRange inputs, core::BodyBuilder body) {
    const AffineMap point = AffineMap::get(0, 0, builder.getContext());
    return core::MapOp::create(builder, loc, TypeRange(Type(context.array({}, f64))), inputs, ArrayRef<int64_t>{},
                               SmallVector<AffineMap>(inputs.size(), point), ArrayRef(point), /*absent=*/nullptr, body)
        .getOutputs()
        .front();
  }

  Value sumOf(Location loc, ArrayRef<Value> terms, ArrayRef<Value> weights) {
    SmallVector<Value> inputs(terms);
    for (Value weight : weights)
      if (weight)
        inputs.push_back(weight);
    return combine(loc, inputs, [&](ImplicitLocOpBuilder &b, ValueRange args) -> SmallVector<Value> {
      size_t next = terms.size();
      Value sum;
      for (size_t index = 0; index < terms.size(); ++index) {
        Value term = weights[index] ? Value(arith::MulFOp::create(b, args[next++], args[index])) : args[index];
        sum = sum ? Value(arith::AddFOp::create(b, sum, term)) : term;
      }
      return {sum};
    });
  }

  /// From all gradients to all.
  void importClips() {
    const CheckedUse &clip = model.train.clip;
    Location loc = context.at(clip.loc);
    BoundFunction function(builder, loc, kClip);
    SmallVector<Value> gradients;
    for (const Declared &parameter : context.parameters)
      gradients.push_back(function.argument(parameter.symbol, parameter.type, {Span::Gradients}));
    Names numbers;
    const ImportContext uses = context.uses(nullptr, /*training=*/true);
    addNumbers(function, clip, numbers, uses);
    const auto clipped = importClip(*clip.definition, numbers, gradients, uses, builder, loc);
    for (auto [parameter, value] : llvm::zip(context.parameters, clipped))
      function.result(parameter.symbol, value, {Span::Gradients});
    function.finish();
  }

  /// @update holds for one element of every parameter.
  LogicalResult importUpdate() {
    const CheckedUse &rule = model.train.rule, &schedule = model.train.schedule;
    Location loc = context.at(rule.loc);
    BoundFunction function(builder, loc, kUpdate);
    core::ArrayType element = context.array({}, context.real);
    const Definition &definition = *rule.definition;
    Names names;
    constexpr Span spans[] = {Span::Parameters, Span::Gradients};
    for (auto [input, span] : llvm::zip(definition.inputs, spans))
      names[input.text] = Binding::of({function.argument(input.text, element, {span}), {}});
    const auto states = statesOf(definition, model.definitions);
    for (auto [index, state] : enumerate(states))
      names[state.first] =
          Binding::of({function.argument(state.first, element, {Span::Optimizer, static_cast<int64_t>(index)}), {}});
    const ImportContext uses = context.uses(nullptr, /*training=*/true);
    addNumbers(function, rule, names, uses);
    Names counts;
    for (StringRef word : kCounts)
      counts[word] = Binding::of(
          {function.argument(word, context.array({}, builder.getI64Type())), {}, ValueType::Kind::Integer, false});
    if (auto scale = names.find("lr"); scale != names.end()) {
      Names scheduled = counts;
      addNumbers(function, schedule, scheduled, uses);
      auto share = importElement(*schedule.definition, scheduled, uses, builder, context.at(schedule.loc));
      if (failed(share))
        return failure();
      Value factors[] = {scale->second.array->value, share->front()};
      scale->second =
          asNumber(combine(loc, factors, [](ImplicitLocOpBuilder &b, ValueRange args) -> SmallVector<Value> {
            return {arith::MulFOp::create(b, args[0], args[1])};
          }));
    }
    names.insert(counts.begin(), counts.end());
    auto values = importElement(definition, names, uses, builder, loc);
    if (failed(values))
      return failure();
    function.result(definition.inputs.front().text, values->front(), {Span::Parameters});
    for (auto [index, state] : enumerate(states))
      function.result(state.first, (*values)[index + 1], {Span::Optimizer, static_cast<int64_t>(index)});
    function.finish();
    return success();
  }

  ModelContext &context;
  const CheckedModel &model;
  OpBuilder &builder;
  Type f64;
  std::map<std::string, Value> arguments; ///< of @loss, by what they are bound to
};

} // namespace

LogicalResult importTraining(ModelContext &context) { return TrainingImporter(context).run(); }

} // namespace snn::frontend
