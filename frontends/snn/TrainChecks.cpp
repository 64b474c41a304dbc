// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of the `train` block, whose losses, metrics, optimizer and schedule are definitions.

#include "frontends/snn/TrainChecks.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/Standard.h"

#include <cmath>

using namespace llvm;

namespace snn::frontend {
namespace {

constexpr StringRef kFields[] = {"loss", "metric", "optimizer", "schedule", "batch", "epochs"};

class TrainingChecker {
public:
  TrainingChecker(CheckedModel &model, Evaluator &evaluator)
      : model(model), train(model.train), evaluator(evaluator), diagnostics(evaluator.diagnostics) {}

  void run() {
    const std::vector<TrainDecl> &decls = model.file->trains;
    for (const TrainDecl &second : ArrayRef(decls).drop_front(!decls.empty())) {
      diagnostics.error(DiagId::Redefinition, second.name.range, "a file has one 'train', but this is the second");
      diagnostics.note(decls.front().name.range, "the first is here");
    }
    StringMap<SMRange> known;
    if (!decls.empty())
      for (const TrainField &field : decls.front().fields)
        if (!diagnostics.full() && (field.key.text == "metric" || evaluator.isNew(field.key, known, "field")))
          checkField(field);
    for (const TrainDecl &standard : model.standard->file.trains)
      for (const TrainField &field : standard.fields)
        if (!known.contains(field.key.text)) {
          isDefault = true;
          checkField(field);
        }
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
    else if (key == "schedule")
      checkSchedule(*field.value);
    else if (key == "batch")
      train.batch = evaluator.integer(*field.value, "the batch", 1, limits::kBatch).value_or(1);
    else if (key == "epochs")
      train.epochs = evaluator.integer(*field.value, "the number of epochs", 0, limits::kEpochs).value_or(1);
    else
      reportUnknownField(field);
  }

  void reportUnknownField(const TrainField &field) {
    StringRef key = field.key.text;
    std::string hint = diagnostics.didYouMean(key, kFields);
    // What belongs into the parentheses of a loss or an optimizer is often sought beside it.
    for (DefinitionKind kind : {DefinitionKind::Schedule, DefinitionKind::Loss, DefinitionKind::Optimizer})
      for (StringRef owner : evaluator.namesOf(kind)) {
        if (!hint.empty())
          break;
        if (StringRef name = diagnostics.nearest(key, formalsOf(*evaluator.find(kind, owner))); !name.empty())
          hint = ("; it stands in the parentheses of another line: '" + nameOf(kind) + " " + owner + "(" + name +
                  " = VALUE)'")
                     .str();
      }
    diagnostics.error(DiagId::UnknownField, field.key.range,
                      "'train' has no '" + key + "'; expected loss, metric, optimizer, schedule, batch or epochs" +
                          hint);
  }

  static SmallVector<StringRef> formalsOf(const Definition &definition) {
    return SmallVector<StringRef>(
        llvm::map_range(definition.params, [](const NeuronParam &param) { return param.name.text; }));
  }

  /// `definition(number, name = number)`, and for what reads a layer its label first.
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
    if (layer) {
      use.layer = layer->key;
      formals.insert(formals.begin(), "layer");
    }
    auto bound = evaluator.bind(expr, formals);
    if (!bound)
      return std::nullopt;
    if (layer)
      bound->erase(bound->begin());
    bool valid = true;
    for (auto [param, argument] : llvm::zip(use.definition->params, *bound))
      valid &= addNumbers(use, param, argument, prefix);
    if (!valid)
      return std::nullopt;
    if ((reads && !canRead(use, layer, expr)) || !evaluator.spend(*use.definition, expr))
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

  bool canRead(const CheckedUse &use, const CheckedLayer *layer, const Expr &expr) {
    if (!layer)
      for (const CheckedLayer &candidate : model.layers)
        if (isNeuron(candidate))
          layer = &candidate;
    if (!layer) // the model has errors
      return true;
    for (const Name &input : use.definition->inputs) {
      const bool has =
          input.text == "label" ||
          (isNeuron(*layer) && (input.text == "spikes" ? givesSpikes(*layer) : membraneOf(*layer).has_value()));
      if (has)
        continue;
      diagnostics.error(DiagId::WrongArgument, expr.range,
                        "'" + expr.name + "' reads the " + input.text + " of a layer, but '" +
                            (layer->labelled ? layer->key : "the last one") + "' has none");
      return false;
    }
    return true;
  }

  bool addNumbers(CheckedUse &use, const NeuronParam &param, const Argument *argument, const Twine &prefix) {
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
    auto use = checkUse(expr, DefinitionKind::Metric, "metric." + expr.name + ".");
    if (!use)
      return;
    for (const CheckedUse &other : train.metrics)
      if (other.definition == use->definition)
        diagnostics.error(DiagId::Redefinition, expr.range, "the metric '" + expr.name + "' is given twice");
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
          is_contained({"input", "labels", "spikes", "membrane", "count", "loss"}, hyper.name))
        diagnostics.error(DiagId::ReservedName, expr.range,
                          "the number '" + hyper.name + "' of the optimizer has the name of " +
                              (hyper.name == model.name.text ? "the model" : "an input or output of each model"));
    train.rule = std::move(*use);
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
  Diagnostics &diagnostics;
  SMRange scheduled;
  bool isDefault = false; ///< what is checked stands in the standard definitions
};

} // namespace

void checkTraining(CheckedModel &model, Evaluator &evaluator) { TrainingChecker(model, evaluator).run(); }

} // namespace snn::frontend
