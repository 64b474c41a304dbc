// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Faults that tasks find in their data: a record for each task, side by side in the arena.

#ifndef SNN_COMPILER_CODEGEN_HOST_FAULTS_H
#define SNN_COMPILER_CODEGEN_HOST_FAULTS_H

#include "compiler/Codegen/Host/CallFrame.h"

namespace snn {

/// The fault of the first row of a task that has one: its code and the row, i64 each.
struct FaultRecord {
  static constexpr int64_t kBytes = 16;

  mlir::Value pointer;

  static FaultRecord of(ScalarEmitter &e, mlir::Value records, mlir::Value task) {
    return {e.advance(records, e.mul(task, kBytes))};
  }
  /// A task does this before it looks at any row: the arena holds anything.
  void clear(ScalarEmitter &e) const;
  mlir::Value isClear(ScalarEmitter &e) const;
  /// Rows may be met in any order.
  void report(ScalarEmitter &e, int64_t code, mlir::Value row) const;
};

/// The code (i32) of the first row at fault among `count` records, or SNN_OK; tells the host which row.
mlir::Value firstFault(CallFrame &frame, mlir::Value records, mlir::Value count);

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_HOST_FAULTS_H
