// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A planned function as tasks: phases over parts or chunks of the batch, and what stands between them.

#ifndef SNN_COMPILER_CODEGEN_CPU_TASKS_H
#define SNN_COMPILER_CODEGEN_CPU_TASKS_H

#include "compiler/Codegen/Cpu/Sums.h"
#include "compiler/Codegen/Host/CallFrame.h"
#include "compiler/Codegen/Host/Faults.h"
#include "compiler/Codegen/SpanLayout.h"
#include "compiler/Schedule/Cpu/Layout.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace snn::core {

/// Work between two barriers.
struct Stage {
  enum class Kind {
    Phase,  ///< a batch_map: tasks are parts of the batch
    Tiles,  ///< gradients of the whole batch by kernels: tasks are parts of the result
    Serial, ///< one task
  };
  Kind kind;
  llvm::SmallVector<mlir::Operation *> ops;
  std::string task;   ///< the function that does it
  std::string reduce; ///< of a phase with sums: adds up its parts; else empty

  /// Whether it copies what the host gives, of which it may find that it is at fault. A phase always may.
  bool loads() const;
  BatchMapOp phase() const { return llvm::cast<BatchMapOp>(ops.front()); }
};

/// A function with its stages, as the entry points run them.
struct FunctionPlan {
  mutable mlir::func::FuncOp function;
  std::optional<int64_t> steps; ///< fixed number of steps, else the call's
  llvm::SmallVector<Stage, 0> stages;
  /// Ops that sum over samples, in phases and between them.
  llvm::SmallVector<mlir::Operation *> sums;

  static FunctionPlan of(mlir::func::FuncOp function, std::optional<int64_t> steps);
};

/// Offsets in bytes into the arena of a call: fault records, sums of each phase and of each sum between phases, values
/// of the function, the workers' memory.
struct ArenaOffsets {
  mlir::Value shared, workers, workerBytes, total;

  /// Of the sums of a phase or of an op between phases.
  mlir::Value sums(ScalarEmitter &e, mlir::Operation *op) const { return evaluate(e, bytes.find(op)->second); }

  static constexpr int64_t kMaxTasks = 64; ///< of a phase

  static ArenaOffsets of(Emitter &e, const FunctionPlan &plan, mlir::Value batch, mlir::Value steps,
                         mlir::Value workers);

private:
  using Multiples = llvm::SmallVector<int64_t, 4>; ///< for each of `counts`
  mlir::Value evaluate(ScalarEmitter &e, const Multiples &multiples) const;

  /// Parts times levels, for each way to divide a batch. Deep networks have many sums and few of these.
  llvm::SmallVector<mlir::Value> counts;
  llvm::DenseMap<mlir::Operation *, Multiples> bytes; ///< where sums begin
};

/// Parts and units of a phase or an op that sums over samples, at run time.
struct Division {
  mlir::Value tasks;  ///< parts of the sums; without sums, as many as are useful
  mlir::Value unit;   ///< samples that stay together
  mlir::Value chunk;  ///< samples at a time, whole units
  mlir::Value levels; ///< of the sums
  /// Of the phase's sums; `op` is one of them, or null.
  static Division of(ScalarEmitter &e, IndexedOpInterface op, int64_t chunk, mlir::Value batch, mlir::Value steps);
  /// The first sample of task `i`.
  mlir::Value begin(ScalarEmitter &e, mlir::Value i, mlir::Value batch) const;
};

/// Writes the tasks of one function.
class TaskWriter {
public:
  TaskWriter(Emitter &e, CallFrame &frame, const FunctionPlan &plan, const SpanLayout &spans, mlir::ModuleOp module);

  void emitPhase(const Stage &stage, mlir::Value index, mlir::Value worker);
  void emitSerial(const Stage &stage);
  void emitTiles(const Stage &stage, mlir::Value index, mlir::Value worker);
  /// Adds the parts of a phase's sums: slice `index` of `reduceSlices`.
  void emitReduce(const Stage &stage, mlir::Value index);
  /// Writes numbers that belong to no phase to the host: loss, metrics.
  void emitNumbers();

  static int64_t reduceSlices(const Stage &stage);
  static int64_t tiles(const Stage &stage);
  /// How many tasks a phase has.
  static mlir::Value taskCount(ScalarEmitter &e, const Stage &stage, mlir::Value batch, mlir::Value steps);
  static IndexedOpInterface anySum(BatchMapOp phase);
  Division divisionOf(const Stage &stage);

private:
  Buffer buffer(mlir::Value value);
  Buffer placed(mlir::Value value, Memory bytes, PlaceAttr place, mlir::Value samples);
  Memory sharedMemory();
  void bindPlaces(OpEmitter &emitter, mlir::Operation *root, Memory bytes, mlir::Value samples);
  Buffer hostRows(mlir::Value pointer, ArrayType type);
  void bindFunctionValues(OpEmitter &emitter, llvm::ArrayRef<mlir::Operation *> ops);
  void emitLoad(OpEmitter &emitter, MapOp op, mlir::Value source, const FaultRecord &fault);
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
  void emitWholeSum(OpEmitter &emitter, IndexedOpInterface op, kernels::Range inputs, mlir::Value from, mlir::Value to);
  mlir::Value wantedBy(mlir::Attribute list);
  SumSlot slotOf(BatchMapOp phase, unsigned result, mlir::Value part, const Division &division);
  Memory sumMemory(mlir::Operation *op, mlir::Type element);
  llvm::StringRef symbolOf(mlir::DictionaryAttr attributes);

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

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_TASKS_H
