// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a scan computes at a step, as other ops compute it again from what they are given of all steps.

#ifndef SNN_COMPILER_SCHEDULE_STEPVALUES_H
#define SNN_COMPILER_SCHEDULE_STEPVALUES_H

#include "dialect/core/CoreDialect.h"
#include "mlir/IR/IRMapping.h"

namespace snn::core {

/// A map over time, its first dim, as one of a step's dims. `overTime`: its first result is that dim too, which goes.
mlir::AffineMap atOneStep(mlir::AffineMap map, bool overTime);

/// A scalar body that sees one step of arrays: that of a map in another scan, or of a fold over time.
class StepReader {
public:
  /// A map in the body of `scan`, from which `scan` may be replaced; nothing may read outside of its inputs.
  StepReader(MapOp map, ScanOp scan);
  /// A fold whose first dim is time.
  explicit StepReader(FoldOp fold);

  mlir::Operation *getOp() const { return op; }
  mlir::Block &getBody() const { return op->getRegion(0).front(); }
  /// Of one step.
  llvm::ArrayRef<int64_t> getDomain() const { return domain; }
  /// By what the input of an argument is read, of one step; null if that is not by steps in turn.
  mlir::AffineMap readOf(mlir::BlockArgument argument) const;
  /// What it is a slice of, or what it is at each step: an operand of the reader's scan, or of the fold. Null if it is
  /// neither, as a state.
  mlir::Value wholeOf(mlir::BlockArgument argument) const;

  /// `scalar` becomes an argument: of the array `value`, which is at each point what the scalar is there. In a scan it
  /// is a value of its body.
  void replace(mlir::Value scalar, mlir::Value value);
  /// An array over time, as `replace` wants it.
  mlir::Value given(mlir::Value stacked);
  /// In a scan: the value that the scan's argument `before` had at the step that was taken before, `start` at the
  /// first.
  mlir::Value carry(mlir::BlockArgument before, mlir::Value start);

  ScanOp getScan() const { return scan; }

private:
  mlir::Operation *op;
  ScanOp scan; ///< null for a fold
  llvm::SmallVector<int64_t> domain;
};

/// The values of a scan's body, for one reader.
class StepValues {
public:
  StepValues(ScanOp scan, const StepReader &reader) : scan(scan), reader(reader) {}

  /// What the scan is given or stacks, within its body; null if `whole` is neither.
  mlir::Value inside(mlir::Value whole);
  /// All steps of a value of the body, if the scan stacks it; else null.
  mlir::Value findStacked(mlir::Value value);
  /// The same; the scan, which is replaced, stacks it from now on.
  mlir::Value stack(mlir::Value value);

  /// The array of the body whose elements are the scalars of the reader, made of what is inside alone; null if no map
  /// of the body gives it.
  mlir::Value find(mlir::Value scalar);
  /// The same, made if it is not found: by a map that has all it takes, or a new one.
  mlir::Value make(mlir::Value scalar);

  ScanOp getScan() const { return scan; }

private:
  const mlir::IRMapping &scalarsOf(MapOp host);

  ScanOp scan;
  const StepReader &reader;
  /// The reader's scalars as they stand in the bodies of maps: those that do.
  llvm::DenseMap<mlir::Block *, mlir::IRMapping> known;
};

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_STEPVALUES_H
