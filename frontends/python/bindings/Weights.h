// Weights of a model as arrays by name, by the rules of checkpoints (runtime/checkpoint).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_PYTHON_BINDINGS_WEIGHTS_H
#define SNN_FRONTENDS_PYTHON_BINDINGS_WEIGHTS_H

#include "snn/runtime.h"

#include <nanobind/nanobind.h>

#include <string>

namespace snn::python {

/// Parameters and buffers in the model's types, in a dictionary of C-ordered arrays, or of a file; `what` begins
/// messages. Throws DataError as readCheckpoint(), and nb::type_error for what is no array of NumPy without gaps.
nanobind::dict weightsOf(const snn_model_table &table, const nanobind::dict &tensors, const std::string &what,
                         bool strict);
nanobind::dict readWeights(const snn_model_table &table, const std::string &path, bool strict);

/// Throws DataError if a constant among the tensors differs from what is compiled in.
void checkConstants(const snn_model_table &table, const nanobind::dict &tensors, const std::string &what);

} // namespace snn::python

#endif // SNN_FRONTENDS_PYTHON_BINDINGS_WEIGHTS_H
