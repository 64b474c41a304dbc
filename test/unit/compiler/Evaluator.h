// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs straight-line arithmetic on single numbers, with the rounding of the number's own type. Knows nothing of how the
// compiler evaluates or folds.

#ifndef SNN_TEST_UNIT_COMPILER_EVALUATOR_H
#define SNN_TEST_UNIT_COMPILER_EVALUATOR_H

#include "mlir/IR/Block.h"
#include "llvm/ADT/DenseMap.h"

namespace snn::test {

/// Real is float or double. Element-wise ops on tensors are taken for one element.
template <typename Real> class Evaluator {
public:
  void set(mlir::Value value, Real number) { reals[value] = number; }
  Real get(mlir::Value value) const { return reals.lookup(value); }

  /// All ops of `block` but the terminator. Fails the test at an op it does not know.
  void run(mlir::Block &block);

private:
  void run(mlir::Operation &op);

  llvm::DenseMap<mlir::Value, Real> reals;
  llvm::DenseMap<mlir::Value, int64_t> integers;
};

extern template class Evaluator<float>;
extern template class Evaluator<double>;

} // namespace snn::test

#endif // SNN_TEST_UNIT_COMPILER_EVALUATOR_H
