// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of the `train` block, whose losses, metrics, optimizer and schedule are definitions.

#include "frontends/snn/TrainChecks.h"
#include "frontends/snn/LayerShapes.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/Standard.h"
#include "frontends/snn/UseChecks.h"

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
      : model(model), train(model.train), evaluator(evaluator), diagnostics(evaluator.diagnostics),
        isBroken(diagnostics.hasErrors()), uses(model, evaluator, definitions) {}

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
          uses.isDefault = true;
          checkField(field);
        }
    if (model.targets.empty()) // as each model had it before there were others
      uses.addLabels();
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
        if (StringRef name = diagnostics.nearest(key, UseChecker::formalsOf(*evaluator.find(kind, owner)));
            !name.empty())
          hint = ("; it stands in the parentheses of another line: '" + nameOf(kind) + " " + owner + "(" + name +
                  " = VALUE)'")
                     .str();
      }
    diagnostics.error(DiagId::UnknownField, field.key.range,
                      "'train' has no '" + key +
                          "'; expected loss, metric, optimizer, group, clip, schedule, batch, epochs or truncate" +
                          hint);
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
      auto use = uses.check(*loss, DefinitionKind::Loss, index == 0 ? "loss." : "loss." + number + ".");
      auto factor = weight ? evaluator.number(*weight) : std::nullopt;
      if (!use || (weight && !factor))
        continue;
      if (factor)
        use->weight = Hyper{"loss." + number, *factor, {-HUGE_VAL, HUGE_VAL}};
      train.losses.push_back(std::move(*use));
    }
    if (!uses.isDefault)
      train.lossLoc = sum.range.Start;
  }

  void checkMetrics(const Expr &expr) {
    auto use = uses.check(expr, DefinitionKind::Metric, "");
    if (!use)
      return;
    train.metrics.push_back(std::move(*use));
  }

  void checkOptimizer(const Expr &expr) {
    auto use = uses.check(expr, DefinitionKind::Optimizer, "");
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
    auto bound = evaluator.bind(expr, UseChecker::formalsOf(*train.rule.definition));
    if (!bound)
      return;
    for (auto [param, argument] : llvm::zip(train.rule.definition->params, *bound)) {
      if (argument && (isOption(param) || param.value->kind == Expr::Kind::Tuple))
        diagnostics.error(DiagId::WrongArgument, argument->range,
                          "'" + param.name.text +
                              "' is the same for all parameters; a group has numbers of its own, "
                              "as in 'lr = 1e-4'");
      else if (argument && evaluator.isPlain(*argument))
        uses.addNumber(group, param, *argument->value, (param.name.text + "." + expr.name).str());
    }
    train.groups.push_back(std::move(group));
  }

  void checkClip(const Expr &expr) {
    if (auto use = uses.check(expr, DefinitionKind::Clip, "clip."))
      train.clip = std::move(*use);
  }

  void checkSchedule(const Expr &expr) {
    auto use = uses.check(expr, DefinitionKind::Schedule, "schedule.");
    scheduled = expr.range;
    if (use)
      train.schedule = std::move(*use);
  }

  CheckedModel &model;
  CheckedTrain &train;
  Evaluator &evaluator;
  Diagnostics &diagnostics;
  const bool isBroken; ///< errors of the model were reported, so that it may lack layers
  UseChecker uses;
  SMRange scheduled;
  SmallVector<const Expr *> groups; ///< which are numbers of the optimizer, whatever line that stands in
};

} // namespace

void checkTraining(CheckedModel &model, Evaluator &evaluator, DefinitionChecker &definitions) {
  TrainingChecker(model, evaluator, definitions).run();
}

} // namespace snn::frontend
