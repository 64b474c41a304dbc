// Parameters of an instance as safetensors files, under PyTorch's names and in PyTorch's shapes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CHECKPOINT_CHECKPOINT_H
#define SNN_RUNTIME_CHECKPOINT_CHECKPOINT_H

#include "runtime/checkpoint/TableTensors.h"
#include "snn/runtime.h"

#include <optional>

namespace snn {

/// Copies of all parameters; of all buffers; of all gradients, as `grad.NAME`. In the table's types.
std::vector<OwnedTensor> parameterTensors(const snn_instance *instance, const snn_model_table &table);
std::vector<OwnedTensor> bufferTensors(const snn_instance *instance, const snn_model_table &table);
std::vector<OwnedTensor> gradientTensors(const snn_instance *instance, const snn_model_table &table);

/// Writes parameters, buffers and the constants that are compiled in: a complete state_dict. Its metadata say which
/// model it belongs to ("model", "model_hash") and after which epoch it was saved ("epoch", counted from 0 as in
/// metrics.jsonl; not there if none was trained). Throws DataError, and writes nothing, if an element is not finite;
/// and WriteError.
void saveCheckpoint(const std::string &path, const snn_instance *instance, const snn_model_table &table,
                    std::optional<uint64_t> epoch = std::nullopt);

/// As it stands in metadata and in run.json.
std::string modelHashText(const snn_model_table &table);

enum class OtherTensors { Refuse, Ignore };

/// A state_dict as a model takes it: its tensors in the order of its table, in the table's types.
struct Checkpoint {
  std::vector<OwnedTensor> parameters, buffers;
};

/// Of the table only the name and the lists of tensors are read. Throws DataError as loadCheckpoint.
Checkpoint readCheckpoint(const snn_model_table &table, const TensorFile &file, OtherTensors others);

/// The part of that which looks at constants. Throws DataError if one differs from the compiled one.
void checkConstants(const snn_model_table &table, const TensorFile &file);

/// Sets all parameters and buffers from the file (F32 and F64 become the model's precision). Throws DataError, naming
/// the tensor, if one is missing, has another shape or a value that is not finite, if a constant differs from the
/// compiled one, or, with OtherTensors::Refuse, if the file has a tensor that the model does not have. Then nothing has
/// changed. `num_batches_tracked` of PyTorch, a whole number beside a buffer, is let through and forgotten. Constants
/// may be missing, and may have any shape and any type but the 16-bit reals.
void loadCheckpoint(snn_instance *instance, const snn_model_table &table, const TensorFile &file, OtherTensors others);

} // namespace snn

#endif // SNN_RUNTIME_CHECKPOINT_CHECKPOINT_H
