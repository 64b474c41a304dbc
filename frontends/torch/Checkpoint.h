// Checkpoints of PyTorch as tensors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_TORCH_CHECKPOINT_H
#define SNN_FRONTENDS_TORCH_CHECKPOINT_H

#include "runtime/data/Safetensors.h"

namespace snn::torch {

struct Tensor {
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes; ///< contiguous
};

struct Checkpoint {
  std::map<std::string, Tensor> tensors;
  std::vector<std::string> others; ///< names of entries that are no tensors, which are left out
};

/// Whether a file that begins with `head` is a zip archive, or a pickle, as torch.save wrote before 1.6.
bool looksLikeCheckpoint(std::span<const std::byte> head);

/// Reads what torch.save (1.6 or later) wrote: a dictionary of tensors; or one in which `key` names that dictionary.
/// Tensors may share storages and have any strides; F16 and BF16 become F32, which holds all of their values. Throws
/// DataError, which starts with `path`: other archives and objects, big-endian numbers, tensors that are not within
/// their storages or read elements more than once, and all that readPickle() refuses.
Checkpoint readCheckpoint(const std::string &path, const std::string &key = "");

} // namespace snn::torch

#endif // SNN_FRONTENDS_TORCH_CHECKPOINT_H
