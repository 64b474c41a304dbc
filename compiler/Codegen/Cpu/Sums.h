// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a reduction looks like from the element that it gives, and the order in which its terms are added.

#ifndef SNN_COMPILER_CODEGEN_CPU_SUMS_H
#define SNN_COMPILER_CODEGEN_CPU_SUMS_H

#include "compiler/Codegen/Cpu/OpEmitter.h"

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

/// Most levels of a sum: 64^5 blocks are more than any call has.
constexpr int64_t kMaxLevels = 5;

/// Runs of a sum over samples: see core.order. `positions` are those of one step.
struct Runs {
  int64_t positions = 1;
  bool overTime = false;
  int64_t stepsPerRun = 1; ///< W

  static Runs of(core::IndexedOpInterface op);
  bool operator==(const Runs &other) const { return positions == other.positions && overTime == other.overTime; }
  /// Samples of a run where a step of a sample is too short: R, a power of two.
  mlir::Value samplesPerRun(ScalarEmitter &e, mlir::Value steps) const;
  /// Blocks of `samples` whole samples, in units of R but for the last ones of a part.
  mlir::Value blocks(ScalarEmitter &e, mlir::Value samples, mlir::Value steps) const;
  /// Parts of a batch.
  mlir::Value parts(ScalarEmitter &e, core::OrderAttr order, mlir::Value batch, mlir::Value steps) const;
  /// Levels that a part of a batch may need.
  mlir::Value levels(ScalarEmitter &e, mlir::Value batch, mlir::Value steps) const;
};

/// The sums of kLanes elements on their way: values that loops carry.
class Chains {
public:
  /// `levels` in registers; with a slot, levels above the first are in memory. `positions` is an upper bound of how
  /// many there are, or 0 if none is known.
  Chains(Emitter &e, core::OrderAttr order, mlir::Type element, int64_t positions, bool intoSlot);

  llvm::SmallVector<mlir::Value> start(mlir::Value total, mlir::Value blocks);
  /// Adds a term (a vector), or the fused product of two.
  llvm::SmallVector<mlir::Value> add(mlir::ValueRange state, mlir::Value term, mlir::Value factor = nullptr);
  /// Ends the block, if it has terms. `levelUp` gets a total that is full and the number of blocks, in slots.
  using LevelUp = llvm::function_ref<void(mlir::Value total, mlir::Value blocks)>;
  llvm::SmallVector<mlir::Value> endPosition(mlir::ValueRange state, LevelUp levelUp);
  llvm::SmallVector<mlir::Value> endRun(mlir::ValueRange state, LevelUp levelUp);
  /// The total of all levels in registers; in slots, of the first one.
  mlir::Value total(mlir::ValueRange state);

private:
  enum Part { Chain, Total, Group, Position, Blocks, Levels };
  llvm::SmallVector<mlir::Value> flush(mlir::ValueRange state, LevelUp levelUp);
  mlir::Value sum(mlir::Value x, mlir::Value y);
  unsigned at(Part part) const { return index[part]; }

  Emitter &e;
  core::OrderAttr order;
  mlir::Type vector;
  int64_t levels;
  bool grouped, counted, intoSlot;
  int index[6];
};

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_SUMS_H
