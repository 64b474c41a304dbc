// Matches the tensors of a file with a model's inputs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TOOLS_INPUTBINDING_H
#define SNN_RUNTIME_TOOLS_INPUTBINDING_H

#include "runtime/data/Safetensors.h"
#include "snn/runtime.h"

#include <optional>
#include <string>
#include <vector>

namespace snn::tools {

/// The inputs of one call, contiguous and in the model's types.
struct BoundInputs {
  uint64_t batch = 0, steps = 0;
  /// The first label or target that the file lacks, as the loss needs all of them; empty if none.
  std::string missing = "labels";
  std::vector<std::vector<std::byte>> data; // one per input of the table; empty: not in the file
  std::vector<snn_view> views;
};

/// Takes each input of the table from the tensor `prefix` + name, or from `name` if that is not there. Batch and time
/// steps come from the shapes; `steps` is for models and inputs that leave them open. Throws DataError: a missing
/// input (labels and targets may be missing), another type or shape, extents that contradict each other.
BoundInputs bindInputs(const snn_model_table &table, const TensorFile &file, const std::string &prefix,
                       std::optional<uint64_t> steps);

/// Bytes of one time step of an input that varies over time; 0 for one that does not.
uint64_t bytesPerTimeStep(const snn_tensor_info &tensor, uint64_t batch);

/// The shape with batch and time filled in.
std::vector<int64_t> filledShape(const snn_tensor_info &tensor, uint64_t batch, uint64_t steps);

} // namespace snn::tools

#endif // SNN_RUNTIME_TOOLS_INPUTBINDING_H
