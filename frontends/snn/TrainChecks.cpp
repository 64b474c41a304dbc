// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of the `train` block.

#include "frontends/snn/TrainChecks.h"

#include "frontends/snn/Limits.h"

#include <cmath>

using namespace llvm;

namespace snn::frontend {
namespace {

class TrainChecker {
public:
  TrainChecker(CheckedTrain &train, Evaluator &evaluator)
      : train(train), evaluator(evaluator), diagnostics(evaluator.diagnostics) {}

  /// The number of an argument within bounds; the default if there is none.
  double real(const Argument *argument, double byDefault, double low, double high, bool belowHigh = false) {
    if (!argument || !evaluator.isPlain(*argument))
      return byDefault;
    return realOf(*argument->value, argument->range, byDefault, low, high, belowHigh);
  }
  double realOf(const Expr &expr, SMRange range, double byDefault, double low, double high, bool belowHigh) {
    auto value = evaluator.number(expr);
    if (!value)
      return byDefault;
    if (*value < low || *value > high || (belowHigh && *value == high)) {
      std::string bounds = high == HUGE_VAL ? "must be at least " + numberText(low)
                                            : "must be at least " + numberText(low) + " and " +
                                                  (belowHigh ? "below " : "at most ") + numberText(high);
      diagnostics.error(DiagId::OutOfRange, range, "value " + bounds + ", but is " + numberText(*value));
    }
    return *value;
  }

  void run(const std::vector<TrainDecl> &decls) {
    train.optimizer = {{"lr", 1e-3}, {"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-8}, {"weight_decay", 0}};
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
        diagnostics.error(DiagId::UnknownField, field.key.range,
                          "'train' has no '" + key + "'; expected loss, optimizer, batch or epochs" +
                              didYouMean(key, {"loss", "optimizer", "batch", "epochs"}));
    }
  }

  bool isCall(const Expr &expr) { return expr.kind == Expr::Kind::Name || expr.kind == Expr::Kind::Call; }

  void checkLoss(const Expr &expr) {
    if (!isCall(expr) || expr.name != "mse_count")
      return diagnostics.error(DiagId::UnknownLoss, expr.range,
                               "expected the loss 'mse_count(correct = 1, incorrect = 0)'" +
                                   didYouMean(expr.name, {"mse_count"}));
    train.lossLoc = expr.range.Start;
    if (auto bound = evaluator.bind(expr, {"correct", "incorrect"})) {
      train.correct = real((*bound)[0], 1, 0, 1);
      train.incorrect = real((*bound)[1], 0, 0, 1);
    }
  }

  void checkOptimizer(const Expr &expr) {
    if (!isCall(expr) || (expr.name != "adam" && expr.name != "sgd"))
      return diagnostics.error(DiagId::UnknownOptimizer, expr.range,
                               "expected the optimizer 'adam(...)' or 'sgd(...)'" +
                                   didYouMean(expr.name, {"adam", "sgd"}));
    train.optimizerLoc = expr.range.Start;
    train.adam = expr.name == "adam";
    if (!train.adam) {
      if (auto bound = evaluator.bind(expr, {"lr", "momentum", "weight_decay"}))
        train.optimizer = {{"lr", real((*bound)[0], 1e-3, 0, HUGE_VAL)},
                           {"momentum", real((*bound)[1], 0, 0, HUGE_VAL)},
                           {"weight_decay", real((*bound)[2], 0, 0, HUGE_VAL)}};
      return;
    }
    auto bound = evaluator.bind(expr, {"lr", "betas", "eps", "weight_decay"});
    if (!bound)
      return;
    double beta1 = 0.9, beta2 = 0.999;
    if (const Argument *betas = (*bound)[1]; betas && evaluator.isPlain(*betas)) {
      const Expr &pair = *betas->value;
      if (pair.kind != Expr::Kind::Tuple || pair.args.size() != 2)
        return diagnostics.error(DiagId::WrongArgument, betas->range,
                                 "'betas' is a pair of numbers, as in 'betas = (0.9, 0.999)'");
      beta1 = realOf(pair.operand(0), pair.operand(0).range, beta1, 0, 1, true);
      beta2 = realOf(pair.operand(1), pair.operand(1).range, beta2, 0, 1, true);
    }
    train.optimizer = {{"lr", real((*bound)[0], 1e-3, 0, HUGE_VAL)},
                       {"beta1", beta1},
                       {"beta2", beta2},
                       {"eps", real((*bound)[2], 1e-8, 0, HUGE_VAL)},
                       {"weight_decay", real((*bound)[3], 0, 0, HUGE_VAL)}};
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
