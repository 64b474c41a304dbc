// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bodies of definitions -> ops: lines, expressions, surrogates.

#include "frontends/snn/ImportBody.h"

#include "frontends/snn/DefinitionChecker.h"
#include "frontends/snn/Diagnostics.h"

#include "llvm/ADT/ScopeExit.h"

using namespace llvm;
using namespace mlir;

namespace snn::frontend {

static bool hasLine(const Definition &definition, Statement::Kind line) {
  return llvm::any_of(definition.body, [&](const Statement &statement) { return statement.kind == line; });
}

BodyImporter::BodyImporter(const ImportContext &context, OpBuilder &builder, Location location)
    : context(context), outer(builder), location(location), block(std::make_unique<Block>()),
      inner(location, builder.getContext()),
      scalars(inner, context.real, [this](Value number) { return outside(number); }) {
  inner.setInsertionPointToEnd(block.get());
}

BodyImporter::~BodyImporter() = default;

Location BodyImporter::at(SMLoc place) const {
  SourceMgr &sources = *context.definitions.sources;
  unsigned buffer = sources.FindBufferContainingLoc(place);
  if (buffer == 0)
    return location;
  auto [line, column] = sources.getLineAndColumn(place, buffer);
  return FileLineColLoc::get(outer.getContext(), sources.getMemoryBuffer(buffer)->getBufferIdentifier(), line, column);
}

void BodyImporter::importLines(const Statements &body, bool arrays) {
  for (const Statement &statement : body) {
    switch (statement.kind) {
    case Statement::Kind::Assign: {
      Scalar value = importExpr(*statement.value);
      Binding binding;
      if (arrays && !value.constant)
        binding.array = arrayOf(value);
      else
        binding.scalar = value;
      names[statement.name.text] = binding;
      break;
    }
    case Statement::Kind::Value: // a real, also where the expression is a comparison
    case Statement::Kind::Next:
      output = Scalar{ValueType::Kind::Real, true, std::nullopt,
                      scalars.asReal(importExpr(*statement.value), /*network=*/true)};
      break;
    case Statement::Kind::Spike:
    case Statement::Kind::Result: {
      const bool isSpike = statement.kind == Statement::Kind::Spike;
      output = importExpr(isSpike && !graded && factorOf(statement) ? statement.value->operand(0) : *statement.value);
      if (isSpike && context.softSpikes) // where all outputs are reals
        output = Scalar{ValueType::Kind::Real, true, std::nullopt, scalars.asReal(*output, /*network=*/true)};
      break;
    }
    case Statement::Kind::If:
      for (const Branch &branch : statement.branches)
        if (branch.option.text.empty() || names[branch.option.text].word == branch.word.text) {
          importLines(branch.body, arrays);
          break;
        }
      break;
    default: // states and constants are the caller's; derivatives are asked for where they are needed
      break;
    }
  }
}

Scalar BodyImporter::importExpr(const Expr &expr) {
  Location before = inner.getLoc();
  inner.setLoc(at(expr.place));
  auto restore = llvm::scope_exit([&] { inner.setLoc(before); });
  switch (expr.kind) {
  case Expr::Kind::Number:
    return Scalar::number(expr.number);
  case Expr::Kind::Name:
    return importName(expr);
  case Expr::Kind::Operation: {
    auto chosen = testOption(expr, [&](StringRef option) {
      auto it = names.find(option);
      return it == names.end() ? StringRef() : StringRef(it->second.word);
    });
    if (chosen) {
      Scalar known = Scalar::number(*chosen);
      known.kind = ValueType::Kind::Bits;
      return known;
    }
    Scalar left = importExpr(expr.operand(0));
    if (expr.op == Operator::Negate)
      return scalars.negate(left);
    Scalar right = importExpr(expr.operand(1));
    inner.setLoc(at(expr.place));
    return expr.op == Operator::Power ? scalars.power(left, right) : scalars.operation(expr.op, left, right);
  }
  case Expr::Kind::Call:
    return importCall(expr);
  case Expr::Kind::Choice: {
    Scalar condition = importExpr(expr.operand(0));
    if (condition.constant) // the other one is not in the module
      return importExpr(expr.operand(*condition.constant != 0 ? 1 : 2));
    Scalar yes = importExpr(expr.operand(1)), no = importExpr(expr.operand(2));
    if (const Expr *number = numberBesideBits(expr, yes.kind, no.kind))
      (number == &expr.operand(1) ? yes : no).kind = ValueType::Kind::Bits;
    return scalars.choose(condition, yes, no);
  }
  case Expr::Kind::Where: {
    auto outside = names;
    for (const Argument &binding : ArrayRef(expr.args).drop_front()) {
      Binding value;
      value.scalar = importExpr(*binding.value);
      names[binding.name.text] = value;
    }
    Scalar result = importExpr(expr.operand(0));
    names = std::move(outside);
    return result;
  }
  case Expr::Kind::At:
    return importAt(expr);
  case Expr::Kind::Element: {
    const auto index = static_cast<size_t>(expr.number);
    StringRef tuple = expr.operand(0).name;
    if (!layer || inDef)
      return read(names[tuple].elements[index]);
    return Scalar::number(*layer->lookUp(expr));
  }
  case Expr::Kind::Read:
    return importRead(expr, Read::Outside::Never, 0);
  case Expr::Kind::Or: {
    const Expr &otherwise = expr.operand(1);
    if (otherwise.kind == Expr::Kind::Name && otherwise.name == "none")
      return importRead(expr.operand(0), Read::Outside::Absent, 0);
    return importRead(expr.operand(0), Read::Outside::Number, *importExpr(otherwise).constant);
  }
  case Expr::Kind::Tuple:
    break;
  }
  llvm_unreachable("tuples are refused by the checks");
}

Scalar BodyImporter::importName(const Expr &expr) {
  if (layer && !inDef)
    if (auto positions = indicesNamed(expr.name); !positions.empty())
      return coordinate(indexAxis(positions.front()));
  if (names.count(expr.name)) {
    Scalar value = valueOf(expr.name);
    if (expr.name == "fired" && inStep && !value.constant)
      value.value = core::DetachOp::create(inner, value.value.getType(), value.value);
    return value;
  }
  if (expr.name == "training") {
    Scalar training = Scalar::number(context.training);
    training.kind = ValueType::Kind::Bits;
    return training;
  }
  if (std::optional<Axis> axis = axisNamed(expr.name))
    return coordinate(*axis);
  if (expr.name == "per_class")
    return Scalar::number(static_cast<double>(context.neurons() / context.classes));
  if (expr.name == "steps") {
    if (inStep && context.steps) // of the run, as `time` counts: a window or a single step is no other network
      return Scalar::number(static_cast<double>(*context.steps));
    return countOf({Axis::Time});
  }
  return importDef(*context.definitions.find(DefinitionKind::Def, expr.name), expr);
}

Scalar BodyImporter::valueOf(StringRef name) {
  const Binding &binding = names[name];
  return binding.array ? read(*binding.array) : *binding.scalar;
}

Scalar BodyImporter::asElement(const Scalar &scalar) {
  if (scalar.kind == ValueType::Kind::Bits)
    return {scalar.kind, true, std::nullopt, scalars.asValue(scalar)};
  return asRealElement(scalar);
}

Scalar BodyImporter::asRealElement(const Scalar &scalar) {
  return {ValueType::Kind::Real, true, std::nullopt, scalars.asReal(scalar, /*network=*/true)};
}

Scalar BodyImporter::asNumber(const Scalar &scalar) {
  return {ValueType::Kind::Real, false, std::nullopt, scalars.asReal(scalar, /*network=*/false)};
}

/// Along an axis of several extents, the number of the element in row-major order.
Scalar BodyImporter::coordinate(Axis axis) {
  auto along = [&](std::optional<Dim> dim) -> Value {
    auto index = core::IndexOp::create(inner, inner.getI64Type(), inner.getI64IntegerAttr(core::ArrayType::kTime));
    if (dim) {
      coordinates.try_emplace(index, *dim);
      varying[index] = {axis};
    }
    return index;
  };
  Value position;
  if (axis == Axis::Time && (inStep || layer)) { // in a layer too it counts from rest
    position = along(std::nullopt);
    if (!inStep)
      varying[position.getDefiningOp()] = {axis};
  } else {
    for (Dim dim : dimsOf({axis})) {
      Value next = along(dim);
      if (position) {
        Value extent = arith::ConstantOp::create(inner, inner.getI64IntegerAttr(extentOf(dim)));
        next = arith::AddIOp::create(inner, arith::MulIOp::create(inner, position, extent), next);
      }
      position = next;
    }
  }
  return {ValueType::Kind::Integer, false, std::nullopt, position, axis};
}

Scalar BodyImporter::importCall(const Expr &expr) {
  if (auto it = names.find(expr.name); it != names.end() && it->second.layer) {
    auto layer = it->second.layer;
    const Scalar value = importExpr(expr.operand(0));
    return read(layer(arrayOf(value.kind == ValueType::Kind::Integer ? asRealElement(value) : value)));
  }
  if (auto it = names.find(expr.name); it != names.end() && it->second.surrogate)
    return importFunction(*it->second.surrogate, importExpr(expr.operand(0)));
  const BuiltinInfo *info = findBuiltin(expr.name);
  if (!info)
    return importDef(*context.definitions.find(DefinitionKind::Def, expr.name), expr);
  switch (info->form) {
  case BuiltinInfo::Form::FoldOrPointwise:
    if (llvm::none_of(expr.args, [](const Argument &arg) { return arg.name.text == "over"; }))
      break;
    return importReduction(expr);
  case BuiltinInfo::Form::Fold:
  case BuiltinInfo::Form::Winner:
    return importReduction(expr);
  case BuiltinInfo::Form::Fire:
    return importFire(expr);
  case BuiltinInfo::Form::Attached: {
    auto it = names.find("attached");
    return read(*it->second.array);
  }
  case BuiltinInfo::Form::Detach: {
    Scalar value = importExpr(expr.operand(0));
    if (context.softSpikes && !layer && value.value && value.kind == ValueType::Kind::Real) {
      ArrayValue array = arrayOf(value); // on its own, so that a check sees it also where it is read inside of a sum
      array.value = core::DetachOp::create(outer, location, array.value.getType(), array.value);
      return read(array);
    }
    if (!value.constant)
      value.value = core::DetachOp::create(inner, value.value.getType(), value.value);
    return value;
  }
  case BuiltinInfo::Form::Classes:
    return importClasses(importExpr(expr.operand(0)));
  case BuiltinInfo::Form::Members:
    return importMembers(importExpr(expr.operand(0)));
  case BuiltinInfo::Form::Random: {
    auto random = core::RandomOp::create(inner, context.real, (*context.purposes)++,
                                         /*per_sample=*/!expr.args.empty());
    varying[random] = {Axis::Sample, Axis::Neuron};
    return {ValueType::Kind::Real, true, std::nullopt, random};
  }
  case BuiltinInfo::Form::Pointwise:
    break;
  }
  SmallVector<Scalar> args;
  for (const Argument &arg : expr.args)
    args.push_back(importExpr(*arg.value));
  return scalars.function(expr.name, args);
}

/// The def's text in the place of its call. Names of the caller are out of sight in it, words are not; a neuron may
/// have names that are words elsewhere.
Scalar BodyImporter::importDef(const Definition &def, const Expr &call) {
  std::map<StringRef, Binding> inside = wordsInSight();
  const size_t inputs = def.inputs.size();
  auto formal = [&](size_t index) -> StringRef {
    return index < inputs ? def.inputs[index].text : def.params[index - inputs].name.text;
  };
  auto bind = [&](StringRef name, const Expr &value) {
    Binding binding;
    auto param = llvm::find_if(def.params, [&](const NeuronParam &param) { return param.name.text == name; });
    if (param == def.params.end() || !isOption(*param)) {
      binding.scalar = importExpr(value);
    } else if (&value == param->value.get()) {
      binding.word = value.args.front().value->name.str();
    } else { // the caller's option, or a word
      auto option = names.find(value.name);
      const bool isCallers = option != names.end() && !option->second.word.empty();
      binding.word = isCallers ? option->second.word : value.name.str();
    }
    inside[name] = binding;
  };
  size_t position = 0;
  for (const Argument &arg : call.args) {
    StringRef name = arg.name.text.empty() ? formal(position) : arg.name.text;
    ++position;
    bind(name, *arg.value);
  }
  for (const NeuronParam &param : def.params)
    if (!inside.count(param.name.text))
      bind(param.name.text, *param.value);
  return importText(def, std::move(inside));
}

std::map<StringRef, Binding> BodyImporter::wordsInSight() const {
  std::map<StringRef, Binding> inside;
  for (const auto &[name, binding] : names)
    if (inStep && !layer ? name == "fired" || name == "attached" : !placesOfWord(name).empty())
      inside.emplace(name, binding);
  return inside;
}

/// A parameter that is a function, at a value.
Scalar BodyImporter::importFunction(const Expr &function, const Scalar &value) {
  const Definition &def = *context.definitions.find(DefinitionKind::Def, function.name);
  std::map<StringRef, Binding> inside = wordsInSight();
  inside[def.inputs.front().text].scalar = value;
  bindNumbers(def, function, inside);
  return importText(def, std::move(inside));
}

/// The numbers that a call says, or the defaults.
void BodyImporter::bindNumbers(const Definition &definition, const Expr &call,
                               std::map<StringRef, Binding> &inside) const {
  size_t position = 0;
  for (const NeuronParam &param : definition.params)
    inside[param.name.text] = Binding::number(context.definitions.number(*param.value));
  for (const Argument &arg : call.args) {
    StringRef name = arg.name.text.empty() ? definition.params[position].name.text : arg.name.text;
    ++position;
    inside[name] = Binding::number(context.definitions.number(*arg.value));
  }
}

Scalar BodyImporter::importText(const Definition &def, std::map<StringRef, Binding> inside) {
  // In what a surrogate says nobody asks for the derivative of a derivative.
  if (hasLine(def, Statement::Kind::Derivative) && inner.getInsertionBlock() == block.get())
    return importStated(def, std::move(inside));
  std::swap(names, inside);
  const bool outer = std::exchange(inDef, true);
  Scalar result = importBody(def);
  inDef = outer;
  std::swap(names, inside);
  return result;
}

Scalar BodyImporter::importBody(const Definition &def) {
  auto before = std::exchange(output, std::nullopt);
  importLines(def.body, /*arrays=*/false);
  return *std::exchange(output, before);
}

const Expr *BodyImporter::surrogateOf(const Expr &expr) const {
  auto it = expr.kind == Expr::Kind::Name ? names.find(expr.name) : names.end();
  return it != names.end() && it->second.surrogate ? it->second.surrogate : &expr;
}

/// A line of a surrogate's body at v.
Scalar BodyImporter::importSurrogate(const Expr &surrogate, const Scalar &v, Statement::Kind line) {
  const Definition &definition = *context.definitions.find(DefinitionKind::Surrogate, surrogate.name);
  std::map<StringRef, Binding> inside;
  inside[definition.inputs.front().text].scalar = v;
  bindNumbers(definition, surrogate, inside);
  std::swap(names, inside);
  Scalar result = Scalar::number(0);
  for (const Statement &statement : definition.body) {
    if (statement.kind == Statement::Kind::Assign)
      names[statement.name.text].scalar = importExpr(*statement.value);
    else if (statement.kind == line)
      result = importExpr(*statement.value);
  }
  std::swap(names, inside);
  return result;
}

void BodyImporter::leaveOut(const Definition &definition) {
  if (context.leftOut && !context.leftOut->insert(&definition).second)
    return;
  emitWarning(inner.getLoc()) << (definition.kind == DefinitionKind::Surrogate ? "surrogate '" : "def '")
                              << definition.name.text
                              << "' states its derivative and has no 'soft' that this is the derivative of: checks by "
                                 "differences leave it out, and no gradient passes it ["
                              << idOf(DiagId::LeftOut) << "]";
}

Scalar BodyImporter::importFire(const Expr &expr) {
  const Expr &surrogate = *surrogateOf(expr.operand(1));
  Value v = scalars.asReal(importExpr(expr.operand(0)), /*network=*/true);
  const Operator reaches = expr.name == "fire_at" ? Operator::GreaterEqual : Operator::Greater;
  const Definition &definition = *context.definitions.find(DefinitionKind::Surrogate, surrogate.name);
  if (context.softSpikes && !hasLine(definition, Statement::Kind::Soft)) {
    leaveOut(definition);
    Scalar argument{ValueType::Kind::Real, true, std::nullopt, v};
    return asRealElement(scalars.operation(reaches, argument, Scalar::number(0)));
  }
  Type spike = context.softSpikes ? context.real : inner.getI1Type();
  auto fire = core::CustomVjpOp::create(inner, TypeRange(spike), ValueRange(v));
  OpBuilder::InsertionGuard guard(inner);
  Location loc = inner.getLoc();
  Block *value = inner.createBlock(&fire.getValue(), {}, {context.real}, {loc});
  Scalar argument{ValueType::Kind::Real, true, std::nullopt, value->getArgument(0)};
  if (context.softSpikes) {
    Scalar soft = importSurrogate(surrogate, argument, Statement::Kind::Soft);
    core::YieldOp::create(inner, scalars.asReal(soft, /*network=*/true));
  } else {
    core::YieldOp::create(inner, scalars.operation(reaches, argument, Scalar::number(0)).value);
  }
  Block *vjp = inner.createBlock(&fire.getVjp(), {}, {context.real, spike, context.real}, {loc, loc, loc});
  argument.value = vjp->getArgument(0);
  Scalar derivative = importSurrogate(surrogate, argument, Statement::Kind::Derivative);
  Scalar grad{ValueType::Kind::Real, true, std::nullopt, vjp->getArgument(2)};
  inner.setInsertionPointToEnd(vjp);
  core::YieldOp::create(inner, scalars.operation(Operator::Multiply, grad, derivative).value);
  const ValueType::Kind kind = context.softSpikes ? ValueType::Kind::Real : ValueType::Kind::Bits;
  return {kind, true, std::nullopt, fire.getResult(0)};
}

} // namespace snn::frontend
