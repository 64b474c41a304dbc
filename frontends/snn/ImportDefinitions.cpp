// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Uses of definitions -> ops of the core.

#include "frontends/snn/ImportDefinitions.h"

#include "mlir/Analysis/TopologicalSortUtils.h"

using namespace llvm;
using namespace mlir;

namespace snn::frontend {

bool mentions(const Expr &expr, StringRef name) {
  const bool isName = expr.kind == Expr::Kind::Name || expr.kind == Expr::Kind::Read;
  return (isName && expr.name == name) ||
         llvm::any_of(expr.args, [&](const Argument &arg) { return mentions(*arg.value, name); });
}

namespace {

bool mentions(const Statements &body, StringRef name) {
  return llvm::any_of(body, [&](const Statement &statement) {
    return (statement.value && mentions(*statement.value, name)) ||
           llvm::any_of(statement.branches, [&](const Branch &branch) { return mentions(branch.body, name); });
  });
}

/// A layer from the neurons to themselves, at one step: a weight for each, or a definition.
ArrayValue applyLayer(const RecurrentLayer &layer, ArrayValue value, const ImportContext &context, OpBuilder &builder,
                      Location location, std::function<ArrayValue()> stepsOfCall) {
  if (layer.call) {
    value.axes = value.axes - AxisSet{Axis::Neuron};
    ArrayValue result = importLayer(*layer.call, *layer.shapes, value, layer.learned, {}, context, builder, location,
                                    std::move(stepsOfCall))
                            .output;
    result.axes = result.axes | AxisSet{Axis::Neuron};
    return result;
  }
  BodyImporter importer(context, builder, location);
  ArrayValue weight{layer.learned.begin()->second, {Axis::Neuron}};
  return importer.arrayOf(importer.product(weight, value));
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
  for (const auto &[name, recurrent] : layer.layers)
    for (const auto &[array, value] : recurrent.learned)
      invariant.push_back(value);
  Block body;
  auto argument = [&](Value value, bool slice) -> Value {
    auto type = cast<core::ArrayType>(value.getType());
    return body.addArgument(slice ? type.atOneStep() : type, location);
  };
  OpBuilder inner(builder.getContext());
  inner.setInsertionPointToEnd(&body);
  BodyImporter importer(context, inner, location);
  importer.inStep = true;
  importer.graded = layer.graded;
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
  for (const auto &[name, recurrent] : layer.layers) {
    RecurrentLayer inside = recurrent;
    for (auto &[array, value] : inside.learned)
      value = argument(value, /*slice=*/false);
    importer.names[name].layer = [=, &context, &inner, &importer](const ArrayValue &value) {
      return applyLayer(inside, value, context, inner, location, importer.stepsOfCall);
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
      results.push_back(importer.asRealElement(importer.valueOf(name)));
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
    results.push_back(importer.asRealElement(importer.valueOf(name)));
  SmallVector<Value> values;
  for (const ArrayValue &array : importer.finish(results, {}))
    values.push_back(array.value);
  return values;
}

SmallVector<Value> importClip(const Definition &definition, const std::map<StringRef, Binding> &numbers,
                              ArrayRef<Value> gradients, ImportContext context, OpBuilder &builder, Location location) {
  struct Fold {
    StringRef name;
    Value total; ///< stands for what is known once all gradients were gone through
    SmallVector<Value> parts;
  };
  Block scratch;
  SmallVector<Fold> folds; // of one gradient, in the order of the text, which is the same for all
  SmallVector<Value> clipped;
  for (Value gradient : gradients) {
    context.shape = llvm::to_vector(cast<core::ArrayType>(gradient.getType()).getShape());
    BodyImporter importer(context, builder, location);
    importer.names = numbers;
    importer.names[definition.inputs.front().text] = Binding::of({gradient, {Axis::Parameter}});
    size_t next = 0;
    importer.overParameters = [&](StringRef name, ArrayValue part) {
      if (next == folds.size())
        folds.push_back({name, scratch.addArgument(part.value.getType(), location), {}});
      Fold &fold = folds[next++];
      fold.parts.push_back(part.value);
      part.value = fold.total;
      return part;
    };
    importer.importLines(definition.body, /*arrays=*/false);
    clipped.push_back(importer.finish(importer.asRealElement(*importer.output), {Axis::Parameter}).front().value);
  }
  for (Fold &fold : folds)
    fold.total.replaceAllUsesWith(BodyImporter(context, builder, location).together(fold.name, fold.parts).value);
  sortTopologically(builder.getInsertionBlock());
  return clipped;
}

FailureOr<Value> importLoss(const Definition &definition, std::map<StringRef, Binding> names,
                            const ImportContext &context, OpBuilder &builder, Location location) {
  BodyImporter importer(context, builder, location);
  importer.names = std::move(names);
  importer.importLines(definition.body, /*arrays=*/true);
  return importer.averageOf(*importer.output).value;
}

} // namespace snn::frontend
