// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How many bytes a value of a batch_map body takes in the arena: the layout that the CPU kernels use.

#ifndef SNN_COMPILER_TIMELOOPS_CPU_FOOTPRINT_H
#define SNN_COMPILER_TIMELOOPS_CPU_FOOTPRINT_H

#include "dialect/SnnDialect.h"

namespace snn {

/// Bytes as an affine function of the number of time steps.
struct Footprint {
  int64_t constant = 0;
  int64_t steps = 0;

  int64_t at(int64_t numSteps) const { return constant + steps * numSteps; }
  Footprint aligned() const; ///< both parts rounded up to 64 bytes
  Footprint operator+(Footprint other) const { return {constant + other.constant, steps + other.steps}; }
};

/// Elements of one sample and time step, [extents after time and batch], as one row.
/// A row is padded to whole vectors of kLanes; packed spikes are words and need no padding.
int64_t rowElements(mlir::Type type);

/// `samples` samples of a value: rows in the order sample, time step, neuron, so that sums over (sample, time) run
/// through memory in order, whatever the chunk. `isOverTime` says which types have time steps.
Footprint footprintOf(mlir::Value value, int64_t samples);

/// Scratch memory of an op on `samples` samples.
Footprint scratchOf(mlir::Operation *op, int64_t samples);

/// Whether a batch_map value has a leading time dimension: then its second extent is open, as the batch always is.
bool isOverTime(mlir::Value value);

/// Whether the value needs memory of its own. Constants, views and unpacked outputs do not.
bool needsPlace(mlir::Value value);

/// The last op of the block that reads the memory of `value`, itself or through views and casts that have no memory of
/// their own; what the body yields is read by its terminator. Null if nothing does.
mlir::Operation *lastReader(mlir::Value value);

/// The value whose memory `value` shares: through snn.flatten, which moves nothing.
mlir::Value resolveView(mlir::Value value);

} // namespace snn

#endif // SNN_COMPILER_TIMELOOPS_CPU_FOOTPRINT_H
