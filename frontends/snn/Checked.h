// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A model in which everything is resolved and within its limits: what the printer and the importer read.

#ifndef SNN_FRONTENDS_SNN_CHECKED_H
#define SNN_FRONTENDS_SNN_CHECKED_H

#include "dialect/SnnDialect.h"
#include "frontends/snn/Definitions.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/SourceMgr.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace snn::frontend {

enum class Precision { F32, F64 };

struct FrontendOptions {
  std::map<std::string, std::string> defines; ///< -D NAME=VALUE: values of `param` lines
  Precision precision = Precision::F32;       ///< the type of all reals of the module
  bool softSpikes = false;                    ///< `fire` gives the surrogate's antiderivative instead of the step
  RunMode mode = RunMode::Train;
};

enum class ParamKind { Number, Option, Surrogate, Function, Layer };

/// A surrogate, or a function, with numbers for all of its parameters, in the order of its definition.
struct SurrogateValue {
  const Definition *definition = nullptr;
  const Expr *call = nullptr; ///< the name or the call as it is written
  std::vector<double> numbers;
};

/// A layer that is a definition, as it is called: for each parameter its numbers (one, or those of a tuple) or word.
struct LayerCall {
  struct Value {
    std::vector<double> numbers;
    std::string word;
    SurrogateValue surrogate;
    const Expr *written = nullptr; ///< null where the default holds
  };
  const Definition *definition = nullptr; ///< once it is placed, that for the number of extents
  std::vector<Value> values;
  std::vector<const Argument *> inputs; ///< labels, if it says what it takes
};

/// What a layer learns, or keeps as a buffer or a state, under its name in the layer. It starts at `low`, or anywhere
/// up to `high`.
struct LayerArray {
  std::string name;
  std::vector<int64_t> extents;
  bool learned = true;
  double low = 0, high = 0;
  bool uniform = false;
  llvm::SMLoc loc;
};

struct LayerIndex {
  llvm::StringRef name; ///< of each of the extents that `...` stands for: `...`
  int64_t extent;
};

/// What a definition of a layer says for the extents of its inputs.
struct LayerShapes {
  std::map<std::string, double, std::less<>> numbers; ///< parameters (`stride`, `stride.1`), extents, lines
  std::map<std::string, std::string, std::less<>> words;
  std::vector<LayerArray> arrays;
  std::vector<LayerArray> states; ///< of each sample
  bool spikes = false;            ///< gives spikes, otherwise values
  double factor = 1;              ///< what spikes are multiplied with
  /// By the statement of a line those of its left side, by a call those behind `over`.
  std::map<const void *, std::vector<LayerIndex>> indices;
  std::vector<int64_t> to;

  /// Of an option; `training` is one too.
  llvm::StringRef wordOf(llvm::StringRef option, bool training) const;
  /// Of an expression that the checks have found to be a number: parameters, extents and what lines make of them.
  double evaluate(const Expr &expr) const;
  /// Of a name, or of an element of a parameter; nothing if it has no such element.
  std::optional<double> lookUp(const Expr &expr) const;
  /// `option == word`; nothing for other expressions.
  std::optional<bool> test(const Expr &expr) const;
};

/// What a neuron's parameter is in a layer. Only the part that belongs to the parameter's kind is used.
struct ParamValue {
  bool learn = false;   ///< trained
  bool each = false;    ///< one value per neuron; otherwise one for the layer. Kept as a buffer if it is not trained
  bool channel = false; ///< `each`, but one value for all neurons of the same place along the first extent
  bool uniform = false; ///< starts in [number, high) instead of at `number`
  double number = 0, high = 0;
  LayerCall call;     ///< of a layer, unless it is `each`
  LayerShapes shapes; ///< ... where it is placed
  std::string word;
  SurrogateValue surrogate;
};

struct CheckedParam {
  Name name;
  ParamKind kind = ParamKind::Number;
  ParamValue byDefault;
  std::vector<llvm::StringRef> words;    ///< of an option
  const NeuronParam *interval = nullptr; ///< if its definition says in which range it lies
};

struct CheckedState {
  Name name;
  double rest = 0;
};

struct CheckedNeuron {
  const Definition *decl = nullptr;
  bool prelude = false;
  bool valid = true;
  bool spikes = true; ///< otherwise it gives a value
  std::vector<CheckedParam> params;
  llvm::StringMap<size_t> paramIndex; ///< place of a name in `params`
  std::vector<CheckedState> states;   ///< as declared; `fired` comes on top where it is used

  /// The state that the output "membrane" shows: `mem`, else the first one. None without states.
  const CheckedState *membrane() const;
};

struct CheckedLayer {
  enum class Kind { Flatten, Defined, Neuron, Population };
  Kind kind = Kind::Flatten;
  std::string key; ///< the label, or the index that nn.Sequential gives it; empty for population
  bool labelled = false;
  llvm::SMLoc loc;
  const LayerDecl *block = nullptr; ///< the model's line that stands for it, where that is a block's
  std::vector<int> sources;         ///< the layers that it takes, by their places; -1 is the model's input
  std::vector<int64_t> from, to;    ///< one sample's extents, of the first that it takes and of what it gives
  LayerCall call;                   ///< Defined
  LayerShapes shapes;               ///< Defined
  int64_t classes = 0;              ///< Population
  const CheckedNeuron *neuron = nullptr;
  std::vector<ParamValue> values; ///< Neuron: one for each of its parameters
};

/// Whether the layer goes step by step and gives what a loss may read: neurons, or a layer that has a state.
inline bool isNeuron(const CheckedLayer &layer) {
  return layer.kind == CheckedLayer::Kind::Neuron ||
         (layer.kind == CheckedLayer::Kind::Defined && !layer.shapes.states.empty());
}
/// Whether what it gives are spikes.
inline bool givesSpikes(const CheckedLayer &layer) {
  return layer.kind == CheckedLayer::Kind::Neuron ? layer.neuron->spikes : layer.shapes.spikes;
}
/// Whether they are bits: no factor stands behind them, or one that is known to be 1.
bool givesBits(const CheckedLayer &layer);
/// The factor of a line `spike VALUE * FACTOR`; null if there is none.
const Expr *factorOf(const Statement &spike);
/// What stands before the factor, or alone.
const Expr &arrayOf(const Statement &spike);
/// Of a place on the left side of a line, where terms of its sum land: `2 * i + p` of `y[2 * i + p < rows]`. Null for
/// an index.
const Expr *landingOf(const Expr &place);
/// What a reduction goes over; null for other expressions.
const Argument *overOf(const Expr &expr);
/// Whether a line of a neuron has one.
bool isGraded(const Statements &body);
/// The place among the states of the one that the output "membrane" shows: `mem`, else the first one.
std::optional<size_t> membraneOf(const CheckedLayer &layer);

/// The value of one of the neuron's parameters.
const ParamValue &valueOf(const CheckedLayer &layer, llvm::StringRef name);

/// The word that an option has in a layer of neurons; empty for what is no option.
llvm::StringRef wordOf(const CheckedLayer &layer, llvm::StringRef option);

/// The statements that the layer's options choose among the branches of an `if`; null if no branch holds.
const Statements *chosenBranch(const Statement &statement, const CheckedLayer &layer);

/// What the host gives with each sample: the input, or a label or a target.
struct CheckedInput {
  llvm::SMLoc loc;
  std::string name;
  bool label = false;   ///< class numbers, which have no extents
  bool declared = true; ///< otherwise the labels of a model that declares none
  bool read = false;    ///< by a loss or a metric
  int64_t classes = 0;  ///< of a label: of the layers that it is compared with, the fewest
  bool bytes = false;   ///< u8; otherwise reals
  std::vector<int64_t> extents;
  double divisor = 1;
  bool overTime = false;
};

/// What a number may be: at least `low`, and at most `high` or below it. An infinite end is none.
struct NumberRange {
  double low, high;
  bool belowHigh = false;

  bool contains(double value) const { return value >= low && (belowHigh ? value < high : value <= high); }
};

/// A number of the loss or the optimiser, under the name that it has at run time.
struct Hyper {
  std::string name;
  double value;
  NumberRange range;
};

/// A definition that `train` uses, with a number for each of its parameters, of a tuple for each element.
struct CheckedUse {
  const Definition *definition = nullptr;
  llvm::SMLoc loc; ///< invalid where the default holds
  std::vector<Hyper> numbers;
  std::map<std::string, std::string, std::less<>> words;             ///< of its options
  std::map<std::string, std::vector<double>, std::less<>> constants; ///< one for all classes, or one for each
  std::string layer; ///< of a loss or a metric: the key of the layer that it reads; empty: the last one
  std::map<std::string, size_t, std::less<>> reads; ///< of its inputs `label` and `target`: their places in the model
  std::string symbol;                               ///< of a metric: the output that shows it
  std::optional<Hyper> weight;                      ///< of a loss, in a sum
};

struct CheckedTrain {
  llvm::SMLoc lossLoc; ///< invalid where the default holds
  int64_t batch = 128, epochs = 10;
  std::optional<int64_t> window; ///< of truncated backpropagation, in steps
  std::vector<CheckedUse> losses, metrics;
  CheckedUse rule, schedule;      ///< the optimizer's, and by which share of `lr` it goes
  CheckedUse clip;                ///< without a definition: none
  std::vector<CheckedUse> groups; ///< numbers of the rule that a label has for itself, `lr.h1`
};

struct CheckedModel {
  std::shared_ptr<llvm::SourceMgr> sources; ///< owns the text that names and locations refer to
  std::shared_ptr<SourceFile> file;
  std::shared_ptr<const Standard> standard;
  DefinitionFile definitions; ///< of the file and the standard ones
  FrontendOptions options;
  Name name;
  std::map<std::string, double> params; ///< of the file, with the command line's values
  CheckedInput input;
  std::vector<CheckedInput> targets; ///< and labels
  std::optional<int64_t> steps;      ///< absent: given with each call
  int64_t maxSteps = 1;
  std::vector<std::shared_ptr<const CheckedNeuron>> neurons;
  std::vector<CheckedLayer> layers;
  CheckedTrain train;

  /// Width of the last neuron layer, and into how many classes its spikes are counted.
  int64_t outputNeurons() const;
  int64_t classes() const;
  /// How many classes a layer's neurons belong to. Without a population each one is a class.
  int64_t classesOf(const CheckedLayer &layer) const;
};

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_CHECKED_H
