// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which phase each op of a function belongs to.

#ifndef SNN_COMPILER_SCHEDULE_PHASES_H
#define SNN_COMPILER_SCHEDULE_PHASES_H

#include "dialect/core/CoreDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace snn::core {

/// An op that reduces samples, but for the whole batch at once, between the phases.
inline constexpr llvm::StringLiteral kWholeBatchAttr = "core.whole_batch";

bool hasSamples(mlir::Type type);
bool hasTime(mlir::Type type);

/// Where an op belongs: to a phase if it computes for each sample or reduces over them, else between phases. How many
/// samples there are, a sum of ones, needs no sample: what is divided by it need not wait for a phase.
enum class PhaseRole { PerSample, Reducing, Whole };

PhaseRole phaseRoleOf(mlir::Operation *op);

/// Results of a scan that have no samples, although others have, get a scan of their own: they belong to no phase.
/// Comes before ranks are asked for.
mlir::LogicalResult splitMixedScans(mlir::func::FuncOp function);

/// Ranks, each op's the first in which it can be computed: phases are even, what stands between them is odd, and what
/// depends on arguments alone may come before the first phase, at -1.
class PhaseRanks {
public:
  explicit PhaseRanks(mlir::func::FuncOp function);

  int of(mlir::Operation *op) const { return rank.lookup(op); }

private:
  int availableAt(mlir::Value value, PhaseRole reader) const;
  int earliest(mlir::Operation *op) const;

  llvm::DenseMap<mlir::Operation *, PhaseRole> role; ///< found once: it looks into the bodies of scans
  llvm::DenseMap<mlir::Operation *, int> rank;
};

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_PHASES_H
