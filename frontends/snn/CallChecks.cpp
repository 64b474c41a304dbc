// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The types of calls in definitions.

#include "frontends/snn/DefinitionChecker.h"
#include "frontends/snn/Limits.h"

using namespace llvm;

namespace snn::frontend {

using Kind = ValueType::Kind;
using Form = BuiltinInfo::Form;

ArrayRef<BuiltinInfo> builtins() {
  static constexpr BuiltinInfo table[] = {{"fire", Form::Fire, 2, "fire(mem - threshold, surrogate)"},
                                          {"fire_at", Form::Fire, 2, "fire_at(mem - threshold, surrogate)"},
                                          {"detach", Form::Detach, 1, "detach(mem)"},
                                          {"attached", Form::Attached, 1, "attached(fired)"},
                                          {"random", Form::Random, 0, "random()"},
                                          {"clamp", Form::Pointwise, 3, "clamp(beta, 0, 1)"},
                                          {"min", Form::FoldOrPointwise, 2, "min(mem, 1)"},
                                          {"max", Form::FoldOrPointwise, 2, "max(mem, 0)"},
                                          {"sum", Form::Fold, 1, "sum(spikes, over = time)"},
                                          {"mean", Form::Fold, 1, "mean(spikes, over = time)"},
                                          {"argmax", Form::Winner, 1, "argmax(x, over = class)"},
                                          {"argmin", Form::Winner, 1, "argmin(x, over = class)"},
                                          {"classes", Form::Classes, 1, "classes(spikes)"},
                                          {"members", Form::Members, 1, "members(target)"},
                                          {"abs", Form::Pointwise, 1, "abs(x)"},
                                          {"exp", Form::Pointwise, 1, "exp(-mem)"},
                                          {"log", Form::Pointwise, 1, "log(x)"},
                                          {"sqrt", Form::Pointwise, 1, "sqrt(x)"},
                                          {"tanh", Form::Pointwise, 1, "tanh(x)"},
                                          {"sin", Form::Pointwise, 1, "sin(x)"},
                                          {"cos", Form::Pointwise, 1, "cos(x)"},
                                          {"atan", Form::Pointwise, 1, "atan(x)"},
                                          {"trunc", Form::Pointwise, 1, "trunc(x)"}};
  return table;
}

const BuiltinInfo *findBuiltin(StringRef name) {
  for (const BuiltinInfo &info : builtins())
    if (info.name == name)
      return &info;
  return nullptr;
}

ValueType DefinitionChecker::typeOfCall(const Expr &expr) {
  if (const Flow::Entry *entry = frame->flow.find(expr.name)) {
    if (entry->type.kind == Kind::Layer)
      return typeOfLayer(expr);
    if (entry->type.kind == Kind::Function)
      return typeOfFunction(expr);
    if (entry->type.kind == Kind::Surrogate) {
      error(DiagId::UnknownFunction, expr.range,
            "'" + expr.name + "' is a surrogate and no function; write 'fire(VALUE, " + expr.name + ")'");
      return {};
    }
  }
  if (const BuiltinInfo *info = findBuiltin(expr.name))
    return typeOfBuiltin(*info, expr);
  if (const Definition *def = find(DefinitionKind::Def, expr.name))
    return typeOfDef(*def, expr);
  return unknownFunction(expr);
}

ValueType DefinitionChecker::unknownFunction(const Expr &expr) {
  SmallVector<StringRef> known;
  for (const BuiltinInfo &info : builtins())
    known.push_back(info.name);
  llvm::append_range(known, evaluator.namesOf(DefinitionKind::Def));
  auto [object, method] = expr.name.rsplit('.');
  StringRef name = expr.name.substr(expr.name.rfind('.') + 1); // npos + 1 is 0
  if (expr.args.empty() && is_contained(known, method) && frame->flow.find(object))
    error(DiagId::UnknownFunction, expr.range, "there are no methods; write '" + method + "(" + object + ")'");
  else if (is_contained(known, method))
    error(DiagId::UnknownFunction, expr.range, "functions stand in no module; write '" + method + "'");
  else if (frame->flow.find(expr.name))
    error(DiagId::UnknownFunction, expr.range, "'" + expr.name + "' is a value and no function");
  else {
    error(DiagId::UnknownFunction, expr.range, "unknown function '" + name + "'" + diagnostics.didYouMean(name, known));
    diagnostics.note(expr.range, "the functions are " + listOf(known));
  }
  return {};
}

/// Some functions mean something in some definitions only.
bool DefinitionChecker::isHere(const BuiltinInfo &info, const Expr &expr) {
  const DefinitionKind root = frame->root;
  if (root == DefinitionKind::Def)
    return true;
  bool inNeuron = root == DefinitionKind::Neuron;
  bool here = true;
  if (info.form == Form::Fire)
    here = inNeuron || root == DefinitionKind::Layer;
  else if (info.form == Form::Random)
    here = inNeuron || root == DefinitionKind::Surrogate;
  else if (info.form == Form::Attached)
    here = inNeuron;
  else if (info.form == Form::Classes || info.form == Form::Members)
    here = root == DefinitionKind::Loss || root == DefinitionKind::Metric;
  if (!here)
    error(DiagId::Misplaced, expr.range,
          "'" + expr.name + "' has no meaning in " + article(root) + "; it is for " +
              (info.form == Form::Classes || info.form == Form::Members ? "losses and metrics" : "neurons"));
  return here;
}

ValueType DefinitionChecker::typeOfBuiltin(const BuiltinInfo &info, const Expr &expr) {
  StringRef name = expr.name;
  const bool reduces = info.form == Form::Fold || info.form == Form::FoldOrPointwise || info.form == Form::Winner;
  StringRef extra = reduces ? "over" : info.form == Form::Random ? "per" : "";
  const Argument *named = nullptr;
  size_t values = 0;
  for (const Argument &arg : expr.args) {
    if (!extra.empty() && arg.name.text == extra && !arg.learn && !arg.each && !named) {
      named = &arg;
      continue;
    }
    if (!arg.name.text.empty() || arg.learn || arg.each) {
      error(DiagId::WrongArgument, arg.range,
            "'" + name + "' takes plain values, without 'learn' or 'each'" +
                (extra.empty() ? Twine(" or a name") : ", and no name but one '" + Twine(extra) + "'"));
      return {};
    }
    ++values;
  }
  const unsigned wanted = named && reduces ? 1 : info.arity;
  if (values != wanted) {
    error(values < wanted ? DiagId::MissingArgument : DiagId::TooManyArguments, expr.range,
          "'" + name + "' takes " + Twine(wanted) + (wanted == 1 ? " value" : " values") + ", as in '" + info.example +
              "', but is given " + Twine(values));
    return {};
  }
  if (!isHere(info, expr))
    return {};
  if (reduces && named)
    return typeOfReduction(info, expr, *named);
  switch (info.form) {
  case Form::Fold:
  case Form::Winner:
    error(DiagId::MissingArgument, expr.range,
          "'" + name + "' needs the axis that it goes over, as in '" + info.example + "'");
    return {};
  case Form::Random: {
    if (named && (named->value->kind != Expr::Kind::Name || named->value->name != "sample")) {
      error(DiagId::WrongArgument, named->range,
            "a random number is new in each step, or the same in all steps: 'random(per = sample)'");
      return {};
    }
    if (frame->root == DefinitionKind::Def)
      return {};
    ValueType type = ValueType::real({Axis::Sample, Axis::Neuron}, /*network=*/true);
    type.chance = true;
    return type;
  }
  case Form::Attached:
    if (expr.operand(0).kind != Expr::Kind::Name || expr.operand(0).name != "fired")
      error(DiagId::WrongArgument, expr.operand(0).range, "'attached' is for 'fired' only: 'attached(fired)'");
    return frame->graded ? ValueType::real({Axis::Sample, Axis::Neuron}, /*network=*/true)
                         : ValueType::bits({Axis::Sample, Axis::Neuron}, /*network=*/true);
  default:
    break;
  }
  ValueType type = typeOf(expr.operand(0));
  switch (info.form) {
  case Form::Detach:
    type.surrogate = type.kind == Kind::Bits;
    return type;
  case Form::Fire: {
    const Expr &shape = expr.operand(1);
    const Flow::Entry *entry = shape.kind == Expr::Kind::Name ? frame->flow.find(shape.name) : nullptr;
    if (entry && entry->type.kind != Kind::Surrogate && !entry->type.isUnknown()) {
      error(DiagId::WrongArgument, shape.range,
            "'" + shape.name + "' is no surrogate; 'fire' takes a value and a surrogate");
      diagnostics.note(entry->range, "defined here");
    } else if (!entry) {
      checkSurrogate(shape);
    }
    type = joined(type, ValueType::real({}, /*network=*/true), Kind::Bits);
    type.surrogate = true;
    return type;
  }
  case Form::Classes:
    if (type.isUnknown())
      return {};
    if (!type.axes.contains(Axis::Neuron) || type.axes.contains(Axis::Class)) {
      error(DiagId::MissingAxis, expr.operand(0).range,
            "'classes' adds up the neurons of each class, but the axes of this value are " + type.axes.text());
      return {};
    }
    return ValueType::real((type.axes - AxisSet{Axis::Neuron}) | AxisSet{Axis::Class}, type.network);
  case Form::Members:
    if (type.isUnknown())
      return {};
    if (!type.axes.contains(Axis::Class) || type.axes.contains(Axis::Neuron)) {
      error(DiagId::MissingAxis, expr.operand(0).range,
            "'members' gives each neuron what its class has, but the axes of this value are " + type.axes.text());
      return {};
    }
    type.axes = (type.axes - AxisSet{Axis::Class}) | AxisSet{Axis::Neuron};
    type.of = std::nullopt;
    return type;
  default:
    break;
  }
  type = joined(type, ValueType::number(), Kind::Real);
  for (const Argument &arg : ArrayRef(expr.args).drop_front())
    type = joined(type, typeOf(*arg.value), Kind::Real);
  if (name == "clamp")
    if (auto low = foldNumber(expr.operand(1)), high = foldNumber(expr.operand(2)); low && high && *low > *high)
      error(DiagId::OutOfRange, expr.range,
            "'clamp' goes from " + numberText(*low) + " to " + numberText(*high) +
                ", but the first must not be above the second");
  return type;
}

std::optional<AxisSet> DefinitionChecker::axesOf(const Argument &over, StringRef function) {
  if (frame->root == DefinitionKind::Layer)
    return addAxesOf(over, function);
  SmallVector<const Expr *> names;
  if (over.value->kind == Expr::Kind::Tuple)
    for (const Argument &arg : over.value->args)
      names.push_back(arg.value.get());
  else
    names.push_back(over.value.get());
  AxisSet axes;
  for (const Expr *name : names) {
    auto axis = name->kind == Expr::Kind::Name ? axisNamed(name->name) : std::nullopt;
    if (name->kind == Expr::Kind::Name && name->name == nameOf(Axis::Parameter) &&
        is_contained({DefinitionKind::Clip, DefinitionKind::Def}, frame->root))
      axis = Axis::Parameter;
    if (!axis) {
      StringRef found = name->kind == Expr::Kind::Name ? name->name : "";
      error(DiagId::UnknownAxis, name->range,
            "expected an axis for '" + function + "' to go over: sample, time, neuron or class" +
                diagnostics.didYouMean(found, {"sample", "time", "neuron", "class"}));
      return std::nullopt;
    }
    if (axes.contains(*axis)) {
      error(DiagId::Redefinition, name->range, "the axis " + nameOf(*axis) + " is given twice");
      return std::nullopt;
    }
    axes = axes | AxisSet{*axis};
  }
  return axes;
}

ValueType DefinitionChecker::typeOfReduction(const BuiltinInfo &info, const Expr &expr, const Argument &over) {
  const Argument &argument = &expr.args[0] == &over ? expr.args[1] : expr.args[0];
  const AxisSet seen = frame->seen; // indices that `over` brings are seen in the value alone
  const std::optional<AxisSet> axes = axesOf(over, expr.name);
  ++frame->reductions;
  const ValueType value = typeOf(*argument.value);
  --frame->reductions;
  frame->seen = seen;
  if (!axes)
    return {};
  if (info.form == Form::Winner && over.value->kind == Expr::Kind::Tuple) {
    error(DiagId::WrongArgument, over.range, "'" + expr.name + "' finds a place along one axis");
    return {};
  }
  if (axes->contains(Axis::Parameter) && !is_contained({"sum", "max", "min"}, expr.name)) {
    error(DiagId::WrongArgument, expr.range, "over all parameters there are 'sum', 'max' and 'min'");
    return {};
  }
  if (frame->root == DefinitionKind::Neuron && (axes->contains(Axis::Time) || axes->contains(Axis::Sample))) {
    error(DiagId::Misplaced, over.range,
          "the body of a neuron is one step of one sample, so nothing goes over time or samples there; a state keeps "
          "what earlier steps have left");
    return {};
  }
  if (value.isUnknown())
    return {};
  if (value.stepwise && (axes->contains(Axis::Time) || axes->contains(Axis::Sample))) {
    error(DiagId::Misplaced, over.range,
          "what depends on a state is that of one step and one sample, so nothing goes over time or samples there");
    return {};
  }
  if (frame->root == DefinitionKind::Layer && axes->contains(Axis::Time))
    overSteps = over.range;
  // In a layer, a number may be counted: `sum(1, over = (sample, i))`.
  const bool counts = frame->root == DefinitionKind::Layer && !value.network;
  // What is declared for each sample is so in each step.
  const bool once = value.declared && expr.name == "mean";
  const AxisSet absent = *axes - value.axes - (once ? AxisSet{Axis::Time} : AxisSet());
  if (!absent.empty() && !counts) {
    error(DiagId::MissingAxis, expr.range,
          "'" + expr.name + "' goes over " + absent.text(frame->indices) + ", but the axes of its value are " +
              value.axes.text(frame->indices) +
              (absent.contains(Axis::Class) && value.axes.contains(Axis::Neuron)
                   ? "; spikes are added up for each class by 'classes(spikes)'"
                   : ""));
    return {};
  }
  ValueType type = joined(value, ValueType::number(), info.form == Form::Winner ? Kind::Integer : Kind::Real);
  type.axes = value.axes - *axes;
  if (info.form == Form::Winner)
    type.of = axisNamed(over.value->name);
  return type;
}

/// `recurrent(v)`: from all neurons to all, or to the same one.
ValueType DefinitionChecker::typeOfLayer(const Expr &expr) {
  if (expr.args.size() != 1 || !expr.args[0].name.text.empty() || expr.args[0].learn || expr.args[0].each) {
    error(expr.args.empty() ? DiagId::MissingArgument : DiagId::TooManyArguments, expr.range,
          "'" + expr.name + "' is a layer and takes one value, as in '" + expr.name + "(fired)'");
    return {};
  }
  const ValueType type = typeOf(expr.operand(0));
  if (!type.isUnknown() && !type.axes.contains(Axis::Neuron)) {
    error(DiagId::MissingAxis, expr.operand(0).range,
          "the layer '" + expr.name + "' takes a value of each neuron, but this is the same for all");
    return {};
  }
  return joined(type, ValueType::real({Axis::Sample, Axis::Neuron}, /*network=*/true), Kind::Real);
}

/// Whatever a function says that it is, it gives a real of each neuron, or of each element of a layer's array.
ValueType DefinitionChecker::typeOfFunction(const Expr &expr) {
  if (expr.args.size() != 1 || !expr.args[0].name.text.empty() || expr.args[0].learn || expr.args[0].each) {
    error(expr.args.empty() ? DiagId::MissingArgument : DiagId::TooManyArguments, expr.range,
          "'" + expr.name + "' is a function and takes one value, as in '" + expr.name + "(mem)'");
    return {};
  }
  const ValueType given = typeOf(expr.operand(0));
  if (frame->root == DefinitionKind::Layer)
    return joined(given, ValueType::number(), Kind::Real);
  return joined(given, ValueType::real({Axis::Sample, Axis::Neuron}, /*network=*/true), Kind::Real);
}

/// Whether the def may be a neuron's or a layer's parameter, where nothing else is being checked.
bool DefinitionChecker::isFunction(const Definition &def, const Expr &call, DefinitionKind user) {
  if (!check(def).valid)
    return false;
  SmallVector<ValueType> types(1 + def.params.size(), ValueType::number());
  const Axis axis = user == DefinitionKind::Layer ? indexAxis(0) : Axis::Neuron;
  types.front() = ValueType::real({Axis::Sample, axis}, /*network=*/true);
  Frame own;
  own.definition = &def;
  own.root = user;
  Outcome result;
  Frame *outerFrame = std::exchange(frame, &own);
  Outcome *outer = std::exchange(outcome, &result);
  typeOfText(def, call.range, types);
  outcome = outer;
  frame = outerFrame;
  return result.valid;
}

/// An option of a def is one of its words, or an option that has no others.
bool DefinitionChecker::checkWord(const NeuronParam &param, const Argument &argument) {
  SmallVector<StringRef> words;
  for (const Argument &word : param.value->args)
    words.push_back(word.value->name);
  const Expr &value = *argument.value;
  const bool isName = value.kind == Expr::Kind::Name;
  SmallVector<StringRef> given{isName ? value.name : ""};
  if (isName && isOption(value.name))
    given.assign(frame->words[value.name].begin(), frame->words[value.name].end());
  for (StringRef word : given)
    if (!is_contained(words, word)) {
      error(DiagId::UnknownWord, value.range,
            "'" + param.name.text + "' is one of " + listOf(words) +
                (given.size() > 1 ? ", but '" + value.name + "' may be '" + word + "'"
                                  : Twine(", or an option of these")) +
                diagnostics.didYouMean(word, words));
      return false;
    }
  return true;
}

ValueType DefinitionChecker::typeOfDef(const Definition &def, const Expr &expr) {
  SmallVector<StringRef> formals;
  for (const Name &input : def.inputs)
    formals.push_back(input.text);
  for (const NeuronParam &param : def.params)
    formals.push_back(param.name.text);
  auto bound = evaluator.bind(expr, formals);
  SmallVector<ValueType> types;
  if (bound)
    for (auto [index, arg] : enumerate(*bound)) {
      if (arg && (arg->learn || arg->each)) {
        error(DiagId::WrongArgument, arg->range, "functions take plain values, without 'learn' or 'each'");
        return {};
      }
      if (!arg && index < def.inputs.size()) {
        error(DiagId::MissingArgument, expr.range,
              "'" + def.name.text + "' needs a value for '" + def.inputs[index].text + "'");
        return {};
      }
      const bool isWord = index >= def.inputs.size() && frontend::isOption(def.params[index - def.inputs.size()]);
      if (isWord && arg && !checkWord(def.params[index - def.inputs.size()], *arg))
        return {};
      types.push_back(isWord ? ValueType(Kind::Option) : arg ? typeOf(*arg->value) : ValueType::number());
    }
  else
    outcome->valid = false;
  const Outcome &callee = check(def);
  if (callee.progress == Outcome::Progress::Active) {
    error(DiagId::CallsItself, expr.range,
          "'" + def.name.text +
              "' calls itself; a definition stands for its text, "
              "which would not end");
    return {};
  }
  if (!bound || !callee.valid) {
    outcome->valid = false;
    return {};
  }
  if (uses.empty() && (outcome->cost += callee.cost) > limits::kInlined) {
    error(DiagId::TooLarge, expr.range,
          "with the text of all that it calls, '" + frame->definition->name.text + "' has more than " +
              Twine(limits::kInlined) + " operations");
    return {};
  }
  if (frame->root == DefinitionKind::Def) // its own uses decide
    return {};
  if (uses.empty())
    total += callee.cost;
  if (total > limits::kInlinedFile) {
    error(DiagId::TooLarge, expr.range,
          "with the text of all that they call, the definitions of the file have more than " +
              Twine(limits::kInlinedFile) + " operations");
    return {};
  }
  return typeOfText(def, expr.range, types);
}

ValueType DefinitionChecker::typeOfText(const Definition &def, SMRange use, ArrayRef<ValueType> types) {
  Frame inner;
  inner.definition = &def;
  inner.root = frame->root;
  inner.graded = frame->graded;
  for (auto [index, type] : enumerate(types)) {
    const NeuronParam *param = index < def.inputs.size() ? nullptr : &def.params[index - def.inputs.size()];
    const Name &name = param ? param->name : def.inputs[index];
    const bool isWord = type.kind == Kind::Option;
    inner.flow.set(name.text, {isWord  ? Flow::Kind::Option
                               : param ? Flow::Kind::Number
                                       : Flow::Kind::Input,
                               name.range, type});
    if (isWord)
      for (const Argument &word : param->value->args)
        inner.words[name.text].push_back(word.value->name);
  }
  Frame *outer = std::exchange(frame, &inner);
  uses.emplace_back(use, def.name.text);
  checkLines(def.body, /*top=*/true);
  uses.pop_back();
  frame = outer;
  return inner.result.value_or(ValueType());
}

} // namespace snn::frontend
