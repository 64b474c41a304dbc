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
inline constexpr llvm::StringLiteral kChunkAttr = "core.chunk";
/// Of a phase: a chunk may have several parts of its sums, as there are fewer tasks then.
inline constexpr llvm::StringLiteral kJoinsPartsAttr = "core.joins_parts";
inline constexpr llvm::StringLiteral kKernelAttr = "core.kernel";
/// Of a map between phases: rows of its result, along the first extent, that are a task of their own.
inline constexpr llvm::StringLiteral kTaskRowsAttr = "core.task_rows";
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
/// from step to step is read at the point's own element, or by a product of which each lane adds up its own sum. Its
/// ops have no places. Any other scan is stepwise; `whyNot` then gets a reason, which lives for ever.
bool isPointwise(ScanOp scan, llvm::StringRef *whyNot = nullptr);

/// The carry in whose memory a value of a stepwise scan's body is computed, as it comes next there and nobody reads the
/// present one any more. Null if there is none. Present carries are stacked before anything else of a step happens.
mlir::Value carryOf(mlir::Value value);

/// For each result of `op` the operand in whose memory it is computed, or null. Of maps and scans of a phase or
/// segment: elements lie alike in both, each is read before it is written, and nobody reads the operand afterwards.
llvm::SmallVector<mlir::Value> inPlace(mlir::Operation *op);

/// Whether the value needs a place. Those do not:
/// * views, values that nobody reads, values in the body of a pointwise scan, or in the memory of a carry;
/// * what is only given to the host or to a span. A contract gives the host nothing directly: its kernel wants padding.
///   Nor does a sum of segments, which begins as another one;
/// * in a phase or segment: its sums, which have memories of their own, and values that have a home.
bool needsPlace(mlir::Value value);

/// The result of a phase or of segments whose place a value of its body, or what it is a view of, lies in from the
/// start. Null if there is none. A result that is not the home of what the body gives for it is copied at the end of
/// the chunk or segment.
mlir::Value homeOf(mlir::Value value);

/// Whether a phase gives what it has of a value to the host, or copies it to where it stays, as soon as it is made:
/// that it is a result of the phase does not keep its place then. Not where time is cut into segments.
bool isGivenWhenMade(mlir::Value value);

/// Whether a result of a function, an operand of its return, stays in a place until the function ends: a state that a
/// phase behind the one which gives it reads as it was before, as the host may want the new one where the old one is.
bool isGivenLast(mlir::OpOperand &result);

/// Where a sum of a phase begins in the memory of all of them, of which each part has one for each level; for what
/// would come behind the last sum, the bytes of all.
int64_t offsetOfSum(BatchMapOp phase, unsigned number);

/// What the kernel of a matrix product works in, wherever that is; nothing for other contracts.
Place productScratch(ContractOp contract);

/// Its core.kernel; loops if it has none.
Kernel kernelOf(ContractOp op);

/// What tables of a product's weights take that a scan holds from step to step.
int64_t heldTableBytes(ContractOp contract);
/// The products in a scan's body that hold tables.
llvm::SmallVector<ContractOp, 1> productsWithTables(ScanOp scan);

/// Segments of a call of so many steps; they have `length` steps, or all if there is none.
int64_t segmentsOf(SegmentsOp op, int64_t steps);

/// Whether segments load inputs of the host, which may be at fault.
bool loadsInput(SegmentsOp op);

/// Levels for which a sum over time that segments give has memory; of a sum over samples as well, its phase has it.
int64_t levelsOfSum(IndexedOpInterface op);

/// Scratch memory of an op in its arena. A stepwise scan keeps its carries there, each of `footprintOf` its argument,
/// in their order, and behind them tables of its products; segments keep carries as well, and behind them the levels of
/// each of their sums over time alone.
Place scratchOf(mlir::Operation *op);

/// What has a place in the arena of a block for a while: a result of an op, or its scratch memory. The ops of the block
/// and of stepwise scans in it are numbered in order, phases and segments as one.
struct Tenant {
  mlir::Operation *op;
  unsigned index; ///< in its core.places: that of the result, or behind all results
  Place size;
  unsigned from, until; ///< from the op to the last one that reads this memory, itself or through views
  llvm::SmallVector<mlir::OpResult, 1> heirs = {}; ///< what is computed in place of it, one after the other

  bool isScratch() const { return index == op->getNumResults(); }
};

/// All of them, in order; values that are computed in place of others with these, or each by itself.
llvm::SmallVector<Tenant> tenantsOf(mlir::Block &block, bool together = true);

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_MEMORY_H
