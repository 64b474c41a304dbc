// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a planned function is made of: stages between barriers, how the batch is divided for sums, where memory lies in
// a call's arena.

#ifndef SNN_COMPILER_CODEGEN_CPU_FUNCTIONPLAN_H
#define SNN_COMPILER_CODEGEN_CPU_FUNCTIONPLAN_H

#include "compiler/Codegen/Cpu/Sums.h"
#include "compiler/Schedule/Cpu/Layout.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace snn::core {

/// Whether the op sums over samples in parts.
bool isSum(mlir::Operation *op);
/// The attribute of that name, or else `otherwise`.
int64_t integerOf(mlir::Operation *op, llvm::StringRef name, int64_t otherwise);
/// The place of an op's result, or null.
PlaceAttr placeOf(mlir::OpResult result);
/// Whether a value that a phase or segment gives has no memory but the host's.
bool isWithHost(mlir::Value value);
/// What places count.
struct PlaceCounts {
  mlir::Value samples, steps;
  mlir::Value segments = {}; ///< null: none of them counts these
};
/// A place in bytes; 0 of none.
mlir::Value evaluate(ScalarEmitter &e, PlaceAttr place, const PlaceCounts &counts);

/// Work between two barriers.
struct Stage {
  enum class Kind {
    Phase,  ///< a batch_map: tasks are parts of the batch
    Tiles,  ///< gradients of the whole batch by kernels: tasks are parts of the result
    Maps,   ///< large maps of weights: tasks are slices of the result
    Serial, ///< one task
  };
  Kind kind;
  llvm::SmallVector<mlir::Operation *> ops;
  std::string task;   ///< the function that does it
  std::string reduce; ///< of a phase with sums: adds up its parts; else empty

  /// Whether it copies what the host gives, of which it may find that it is at fault. A phase always may.
  bool loads() const;
  BatchMapOp phase() const { return llvm::cast<BatchMapOp>(ops.front()); }
};

/// A function with its stages, as the entry points run them.
struct FunctionPlan {
  mutable mlir::func::FuncOp function;
  std::optional<int64_t> steps; ///< fixed number of steps, else the call's
  llvm::SmallVector<Stage, 0> stages;
  std::optional<int64_t> mostSteps = std::nullopt; ///< of a call, if it trains in windows

  static FunctionPlan of(mlir::func::FuncOp function, std::optional<int64_t> steps);
};

/// How a call goes through time in segments: `count` of them, of `longest` steps but for the first.
struct SegmentCounts {
  mlir::Value count, longest;
  static SegmentCounts of(ScalarEmitter &e, SegmentsOp op, mlir::Value steps);
};
/// What the places of a phase count, for a chunk.
PlaceCounts countsOf(ScalarEmitter &e, BatchMapOp phase, mlir::Value chunk, mlir::Value steps);
/// The bytes of a phase's own arena, behind which its segments have theirs.
mlir::Value ownBytes(ScalarEmitter &e, BatchMapOp phase, mlir::Value chunk, mlir::Value steps);

/// The division of the batch among the tasks of a phase, with parts and levels for all of its sums.
/// With `workers`, a phase without sums has tasks for all of them, and tasks of one that joins parts have several; its
/// memory is that of the planned chunk.
Division divide(ScalarEmitter &e, BatchMapOp phase, mlir::Value batch, mlir::Value steps, mlir::Value workers = {});

/// Offsets in bytes into the arena of a call: fault records, sums of each phase and of each gradient between phases,
/// values of the function, the workers' memory.
struct ArenaOffsets {
  mlir::Value shared, workers, workerBytes, total;

  /// Of the sums of a phase or of a gradient between phases.
  mlir::Value sums(ScalarEmitter &e, mlir::Operation *op) const { return evaluate(e, bytes.find(op)->second); }

  static ArenaOffsets of(Emitter &e, const FunctionPlan &plan, mlir::Value batch, mlir::Value steps,
                         mlir::Value workers);

  friend void forEachValue(ArenaOffsets &offsets, EachValue each) {
    forEachValue(offsets.counts, each);
    for (mlir::Value *value : {&offsets.shared, &offsets.workers, &offsets.workerBytes, &offsets.total})
      each(*value);
  }

private:
  int64_t faultBytes = kernels::kFaultBytes;
  using Multiples = llvm::SmallVector<int64_t, 4>; ///< for each of `counts`
  mlir::Value evaluate(ScalarEmitter &e, const Multiples &multiples) const;

  /// Parts times levels, for each way to divide a batch. Deep networks have many sums and few of these.
  llvm::SmallVector<mlir::Value> counts;
  llvm::DenseMap<mlir::Operation *, Multiples> bytes; ///< where sums begin
};

/// A function that computes the offsets of a plan: all of its tasks need most of them.
/// Those of a streaming build are numbers.
class OffsetsFunction {
public:
  OffsetsFunction(mlir::ModuleOp module, Emitter &like, const FunctionPlan &plan);
  ArenaOffsets call(Emitter &e, mlir::Value batch, mlir::Value steps, mlir::Value workers) const;

private:
  const FunctionPlan &plan;
  mutable mlir::func::FuncOp function; ///< null: of a streaming build
  ArenaOffsets inside;                 ///< values of the function
};

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_FUNCTIONPLAN_H
