// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a reduction looks like from the element that it gives, and the order in which its terms are added.

#ifndef SNN_COMPILER_CODEGEN_CPU_SUMS_H
#define SNN_COMPILER_CODEGEN_CPU_SUMS_H

#include "compiler/Codegen/Cpu/OpEmitter.h"
#include "compiler/Schedule/Cpu/Sums.h"

namespace snn::core {

/// The terms of one element: dims of the op's domain as functions of the element's position and the dims that are
/// summed. The dims of these functions are first the extents of the result, then those in `along`.
struct Gathered {
  llvm::SmallVector<mlir::AffineExpr> dims; ///< for each dim of the op's domain
  llvm::SmallVector<int64_t> domain;        ///< extents of the result and of what is summed
  unsigned resultRank = 0;
  struct Condition {
    mlir::AffineExpr expression;
    int64_t extent; ///< 0 <= expression < extent; 0: expression == 0
  };
  llvm::SmallVector<Condition> conditions; ///< there is a term where all hold

  static Gathered of(core::IndexedOpInterface op);
  mlir::AffineMap compose(mlir::AffineMap map) const;
};

/// The units and parts of the sums of a phase, or of one between phases, in a call.
struct Division {
  std::optional<SumClass> sum; ///< none: a phase without sums
  mlir::Value batch, steps;
  mlir::Value unit;   ///< samples that stay together: of a run where a step of a sample is too short, R, a power of two
  mlir::Value units;  ///< of the batch
  mlir::Value tasks;  ///< parts of the sums, the fewest if they differ; without sums, as many as are useful
  mlir::Value slots;  ///< parts for which each sum has memory: the most
  mlir::Value chunk;  ///< samples at a time, whole units
  mlir::Value levels; ///< that a part may need
  bool joinsParts = false; ///< a chunk may have several parts, or parts of different sums

  static constexpr int64_t kMaxTasks = 64;

  /// Without sums, `chunk` samples go together, or so few that each of `workers` has some. Null: that many.
  static Division of(ScalarEmitter &e, std::optional<SumClass> sum, int64_t chunk, mlir::Value batch, mlir::Value steps,
                     mlir::Value workers = {});
  /// The same without a function that all divisions of a class share; its `chunk` is for the caller to choose.
  static Division inlined(ScalarEmitter &e, const SumClass &sum, mlir::Value batch, mlir::Value steps);
  /// The first sample of task `i`.
  mlir::Value begin(ScalarEmitter &e, mlir::Value i) const;
  /// The task that has this sample.
  mlir::Value partOf(ScalarEmitter &e, mlir::Value sample) const;
  /// Blocks of `samples` whole samples, in units but for the last ones of a part.
  mlir::Value blocks(ScalarEmitter &e, mlir::Value samples) const;
};

/// As a total of `level` - 1 takes up one of `blocks` blocks more, its level may be full: then up(level, first) adds it
/// to the level above, where it is the first one or not, and the same is asked there.
void raiseLevels(Emitter &e, mlir::Value blocks, llvm::function_ref<void(int64_t level, mlir::Value first)> up,
                 int64_t level = 1);

/// The sums of some vectors of kLanes elements on their way: values that loops carry. What is counted is counted once
/// for all of them.
class Chains {
public:
  /// `levels` in registers; with a slot, levels above the first are in memory. `positions` is an upper bound of how
  /// many there are, or 0 if none is known.
  Chains(Emitter &e, core::OrderAttr order, mlir::Type element, int64_t positions, bool intoSlot, int64_t vectors = 1);

  /// From totals, or nothing.
  llvm::SmallVector<mlir::Value> start(mlir::ValueRange totals = {}, mlir::Value blocks = nullptr);
  /// Adds a term, or the fused product of two, to one of the vectors.
  void add(llvm::SmallVectorImpl<mlir::Value> &state, int64_t number, mlir::Value term, mlir::Value factor = nullptr);
  /// Ends the block, if it has terms. `levelUp` gets totals that are full and the number of blocks, in slots.
  using LevelUp = llvm::function_ref<void(mlir::ValueRange totals, mlir::Value blocks)>;
  llvm::SmallVector<mlir::Value> endPosition(mlir::ValueRange state, LevelUp levelUp);
  llvm::SmallVector<mlir::Value> endRun(mlir::ValueRange state, LevelUp levelUp);
  /// The same for a block that was summed elsewhere, of one vector, where none is open.
  llvm::SmallVector<mlir::Value> addBlock(mlir::ValueRange state, mlir::Value sum, LevelUp levelUp);
  /// The totals of all levels in registers; in slots, of the first one.
  llvm::SmallVector<mlir::Value> totals(mlir::ValueRange state);

private:
  enum Part { Chain, Total, Group, Position, Blocks, Levels };
  llvm::SmallVector<mlir::Value> flush(mlir::ValueRange state, LevelUp levelUp);
  mlir::Value sum(mlir::Value x, mlir::Value y);
  /// Where in a state the vectors of a part are; `level` from 0 on above the first.
  unsigned at(Part part, int64_t number, int64_t level = 0) const { return index[part] + level * vectors + number; }

  Emitter &e;
  core::OrderAttr order;
  mlir::Type vector;
  int64_t levels, vectors;
  bool grouped, counted, intoSlot;
  int index[6];
};

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_SUMS_H
