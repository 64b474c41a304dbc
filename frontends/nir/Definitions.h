// What NIR's primitives compute, as definitions in the snn language.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_NIR_DEFINITIONS_H
#define SNN_FRONTENDS_NIR_DEFINITIONS_H

#include <optional>
#include <string>
#include <vector>

namespace snn::nir {

/// A definition that a translated model carries with it.
struct Form {
  std::string type;       ///< of NIR's node: "LIF"
  bool recurrent = false; ///< its own spikes come in too, a step later
  bool fromRest = false;  ///< the membrane starts at v_leak (of an IF at v_reset), and not at 0
};

/// "nir_lif", "nir_rcuba_lif_from_rest".
std::string nameOf(const Form &form);

/// The whole definition. Neurons are NIR's differential equations by Euler's method with steps of dt, the current
/// before the membrane; a neuron fires where v > v_threshold and is set to v_reset in the same step.
std::string definitionOf(const Form &form);

/// All forms that there are, and the one of a name.
const std::vector<Form> &allForms();
std::optional<Form> formNamed(const std::string &name);

/// Shows what is not the spikes of neurons in one row as the membrane of a last layer, which a model must have.
inline constexpr const char *kReadout = "Readout";

} // namespace snn::nir

#endif // SNN_FRONTENDS_NIR_DEFINITIONS_H
