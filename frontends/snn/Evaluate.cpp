// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Constant numbers, surrogates and arguments.

#include "frontends/snn/Evaluate.h"

#include "frontends/snn/Limits.h"
#include "frontends/snn/Parser.h"

#include "llvm/ADT/StringSwitch.h"

#include <cfloat>
#include <cmath>
#include <utility>

using namespace llvm;

namespace snn::frontend {
namespace {

/// What numbers of a model are combined with.
bool isArithmetic(Operator op) { return op <= Operator::Divide || op == Operator::Negate; }

bool isExp(const Expr &expr) {
  return expr.kind == Expr::Kind::Call && expr.name == "exp" && expr.args.size() == 1 &&
         expr.args[0].name.text.empty() && !expr.args[0].learn && !expr.args[0].each;
}

} // namespace

namespace {

std::optional<double> foldQuietly(const Expr &expr, const StringMap<double> *params) {
  std::optional<double> result;
  if (expr.kind == Expr::Kind::Number)
    result = expr.number;
  if (expr.kind == Expr::Kind::Name && params)
    if (auto it = params->find(expr.name); it != params->end())
      result = it->second;
  if (isExp(expr))
    if (auto value = foldQuietly(expr.operand(0), params))
      result = std::exp(*value);
  if (expr.kind == Expr::Kind::Operation) {
    auto left = foldQuietly(expr.operand(0), params);
    auto right = expr.args.size() > 1 ? foldQuietly(expr.operand(1), params) : std::optional<double>(0);
    const bool isOfDefinition = !params && expr.op == Operator::Power;
    if (left && right && (isArithmetic(expr.op) || isOfDefinition))
      result = applyOperator(expr.op, *left, *right);
  }
  return result && std::abs(*result) <= FLT_MAX ? result : std::nullopt;
}

} // namespace

std::optional<bool> testOption(const Expr &expr, function_ref<StringRef(StringRef)> wordOf) {
  if (expr.kind != Expr::Kind::Operation || (expr.op != Operator::Equal && expr.op != Operator::NotEqual) ||
      expr.operand(0).kind != Expr::Kind::Name || expr.operand(1).kind != Expr::Kind::Name)
    return std::nullopt;
  StringRef word = wordOf(expr.operand(0).name);
  if (word.empty())
    return std::nullopt;
  return (word == expr.operand(1).name) == (expr.op == Operator::Equal);
}

double applyOperator(Operator op, double a, double b) {
  switch (op) {
  case Operator::Add:
    return a + b;
  case Operator::Subtract:
    return a - b;
  case Operator::Multiply:
    return a * b;
  case Operator::Divide:
    return a / b;
  case Operator::Less:
    return a < b;
  case Operator::LessEqual:
    return a <= b;
  case Operator::Greater:
    return a > b;
  case Operator::GreaterEqual:
    return a >= b;
  case Operator::Equal:
    return a == b;
  case Operator::NotEqual:
    return a != b;
  case Operator::Negate:
    return -a;
  case Operator::Power:
    return std::pow(a, b);
  }
  return 0;
}

double applyFunction(StringRef name, ArrayRef<double> x) {
  auto unary = llvm::StringSwitch<double (*)(double)>(name)
                   .Case("abs", [](double x) { return std::abs(x); })
                   .Case("exp", [](double x) { return std::exp(x); })
                   .Case("log", [](double x) { return std::log(x); })
                   .Case("sqrt", [](double x) { return std::sqrt(x); })
                   .Case("tanh", [](double x) { return std::tanh(x); })
                   .Case("sin", [](double x) { return std::sin(x); })
                   .Case("cos", [](double x) { return std::cos(x); })
                   .Case("atan", [](double x) { return std::atan(x); })
                   .Case("trunc", [](double x) { return std::trunc(x); })
                   .Default(nullptr);
  if (unary)
    return unary(x[0]);
  if (name == "min")
    return std::min(x[0], x[1]);
  if (name == "max")
    return std::max(x[0], x[1]);
  return std::min(std::max(x[0], x[1]), x[2]); // clamp
}

std::optional<double> foldNumber(const Expr &expr) { return foldQuietly(expr, nullptr); }

std::optional<double> foldNumber(const Expr &expr, const StringMap<double> &params) {
  return foldQuietly(expr, &params);
}

std::optional<double> Evaluator::quietNumber(const Expr &expr) const { return foldQuietly(expr, &params); }

std::optional<double> Evaluator::fold(const Expr &expr) {
  switch (expr.kind) {
  case Expr::Kind::Number:
    return expr.number;
  case Expr::Kind::Name: {
    if (auto it = params.find(expr.name); it != params.end()) {
      usedParams.insert(expr.name);
      return it->second;
    }
    if (diagnostics.full())
      return std::nullopt;
    SmallVector<StringRef> known(params.keys());
    llvm::sort(known);
    diagnostics.error(DiagId::UnknownName, expr.range,
                      "unknown name '" + expr.name + "', expected a number or a 'param' of this file" +
                          diagnostics.didYouMean(expr.name, known));
    return std::nullopt;
  }
  case Expr::Kind::Call:
    if (isExp(expr)) {
      auto value = fold(expr.operand(0));
      return value ? std::optional(std::exp(*value)) : std::nullopt;
    }
    break;
  case Expr::Kind::Operation: {
    auto left = fold(expr.operand(0));
    auto right = expr.args.size() > 1 ? fold(expr.operand(1)) : std::optional<double>(0);
    if (!left || !right)
      return std::nullopt;
    if (isArithmetic(expr.op))
      return applyOperator(expr.op, *left, *right);
    break;
  }
  default:
    break;
  }
  diagnostics.error(DiagId::NotConstant, {expr.place, expr.range.End},
                    "expected a number; numbers are combined with + - * / and exp() only");
  return std::nullopt;
}

std::optional<double> Evaluator::number(const Expr &expr) {
  auto value = fold(expr);
  if (value && std::abs(*value) <= FLT_MAX)
    return value;
  if (value)
    diagnostics.error(DiagId::NotFinite, expr.range,
                      "value is " + numberText(*value) + ", expected a finite number within the range of f32");
  return std::nullopt;
}

std::optional<int64_t> Evaluator::integer(const Expr &expr, StringRef what, int64_t low, int64_t high) {
  auto value = number(expr);
  if (!value)
    return std::nullopt;
  if (*value != std::floor(*value) || *value < static_cast<double>(low)) {
    diagnostics.error(DiagId::OutOfRange, expr.range,
                      what + " must be a whole number of at least " + Twine(low) + ", but is " + numberText(*value));
    return std::nullopt;
  }
  if (*value > static_cast<double>(high)) {
    diagnostics.error(DiagId::TooLarge, expr.range,
                      what + " is " + numberText(*value) + ", but at most " + Twine(high) + " is possible");
    return std::nullopt;
  }
  return static_cast<int64_t>(*value);
}

bool Evaluator::isPlain(const Argument &argument) {
  if (!argument.learn && !argument.each)
    return true;
  diagnostics.error(DiagId::WrongArgument, argument.range,
                    Twine("'") + (argument.learn ? "learn" : "each") +
                        "' is possible for the numeric parameters of neurons only");
  return false;
}

bool Evaluator::isNew(const Name &name, StringMap<SMRange> &known, StringRef what) {
  if (isReservedWord(name.text)) {
    diagnostics.error(DiagId::ReservedName, name.range,
                      "'" + name.text + "' is a word of the language and cannot be the name of a " + what);
    return false;
  }
  auto [it, inserted] = known.try_emplace(name.text, name.range);
  if (inserted)
    return true;
  diagnostics.error(DiagId::Redefinition, name.range, what + " '" + name.text + "' is defined twice");
  diagnostics.note(it->second, "first defined here");
  return false;
}

/// In snnTorch whether a value is trained is an argument of its own.
std::string Evaluator::hintForArgument(const Argument &argument, ArrayRef<StringRef> formals) {
  StringRef found = argument.name.text, name = found;
  if (name.consume_front("learn_") && is_contained(formals, name))
    return ("; a value that is trained is written '" + name + " = learn 0.9'").str();
  StringRef meant = diagnostics.nearest(found, formals), path = argument.value->name;
  if (!meant.empty() && path.contains('.')) // so that the answer does not lead into the next mistake
    return ("; write '" + meant + " = " + path.rsplit('.').second +
            (argument.value->kind == Expr::Kind::Call ? "(...)'" : "'"))
        .str();
  return diagnostics.didYouMean(found, formals);
}

std::optional<std::vector<const Argument *>> Evaluator::bind(const Expr &call, ArrayRef<StringRef> formals) {
  std::vector<const Argument *> bound(formals.size());
  size_t position = 0;
  bool valid = true, listed = false;
  for (const Argument &argument : call.args) {
    if (diagnostics.full())
      return std::nullopt;
    size_t index = position++;
    if (!argument.name.text.empty()) {
      index = llvm::find(formals, argument.name.text) - formals.begin();
      if (index == formals.size()) {
        diagnostics.error(DiagId::UnknownArgument, argument.name.range,
                          "'" + call.name + "' has no parameter '" + argument.name.text + "'" +
                              hintForArgument(argument, formals));
        if (!formals.empty() && !std::exchange(listed, true))
          diagnostics.note(call.range, "its parameters are " + listOf(formals));
        valid = false;
        continue;
      }
    } else if (index >= formals.size()) {
      diagnostics.error(DiagId::TooManyArguments, argument.range,
                        "'" + call.name + "' takes " +
                            (formals.empty() ? "no" : "at most " + std::to_string(formals.size())) +
                            (formals.size() == 1 ? " argument" : " arguments"));
      return std::nullopt;
    }
    if (bound[index]) {
      diagnostics.error(DiagId::Redefinition, argument.range, "'" + formals[index] + "' is given twice");
      diagnostics.note(bound[index]->range, "first given here");
      valid = false;
    }
    bound[index] = &argument;
  }
  if (!valid)
    return std::nullopt;
  return bound;
}

const Definition *Evaluator::find(DefinitionKind kind, StringRef name) const {
  auto it = definitions.find({kind, name});
  return it == definitions.end() ? nullptr : it->second;
}

bool Evaluator::spend(const Definition &definition, const Expr &use) {
  const bool wasLarge = spent > limits::kOperations;
  spent += costs.lookup(&definition);
  if (spent <= limits::kOperations)
    return true;
  if (!wasLarge)
    diagnostics.error(DiagId::TooLarge, use.range,
                      "with the text of '" + definition.name.text +
                          "', the definitions that the model uses have more "
                          "than " +
                          Twine(limits::kOperations) + " operations");
  return false;
}

SmallVector<StringRef> Evaluator::namesOf(DefinitionKind kind) const {
  SmallVector<StringRef> names;
  for (const auto &[key, definition] : definitions)
    if (key.first == kind)
      names.push_back(key.second);
  return names;
}

void Evaluator::addAliases(const SourceFile &file) {
  size_t count = 0;
  for (const AliasDecl &alias : file.aliases)
    for (const Name &spelling : alias.spellings) {
      if (++count > limits::kAliases)
        return diagnostics.error(DiagId::TooLarge, spelling.range,
                                 "the file has more than " + Twine(limits::kAliases) + " spellings in 'alias' lines");
      diagnostics.addAlias(spelling.text, alias.meant.text);
    }
}

std::optional<StringRef> Evaluator::word(const Argument &argument, StringRef option, ArrayRef<StringRef> words) {
  if (!isPlain(argument))
    return std::nullopt;
  const Expr &expr = *argument.value;
  if (expr.kind == Expr::Kind::Name && is_contained(words, expr.name))
    return expr.name;
  const bool isWord = expr.kind == Expr::Kind::Name;
  std::string hint = isWord ? diagnostics.didYouMean(expr.name, words) : "";
  if (hint.empty())
    hint = "; it is one of " + listOf(words);
  diagnostics.error(isWord ? DiagId::UnknownWord : DiagId::WrongArgument, expr.range,
                    "'" + option + "' cannot be " + (isWord ? "'" + expr.name + "'" : "a number") + hint);
  return std::nullopt;
}

bool Evaluator::isInRange(const NeuronParam &param, const Expr &value) {
  if (!param.interval)
    return true;
  const IntervalDecl &interval = *param.interval;
  auto found = quietNumber(value), low = quietNumber(*interval.low);
  auto high = interval.high ? quietNumber(*interval.high) : std::optional(HUGE_VAL);
  if (!found || !low || !high)
    return true;
  const bool aboveLow = interval.openLow ? *found > *low : *found >= *low;
  const bool belowHigh = interval.openHigh ? *found < *high : *found <= *high;
  if (aboveLow && belowHigh)
    return true;
  std::string ends = (interval.openLow ? "greater than " : "at least ") + numberText(*low);
  if (interval.high)
    ends += (interval.openHigh ? " and below " : " and at most ") + numberText(*high);
  diagnostics.error(DiagId::OutOfRange, value.range,
                    "'" + param.name.text + "' must be " + ends + ", but is " + numberText(*found));
  return false;
}

std::optional<SurrogateValue> Evaluator::surrogate(const Expr &expr) {
  if (expr.kind != Expr::Kind::Name && expr.kind != Expr::Kind::Call) {
    diagnostics.error(DiagId::WrongArgument, expr.range, "expected a surrogate, such as 'atan' or 'atan(alpha = 2)'");
    return std::nullopt;
  }
  const Definition *definition = find(DefinitionKind::Surrogate, expr.name);
  if (!definition) {
    SmallVector<StringRef> known = namesOf(DefinitionKind::Surrogate);
    diagnostics.error(DiagId::UnknownSurrogate, expr.range,
                      "unknown surrogate '" + expr.name + "'" + diagnostics.didYouMean(expr.name, known));
    diagnostics.note(expr.range, "the surrogates are " + listOf(known));
    return std::nullopt;
  }
  return withNumbers(*definition, expr);
}

bool Evaluator::isFunction(const Expr &expr) const {
  const bool isName = expr.kind == Expr::Kind::Name || expr.kind == Expr::Kind::Call;
  const Definition *def = isName && !params.contains(expr.name) ? find(DefinitionKind::Def, expr.name) : nullptr;
  return def && def->inputs.size() == 1;
}

std::optional<SurrogateValue> Evaluator::function(const Expr &expr, DefinitionKind user) {
  if (!isFunction(expr)) {
    SmallVector<StringRef> others = namesOf(DefinitionKind::Def);
    llvm::erase(others, expr.name); // a def of another form
    diagnostics.error(DiagId::UnknownFunction, expr.range,
                      "expected a function of one value, which is a def with one input, such as 'exact' or "
                      "'uniform_levels(bits = 4)'" +
                          diagnostics.didYouMean(expr.name, others));
    return std::nullopt;
  }
  const Definition &def = *find(DefinitionKind::Def, expr.name);
  auto value = withNumbers(def, expr);
  return value && checkFunction(def, expr, user) ? value : std::nullopt;
}

std::optional<SurrogateValue> Evaluator::withNumbers(const Definition &definition, const Expr &call) {
  SmallVector<StringRef> formals;
  for (const NeuronParam &param : definition.params)
    formals.push_back(param.name.text);
  auto bound = bind(call, formals);
  if (!bound)
    return std::nullopt;
  SurrogateValue value;
  value.definition = &definition;
  value.call = &call;
  for (auto [param, argument] : llvm::zip(definition.params, *bound)) {
    if (argument && !isPlain(*argument))
      return std::nullopt;
    if (frontend::isOption(param)) {
      diagnostics.error(DiagId::WrongArgument, call.range,
                        "'" + definition.name.text + "' has an option, '" + param.name.text +
                            "', and cannot be a parameter, which is a function with numbers alone");
      return std::nullopt;
    }
    auto given = argument ? number(*argument->value) : quietNumber(*param.value);
    if (!given || (argument && !isInRange(param, *argument->value)))
      return std::nullopt;
    value.numbers.push_back(*given);
  }
  return value;
}

} // namespace snn::frontend
