// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See UseChecks.h.

#include "frontends/snn/UseChecks.h"
#include "frontends/snn/LayerShapes.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/Standard.h"

#include <cmath>

using namespace llvm;

namespace snn::frontend {

SmallVector<StringRef> UseChecker::formalsOf(const Definition &definition) {
  return SmallVector<StringRef>(
      llvm::map_range(definition.params, [](const NeuronParam &param) { return param.name.text; }));
}

std::optional<CheckedUse> UseChecker::check(const Expr &expr, DefinitionKind kind, const Twine &prefix) {
  const bool isCall = expr.kind == Expr::Kind::Name || expr.kind == Expr::Kind::Call;
  CheckedUse use;
  if (!isCall || !(use.definition = evaluator.find(kind, expr.name))) {
    SmallVector<StringRef> known = evaluator.namesOf(kind);
    const DiagId id = kind == DefinitionKind::Loss        ? DiagId::UnknownLoss
                      : kind == DefinitionKind::Optimizer ? DiagId::UnknownOptimizer
                                                          : DiagId::UnknownName;
    const std::string article = kind == DefinitionKind::Optimizer ? "an " : "a ";
    diagnostics.error(
        id, expr.range,
        (isCall ? "unknown " + nameOf(kind) + " '" + expr.name + "'" : Twine("expected " + article) + nameOf(kind)) +
            (isCall ? diagnostics.didYouMean(expr.name, known) : ""));
    diagnostics.note(expr.range, "there are " + listOf(known));
    return std::nullopt;
  }
  if (!isDefault)
    use.loc = expr.range.Start;
  SmallVector<StringRef> formals = formalsOf(*use.definition);
  const bool reads = kind == DefinitionKind::Loss || kind == DefinitionKind::Metric;
  const CheckedLayer *layer = reads && !expr.args.empty() ? layerOf(expr.args.front()) : nullptr;
  size_t named = 0;
  if (layer) {
    use.layer = layer->key;
    formals.insert(formals.begin(), "layer");
    ++named;
  }
  for (; reads && named < expr.args.size(); ++named) {
    std::optional<size_t> target = targetOf(expr.args[named]);
    if (!target)
      break;
    if (!addTarget(use, *target, expr.args[named]))
      return std::nullopt;
    formals.insert(formals.begin() + named, model.targets[*target].name);
  }
  if (reads && named < expr.args.size() && named == formals.size() && refusesName(expr.args[named]))
    return std::nullopt;
  auto bound = evaluator.bind(expr, formals);
  if (!bound)
    return std::nullopt;
  bound->erase(bound->begin(), bound->begin() + named);
  if (reads && !layer)
    for (const CheckedLayer &candidate : model.layers)
      if (isNeuron(candidate))
        layer = &candidate;
  if ((reads && !canRead(use, layer, expr)) || !evaluator.spend(*use.definition, expr))
    return std::nullopt;
  if (kind == DefinitionKind::Metric && !nameMetric(use, layer, expr))
    return std::nullopt;
  bool valid = true;
  const std::string scope = use.symbol.empty() ? prefix.str() : use.symbol + ".";
  for (auto [param, argument] : llvm::zip(use.definition->params, *bound))
    valid &= addNumbers(use, param, argument, layer, scope);
  if (!valid)
    return std::nullopt;
  return use;
}

const CheckedLayer *UseChecker::layerOf(const Argument &argument) {
  if (!argument.name.text.empty() || argument.value->kind != Expr::Kind::Name)
    return nullptr;
  for (const CheckedLayer &layer : model.layers)
    if (layer.labelled && layer.key == argument.value->name)
      return &layer;
  return nullptr;
}

bool UseChecker::refusesName(const Argument &argument) {
  if (!argument.name.text.empty() || argument.value->kind != Expr::Kind::Name)
    return false;
  SmallVector<StringRef> known;
  for (const CheckedLayer &layer : model.layers)
    if (layer.labelled)
      known.push_back(layer.key);
  for (size_t place = 0; place < declared; ++place)
    known.push_back(model.targets[place].name);
  diagnostics.error(DiagId::UnknownName, argument.range,
                    "'" + argument.value->name + "' is no label of a layer and no target" +
                        diagnostics.didYouMean(argument.value->name, known));
  return true;
}

std::optional<size_t> UseChecker::targetOf(const Argument &argument) const {
  if (argument.name.text.empty() && argument.value->kind == Expr::Kind::Name)
    for (size_t place = 0; place < declared; ++place)
      if (model.targets[place].name == argument.value->name)
        return place;
  return std::nullopt;
}

static StringRef wordOf(const CheckedInput &target) { return target.label ? "label" : "target"; }

bool UseChecker::addTarget(CheckedUse &use, size_t place, const Argument &argument) {
  const std::string word = wordOf(model.targets[place]).str();
  const bool reads = llvm::any_of(use.definition->inputs, [&](const Name &input) { return input.text == word; });
  if (reads && use.reads.try_emplace(word, place).second)
    return true;
  diagnostics.error(DiagId::WrongArgument, argument.range,
                    "'" + argument.value->name + "' is a " + word + ", but '" + use.definition->name.text + "' reads " +
                        (reads ? "one " : "no ") + word);
  return false;
}

size_t UseChecker::addLabels() {
  for (size_t place = declared; place < model.targets.size(); ++place)
    return place;
  CheckedInput &labels = model.targets.emplace_back();
  labels.name = "labels";
  labels.label = true;
  labels.declared = false;
  return declared;
}

bool UseChecker::findTarget(CheckedUse &use, StringRef word, const Expr &expr) {
  if (use.reads.count(word))
    return true;
  SmallVector<StringRef> names;
  size_t found = 0;
  for (size_t place = 0; place < declared; ++place)
    if (wordOf(model.targets[place]) == word) {
      names.push_back(model.targets[place].name);
      found = place;
    }
  if (names.size() > 1 || (names.empty() && word == "target")) {
    diagnostics.error(DiagId::MissingArgument, placeOf(expr),
                      names.empty()
                          ? "'" + expr.name +
                                "' reads a target, but the model declares none; add a line such as 'target "
                                "f32[3]' behind its input"
                          : "'" + expr.name + "' reads one " + word + " of " + listOf(names) + "; say which, as in '" +
                                expr.name + "(" + (use.layer.empty() ? "" : use.layer + ", ") + names.front() + ")'");
    return false;
  }
  use.reads[word.str()] = names.empty() ? addLabels() : found;
  return true;
}

bool UseChecker::fits(const CheckedUse &use, const CheckedLayer &layer, const Expr &expr) {
  SmallVector<StringRef> overTime;
  std::string found;
  for (const auto &[word, place] : use.reads) {
    const CheckedInput &target = model.targets[place];
    if (target.overTime)
      overTime.push_back(word);
    found += (found.empty() ? "'" : " and '") + target.name + "', a " + word +
             (target.overTime ? " for each step" : " for each sample");
  }
  const Definition &definition = *use.definition;
  if (!evaluator.isValid(definition) || isBroken) // reported
    return true;
  if (!definitions.accepts(definition, overTime)) {
    SmallVector<StringRef> others;
    for (StringRef name : evaluator.namesOf(definition.kind)) {
      const Definition &other = *evaluator.find(definition.kind, name);
      const bool sameInputs = llvm::all_of(use.reads, [&](const auto &read) {
        return llvm::any_of(other.inputs, [&](const Name &input) { return input.text == read.first; });
      });
      if (sameInputs && evaluator.isValid(other) && definitions.accepts(other, overTime))
        others.push_back(name);
    }
    diagnostics.error(DiagId::AxisLeft, placeOf(expr),
                      "'" + expr.name + "' cannot read " + found + (others.empty() ? "" : "; these can: ") +
                          (others.empty() ? "" : listOf(others)));
    return false;
  }
  for (const auto &[word, place] : use.reads) {
    CheckedInput &target = model.targets[place];
    target.read = true;
    if (const int64_t classes = model.classesOf(layer); target.label)
      target.classes = target.classes ? std::min(target.classes, classes) : classes;
    if (target.label && layer.to.size() > 1) {
      diagnostics.error(DiagId::NotFlat, placeOf(expr),
                        "'" + expr.name + "' reads the label '" + target.name + "', but the neurons of '" + layer.key +
                            "' are no classes, as they have shape " + shapeText(layer.to) +
                            "; add a line 'flatten' before them");
      return false;
    }
    if (target.label || target.extents == layer.to)
      continue;
    diagnostics.error(DiagId::WrongArgument, placeOf(expr),
                      "the target '" + target.name + "' has shape " + shapeText(target.extents) + ", but " +
                          (layer.labelled ? "'" + layer.key + "'" : "the last layer of neurons") + " gives " +
                          shapeText(layer.to) + ", and '" + expr.name + "' compares them");
    return false;
  }
  return true;
}

bool UseChecker::nameMetric(CheckedUse &use, const CheckedLayer *layer, const Expr &expr) {
  std::string readings = use.layer.empty() ? "" : "." + use.layer, symbol = "metric." + expr.name.str();
  SmallVector<std::string> symbols{symbol, symbol + readings};
  for (const Argument &argument : expr.args)
    if (targetOf(argument))
      readings += "." + argument.value->name.str();
  symbols.push_back(symbol + readings);
  if (use.layer.empty() && layer)
    symbols.push_back(symbol + "." + layer->key + readings);
  const bool isSecond = llvm::any_of(model.train.metrics, [&](const CheckedUse &other) {
    return other.definition == use.definition && other.layer == use.layer && other.reads == use.reads;
  });
  if (isSecond)
    symbols.clear();
  for (const std::string &candidate : symbols) {
    const bool taken = llvm::any_of(model.train.metrics, [&](const CheckedUse &other) {
      return other.symbol == candidate ||
             llvm::any_of(other.numbers, [&](const Hyper &hyper) { return hyper.name == candidate; });
    });
    if (!taken) {
      use.symbol = candidate;
      return true;
    }
  }
  diagnostics.error(DiagId::Redefinition, expr.range, "the metric '" + expr.name + "' is given twice");
  return false;
}

bool UseChecker::canRead(CheckedUse &use, const CheckedLayer *layer, const Expr &expr) {
  if (!layer) // the model has errors
    return true;
  for (const Name &input : use.definition->inputs) {
    const bool isDeclared = input.text == "label" || input.text == "target";
    if (isDeclared && !findTarget(use, input.text, expr))
      return false;
    const bool has = isDeclared || (isNeuron(*layer) &&
                                    (input.text == "spikes" ? givesSpikes(*layer) : membraneOf(*layer).has_value()));
    if (has)
      continue;
    const StringRef wanted = isDefault ? "; a model that says no loss has this one: say another in 'train'" : "";
    diagnostics.error(DiagId::WrongArgument, placeOf(expr),
                      "'" + expr.name + "' reads the " + input.text + " of a layer, but " +
                          (layer->labelled ? "'" + layer->key + "'" : "the last one") + " has none" + wanted);
    return false;
  }
  return fits(use, *layer, expr);
}

bool UseChecker::addNumbers(CheckedUse &use, const NeuronParam &param, const Argument *argument,
                            const CheckedLayer *layer, const Twine &prefix) {
  if (isOption(param)) {
    SmallVector<StringRef> words;
    for (const Argument &word : param.value->args)
      words.push_back(word.value->name);
    auto word = argument ? evaluator.word(*argument, param.name.text, words) : std::optional(words.front());
    if (word)
      use.words[param.name.text.str()] = word->str();
    return word.has_value();
  }
  if (argument && !evaluator.isPlain(*argument))
    return false;
  const Expr &value = argument ? *argument->value : *param.value;
  StringRef name = param.name.text;
  if (!param.axis.text.empty())
    return addConstants(use, param, value, layer);
  if (param.value->kind != Expr::Kind::Tuple)
    return addNumber(use, param, value, (prefix + name).str());
  const size_t size = param.value->args.size();
  if (value.kind != Expr::Kind::Tuple || value.args.size() != size) {
    std::string numbers;
    for (const Argument &element : param.value->args)
      numbers += (numbers.empty() ? "" : ", ") + numberText(evaluator.quietNumber(*element.value).value_or(0));
    diagnostics.error(DiagId::WrongArgument, argument->range,
                      "'" + name + "' is " + (size == 2 ? "a pair of numbers" : Twine(size) + " numbers") +
                          ", as in '" + name + " = (" + numbers + ")'");
    return false;
  }
  // The first of the betas is beta1.
  StringRef one = name.size() > 1 && name.ends_with("s") ? name.drop_back() : name;
  bool valid = true;
  for (size_t index = 0; index < size; ++index)
    valid &= addNumber(use, param, value.operand(index), (prefix + one + Twine(index + 1)).str());
  return valid;
}

bool UseChecker::addConstants(CheckedUse &use, const NeuronParam &param, const Expr &value, const CheckedLayer *layer) {
  SmallVector<const Expr *> elements;
  if (value.kind == Expr::Kind::Tuple)
    for (const Argument &element : value.args)
      elements.push_back(element.value.get());
  else
    elements.push_back(&value);
  if (elements.size() > limits::kClassNumbers) {
    diagnostics.error(DiagId::TooLarge, value.range,
                      "'" + param.name.text + "' has " + Twine(elements.size()) + " numbers, but at most " +
                          Twine(limits::kClassNumbers) + " are possible");
    return false;
  }
  std::vector<double> &numbers = use.constants[param.name.text.str()];
  for (const Expr *element : elements) {
    auto number = evaluator.number(*element);
    if (!number || !evaluator.isInRange(param, *element))
      return false;
    numbers.push_back(*number);
  }
  const int64_t classes = layer ? model.classesOf(*layer) : 0;
  if (numbers.size() == 1 || isBroken || numbers.size() == static_cast<size_t>(classes))
    return true;
  diagnostics.error(DiagId::WrongArgument, value.range,
                    "'" + param.name.text + "' has " + Twine(numbers.size()) + " numbers, but there are " +
                        Twine(classes) + " classes; expected one for each, or one for all");
  return false;
}

bool UseChecker::addNumber(CheckedUse &use, const NeuronParam &param, const Expr &value, std::string name) {
  auto number = evaluator.number(value);
  if (!number || !evaluator.isInRange(param, value))
    return false;
  NumberRange range{-HUGE_VAL, HUGE_VAL};
  if (const IntervalDecl *interval = param.interval.get()) {
    range.low = evaluator.quietNumber(*interval->low).value_or(0);
    if (interval->openLow)
      range.low = std::nextafter(range.low, HUGE_VAL);
    if (interval->high)
      range.high = evaluator.quietNumber(*interval->high).value_or(0);
    range.belowHigh = interval->high && interval->openHigh;
  }
  use.numbers.push_back({std::move(name), *number, range});
  return true;
}

} // namespace snn::frontend
