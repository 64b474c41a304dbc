// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Defs that state derivatives of their inputs -> core.custom_vjp on arrays.

#include "frontends/snn/ImportBody.h"

using namespace llvm;
using namespace mlir;

namespace snn::frontend {
namespace {

using Names = std::map<StringRef, Binding>;

/// A value that the def sees, as an operand.
struct Given {
  StringRef name;
  ArrayValue array;
  const Expr *derivative; ///< null if none is stated
};

ArrayValue withValue(ArrayValue array, Value value) {
  array.value = value;
  return array;
}

/// Results of `operands`; each region is a block that ends in core.yield.
core::CustomVjpOp createCustom(OpBuilder &builder, Location location, Type result, ValueRange operands,
                               std::unique_ptr<Block> value, std::unique_ptr<Block> vjp) {
  OperationState state(location, core::CustomVjpOp::getOperationName());
  state.addOperands(operands);
  state.addTypes(result);
  state.addRegion()->push_back(value.release());
  state.addRegion()->push_back(vjp.release());
  return cast<core::CustomVjpOp>(builder.create(state));
}

std::unique_ptr<Block> blockOf(Location location, TypeRange types) {
  auto block = std::make_unique<Block>();
  for (Type type : types)
    block->addArgument(type, location);
  return block;
}

/// The value of the first, and the gradient of both.
Value joined(OpBuilder &builder, Location location, Value first, Value second, Type gradient) {
  Type type = first.getType();
  auto value = blockOf(location, {type, type}), vjp = blockOf(location, {type, type, type, gradient});
  OpBuilder end(location.getContext());
  end.setInsertionPointToEnd(value.get());
  core::YieldOp::create(end, location, value->getArgument(0));
  end.setInsertionPointToEnd(vjp.get());
  core::YieldOp::create(end, location, ValueRange{vjp->getArgument(3), vjp->getArgument(3)});
  return createCustom(builder, location, type, {first, second}, std::move(value), std::move(vjp)).getResult(0);
}

} // namespace

Scalar BodyImporter::importStated(const Definition &def, std::map<StringRef, Binding> inside) {
  std::map<StringRef, const Expr *> derivatives;
  const Expr *soft = nullptr;
  for (const Statement &statement : def.body)
    if (statement.kind == Statement::Kind::Derivative)
      derivatives[statement.name.text] = statement.value.get();
    else if (statement.kind == Statement::Kind::Soft)
      soft = statement.value.get();

  auto resultIn = [&](BodyImporter &importer, Names given) {
    std::swap(importer.names, given);
    Scalar result = importer.importBody(def);
    if (context.softSpikes && soft) // its names are those that the lines before it have left
      result = importer.importExpr(*soft);
    std::swap(importer.names, given);
    return result;
  };
  if (context.softSpikes && !soft) {
    leaveOut(def);
    Scalar result = resultIn(*this, std::move(inside));
    if (result.value)
      result.value = core::DetachOp::create(inner, result.value.getType(), result.value);
    return result;
  }

  SmallVector<Given> operands;
  if (inStep) { // no region sees what is computed before the first step
    countOf({Axis::Time});
    operands.push_back({"", counts.at(Axis::Time), nullptr});
  }
  bool network = false, others = false;
  for (auto &[name, binding] : inside) {
    if (!binding.array && !(binding.scalar && binding.scalar->value))
      continue;
    auto stated = derivatives.find(name);
    const bool isStated = stated != derivatives.end();
    ArrayValue array = binding.array ? *binding.array : arrayOf(*binding.scalar);
    network |= array.network;
    others |= !isStated && array.kind != ValueType::Kind::Integer;
    operands.push_back({name, array, isStated ? stated->second : nullptr});
  }
  SmallVector<Value> values;
  SmallVector<Type> types, gradients;
  auto gradientOf = [&](Type type) {
    auto array = cast<core::ArrayType>(type);
    return isa<FloatType>(array.getElementType()) ? array : array.withElement(context.real);
  };
  for (const Given &operand : operands) {
    types.push_back(operand.array.value.getType());
    // The others get no gradient here, but in a check by differences they move.
    values.push_back(operand.derivative || context.softSpikes
                         ? operand.array.value
                         : core::DetachOp::create(outer, location, types.back(), operand.array.value));
    gradients.push_back(gradientOf(types.back()));
  }
  auto inheritPlace = [&](BodyImporter &importer) {
    importer.inStep = inStep;
    importer.layer = layer;
    importer.overTime = overTime;
    importer.indices = indices;
  };
  auto bound = [&](Block &block) {
    Names names = inside;
    for (auto [operand, argument] : llvm::zip(operands, block.getArguments()))
      names[operand.name] = Binding::of(withValue(operand.array, argument));
    return names;
  };

  Location loc = inner.getLoc();
  auto value = blockOf(loc, types);
  OpBuilder end(location.getContext());
  end.setInsertionPointToEnd(value.get());
  ArrayValue result;
  {
    BodyImporter importer(context, end, loc);
    inheritPlace(importer);
    importer.stepsOfCall = [&] { return withValue(operands.front().array, value->getArgument(0)); };
    Scalar found = resultIn(importer, bound(*value));
    result = importer.arrayOf(network ? importer.asElement(found) : importer.asNumber(found));
    core::YieldOp::create(end, loc, result.value);
  }
  Type type = result.value.getType(), gradient = gradientOf(type);

  SmallVector<Type> all(types);
  llvm::append_values(all, type, gradient);
  auto vjp = blockOf(loc, all);
  end.setInsertionPointToEnd(vjp.get());
  {
    BodyImporter importer(context, end, loc);
    inheritPlace(importer);
    importer.stepsOfCall = [&] { return withValue(operands.front().array, vjp->getArgument(0)); };
    importer.names = bound(*vjp);
    importer.names["result"] = Binding::of(withValue(result, vjp->getArgument(types.size())));
    importer.names["grad"] =
        Binding::of({vjp->getArgument(types.size() + 1), result.axes, ValueType::Kind::Real, result.network});
    importer.importBody(def);
    SmallVector<Value> found;
    for (auto [operand, wanted] : llvm::zip(operands, gradients)) {
      Scalar share = operand.derivative ? importer.importExpr(*operand.derivative) : Scalar::number(0);
      const bool isReal = cast<core::ArrayType>(wanted).getElementType() == context.real;
      const bool ofNetwork = operand.array.network || isReal;
      share = {ValueType::Kind::Real, ofNetwork, std::nullopt, importer.scalars.asReal(share, ofNetwork)};
      AxisSet axes = importer.arrayOf(share).axes;
      if (AxisSet more = axes - operand.array.axes; !more.empty())
        share = importer.read(importer.sumOf(share, more));
      found.push_back(importer.finish(share, operand.array.axes).front().value);
    }
    core::YieldOp::create(end, loc, found);
  }
  result.value = createCustom(outer, loc, type, values, std::move(value), std::move(vjp)).getResult(0);
  if (!others)
    return read(result);

  // Inputs without a stated derivative have their usual one, past those that have.
  for (const Given &operand : operands)
    if (operand.derivative) {
      Scalar hidden = read(operand.array);
      hidden.value = core::DetachOp::create(inner, hidden.value.getType(), hidden.value);
      inside[operand.name] = Binding();
      inside[operand.name].scalar = hidden;
    }
  Scalar plain = resultIn(*this, std::move(inside));
  Value second = finish(network ? asElement(plain) : asNumber(plain), result.axes).front().value;
  result.value = joined(outer, loc, result.value, second, gradient);
  return read(result);
}

} // namespace snn::frontend
