// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How sums over samples fall into runs and parts (rules 6 and 7 of docs/summation.md), as far as the schedule asks.

#ifndef SNN_COMPILER_SCHEDULE_CPU_SUMS_H
#define SNN_COMPILER_SCHEDULE_CPU_SUMS_H

#include "compiler/Schedule/Cpu/Memory.h"

#include <optional>

namespace snn::core {

/// What decides on runs and parts. Sums of one class have the same, whatever the batch and the number of steps; for a
/// call they are a Division (compiler/Codegen/Cpu/Sums.h).
struct SumClass {
  int64_t run = 0, maxParts = 1, part = 1; ///< of the op's order
  bool overTime = false;
  int64_t positions = 1; ///< of a step

  /// Of a contract or fold that adds over samples; nothing if it has no order.
  static std::optional<SumClass> of(mlir::Operation *op);
  bool operator==(const SumClass &other) const = default;
  /// Steps of a run that is less than a sample: W, a power of two.
  int64_t stepsPerRun() const;
  /// Parts of a call of that size.
  int64_t parts(CallSize size) const;
};

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_SUMS_H
