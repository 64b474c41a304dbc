// Arrays of numbers in files: views of memory with any order of axes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_DATA_ARRAY_H
#define SNN_RUNTIME_DATA_ARRAY_H

#include "runtime/data/Files.h"
#include "runtime/data/Safetensors.h"

#include <memory>
#include <string>
#include <vector>

namespace snn {

/// Elements of any alignment in memory that the array keeps alive: a mapped file, or what was unpacked from one.
struct Array {
  std::string label; // for messages: `digits.npz: "x_train"`
  ElementType type = ElementType::Other;
  std::string typeName;         // as in the file: "<f4", "BF16"
  std::vector<int64_t> shape;   // extents of at least 0
  std::vector<int64_t> strides; // in bytes
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// Strides in bytes of elements without gaps, the last axis the fastest; or the first, as in Fortran.
std::vector<int64_t> contiguousStrides(std::span<const int64_t> shape, uint64_t elementBytes, bool firstIsFastest);

/// Reads elements `from + offsets[i]`, or `from + i * size of an element` where there are no offsets, and writes
/// `count` of them, without gaps, to `to`. Returns how many came through unchanged before the first that did not.
using ConvertFunction = uint64_t (*)(const std::byte *from, const int64_t *offsets, uint64_t count, std::byte *to);

struct Conversion {
  ConvertFunction convert = nullptr; // none: such elements do not become such
  bool mayFail = false;              // whether some value cannot be held
};

/// Between F32, F64, I64, U8 and from integers of any width. Integers become reals if these hold the value; reals do
/// not become integers, whatever their values: 1.0 of a spike and 1 of a byte that is divided by 255 differ.
Conversion conversion(ElementType from, ElementType to);

/// One element as text: "0.1", "-3".
std::string elementText(ElementType type, const std::byte *element);

} // namespace snn

#endif // SNN_RUNTIME_DATA_ARRAY_H
