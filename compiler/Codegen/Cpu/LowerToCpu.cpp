// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass core-lower-to-cpu: planned functions in, tasks over vectors and entry points out.

#include "compiler/Codegen/Cpu/Update.h"
#include "compiler/Codegen/Host/CallChecks.h"
#include "compiler/Codegen/Host/Faults.h"
#include "compiler/Codegen/Host/StreamEntry.h"
#include "compiler/Schedule/Cpu/CallMemory.h"

#include <list>
#include <map>

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_LOWERTOCPU
#include "compiler/Codegen/Cpu/Passes.h.inc"
} // namespace snn

namespace snn::core {
namespace {

class EntryWriter {
public:
  EntryWriter(ModuleOp module, const SpanLayout &spans, TargetShape target)
      : module(module), spans(spans), real(getModel(module).getReal()), target(target), host(module) {}

  /// The tasks of a function.
  void addFunction(func::FuncOp function, std::optional<int64_t> steps) {
    const FunctionPlan &plan = plans.emplace_back(FunctionPlan::of(function, steps));
    OpBuilder builder(module.getContext());
    Emitter like(function.getLoc(), builder, real, target);
    offsets.emplace(function, OffsetsFunction(module, like, plan));
    for (const Stage &stage : plan.stages) {
      addTask(stage.task, plan, [&](TaskWriter &writer, Value index, Value worker) {
        switch (stage.kind) {
        case Stage::Kind::Phase:
          return writer.emitPhase(stage, index, worker);
        case Stage::Kind::Tiles:
          return writer.emitTiles(stage, index, worker);
        case Stage::Kind::Maps:
          return writer.emitMapSlices(stage, index);
        case Stage::Kind::Serial:
          return writer.emitSerial(stage);
        }
      });
      if (!stage.reduce.empty())
        addTask(stage.reduce, plan, [&](TaskWriter &writer, Value index, Value) { writer.emitReduce(stage, index); });
    }
    if (TaskWriter::hasNumbers(function))
      addTask(numbersTask(function), plan, [](TaskWriter &writer, Value, Value) { writer.emitNumbers(); });
  }

  void addUpdate(func::FuncOp update) { addUpdateTask(kUpdateTask, update, allParameters()); }

  /// The tasks of a training step that are not those of its gradient.
  void addTraining(func::FuncOp gradient, func::FuncOp update) {
    const FunctionPlan &plan = planOf(gradient);
    training.emplace(plan, spans);
    for (const Stage &stage : plan.stages) {
      if (!training->isIn(stage))
        continue;
      const std::string &task = lastTask(stage);
      auto write = [&](OpBuilder &builder, Value call, Value index, Value worker) {
        Emitter e(update.getLoc(), builder, real, target);
        HostWriter::callTask(builder, update.getLoc(), task, call, index, worker);
        forFinished(e, stage, index, [&](Value result, Value from, Value to) {
          if (std::optional<int64_t> start = training->startOf(result))
            emitUpdate(e, call, update, spans, module, e.add(from, *start), e.add(to, *start));
        });
      };
      host.addTask(trainingTask(task), update.getLoc(), write, /*plain=*/true);
    }
    addUpdateTask(trainingTask(kUpdateTask), update, training->rest());
  }

  void addEntry(StringRef name, EntryKind kind, ArrayRef<func::FuncOp> functions, std::optional<int64_t> steps) {
    host.addEntry(("snn_entry_" + name).str(), func::FuncOp(functions.front()).getLoc(), [&](EntryPhases &phases) {
      checkCall(phases, kind, functions, steps);
      ScalarEmitter &s = phases.frame.e;
      if (kind == EntryKind::Update)
        return phases.parallel(kUpdateTask, s.index(updateTasks(allParameters())));
      run(phases, planOf(functions.front()), kind == EntryKind::Train);
      if (kind == EntryKind::Train)
        if (int64_t tasks = updateTasks(training->rest()))
          phases.parallel(trainingTask(kUpdateTask), s.index(tasks));
    });
  }

  void addArenaSize() {
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    Type word = builder.getI64Type();
    auto function =
        func::FuncOp::create(builder, module.getLoc(), kArenaSize, builder.getFunctionType({word, word, word}, {word}));
    HostWriter::setPlain(function);
    Block *block = function.addEntryBlock();
    builder.setInsertionPointToEnd(block);
    Emitter e(module.getLoc(), builder, real, target);
    Value batch = e.toIndex(block->getArgument(0)), given = e.toIndex(block->getArgument(1));
    Value workers = e.toIndex(block->getArgument(2));
    Value outside = e.either(e.below(e.index(SNN_MAX_BATCH), batch), e.below(e.index(SNN_MAX_WORKERS), workers));
    outside = e.either(outside, e.below(e.index(getModel(module).getMaxSteps()), given));
    auto sizes = [&](Value steps, ValueRange before) {
      Value largest = before[0], outside = before[1];
      e.wraps = &outside; // within the bounds too a size may be too large
      for (const FunctionPlan &plan : plans) {
        Value own = plan.steps ? e.index(*plan.steps) : steps;
        if (plan.mostSteps)
          own = e.minimum(own, e.index(*plan.mostSteps));
        largest = e.maximum(largest, ArenaOffsets::of(e, plan, batch, own, workers).total);
      }
      e.wraps = nullptr;
      return SmallVector<Value>{largest, outside};
    };
    // Fewer steps may need more, as runs and with them chunks have more samples then.
    Value few = e.minimum(given, e.index(kernels::kRun - 1));
    SmallVector<Value> all =
        e.loop(e.index(0), e.add(few, 1), 1, {e.index(0), outside}, [&](Value i, ValueRange before) {
          return sizes(e.select(e.equal(i, few), given, e.add(i, 1)), before);
        });
    func::ReturnOp::create(e.b, Value(arith::SelectOp::create(e.b, all[1], e.i64(-1), e.toI64(all[0]))));
  }

private:
  static constexpr llvm::StringLiteral kUpdateTask = "snn_slice_update";
  FusedUpdate::Range allParameters() const { return {0, spans.parameterBytes() / spans.realBytes()}; }
  /// The task after which a stage's results are there.
  static const std::string &lastTask(const Stage &stage) { return stage.reduce.empty() ? stage.task : stage.reduce; }
  static std::string trainingTask(StringRef task) { return (task + "_training").str(); }
  static std::string numbersTask(func::FuncOp function) { return ("snn_numbers_" + function.getName()).str(); }

  const FunctionPlan &planOf(func::FuncOp function) const {
    return *llvm::find_if(plans, [&](const FunctionPlan &known) { return known.function == function; });
  }

  void addTask(StringRef name, const FunctionPlan &plan,
               llvm::function_ref<void(TaskWriter &, Value index, Value worker)> emit) {
    func::FuncOp function = plan.function;
    auto write = [&](OpBuilder &builder, Value call, Value index, Value worker) {
      Emitter e(function.getLoc(), builder, real, target);
      CallFrame frame(e, call, module);
      TaskWriter writer(e, frame, plan, offsets.at(function), spans, module);
      emit(writer, index, worker);
    };
    host.addTask(name, function.getLoc(), write, /*plain=*/true);
  }

  void addUpdateTask(StringRef name, func::FuncOp update, ArrayRef<FusedUpdate::Range> ranges) {
    auto write = [&](OpBuilder &builder, Value call, Value index, Value) {
      Emitter e(update.getLoc(), builder, real, target);
      emitUpdateTask(e, call, update, spans, module, ranges, index);
    };
    host.addTask(name, update.getLoc(), write, /*plain=*/true);
  }

  /// If `trains`, parameters are updated at once where they may be.
  void run(EntryPhases &phases, const FunctionPlan &plan, bool trains) {
    ScalarEmitter &s = phases.frame.e;
    Value batch = phases.frame.batch(), steps = phases.frame.steps(plan.steps);
    Value records = phases.frame.pointer(offsetof(snn_call, arena));
    for (const Stage &stage : plan.stages) {
      if (stage.kind == Stage::Kind::Serial) {
        phases.serial(stage.task);
        if (stage.loads())
          phases.stopAtFault(records, s.index(1));
        continue;
      }
      if (stage.kind == Stage::Kind::Maps) {
        phases.parallel(stage.task, s.index(TaskWriter::mapSlices(stage)));
        continue;
      }
      const std::string last = trains && training->isIn(stage) ? trainingTask(lastTask(stage)) : lastTask(stage);
      if (stage.kind == Stage::Kind::Tiles) {
        phases.parallel(last, s.index(TaskWriter::tiles(stage)));
        continue;
      }
      Value tasks = divide(s, stage.phase(), batch, steps, phases.frame.workers()).tasks;
      phases.parallel(stage.task, tasks);
      phases.stopAtFault(records, tasks);
      if (!stage.reduce.empty())
        phases.parallel(last, s.index(TaskWriter::reduceSlices(stage)));
    }
    if (TaskWriter::hasNumbers(plan.function))
      phases.serial(numbersTask(plan.function));
  }

  ModuleOp module;
  const SpanLayout &spans;
  Type real;
  TargetShape target;
  HostWriter host;
  std::list<FunctionPlan> plans; ///< which tasks and entries refer to
  std::map<Operation *, OffsetsFunction> offsets;
  std::optional<FusedUpdate> training;
};

class LowerToCpu : public snn::impl::LowerToCpuBase<LowerToCpu> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    ModelOp model = getModel(module);
    if (!model) {
      module.emitError("expected a snn.model");
      return signalPassFailure();
    }
    const TargetShape target = TargetShape::of(module);
    if (!llvm::is_contained({32, 128, 256, 512}, target.vectorBits)) {
      module.emitError() << "snn.target has vectors of " << target.vectorBits << " bits, expected 32, 128, 256 or 512";
      return signalPassFailure();
    }
    if (model.getReal().getIntOrFloatBitWidth() > target.vectorBits) {
      module.emitError() << "snn.target has no arithmetic of " << model.getReal() << ", which the model computes in";
      return signalPassFailure();
    }
    model->removeAttr(SnnDialect::copiesAttrName()); // whatever a text says
    SpanLayout spans = SpanLayout::of(module);
    // The declarations outlive the functions: they say how many tensors the optimizer keeps.
    model->setAttr(SnnDialect::copiesAttrName(), Builder(&getContext()).getI64IntegerAttr(spans.optimizerCopies()));
    model->removeAttr(SnnDialect::randomAttrName());
    if (module.walk([](RandomOp) { return WalkResult::interrupt(); }).wasInterrupted())
      model->setAttr(SnnDialect::randomAttrName(), UnitAttr::get(&getContext()));
    EntryWriter writer(module, spans, target);
    std::optional<int64_t> steps;
    if (auto fixed = model.getSteps())
      steps = *fixed;
    auto find = [&](StringRef name) { return module.lookupSymbol<func::FuncOp>(name); };
    if (isStreaming(module))
      return lowerStream(writer, find(kForward), spans, target);
    func::FuncOp forward = find(kForward), evaluate = find(kEvaluate), gradient = find(kLossAndGradient),
                 backward = find(kBackward), update = find(kUpdate), training = find(kForwardTraining);
    // Windows have any number of steps, whatever the model has.
    const std::optional<int64_t> trained = model.getWindow() ? std::nullopt : steps;
    // One step is a forward pass of one step: the number of steps is the call's, if not all have one.
    if (forward) {
      writer.addFunction(forward, steps == 1 ? steps : std::nullopt);
      writer.addEntry(kForward, EntryKind::Forward, forward, steps);
      writer.addEntry("step", EntryKind::Step, forward, 1);
    }
    for (func::FuncOp function : {training, evaluate, gradient, backward})
      if (function)
        writer.addFunction(function, isOfWindow(function.getName()) ? trained : steps);
    if (update)
      writer.addUpdate(update);
    if (training)
      writer.addEntry(kForwardTraining, EntryKind::Forward, training, steps);
    if (evaluate)
      writer.addEntry(kEvaluate, EntryKind::Evaluate, evaluate, steps);
    if (gradient)
      writer.addEntry(kLossAndGradient, EntryKind::Gradient, gradient, trained);
    if (backward)
      writer.addEntry(kBackward, EntryKind::Backward, backward, trained);
    if (update)
      writer.addEntry(kUpdate, EntryKind::Update, update, steps);
    if (gradient && update) {
      writer.addTraining(gradient, update);
      writer.addEntry("train_step", EntryKind::Train, {gradient, update}, trained);
    }
    writer.addArenaSize();
    for (func::FuncOp function : {forward, training, evaluate, gradient, backward, update})
      if (function)
        function.erase();
    checkMemory();
  }

  /// One time step, and the function that programs call.
  void lowerStream(EntryWriter &writer, func::FuncOp forward, const SpanLayout &spans, TargetShape target) {
    ModuleOp module = getOperation();
    if (!forward) {
      module.emitError("is of a streaming build, but has no function @forward");
      return signalPassFailure();
    }
    if (!llvm::is_contained({32, 64}, target.pointerBits)) {
      module.emitError() << "snn.target has pointers of " << target.pointerBits << " bits, expected 32 or 64";
      return signalPassFailure();
    }
    const int64_t most =
        std::max({callBytes(module, {1, 1}), spans.parameterBytes(), spans.bufferBytes(), spans.stateBytes()});
    if (target.pointerBits == 32 && most > INT32_MAX) {
      module.emitError() << "has weights, values or states of " << most << " bytes, at most " << INT32_MAX
                         << " are possible with pointers of 32 bits";
      return signalPassFailure();
    }
    writer.addFunction(forward, 1);
    writer.addEntry("step", EntryKind::Step, forward, 1);
    addStreamEntry(module, "snn_entry_step", target.pointerBits / 8);
    forward.erase();
    checkMemory();
  }

  /// Loads and stores of i1 and addresses of it do not agree on how many lie in a byte: silently wrong.
  void checkMemory() {
    getOperation().walk([&](LLVM::GEPOp op) {
      if (!op.getElemType().isInteger(1))
        return;
      op->emitOpError("keeps i1 in memory");
      signalPassFailure();
    });
  }
};

} // namespace
} // namespace snn::core
