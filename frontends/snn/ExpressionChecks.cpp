// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The types of expressions in definitions, but for calls.

#include "frontends/snn/DefinitionChecker.h"
#include "frontends/snn/Limits.h"

#include "llvm/ADT/ScopeExit.h"

#include <cmath>

using namespace llvm;

namespace snn::frontend {

using Kind = ValueType::Kind;

ValueType DefinitionChecker::typeOf(const Expr &expr) {
  if (diagnostics.full())
    return {};
  if (depth >= limits::kDepth) {
    error(DiagId::TooDeep, expr.range,
          "with the definitions that it calls, this has more than " + Twine(limits::kDepth) + " levels");
    return {};
  }
  ++depth;
  auto leave = llvm::scope_exit([&] { --depth; });
  if (uses.empty())
    ++outcome->cost;
  switch (expr.kind) {
  case Expr::Kind::Number:
    return evaluator.number(expr) ? ValueType::number() : ValueType();
  case Expr::Kind::Name:
    return typeOfName(expr);
  case Expr::Kind::Operation:
    return expr.op == Operator::Power ? typeOfPower(expr) : typeOfOperation(expr);
  case Expr::Kind::Call:
    return typeOfCall(expr);
  case Expr::Kind::Tuple:
    error(DiagId::Syntax, expr.range, "expected one value, but found several");
    return {};
  case Expr::Kind::Choice:
    return typeOfChoice(expr);
  case Expr::Kind::Where:
    return typeOfWhere(expr);
  case Expr::Kind::At:
    return typeOfAt(expr);
  case Expr::Kind::Element:
    return typeOfElement(expr);
  case Expr::Kind::Read:
    return typeOfRead(expr);
  case Expr::Kind::Or:
    return typeOfOr(expr);
  }
  return {};
}

/// A body's own name comes first, then the names that the language gives, then definitions without inputs.
ValueType DefinitionChecker::typeOfName(const Expr &expr) {
  StringRef name = expr.name;
  for (const auto &[local, type] : llvm::reverse(frame->where))
    if (local.text == name)
      return type;
  if (std::optional<Axis> index = indexNamed(name))
    return ValueType::integer({*index}, std::nullopt);
  if (const Flow::Entry *entry = frame->flow.find(name)) {
    if (entry->isArray()) {
      error(DiagId::WrongArgument, expr.range,
            "'" + name + "' is an array; an element of it is written '" + name + "[i" +
                (entry->rank > 1 ? ", j]'" : "]'"));
      return {};
    }
    switch (entry->type.kind) {
    case Kind::Option:
      error(DiagId::WrongArgument, expr.range,
            "'" + name + "' is an option and has no value; use it as in 'if " + name + " == WORD'");
      return {};
    case Kind::Surrogate:
      error(DiagId::WrongArgument, expr.range,
            "'" + name + "' is a surrogate and has no value; use it as in 'fire(x, " + name + ")'");
      return {};
    case Kind::Function:
      error(DiagId::WrongArgument, expr.range,
            "'" + name + "' is a function and has no value; use it as in '" + name + "(mem)'");
      return {};
    case Kind::Layer:
      error(DiagId::WrongArgument, expr.range,
            "'" + name + "' is a layer and has no value; use it as in '" + name + "(fired)'");
      return {};
    case Kind::Tuple:
      error(DiagId::WrongArgument, expr.range,
            "'" + name + "' is a tuple and has no value; its elements are '" + name + ".0' to '" + name + "." +
                Twine(entry->type.elements - 1) + "'");
      return {};
    default:
      return entry->type;
    }
  }
  if (auto constant = frame->flow.fixedAt(name)) {
    error(DiagId::WrongArgument, expr.range,
          "'" + name + "' is a constant of the checkpoint and has no value here; use a parameter");
    return {};
  }
  if (auto type = wordType(name, frame->root)) {
    if (name == "fired" && frame->graded)
      type->kind = Kind::Real;
    return *type;
  }
  if (frame->inDerivative && frame->result && (name == "grad" || name == "result"))
    return name == "result" || frame->result->isUnknown() ? *frame->result
                                                          : ValueType::real(frame->result->axes, /*network=*/true);
  if (const Definition *def = find(DefinitionKind::Def, name)) {
    if (def->inputs.empty())
      return typeOfDef(*def, expr);
    error(DiagId::UnknownName, expr.range,
          "'" + name + "' is a function; write '" + name + "(" + def->inputs.front().text + ")'");
    return {};
  }
  return unknownName(expr);
}

/// Whether a line assigns the name, wherever it stands.
static bool assigns(const Statements &body, StringRef name) {
  return llvm::any_of(body, [&](const Statement &statement) {
    return (statement.kind == Statement::Kind::Assign && statement.name.text == name) ||
           llvm::any_of(statement.branches, [&](const Branch &branch) { return assigns(branch.body, name); });
  });
}

ValueType DefinitionChecker::unknownName(const Expr &expr) {
  StringRef name = expr.name;
  SmallVector<StringRef> known;
  for (const auto &[own, entry] : frame->flow.known())
    known.push_back(own);
  for (const auto &[local, type] : frame->where)
    known.push_back(local.text);
  std::string hint = diagnostics.didYouMean(name, known);
  if (StringRef places = placesOfWord(name); !places.empty())
    hint = ("; the language has it in " + places).str();
  else if (frame->flow.assignedAt(name))
    hint = " on this path: a branch of an 'if' before it does not assign it; give it a value before the 'if', or in "
           "each branch";
  else if (frame->root == DefinitionKind::Neuron && assigns(frame->definition->body, name))
    hint = ("; a value that is kept from one time step to the next is a state: add 'state " + name + " = 0' at the top")
               .str();
  else if (evaluator.params.contains(name))
    hint = (" inside of a definition, which sees no 'param' of the file; give it a parameter '" + name +
            "', and pass the param where it is used, as '" + name + " = " + name + "'")
               .str();
  else if (hint.empty())
    hint = "; parameters stand behind the ';' in the parentheses";
  error(DiagId::UnknownName, expr.range, "unknown name '" + name + "'" + hint);
  return {};
}

ValueType DefinitionChecker::typeOfOperation(const Expr &expr) {
  if (testOption(expr, [&](StringRef name) { return isOption(name) ? name : ""; })) {
    const Expr &option = expr.operand(0), &word = expr.operand(1);
    checkOptionTest({option.name, option.range}, {word.name, word.range});
    return ValueType::bits({}, /*network=*/false);
  }
  const ValueType left = typeOf(expr.operand(0));
  if (expr.op == Operator::Negate)
    return joined(left, ValueType::number(), Kind::Real);
  const ValueType right = typeOf(expr.operand(1));
  switch (expr.op) {
  case Operator::Less:
  case Operator::LessEqual:
  case Operator::Greater:
  case Operator::GreaterEqual:
  case Operator::Equal:
  case Operator::NotEqual:
    return joined(left, right, Kind::Bits);
  default:
    break;
  }
  if (auto divisor = foldNumber(expr.operand(1));
      expr.op == Operator::Divide && divisor && static_cast<float>(*divisor) == 0)
    error(DiagId::DivisionByZero, expr.operand(1).range, "division by zero");
  return joined(left, right, Kind::Real);
}

/// A power of what is of the network is a product, so that it has the same bits everywhere and a gradient at 0.
ValueType DefinitionChecker::typeOfPower(const Expr &expr) {
  constexpr double most = 64;
  const ValueType base = typeOf(expr.operand(0)), exponent = typeOf(expr.operand(1));
  if (base.network) {
    auto number = foldNumber(expr.operand(1));
    if (!number || *number != std::trunc(*number) || std::abs(*number) > most)
      error(DiagId::WrongArgument, expr.operand(1).range,
            "a power of what is of the network has a whole number from -64 to 64 as its exponent, as in 'x^2'; write "
            "any other as 'exp(a * log(x))'");
  }
  return joined(base, exponent, Kind::Real);
}

const Expr *numberBesideBits(const Expr &choice, Kind yes, Kind no) {
  const Expr *number = yes == Kind::Bits ? &choice.operand(2) : no == Kind::Bits ? &choice.operand(1) : nullptr;
  auto value = number && yes != no ? foldNumber(*number) : std::nullopt;
  return value && (*value == 0 || *value == 1) ? number : nullptr;
}

ValueType DefinitionChecker::typeOfChoice(const Expr &expr) {
  const ValueType condition = typeOf(expr.operand(0));
  if (!condition.isUnknown() && condition.kind != Kind::Bits)
    error(DiagId::NotBits, expr.operand(0).range,
          "the condition of a choice is bits, such as 'x > 0', but this is " + condition.noun());
  const ValueType yes = typeOf(expr.operand(1)), no = typeOf(expr.operand(2));
  ValueType type = oneOf(yes, no);
  if (const Expr *number = numberBesideBits(expr, yes.kind, no.kind)) {
    const ValueType &bits = number == &expr.operand(1) ? no : yes;
    type.kind = Kind::Bits;
    type.surrogate = bits.surrogate;
  }
  if (type.isUnknown() || condition.isUnknown())
    return {};
  type.axes = type.axes | condition.axes;
  type.declared = (type.declared || condition.declared) && type.isGiven() && condition.isGiven();
  type.network |= condition.network;
  type.chance |= condition.chance;
  return type;
}

ValueType DefinitionChecker::typeOfWhere(const Expr &expr) {
  const size_t before = frame->where.size();
  for (const Argument &binding : ArrayRef(expr.args).drop_front()) {
    const ValueType type = typeOf(*binding.value);
    const Name &name = binding.name;
    std::optional<SMRange> first;
    for (const auto &[local, ignored] : frame->where)
      if (local.text == name.text)
        first = local.range;
    if (const Flow::Entry *entry = frame->flow.find(name.text))
      first = entry->range;
    if (first) {
      error(DiagId::Redefinition, name.range, "'" + name.text + "' is defined twice");
      diagnostics.note(*first, "first defined here");
    } else if (!placesOfWord(name.text).empty()) {
      error(DiagId::ReservedName, name.range, "'" + name.text + "' is a word of the language and cannot be a name");
    }
    frame->where.emplace_back(name, type);
  }
  const ValueType type = typeOf(expr.operand(0));
  frame->where.truncate(before);
  return type;
}

ValueType DefinitionChecker::typeOfAt(const Expr &expr) {
  ValueType value = typeOf(expr.operand(0));
  const ValueType index = typeOf(expr.operand(1));
  if (index.isUnknown() || value.isUnknown())
    return {};
  if (!index.of) {
    error(DiagId::NoCoordinate, expr.operand(1).range,
          "'at' needs the coordinate of an axis, such as 'label' or 'argmax(x, over = class)', but this is " +
              (index.kind == Kind::Integer ? Twine("an integer of no axis") : Twine(index.noun())));
    return {};
  }
  if (!value.axes.contains(*index.of)) {
    error(DiagId::MissingAxis, expr.operand(0).range,
          "'at' picks along the axis " + nameOf(*index.of) + ", but the axes of this value are " + value.axes.text() +
              (*index.of == Axis::Class ? "; spikes are added up for each class by 'classes(spikes)'" : ""));
    return {};
  }
  value.axes = (value.axes - AxisSet{*index.of}) | index.axes;
  value.declared = (value.declared || index.declared) && value.isGiven() && index.isGiven();
  value.network |= index.network;
  value.surrogate = false;
  return value;
}

ValueType DefinitionChecker::typeOfElement(const Expr &expr) {
  const Expr &tuple = expr.operand(0);
  const Flow::Entry *entry = tuple.kind == Expr::Kind::Name ? frame->flow.find(tuple.name) : nullptr;
  if (entry && entry->kind == Flow::Kind::Number && frame->root == DefinitionKind::Layer)
    return ValueType::number(); // how many there are is known where the layer is used
  if (!entry || entry->type.kind != Kind::Tuple) {
    error(DiagId::WrongArgument, tuple.range, "expected a parameter that is a tuple, such as 'betas = (0.9, 0.999)'");
    return {};
  }
  if (expr.number >= entry->type.elements) {
    error(DiagId::OutOfRange, expr.range,
          "'" + tuple.name + "' has " + Twine(entry->type.elements) + " elements, the last one is '" + tuple.name +
              "." + Twine(entry->type.elements - 1) + "'");
    return {};
  }
  return ValueType::number();
}

} // namespace snn::frontend
