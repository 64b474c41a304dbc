// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of adjoints that DifferentiableOpInterface of the core reads and writes.

#ifndef SNN_COMPILER_AUTODIFF_ADJOINTS_H
#define SNN_COMPILER_AUTODIFF_ADJOINTS_H

#include "dialect/core/CoreDialect.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace snn::core {

/// Whether values of this type, a scalar's or an array's, have gradients: reals and spikes do. Integers (labels,
/// winners, places) have none, whatever they are made of.
bool hasGradient(mlir::Type type);

/// dL/dv for values v of one region: scalars of a body, or arrays. Only active values, those on a path from something
/// whose gradient is wanted, get one: what is added for others is dropped. The adjoint of a real value has its type,
/// that of a spike the type `real`, whatever numbers it is used with.
class Adjoints {
public:
  explicit Adjoints(mlir::Type real) : real(real) {}
  mlir::Type getReal() const { return real; }

  /// If values of its type have gradients.
  void setActive(mlir::Value value);
  bool isActive(mlir::Value value) const { return active.contains(value); }
  /// The results of each op become active if it is differentiable and an operand is.
  void propagate(llvm::ArrayRef<mlir::Operation *> operations);

  /// The adjoint of `value`, or null if nothing contributed (it is zero).
  mlir::Value lookup(mlir::Value value) const { return table.lookup(value); }

  /// Adds `contribution` to the adjoint of `value`: the first one is taken as it is, later ones are added in the order
  /// in which they come.
  void add(mlir::OpBuilder &builder, mlir::Value value, mlir::Value contribution);

  /// Contributions to `value`, an argument of the region, are kept one by one instead of being added.
  void keepApart(mlir::Value value) { apart[value]; }
  llvm::SmallVector<mlir::Value> contributions(mlir::Value value) const { return apart.lookup(value); }

  /// For a value that is about to be erased: its adjoint is of no use any more, and where it is an adjoint itself,
  /// `other` is it now.
  void replace(mlir::Value value, mlir::Value other);

  /// Writes the adjoints of `operations`, from the last to the first, as far as something contributed to their results.
  llvm::LogicalResult reverse(mlir::OpBuilder &builder, llvm::ArrayRef<mlir::Operation *> operations);

private:
  mlir::Type real;
  llvm::DenseMap<mlir::Value, mlir::Value> table;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value>> apart;
  llvm::DenseSet<mlir::Value> active;
};

/// The ops of a body, which may be added to while these are gone through.
llvm::SmallVector<mlir::Operation *> opsOf(mlir::Block &body);

/// A real number or an array of reals with elements of type `real`.
mlir::Value convertReals(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, mlir::Type real);

/// x + y, element by element, of two arrays of one type.
mlir::Value addArrays(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x, mlir::Value y);

/// The sum of an array's elements along dims, each written by `write`.
mlir::Value sumOf(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value array, ArrayType type,
                  llvm::ArrayRef<int64_t> along, mlir::AffineMap write);

/// An array of reals, each of which is `value`.
mlir::Value constantArray(mlir::OpBuilder &builder, mlir::Location loc, ArrayType type, double value);

/// `type` with reals of type `real`, if its elements are none: the type of a gradient.
ArrayType gradientType(mlir::Type type, mlir::Type real);

/// The dims of `domain` that are not in `determined`, in the order in which they are summed: samples, time, then dims
/// of overlapping windows, then the rest. Each in order of the domain.
llvm::SmallVector<int64_t> summationDims(llvm::ArrayRef<int64_t> domain, llvm::ArrayRef<unsigned> determined,
                                         llvm::ArrayRef<mlir::AffineMap> maps);

/// Gives the ops of the core, and of arith and math in scalar bodies, their adjoints.
void registerScalarRules(mlir::DialectRegistry &registry);
void registerIndexedRules(mlir::DialectRegistry &registry);
void registerScanRule(mlir::DialectRegistry &registry);

} // namespace snn::core

#endif // SNN_COMPILER_AUTODIFF_ADJOINTS_H
