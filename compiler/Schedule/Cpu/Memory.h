// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which values need memory of their own, for how long, and how much more ops need: the contract between the plan, its
// check and the code that follows it.

#ifndef SNN_COMPILER_SCHEDULE_CPU_MEMORY_H
#define SNN_COMPILER_SCHEDULE_CPU_MEMORY_H

#include "compiler/Schedule/Cpu/Layout.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace snn::core {

inline constexpr llvm::StringLiteral kPlacesAttr = "core.places";
inline constexpr llvm::StringLiteral kArenaAttr = "core.arena";
inline constexpr llvm::StringLiteral kSumPlacesAttr = "core.sum_places";
inline constexpr llvm::StringLiteral kSumBytesAttr = "core.sum_bytes";
inline constexpr llvm::StringLiteral kChunkAttr = "core.chunk";
inline constexpr llvm::StringLiteral kKernelAttr = "core.kernel";
inline constexpr llvm::StringLiteral kLoadAttr = "core.load";
inline constexpr llvm::StringLiteral kWantedAttr = "core.wanted";

/// How large a call is taken to be where the schedule depends on it: what the model says, else `batch` and `steps`. An
/// open number of steps has a bound for safety's sake, which says little about what is usual.
struct CallSize {
  int64_t batch, steps;
  static CallSize of(mlir::ModuleOp module, int64_t batch, int64_t steps);
};

/// Whether a function computes with numbers only: a rule that holds for each element, as of a parameter's update. It
/// runs in registers and has no places.
bool isElementwise(mlir::func::FuncOp function);

/// A scan that runs lane by lane, all steps of a lane in registers: its body is maps over one domain, and what changes
/// from step to step is read at the point's own element. Its ops have no places. Any other scan is stepwise.
bool isPointwise(ScanOp scan);

/// Whether the value needs a place. Those do not:
/// * views, values that nobody reads, values in the body of a pointwise scan;
/// * what is only given to the host or to a span. A contract gives the host nothing directly: its kernel wants padding;
/// * in a phase: its sums, which have a memory for each part, and values that have a home.
bool needsPlace(mlir::Value value);

/// The result of a phase whose place a value of its body, or what it is a view of, lies in from the start. Null if
/// there is none. A phase's result that is not the home of what its body gives for it is copied at the end of the
/// chunk.
mlir::Value homeOf(mlir::Value value);

/// What the kernel of a matrix product works in, wherever that is; nothing for other contracts.
Place productScratch(ContractOp contract);

/// Scratch memory of an op in its arena. A stepwise scan keeps its carries there, each of `footprintOf` its argument,
/// in their order.
Place scratchOf(mlir::Operation *op);

/// Numbers the ops of a block and of stepwise scans in it, in order: a value is alive from `enter` of its op to `leave`
/// of the last op that reads its memory, itself or through views. Phases count as one op.
class Lifetimes {
public:
  explicit Lifetimes(mlir::Block &block);
  llvm::ArrayRef<mlir::Operation *> ops() const { return order; } ///< without terminators
  unsigned enter(mlir::Operation *op) const { return interval.lookup(op).first; }
  unsigned leave(mlir::Operation *op) const { return interval.lookup(op).second; }
  unsigned lastRead(mlir::Value value) const;

private:
  void add(mlir::Block &block);

  llvm::SmallVector<mlir::Operation *> order;
  llvm::DenseMap<mlir::Operation *, std::pair<unsigned, unsigned>> interval;
  unsigned count = 0;
};

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_MEMORY_H
