// Arrays of Python as the binary interface takes them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_PYTHON_BINDINGS_ARRAYS_H
#define SNN_FRONTENDS_PYTHON_BINDINGS_ARRAYS_H

#include "snn/runtime.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <string>
#include <vector>

namespace snn::python {

/// Any array that can be read on the CPU, and one that can be written too.
using ReadArray = nanobind::ndarray<nanobind::ro>;
using WriteArray = nanobind::ndarray<>;

/// "f32", "f64", "u8", "i64".
const char *dtypeName(uint32_t dtype);

/// The elements of one call, of any strides. Throws TypeError (another type, another device) or ValueError (another
/// shape) of Python, naming the tensor.
struct InputArray {
  InputArray(nanobind::handle object, const snn_tensor_info &info, uint64_t steps, uint64_t batch);
  snn_view view() const { return {array.data(), strides.data()}; }

  ReadArray array;
  std::vector<int64_t> strides; ///< in elements
};

/// Contiguous elements of the model's precision, or f64 where the rank is 0; throws as above.
const void *readContiguous(nanobind::handle object, const char *what, const snn_tensor_info &info, uint32_t dtype,
                           uint64_t steps, uint64_t batch);
void *writeContiguous(nanobind::handle object, const snn_tensor_info &info, uint64_t steps, uint64_t batch);

/// Memory of bytes without gaps that begins at a multiple of SNN_ALIGNMENT and has at least `bytes` of them; NULL for
/// None. Throws as above.
void *span(nanobind::handle object, const char *what, uint64_t bytes);
const void *readSpan(nanobind::handle object, const char *what, uint64_t bytes);

/// An entry of a list of arrays, None where one is not given; a list may be None itself.
nanobind::handle listEntry(nanobind::handle list, uint64_t index);
/// Throws ValueError if the list has not so many entries.
void checkLength(nanobind::handle list, const char *what, uint64_t expected);

/// Zeroed memory that is aligned as spans are, as a NumPy array of bytes that owns it.
nanobind::ndarray<nanobind::numpy, uint8_t, nanobind::ndim<1>> allocate(uint64_t bytes);

} // namespace snn::python

#endif // SNN_FRONTENDS_PYTHON_BINDINGS_ARRAYS_H
