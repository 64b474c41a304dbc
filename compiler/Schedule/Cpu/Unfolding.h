// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A contract that is made anew: over other dims, of copies of its factors.

#ifndef SNN_COMPILER_SCHEDULE_CPU_UNFOLDING_H
#define SNN_COMPILER_SCHEDULE_CPU_UNFOLDING_H

#include "dialect/core/CoreDialect.h"

#include <optional>

namespace snn::core {

/// A domain that is put together from the dims of an op.
struct NewDomain {
  llvm::SmallVector<int64_t> extents;
  llvm::SmallVector<mlir::AffineExpr> ofOld; ///< for each old dim its new one, null if there is none
  mlir::MLIRContext *context;

  NewDomain(unsigned oldDims, mlir::MLIRContext *context) : ofOld(oldDims), context(context) {}
  mlir::AffineExpr add(int64_t extent) {
    extents.push_back(extent);
    return mlir::getAffineDimExpr(extents.size() - 1, context);
  }
  mlir::AffineExpr take(unsigned dim, int64_t extent) { return ofOld[dim] = add(extent); }
  int64_t extentOf(mlir::AffineExpr dim) const { return extents[llvm::cast<mlir::AffineDimExpr>(dim).getPosition()]; }
  mlir::AffineMap map(llvm::ArrayRef<mlir::AffineExpr> positions) const {
    return mlir::AffineMap::get(extents.size(), 0, positions, context);
  }
};

/// A value and where it is read.
struct Factor {
  mlir::Value value;
  llvm::SmallVector<mlir::AffineExpr> positions = {};
};

class Unfolding {
protected:
  explicit Unfolding(ContractOp op)
      : op(op), context(op.getContext()), builder(op), domain(op.getDomain()), over(domain.size(), context) {}

  static ArrayType typeOf(mlir::Value value) { return llvm::cast<ArrayType>(value.getType()); }
  static bool hasRows(mlir::Value value) { return typeOf(value).sampleDim() >= 0 || typeOf(value).timeDim() >= 0; }
  static bool isSpikes(mlir::Value value) { return typeOf(value).getElementType().isInteger(1); }

  mlir::AffineMap readOf(unsigned factor) { return op.getReadMaps()[factor]; }
  /// Each position a dim of its own, of the same extent.
  bool isPlain(mlir::Value value, mlir::AffineMap map) const;
  /// With 0 for all dims of one coordinate.
  mlir::AffineExpr withoutOnes(mlir::AffineExpr position) const;
  /// In dims of `over`; nothing if one of them is not there.
  std::optional<mlir::AffineExpr> toNew(mlir::AffineExpr old) const;
  bool toNew(mlir::AffineMap old, llvm::SmallVectorImpl<mlir::AffineExpr> &positions) const;
  /// Gives `over` samples and time, in the order in which `map` has them.
  void takeRows(mlir::AffineMap map);
  /// All dims that `over` has so far.
  llvm::SmallVector<mlir::AffineExpr> dims() const;

  /// A map that gives each point the element that it reads.
  mlir::Value move(mlir::Value from, llvm::ArrayRef<int64_t> extents, mlir::AffineMap read, mlir::AffineMap write,
                   llvm::ArrayRef<int64_t> shape);
  /// A copy with an extent for each of `dims`, of which the last one takes whole vectors.
  Factor copy(const Factor &from, llvm::ArrayRef<mlir::AffineExpr> dims);
  /// A copy with an extent for each of `rows`, and one for all of `depth`, counted through in row-major order: whole
  /// vectors, or words.
  Factor patches(const Factor &from, llvm::ArrayRef<mlir::AffineExpr> rows, llvm::ArrayRef<mlir::AffineExpr> depth);
  /// Puts the image among zeros where it would be read outside, or `factors` apart and in between. None: 1.
  void widen(Factor &image, llvm::ArrayRef<int64_t> factors = {});
  /// The order of extents with one of them last, and samples and time first.
  static llvm::SmallVector<unsigned> withLast(llvm::ArrayRef<int64_t> shape, unsigned last);
  /// A value of the extents of the op's result in that order becomes `result`; of more columns, the first ones.
  void moveBack(mlir::Value value, llvm::ArrayRef<unsigned> order);

  template <typename OpTy, typename... Arguments> OpTy make(Arguments &&...arguments) {
    auto made = OpTy::create(builder, op.getLoc(), std::forward<Arguments>(arguments)...);
    news.push_back(made);
    return made;
  }

  ContractOp op;
  mlir::MLIRContext *context;
  mlir::OpBuilder builder;
  llvm::SmallVector<int64_t> domain;
  NewDomain over; ///< of the contract to come
  llvm::SmallVector<mlir::Operation *> news;
  bool loses = false; ///< a copy does not have all that is read
  mlir::Value result; ///< of the op's type
};

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_UNFOLDING_H
