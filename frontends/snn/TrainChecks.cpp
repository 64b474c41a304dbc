// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of the `train` block, whose losses, metrics, optimizer and schedule are definitions.

#include "frontends/snn/TrainChecks.h"
#include "frontends/snn/LayerShapes.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/Standard.h"

#include <cmath>

using namespace llvm;

namespace snn::frontend {
namespace {

constexpr StringRef kFields[] = {"loss",     "metric", "optimizer", "group",   "clip",
                                 "schedule", "batch",  "epochs",    "truncate"};
constexpr StringRef kManyFields[] = {"metric", "group"};

/// What the optimizer changes.
bool learns(const CheckedLayer &layer) {
  const auto isLearned = [](const LayerArray &array) { return array.learned; };
  return llvm::any_of(layer.shapes.arrays, isLearned) || llvm::any_of(layer.values, [&](const ParamValue &value) {
           return value.learn || value.each || llvm::any_of(value.shapes.arrays, isLearned);
         });
}

class TrainingChecker {
public:
  TrainingChecker(CheckedModel &model, Evaluator &evaluator, DefinitionChecker &definitions)
      : model(model), train(model.train), evaluator(evaluator), definitions(definitions),
        diagnostics(evaluator.diagnostics), isBroken(diagnostics.hasErrors()), declared(model.targets.size()) {}

  void run() {
    const std::vector<TrainDecl> &decls = model.file->trains;
    for (const TrainDecl &second : ArrayRef(decls).drop_front(!decls.empty())) {
      diagnostics.error(DiagId::Redefinition, second.name.range, "a file has one 'train', but this is the second");
      diagnostics.note(decls.front().name.range, "the first is here");
    }
    StringMap<SMRange> known;
    if (!decls.empty())
      for (const TrainField &field : decls.front().fields)
        if (!diagnostics.full() &&
            (is_contained(kManyFields, field.key.text) || evaluator.isNew(field.key, known, "field")))
          checkField(field);
    for (const TrainDecl &standard : model.standard->file.trains)
      for (const TrainField &field : standard.fields)
        if (!known.contains(field.key.text)) {
          isDefault = true;
          checkField(field);
        }
    if (model.targets.empty()) // as each model had it before there were others
      addLabels();
    if (train.rule.definition)
      for (const Expr *group : groups)
        checkGroup(*group);
    const auto isRate = [](const Hyper &hyper) { return hyper.name == "lr"; };
    if (train.rule.definition && train.schedule.loc.isValid() && llvm::none_of(train.rule.numbers, isRate))
      diagnostics.error(DiagId::WrongArgument, scheduled,
                        "a schedule says which share of 'lr' an update takes, but '" +
                            train.rule.definition->name.text + "' has no 'lr'");
  }

private:
  void checkField(const TrainField &field) {
    StringRef key = field.key.text;
    if (key == "loss")
      checkLosses(*field.value);
    else if (key == "metric")
      checkMetrics(*field.value);
    else if (key == "optimizer")
      checkOptimizer(*field.value);
    else if (key == "group")
      groups.push_back(field.value.get());
    else if (key == "schedule")
      checkSchedule(*field.value);
    else if (key == "clip")
      checkClip(*field.value);
    else if (key == "truncate")
      checkWindow(field);
    else if (key == "batch")
      train.batch = evaluator.integer(*field.value, "the batch", 1, limits::kBatch).value_or(1);
    else if (key == "epochs")
      train.epochs = evaluator.integer(*field.value, "the number of epochs", 0, limits::kEpochs).value_or(1);
    else
      reportUnknownField(field);
  }

  /// A window is a call of fewer steps, and only a model that says its steps tells neurons how many there are.
  void checkWindow(const TrainField &field) {
    train.window =
        evaluator.integer(*field.value, "the number of time steps that a gradient goes back", 1, model.maxSteps);
    if (model.steps || isBroken)
      return;
    for (const CheckedLayer &layer : model.layers)
      if (layer.neuron && readsSteps(layer.neuron->decl->body)) {
        const std::string name = layer.neuron->decl->name.text.str();
        diagnostics.warning(
            DiagId::WindowSteps, field.value->range,
            "'" + name + "' reads 'steps', which the data say here: in training it is the number of a window's" +
                ", and training sees other spikes than inference; expected a fixed number such as 'steps " +
                Twine(model.maxSteps) + "'");
        return;
      }
  }

  bool readsSteps(const Expr &expr) const {
    if (expr.name == "steps")
      return true;
    const Definition *def = expr.name.empty() ? nullptr : evaluator.find(DefinitionKind::Def, expr.name);
    return (def && readsSteps(def->body)) ||
           llvm::any_of(expr.args, [&](const Argument &arg) { return readsSteps(*arg.value); });
  }

  bool readsSteps(const Statements &body) const {
    return llvm::any_of(body, [&](const Statement &statement) {
      return (statement.value && readsSteps(*statement.value)) ||
             llvm::any_of(statement.branches, [&](const Branch &branch) { return readsSteps(branch.body); });
    });
  }

  void reportUnknownField(const TrainField &field) {
    StringRef key = field.key.text;
    std::string hint = diagnostics.didYouMean(key, kFields);
    // What belongs into the parentheses of a loss or an optimizer is often sought beside it.
    for (DefinitionKind kind :
         {DefinitionKind::Schedule, DefinitionKind::Loss, DefinitionKind::Optimizer, DefinitionKind::Clip})
      for (StringRef owner : evaluator.namesOf(kind)) {
        if (!hint.empty())
          break;
        if (StringRef name = diagnostics.nearest(key, formalsOf(*evaluator.find(kind, owner))); !name.empty())
          hint = ("; it stands in the parentheses of another line: '" + nameOf(kind) + " " + owner + "(" + name +
                  " = VALUE)'")
                     .str();
      }
    diagnostics.error(DiagId::UnknownField, field.key.range,
                      "'train' has no '" + key +
                          "'; expected loss, metric, optimizer, group, clip, schedule, batch, epochs or truncate" +
                          hint);
  }

  static SmallVector<StringRef> formalsOf(const Definition &definition) {
    return SmallVector<StringRef>(
        llvm::map_range(definition.params, [](const NeuronParam &param) { return param.name.text; }));
  }

  /// `definition(number, name = number)`, and for what reads a layer its label first, then targets and labels.
  std::optional<CheckedUse> checkUse(const Expr &expr, DefinitionKind kind, const Twine &prefix) {
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
    if (reads && named < expr.args.size() && named == formals.size() && !namesNothing(expr.args[named]))
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

  /// The labelled layer that the first argument names.
  const CheckedLayer *layerOf(const Argument &argument) {
    if (!argument.name.text.empty() || argument.value->kind != Expr::Kind::Name)
      return nullptr;
    for (const CheckedLayer &layer : model.layers)
      if (layer.labelled && layer.key == argument.value->name)
        return &layer;
    return nullptr;
  }

  /// False, with an error, for a name where only those of layers and targets can stand.
  bool namesNothing(const Argument &argument) {
    if (!argument.name.text.empty() || argument.value->kind != Expr::Kind::Name)
      return true;
    SmallVector<StringRef> known;
    for (const CheckedLayer &layer : model.layers)
      if (layer.labelled)
        known.push_back(layer.key);
    for (size_t place = 0; place < declared; ++place)
      known.push_back(model.targets[place].name);
    diagnostics.error(DiagId::UnknownName, argument.range,
                      "'" + argument.value->name + "' is no label of a layer and no target" +
                          diagnostics.didYouMean(argument.value->name, known));
    return false;
  }

  /// The place of the target or label that an argument names.
  std::optional<size_t> targetOf(const Argument &argument) const {
    if (argument.name.text.empty() && argument.value->kind == Expr::Kind::Name)
      for (size_t place = 0; place < declared; ++place)
        if (model.targets[place].name == argument.value->name)
          return place;
    return std::nullopt;
  }

  static StringRef wordOf(const CheckedInput &target) { return target.label ? "label" : "target"; }

  bool addTarget(CheckedUse &use, size_t place, const Argument &argument) {
    const std::string word = wordOf(model.targets[place]).str();
    const bool reads = llvm::any_of(use.definition->inputs, [&](const Name &input) { return input.text == word; });
    if (reads && use.reads.try_emplace(word, place).second)
      return true;
    diagnostics.error(DiagId::WrongArgument, argument.range,
                      "'" + argument.value->name + "' is a " + word + ", but '" + use.definition->name.text +
                          "' reads " + (reads ? "one " : "no ") + word);
    return false;
  }

  /// What a model is trained towards that says nothing about it: a class for each sample.
  size_t addLabels() {
    for (size_t place = declared; place < model.targets.size(); ++place)
      return place;
    CheckedInput &labels = model.targets.emplace_back();
    labels.name = "labels";
    labels.label = true;
    labels.declared = false;
    return declared;
  }

  /// A label or a target that a use does not name is the only one.
  bool findTarget(CheckedUse &use, StringRef word, const Expr &expr) {
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
                        names.empty() ? "'" + expr.name +
                                            "' reads a target, but the model declares none; add a line such as 'target "
                                            "f32[3]' behind its input"
                                      : "'" + expr.name + "' reads one " + word + " of " + listOf(names) +
                                            "; say which, as in '" + expr.name + "(" +
                                            (use.layer.empty() ? "" : use.layer + ", ") + names.front() + ")'");
      return false;
    }
    use.reads[word.str()] = names.empty() ? addLabels() : found;
    return true;
  }

  /// Whether what a use reads has the axes and extents that it needs.
  bool fits(const CheckedUse &use, const CheckedLayer &layer, const Expr &expr) {
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
                          "'" + expr.name + "' reads the label '" + target.name + "', but the neurons of '" +
                              layer.key + "' are no classes, as they have shape " + shapeText(layer.to) +
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

  /// `metric.NAME`; where that is taken, what it reads stands behind it.
  bool nameMetric(CheckedUse &use, const CheckedLayer *layer, const Expr &expr) {
    std::string readings = use.layer.empty() ? "" : "." + use.layer, symbol = "metric." + expr.name.str();
    SmallVector<std::string> symbols{symbol, symbol + readings};
    for (const Argument &argument : expr.args)
      if (targetOf(argument))
        readings += "." + argument.value->name.str();
    symbols.push_back(symbol + readings);
    if (use.layer.empty() && layer)
      symbols.push_back(symbol + "." + layer->key + readings);
    const bool isSecond = llvm::any_of(train.metrics, [&](const CheckedUse &other) {
      return other.definition == use.definition && other.layer == use.layer && other.reads == use.reads;
    });
    if (isSecond)
      symbols.clear();
    for (const std::string &candidate : symbols) {
      const bool taken = llvm::any_of(train.metrics, [&](const CheckedUse &other) {
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

  /// Nobody can change what stands in the standard definitions.
  SMRange placeOf(const Expr &expr) const { return isDefault ? model.name.range : expr.range; }

  bool canRead(CheckedUse &use, const CheckedLayer *layer, const Expr &expr) {
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

  bool addNumbers(CheckedUse &use, const NeuronParam &param, const Argument *argument, const CheckedLayer *layer,
                  const Twine &prefix) {
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

  /// One for all classes, or one for each.
  bool addConstants(CheckedUse &use, const NeuronParam &param, const Expr &value, const CheckedLayer *layer) {
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

  bool addNumber(CheckedUse &use, const NeuronParam &param, const Expr &value, std::string name) {
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

  /// `ce_rate + 1e-4 * l1_rate(h1)`
  void checkLosses(const Expr &sum) {
    SmallVector<const Expr *> terms, todo{&sum};
    while (!todo.empty()) {
      const Expr *expr = todo.pop_back_val();
      const bool subtracts = expr->kind == Expr::Kind::Operation && expr->op == Operator::Subtract;
      if (subtracts)
        diagnostics.error(DiagId::WrongArgument, expr->operand(1).range,
                          "losses are added; what is subtracted has a negative weight, as in 'ce_rate + -0.1 * NAME'");
      if (subtracts || (expr->kind == Expr::Kind::Operation && expr->op == Operator::Add)) {
        todo.push_back(&expr->operand(1));
        todo.push_back(&expr->operand(0));
      } else {
        terms.push_back(expr);
      }
    }
    for (auto [index, term] : enumerate(terms)) {
      const Expr *loss = term, *weight = nullptr;
      if (term->kind == Expr::Kind::Operation && term->op == Operator::Multiply) {
        weight = &term->operand(0);
        loss = &term->operand(1);
        if (evaluator.find(DefinitionKind::Loss, weight->name))
          std::swap(weight, loss);
      }
      // The first term's numbers stay what they are when others are added.
      const std::string number = std::to_string(index + 1);
      auto use = checkUse(*loss, DefinitionKind::Loss, index == 0 ? "loss." : "loss." + number + ".");
      auto factor = weight ? evaluator.number(*weight) : std::nullopt;
      if (!use || (weight && !factor))
        continue;
      if (factor)
        use->weight = Hyper{"loss." + number, *factor, {-HUGE_VAL, HUGE_VAL}};
      train.losses.push_back(std::move(*use));
    }
    if (!isDefault)
      train.lossLoc = sum.range.Start;
  }

  void checkMetrics(const Expr &expr) {
    auto use = checkUse(expr, DefinitionKind::Metric, "");
    if (!use)
      return;
    train.metrics.push_back(std::move(*use));
  }

  void checkOptimizer(const Expr &expr) {
    auto use = checkUse(expr, DefinitionKind::Optimizer, "");
    if (!use)
      return;
    for (const Statement &line : use->definition->body)
      if (line.kind == Statement::Kind::State && evaluator.quietNumber(*line.value) != 0.0)
        diagnostics.error(DiagId::OutOfRange, line.value->range,
                          "the state of an optimizer starts at 0, for each element of each parameter");
    // The host changes numbers under these names, which have no prefix as they are the ones that it changes most.
    for (const Hyper &hyper : use->numbers)
      if (hyper.name == model.name.text ||
          is_contained({"input", "labels", "spikes", "membrane", "count", "loss"}, hyper.name) ||
          llvm::any_of(model.targets, [&](const CheckedInput &target) { return target.name == hyper.name; }))
        diagnostics.error(DiagId::ReservedName, expr.range,
                          "the number '" + hyper.name + "' of the optimizer has the name of " +
                              (hyper.name == model.name.text ? "the model" : "an input or output of each model"));
    train.rule = std::move(*use);
  }

  /// `h1(lr = 1e-4)`: numbers of the optimizer for the parameters under one label.
  void checkGroup(const Expr &expr) {
    CheckedUse group;
    group.layer = expr.name.str();
    SmallVector<StringRef> labels;
    bool known = false, changes = false;
    for (const CheckedLayer &layer : model.layers) {
      StringRef label = StringRef(layer.key).split('.').first;
      if (layer.labelled || layer.block)
        labels.push_back(label);
      if (label != expr.name || label.empty())
        continue;
      known = true;
      changes |= learns(layer);
    }
    if (!known || !changes)
      return diagnostics.error(
          known ? DiagId::WrongArgument : DiagId::UnknownName, expr.range,
          known ? "'" + expr.name + "' has nothing that is trained"
                : "expected a layer's label and numbers of the optimizer, as in 'group h1(lr = 1e-4)'" +
                      diagnostics.didYouMean(expr.name, labels));
    if (llvm::any_of(train.groups, [&](const CheckedUse &other) { return other.layer == group.layer; }))
      return diagnostics.error(DiagId::Redefinition, expr.range, "the group '" + expr.name + "' is given twice");
    auto bound = evaluator.bind(expr, formalsOf(*train.rule.definition));
    if (!bound)
      return;
    for (auto [param, argument] : llvm::zip(train.rule.definition->params, *bound)) {
      if (argument && (isOption(param) || param.value->kind == Expr::Kind::Tuple))
        diagnostics.error(DiagId::WrongArgument, argument->range,
                          "'" + param.name.text +
                              "' is the same for all parameters; a group has numbers of its own, "
                              "as in 'lr = 1e-4'");
      else if (argument && evaluator.isPlain(*argument))
        addNumber(group, param, *argument->value, (param.name.text + "." + expr.name).str());
    }
    train.groups.push_back(std::move(group));
  }

  void checkClip(const Expr &expr) {
    if (auto use = checkUse(expr, DefinitionKind::Clip, "clip."))
      train.clip = std::move(*use);
  }

  void checkSchedule(const Expr &expr) {
    auto use = checkUse(expr, DefinitionKind::Schedule, "schedule.");
    scheduled = expr.range;
    if (use)
      train.schedule = std::move(*use);
  }

  CheckedModel &model;
  CheckedTrain &train;
  Evaluator &evaluator;
  DefinitionChecker &definitions;
  Diagnostics &diagnostics;
  const bool isBroken;   ///< errors of the model were reported, so that it may lack layers
  const size_t declared; ///< targets and labels, in front of those of a model that declares none
  SMRange scheduled;
  SmallVector<const Expr *> groups; ///< which are numbers of the optimizer, whatever line that stands in
  bool isDefault = false;           ///< what is checked stands in the standard definitions
};

} // namespace

void checkTraining(CheckedModel &model, Evaluator &evaluator, DefinitionChecker &definitions) {
  TrainingChecker(model, evaluator, definitions).run();
}

} // namespace snn::frontend
