// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks of neuron definitions, and of the arguments that a layer gives them.

#ifndef SNN_FRONTENDS_SNN_NEURONCHECKS_H
#define SNN_FRONTENDS_SNN_NEURONCHECKS_H

#include "frontends/snn/Evaluate.h"

namespace snn::frontend {

/// The functions of neuron bodies with the number of their arguments, and a call of each.
struct FunctionInfo {
  llvm::StringRef name;
  unsigned arity;
  llvm::StringRef example;
};
llvm::ArrayRef<FunctionInfo> functions();

/// Checks a definition for all of its options at once. Always gives a neuron; it is marked invalid, and no error needs
/// to be reported about layers of it, if something is wrong.
std::unique_ptr<CheckedNeuron> checkNeuron(const Definition &decl, bool prelude, Evaluator &evaluator);

/// The values of the neuron's parameters in a layer that is written as `call`.
/// What layers need to know of a neuron that is a definition, which was found `valid` or not.
std::unique_ptr<CheckedNeuron> describeNeuron(const Definition &definition, bool prelude, bool valid,
                                              Evaluator &evaluator);

/// `linear`, `linear(bias = false)` or `each`, as a neuron's parameter.
std::optional<ParamValue> layerValue(const Expr &expr);

std::optional<std::vector<ParamValue>> checkNeuronArguments(const CheckedNeuron &neuron, const Expr &call,
                                                            Evaluator &evaluator);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_NEURONCHECKS_H
