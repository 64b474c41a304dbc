// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Definitions of layers -> ops: a line is a map, a fold or a contract over its indices.

#include "frontends/snn/ImportDefinitions.h"

#include <set>

using namespace llvm;
using namespace mlir;

namespace snn::frontend {

/// The numbers of the indices of that name that are seen: one, or those that `...` stands for.
SmallVector<unsigned> BodyImporter::indicesNamed(StringRef name) const {
  SmallVector<unsigned> found;
  for (unsigned number = indices.size(); number-- > 0;) {
    if (indices[number].name == name)
      found.insert(found.begin(), number);
    else if (!found.empty())
      break;
    if (!found.empty() && name != kRest)
      break;
  }
  return found;
}

/// Dims are numbered as axes are. The checks have found that a place is quasi-affine.
AffineExpr BodyImporter::placeOf(const Expr &expr) const {
  MLIRContext *mlir = outer.getContext();
  if (expr.kind == Expr::Kind::Name)
    if (auto found = indicesNamed(expr.name); !found.empty())
      return getAffineDimExpr(static_cast<unsigned>(indexAxis(found.front())), mlir);
  auto isIndexed = [&](auto &&self, const Expr &part) -> bool {
    return (part.kind == Expr::Kind::Name && !indicesNamed(part.name).empty()) ||
           llvm::any_of(part.args, [&](const Argument &arg) { return self(self, *arg.value); });
  };
  if (!isIndexed(isIndexed, expr))
    return getAffineConstantExpr(static_cast<int64_t>(layer->evaluate(expr)), mlir);
  if (expr.kind == Expr::Kind::Call) { // trunc(place / number)
    const Expr &dividend = expr.operand(0).operand(0);
    const auto divisor = static_cast<int64_t>(layer->evaluate(expr.operand(0).operand(1)));
    auto found = dividend.kind == Expr::Kind::Name ? indicesNamed(dividend.name) : SmallVector<unsigned>();
    if (!found.empty() && indices[found.front()].extent <= divisor)
      return getAffineConstantExpr(0, mlir);
    return placeOf(dividend).floorDiv(divisor);
  }
  AffineExpr left = placeOf(expr.operand(0)), right = placeOf(expr.operand(1));
  return expr.op == Operator::Add ? left + right : expr.op == Operator::Subtract ? left - right : left * right;
}

Scalar BodyImporter::importRead(const Expr &expr, Read::Outside outside, double number) {
  const ArrayValue &array = *names[expr.name].array;
  Read element{array, array.axes, {}, outside, number};
  for (const Argument &place : expr.args) {
    if (place.value->kind == Expr::Kind::Name && place.value->name == kRest) {
      for (unsigned index : indicesNamed(kRest))
        element.places.push_back(getAffineDimExpr(static_cast<unsigned>(indexAxis(index)), outer.getContext()));
      continue;
    }
    element.places.push_back(placeOf(*place.value));
  }
  for (unsigned index = 0; index < indices.size(); ++index)
    for (AffineExpr place : element.places)
      if (place.isFunctionOfDim(static_cast<unsigned>(indexAxis(index))))
        element.axes = element.axes | AxisSet{indexAxis(index)};
  return read(std::move(element));
}

/// New indices, and the axes among `sample` and `time`.
AxisSet BodyImporter::importOver(const Argument &over, const Expr &call) {
  AxisSet axes;
  for (const LayerIndex &index : layer->indices.at(&call)) {
    axes = axes | AxisSet{indexAxis(indices.size())};
    indices.push_back(index);
  }
  auto add = [&](const Expr &place) {
    if (place.kind == Expr::Kind::Name)
      if (std::optional<Axis> axis = axisNamed(place.name))
        axes = axes | AxisSet{*axis};
  };
  if (over.value->kind == Expr::Kind::Tuple)
    for (const Argument &place : over.value->args)
      add(*place.value);
  else
    add(*over.value);
  return axes;
}

/// Where terms of the line's sum land, whose indices have been entered.
BodyImporter::Landings BodyImporter::landingsOf(const Expr &sum) const {
  Landings landings;
  if (!line || line->value.get() != &sum)
    return landings;
  for (auto [number, place] : enumerate(line->places)) // '...' is the last one
    if (const Expr *landing = landingOf(*place.value)) {
      landings.axes = landings.axes | AxisSet{indexAxis(number)};
      landings.places.push_back(placeOf(*landing));
    }
  return landings;
}

/// A sum of products of two elements is a contract. Where one of them is absent or 0 outside, there is no term.
std::optional<Scalar> BodyImporter::importProducts(const Expr &value, AxisSet over, const Landings &landings) {
  if (value.kind != Expr::Kind::Operation || value.op != Operator::Multiply)
    return std::nullopt;
  SmallVector<const Read *> factors;
  for (const Argument &arg : value.args) {
    const bool isOr = arg.value->kind == Expr::Kind::Or;
    if (!isOr && arg.value->kind != Expr::Kind::Read)
      return std::nullopt;
    auto argument = dyn_cast<BlockArgument>(importExpr(*arg.value).value);
    if (!argument || (isOr && inputs[argument.getArgNumber()].number != 0))
      return std::nullopt;
  }
  for (const Argument &arg : value.args) // the same arguments again, now that no more will come
    factors.push_back(&inputs[cast<BlockArgument>(importExpr(*arg.value).value).getArgNumber()]);
  auto isReal = [&](const Read *factor) {
    return cast<core::ArrayType>(factor->array.value.getType()).getElementType() == context.real;
  };
  if (llvm::none_of(factors, isReal))
    return std::nullopt;
  AxisSet axes = factors[0]->axes | factors[1]->axes;
  const AxisSet still = stillOf(axes, over);
  over = over - still;
  const SmallVector<Dim> dims = dimsOf(axes | over);
  const AxisSet left = (axes | over) - over;
  const AxisSet all = left | landings.axes;
  Value sum = core::ContractOp::create(outer, location, arrayType(all, context.real), factors[0]->array.value,
                                       factors[1]->array.value, extentsOf(dims), alongOf(dims, over, left, landings),
                                       mapOf(dims, *factors[0]), mapOf(dims, *factors[1]), mapOf(dims, left, landings));
  return scalars.operation(Operator::Multiply, read(ArrayValue{sum, all}), countOf(still));
}

namespace {

/// Goes through the lines. Those that no state leads to are computed for all steps at once, before the scan.
class LayerImporter {
public:
  LayerImporter(const LayerCall &layer, const LayerShapes &shapes, const ImportContext &context, OpBuilder &builder,
                Location location, std::function<ArrayValue()> stepsOfCall)
      : layer(layer), shapes(shapes), context(context), builder(builder), inside(builder.getContext()),
        location(location), stepsOfCall(std::move(stepsOfCall)) {
    inside.setInsertionPointToEnd(&body);
  }

  LayerResults run(ArrayRef<ArrayValue> inputs, const std::map<StringRef, Value> &learned, ArrayRef<Value> starts) {
    const Definition &definition = *layer.definition;
    for (const auto &[name, number] : shapes.numbers)
      names[name] = Binding::number(number);
    for (const auto &[name, word] : shapes.words)
      names[name].word = word;
    names["training"].word = context.training ? "true" : "false";
    for (auto [param, value] : llvm::zip(definition.params, layer.values))
      if (value.surrogate.call)
        names[param.name.text].surrogate = value.surrogate.call;
    for (auto [input, value] : llvm::zip(definition.inputs, inputs)) {
      names[input.text] = Binding::of(value);
      overTime |= value.axes.contains(Axis::Time);
    }
    for (const auto &[name, value] : learned)
      names[name].array = ArrayValue{value, {}};
    for (auto [state, start] : llvm::zip(shapes.states, starts)) {
      stepwise.insert(state.name);
      carries.push_back(body.addArgument(start.getType(), location));
      names[state.name] = Binding::of({carries.back(), {Axis::Sample}});
    }
    importLines(definition.body);
    LayerResults found;
    found.output = *names[result].array;
    for (StringRef name : buffers)
      found.buffers[name] = names[name].array->value;
    if (!shapes.states.empty())
      close(found, starts);
    return found;
  }

private:
  void importLines(const Statements &lines) {
    for (const Statement &statement : lines) {
      if (statement.kind == Statement::Kind::Value || statement.kind == Statement::Kind::Spike) {
        result = arrayOf(statement).name;
        isSpike = statement.kind == Statement::Kind::Spike;
      }
      if (statement.kind == Statement::Kind::If)
        for (const Branch &branch : statement.branches)
          if (branch.option.text.empty() || shapes.wordOf(branch.option.text, context.training) == branch.word.text) {
            importLines(branch.body);
            break;
          }
      if (statement.kind == Statement::Kind::Assign && !statement.places.empty())
        importLine(statement);
    }
  }

  void importLine(const Statement &statement) {
    StringRef name = statement.name.text;
    const auto isOf = [&](const std::vector<LayerArray> &arrays) {
      return llvm::any_of(arrays, [&](const LayerArray &array) { return array.name == name; });
    };
    const bool isState = isOf(shapes.states), isBuffer = isOf(shapes.arrays);
    if (isBuffer)
      buffers.insert(name);
    const bool inStep =
        isState || llvm::any_of(stepwise, [&](StringRef other) { return mentions(*statement.value, other); });
    BodyImporter importer(context, inStep ? inside : builder, location);
    for (auto &[other, binding] : names)
      if (!binding.array || !inStep)
        importer.names[other] = binding;
      else if (mentions(*statement.value, other))
        importer.names[other] = Binding::of(entered(other));
    importer.layer = &shapes;
    importer.line = &statement;
    importer.indices = llvm::to_vector(shapes.indices.at(&statement));
    AxisSet left;
    for (unsigned index = 0; index < importer.indices.size(); ++index)
      left = left | AxisSet{indexAxis(index)};
    AxisSet axes = left;
    auto isOfSamples = [&](const auto &known) {
      return known.second.array && known.second.array->axes.contains(Axis::Sample) &&
             mentions(*statement.value, known.first);
    };
    importer.overTime = overTime;
    importer.inStep = inStep || stepsOfCall;
    importer.stepsOfCall = stepsOfCall ? stepsOfCall : [this] { return countSteps(); };
    Scalar value = importer.importExpr(*statement.value);
    // What is computed of samples is theirs, also where it turns out to be a constant.
    if (inStep || (value.constant && !isBuffer && llvm::any_of(names, isOfSamples)))
      axes = axes | AxisSet{Axis::Sample};
    if (isState || isBuffer) // whatever was computed, such as spikes
      value = importer.asRealElement(value);
    names[name] = Binding::of(importer.elementsOf(value, axes, left));
    inStep ? (void)stepwise.insert(name) : (void)stepwise.erase(name);
  }

  /// A value in the body of the scan.
  ArrayValue entered(StringRef name) {
    ArrayValue array = *names[name].array;
    if (stepwise.contains(name))
      return array;
    return entered(array);
  }

  ArrayValue entered(ArrayValue array) {
    const bool slice = array.axes.contains(Axis::Time);
    auto [it, isNew] = arguments.try_emplace(array.value);
    if (isNew) {
      auto type = cast<core::ArrayType>(array.value.getType());
      it->second = body.addArgument(slice ? type.atOneStep() : type, location);
      (slice ? sliced : invariant).push_back(array.value);
    }
    array.value = it->second;
    array.axes = array.axes - AxisSet{Axis::Time};
    return array;
  }

  /// What is told from a comparison is a number as any other.
  ArrayValue asReals(ArrayValue array) {
    auto type = cast<core::ArrayType>(array.value.getType());
    if (!type.getElementType().isInteger(1))
      return array;
    array.value = core::MapOp::create(inside, location, type.withElement(context.real), array.value,
                                      [&](ImplicitLocOpBuilder &b, ValueRange bits) -> SmallVector<Value> {
                                        return {arith::UIToFPOp::create(b, context.real, bits[0])};
                                      })
                      .getResult(0);
    array.kind = ValueType::Kind::Real;
    return array;
  }

  /// In the body of the scan.
  ArrayValue countSteps() {
    if (!steps)
      steps = BodyImporter(context, builder, location).sumOf(Scalar::number(1), {Axis::Time});
    return entered(*steps);
  }

  void close(LayerResults &found, ArrayRef<Value> starts) {
    ArrayValue output = entered(result);
    if (!isSpike)
      output = asReals(output);
    SmallVector<Value> next, stacked{output.value};
    for (const LayerArray &state : shapes.states)
      next.push_back(names[state.name].array->value);
    llvm::append_range(stacked, next);
    core::StepOp::create(inside, location, stacked, next);
    SmallVector<Type> types;
    for (Value value : stacked)
      types.push_back(cast<core::ArrayType>(value.getType()).overTime());
    auto scan = core::ScanOp::create(builder, location, types, TypeRange(ValueRange(starts)), sliced, invariant, starts,
                                     /*reverse=*/false);
    auto *block = new Block;
    scan.getBody().push_back(block);
    auto take = [&](Value argument) {
      argument.replaceAllUsesWith(block->addArgument(argument.getType(), argument.getLoc()));
    };
    for (ArrayRef<Value> operands : {ArrayRef<Value>(sliced), ArrayRef<Value>(invariant)})
      for (Value operand : operands)
        take(arguments.lookup(operand));
    for (Value carry : carries)
      take(carry);
    block->getOperations().splice(block->end(), body.getOperations());
    found.output = output;
    found.output.value = scan.getStacked().front();
    found.output.axes = output.axes | AxisSet{Axis::Time};
    llvm::append_range(found.states, scan.getStacked().drop_front());
    llvm::append_range(found.finals, scan.getFinals());
  }

  const LayerCall &layer;
  const LayerShapes &shapes;
  const ImportContext &context;
  OpBuilder &builder;
  Block body; ///< of the scan, whose arguments get their order at the end
  OpBuilder inside;
  Location location;
  std::map<StringRef, Binding> names;
  std::set<StringRef> buffers;  ///< those that lines assign
  std::set<StringRef> stepwise; ///< names of values in the body
  llvm::DenseMap<Value, Value> arguments;
  SmallVector<Value> sliced, invariant, carries;
  StringRef result;
  bool isSpike = false; ///< that it is
  bool overTime = false;
  std::optional<ArrayValue> steps; ///< their count
  const std::function<ArrayValue()> stepsOfCall;
};

} // namespace

LayerResults importLayer(const LayerCall &layer, const LayerShapes &shapes, ArrayRef<ArrayValue> inputs,
                         const std::map<StringRef, Value> &learned, ArrayRef<Value> states,
                         const ImportContext &context, OpBuilder &builder, Location location,
                         std::function<ArrayValue()> stepsOfCall) {
  return LayerImporter(layer, shapes, context, builder, location, std::move(stepsOfCall)).run(inputs, learned, states);
}

/// The array of a line, which has these indices.
ArrayValue BodyImporter::elementsOf(const Scalar &value, AxisSet axes, AxisSet left) {
  ArrayValue array;
  auto argument = dyn_cast_or_null<BlockArgument>(value.value);
  const Read *whole = argument ? &inputs[argument.getArgNumber()] : nullptr;
  if (whole && whole->places.empty() && (axes - whole->axes).empty())
    array = whole->array;
  else
    array = finish(asElement(value), axes).front();
  array.axes = array.axes - left;
  return array;
}

} // namespace snn::frontend
