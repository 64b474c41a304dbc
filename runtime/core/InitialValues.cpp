// Initial values: PyTorch's default distributions, from counter-based random numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/core/InitialValues.h"
#include "runtime/core/FloatMode.h"
#include "runtime/core/Philox.h"
#include "runtime/core/Table.h"
#include "snn/runtime.h"

#include <array>
#include <cmath>
#include <cstring>

using namespace snn;

void snn::storeNumber(uint32_t dtype, double value, std::byte *to) {
  if (dtype == SNN_DTYPE_F32) {
    float narrow = float(value);
    std::memcpy(to, &narrow, sizeof(narrow));
  } else if (dtype == SNN_DTYPE_F64) {
    std::memcpy(to, &value, sizeof(value));
  } else if (dtype == SNN_DTYPE_I64) {
    int64_t integer = int64_t(value);
    std::memcpy(to, &integer, sizeof(integer));
  } else {
    uint8_t byte = uint8_t(value);
    std::memcpy(to, &byte, sizeof(byte));
  }
}

/// Uniform in [low, high): rounding to single precision must not reach the open end.
static double scaled(double unit, double low, double high, uint32_t dtype) {
  double value = low + (high - low) * unit;
  if (dtype == SNN_DTYPE_F32 && low < high && float(value) >= float(high))
    return std::nextafter(float(high), float(low));
  return value;
}

/// Random numbers of this stream, or one value.
static void start(const snn_tensor_info &tensor, uint64_t seed, uint64_t stream, std::byte *span) {
  std::array<uint32_t, 4> block = {};
  forEachElement(tensor, snn_dtype_bytes(tensor.dtype), [&](uint64_t element, uint64_t offset) {
    double value = tensor.init_low;
    if (tensor.init == SNN_INIT_UNIFORM) {
      if (element % 4 == 0)
        block = philoxBlock(seed, RandomPurpose::InitialValue, uint32_t(stream), element / 4);
      value = scaled(philoxUnit(block[element % 4]), tensor.init_low, tensor.init_high, tensor.dtype);
    }
    storeNumber(tensor.dtype, value, span + offset);
  });
}

void snn::startParameters(const snn_model_table &table, uint64_t seed, std::byte *span) {
  if (const void *values = initialParametersOf(table)) {
    std::memcpy(span, values, table.parameter_bytes);
    return;
  }
  StandardFloatMode mode;
  for (uint64_t p = 0; p < table.parameter_count; ++p)
    start(table.parameters[p], seed, p, span);
}

void snn::startBuffers(const snn_model_table &table, uint64_t seed, std::byte *span) {
  if (const void *values = initialBuffersOf(table)) {
    std::memcpy(span, values, table.buffer_bytes);
    return;
  }
  StandardFloatMode mode;
  for (uint64_t b = 0; b < table.buffer_count; ++b)
    start(table.buffers[b], seed, table.parameter_count + b, span);
}
