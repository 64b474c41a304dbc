// Safetensors files as dictionaries of arrays.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/python/bindings/Files.h"

#include "runtime/data/Errors.h"
#include "runtime/data/Safetensors.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>

#include <cstring>

namespace nb = nanobind;
using namespace nb::literals;

namespace snn::python {
namespace {

nb::tuple read(const std::string &path) {
  const TensorFile file = TensorFile::read(path);
  nb::dict tensors, metadata;
  for (const auto &[name, tensor] : file.tensors())
    tensors[name.c_str()] = arrayOf(tensor, path + ": \"" + name + "\"");
  for (const auto &[name, text] : file.metadata())
    metadata[name.c_str()] = text;
  return nb::make_tuple(tensors, metadata);
}

void write(const std::string &path, const nb::dict &tensors, const std::map<std::string, std::string> &metadata) {
  std::vector<ContiguousArray> arrays; // keeps what is written
  std::vector<TensorToWrite> written;
  for (auto [key, value] : tensors) {
    const std::string name = nb::str(key).c_str(), label = "\"" + name + "\"";
    const StoredTensor stored = storedTensor(value, label, arrays.emplace_back());
    if (stored.type == ElementType::Other)
      throw nb::type_error((label + ": elements of type " + stored.typeName + " cannot be written").c_str());
    written.push_back({name, stored.type, stored.shape, stored.bytes});
  }
  nb::gil_scoped_release released;
  writeSafetensors(path, std::move(written), metadata);
}

} // namespace

/// Bytes in a file may have any alignment.
nb::object arrayOf(const StoredTensor &tensor, const std::string &label) {
  if (tensor.type == ElementType::Other)
    throw DataError(label + ": elements of type " + tensor.typeName + " cannot be used; convert them to F32");
  const size_t bytes = tensor.bytes.size();
  auto memory = std::make_unique<uint64_t[]>(bytes / sizeof(uint64_t) + 1);
  std::memcpy(memory.get(), tensor.bytes.data(), bytes);
  std::vector<size_t> shape(tensor.shape.begin(), tensor.shape.end());
  void *data = memory.get();
  nb::capsule owner(memory.release(), [](void *p) noexcept { delete[] static_cast<uint64_t *>(p); });
  auto dtype = withElement(tensor.type, [&](auto zero) { return nb::dtype<decltype(zero)>(); });
  if (tensor.type == ElementType::Bool)
    dtype = nb::dtype<bool>();
  return nb::cast(nb::ndarray<nb::numpy>(data, shape.size(), shape.data(), owner, nullptr, dtype));
}

StoredTensor storedTensor(nb::handle value, const std::string &label, ContiguousArray &array) {
  if (!nb::try_cast(value, array))
    throw nb::type_error((label + ": expected an array without gaps in the CPU's memory").c_str());
  StoredTensor stored;
  const nb::object elements = value.attr("dtype");
  stored.typeName = nb::str(nb::handle(elements)).c_str();
  for (ElementType type : {ElementType::F32, ElementType::F64, ElementType::I64, ElementType::U8, ElementType::I8,
                           ElementType::I16, ElementType::U16, ElementType::I32, ElementType::U32, ElementType::U64})
    if (array.dtype() == withElement(type, [](auto zero) { return nb::dtype<decltype(zero)>(); }))
      stored.type = type;
  if (array.dtype() == nb::dtype<bool>())
    stored.type = ElementType::Bool;
  for (size_t d = 0; d < array.ndim(); ++d)
    stored.shape.push_back(int64_t(array.shape(d)));
  stored.bytes = {static_cast<const std::byte *>(array.data()), array.nbytes()};
  return stored;
}

void bindFiles(nb::module_ &module) {
  module.def("read_safetensors", &read, "path"_a, "Tensors and metadata of a file, as two dictionaries.");
  module.def("write_safetensors", &write, "path"_a, "tensors"_a, "metadata"_a = std::map<std::string, std::string>(),
             "Writes C-ordered arrays; the file is there whole or not at all.");
}

} // namespace snn::python
