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

/// A copy: bytes in a file may have any alignment.
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

nb::tuple read(const std::string &path) {
  const TensorFile file = TensorFile::read(path);
  nb::dict tensors, metadata;
  for (const auto &[name, tensor] : file.tensors())
    tensors[name.c_str()] = arrayOf(tensor, path + ": \"" + name + "\"");
  for (const auto &[name, text] : file.metadata())
    metadata[name.c_str()] = text;
  return nb::make_tuple(tensors, metadata);
}

ElementType elementTypeOf(const nb::ndarray<nb::ro> &array, const std::string &name) {
  const std::pair<nb::dlpack::dtype, ElementType> known[] = {
      {nb::dtype<float>(), ElementType::F32},    {nb::dtype<double>(), ElementType::F64},
      {nb::dtype<int64_t>(), ElementType::I64},  {nb::dtype<uint8_t>(), ElementType::U8},
      {nb::dtype<bool>(), ElementType::Bool},    {nb::dtype<int8_t>(), ElementType::I8},
      {nb::dtype<int16_t>(), ElementType::I16},  {nb::dtype<uint16_t>(), ElementType::U16},
      {nb::dtype<int32_t>(), ElementType::I32},  {nb::dtype<uint32_t>(), ElementType::U32},
      {nb::dtype<uint64_t>(), ElementType::U64},
  };
  for (const auto &[dtype, type] : known)
    if (array.dtype() == dtype)
      return type;
  throw nb::type_error(("\"" + name + "\": such elements cannot be written").c_str());
}

void write(const std::string &path, const nb::dict &tensors, const std::map<std::string, std::string> &metadata) {
  using Array = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
  std::vector<Array> arrays; // keeps what is written

  std::vector<TensorToWrite> written;
  for (auto [key, value] : tensors) {
    const std::string name = nb::str(key).c_str();
    Array array;
    if (!nb::try_cast(value, array))
      throw nb::type_error(("\"" + name + "\": expected an array without gaps in the CPU's memory").c_str());
    TensorToWrite &tensor = written.emplace_back();
    tensor.name = name;
    tensor.type = elementTypeOf(nb::ndarray<nb::ro>(array), name);
    for (size_t d = 0; d < array.ndim(); ++d)
      tensor.shape.push_back(int64_t(array.shape(d)));
    tensor.bytes = {static_cast<const std::byte *>(array.data()), array.nbytes()};
    arrays.push_back(std::move(array));
  }
  nb::gil_scoped_release released;
  writeSafetensors(path, std::move(written), metadata);
}

} // namespace

void bindFiles(nb::module_ &module) {
  module.def("read_safetensors", &read, "path"_a, "Tensors and metadata of a file, as two dictionaries.");
  module.def("write_safetensors", &write, "path"_a, "tensors"_a, "metadata"_a = std::map<std::string, std::string>(),
             "Writes C-ordered arrays; the file is there whole or not at all.");
}

} // namespace snn::python
