// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lines of a model, or of a block, as a graph of layers that fit together.

#ifndef SNN_FRONTENDS_SNN_GRAPHCHECKS_H
#define SNN_FRONTENDS_SNN_GRAPHCHECKS_H

#include "frontends/snn/Evaluate.h"
#include "frontends/snn/Limits.h"
#include "frontends/snn/NeuronRanges.h"

namespace snn::frontend {

/// Whether the compiled model has such a symbol anyway: a model or a label of this name would stand for two things.
/// Numbers of its optimizer are looked at where that is known.
bool isOwnSymbol(llvm::StringRef name);

/// Fills the model's layers, line by line.
class GraphChecker {
public:
  GraphChecker(CheckedModel &model, Evaluator &evaluator)
      : model(model), evaluator(evaluator), diagnostics(evaluator.diagnostics) {}

  llvm::StringMap<const CheckedNeuron *> neurons;

  /// A neuron, a layer or a block of that name.
  bool isLayer(llvm::StringRef name) const;
  /// The shape of one sample, unless it is not known, and the values of the input.
  void begin(std::optional<std::vector<int64_t>> shape, Interval values);
  void checkLine(const LayerDecl &line);
  /// What must have been there when the model ends.
  void end(const ModelDecl &model);
  /// Whether a line uses what `let` has configured.
  bool isUsed(llvm::StringRef let) const { return usedLets.contains(let); }

private:
  struct Source {
    int layer = -1;                            ///< of the model, or its input
    std::optional<std::vector<int64_t>> shape; ///< of one sample; unknown after an error
    Interval values;                           ///< in which all values lie
  };

  bool isOverLimit() const { return layerCount > limits::kLayers || letCount > limits::kLayers; }
  void checkLet(const LayerDecl &decl);
  std::optional<CheckedLayer> resolve(const Expr &call);
  void reportUnknownLayer(const Expr &call);
  std::optional<CheckedLayer> resolvePopulation(const Expr &call);
  void checkLayer(const LayerDecl &decl);
  void expand(const BlockDecl &block, const LayerDecl &decl, const std::string &key);
  void checkFrom(const LayerDecl &decl);
  const Source *sourceOf(const Argument &argument);
  void reportSources(const Expr &call, size_t wanted, size_t given);
  std::optional<llvm::SmallVector<Source>> sourcesOf(const CheckedLayer &layer, const Expr &call);
  void place(CheckedLayer layer, const LayerDecl &decl);
  bool placeDefined(CheckedLayer &layer, llvm::ArrayRef<Source> sources, const Expr &call);
  static std::optional<std::vector<int64_t>> likelyShape(const LayerCall &call);
  bool reportRank(const Definition &first, const std::vector<int64_t> &shape, const Expr &call);
  static std::string listOfExtents(const std::vector<int64_t> &shape);
  bool reportNotFlat(const std::vector<int64_t> &shape, const Expr &call);
  bool placeRecurrence(CheckedLayer &layer, const Expr &call);

  CheckedModel &model;
  Evaluator &evaluator;
  Diagnostics &diagnostics;
  llvm::StringMap<llvm::SMRange> letNames, labels;
  llvm::StringMap<std::optional<CheckedLayer>> lets;
  llvm::StringSet<> usedLets;
  Source above;                                   ///< what the next line takes
  std::string prefix;                             ///< of keys, in blocks
  llvm::SmallVector<const BlockDecl *> expanding; ///< around the line
  const LayerDecl *outermost = nullptr;           ///< the model's line that stands for a block, around the line
  int64_t lineCount = 0;                          ///< of layers in the model or the block
  llvm::StringMap<Source> labelled;
  uint64_t rangeWork = 4'000'000; ///< what may be spent on finding out what neurons can do, a tenth of a second
  const LayerDecl *last = nullptr;
  size_t layerCount = 0, letCount = 0; ///< with those of blocks
  bool population = false;
  bool complete = true; ///< all layers so far could be read
};

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_GRAPHCHECKS_H
