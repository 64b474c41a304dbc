// What parameters, buffers and states start with.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CORE_INITIALVALUES_H
#define SNN_RUNTIME_CORE_INITIALVALUES_H

#include "snn/abi.h"

#include <cstddef>

namespace snn {

/// Fills the span of all parameters, or of all buffers: with the values that are a part of the code, or else element e
/// (in row-major order of the shape) of array a is a function of (seed, a, e). Bytes between elements stay as they are.
void startParameters(const snn_model_table &table, uint64_t seed, std::byte *span);
void startBuffers(const snn_model_table &table, uint64_t seed, std::byte *span);

/// Writes one element of this type (enum snn_dtype).
void storeNumber(uint32_t dtype, double value, std::byte *to);

} // namespace snn

#endif // SNN_RUNTIME_CORE_INITIALVALUES_H
