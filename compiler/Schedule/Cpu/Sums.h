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
  /// Whether a phase can make both, in each call of so many steps or more: units are the same. Of parts, which are
  /// powers of two, there are as many or some are cut further.
  bool fitsBeside(const SumClass &other, int64_t fewestSteps) const;
  /// Steps of a run that is less than a sample: W, a power of two.
  int64_t stepsPerRun() const;
  /// Samples that stay together in calls of so many steps: of a run, if a step of a sample is too short.
  int64_t unit(int64_t steps) const;
  /// Parts of a call of that size.
  int64_t parts(CallSize size) const;
  /// Blocks of whole samples.
  int64_t blocks(CallSize size) const;
  /// Levels for which each part of a call has memory.
  int64_t levels(CallSize size) const;
};

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_SUMS_H
