// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The bytes that a call takes, as the code will reserve them (compiler/Codegen/Cpu/FunctionPlan.cpp): for limits.

#ifndef SNN_COMPILER_SCHEDULE_CPU_CALLMEMORY_H
#define SNN_COMPILER_SCHEDULE_CPU_CALLMEMORY_H

#include "compiler/Schedule/Cpu/Sums.h"

namespace snn::core {

/// What the module's `snn.memory_limit` says, in bytes; nothing without one.
std::optional<int64_t> memoryLimitOf(mlir::ModuleOp module);

/// What a core's second-level cache holds, in bytes: the module's `snn.cache_bytes`, 1 MiB without one.
int64_t cacheBytesOf(mlir::ModuleOp module);

/// Steps that a call of an entry has at most: where training has windows, those of a window.
int64_t mostStepsOf(mlir::func::FuncOp function);

/// The arena of calls of one planned function.
class CallMemory {
public:
  /// What a worker has for a chunk of a phase.
  struct Phase {
    Place arena;                        ///< of a worker, for a chunk
    llvm::SmallVector<Place, 2> behind; ///< it is the largest of these: the arenas of its segments
    int64_t chunk;
    llvm::SmallVector<SumClass> sums;
  };
  /// Sums with as many slots as the largest of the classes needs parts, and the largest needs levels.
  struct Sums {
    llvm::SmallVector<SumClass> classes;
    int64_t bytes; ///< of a slot
  };

  explicit CallMemory(mlir::func::FuncOp function);

  /// Of a call of `size` by so many workers, with segments of `length` steps.
  int64_t bytes(CallSize size, int64_t length, int64_t workers = 1) const;

  const Place &sharedPlace() const { return shared; }   ///< of the whole batch
  const Place &scratchPlace() const { return scratch; } ///< of a worker, for sums between phases
  llvm::ArrayRef<Phase> allPhases() const { return phases; }
  llvm::ArrayRef<Sums> allSums() const { return sums; }

  /// Of a worker, for a chunk of a phase in calls of so many steps.
  static int64_t phaseBytes(const Phase &phase, int64_t steps, int64_t length);

private:
  Place shared, scratch;
  int64_t faultBytes;
  llvm::SmallVector<Phase> phases;
  llvm::SmallVector<Sums> sums; ///< of phases; and gradients of the whole batch by kernels
};

/// The first of a function's segments, which all have one length; nothing if it has none.
std::optional<SegmentsOp> firstSegments(mlir::func::FuncOp function);

/// About what a call has to compute: operations on elements, a product of a spike as part of one.
double workOf(mlir::func::FuncOp function, CallSize size);

/// What `arena_size` of the interface will say for one worker: of the entry that takes most.
int64_t callBytes(mlir::ModuleOp module, CallSize size);

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_CALLMEMORY_H
