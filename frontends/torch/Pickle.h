// The part of Python's pickles that holds data. Nothing that a pickle names is looked up or called.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_TORCH_PICKLE_H
#define SNN_FRONTENDS_TORCH_PICKLE_H

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace snn::torch {

/// What a pickle says of a tensor: elements of a storage of the archive.
struct TensorView {
  std::string storageType; ///< "torch.FloatStorage"
  std::string storageKey;  ///< names the archive's member
  int64_t storageElements = 0;
  int64_t offset = 0;
  std::vector<int64_t> shape, strides; ///< in elements
};

/// A value of the pickle. Those in it belong to the pickle, and may be in themselves.
struct Object {
  enum class Kind { Mark, None, Boolean, Integer, Real, Text, Sequence, Dictionary, Global, Storage, Tensor };
  Kind kind = Kind::None;
  int64_t integer = 0;                                            ///< also of a Boolean
  double real = 0;                                                ///< 0 where it is an integer of more than 64 bits
  std::string text;                                               ///< of a Text; "module.name" of a Global
  std::vector<const Object *> elements;                           ///< of a tuple or a list
  std::vector<std::pair<const Object *, const Object *>> entries; ///< of a dictionary
  TensorView tensor;                                              ///< of a Tensor; of a Storage its first three fields
};

/// All objects, so that none has to end before another one, however deep they nest.
struct Pickle {
  std::deque<Object> objects;
  const Object *root = nullptr;
};

/// Interprets a pickle, as torch.save writes it for dictionaries of tensors, numbers, texts, tuples and lists. Throws
/// DataError, which starts with `path` and names the byte: opcodes and globals beyond those, and whatever is cut short
/// or makes no sense.
Pickle readPickle(std::span<const std::byte> bytes, const std::string &path);

} // namespace snn::torch

#endif // SNN_FRONTENDS_TORCH_PICKLE_H
