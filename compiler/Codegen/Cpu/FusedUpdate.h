// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Parameters that a training step updates where their gradient has just been made.

#ifndef SNN_COMPILER_CODEGEN_CPU_FUSEDUPDATE_H
#define SNN_COMPILER_CODEGEN_CPU_FUSEDUPDATE_H

#include "compiler/Codegen/Cpu/FunctionPlan.h"
#include "compiler/Codegen/SpanLayout.h"

namespace snn::core {

/// The task that adds up the last terms of elements of a gradient updates these parameters next: the gradient is in its
/// cache, and all tasks need not wait for each other once more. That may be where nothing reads the parameter any more,
/// no fault may be found that would stop the step, and the sum is all there is to the gradient: if its norm is limited,
/// it is not.
class FusedUpdate {
public:
  FusedUpdate(const FunctionPlan &plan, const SpanLayout &spans);

  /// The first element in the spans of the parameter whose gradient the value is, if that is updated at once.
  std::optional<int64_t> startOf(mlir::Value gradient) const;
  /// Whether a task of the stage updates parameters.
  bool isIn(const Stage &stage) const;

  /// Elements of the spans that are left for the end.
  struct Range {
    int64_t from, to;
  };
  llvm::ArrayRef<Range> rest() const { return left; }

private:
  llvm::DenseMap<mlir::Value, int64_t> starts;
  llvm::SmallVector<Range> left;
};

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_FUSEDUPDATE_H
