// See Weights.h.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/python/bindings/Weights.h"

#include "frontends/python/bindings/Files.h"
#include "runtime/checkpoint/Checkpoint.h"

#include <vector>

namespace nb = nanobind;

namespace snn::python {
namespace {

/// The tensors of a dictionary as those of a file; it refers to the arrays, and keeps them.
class DictionaryFile {
public:
  DictionaryFile(const nb::dict &tensors, const std::string &what) {
    std::map<std::string, StoredTensor, std::less<>> entries;
    for (auto [key, value] : tensors) {
      const std::string name = nb::str(key).c_str();
      entries.emplace(name, storedTensor(value, "\"" + name + "\"", arrays.emplace_back()));
    }
    file = TensorFile::ofTensors(std::move(entries), what);
  }

  TensorFile file;

private:
  std::vector<ContiguousArray> arrays;
};

nb::dict arraysOf(Checkpoint checkpoint) {
  nb::dict result;
  for (std::vector<OwnedTensor> *tensors : {&checkpoint.parameters, &checkpoint.buffers})
    for (const OwnedTensor &tensor : *tensors)
      result[tensor.name.c_str()] = arrayOf({tensor.type, "", tensor.shape, tensor.bytes}, tensor.name);
  return result;
}

Checkpoint released(const snn_model_table &table, const TensorFile &file, bool strict) {
  nb::gil_scoped_release released;
  return readCheckpoint(table, file, strict ? OtherTensors::Refuse : OtherTensors::Ignore);
}

} // namespace

nb::dict weightsOf(const snn_model_table &table, const nb::dict &tensors, const std::string &what, bool strict) {
  const DictionaryFile dictionary(tensors, what);
  return arraysOf(released(table, dictionary.file, strict));
}

nb::dict readWeights(const snn_model_table &table, const std::string &path, bool strict) {
  return arraysOf(released(table, TensorFile::read(path), strict));
}

void checkConstants(const snn_model_table &table, const nb::dict &tensors, const std::string &what) {
  snn::checkConstants(table, DictionaryFile(tensors, what).file);
}

} // namespace snn::python
