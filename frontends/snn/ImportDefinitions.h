// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checked definitions -> ops of the core, at the place where a model uses them.

#ifndef SNN_FRONTENDS_SNN_IMPORTDEFINITIONS_H
#define SNN_FRONTENDS_SNN_IMPORTDEFINITIONS_H

#include "frontends/snn/ImportBody.h"

namespace snn::frontend {

/// A neuron's parameter that is a layer from its neurons to themselves: a definition with what it learns by name, or,
/// if there is none, one weight for each neuron.
struct RecurrentLayer {
  const LayerCall *call = nullptr;
  const LayerShapes *shapes = nullptr;
  std::map<llvm::StringRef, mlir::Value> learned;
};

/// A layer of neurons. Numeric parameters are known, or arrays of real numbers, of rank 0 or one for each neuron.
struct NeuronLayer {
  const Definition *definition = nullptr;
  ArrayValue current; ///< axes: time if it varies, sample, neuron
  std::map<llvm::StringRef, double> constants;
  std::map<llvm::StringRef, ArrayValue> numbers;
  std::map<llvm::StringRef, std::string> words;       ///< of options
  std::map<llvm::StringRef, const Expr *> surrogates; ///< a surrogate's name or call
  std::map<llvm::StringRef, RecurrentLayer> layers;
  bool graded = false;                   ///< its spikes are reals, by a factor that is not 1
  llvm::SmallVector<mlir::Value> states; ///< at the start, in the order of `statesOf`; sample x neurons
};

struct NeuronResults {
  mlir::Value output;                    ///< time x sample x neurons: spikes, or what `value` says
  llvm::SmallVector<mlir::Value> states; ///< after each step
  llvm::SmallVector<mlir::Value> finals; ///< after the last one
};

/// Name and value at rest of each state, in the order of the text; `fired` last if the body reads it.
std::vector<std::pair<llvm::StringRef, double>> statesOf(const Definition &definition, const DefinitionFile &file);

/// A scan over the steps of the call. Fails, with an error on the context, for what cannot be imported yet.
mlir::FailureOr<NeuronResults> importNeuron(const NeuronLayer &layer, const ImportContext &context,
                                            mlir::OpBuilder &builder, mlir::Location location);

struct LayerResults {
  ArrayValue output;
  llvm::SmallVector<mlir::Value> states;          ///< after each step
  llvm::SmallVector<mlir::Value> finals;          ///< after the last one
  std::map<llvm::StringRef, mlir::Value> buffers; ///< what is next in those that the layer assigns
};

/// A layer that is a definition. `learned` are its arrays by name, `states` those at the start; `inputs` and the output
/// have the axes time, if they vary, and sample, and their other extents behind them. What depends on a state is the
/// body of a scan. `stepsOfCall`: the layer is part of a neuron's step, in which this gives the count of steps.
LayerResults importLayer(const LayerCall &layer, const LayerShapes &shapes, llvm::ArrayRef<ArrayValue> inputs,
                         const std::map<llvm::StringRef, mlir::Value> &learned, llvm::ArrayRef<mlir::Value> states,
                         const ImportContext &context, mlir::OpBuilder &builder, mlir::Location location,
                         std::function<ArrayValue()> stepsOfCall = nullptr);

/// Whether a name stands in one of the expressions.
bool mentions(const Expr &expr, llvm::StringRef name);

/// A definition without axes: an optimizer, for one element, or a schedule. All names are arrays of rank 0, of the
/// real type (inputs and states) or f64 (numbers). Gives what it says, then the next states.
mlir::FailureOr<llvm::SmallVector<mlir::Value>> importElement(const Definition &definition,
                                                              std::map<llvm::StringRef, Binding> names,
                                                              const ImportContext &context, mlir::OpBuilder &builder,
                                                              mlir::Location location);

/// What a clip makes of the gradients of all parameters. `numbers` are those of its parameters.
llvm::SmallVector<mlir::Value> importClip(const Definition &definition,
                                          const std::map<llvm::StringRef, Binding> &numbers,
                                          llvm::ArrayRef<mlir::Value> gradients, ImportContext context,
                                          mlir::OpBuilder &builder, mlir::Location location);

/// A loss or a metric: the mean over the samples of the call, an array of rank 0 of f64.
mlir::FailureOr<mlir::Value> importLoss(const Definition &definition, std::map<llvm::StringRef, Binding> names,
                                        const ImportContext &context, mlir::OpBuilder &builder,
                                        mlir::Location location);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_IMPORTDEFINITIONS_H
