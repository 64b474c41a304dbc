// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Index arithmetic for kLanes points at once.

#ifndef SNN_COMPILER_CODEGEN_CPU_LANES_H
#define SNN_COMPILER_CODEGEN_CPU_LANES_H

#include "compiler/Codegen/Cpu/Emitter.h"

#include "mlir/IR/AffineExpr.h"

namespace snn::core {

/// An integer for each lane: the same for all, ascending by one, or anything.
struct LaneIndex {
  mlir::Value base;       ///< index: of lane 0
  bool ascending = false; ///< lane i has base + i
  mlir::Value lanes;      ///< vector<kLanes x i32>, instead of base: anything

  bool isUniform() const { return !ascending && !lanes; }
};

/// Computes affine expressions over lanes.
class LaneMath {
public:
  explicit LaneMath(Emitter &e) : e(e) {}

  LaneIndex uniform(mlir::Value base) { return {base, false, nullptr}; }
  LaneIndex uniform(int64_t value) { return uniform(e.index(value)); }
  LaneIndex ascendingFrom(mlir::Value base) { return {base, true, nullptr}; }

  LaneIndex add(LaneIndex x, LaneIndex y);
  LaneIndex mul(LaneIndex x, int64_t y);
  /// Rounded down; `low` is the least value that x may have.
  LaneIndex floorDiv(LaneIndex x, int64_t y, int64_t low);
  LaneIndex mod(LaneIndex x, int64_t y, int64_t low);
  /// `domain` has the extents of the dims, for bounds; marked ones are time or samples.
  LaneIndex of(mlir::AffineExpr expression, llvm::ArrayRef<LaneIndex> dims, llvm::ArrayRef<int64_t> domain);

  /// 0 <= x < extent, as i1 or vector<kLanes x i1>.
  mlir::Value inside(LaneIndex x, mlir::Value extent);
  /// x == 0 for each lane.
  mlir::Value isZero(LaneIndex x);
  /// As vector<kLanes x i32>.
  mlir::Value vector(LaneIndex x);
  /// As vector<kLanes x i64>.
  mlir::Value wide(LaneIndex x);
  /// 0, 1, ..., kLanes - 1.
  mlir::Value iota();
  /// Lanes whose position `at + lane` is less than `extent`.
  mlir::Value below(mlir::Value at, mlir::Value extent);
  /// Both conditions, each i1, a vector of it, or null for true.
  mlir::Value both(mlir::Value x, mlir::Value y);
  /// As vector<kLanes x i1>; null stays null.
  mlir::Value mask(mlir::Value condition);

private:
  mlir::Value splat32(mlir::Value index);
  mlir::Value constant32(int64_t value);

  Emitter &e;
};

/// Of kLanes vectors of kLanes elements: vector i has element i of each.
llvm::SmallVector<mlir::Value> turned(Emitter &e, llvm::ArrayRef<mlir::Value> vectors);

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_LANES_H
