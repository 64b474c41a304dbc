// The safetensors format: 8 bytes little-endian header length, JSON header, tensor data.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_DATA_SAFETENSORS_H
#define SNN_RUNTIME_DATA_SAFETENSORS_H

#include "runtime/data/Files.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace snn {

/// Element types of files. Other stands for the rest of the format, such as BF16: it is accepted in files, and nobody
/// can ask for the values.
enum class ElementType { F32, F64, I64, U8, Bool, I8, I16, U16, I32, U32, U64, Other };

/// One tensor of a file. `bytes` may have any alignment.
struct StoredTensor {
  ElementType type = ElementType::Other;
  std::string typeName; // as in the file: "F32", "BF16"
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;

  uint64_t elements() const;
};

/// A file that was read and checked.
class TensorFile {
public:
  /// Throws DataError if anything is not as the format says: lengths, names, types, shapes, offsets that overlap, leave
  /// holes or lie outside of the file; or if the file has a checksum of writeSafetensors and it is another one.
  static TensorFile read(const std::string &path);
  /// The same from memory; `path` is for messages.
  static TensorFile parse(std::vector<std::byte> bytes, const std::string &path);
  static TensorFile parse(FileBytes bytes, const std::string &path);
  /// Tensors that never were in a file, and whose bytes the caller keeps.
  static TensorFile ofTensors(std::map<std::string, StoredTensor, std::less<>> tensors, const std::string &what);

  const StoredTensor *find(std::string_view name) const;
  const std::map<std::string, StoredTensor, std::less<>> &tensors() const { return entries; }
  /// Without the checksum.
  const std::map<std::string, std::string> &metadata() const { return meta; }
  const std::string &path() const { return filePath; }
  /// Of the tensors' bytes.
  const std::shared_ptr<const void> &owner() const { return content.owner; }

private:
  void verifyChecksum();

  std::string filePath;
  FileBytes content;
  std::map<std::string, StoredTensor, std::less<>> entries;
  std::map<std::string, std::string> meta;
};

/// A tensor to be written; contiguous, not owned.
struct TensorToWrite {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
};

/// Writes atomically (see writeFileAtomically), with a CRC-32 of everything that a reader gets to see: names, types,
/// shapes and bytes of the tensors, in order of the names, and `metadata`. It stands in two more entries of the
/// metadata, one of which says what the other is: each demands the other, so a file in which any one bit is flipped is
/// refused, wherever the bit lies. Throws WriteError; DataError if a text is no UTF-8; std::logic_error if sizes and
/// shapes disagree or a name is there twice.
void writeSafetensors(const std::string &path, std::vector<TensorToWrite> tensors,
                      const std::map<std::string, std::string> &metadata = {});

/// "[128, 784]".
std::string shapeText(std::span<const int64_t> shape);

/// "F32"; empty for Other.
const char *elementTypeName(ElementType type);
uint64_t elementBytes(ElementType type);

/// All elements as numbers. Throws DataError for ElementType::Other, naming `label`.
std::vector<double> numbersOf(const StoredTensor &tensor, const std::string &label);

/// Calls body(zero) with a zero of the C++ type; a default result for Other.
template <typename Body> auto withElement(ElementType type, Body &&body) -> decltype(body(0.0)) {
  switch (type) {
  case ElementType::F32:
    return body(float(0));
  case ElementType::F64:
    return body(double(0));
  case ElementType::I64:
    return body(int64_t(0));
  case ElementType::Bool: // any byte but 0 is no truth value; it is taken as it is
  case ElementType::U8:
    return body(uint8_t(0));
  case ElementType::I8:
    return body(int8_t(0));
  case ElementType::I16:
    return body(int16_t(0));
  case ElementType::U16:
    return body(uint16_t(0));
  case ElementType::I32:
    return body(int32_t(0));
  case ElementType::U32:
    return body(uint32_t(0));
  case ElementType::U64:
    return body(uint64_t(0));
  case ElementType::Other:
    break;
  }
  return {};
}

} // namespace snn

#endif // SNN_RUNTIME_DATA_SAFETENSORS_H
