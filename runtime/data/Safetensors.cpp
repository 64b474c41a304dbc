// Reading and writing safetensors files.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Safetensors.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Files.h"
#include "runtime/data/SafetensorsHeader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

using namespace snn;

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

namespace {

constexpr uint64_t lengthBytes = 8;
constexpr uint64_t largestHeader = 100'000'000; // the format's own limit

struct TypeRow {
  const char *name;
  uint64_t bytes;
  ElementType type;
};

constexpr TypeRow types[] = {
    {"F32", 4, ElementType::F32},       {"F64", 8, ElementType::F64},       {"I64", 8, ElementType::I64},
    {"U8", 1, ElementType::U8},         {"BOOL", 1, ElementType::Bool},     {"I8", 1, ElementType::I8},
    {"I16", 2, ElementType::I16},       {"U16", 2, ElementType::U16},       {"F16", 2, ElementType::Other},
    {"BF16", 2, ElementType::Other},    {"I32", 4, ElementType::I32},       {"U32", 4, ElementType::U32},
    {"U64", 8, ElementType::U64},       {"C64", 8, ElementType::Other},     {"F8_E4M3", 1, ElementType::Other},
    {"F8_E5M2", 1, ElementType::Other}, {"F8_E8M0", 1, ElementType::Other},
};

// Metadata of the checksum.
constexpr const char *checksumKey = "snn.checksum", *checksumKindKey = "snn.checksum.kind";
constexpr const char *checksumKind = "crc32 of names, types, shapes, bytes and metadata";

/// A CRC of texts and numbers whose lengths are part of it, so that no two lists of them look alike.
class Checksum {
public:
  void add(uint64_t number) { add(&number, sizeof(number)); }
  void add(std::string_view text) {
    add(text.size());
    add(text.data(), text.size());
  }
  void add(std::span<const std::byte> bytes) {
    add(bytes.size());
    add(bytes.data(), bytes.size());
  }
  void add(std::string_view name, std::string_view type, std::span<const int64_t> shape,
           std::span<const std::byte> bytes) {
    add(name);
    add(type);
    add(std::as_bytes(shape));
    add(bytes);
  }
  void add(const std::map<std::string, std::string> &metadata) {
    for (const auto &[key, value] : metadata) {
      add(key);
      add(value);
    }
  }
  std::string text() const { return fmt::format("{:08x}", value); }

private:
  void add(const void *data, size_t size) {
    if (size != 0) // for zlib, a null pointer, as nothing may have, begins a new sum
      value = crc32_z(value, static_cast<const Bytef *>(data), size);
  }

  uLong value = crc32_z(0, nullptr, 0);
};

} // namespace

const char *snn::elementTypeName(ElementType type) {
  for (const TypeRow &row : types)
    if (row.type == type && type != ElementType::Other)
      return row.name;
  return "";
}

uint64_t snn::elementBytes(ElementType type) {
  for (const TypeRow &row : types)
    if (row.type == type && type != ElementType::Other)
      return row.bytes;
  return 0;
}

uint64_t StoredTensor::elements() const {
  uint64_t count = 1;
  for (int64_t extent : shape)
    count *= uint64_t(extent);
  return count;
}

std::string snn::shapeText(std::span<const int64_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

TensorFile TensorFile::read(const std::string &path) { return parse(readFile(path), path); }

TensorFile TensorFile::parse(std::vector<std::byte> bytes, const std::string &path) {
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  std::span<const std::byte> view = *owner;
  return parse(FileBytes{view, std::move(owner)}, path);
}

TensorFile TensorFile::ofTensors(std::map<std::string, StoredTensor, std::less<>> tensors, const std::string &what) {
  TensorFile file;
  file.filePath = what;
  file.entries = std::move(tensors);
  return file;
}

TensorFile TensorFile::parse(FileBytes bytes, const std::string &path) {
  auto fail = [&](const std::string &what) -> void {
    throw DataError(fmt::format("{}: is not a valid safetensors file: {}", path, what));
  };
  TensorFile file;
  file.filePath = path;
  file.content = std::move(bytes);
  const uint64_t size = file.content.bytes.size();
  uint64_t headerBytes = 0;
  if (size < lengthBytes)
    fail(fmt::format("it has {} bytes, expected at least 8 for the length of the header", size));
  std::memcpy(&headerBytes, file.content.bytes.data(), lengthBytes);
  if (headerBytes > largestHeader || headerBytes > size - lengthBytes)
    fail(fmt::format("the length of the header is {}, but the file has only {} bytes after it", headerBytes,
                     size - lengthBytes));
  std::string_view text(reinterpret_cast<const char *>(file.content.bytes.data()) + lengthBytes, headerBytes);
  if (text.empty() || text[0] != '{')
    fail("the header does not start with '{'");
  SafetensorsHeader header = parseSafetensorsHeader(text, path);
  file.meta = std::move(header.metadata);

  std::span<const std::byte> data = file.content.bytes.subspan(lengthBytes + headerBytes);
  std::sort(header.entries.begin(), header.entries.end(),
            [](const HeaderEntry &a, const HeaderEntry &b) { return a.offsets < b.offsets; });
  uint64_t position = 0;
  for (HeaderEntry &entry : header.entries) {
    auto row =
        std::find_if(std::begin(types), std::end(types), [&](const TypeRow &r) { return entry.dtype == r.name; });
    if (row == std::end(types))
      fail(fmt::format("tensor \"{}\" has the unknown dtype \"{}\"", entry.name, entry.dtype));
    StoredTensor tensor{row->type, entry.dtype, {}, {}};
    uint64_t expected = row->bytes;
    for (uint64_t extent : entry.shape) {
      if (extent > uint64_t(INT64_MAX) || __builtin_mul_overflow(expected, extent, &expected))
        fail(fmt::format("tensor \"{}\" has shape [{}], which overflows", entry.name, fmt::join(entry.shape, ", ")));
      tensor.shape.push_back(int64_t(extent));
    }
    if (entry.offsets.size() != 2 || entry.offsets[0] > entry.offsets[1])
      fail(fmt::format("tensor \"{}\" has data_offsets [{}], expected [begin, end]", entry.name,
                       fmt::join(entry.offsets, ", ")));
    uint64_t begin = entry.offsets[0], end = entry.offsets[1];
    if (end > data.size())
      fail(fmt::format("tensor \"{}\" ends at byte {} of the data, but there are only {}: the file may be cut short",
                       entry.name, end, data.size()));
    if (end - begin != expected)
      fail(fmt::format("tensor \"{}\" has {} bytes, expected {} for {} {}", entry.name, end - begin, expected,
                       entry.dtype, shapeText(tensor.shape)));
    if (begin < position)
      fail(fmt::format("tensor \"{}\" overlaps another one", entry.name));
    if (begin > position)
      fail(fmt::format("there is a hole of {} bytes before tensor \"{}\"", begin - position, entry.name));
    position = end;
    tensor.bytes = data.subspan(begin, end - begin);
    file.entries.emplace(entry.name, std::move(tensor));
  }
  if (position != data.size())
    fail(fmt::format("{} bytes at the end belong to no tensor", data.size() - position));
  file.verifyChecksum();
  return file;
}

void TensorFile::verifyChecksum() {
  auto kind = meta.find(checksumKindKey), stored = meta.find(checksumKey);
  if (kind == meta.end() && stored == meta.end())
    return;
  if (kind == meta.end() || stored == meta.end() || kind->second != checksumKind)
    throw DataError(fmt::format("{}: is damaged: its metadata should have \"{}\", and \"{}\" with the value \"{}\"",
                                filePath, checksumKey, checksumKindKey, checksumKind));
  const std::string expected = stored->second;
  meta.erase(kind);
  meta.erase(stored);
  Checksum checksum;
  for (const auto &[name, tensor] : entries)
    checksum.add(name, tensor.typeName, tensor.shape, tensor.bytes);
  checksum.add(meta);
  if (checksum.text() != expected)
    throw DataError(fmt::format("{}: is damaged: its content has checksum {}, expected {}; a program that changes such "
                                "a file must leave out \"{}\" and \"{}\"",
                                filePath, checksum.text(), expected, checksumKey, checksumKindKey));
}

const StoredTensor *TensorFile::find(std::string_view name) const {
  auto found = entries.find(name);
  return found == entries.end() ? nullptr : &found->second;
}

template <typename Element> static std::vector<double> widened(std::span<const std::byte> bytes) {
  std::vector<double> numbers(bytes.size() / sizeof(Element));
  for (size_t i = 0; i < numbers.size(); ++i) {
    Element element;
    std::memcpy(&element, bytes.data() + i * sizeof(Element), sizeof(Element));
    numbers[i] = double(element);
  }
  return numbers;
}

std::vector<double> snn::numbersOf(const StoredTensor &tensor, const std::string &label) {
  if (tensor.type == ElementType::Other)
    throw DataError(fmt::format("{} has dtype {}, which is not supported; expected F32, F64, BOOL or integers", label,
                                tensor.typeName));
  return withElement(tensor.type, [&](auto zero) { return widened<decltype(zero)>(tensor.bytes); });
}

void snn::writeSafetensors(const std::string &path, std::vector<TensorToWrite> tensors,
                           const std::map<std::string, std::string> &metadata) {
  Checksum checksum;
  std::sort(tensors.begin(), tensors.end(),
            [](const TensorToWrite &a, const TensorToWrite &b) { return a.name < b.name; });
  for (const TensorToWrite &tensor : tensors)
    checksum.add(tensor.name, elementTypeName(tensor.type), tensor.shape, tensor.bytes);
  checksum.add(metadata);
  // Wide elements first, then by name, as the reference implementation does: each tensor is then aligned to its
  // element.
  std::sort(tensors.begin(), tensors.end(), [](const TensorToWrite &a, const TensorToWrite &b) {
    uint64_t aBytes = elementBytes(a.type), bBytes = elementBytes(b.type);
    return aBytes != bBytes ? aBytes > bBytes : a.name < b.name;
  });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  header["__metadata__"] = metadata;
  header["__metadata__"][checksumKindKey] = checksumKind;
  header["__metadata__"][checksumKey] = checksum.text();
  uint64_t position = 0;
  std::vector<std::span<const std::byte>> parts(2);
  for (const TensorToWrite &tensor : tensors) {
    uint64_t expected = elementBytes(tensor.type);
    for (int64_t extent : tensor.shape)
      expected *= uint64_t(extent);
    if (expected != tensor.bytes.size() || tensor.type == ElementType::Other)
      throw std::logic_error(fmt::format("tensor \"{}\" of shape {} has {} bytes", tensor.name, shapeText(tensor.shape),
                                         tensor.bytes.size()));
    if (tensor.name == "__metadata__" || header.contains(tensor.name))
      throw std::logic_error(fmt::format("tensor \"{}\" is written twice", tensor.name));
    header[tensor.name] = {{"dtype", elementTypeName(tensor.type)},
                           {"shape", tensor.shape},
                           {"data_offsets", {position, position + expected}}};
    position += expected;
    parts.push_back(tensor.bytes);
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::type_error &) {
    throw DataError(fmt::format("{}: cannot hold a name or an entry of the metadata that is no UTF-8", path));
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  uint64_t length = text.size();
  parts[0] = std::as_bytes(std::span(&length, 1));
  parts[1] = std::as_bytes(std::span(text));
  writeFileAtomically(path, parts);
}
