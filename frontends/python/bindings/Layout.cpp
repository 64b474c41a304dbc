// See Layout.h.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/python/bindings/Layout.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace snn::python {
namespace {

struct Dim {
  int64_t extent, from, to; ///< strides in elements
};

/// Where in memory one side has its next element the other has it far away: squares of this many rows stay in the first
/// level cache, also where strides are powers of two.
constexpr int64_t kSquare = 32;

/// Turns four rows of four elements into four columns.
void turn(const double *from, int64_t fromStride, double *to, int64_t toStride) {
  for (int64_t row = 0; row < 4; ++row)
    for (int64_t column = 0; column < 4; ++column)
      to[column * toStride + row] = from[row * fromStride + column];
}

void turn(const float *from, int64_t fromStride, float *to, int64_t toStride) {
  using Vector = float __attribute__((vector_size(16)));
  Vector rows[4];
  for (int64_t row = 0; row < 4; ++row)
    std::memcpy(&rows[row], from + row * fromStride, sizeof(Vector));
  const Vector low0 = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
  const Vector high0 = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
  const Vector low1 = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
  const Vector high1 = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
  const Vector columns[4] = {
      __builtin_shufflevector(low0, low1, 0, 1, 4, 5), __builtin_shufflevector(low0, low1, 2, 3, 6, 7),
      __builtin_shufflevector(high0, high1, 0, 1, 4, 5), __builtin_shufflevector(high0, high1, 2, 3, 6, 7)};
  for (int64_t column = 0; column < 4; ++column)
    std::memcpy(to + column * toStride, &columns[column], sizeof(Vector));
}

/// to[column * toStride + row] = from[row * fromStride + column]
template <typename T>
void transpose(int64_t rows, int64_t columns, const T *from, int64_t fromStride, T *to, int64_t toStride) {
  for (int64_t row0 = 0; row0 < rows; row0 += kSquare)
    for (int64_t column0 = 0; column0 < columns; column0 += kSquare) {
      const int64_t rowEnd = std::min(rows, row0 + kSquare), columnEnd = std::min(columns, column0 + kSquare);
      const int64_t wholeRows = rowEnd - (rowEnd - row0) % 4, wholeColumns = columnEnd - (columnEnd - column0) % 4;
      for (int64_t column = column0; column < wholeColumns; column += 4)
        for (int64_t row = row0; row < wholeRows; row += 4)
          turn(from + row * fromStride + column, fromStride, to + column * toStride + row, toStride);
      for (int64_t row = row0; row < rowEnd; ++row)
        for (int64_t column = row < wholeRows ? wholeColumns : column0; column < columnEnd; ++column)
          to[column * toStride + row] = from[row * fromStride + column];
    }
}

template <typename T> void copyDims(const Dim *dims, size_t count, const T *from, T *to) {
  if (count == 2 && dims[0].from == 1 && dims[1].to == 1)
    return transpose(dims[1].extent, dims[0].extent, from, dims[1].from, to, dims[0].to);
  if (count == 0)
    *to = *from;
  else if (count == 1 && dims[0].from == 1 && dims[0].to == 1)
    std::memcpy(to, from, dims[0].extent * sizeof(T));
  else
    for (int64_t i = 0; i < dims[0].extent; ++i)
      copyDims(dims + 1, count - 1, from + i * dims[0].from, to + i * dims[0].to);
}

/// Both sides agree with fewer dims where they have the same ones next to each other.
std::vector<Dim> dimsOf(const snn_tensor_info &tensor, bool toSpan) {
  std::vector<Dim> dims;
  int64_t dense = 1;
  for (uint32_t d = tensor.rank; d-- > 0;) {
    const int64_t extent = tensor.shape[d], own = tensor.strides[d];
    const Dim dim = toSpan ? Dim{extent, dense, own} : Dim{extent, own, dense};
    dense *= extent;
    if (extent == 1)
      continue;
    if (!dims.empty() && dim.from == dims.back().from * dims.back().extent &&
        dim.to == dims.back().to * dims.back().extent)
      dims.back().extent *= extent;
    else
      dims.push_back(dim);
  }
  // Last the one in which stores are next to each other, before it the one of loads.
  const auto place = [](const Dim &dim) { return dim.to == 1 ? 2 : dim.from == 1 ? 1 : 0; };
  std::sort(dims.begin(), dims.end(), [&](const Dim &a, const Dim &b) { return place(a) < place(b); });
  return dims;
}

/// Elements of cache lines that a part of a tensor has to itself, and what makes it worth a task.
constexpr int64_t kLine = 16, kPart = 16384;

int64_t elementsOf(const snn_tensor_info &tensor) {
  int64_t elements = 1;
  for (uint32_t d = 0; d < tensor.rank; ++d)
    elements *= tensor.shape[d];
  return elements;
}

template <typename T>
void copyElements(const snn_tensor_info &tensor, bool toSpan, Part part, const void *from, void *to) {
  if (elementsOf(tensor) == 0)
    return;
  std::vector<Dim> dims = dimsOf(tensor, toSpan);
  const T *source = static_cast<const T *>(from);
  T *target = static_cast<T *>(to);
  if (part.count > 1) {
    Dim &outer = dims.front();
    const int64_t extent = outer.extent, lines = (extent + kLine - 1) / kLine;
    const auto lineOf = [&](int64_t number) { return std::min(extent, lines * number / part.count * kLine); };
    const int64_t first = lineOf(part.number);
    outer.extent = lineOf(part.number + 1) - first;
    source += first * outer.from;
    target += first * outer.to;
  }
  copyDims(dims.data(), dims.size(), source, target);
}

void copyTensor(const snn_tensor_info &tensor, bool toSpan, Part part, const void *from, void *to) {
  if (tensor.dtype == SNN_DTYPE_F64)
    copyElements<double>(tensor, toSpan, part, from, to);
  else
    copyElements<float>(tensor, toSpan, part, from, to);
}

} // namespace

int64_t copyParts(const snn_tensor_info &tensor) { return std::clamp<int64_t>(elementsOf(tensor) / kPart, 1, 64); }

void copyToSpan(const snn_tensor_info &tensor, Part part, const void *elements, void *span) {
  copyTensor(tensor, true, part, elements, static_cast<char *>(span) + tensor.offset);
}

void copyFromSpan(const snn_tensor_info &tensor, Part part, const void *span, void *elements) {
  copyTensor(tensor, false, part, static_cast<const char *>(span) + tensor.offset, elements);
}

} // namespace snn::python
