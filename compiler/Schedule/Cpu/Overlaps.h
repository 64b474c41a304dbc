// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Contracts whose rows are written over windows that overlap: a convolution's gradient to its input.

#ifndef SNN_COMPILER_SCHEDULE_CPU_OVERLAPS_H
#define SNN_COMPILER_SCHEDULE_CPU_OVERLAPS_H

#include "compiler/Schedule/Cpu/Layout.h"
#include "compiler/Schedule/Cpu/Sizes.h"

#include <optional>

namespace snn::core {

/// What an OverlapShape says, with rows of samples and steps. Columns and depth are contiguous, columns whole vectors.
struct OverlapProduct {
  mlir::Value a, b;
  kernels::OverlapShape shape;
};

std::optional<OverlapProduct> matchOverlap(ContractOp op);

/// How the contract is computed best.
Kernel kernelFor(ContractOp op);

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_OVERLAPS_H
