// Files of tensors in Python.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_PYTHON_BINDINGS_FILES_H
#define SNN_FRONTENDS_PYTHON_BINDINGS_FILES_H

#include "runtime/data/Safetensors.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace snn::python {

/// Adds read_safetensors and write_safetensors to the module.
void bindFiles(nanobind::module_ &module);

/// A copy as an array of NumPy; `label` begins messages. Throws DataError if the elements have no type of NumPy.
nanobind::object arrayOf(const StoredTensor &tensor, const std::string &label);

using ContiguousArray = nanobind::ndarray<nanobind::ro, nanobind::c_contig, nanobind::device::cpu>;
/// What refers to an array, which `array` keeps; elements that files do not have are ElementType::Other. Throws
/// nb::type_error, which begins with `label`, if it is none without gaps in the CPU's memory.
StoredTensor storedTensor(nanobind::handle value, const std::string &label, ContiguousArray &array);

} // namespace snn::python

#endif // SNN_FRONTENDS_PYTHON_BINDINGS_FILES_H
