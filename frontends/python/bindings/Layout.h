// Tensors of a span beside memory without gaps.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_PYTHON_BINDINGS_LAYOUT_H
#define SNN_FRONTENDS_PYTHON_BINDINGS_LAYOUT_H

#include "snn/abi.h"

namespace snn::python {

/// One of the parts that a tensor is copied in, which may run side by side.
struct Part {
  int64_t number, count;
};
int64_t copyParts(const snn_tensor_info &tensor);

/// Copies a part of the elements of a parameter or buffer (f32 or f64), which lie without gaps in the order of C, to
/// its place in the span, where strides are the model's, and back. Padding of the span stays as it is. A training step
/// does both for all weights.
void copyToSpan(const snn_tensor_info &tensor, Part part, const void *elements, void *span);
void copyFromSpan(const snn_tensor_info &tensor, Part part, const void *span, void *elements);

} // namespace snn::python

#endif // SNN_FRONTENDS_PYTHON_BINDINGS_LAYOUT_H
