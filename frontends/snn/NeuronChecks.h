// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Neurons as layers see them, and checks of the arguments that a layer gives them.

#ifndef SNN_FRONTENDS_SNN_NEURONCHECKS_H
#define SNN_FRONTENDS_SNN_NEURONCHECKS_H

#include "frontends/snn/Evaluate.h"

namespace snn::frontend {

/// What layers need to know of a neuron, whose definition was found `valid` or not.
std::unique_ptr<CheckedNeuron> describeNeuron(const Definition &definition, bool prelude, bool valid,
                                              Evaluator &evaluator);

/// Whether a neuron's parameter is a layer, from its neurons to themselves: `linear`, `conv(kernel = 3, padding = 1)`
/// or another definition, or `each`.
bool isLayerValue(const Expr &expr, const Evaluator &evaluator);
std::optional<ParamValue> layerValue(const Expr &expr, Evaluator &evaluator);

/// The values of the neuron's parameters in a layer that is written as `call`.
std::optional<std::vector<ParamValue>> checkNeuronArguments(const CheckedNeuron &neuron, const Expr &call,
                                                            Evaluator &evaluator);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_NEURONCHECKS_H
