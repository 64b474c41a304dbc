// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The body of one lane: chunks of samples through the ops of a batch_map.

#ifndef SNN_COMPILER_CODEGEN_CPU_LANELOWERING_H
#define SNN_COMPILER_CODEGEN_CPU_LANELOWERING_H

#include "compiler/Codegen/Cpu/Products.h"
#include "compiler/Codegen/Host/Faults.h"
#include "compiler/Codegen/SpanLayout.h"

#include <optional>

namespace snn {

/// Where a lane adds up one sum over its samples.
struct SumPlace {
  int64_t offset = 0;   ///< in bytes into the lane's sums
  int64_t elements = 0; ///< whole vectors, as in the parameter's slot; a scalar has a term for each neuron
  bool scalar = false;  ///< the terms are added up in the end
};

/// What a function that is lowered looks like, and where the shared parts of its arena lie.
struct LanePlan {
  // Handles to IR, whose accessors are not const.
  mutable mlir::func::FuncOp function;
  mutable BatchMapOp map;
  std::optional<int64_t> steps; ///< fixed number of time steps, else the call's
  int64_t lanes = 1, laneSamples = 1;
  /// For each sum result of the batch_map, by its number: results are told apart by number and never by the value that
  /// is yielded, as one value may be yielded several times and then has one place. Nothing: the sum is zero.
  llvm::SmallVector<std::optional<SumPlace>> sums;
  /// The sum result that is a parameter's gradient.
  llvm::StringMap<unsigned> gradients;
  int64_t laneBytes = 0; ///< all sums of a lane
  /// Transposed weights: op -> offset in the shared part.
  llvm::DenseMap<mlir::Operation *, int64_t> transposes;
  int64_t transposeBytes = 0;

  /// Whether the function computes a loss, and with it the gradients of all parameters, of which there may be none.
  bool hasLoss = false;

  static mlir::FailureOr<LanePlan> of(mlir::func::FuncOp function, const SpanLayout &spans);
  /// The symbol that argument or result `index` of the function is bound to.
  llvm::StringRef argumentSymbol(unsigned index) const;
  llvm::StringRef resultSymbol(unsigned index) const;

private:
  mlir::LogicalResult placeSums(const SpanLayout &spans);
};

/// Which ops of a body are needed only for outputs that the host may or may not ask for.
struct Demand {
  /// Outputs of the call, as pointers; null at run time if the host does not ask for them.
  llvm::SmallVector<mlir::Value> outputs;
  /// Those ops, with the condition under which they are needed; null if no one needs them. All others always are.
  llvm::DenseMap<mlir::Operation *, mlir::Value> optional;

  static Demand of(CallFrame &frame, const LanePlan &plan, mlir::ModuleOp module);
};

/// Offsets in bytes into the arena of a call, in order: a fault record for each lane, the samples' losses, transposed
/// weights, the lanes' sums, the workers' memory.
struct ArenaMap {
  mlir::Value laneCount, losses, transposes, sums, workers, workerBytes, total;

  static ArenaMap of(Emitter &e, const LanePlan &plan, mlir::Value batch, mlir::Value steps, mlir::Value workers);
};

/// A value of a batch_map body in memory: element (sample, time, n) at offset + sample * sampleStride + time *
/// timeStride + n.
struct Buffer {
  Memory memory;
  mlir::Value sampleStride;
  mlir::Value timeStride; ///< null if the value does not vary over time
  mlir::Type element;
  mlir::Value scalar; ///< instead of memory: one number everywhere
  mlir::Value host;   ///< instead of memory: a pointer of the host, whose stride may be negative
};

/// Emits the ops of one body for `count` samples from `first` on. Sample numbers are relative to the chunk.
class LaneLowering {
public:
  LaneLowering(Emitter &e, CallFrame &frame, const LanePlan &plan, const SpanLayout &spans, mlir::ModuleOp module)
      : e(e), frame(frame), plan(plan), spans(spans), module(module) {}

  /// The function's body: (call, lane, worker).
  mlir::LogicalResult emit(mlir::Value lane, mlir::Value worker);

private:
  mlir::LogicalResult emitChunk();
  mlir::LogicalResult emitOp(mlir::Operation &op);

  mlir::LogicalResult lower(CastOp op);
  mlir::LogicalResult lower(LinearOp op);
  mlir::LogicalResult lower(LinearWeightGradOp op);
  mlir::LogicalResult lower(SumToOp op);
  mlir::LogicalResult lower(ScanOp op);
  mlir::LogicalResult lower(PopulationCountOp op);
  mlir::LogicalResult lower(PopulationCountGradOp op);
  mlir::LogicalResult lower(MseCountLossOp op);
  mlir::LogicalResult lower(MseCountLossGradOp op);

  void bindArguments();
  void placeValues();
  void loadInput(CastOp op, mlir::BlockArgument argument);
  void storeOutputs();
  void storeRows(mlir::Value value, mlir::Value pointer);
  void storeState(mlir::Value value, const SpanSlot &slot);
  mlir::Value labelOf(const Buffer &labels, mlir::Value sample);
  mlir::Value countTarget(mlir::Value rate, int64_t population);

  Buffer bufferOf(mlir::Value value);
  Memory parameterMemory(mlir::Value value); ///< a weight, bias or neuron parameter
  mlir::Value scalarOf(mlir::Value value);   ///< an f64 operand of the function
  Memory sumMemory(mlir::Value value);       ///< the lane's memory of a value that the body yields as a sum
  mlir::Value rowOffset(const Buffer &buffer, mlir::Value sample, mlir::Value time);
  mlir::Value rowCount(mlir::Value value); ///< samples of the chunk, times time steps if it varies
  bool overTime(mlir::Value value);
  Memory scratchMemory(mlir::Operation *op, mlir::Type element);
  mlir::Value scratchOffset(mlir::Operation *op);

  Emitter &e;
  CallFrame &frame;
  const LanePlan &plan;
  const SpanLayout &spans;
  mlir::ModuleOp module;

  mlir::Value batch, steps, first, count;
  mlir::Value fresh; ///< this is the lane's first chunk: its sums start here
  FaultRecord fault;
  mlir::Value workerBytes; // memref<?xi8>: this worker's memory
  mlir::Value lossesPointer, sumsPointer, transposesPointer;
  Demand demand;
  llvm::DenseMap<mlir::Value, Buffer> buffers;
  llvm::DenseMap<mlir::Value, Memory> parameters;
  llvm::DenseMap<mlir::Value, mlir::Value> scalars;
};

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_CPU_LANELOWERING_H
