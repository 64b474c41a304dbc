// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A planned function as tasks: phases over parts or chunks of the batch, and what stands between them.

#ifndef SNN_COMPILER_CODEGEN_CPU_TASKS_H
#define SNN_COMPILER_CODEGEN_CPU_TASKS_H

#include "compiler/Codegen/Cpu/FunctionPlan.h"
#include "compiler/Codegen/Host/CallFrame.h"
#include "compiler/Codegen/Host/Faults.h"
#include "compiler/Codegen/SpanLayout.h"

namespace snn::core {

/// A chunk of a phase's samples in a task.
struct ChunkFrame {
  BatchMapOp phase;
  Division division;
  mlir::Value task;         ///< its number
  mlir::Value begin, first; ///< the task's first sample, and the chunk's
  FaultRecord fault;
  Memory behind; ///< memory of the worker behind the phase's own, for segments
};

/// Calls body(place) if task `index` is one of the `count` from `first` on, and goes behind these.
void forMine(Emitter &e, mlir::Value index, int64_t &first, int64_t count,
             llvm::function_ref<void(mlir::Value place)> body);

/// An emitter for an op that has so many of the samples at hand, from `first` in the batch on.
OpEmitter forSamples(OpEmitter &emitter, mlir::Operation *op, mlir::Value first, mlir::Value samples);

/// Writes the tasks of one function.
class TaskWriter {
public:
  TaskWriter(Emitter &e, CallFrame &frame, const FunctionPlan &plan, const OffsetsFunction &offsets,
             const SpanLayout &spans, mlir::ModuleOp module);

  void emitPhase(const Stage &stage, mlir::Value index, mlir::Value worker);
  void emitSerial(const Stage &stage);
  void emitTiles(const Stage &stage, mlir::Value index, mlir::Value worker);
  /// Slice `index` of `mapSlices`.
  void emitMapSlices(const Stage &stage, mlir::Value index);
  /// Adds the parts of a phase's sums: slice `index` of `reduceSlices`.
  void emitReduce(const Stage &stage, mlir::Value index);
  /// Writes numbers that belong to no phase to the host: loss, metrics; and states that were read until now.
  void emitNumbers();
  static bool hasNumbers(mlir::func::FuncOp function);

  static int64_t reduceSlices(const Stage &stage);
  static int64_t tiles(const Stage &stage);
  static int64_t mapSlices(const Stage &stage);

private:
  Buffer buffer(mlir::Value value);
  Buffer placed(mlir::Value value, Memory bytes, PlaceAttr place, const PlaceCounts &counts, mlir::Value rowSteps);
  Memory sharedMemory();
  void bindPlaces(OpEmitter &emitter, mlir::Operation *root, Memory bytes, const PlaceCounts &counts,
                  mlir::Value rowSteps);
  Buffer hostRows(mlir::Value pointer, ArrayType type);
  void bindFunctionValues(OpEmitter &emitter, llvm::ArrayRef<mlir::Operation *> ops);
  /// Loads among some ops, then the rest if they find no fault.
  void emitLoads(OpEmitter &emitter, llvm::ArrayRef<mlir::Operation *> ops, const FaultRecord &fault,
                 llvm::function_ref<void()> rest);
  void emitLoad(OpEmitter &emitter, MapOp op, const FaultRecord &fault);
  static void loadInput(OpEmitter &emitter, const Buffer &to, InputOp input, const FaultRecord &fault,
                        mlir::Value batch);
  void loadState(OpEmitter &emitter, const Buffer &to, StateOp state);
  void loadSeed(OpEmitter &emitter, const Buffer &to, int64_t output);
  Buffer stateRows(mlir::Value pointer, llvm::StringRef symbol, ArrayType type);
  void bindKnown(mlir::ValueRange values);
  static void copyOutlined(OpEmitter &emitter, const Buffer &from, const Buffer &to);
  Buffer hostBuffer(unsigned index, ArrayType type, mlir::Value first);
  Buffer givenRows(mlir::Value result, mlir::Value first);
  void storeOutputs(OpEmitter &emitter, mlir::Value result, const Buffer &from, mlir::Value first);
  mlir::Value wantedBy(mlir::Attribute outputs);
  mlir::Value wantedByAny(mlir::ArrayAttr wanted);
  mlir::Value wantedAtEnd(mlir::Value result);
  void whenWanted(mlir::Value condition, llvm::function_ref<void()> body);
  SumSlot slotOf(BatchMapOp phase, unsigned result, mlir::Value part, const Division &division);
  void emitSums(OpEmitter &emitter, IndexedOpInterface op, mlir::Value result, const ChunkFrame &chunk,
                mlir::Value isFirst, mlir::Value blocksBefore);
  void emitChunkOps(OpEmitter &emitter, llvm::ArrayRef<mlir::Operation *> ops, const ChunkFrame &chunk,
                    llvm::function_ref<void()> end);
  void give(OpEmitter &emitter, const ChunkFrame &chunk, unsigned number);
  void emitSegments(OpEmitter &emitter, SegmentsOp op, const ChunkFrame &chunk);
  void bindSegment(OpEmitter &outer, OpEmitter &inner, SegmentsOp op, mlir::Value number);
  void emitSegmentOps(OpEmitter &inner, SegmentsOp op, const ChunkFrame &chunk, mlir::Value turn,
                      llvm::ArrayRef<SumSlot> slots);
  void finishSum(OpEmitter &emitter, IndexedOpInterface op, const SumSlot &slot, const Buffer &result);
  Memory sumMemory(mlir::Operation *op, mlir::Type element);

  Emitter &e;
  CallFrame &frame;
  const FunctionPlan &plan;
  const SpanLayout &spans;
  mlir::ModuleOp module;
  CallNumbers numbers;
  mlir::Value batch, steps, firstStep, arena;
  ArenaOffsets offsets;
  llvm::DenseMap<mlir::Value, Buffer> known; ///< of values of the function
};

/// What task `index` of a stage's tiles, or of those that add up its sums, leaves as it will be: elements [from, to) of
/// a result of the function.
void forFinished(Emitter &e, const Stage &stage, mlir::Value index,
                 llvm::function_ref<void(mlir::Value result, mlir::Value from, mlir::Value to)> body);

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_TASKS_H
