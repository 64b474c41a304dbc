// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The ops of the core as loops: map, fold, contract and scan, for the samples at hand.

#ifndef SNN_COMPILER_CODEGEN_CPU_OPEMITTER_H
#define SNN_COMPILER_CODEGEN_CPU_OPEMITTER_H

#include "compiler/Codegen/Cpu/Buffers.h"
#include "compiler/Codegen/Cpu/Kernels/Kernels.h"
#include "compiler/Codegen/Cpu/Random.h"
#include "compiler/Codegen/Host/CallFrame.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>

namespace snn::core {

/// The samples and steps that a task works on. All of type index.
struct Extents {
  mlir::Value samples;      ///< at hand: a chunk, or the batch
  mlir::Value steps;        ///< of the call, or of a segment of its time
  mlir::Value firstSample;  ///< the place in the batch of the first one at hand
  mlir::Value firstStep;    ///< what the state has seen before the first of them
  mlir::Value step;         ///< within a scan's body: the present step, else null
  mlir::Value segment = {}; ///< within a segment: the step of the call that it begins with, else null
};

/// Where a sum is added up, chunk after chunk of samples or segment after segment of time.
struct SumSlot {
  Buffer total;            ///< of the first level
  mlir::Value levelStride; ///< from one level to the next, in elements
  mlir::Value fresh;       ///< i1: nothing is there yet
  mlir::Value blocks;      ///< blocks that were added before
};

/// What a function of its own gets from its caller, besides extents and the op's arrays. The body gets the same, as it
/// looks inside.
struct Outlined {
  std::string name;
  mlir::Operation *op = nullptr; ///< may be null
  llvm::SmallVector<Buffer> buffers = {};
  std::optional<SumSlot> slot = std::nullopt;
  llvm::SmallVector<mlir::Value> values = {}; ///< may be null
};

/// How a scalar body is written.
struct BodyForm {
  bool tiny = false;          ///< some lanes are (Subnormals.h)
  mlir::IRMapping known = {}; ///< vectors of what is computed already
};

/// Random numbers of a call.
class CallNumbers {
public:
  CallNumbers(Emitter &e, CallFrame &frame, mlir::ModuleOp module) : e(e), frame(frame), module(module) {}

  /// Computes the keys of all random numbers in an op, where the builder stands: outside of loops.
  void prepare(mlir::Operation *root);
  mlir::Value call() const { return frame.call; }
  bool isStreaming() const { return frame.isStreaming; }
  /// Of a streaming build: its one step's number, an i64, as an index may have fewer bits than a stream has steps.
  mlir::Value step() { return e.loadAt(frame.call, offsetof(snn_call, first_step), e.b.getI64Type()); }
  /// vector<kLanes x element> of random numbers for points whose numbers in their domain are `elements`
  /// (vector<kLanes x i32>). `sample` is a place in the batch or null, `step` counts from the first step ever, or null.
  mlir::Value random(core::RandomOp op, mlir::Value elements, mlir::Value sample, mlir::Value step);

private:
  Emitter &e;
  CallFrame &frame;
  mlir::ModuleOp module;
  llvm::DenseMap<int64_t, RandomKey> keys; ///< by purpose
};

class OpEmitter {
public:
  OpEmitter(Emitter &e, mlir::ModuleOp module, Extents extents, CallNumbers &numbers)
      : e(e), math(e), module(module), extents(extents), numbers(numbers) {}

  /// Whether products look for tiny factors: a streaming build is to be small.
  kernels::Tiny tinyFactors() const { return numbers.isStreaming() ? kernels::Tiny::Never : kernels::Tiny::IfSlow; }

  /// Where each array lies: to be filled before an op that reads or writes it is emitted.
  llvm::DenseMap<mlir::Value, Buffer> buffers;
  /// Memory of ops that need some to work in.
  llvm::DenseMap<mlir::Operation *, kernels::Scratch> scratches;
  /// And of products in the scan that runs, which hold tables.
  llvm::DenseMap<mlir::Operation *, kernels::Scratch> held;
  mlir::Value placeSamples; ///< samples for which places are made: those at hand at most

  void emit(core::MapOp op);
  /// A fold or contract whose result has its samples, or none, and does not sum over them.
  void emit(core::FoldOp op);
  void emit(core::ContractOp op);
  void emit(core::ScanOp op);
  /// A sum over samples or time: adds the terms of those at hand.
  void emitSum(core::IndexedOpInterface op, const SumSlot &slot);
  /// The same by a kernel, for some of the inputs; false if the op has none.
  bool emitGradient(core::ContractOp op, const SumSlot &slot, kernels::Range inputs);
  /// Any of these, in a function of its own where that is worth it.
  void emitAny(mlir::Operation &op);
  void emitAnySum(core::IndexedOpInterface op, const SumSlot &slot);

  /// Calls a function for `what`. All that would be written alike share it, also among entries.
  void outline(const Outlined &what, llvm::function_ref<void(OpEmitter &, const Outlined &)> body);

  void fillZero(const Buffer &buffer);
  /// All elements, from reals to bits or back where that differs.
  void copyElements(const Buffer &from, const Buffer &to);
  /// The same, row by row where the form is the same.
  void copyRows(const Buffer &from, const Buffer &to);
  /// A scalar body for kLanes points. `arguments` are vectors.
  llvm::SmallVector<mlir::Value> emitBody(mlir::Block &body, mlir::ValueRange arguments, const Points &points,
                                          const BodyForm &form = {});
  /// An op of a scalar body that has one result and does not ask for its place.
  mlir::Value onVectors(mlir::Operation &op, mlir::ValueRange operands);

  Emitter &e;
  LaneMath math;
  mlir::ModuleOp module;
  Extents extents;
  CallNumbers &numbers;

  using RowBody = llvm::function_ref<void(llvm::SmallVectorImpl<LaneIndex> &)>;
  using StripBody = llvm::function_ref<void(llvm::ArrayRef<Points>)>;
  /// Loops over samples and steps of a domain, in this order; the others of `dims` are left as they are.
  void forEachRow(llvm::ArrayRef<int64_t> domain, RowBody body);
  /// The same, and over the inner extents but those of `left`, one point at a time.
  void forEachPoint(llvm::ArrayRef<int64_t> domain, RowBody body, llvm::ArrayRef<unsigned> left = {});
  /// Loops over the extents of one sample and step, in strips of kLanes points. With `collapse`, all of them are
  /// counted through as one; else `lanes`, or the last one, lies in lanes. `stripsOutside`: a strip stays while the
  /// others go by, so that what is read across its rows, as by a transpose, stays in the cache. The body gets up to
  /// `together` strips side by side.
  void forEachStrip(llvm::ArrayRef<int64_t> domain, llvm::ArrayRef<LaneIndex> rows, bool collapse, StripBody body,
                    bool stripsOutside = false, std::optional<unsigned> lanes = std::nullopt, int64_t together = 1);
  /// The dim whose lanes take least, if a strip along a dim takes strip(dim).
  static std::optional<unsigned> laneDim(llvm::ArrayRef<int64_t> domain, llvm::function_ref<int64_t(unsigned)> strip);

  /// Lanes from `at` on that are within the width; null if all always are.
  mlir::Value maskAt(mlir::Value at, int64_t width);

private:
  /// kLanes points of one sample and step, from number `at` on.
  Points collapsedPoints(llvm::ArrayRef<int64_t> domain, llvm::ArrayRef<LaneIndex> rows, mlir::Value at);
  bool emitProduct(core::ContractOp op);
  bool emitOverlap(core::ContractOp op);
  /// Maps that only move spikes, word by word; false if the map is something else. Of these: windows as rows of bits,
  /// rows turned round, and runs.
  bool emitBitMoves(core::MapOp op);
  bool emitBitPatches(core::MapOp op, const Buffer &from, const Buffer &to);
  bool emitBitTurn(core::MapOp op, const Buffer &from, const Buffer &to);
  bool emitBitRuns(core::MapOp op, const Buffer &from, const Buffer &to);
  /// Maps that read some arrays along one dim and write along another; false if the map is something else, or lanes lie
  /// well along a dim.
  bool emitTurned(core::MapOp op, llvm::MutableArrayRef<LaneAccess> reads, llvm::ArrayRef<unsigned> written,
                  llvm::MutableArrayRef<LaneAccess> writes);
  /// Whether some of these states are tiny (Subnormals.h). Null if bodies need not care: a streaming build is to be
  /// small.
  mlir::Value anyStateTiny(mlir::ValueRange states);
  kernels::Scratch scratch(mlir::Operation *op) { return scratches.lookup(op); }
  mlir::Value rowCount(const Buffer &buffer);
  mlir::Value extentOf(int64_t extent);
  void emitReduction(core::IndexedOpInterface op);
  void emitMaximum(core::FoldOp op);
  void emitLaneSum(core::FoldOp op);
  bool emitCount(core::FoldOp op);
  bool emitSpikeCount(core::FoldOp op);
  void emitPointwise(core::ScanOp op);
  void emitStepwise(core::ScanOp op);
  void moveCarries(core::ScanOp op);
  void moveRows(llvm::ArrayRef<Buffer> moves);
};

/// The dims of one sample and step, counted through in row-major order.
mlir::AffineExpr collapsedNumber(llvm::ArrayRef<int64_t> domain, mlir::MLIRContext *context);
/// Points of one sample and step.
int64_t innerPoints(llvm::ArrayRef<int64_t> domain);

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_OPEMITTER_H
