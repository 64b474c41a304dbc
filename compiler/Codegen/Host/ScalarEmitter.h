// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A builder for what the host's side is made of: index arithmetic that folds, structured control flow, pointers.

#ifndef SNN_COMPILER_CODEGEN_HOST_SCALAREMITTER_H
#define SNN_COMPILER_CODEGEN_HOST_SCALAREMITTER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <functional>

namespace snn {

class ScalarEmitter {
public:
  using Body = std::function<void(mlir::Value)>;
  using CarryingBody = std::function<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)>;

  ScalarEmitter(mlir::Location loc, mlir::OpBuilder &builder) : b(loc, builder) {}

  mlir::ImplicitLocOpBuilder b;
  /// If it is given, sums and products add to it whether their result was too large for its type.
  mlir::Value *wraps = nullptr;

  mlir::Value index(int64_t value);
  mlir::Value i64(int64_t value);
  mlir::Value truth(bool value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value add(mlir::Value x, int64_t y) { return add(x, index(y)); }
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, int64_t y) { return mul(x, index(y)); }
  mlir::Value div(mlir::Value x, mlir::Value y); ///< of unsigned numbers
  mlir::Value div(mlir::Value x, int64_t y) { return div(x, index(y)); }
  mlir::Value ceilDiv(mlir::Value x, int64_t y) { return div(add(x, y - 1), y); }
  mlir::Value alignUp(mlir::Value x, int64_t y) { return mul(ceilDiv(x, y), y); }
  mlir::Value minimum(mlir::Value x, mlir::Value y);
  mlir::Value maximum(mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value yes, mlir::Value no);
  mlir::Value isMultiple(mlir::Value x, mlir::Value of); ///< of unsigned numbers
  mlir::Value toIndex(mlir::Value integer);
  mlir::Value toI64(mlir::Value index);
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value x, mlir::Value y);
  mlir::Value equal(mlir::Value x, mlir::Value y) { return compare(mlir::arith::CmpIPredicate::eq, x, y); }
  mlir::Value differs(mlir::Value x, mlir::Value y) { return compare(mlir::arith::CmpIPredicate::ne, x, y); }
  mlir::Value below(mlir::Value x, mlir::Value y) { return compare(mlir::arith::CmpIPredicate::ult, x, y); }
  mlir::Value either(mlir::Value x, mlir::Value y) { return b.createOrFold<mlir::arith::OrIOp>(x, y); }
  mlir::Value both(mlir::Value x, mlir::Value y) { return b.createOrFold<mlir::arith::AndIOp>(x, y); }

  /// for (i = from; i < to; i += step)
  void loop(mlir::Value from, mlir::Value to, int64_t step, const Body &body);
  void loop(mlir::Value to, const Body &body) { loop(index(0), to, 1, body); }
  /// From `start` on, as long as it is below `limit`; the body gives the next one.
  void whileBelow(mlir::Value start, mlir::Value limit, const std::function<mlir::Value(mlir::Value)> &body);
  /// The same with values carried from one round to the next; returns the last ones.
  llvm::SmallVector<mlir::Value> loop(mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange start,
                                      const CarryingBody &body);
  void when(mlir::Value condition, const std::function<void()> &body, const std::function<void()> &otherwise = nullptr);
  /// What `change` makes of the state, or the state as it is.
  llvm::SmallVector<mlir::Value> changedIf(mlir::Value condition, mlir::ValueRange state,
                                           llvm::function_ref<llvm::SmallVector<mlir::Value>()> change);
  mlir::Value choose(mlir::Value condition, const std::function<mlir::Value()> &yes,
                     const std::function<mlir::Value()> &no, mlir::Type type);
  llvm::SmallVector<mlir::Value> choose(mlir::Value condition, llvm::function_ref<llvm::SmallVector<mlir::Value>()> yes,
                                        llvm::function_ref<llvm::SmallVector<mlir::Value>()> no, mlir::TypeRange types);

  mlir::Type pointerType();
  mlir::Value advance(mlir::Value pointer, mlir::Value bytes);
  mlir::Value isNull(mlir::Value pointer);
  mlir::Value isGiven(mlir::Value pointer);
  mlir::Value loadAt(mlir::Value pointer, int64_t byteOffset, mlir::Type type);
  void storeAt(mlir::Value value, mlir::Value pointer, int64_t byteOffset);
};

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_HOST_SCALAREMITTER_H
