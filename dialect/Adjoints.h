// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of adjoints that DifferentiableOpInterface reads and writes.

#ifndef SNN_DIALECT_ADJOINTS_H
#define SNN_DIALECT_ADJOINTS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace snn {

/// dL/dv for values v of a region. Only active values, those on a path from something whose gradient is wanted to
/// the loss, get one: what is added for others is dropped.
class Adjoints {
public:
  void setActive(mlir::Value value) { active.insert(value); }
  bool isActive(mlir::Value value) const { return active.contains(value); }

  /// The adjoint of `value`, or null if nothing contributed (it is zero).
  mlir::Value lookup(mlir::Value value) const { return table.lookup(value); }

  /// Adds `contribution` to the adjoint of `value`; the first one is taken as it is. Later ones have its type.
  void add(mlir::OpBuilder &builder, mlir::Value value, mlir::Value contribution);

private:
  llvm::DenseMap<mlir::Value, mlir::Value> table;
  llvm::DenseSet<mlir::Value> active;
};

} // namespace snn

#endif // SNN_DIALECT_ADJOINTS_H
