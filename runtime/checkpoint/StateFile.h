// The neuron state of step() as safetensors files.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CHECKPOINT_STATEFILE_H
#define SNN_RUNTIME_CHECKPOINT_STATEFILE_H

#include "runtime/core/Instance.h"
#include "runtime/data/Safetensors.h"

namespace snn {

/// Writes the states of the instance's first `batch` samples, each `[batch, ...]` under its name in the table, with the
/// number of steps that were taken ("first_step") and the model's name in the metadata. Throws Error if the instance
/// has fewer samples; DataError, and writes nothing, if an element is not finite; and WriteError.
void saveState(const std::string &path, const snn_instance &instance, uint64_t batch);

/// Sets them; samples beyond `batch` are put at rest. Throws Error as above; DataError, naming the tensor, if the file
/// is of another batch size, of another model, or no file of states. Then nothing has changed.
void loadState(snn_instance &instance, uint64_t batch, const TensorFile &file);

} // namespace snn

#endif // SNN_RUNTIME_CHECKPOINT_STATEFILE_H
