// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Networks and weights of other programs: reading them as models, and writing models for them.

#ifndef SNN_COMPILER_DRIVER_EXCHANGE_H
#define SNN_COMPILER_DRIVER_EXCHANGE_H

#include "compiler/Driver/Compile.h"

namespace snn {

struct ImportOptions {
  /// A NIR graph (.nir), or a checkpoint of PyTorch (.pt, .pth).
  std::string input;
  /// The model's text; of a checkpoint, the .safetensors file.
  std::string output;
  /// Where the weights of a graph go. Empty: beside the text, with its stem.
  std::string weights;
  std::optional<double> timeStep; ///< in seconds; of a graph
  std::optional<int64_t> steps;   ///< that the model has; of a graph
  /// Of a checkpoint: names the dictionary of tensors in it. Empty: it is one.
  std::string key;
};

/// Reads and writes. Everything there is to say goes to `errors`. What is written is complete, or is not there.
ExitStatus importFile(const ImportOptions &options, llvm::raw_ostream &errors);

struct ExportOptions {
  std::string input;   ///< a model (.snn)
  std::string output;  ///< a NIR graph (.nir)
  std::string weights; ///< what the model has learned (.safetensors). Empty: it has learned nothing
  std::map<std::string, std::string> defines; ///< values for `param` declarations of the model
  std::optional<double> timeStep;             ///< in seconds, for which decays become time constants
  /// Resets that NIR cannot say are written beside the graph instead of being refused.
  bool keepResets = false;
};

/// As importFile(), the other way.
ExitStatus exportModel(const ExportOptions &options, llvm::raw_ostream &errors);

} // namespace snn

#endif // SNN_COMPILER_DRIVER_EXCHANGE_H
