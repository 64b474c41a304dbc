// Files of tensors in Python.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_PYTHON_BINDINGS_FILES_H
#define SNN_FRONTENDS_PYTHON_BINDINGS_FILES_H

#include <nanobind/nanobind.h>

namespace snn::python {

/// Adds read_safetensors and write_safetensors to the module.
void bindFiles(nanobind::module_ &module);

} // namespace snn::python

#endif // SNN_FRONTENDS_PYTHON_BINDINGS_FILES_H
