// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Uses of losses, metrics, optimizers, clips and schedules in a `train` block: what they read, and their numbers.

#ifndef SNN_FRONTENDS_SNN_USECHECKS_H
#define SNN_FRONTENDS_SNN_USECHECKS_H

#include "frontends/snn/DefinitionChecker.h"

namespace snn::frontend {

class UseChecker {
public:
  UseChecker(CheckedModel &model, Evaluator &evaluator, DefinitionChecker &definitions)
      : model(model), evaluator(evaluator), definitions(definitions), diagnostics(evaluator.diagnostics),
        isBroken(diagnostics.hasErrors()), declared(model.targets.size()) {}

  /// `definition(number, name = number)`, and for what reads a layer its label first, then targets and labels. Nothing,
  /// with an error, if it is not right.
  std::optional<CheckedUse> check(const Expr &expr, DefinitionKind kind, const llvm::Twine &prefix);
  bool addNumber(CheckedUse &use, const NeuronParam &param, const Expr &value, std::string name);
  /// What a model is trained towards that says nothing about it: a class for each sample.
  size_t addLabels();
  static llvm::SmallVector<llvm::StringRef> formalsOf(const Definition &definition);

  bool isDefault = false; ///< what is checked stands in the standard definitions

private:
  /// The labelled layer that the first argument names.
  const CheckedLayer *layerOf(const Argument &argument);
  /// Reports a name where only those of layers and targets can stand.
  bool refusesName(const Argument &argument);
  /// The place of the target or label that an argument names.
  std::optional<size_t> targetOf(const Argument &argument) const;
  bool addTarget(CheckedUse &use, size_t place, const Argument &argument);
  /// A label or a target that a use does not name is the only one.
  bool findTarget(CheckedUse &use, llvm::StringRef word, const Expr &expr);
  /// Whether what a use reads has the axes and extents that it needs.
  bool fits(const CheckedUse &use, const CheckedLayer &layer, const Expr &expr);
  /// `metric.NAME`; where that is taken, what it reads stands behind it.
  bool nameMetric(CheckedUse &use, const CheckedLayer *layer, const Expr &expr);
  bool canRead(CheckedUse &use, const CheckedLayer *layer, const Expr &expr);
  bool addNumbers(CheckedUse &use, const NeuronParam &param, const Argument *argument, const CheckedLayer *layer,
                  const llvm::Twine &prefix);
  /// One for all classes, or one for each.
  bool addConstants(CheckedUse &use, const NeuronParam &param, const Expr &value, const CheckedLayer *layer);
  /// Nobody can change what stands in the standard definitions.
  llvm::SMRange placeOf(const Expr &expr) const { return isDefault ? model.name.range : expr.range; }

  CheckedModel &model;
  Evaluator &evaluator;
  DefinitionChecker &definitions;
  Diagnostics &diagnostics;
  const bool isBroken;   ///< errors of the model were reported, so that it may lack layers
  const size_t declared; ///< targets and labels, in front of those of a model that declares none
};

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_USECHECKS_H
