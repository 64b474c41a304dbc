// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Weights that become a part of the code.

#ifndef SNN_COMPILER_DRIVER_WEIGHTS_H
#define SNN_COMPILER_DRIVER_WEIGHTS_H

#include "compiler/Driver/Compile.h"
#include "compiler/Emit/ModelInterface.h"

namespace snn {

/// The spans of snn/abi.h with what a state_dict says; zero between elements.
struct Weights {
  std::string parameters, buffers;
};

/// Reads a .safetensors file with the rules of the runtime's checkpoints: names, shapes, constants, finite numbers,
/// checksum. `message`: what is wrong, if the status is not success.
ExitStatus readWeights(const std::string &path, const ModelInterface &model, Weights &weights, std::string &message);

} // namespace snn

#endif // SNN_COMPILER_DRIVER_WEIGHTS_H
