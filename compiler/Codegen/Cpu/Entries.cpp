// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Entries.h. The contract is runtime/include/snn/abi.h.

#include "compiler/Codegen/Cpu/Entries.h"
#include "compiler/Codegen/FloatMode.h"

#include <limits>

using namespace mlir;

namespace snn {
namespace {

constexpr llvm::StringLiteral kArenaSize = "snn_arena_size";
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

/// A task runs in a mode of its own, whatever its thread is in: threads of a pool have the mode of whoever made them,
/// the caller's own may have changed since. All arithmetic on reals is in tasks, so the host keeps its mode elsewhere,
/// also in its parallel_for.
LogicalResult EntryWriter::addTask(StringRef name, Location loc, const TaskBody &body) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(module.getContext()), word = builder.getI64Type();
  auto declared = [&](StringRef symbol, FunctionType type) {
    if (auto known = module.lookupSymbol<func::FuncOp>(symbol))
      return known;
    auto function = func::FuncOp::create(builder, loc, symbol, type);
    function.setPrivate();
    return function;
  };
  func::FuncOp enter = declared(kEnterFloatMode, builder.getFunctionType({}, {word}));
  func::FuncOp leave = declared(kLeaveFloatMode, builder.getFunctionType({word}, {}));
  func::FuncOp task = declared(name, builder.getFunctionType({pointer, word, word}, {}));
  func::FuncOp arithmetic = declared((name + "_body").str(), task.getFunctionType());
  arithmetic->setAttr("passthrough", builder.getStrArrayAttr({"noinline"})); // see FloatMode.h

  Block *block = task.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  Value mode = func::CallOp::create(builder, loc, enter, {}).getResult(0);
  func::CallOp::create(builder, loc, arithmetic, block->getArguments());
  func::CallOp::create(builder, loc, leave, mode);
  func::ReturnOp::create(builder, loc);

  block = arithmetic.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  Emitter e(loc, builder, real, target);
  CallFrame frame(e, block->getArgument(0), module);
  return body(e, frame, e.toIndex(block->getArgument(1)), e.toIndex(block->getArgument(2)));
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
                                                    func::ReturnOp::create(e.b);
                                                    return success();
                                                  })))
    return failure();
  if (!plan->hasLoss) {
    addEntry(("snn_entry_" + function.getName()).str(), function.getName() == "step" ? Kind::Step : Kind::Forward,
             &*plan);
    return success();
  }
  auto reduce = [&](Emitter &e, CallFrame &frame, Value slice, Value) {
    emitReduceSlice(e, frame, *plan, spans, module, slice);
    func::ReturnOp::create(e.b);
    return success();
  };
  auto reduceAndUpdate = [&](Emitter &e, CallFrame &frame, Value slice, Value) {
    emitReduceSlice(e, frame, *plan, spans, module, slice);
    LogicalResult result = emitUpdateSlice(e, frame, update, spans, module, slice);
    func::ReturnOp::create(e.b);
    return result;
  };
  auto loss = [&](Emitter &e, CallFrame &frame, Value, Value) {
    storeLoss(e, frame, *plan);
    func::ReturnOp::create(e.b);
    return success();
  };
  if (failed(addTask(kLossTask, function.getLoc(), loss)) ||
      failed(addTask("snn_slice_gradient", function.getLoc(), reduce)) ||
      failed(addTask("snn_slice_train", function.getLoc(), reduceAndUpdate)))
    return failure();
  addEntry("snn_entry_loss_and_gradient", Kind::Gradient, &*plan);
  addEntry("snn_entry_train_step", Kind::Train, &*plan);
  return success();
}

LogicalResult EntryWriter::addUpdate(func::FuncOp update) {
  LogicalResult result =
      addTask("snn_slice_update", update.getLoc(), [&](Emitter &e, CallFrame &frame, Value slice, Value) {
        LogicalResult inner = emitUpdateSlice(e, frame, update, spans, module, slice);
        func::ReturnOp::create(e.b);
        return inner;
      });
  addEntry("snn_entry_update", Kind::Update, nullptr);
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
  ArenaMap arena =
      ArenaMap::of(e, plan, frame.batch(), frame.steps(plan.steps), frame.word(offsetof(snn_call, workers)));
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

/// Runs `task` for 0 .. count - 1 on the host's workers, or here if it has none.
void EntryWriter::parallel(Emitter &e, CallFrame &frame, Value count, StringRef task) {
  auto function = module.lookupSymbol<func::FuncOp>(task);
  Type pointerType = LLVM::LLVMPointerType::get(module.getContext());
  Value spread = frame.pointer(offsetof(snn_call, parallel_for));
  e.when(
      frame.isNull(spread),
      [&] {
        e.loop(count,
               [&](Value i) { func::CallOp::create(e.b, function, ValueRange{frame.call, e.toI64(i), e.i64(0)}); });
      },
      [&] {
        Value body = func::ConstantOp::create(e.b, function.getFunctionType(), SymbolRefAttr::get(function));
        Value address = UnrealizedConversionCastOp::create(e.b, pointerType, body).getResult(0);
        auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(module.getContext()),
                                                {pointerType, e.b.getI64Type(), pointerType, pointerType});
        Value pool = frame.pointer(offsetof(snn_call, pool));
        LLVM::CallOp::create(e.b, type, ValueRange{spread, pool, e.toI64(count), address, frame.call});
      });
}

/// An integer for each number, in the order of the numbers; beyond those of the infinities lie the NaNs.
static int64_t orderOf(double value) {
  const int64_t bits = llvm::bit_cast<int64_t>(value);
  return bits ^ ((bits >> 63) & INT64_MAX);
}

/// Whether one of the numbers that the host gives is outside of its range. By their bits: an entry point runs in the
/// host's floating-point mode, where a comparison could take a small number for zero.
static Value hyperOutside(Emitter &e, CallFrame &frame, ModuleOp module) {
  Value outside = e.truth(false);
  Type word = e.b.getI64Type();
  for (auto [index, op] : llvm::enumerate(module.getOps<HyperOp>())) {
    Value bits = arith::BitcastOp::create(e.b, word, frame.hyper(index));
    Value sign = arith::ShRSIOp::create(e.b, bits, e.i64(63));
    Value order = arith::XOrIOp::create(e.b, bits, arith::AndIOp::create(e.b, sign, e.i64(INT64_MAX)));
    auto refuse = [&](arith::CmpIPredicate predicate, double bound) {
      Value beyond = arith::CmpIOp::create(e.b, predicate, order, e.i64(orderOf(bound)));
      outside = e.either(outside, beyond);
    };
    std::optional<RangeAttr> range = op.getRange();
    constexpr double most = std::numeric_limits<double>::max();
    const double low = range ? range->getFrom().getValueAsDouble() : -most;
    refuse(arith::CmpIPredicate::slt, low == 0 ? -0.0 : low);
    if (range && range->getBelow())
      refuse(arith::CmpIPredicate::sge, range->getBelow().getValueAsDouble());
    else
      refuse(arith::CmpIPredicate::sgt, range && range->getTo() ? range->getTo().getValueAsDouble() : most);
  }
  return outside;
}

/// The first error of a call, or SNN_OK, as i32.
Value EntryWriter::check(Emitter &e, CallFrame &frame, Kind kind, const LanePlan *plan) {
  Type i32 = e.b.getI32Type();
  auto code = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(e.b, i32, value); };
  // Nothing but the size may be read before it is known to be right.
  Value size = frame.loadAt(frame.call, offsetof(snn_call, struct_size), e.b.getI64Type());
  return e.choose(
      e.compare(arith::CmpIPredicate::ult, size, e.i64(sizeof(snn_call))), [&] { return code(SNN_ERROR_ARGUMENT); },
      [&]() -> Value {
        Value missing = e.equal(e.index(0), e.index(1));
        auto require = [&](size_t field, int64_t bytes) {
          if (bytes > 0)
            missing = e.either(missing, frame.isNull(frame.pointer(field)));
        };
        bool updates = kind == Kind::Train || kind == Kind::Update;
        require(offsetof(snn_call, parameters), spans.parameterBytes());
        if (kind == Kind::Gradient || updates)
          require(offsetof(snn_call, gradients), spans.parameterBytes());
        if (updates) {
          require(offsetof(snn_call, optimizer), spans.optimizerBytes());
          missing = e.either(missing, e.equal(frame.word(offsetof(snn_call, optimizer_step)), e.index(0)));
        }
        if (kind == Kind::Step)
          for (size_t state : {offsetof(snn_call, state_in), offsetof(snn_call, state_out)})
            require(state, spans.stateBytes());
        bool usesHyper = updates || kind == Kind::Gradient;
        Value badHyper = usesHyper ? hyperOutside(e, frame, module) : e.truth(false);
        Value found = arith::SelectOp::create(e.b, badHyper, code(SNN_ERROR_HYPER), code(SNN_OK));
        if (!plan)
          return arith::SelectOp::create(e.b, missing, code(SNN_ERROR_ARGUMENT), found);
        require(offsetof(snn_call, inputs), sizeof(snn_view));
        Value workers = frame.word(offsetof(snn_call, workers));
        auto outside = [&](Value value, int64_t most) {
          return e.either(e.equal(value, e.index(0)), e.below(e.index(most), value));
        };
        missing = e.either(missing, outside(frame.batch(), SNN_MAX_BATCH));
        missing = e.either(missing, outside(workers, SNN_MAX_WORKERS));
        return e.choose(
            missing, [&] { return code(SNN_ERROR_ARGUMENT); },
            [&] {
              func::FuncOp function = plan->function;
              Value noData = e.equal(e.index(0), e.index(1));
              for (unsigned i = 0; i < function.getNumArguments(); ++i)
                if (int64_t input = declarationIndex<InputOp>(module, plan->argumentSymbol(i)); input >= 0)
                  noData = e.either(noData, frame.isNull(frame.inputData(input)));
              Value given = frame.word(offsetof(snn_call, steps));
              int64_t least = plan->steps.value_or(1);
              int64_t most = plan->steps ? *plan->steps : getModel(module).getMaxSteps();
              Value badSteps = e.either(e.below(given, e.index(least)), e.below(e.index(most), given));
              // One size for all entries of a model: a host allocates once.
              Type size = e.b.getI64Type();
              Value needed = func::CallOp::create(e.b, kArenaSize, TypeRange{size},
                                                  ValueRange{e.toI64(frame.batch()), e.toI64(frame.steps(plan->steps)),
                                                             e.toI64(workers)})
                                 .getResult(0);
              Value memory = frame.pointer(offsetof(snn_call, arena));
              Value address = e.toIndex(LLVM::PtrToIntOp::create(e.b, e.b.getI64Type(), memory));
              Value odd = e.b.createOrFold<arith::RemUIOp>(address, e.index(SNN_ALIGNMENT));
              Value badArena =
                  e.either(frame.isNull(memory),
                           e.either(e.compare(arith::CmpIPredicate::ne, odd, e.index(0)),
                                    e.below(frame.word(offsetof(snn_call, arena_size)), e.toIndex(needed))));
              Value result = arith::SelectOp::create(e.b, badArena, code(SNN_ERROR_ARENA), found);
              result = arith::SelectOp::create(e.b, badSteps, code(SNN_ERROR_STEPS), result);
              return arith::SelectOp::create(e.b, noData, code(SNN_ERROR_ARGUMENT), result).getResult();
            },
            i32);
      },
      i32);
}

/// The code of the first lane that met a fault; lanes are in the order of the samples. Reports the row.
Value EntryWriter::firstFault(Emitter &e, CallFrame &frame, const LanePlan &plan) {
  ArenaMap arena =
      ArenaMap::of(e, plan, frame.batch(), frame.steps(plan.steps), frame.word(offsetof(snn_call, workers)));
  Value records = frame.pointer(offsetof(snn_call, arena));
  Value row = frame.pointer(offsetof(snn_call, fault_row));
  auto found = e.loop(e.index(0), arena.laneCount, 1, {e.i64(SNN_OK)}, [&](Value lane, ValueRange known) {
    Value record = e.advance(records, e.mul(lane, ArenaMap::kFaultBytes));
    Value code = frame.loadAt(record, 0, e.b.getI64Type());
    Value isFirst = e.both(e.equal(known[0], e.i64(SNN_OK)), e.compare(arith::CmpIPredicate::ne, code, e.i64(SNN_OK)));
    e.when(e.both(isFirst, frame.isGiven(row)),
           [&] { frame.storeAt(frame.loadAt(record, 8, e.b.getI64Type()), row, 0); });
    return SmallVector<Value>{arith::SelectOp::create(e.b, isFirst, code, known[0])};
  });
  return arith::TruncIOp::create(e.b, e.b.getI32Type(), found[0]);
}

/// The mean of the samples' losses, added up in f64 in their order.
void EntryWriter::storeLoss(Emitter &e, CallFrame &frame, const LanePlan &plan) {
  Value target = frame.pointer(offsetof(snn_call, loss));
  e.when(frame.isGiven(target), [&] {
    ArenaMap arena =
        ArenaMap::of(e, plan, frame.batch(), frame.steps(plan.steps), frame.word(offsetof(snn_call, workers)));
    Memory losses = e.atPointer(e.advance(frame.pointer(offsetof(snn_call, arena)), arena.losses), real);
    Type f64 = e.b.getF64Type();
    auto total = e.loop(e.index(0), frame.batch(), 1, {e.constant(f64, 0)}, [&](Value i, ValueRange sum) {
      Value loss = e.load(losses, i);
      if (!real.isF64())
        loss = arith::ExtFOp::create(e.b, f64, loss);
      return SmallVector<Value>{arith::AddFOp::create(e.b, sum[0], loss)};
    });
    Value samples = arith::UIToFPOp::create(e.b, f64, e.toI64(frame.batch()));
    frame.storeAt(arith::DivFOp::create(e.b, total[0], samples), target, 0);
  });
}

Value EntryWriter::run(Emitter &e, CallFrame &frame, Kind kind, const LanePlan *plan) {
  Type i32 = e.b.getI32Type();
  Value ok = arith::ConstantIntOp::create(e.b, i32, SNN_OK);
  if (kind == Kind::Update) {
    parallel(e, frame, e.index(sliceCount(spans)), "snn_slice_update");
    return ok;
  }
  if (int64_t tasks = transposeTasks(*plan))
    parallel(e, frame, e.index(tasks), taskName("prepare", plan->function));
  ArenaMap arena =
      ArenaMap::of(e, *plan, frame.batch(), frame.steps(plan->steps), frame.word(offsetof(snn_call, workers)));
  parallel(e, frame, arena.laneCount, taskName("lane", plan->function));
  Value fault = firstFault(e, frame, *plan);
  if (!plan->hasLoss)
    return fault;
  e.when(e.equal(fault, ok), [&] {
    func::CallOp::create(e.b, module.lookupSymbol<func::FuncOp>(kLossTask), ValueRange{frame.call, e.i64(0), e.i64(0)});
    parallel(e, frame, e.index(sliceCount(spans)), kind == Kind::Train ? "snn_slice_train" : "snn_slice_gradient");
  });
  return fault;
}

void EntryWriter::addEntry(StringRef name, Kind kind, const LanePlan *plan) {
  Location loc = plan ? plan->function.getLoc() : module.getLoc();
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(module.getContext()), i32 = builder.getI32Type();
  auto function = func::FuncOp::create(builder, loc, name, builder.getFunctionType({pointer}, {i32}));
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  Emitter e(loc, builder, real, target);
  CallFrame frame(e, block->getArgument(0), module);
  Value error = check(e, frame, kind, plan);
  Value sound = e.equal(error, arith::ConstantIntOp::create(e.b, i32, SNN_OK));
  Value result = e.choose(sound, [&] { return run(e, frame, kind, plan); }, [&] { return error; }, i32);
  func::ReturnOp::create(e.b, result);
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
