// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of the `train` block.

#include "frontends/snn/TrainChecks.h"

#include "frontends/snn/Limits.h"

#include <cmath>

using namespace llvm;

namespace snn::frontend {
namespace {

constexpr StringRef kAdamNumbers[] = {"lr", "betas", "eps", "weight_decay"};
constexpr StringRef kSgdNumbers[] = {"lr", "momentum", "weight_decay"};
constexpr StringRef kMseCountNumbers[] = {"correct", "incorrect"};

class TrainChecker {
public:
  TrainChecker(CheckedTrain &train, Evaluator &evaluator)
      : train(train), evaluator(evaluator), diagnostics(evaluator.diagnostics) {}

  /// The number of an argument within its range; the default if there is none.
  double real(const Argument *argument, StringRef subject, double byDefault, NumberRange range) {
    if (!argument || !evaluator.isPlain(*argument))
      return byDefault;
    return realOf(*argument->value, argument->range, subject, byDefault, range);
  }
  double realOf(const Expr &expr, SMRange where, StringRef subject, double byDefault, NumberRange range) {
    auto value = evaluator.number(expr);
    if (!value)
      return byDefault;
    if (!range.contains(*value)) {
      std::string high = std::isinf(range.high) ? ""
                         : range.belowHigh      ? " and below " + numberText(range.high)
                                                : " and at most " + numberText(range.high);
      diagnostics.error(DiagId::OutOfRange, where,
                        subject + " must be at least " + numberText(range.low) + high + ", but is " +
                            numberText(*value));
    }
    return *value;
  }

  void run(const std::vector<TrainDecl> &decls) {
    train.optimizer = adam(1e-3, 0.9, 0.999, 1e-8, 0);
    for (const TrainDecl &second : ArrayRef(decls).drop_front(!decls.empty())) {
      diagnostics.error(DiagId::Redefinition, second.name.range, "a file has one 'train', but this is the second");
      diagnostics.note(decls.front().name.range, "the first is here");
    }
    if (decls.empty())
      return;
    StringMap<SMRange> known;
    for (const TrainField &field : decls.front().fields) {
      StringRef key = field.key.text;
      if (!evaluator.isNew(field.key, known, "field"))
        continue;
      if (key == "loss")
        checkLoss(*field.value);
      else if (key == "optimizer")
        checkOptimizer(*field.value);
      else if (key == "batch")
        train.batch = evaluator.integer(*field.value, "the batch", 1, limits::kBatch).value_or(1);
      else if (key == "epochs")
        train.epochs = evaluator.integer(*field.value, "the number of epochs", 0, limits::kEpochs).value_or(1);
      else
        reportUnknownField(field);
    }
  }

  void reportUnknownField(const TrainField &field) {
    StringRef key = field.key.text;
    std::string hint = diagnostics.didYouMean(key, {"loss", "optimizer", "batch", "epochs"});
    // What belongs into the parentheses of a loss or an optimizer is often sought beside it.
    for (auto [owner, names] : {std::pair<StringRef, ArrayRef<StringRef>>{"optimizer adam", kAdamNumbers},
                                {"optimizer sgd", kSgdNumbers},
                                {"loss mse_count", kMseCountNumbers}})
      if (StringRef name = diagnostics.nearest(key, names); hint.empty() && !name.empty())
        hint = ("; it stands in the parentheses of another line: '" + owner + "(" + name + " = VALUE)'").str();
    diagnostics.error(DiagId::UnknownField, field.key.range,
                      "'train' has no '" + key + "'; expected loss, optimizer, batch or epochs" + hint);
  }

  bool isCall(const Expr &expr) { return expr.kind == Expr::Kind::Name || expr.kind == Expr::Kind::Call; }

  void checkLoss(const Expr &expr) {
    if (!isCall(expr) || expr.name != "mse_count")
      return diagnostics.error(DiagId::UnknownLoss, expr.range,
                               (isCall(expr) ? "unknown loss '" + expr.name + "'" : Twine("expected a loss")) +
                                   "; the only one is 'mse_count(correct = 1, incorrect = 0)'" +
                                   diagnostics.didYouMean(expr.name, {"mse_count"}));
    train.lossLoc = expr.range.Start;
    if (auto bound = evaluator.bind(expr, kMseCountNumbers)) {
      train.correct = real((*bound)[0], "'correct' is a share of the time steps and", 1, kShare);
      train.incorrect = real((*bound)[1], "'incorrect' is a share of the time steps and", 0, kShare);
    }
  }

  void checkOptimizer(const Expr &expr) {
    if (!isCall(expr) || (expr.name != "adam" && expr.name != "sgd"))
      return diagnostics.error(
          DiagId::UnknownOptimizer, expr.range,
          (isCall(expr) ? "unknown optimizer '" + expr.name + "'" : Twine("expected an optimizer")) +
              "; it is 'adam(lr = 1e-3)' or 'sgd(lr = 1e-3)'" + diagnostics.didYouMean(expr.name, {"adam", "sgd"}));
    train.optimizerLoc = expr.range.Start;
    train.adam = expr.name == "adam";
    if (!train.adam) {
      if (auto bound = evaluator.bind(expr, kSgdNumbers))
        train.optimizer = {{"lr", real((*bound)[0], "'lr'", 1e-3, kNotNegative), kNotNegative},
                           {"momentum", real((*bound)[1], "'momentum'", 0, kNotNegative), kNotNegative},
                           {"weight_decay", real((*bound)[2], "'weight_decay'", 0, kNotNegative), kNotNegative}};
      return;
    }
    auto bound = evaluator.bind(expr, kAdamNumbers);
    if (!bound)
      return;
    double beta1 = 0.9, beta2 = 0.999;
    if (const Argument *betas = (*bound)[1]; betas && evaluator.isPlain(*betas)) {
      const Expr &pair = *betas->value;
      if (pair.kind != Expr::Kind::Tuple || pair.args.size() != 2)
        return diagnostics.error(DiagId::WrongArgument, betas->range,
                                 "'betas' is a pair of numbers, as in 'betas = (0.9, 0.999)'");
      beta1 = realOf(pair.operand(0), pair.operand(0).range, "the first of betas", beta1, kBelowOne);
      beta2 = realOf(pair.operand(1), pair.operand(1).range, "the second of betas", beta2, kBelowOne);
    }
    train.optimizer =
        adam(real((*bound)[0], "'lr'", 1e-3, kNotNegative), beta1, beta2,
             real((*bound)[2], "'eps'", 1e-8, kNotNegative), real((*bound)[3], "'weight_decay'", 0, kNotNegative));
  }

  static std::vector<Hyper> adam(double lr, double beta1, double beta2, double eps, double weightDecay) {
    return {{"lr", lr, kNotNegative},
            {"beta1", beta1, kBelowOne},
            {"beta2", beta2, kBelowOne},
            {"eps", eps, kNotNegative},
            {"weight_decay", weightDecay, kNotNegative}};
  }

  CheckedTrain &train;
  Evaluator &evaluator;
  Diagnostics &diagnostics;
};

} // namespace

void checkTrain(const std::vector<TrainDecl> &decls, CheckedTrain &train, Evaluator &evaluator) {
  TrainChecker(train, evaluator).run(decls);
}

} // namespace snn::frontend
