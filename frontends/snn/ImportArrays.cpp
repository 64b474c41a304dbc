// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bodies of definitions -> ops: maps and folds over named axes.

#include "frontends/snn/ImportBody.h"

#include "dialect/core/Maps.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/DenseSet.h"

using namespace llvm;
using namespace mlir;

namespace snn::frontend {

constexpr Axis kOrder[] = {Axis::Time, Axis::Sample, Axis::Neuron, Axis::Class, Axis::Parameter};

/// Those with the extents of the context.
static bool hasExtents(Axis axis) { return axis == Axis::Neuron || axis == Axis::Parameter; }

/// What values of the body are computed from.
struct BodyImporter::Slice {
  SmallVector<Operation *> ops;         ///< in the order of the body
  SmallVector<BlockArgument> arguments; ///< likewise
  AxisSet axes;
};

int64_t ImportContext::neurons() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

SmallVector<BodyImporter::Dim> BodyImporter::dimsOf(AxisSet axes) const {
  SmallVector<Dim> dims;
  for (Axis axis : kOrder)
    for (unsigned part = 0, parts = hasExtents(axis) ? context.shape.size() : 1; part < parts; ++part)
      if (axes.contains(axis))
        dims.push_back({axis, part});
  for (unsigned number = 0; number < indices.size(); ++number)
    if (axes.contains(indexAxis(number)))
      dims.push_back({indexAxis(number)});
  return dims;
}

int64_t BodyImporter::extentOf(Dim dim) const {
  switch (dim.axis) {
  case Axis::Sample:
    return core::ArrayType::kSample;
  case Axis::Time:
    return core::ArrayType::kTime;
  case Axis::Neuron:
  case Axis::Parameter:
    return context.shape[dim.part];
  case Axis::Class:
    return context.classes;
  default:
    return indices[*indexNumber(dim.axis)].extent;
  }
}

SmallVector<int64_t> BodyImporter::extentsOf(ArrayRef<Dim> dims) const {
  return SmallVector<int64_t>(llvm::map_range(dims, [&](Dim dim) { return extentOf(dim); }));
}

/// Where an array of some of the axes has its element for a point of the dims.
AffineMap BodyImporter::mapOf(ArrayRef<Dim> dims, AxisSet axes) const {
  SmallVector<AffineExpr> positions;
  for (auto [index, dim] : enumerate(dims))
    if (axes.contains(dim.axis))
      positions.push_back(getAffineDimExpr(index, outer.getContext()));
  return AffineMap::get(dims.size(), 0, positions, outer.getContext());
}

/// For each axis that places are numbered by, the dim that is one, else 0.
SmallVector<AffineExpr> BodyImporter::pointsOf(ArrayRef<Dim> dims) const {
  SmallVector<AffineExpr> points(static_cast<unsigned>(Axis::FirstIndex) + kMaxIndices,
                                 getAffineConstantExpr(0, outer.getContext()));
  for (auto [index, dim] : enumerate(dims))
    points[static_cast<unsigned>(dim.axis)] = getAffineDimExpr(index, outer.getContext());
  return points;
}

AffineMap BodyImporter::mapOf(ArrayRef<Dim> dims, const Read &element) const {
  const SmallVector<AffineExpr> points = pointsOf(dims);
  SmallVector<AffineExpr> positions(mapOf(dims, element.array.axes).getResults());
  for (AffineExpr place : element.places)
    positions.push_back(place.replaceDims(points));
  return AffineMap::get(dims.size(), 0, positions, outer.getContext());
}

/// Where an array of these axes and those of the landings has its element.
AffineMap BodyImporter::mapOf(ArrayRef<Dim> dims, AxisSet axes, const Landings &landings) const {
  const SmallVector<AffineExpr> points = pointsOf(dims);
  SmallVector<AffineExpr> positions;
  const auto *landing = landings.places.begin();
  for (Dim dim : dimsOf(axes | landings.axes))
    positions.push_back(landings.axes.contains(dim.axis)
                            ? (landing++)->replaceDims(points)
                            : getAffineDimExpr(llvm::find(dims, dim) - dims.begin(), outer.getContext()));
  return AffineMap::get(dims.size(), 0, positions, outer.getContext());
}

/// For core.map; null if all places are inside.
ArrayAttr BodyImporter::absentOf(const Slice &slice) const {
  Builder builder(outer.getContext());
  SmallVector<Attribute> absent;
  for (BlockArgument argument : slice.arguments) {
    const Read &input = inputs[argument.getArgNumber()];
    Type type = argument.getType();
    if (input.outside == Read::Outside::Never)
      absent.push_back(builder.getUnitAttr());
    else if (isa<FloatType>(type))
      absent.push_back(builder.getFloatAttr(type, input.number));
    else
      absent.push_back(builder.getIntegerAttr(type, static_cast<int64_t>(input.number)));
  }
  return llvm::all_of(absent, llvm::IsaPred<UnitAttr>) ? ArrayAttr() : builder.getArrayAttr(absent);
}

SmallVector<int64_t> BodyImporter::alongOf(ArrayRef<Dim> dims, AxisSet over, AxisSet left,
                                           const Landings &landings) const {
  SmallVector<unsigned> found;
  if (!landings.places.empty())
    found = core::determinedDims(mapOf(dims, left, landings), extentsOf(dims), mapOf(dims, left));
  SmallVector<int64_t> along;
  for (auto [index, dim] : enumerate(dims))
    if (over.contains(dim.axis) && !llvm::is_contained(found, index))
      along.push_back(index);
  return along;
}

Type BodyImporter::arrayType(AxisSet axes, Type element) const {
  return core::ArrayType::get(outer.getContext(), extentsOf(dimsOf(axes)), element);
}

bool BodyImporter::Read::operator==(const Read &other) const {
  return array.value == other.array.value && places == other.places && outside == other.outside &&
         number == other.number;
}

Scalar BodyImporter::product(const ArrayValue &a, const ArrayValue &b) {
  return scalars.operation(Operator::Multiply, read(a), read(b));
}

Scalar BodyImporter::read(const ArrayValue &array) { return read(Read{array, array.axes, {}}); }

Scalar BodyImporter::read(Read element) {
  Value argument;
  const ArrayValue array = element.array;
  for (auto [index, input] : enumerate(inputs))
    if (input == element)
      argument = block->getArgument(index);
  if (!argument) {
    argument = block->addArgument(cast<core::ArrayType>(array.value.getType()).scalarType(), inner.getLoc());
    inputs.push_back(std::move(element));
  }
  // The winners of folds are counted in i32.
  if (array.kind == ValueType::Kind::Integer && argument.getType() != inner.getI64Type())
    argument = arith::ExtSIOp::create(inner, inner.getI64Type(), argument);
  return {array.kind, array.network, std::nullopt, argument, array.of};
}

BodyImporter::Slice BodyImporter::sliceOf(ArrayRef<Value> values) const {
  SmallVector<Value> todo(values);
  llvm::DenseSet<Operation *> needed;
  llvm::DenseSet<Value> arguments;
  while (!todo.empty()) {
    Value value = todo.pop_back_val();
    if (!value)
      continue;
    if (isa<BlockArgument>(value))
      arguments.insert(value);
    else if (needed.insert(value.getDefiningOp()).second)
      llvm::append_range(todo, value.getDefiningOp()->getOperands());
  }
  Slice slice;
  for (Operation &op : *block)
    if (needed.contains(&op)) {
      slice.ops.push_back(&op);
      slice.axes = slice.axes | varying.lookup(&op);
    }
  for (BlockArgument argument : block->getArguments())
    if (arguments.contains(argument)) {
      slice.arguments.push_back(argument);
      slice.axes = slice.axes | inputs[argument.getArgNumber()].axes;
    }
  return slice;
}

SmallVector<Value> BodyImporter::copy(const Slice &slice, ArrayRef<Dim> dims, OpBuilder &builder, ValueRange arguments,
                                      ArrayRef<Value> values) const {
  IRMapping mapping;
  mapping.map(ArrayRef(slice.arguments), arguments);
  for (Operation *op : slice.ops) {
    Operation *copy = builder.clone(*op, mapping);
    if (auto it = coordinates.find(op); it != coordinates.end())
      cast<core::IndexOp>(copy).setDim(llvm::find(dims, it->second) - dims.begin());
  }
  return SmallVector<Value>(llvm::map_range(values, [&](Value value) { return mapping.lookup(value); }));
}

SmallVector<ArrayValue> BodyImporter::finish(ArrayRef<Scalar> wanted, AxisSet axes) {
  SmallVector<Value> values;
  for (const Scalar &scalar : wanted)
    values.push_back(scalars.asValue(scalar));
  Slice slice = sliceOf(values);
  slice.axes = slice.axes | axes;
  const SmallVector<Dim> dims = dimsOf(slice.axes);
  SmallVector<Value> arrays;
  SmallVector<AffineMap> reads, writes(values.size(), mapOf(dims, slice.axes));
  for (BlockArgument argument : slice.arguments) {
    const Read &input = inputs[argument.getArgNumber()];
    arrays.push_back(input.array.value);
    reads.push_back(mapOf(dims, input));
  }
  SmallVector<Type> types;
  for (Value value : values)
    types.push_back(arrayType(slice.axes, value.getType()));
  auto map = core::MapOp::create(outer, location, types, arrays, extentsOf(dims), reads, writes, absentOf(slice),
                                 [&](ImplicitLocOpBuilder &builder, ValueRange arguments) {
                                   return copy(slice, dims, builder, arguments, values);
                                 });
  SmallVector<ArrayValue> results;
  for (auto [scalar, result] : llvm::zip(wanted, map.getOutputs()))
    results.push_back({result, slice.axes, scalar.kind, scalar.network, scalar.of});
  return results;
}

ArrayValue BodyImporter::arrayOf(const Scalar &scalar) {
  if (auto argument = dyn_cast_or_null<BlockArgument>(scalar.value))
    if (const Read &input = inputs[argument.getArgNumber()]; input.places.empty())
      return input.array;
  return finish(scalar, {}).front();
}

/// A fold with an empty body, whose arguments are the inputs' elements. No type of a winner for sums.
static core::FoldOp createFold(OpBuilder &builder, Location location, core::FoldKind kind, Type value, Type winner,
                               ValueRange inputs, ArrayRef<int64_t> domain, ArrayRef<int64_t> along,
                               ArrayRef<AffineMap> reads, AffineMap write) {
  OperationState state(location, core::FoldOp::getOperationName());
  state.addOperands(inputs);
  state.addTypes(value);
  if (winner)
    state.addTypes(winner);
  auto &properties = state.getOrAddProperties<core::FoldOp::Properties>();
  properties.kind = core::FoldKindAttr::get(builder.getContext(), kind);
  properties.domain = builder.getDenseI64ArrayAttr(domain);
  properties.along = builder.getDenseI64ArrayAttr(along);
  properties.reads = builder.getAffineMapArrayAttr(reads);
  properties.write = AffineMapAttr::get(write);
  auto *body = new Block;
  state.addRegion()->push_back(body);
  for (Value input : inputs)
    body->addArgument(cast<core::ArrayType>(input.getType()).scalarType(), location);
  return cast<core::FoldOp>(builder.create(state));
}

/// Whether the value is a product with `factor` in it.
static bool isFactor(Value value, Value factor) {
  while (auto cast = value.getDefiningOp<arith::UIToFPOp>())
    value = cast.getIn();
  if (value == factor)
    return true;
  auto product = value.getDefiningOp<arith::MulFOp>();
  return product && (isFactor(product.getLhs(), factor) || isFactor(product.getRhs(), factor));
}

Value BodyImporter::padded(Value term, core::FoldKind kind) {
  Slice slice = sliceOf(term);
  for (BlockArgument argument : slice.arguments) {
    const Read element = inputs[argument.getArgNumber()];
    if (element.outside != Read::Outside::Number ||
        (kind == core::FoldKind::Add && element.number == 0 && isFactor(term, argument)))
      continue;
    Scalar whole = read(finish(Scalar{element.array.kind, element.array.network, std::nullopt, argument}, {}).front());
    if (term == argument)
      term = whole.value;
    Value(argument).replaceUsesWithIf(whole.value,
                                      [&](OpOperand &use) { return llvm::is_contained(slice.ops, use.getOwner()); });
  }
  return term;
}

/// A fold of a value over axes, in an op of its own.
ArrayValue BodyImporter::foldOf(core::FoldKind kind, const Scalar &scalar, AxisSet over, bool winner, bool wide,
                                const Landings &landings) {
  // Winners are numbered, and neither how many samples there are nor how many steps is known: that of each sample comes
  // first.
  if (kind != core::FoldKind::Add && over.contains(Axis::Sample) && over.contains(Axis::Time))
    return foldOf(kind, read(foldOf(kind, scalar, over - AxisSet{Axis::Sample}, winner, wide)), {Axis::Sample}, winner,
                  wide);
  Value term = padded(scalars.asReal(scalar, scalar.network), kind);
  if (wide && term.getType() != inner.getF64Type())
    term = arith::ExtFOp::create(inner, inner.getF64Type(), term);
  Slice slice = sliceOf(term);
  slice.axes = slice.axes | over;
  const SmallVector<Dim> dims = dimsOf(slice.axes);
  const AxisSet left = slice.axes - over;
  SmallVector<Value> arrays;
  SmallVector<AffineMap> reads;
  for (BlockArgument argument : slice.arguments) {
    const Read &input = inputs[argument.getArgNumber()];
    arrays.push_back(input.array.value);
    reads.push_back(mapOf(dims, input));
  }
  Type positions = kind == core::FoldKind::Add ? Type() : arrayType(left, inner.getI32Type());
  const AxisSet axes = left | landings.axes;
  auto fold = createFold(outer, location, kind, arrayType(axes, term.getType()), positions, arrays, extentsOf(dims),
                         alongOf(dims, over, left, landings), reads, mapOf(dims, left, landings));
  Block &body = fold.getBody().front();
  auto end = OpBuilder::atBlockEnd(&body);
  core::YieldOp::create(end, location, copy(slice, dims, end, body.getArguments(), term));
  if (winner)
    return {fold.getWinner(), left, ValueType::Kind::Integer, scalar.network, dimsOf(over).front().axis};
  return {fold.getValue(), axes, ValueType::Kind::Real, scalar.network && !wide};
}

ArrayValue BodyImporter::sumOf(const Scalar &scalar, AxisSet over, bool wide) {
  return foldOf(core::FoldKind::Add, scalar, over, /*winner=*/false, wide);
}

ArrayValue BodyImporter::averageOf(const Scalar &scalar) {
  if (!sliceOf(scalar.value).axes.contains(Axis::Sample))
    return arrayOf(asNumber(scalar));
  Scalar sum = read(sumOf(scalar, {Axis::Sample}, /*wide=*/true));
  return arrayOf(scalars.operation(Operator::Divide, sum, countOf({Axis::Sample})));
}

ArrayValue BodyImporter::ofClasses(ArrayRef<double> numbers) {
  const Scalar here = coordinate(Axis::Class);
  Scalar value = Scalar::number(numbers.back());
  for (size_t place = numbers.size() - 1; place-- > 0;)
    value = scalars.choose(scalars.operation(Operator::Equal, here, Scalar::number(static_cast<double>(place))),
                           Scalar::number(numbers[place]), value);
  return arrayOf(value);
}

ArrayValue BodyImporter::together(StringRef fold, ArrayRef<Value> numbers) {
  Scalar total = read(ArrayValue{numbers.front(), {}});
  for (Value number : numbers.drop_front()) {
    const Scalar next = read(ArrayValue{number, {}});
    total = fold == "sum" ? scalars.operation(Operator::Add, total, next) : scalars.function(fold, {total, next});
  }
  return arrayOf(total);
}

Scalar BodyImporter::countOf(AxisSet axes) {
  Scalar count = Scalar::number(1);
  for (Dim dim : dimsOf(axes)) {
    Scalar extent = Scalar::number(static_cast<double>(extentOf(dim)));
    if (extentOf(dim) < 0) {
      const Axis axis = dim.axis;
      if (!counts.count(axis))
        counts.emplace(axis, axis == Axis::Time && inStep ? stepsOfCall() : sumOf(Scalar::number(1), {axis}));
      extent = read(counts.at(axis));
    }
    count = count.constant == 1 ? extent : scalars.operation(Operator::Multiply, count, extent);
  }
  return count;
}

AxisSet BodyImporter::stillOf(AxisSet axes, AxisSet over) const {
  return !overTime && over.contains(Axis::Time) && !axes.contains(Axis::Time) ? AxisSet{Axis::Time} : AxisSet{};
}

Value BodyImporter::outside(Value number) {
  Operation *op = number.getDefiningOp();
  if (!op || op->getBlock() != block.get() || !sliceOf(number).axes.empty())
    return number;
  return read(finish(Scalar{ValueType::Kind::Real, false, std::nullopt, number}, {}).front()).value;
}

Scalar BodyImporter::importReduction(const Expr &expr) {
  const Argument *over = nullptr, *argument = nullptr;
  for (const Argument &arg : expr.args)
    (arg.name.text == "over" ? over : argument) = &arg;
  AxisSet axes;
  const bool indexed = layer && !inDef;
  if (indexed)
    axes = importOver(*over, expr);
  else if (over->value->kind == Expr::Kind::Tuple)
    for (const Argument &axis : over->value->args)
      axes = axes | AxisSet{*axisNamed(axis.value->name)};
  else
    axes = {axisNamed(over->value->name).value_or(Axis::Parameter)};
  StringRef name = expr.name;
  const bool wide = !layer && axes.contains(Axis::Sample);
  const Landings landings = indexed ? landingsOf(expr) : Landings();
  if (indexed && name == "sum")
    if (auto products = importProducts(*argument->value, axes, landings))
      return *products;
  const Scalar value = importExpr(*argument->value);
  if (axes.contains(Axis::Parameter)) {
    const auto kind = name == "sum" ? core::FoldKind::Add : name == "max" ? core::FoldKind::Max : core::FoldKind::Min;
    return read(overParameters(name, foldOf(kind, value, axes, /*winner=*/false, /*wide=*/false)));
  }
  AxisSet still;
  if (indexed) {
    still = stillOf(sliceOf(scalars.asValue(value)).axes, axes);
    axes = axes - still;
  } else if (!layer && !inStep && name == "mean") { // as it does of labels and targets, and of constants
    axes = axes - (axes - sliceOf(value.value).axes);
    if (axes.empty())
      return value;
  }
  if (name == "sum" || name == "mean") {
    Scalar sum = read(foldOf(core::FoldKind::Add, value, axes, /*winner=*/false, wide, landings));
    return name == "sum" ? scalars.operation(Operator::Multiply, sum, countOf(still))
                         : scalars.operation(Operator::Divide, sum, countOf(axes));
  }
  const bool largest = name == "max" || name == "argmax", winner = name == "argmax" || name == "argmin";
  return read(foldOf(largest ? core::FoldKind::Max : core::FoldKind::Min, value, axes, winner, /*wide=*/false));
}

/// The one term whose coordinate is the index, from a sum of which all others are 0.
Scalar BodyImporter::importAt(const Expr &expr) {
  const Scalar value = importExpr(expr.operand(0));
  if (value.constant)
    return value;
  const Scalar index = importExpr(expr.operand(1));
  const Axis axis = *index.of; // the checks refuse an index of no axis
  Scalar here = scalars.operation(Operator::Equal, coordinate(axis), index);
  return read(sumOf(scalars.choose(here, value, Scalar::number(0)), {axis}));
}

/// What the class of each neuron has.
Scalar BodyImporter::importMembers(const Scalar &value) {
  Read element{arrayOf(value), {}, {}};
  element.array.axes = element.array.axes - AxisSet{Axis::Class}; // which is the last of its extents
  element.axes = element.array.axes | AxisSet{Axis::Neuron};
  AffineExpr neuron = getAffineDimExpr(static_cast<unsigned>(Axis::Neuron), outer.getContext());
  element.places.push_back(neuron.floorDiv(context.neurons() / context.classes));
  return read(std::move(element));
}

/// Neuron n belongs to class n / per_class: blocks of equal size.
Scalar BodyImporter::importClasses(const Scalar &value) {
  const ArrayValue source = arrayOf(value);
  const int64_t perClass = context.neurons() / context.classes;
  const AxisSet left = (source.axes - AxisSet{Axis::Neuron}) | AxisSet{Axis::Class};
  SmallVector<Dim> dims = dimsOf(left);
  SmallVector<int64_t> domain = extentsOf(dims);
  domain.push_back(perClass);
  MLIRContext *mlir = outer.getContext();
  const unsigned inside = dims.size();
  SmallVector<AffineExpr> from, to;
  for (auto [index, dim] : enumerate(dims)) {
    AffineExpr point = getAffineDimExpr(index, mlir);
    to.push_back(point);
    from.push_back(dim.axis == Axis::Class ? point * perClass + getAffineDimExpr(inside, mlir) : point);
  }
  const AffineMap read = AffineMap::get(inside + 1, 0, from, mlir);
  Type element = source.network ? context.real : inner.getF64Type();
  auto fold = createFold(outer, location, core::FoldKind::Add, arrayType(left, element), {}, source.value, domain,
                         {static_cast<int64_t>(inside)}, read, AffineMap::get(inside + 1, 0, to, mlir));
  Block &body = fold.getBody().front();
  Value term = body.getArgument(0);
  auto end = OpBuilder::atBlockEnd(&body);
  if (term.getType().isInteger(1))
    term = arith::UIToFPOp::create(end, location, element, term);
  core::YieldOp::create(end, location, term);
  return this->read(ArrayValue{fold.getValue(), left, ValueType::Kind::Real, source.network});
}

} // namespace snn::frontend
