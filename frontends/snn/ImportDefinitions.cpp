// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Uses of definitions -> ops of the core.

#include "frontends/snn/ImportDefinitions.h"

using namespace llvm;
using namespace mlir;

namespace snn::frontend {
namespace {

bool mentions(const Expr &expr, StringRef name) {
  return (expr.kind == Expr::Kind::Name && expr.name == name) ||
         llvm::any_of(expr.args, [&](const Argument &arg) { return mentions(*arg.value, name); });
}

bool mentions(const Statements &body, StringRef name) {
  return llvm::any_of(body, [&](const Statement &statement) {
    return (statement.value && mentions(*statement.value, name)) ||
           llvm::any_of(statement.branches, [&](const Branch &branch) { return mentions(branch.body, name); });
  });
}

AffineMap project(MLIRContext *context, unsigned dims, ArrayRef<unsigned> positions) {
  SmallVector<AffineExpr> results;
  for (unsigned position : positions)
    results.push_back(getAffineDimExpr(position, context));
  return AffineMap::get(dims, 0, results, context);
}

/// Weights times a value of each neuron, at one step.
ArrayValue applyLayer(const LayerWeights &layer, const ArrayValue &value, const ImportContext &context,
                      OpBuilder &builder, Location location) {
  MLIRContext *mlir = builder.getContext();
  const int64_t samples = core::ArrayType::kSample, neurons = context.neurons();
  auto type = cast<core::ArrayType>(value.value.getType()).withElement(context.real);
  Type result = type;
  const unsigned rank = type.getRank();
  const AffineMap all = AffineMap::getMultiDimIdentityMap(rank, mlir), neuron = all.getMinorIdentityMap(rank, rank - 1, mlir);
  auto map = [&](ValueRange inputs, ArrayRef<AffineMap> reads, core::BodyBuilder body) {
    return core::MapOp::create(builder, location, TypeRange(result), inputs, type.getShape(), reads, ArrayRef(all),
                               /*absent=*/nullptr, body)
        .getOutputs()
        .front();
  };
  auto real = [&](ImplicitLocOpBuilder &inner, Value x) -> Value {
    return x.getType() == context.real ? x : arith::UIToFPOp::create(inner, context.real, x);
  };
  if (layer.each)
    return {map({layer.weight, value.value}, {neuron, all},
                [&](ImplicitLocOpBuilder &inner, ValueRange args) -> SmallVector<Value> {
                  return {arith::MulFOp::create(inner, args[0], real(inner, args[1]))};
                }),
            {Axis::Sample, Axis::Neuron}};
  Value product = core::ContractOp::create(
      builder, location, result, value.value, layer.weight, ArrayRef<int64_t>{samples, neurons, neurons},
      ArrayRef<int64_t>{2}, project(mlir, 3, {0, 2}), project(mlir, 3, {1, 2}), project(mlir, 3, {0, 1}));
  if (layer.bias)
    product = map({product, layer.bias}, {all, neuron},
                  [&](ImplicitLocOpBuilder &inner, ValueRange args) -> SmallVector<Value> {
                    return {arith::AddFOp::create(inner, args[0], args[1])};
                  });
  return {product, {Axis::Sample, Axis::Neuron}};
}

} // namespace

std::vector<std::pair<StringRef, double>> statesOf(const Definition &definition, const DefinitionFile &file) {
  std::vector<std::pair<StringRef, double>> states;
  for (const Statement &statement : definition.body)
    if (statement.kind == Statement::Kind::State)
      states.emplace_back(statement.name.text, file.number(*statement.value));
  if (definition.kind == DefinitionKind::Neuron && mentions(definition.body, "fired"))
    states.emplace_back("fired", 0);
  return states;
}

FailureOr<NeuronResults> importNeuron(const NeuronLayer &layer, const ImportContext &context, OpBuilder &builder,
                                      Location location) {
  const Definition &definition = *layer.definition;
  const auto states = statesOf(definition, context.definitions);
  const AxisSet axes{Axis::Sample, Axis::Neuron};
  const bool overTime = layer.current.axes.contains(Axis::Time);

  SmallVector<Value> sliced, invariant;
  (overTime ? sliced : invariant).push_back(layer.current.value);
  for (const auto &[name, number] : layer.numbers)
    invariant.push_back(number.value);
  for (const auto &[name, weights] : layer.layers) {
    invariant.push_back(weights.weight);
    if (weights.bias)
      invariant.push_back(weights.bias);
  }
  Block body;
  auto argument = [&](Value value, bool slice) -> Value {
    auto type = cast<core::ArrayType>(value.getType());
    return body.addArgument(slice ? type.atOneStep() : type, location);
  };
  OpBuilder inner(builder.getContext());
  inner.setInsertionPointToEnd(&body);
  BodyImporter importer(context, inner, location);
  importer.inStep = true;
  importer.stepsOfCall = [&] {
    ArrayValue count = BodyImporter(context, builder, location).sumOf(Scalar::number(1), {Axis::Time});
    invariant.push_back(count.value);
    count.value = body.insertArgument(static_cast<unsigned>(sliced.size() + invariant.size() - 1),
                                      count.value.getType(), location);
    return count;
  };
  ArrayValue current = layer.current;
  current.value = argument(current.value, overTime);
  current.axes = axes;
  importer.names[definition.inputs.front().text] = Binding::of(current);
  for (const auto &[name, number] : layer.numbers) {
    ArrayValue inside = number;
    inside.value = argument(number.value, /*slice=*/false);
    importer.names[name] = Binding::of(inside);
  }
  for (const auto &[name, weights] : layer.layers) {
    LayerWeights inside = weights;
    inside.weight = argument(weights.weight, /*slice=*/false);
    if (weights.bias)
      inside.bias = argument(weights.bias, /*slice=*/false);
    importer.names[name].layer = [=, &context, &inner](const ArrayValue &value) {
      return applyLayer(inside, value, context, inner, location);
    };
  }
  for (const auto &[name, constant] : layer.constants)
    importer.names[name] = Binding::number(constant);
  for (const auto &[name, word] : layer.words)
    importer.names[name].word = word;
  for (const auto &[name, surrogate] : layer.surrogates)
    importer.names[name].surrogate = surrogate;
  for (auto [state, start] : llvm::zip(states, layer.states)) {
    const bool isSpike = cast<core::ArrayType>(start.getType()).getElementType().isInteger(1);
    ArrayValue value{argument(start, /*slice=*/false), axes, isSpike ? ValueType::Kind::Bits : ValueType::Kind::Real};
    importer.names[state.first] = Binding::of(value);
    if (state.first == "fired")
      importer.names["attached"] = Binding::of(value);
  }
  importer.importLines(definition.body, /*arrays=*/false);

  SmallVector<Scalar> results{importer.asElement(*importer.output)};
  for (const auto &[name, rest] : states)
    if (name != "fired")
      results.push_back(importer.asElement(importer.valueOf(name)));
  SmallVector<Value> stacked, next;
  for (const ArrayValue &array : importer.finish(results, axes))
    stacked.push_back(array.value);
  llvm::append_range(next, ArrayRef(stacked).drop_front());
  if (next.size() < states.size())
    next.push_back(stacked.front());
  core::StepOp::create(inner, location, stacked, next);

  SmallVector<Type> types;
  for (Value value : stacked)
    types.push_back(cast<core::ArrayType>(value.getType()).overTime());
  auto scan = core::ScanOp::create(builder, location, types, TypeRange(ValueRange(layer.states)), sliced, invariant,
                                   layer.states, /*reverse=*/false);
  // The arguments were made in the order in which the body needed them, and that is the order of the operands.
  auto *block = new Block;
  scan.getBody().push_back(block);
  for (BlockArgument old : body.getArguments())
    old.replaceAllUsesWith(block->addArgument(old.getType(), old.getLoc()));
  block->getOperations().splice(block->end(), body.getOperations());

  NeuronResults found;
  found.output = scan.getStacked().front();
  llvm::append_range(found.states, scan.getStacked().drop_front());
  llvm::append_range(found.finals, scan.getFinals());
  return found;
}

FailureOr<SmallVector<Value>> importElement(const Definition &definition, std::map<StringRef, Binding> names,
                                            const ImportContext &context, OpBuilder &builder, Location location) {
  BodyImporter importer(context, builder, location);
  importer.names = std::move(names);
  importer.importLines(definition.body, /*arrays=*/false);
  SmallVector<Scalar> results;
  if (definition.kind == DefinitionKind::Schedule)
    results.push_back(importer.asNumber(*importer.output));
  else
    results.push_back(importer.asElement(*importer.output));
  for (const auto &[name, rest] : statesOf(definition, context.definitions))
    results.push_back(importer.asElement(importer.valueOf(name)));
  SmallVector<Value> values;
  for (const ArrayValue &array : importer.finish(results, {}))
    values.push_back(array.value);
  return values;
}

FailureOr<Value> importLoss(const Definition &definition, std::map<StringRef, Binding> names,
                            const ImportContext &context, OpBuilder &builder, Location location) {
  BodyImporter importer(context, builder, location);
  importer.names = std::move(names);
  importer.importLines(definition.body, /*arrays=*/true);
  return importer.averageOf(*importer.output).value;
}

} // namespace snn::frontend
