// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Entries.h. The contract is runtime/include/snn/abi.h.

#include "compiler/Codegen/Cpu/Entries.h"
#include "compiler/Codegen/Host/Faults.h"

using namespace mlir;

namespace snn {
namespace {

constexpr llvm::StringLiteral kLossTask = "snn_loss";

/// Columns of a weight that one task transposes.
constexpr int64_t kTransposeRows = 32;

std::string taskName(StringRef task, func::FuncOp function) { return ("snn_" + task + "_" + function.getName()).str(); }

int64_t sliceCount(const SpanLayout &spans) {
  int64_t elements = spans.parameterBytes() / spans.realBytes();
  return (elements + kSliceElements - 1) / kSliceElements;
}

/// A weight's transpose is needed if an op that reads it is; null: always.
Value isNeeded(Emitter &e, const LanePlan &plan, const Demand &demand, TransposeOp op) {
  Value any = e.truth(false);
  BatchMapOp map = plan.map;
  for (auto [operand, argument] : llvm::zip(map.getOperands(), map.getBody().getArguments()))
    if (operand == op.getResult())
      for (Operation *user : argument.getUsers()) {
        auto optional = demand.optional.find(user);
        if (optional == demand.optional.end())
          return Value();
        if (optional->second)
          any = e.either(any, optional->second);
      }
  return any;
}

} // namespace

LogicalResult EntryWriter::addTask(StringRef name, Location loc, const TaskBody &body) {
  return host.addTask(name, loc, [&](OpBuilder &builder, Value call, Value index, Value worker) {
    Emitter e(loc, builder, real, target);
    CallFrame frame(e, call, module);
    return body(e, frame, index, worker);
  });
}

LogicalResult EntryWriter::addFunction(func::FuncOp function, func::FuncOp update) {
  auto plan = LanePlan::of(function, spans);
  if (failed(plan))
    return failure();
  plans.push_back(*plan);
  if (failed(addTask(taskName("lane", function), function.getLoc(),
                     [&](Emitter &e, CallFrame &frame, Value lane, Value worker) {
                       return LaneLowering(e, frame, *plan, spans, module).emit(lane, worker);
                     })))
    return failure();
  if (!plan->transposes.empty() && failed(addTask(taskName("prepare", function), function.getLoc(),
                                                  [&](Emitter &e, CallFrame &frame, Value task, Value) {
                                                    emitTranspose(e, frame, *plan, task);
                                                    return success();
                                                  })))
    return failure();
  if (!plan->hasLoss) {
    addEntry(("snn_entry_" + function.getName()).str(),
             function.getName() == "step" ? EntryKind::Step : EntryKind::Forward, &*plan);
    return success();
  }
  auto reduce = [&](Emitter &e, CallFrame &frame, Value slice, Value) {
    emitReduceSlice(e, frame, *plan, spans, module, slice);
    return success();
  };
  auto reduceAndUpdate = [&](Emitter &e, CallFrame &frame, Value slice, Value) {
    emitReduceSlice(e, frame, *plan, spans, module, slice);
    return emitUpdateSlice(e, frame, update, spans, module, slice);
  };
  auto loss = [&](Emitter &e, CallFrame &frame, Value, Value) {
    storeLoss(e, frame, *plan);
    return success();
  };
  if (failed(addTask(kLossTask, function.getLoc(), loss)) ||
      failed(addTask("snn_slice_gradient", function.getLoc(), reduce)) ||
      failed(addTask("snn_slice_train", function.getLoc(), reduceAndUpdate)))
    return failure();
  addEntry("snn_entry_loss_and_gradient", EntryKind::Gradient, &*plan);
  addEntry("snn_entry_train_step", EntryKind::Train, &*plan);
  return success();
}

LogicalResult EntryWriter::addUpdate(func::FuncOp update) {
  LogicalResult result =
      addTask("snn_slice_update", update.getLoc(), [&](Emitter &e, CallFrame &frame, Value slice, Value) {
        return emitUpdateSlice(e, frame, update, spans, module, slice);
      });
  host.addEntry(
      "snn_entry_update", module.getLoc(),
      CallChecks::of(module, EntryKind::Update, update, std::nullopt, StateUse::None),
      [&](EntryPhases &phases) { phases.parallel("snn_slice_update", phases.frame.e.index(sliceCount(spans))); });
  return result;
}

int64_t EntryWriter::transposeTasks(const LanePlan &plan) {
  int64_t tasks = 0;
  for (auto [op, offset] : plan.transposes)
    tasks += (cast<RankedTensorType>(op->getResult(0).getType()).getDimSize(1) + kTransposeRows - 1) / kTransposeRows;
  return tasks;
}

/// Stored [in][out] -> [out][in], both rows padded; task by task in the order of the ops.
void EntryWriter::emitTranspose(Emitter &e, CallFrame &frame, const LanePlan &plan, Value task) {
  ArenaMap arena = ArenaMap::of(e, plan, frame.batch(), frame.steps(plan.steps), frame.workers());
  Value base = e.advance(frame.pointer(offsetof(snn_call, arena)), arena.transposes);
  Value span = frame.pointer(offsetof(snn_call, parameters));
  func::FuncOp function = plan.function;
  const Demand demand = Demand::of(frame, plan, module);
  int64_t firstTask = 0;
  for (TransposeOp op : function.getBody().front().getOps<TransposeOp>()) {
    auto type = cast<RankedTensorType>(op.getType()); // [in, out] of the original [out, in]
    int64_t inputs = type.getDimSize(0), outputs = type.getDimSize(1);
    int64_t sourceRow = paddedWidth(outputs), targetRow = paddedWidth(inputs);
    int64_t tasks = (outputs + kTransposeRows - 1) / kTransposeRows;
    StringRef name = plan.argumentSymbol(cast<BlockArgument>(op.getInput()).getArgNumber());
    Memory from = e.atPointer(e.advance(span, e.index(spans.find(name)->offset)), real);
    Memory to = e.atPointer(e.advance(base, e.index(plan.transposes.lookup(op))), real);
    Value own = e.both(e.compare(arith::CmpIPredicate::uge, task, e.index(firstTask)),
                       e.below(task, e.index(firstTask + tasks)));
    if (Value needed = isNeeded(e, plan, demand, op))
      own = e.both(own, needed);
    e.when(own, [&] {
      Value begin = e.mul(e.sub(task, e.index(firstTask)), kTransposeRows);
      Value end = e.minimum(e.add(begin, kTransposeRows), e.index(outputs));
      e.loop(begin, end, 1, [&](Value n) {
        Value row = e.mul(n, targetRow);
        e.storeVector(e.constant(e.rowVector(), 0), to, e.add(row, targetRow - kLanes));
      });
      // Blocks of kLanes inputs, so that the lines that are read serve for all outputs of the task.
      e.loop(e.index(0), e.index(inputs), kLanes, [&](Value block) {
        Value stop = e.minimum(e.add(block, kLanes), e.index(inputs));
        e.loop(begin, end, 1, [&](Value n) {
          e.loop(block, stop, 1, [&](Value k) {
            e.store(e.load(from, e.add(e.mul(k, sourceRow), n)), to, e.add(e.mul(n, targetRow), k));
          });
        });
      });
    });
    firstTask += tasks;
  }
}

/// The mean of the samples' losses, added up in f64 in their order.
void EntryWriter::storeLoss(Emitter &e, CallFrame &frame, const LanePlan &plan) {
  Value target = frame.pointer(offsetof(snn_call, loss));
  e.when(e.isGiven(target), [&] {
    ArenaMap arena = ArenaMap::of(e, plan, frame.batch(), frame.steps(plan.steps), frame.workers());
    Memory losses = e.atPointer(e.advance(frame.pointer(offsetof(snn_call, arena)), arena.losses), real);
    Type f64 = e.b.getF64Type();
    auto total = e.loop(e.index(0), frame.batch(), 1, {e.constant(f64, 0)}, [&](Value i, ValueRange sum) {
      Value loss = e.load(losses, i);
      if (!real.isF64())
        loss = arith::ExtFOp::create(e.b, f64, loss);
      return SmallVector<Value>{arith::AddFOp::create(e.b, sum[0], loss)};
    });
    Value samples = arith::UIToFPOp::create(e.b, f64, e.toI64(frame.batch()));
    e.storeAt(arith::DivFOp::create(e.b, total[0], samples), target, 0);
  });
}

void EntryWriter::addEntry(StringRef name, EntryKind kind, const LanePlan *plan) {
  const StateUse states = kind == EntryKind::Step ? StateUse::Required : StateUse::None;
  auto addPhases = [&](EntryPhases &phases) {
    CallFrame &frame = phases.frame;
    Emitter arithmetic(plan->function.getLoc(), frame.e.b, real, target);
    ArenaMap arena = ArenaMap::of(arithmetic, *plan, frame.batch(), frame.steps(plan->steps), frame.workers());
    if (int64_t tasks = transposeTasks(*plan))
      phases.parallel(taskName("prepare", plan->function), frame.e.index(tasks));
    phases.parallel(taskName("lane", plan->function), arena.laneCount);
    phases.stopAtFault(frame.pointer(offsetof(snn_call, arena)), arena.laneCount);
    if (!plan->hasLoss)
      return;
    phases.serial(kLossTask);
    phases.parallel(kind == EntryKind::Train ? "snn_slice_train" : "snn_slice_gradient",
                    frame.e.index(sliceCount(spans)));
  };
  host.addEntry(name, plan->function.getLoc(), CallChecks::of(module, kind, plan->function, plan->steps, states),
                addPhases);
}

void EntryWriter::addArenaSize() {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Type word = builder.getI64Type();
  auto function =
      func::FuncOp::create(builder, module.getLoc(), kArenaSize, builder.getFunctionType({word, word, word}, {word}));
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  Emitter e(module.getLoc(), builder, real, target);
  // Beyond the bounds of the interface sizes could wrap around: no memory is enough.
  Value outside = e.either(e.below(e.index(SNN_MAX_BATCH), e.toIndex(block->getArgument(0))),
                           e.below(e.index(SNN_MAX_WORKERS), e.toIndex(block->getArgument(2))));
  outside = e.either(outside, e.below(e.index(getModel(module).getMaxSteps()), e.toIndex(block->getArgument(1))));
  Value largest = e.index(0), workers = e.toIndex(block->getArgument(2));
  for (const LanePlan &plan : plans) {
    Value steps = plan.steps ? e.index(*plan.steps) : e.toIndex(block->getArgument(1));
    ArenaMap arena = ArenaMap::of(e, plan, e.toIndex(block->getArgument(0)), steps, workers);
    largest = e.maximum(largest, arena.total);
    // Within the bounds too a part may be too large. A worker's memory is at most kMaxArena bytes, and what remains
    // besides the two products is small, so two of these bounds and the rest fit into 64 bits.
    constexpr int64_t kMaxPart = int64_t(1) << 62;
    auto exceeds = [&](Value count, Value bytes) {
      return e.below(e.div(e.index(kMaxPart), e.maximum(bytes, e.index(1))), count);
    };
    outside = e.either(outside, exceeds(workers, arena.workerBytes));
    outside = e.either(outside, exceeds(arena.laneCount, e.index(plan.laneBytes)));
  }
  Value size = arith::SelectOp::create(e.b, outside, e.i64(-1), e.toI64(largest));
  func::ReturnOp::create(e.b, size);
}

} // namespace snn
