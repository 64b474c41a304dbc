// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Definitions of layers: arrays, their extents and indices. Extents are known where a layer is used (LayerShapes.cpp).

#include "frontends/snn/DefinitionChecker.h"
#include "frontends/snn/Parser.h"

using namespace llvm;

namespace snn::frontend {

using Kind = ValueType::Kind;

/// What the extents of the inputs are called are numbers. One name that stands twice says that both are the same.
void DefinitionChecker::checkExtents() {
  const Definition &definition = *frame->definition;
  StringMap<SMRange> known;
  for (auto [input, extents] : llvm::zip(definition.inputs, definition.extents)) {
    Flow::Entry entry = *frame->flow.find(input.text);
    entry.rank = extents.size();
    entry.rest = !extents.empty() && extents.back().text == kRest;
    frame->flow.set(input.text, entry);
    for (const Name &extent : extents)
      if (extent.text != kRest && known.try_emplace(extent.text, extent.range).second)
        define(extent, {Flow::Kind::Number, extent.range, ValueType::number()});
  }
}

/// A number that is known where the layer is used.
bool DefinitionChecker::checkNumber(const Expr &expr) {
  if (typeOf(expr).isUnknown())
    return false;
  auto isKnown = [&](auto &&self, const Expr &expr) -> bool {
    const Flow::Entry *entry = expr.kind == Expr::Kind::Name ? frame->flow.find(expr.name) : nullptr;
    const BuiltinInfo *function = expr.kind == Expr::Kind::Call ? findBuiltin(expr.name) : nullptr;
    switch (expr.kind) {
    case Expr::Kind::Number:
    case Expr::Kind::Element:
      return true;
    case Expr::Kind::Name:
      return (entry && (entry->kind == Flow::Kind::Number || entry->kind == Flow::Kind::Local)) ||
             (expr.name == "steps" && frame->statements > 0); // not where parameters have their defaults
    case Expr::Kind::Call:
      if (!function || (function->form != BuiltinInfo::Form::Pointwise &&
                        (function->form != BuiltinInfo::Form::FoldOrPointwise || expr.args.size() != function->arity)))
        return false;
      break;
    case Expr::Kind::Operation:
      if (testOption(expr, [&](StringRef name) { return isOption(name) ? name : ""; }))
        return true;
      break;
    case Expr::Kind::Choice:
      break;
    default:
      return false;
    }
    return llvm::all_of(expr.args,
                        [&](const Argument &arg) { return arg.name.text.empty() && self(self, *arg.value); });
  };
  if (isKnown(isKnown, expr))
    return true;
  error(DiagId::NotConstant, expr.range,
        "expected a number that is known when the model is compiled, made of the layer's parameters and extents; an "
        "element of an array is assigned as in 'y[i] = x[i]'");
  return false;
}

/// `learn weight[outputs, inputs] = uniform(-bound, bound)`, `buffer running_mean[channels] = 0`, `state mem[outputs] =
/// 0`
void DefinitionChecker::checkArray(const Statement &statement) {
  const Name &name = statement.name;
  const bool isLearned = statement.kind == Statement::Kind::Learn, isState = statement.kind == Statement::Kind::State;
  Flow::Entry entry{isLearned ? Flow::Kind::Learned
                    : isState ? Flow::Kind::State
                              : Flow::Kind::Buffer,
                    name.range, ValueType::real({}, /*network=*/true)};
  if (isState) {
    entry.type.axes = {Axis::Sample};
    entry.type.stepwise = true;
  }
  if (statement.places.empty())
    error(DiagId::MissingArgument, name.range,
          "what a layer keeps has extents, as in 'state " + name.text + "[outputs] = 0'");
  for (const Argument &place : statement.places) {
    const bool isRest = place.value->kind == Expr::Kind::Name && place.value->name == kRest;
    if (isRest ? &place != &statement.places.back() : !checkNumber(*place.value))
      outcome->valid = false;
    entry.rest |= isRest;
  }
  entry.rank = statement.places.size();
  // An option has no value, so that 'bias' may say whether there is a bias.
  const Flow::Entry *option = frame->flow.find(name.text);
  if (option && option->kind == Flow::Kind::Option)
    frame->flow.set(name.text, entry);
  else
    define(name, entry);
  const Expr &start = *statement.value;
  if (start.kind != Expr::Kind::Call || start.name != "uniform") {
    checkNumber(start);
    return;
  }
  if (!isLearned)
    error(DiagId::WrongArgument, start.range, (isState ? "a state" : "a buffer") + Twine(" starts at one number"));
  auto bound = evaluator.bind(start, {"low", "high"});
  if (!bound || !(*bound)[0] || !(*bound)[1]) {
    if (bound)
      error(DiagId::MissingArgument, start.range, "'uniform' takes two numbers, low and high");
    outcome->valid = false;
    return;
  }
  for (const Argument *arg : *bound)
    checkNumber(*arg->value);
}

/// `y[o, i < rows] = VALUE`
void DefinitionChecker::checkElements(const Statement &statement) {
  const Name &name = statement.name;
  frame->indices.clear();
  frame->seen = {};
  AxisSet left;
  Flow::Entry entry{Flow::Kind::Array, name.range, {}, static_cast<unsigned>(statement.places.size())};
  for (const Argument &place : statement.places) {
    auto index = landingOf(*place.value) ? addLanding(*place.value) : addIndex(*place.value);
    if (!index)
      continue;
    left = left | AxisSet{*index};
    const bool isRest = place.value->kind == Expr::Kind::Name && place.value->name == kRest;
    if (isRest && &place != &statement.places.back())
      error(DiagId::WrongArgument, place.range, "'...' stands for all other extents, as the last of them");
    entry.rest |= isRest;
  }
  frame->seen = left;
  overSteps = {};
  const unsigned indices = frame->indices.size();
  ValueType type = typeOf(*statement.value);
  frame->seen = left;
  if (!type.isUnknown())
    checkLandings(statement, indices);
  frame->seen = {};
  const Flow::Entry *before = frame->flow.find(name.text);
  if (overSteps.isValid() && (type.stepwise || (before && before->kind == Flow::Kind::State)))
    error(DiagId::Misplaced, overSteps,
          "a line with a state is that of one step, so nothing goes over time in it; what does is a line of its own "
          "above");
  if (AxisSet more = type.axes - left - AxisSet{Axis::Sample, Axis::Time}; !more.empty())
    error(DiagId::AxisLeft, statement.value->range,
          "this value also varies along " + more.text(frame->indices) + ", for which '" + name.text +
              "' has no index; remove it, as in 'sum(x[i], over = i)'");
  frame->indices.clear();
  type.axes = type.axes - left;
  entry.type = type;
  const Flow::Entry *known = frame->flow.find(name.text);
  if (!known) {
    if (isReservedWord(name.text) || !placesOfWord(name.text).empty())
      error(DiagId::ReservedName, name.range, "'" + name.text + "' is a word of the language and cannot be a name");
    frame->flow.noteAssignment(name.text, name.range);
    return frame->flow.set(name.text, entry);
  }
  if (known->kind == Flow::Kind::State && known->rank == entry.rank && known->rest == entry.rest)
    return;
  if (known->kind == Flow::Kind::Array && known->rank == entry.rank && known->rest == entry.rest)
    return frame->flow.set(name.text, entry);
  if (known->kind == Flow::Kind::Buffer && known->rank == entry.rank) {
    if (type.axes.empty())
      return;
    return error(DiagId::AxisLeft, statement.range,
                 "a buffer is the same for all samples and steps, but this value varies along " + type.axes.text() +
                     "; remove them, as in 'mean(x[c], over = (sample, time))'");
  }
  error(DiagId::NotAssignable, name.range,
        "'" + name.text + "' is something else already, or has another number of indices; use another name");
  diagnostics.note(known->range, "defined here");
}

/// `value y`, `spike s`
void DefinitionChecker::checkLayerValue(const Statement &statement) {
  const bool isSpike = statement.kind == Statement::Kind::Spike;
  const Expr &value = isSpike ? arrayOf(statement) : *statement.value;
  if (isSpike && factorOf(statement))
    checkNumber(*factorOf(statement));
  const Flow::Entry *entry = value.kind == Expr::Kind::Name ? frame->flow.find(value.name) : nullptr;
  if (entry && entry->isArray() && entry->type.isUnknown())
    return; // has been told of where it is assigned
  if (!entry || !entry->isArray() || !entry->type.axes.contains(Axis::Sample))
    error(DiagId::WrongArgument, value.range,
          "a layer gives an array that a line above computes for each sample, as in 'value y'");
  else if (isSpike && !entry->type.surrogate)
    error(DiagId::NotASpike, value.range,
          "'" + value.name + "' is no spike: it is given by 's[n] = fire(VALUE, SURROGATE)'");
}

std::optional<Axis> DefinitionChecker::indexNamed(StringRef name) const {
  for (auto [number, index] : enumerate(frame->indices))
    if (index == name && frame->seen.contains(indexAxis(number)))
      return indexAxis(number);
  return std::nullopt;
}

/// `i`, `i < extent` or `...`
std::optional<Axis> DefinitionChecker::addIndex(const Expr &place) {
  const Expr *name = &place;
  if (place.kind == Expr::Kind::Operation && place.op == Operator::Less) {
    name = &place.operand(0);
    checkNumber(place.operand(1));
  }
  if (name->kind != Expr::Kind::Name) {
    error(DiagId::WrongArgument, place.range, "expected an index, as in 'y[i]', or one with its extent, 'y[i < rows]'");
    return std::nullopt;
  }
  if (name->name != kRest &&
      (frame->flow.find(name->name) || !placesOfWord(name->name).empty() || isReservedWord(name->name))) {
    error(DiagId::Redefinition, name->range,
          "'" + name->name + "' has a meaning already and cannot be an index; use another name");
    return std::nullopt;
  }
  if (indexNamed(name->name) || (frame->seen.empty() && is_contained(frame->indices, name->name))) {
    error(DiagId::Redefinition, name->range, "the index '" + name->name + "' is given twice");
    return std::nullopt;
  }
  return addAxis(name->name, name->range);
}

/// The next number, which is that of an index of this name.
std::optional<Axis> DefinitionChecker::addAxis(StringRef name, SMRange where) {
  if (frame->indices.size() == kMaxIndices) {
    error(DiagId::TooLarge, where, "a line has at most " + Twine(kMaxIndices) + " indices");
    return std::nullopt;
  }
  frame->indices.push_back(name);
  return indexAxis(frame->indices.size() - 1);
}

/// `2 * i + p < rows`: an axis of its own, which no name means.
std::optional<Axis> DefinitionChecker::addLanding(const Expr &place) {
  checkNumber(place.operand(1));
  return addAxis("", place.range);
}

/// Terms land at places that are made of the sum's indices, of which the first is number `first`.
void DefinitionChecker::checkLandings(const Statement &statement, unsigned first) {
  const Expr &value = *statement.value;
  const Argument *over = overOf(value);
  AxisSet ofSum;
  const bool several = over && over->value->kind == Expr::Kind::Tuple;
  for (const Argument &place : several ? ArrayRef(over->value->args) : over ? ArrayRef(*over) : ArrayRef<Argument>())
    if (place.value->kind != Expr::Kind::Name || !axisNamed(place.value->name)) // but `sample` and `time`
      ofSum = ofSum | AxisSet{indexAxis(first++)};
  frame->seen = frame->seen | ofSum;
  auto divides = [](auto &&self, const Expr &expr) -> bool {
    return expr.kind == Expr::Kind::Call ||
           llvm::any_of(expr.args, [&](const Argument &arg) { return self(self, *arg.value); });
  };
  for (const Argument &place : statement.places) {
    const Expr *landing = landingOf(*place.value);
    if (!landing)
      continue;
    if (!over || value.name != "sum")
      return error(DiagId::WrongArgument, place.range,
                   "terms of a sum land here, but the value of this line is no sum; it is one as a whole, as in "
                   "'y[2 * i + p < rows] = sum(x[i] * weight[p], over = (i, p))'");
    if ((checkPlace(*landing) & ofSum).empty())
      error(DiagId::WrongArgument, place.range,
            "the place of a term is made of what the sum goes over; an index of the left side stands alone, 'i' or "
            "'i < rows'");
    else if (divides(divides, *landing))
      error(DiagId::WrongArgument, place.range, "where terms land, a place is a sum of multiples of indices");
  }
}

/// `over = (c, p < kernel, sample)`
std::optional<AxisSet> DefinitionChecker::addAxesOf(const Argument &over, StringRef function) {
  AxisSet axes, added;
  SmallVector<StringRef> names;
  auto add = [&](const Expr &place) {
    const Expr &name = place.kind == Expr::Kind::Operation ? place.operand(0) : place;
    if (name.kind == Expr::Kind::Name && is_contained(names, name.name)) {
      error(DiagId::Redefinition, name.range, "'" + name.name + "' is given twice");
      return false;
    }
    names.push_back(name.name);
    std::optional<Axis> axis;
    if (place.kind == Expr::Kind::Name && (place.name == "sample" || place.name == "time"))
      axis = axisNamed(place.name);
    else if ((axis = addIndex(place)))
      added = added | AxisSet{*axis};
    if (!axis)
      return false;
    axes = axes | AxisSet{*axis};
    return true;
  };
  bool valid = true;
  if (over.value->kind == Expr::Kind::Tuple)
    for (const Argument &place : over.value->args)
      valid &= add(*place.value);
  else
    valid = add(*over.value);
  frame->seen = frame->seen | added;
  return valid ? std::optional(axes) : std::nullopt;
}

/// The indices that places of an array, as many as it has extents, are made of.
AxisSet DefinitionChecker::checkPlaces(const Flow::Entry &array, const Expr &read) {
  if (read.args.size() != array.rank) {
    error(read.args.size() < array.rank ? DiagId::MissingArgument : DiagId::TooManyArguments, read.range,
          "'" + read.name + "' has " + Twine(array.rank) + (array.rank == 1 ? " index" : " indices") +
              ", but is given " + Twine(read.args.size()));
    diagnostics.note(array.range, "defined here");
    return {};
  }
  AxisSet axes;
  for (const Argument &place : read.args) {
    const bool isRest = place.value->kind == Expr::Kind::Name && place.value->name == kRest;
    const bool wanted = array.rest && &place == &read.args.back();
    if (isRest != wanted) {
      error(DiagId::WrongArgument, place.range,
            wanted ? "the last place stands for all other extents and is written '...'"
                   : "'...' stands for all other extents, which this array does not have");
      continue;
    }
    axes = axes | checkPlace(*place.value);
  }
  return axes;
}

/// Sums of indices, multiples of them by numbers, and `trunc(i / n)`.
AxisSet DefinitionChecker::checkPlace(const Expr &place) {
  if (auto index = place.kind == Expr::Kind::Name ? indexNamed(place.name) : std::nullopt)
    return {*index};
  const bool isSum =
      place.kind == Expr::Kind::Operation && (place.op == Operator::Add || place.op == Operator::Subtract);
  if (isSum)
    return checkPlace(place.operand(0)) | checkPlace(place.operand(1));
  if (place.kind == Expr::Kind::Operation && place.op == Operator::Multiply) {
    AxisSet left = checkPlace(place.operand(0)), right = checkPlace(place.operand(1));
    if (!left.empty() && !right.empty())
      error(DiagId::WrongArgument, place.range, "a place is linear in its indices: one factor must be a number");
    return left | right;
  }
  if (place.kind == Expr::Kind::Call && place.name == "trunc" && place.args.size() == 1 &&
      place.operand(0).kind == Expr::Kind::Operation && place.operand(0).op == Operator::Divide) {
    if (!checkPlace(place.operand(0).operand(1)).empty())
      error(DiagId::WrongArgument, place.range, "the divisor in a place must be a number");
    return checkPlace(place.operand(0).operand(0));
  }
  if (place.kind == Expr::Kind::Name && place.name == kRest) {
    error(DiagId::UnknownName, place.range,
          "'...' is no index of this line; write it on the left side or behind 'over'");
    return {};
  }
  checkNumber(place);
  return {};
}

ValueType DefinitionChecker::typeOfRead(const Expr &expr) {
  const Flow::Entry *entry = frame->flow.find(expr.name);
  if (!entry || !entry->isArray()) {
    if (entry)
      error(DiagId::WrongArgument, expr.range, "'" + expr.name + "' is no array and has no elements");
    else
      unknownName(expr);
    return {};
  }
  ValueType type = entry->type;
  type.axes = type.axes | checkPlaces(*entry, expr);
  return type;
}

/// What a place outside of an array gives: a number, or nothing at all in a reduction.
ValueType DefinitionChecker::typeOfOr(const Expr &expr) {
  const Expr &otherwise = expr.operand(1);
  const ValueType type = typeOf(expr.operand(0));
  if (otherwise.kind == Expr::Kind::Name && otherwise.name == "none") {
    if (frame->reductions == 0)
      error(DiagId::Misplaced, otherwise.range,
            "'or none' leaves a term out of a reduction, such as a sum; here a place outside gives a number: 'or 0'");
    return type;
  }
  return checkNumber(otherwise) ? type : ValueType();
}

} // namespace snn::frontend
