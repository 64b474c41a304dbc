// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See CallChecks.h. The contract is runtime/include/snn/abi.h.

#include "compiler/Codegen/Host/CallChecks.h"
#include "compiler/Codegen/SpanLayout.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <limits>

using namespace mlir;

namespace snn {
namespace {

/// Whether an unsigned number lies outside of [least, most].
Value isOutside(ScalarEmitter &e, Value number, int64_t least, int64_t most) {
  return e.either(e.below(number, e.index(least)), e.below(e.index(most), number));
}

/// An integer for each number, in the order of the numbers; beyond those of the infinities lie the NaNs.
int64_t orderOf(double value) {
  const int64_t bits = llvm::bit_cast<int64_t>(value);
  return bits ^ ((bits >> 63) & INT64_MAX);
}

/// Whether a number that the host gives is outside of its range. By its bits: an entry point runs in the host's
/// floating-point mode, where a comparison could take a small number for zero.
Value isOutside(ScalarEmitter &e, HyperOp op, Value number) {
  Value bits = arith::BitcastOp::create(e.b, e.b.getI64Type(), number);
  Value sign = arith::ShRSIOp::create(e.b, bits, e.i64(63));
  Value order = arith::XOrIOp::create(e.b, bits, arith::AndIOp::create(e.b, sign, e.i64(INT64_MAX)));
  auto beyond = [&](arith::CmpIPredicate predicate, double bound) {
    return e.compare(predicate, order, e.i64(orderOf(bound)));
  };
  std::optional<RangeAttr> range = op.getRange();
  constexpr double most = std::numeric_limits<double>::max();
  const double low = range ? range->getFrom().getValueAsDouble() : -most;
  const bool open = range && range->getBelow();
  const double high = open                      ? range->getBelow().getValueAsDouble()
                      : range && range->getTo() ? range->getTo().getValueAsDouble()
                                                : most;
  return e.either(beyond(arith::CmpIPredicate::slt, low == 0 ? -0.0 : low),
                  beyond(open ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sgt, high));
}

Value isArenaWrong(CallFrame &frame, std::optional<int64_t> steps) {
  ScalarEmitter &e = frame.e;
  Type word = e.b.getI64Type();
  // One size for all entries of a model: a host allocates once.
  Value needed =
      func::CallOp::create(e.b, kArenaSize, TypeRange{word},
                           ValueRange{e.toI64(frame.batch()), e.toI64(frame.steps(steps)), e.toI64(frame.workers())})
          .getResult(0);
  Value memory = frame.pointer(offsetof(snn_call, arena));
  Value address = e.toIndex(LLVM::PtrToIntOp::create(e.b, word, memory));
  Value small = e.below(frame.word(offsetof(snn_call, arena_size)), e.toIndex(needed));
  Value odd = e.differs(e.b.createOrFold<arith::RemUIOp>(address, e.index(SNN_ALIGNMENT)), e.index(0));
  return e.either(e.isNull(memory), e.either(odd, small));
}

} // namespace

void checkCall(EntryPhases &entry, EntryKind kind, ArrayRef<func::FuncOp> functions, std::optional<int64_t> steps) {
  CallFrame &frame = entry.frame;
  ScalarEmitter &e = frame.e;
  ModuleOp module = entry.module;
  const SpanLayout spans = SpanLayout::of(module);
  const bool runs = kind != EntryKind::Update, learns = updates(kind) || kind == EntryKind::Gradient;
  auto refuseAny = [&](const auto &range, auto isWrong, snn_status status = SNN_ERROR_ARGUMENT) {
    Value any;
    for (const auto &element : range)
      any = any ? e.either(any, isWrong(element)) : isWrong(element);
    if (any)
      entry.refuse(any, status);
  };
  auto isNull = [&](size_t field) { return e.isNull(frame.pointer(field)); };
  auto isZero = [&](size_t field) { return e.equal(frame.word(field), e.index(0)); };

  SmallVector<size_t> spansNeeded, countsNeeded;
  auto require = [&](size_t field, int64_t bytes) {
    if (bytes > 0)
      spansNeeded.push_back(field);
  };
  require(offsetof(snn_call, parameters), spans.parameterBytes());
  if (runs)
    require(offsetof(snn_call, buffers), spans.bufferBytes());
  if (learns || kind == EntryKind::Backward)
    require(offsetof(snn_call, gradients), spans.parameterBytes());
  if (updates(kind)) {
    require(offsetof(snn_call, optimizer), spans.optimizerBytes());
    countsNeeded.push_back(offsetof(snn_call, optimizer_step));
  }
  SmallVector<int64_t> inputs;
  for (func::FuncOp function : functions)
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      StringRef name = boundName(function.getArgAttrDict(i));
      if (name.empty())
        continue;
      if (int64_t input = declarationIndex<InputOp>(module, name); input >= 0)
        inputs.push_back(input);
      std::optional<size_t> count = countField(name);
      const bool isLength = count == offsetof(snn_call, updates) || count == offsetof(snn_call, epochs);
      // A schedule that is constant looks at no length.
      const bool isRead = function.isExternal() || !function.getArgument(i).use_empty();
      if (isLength && isRead && !module.lookupSymbol(name))
        countsNeeded.push_back(*count);
    }

  if (frame.isStreaming) { // its numbers are known
    refuseAny(spansNeeded, isNull);
    return refuseAny(inputs, [&](int64_t input) { return e.isNull(frame.inputData(input)); });
  }
  entry.refuse(e.below(frame.word(offsetof(snn_call, struct_size)), e.index(sizeof(snn_call))), SNN_ERROR_ARGUMENT);
  refuseAny(spansNeeded, isNull);
  refuseAny(countsNeeded, isZero);
  if (runs) {
    entry.refuse(isOutside(e, frame.batch(), 1, SNN_MAX_BATCH), SNN_ERROR_ARGUMENT);
    entry.refuse(isOutside(e, frame.workers(), 1, SNN_MAX_WORKERS), SNN_ERROR_ARGUMENT);
    entry.refuse(isNull(offsetof(snn_call, inputs)), SNN_ERROR_ARGUMENT);
    refuseAny(inputs, [&](int64_t input) { return e.isNull(frame.inputData(input)); });
    ModelOp model = getModel(module);
    const bool trains = learns || kind == EntryKind::Backward;
    const int64_t most = trains ? model.getWindow().value_or(model.getMaxSteps()) : model.getMaxSteps();
    entry.refuse(isOutside(e, frame.word(offsetof(snn_call, steps)), steps.value_or(1), steps.value_or(most)),
                 SNN_ERROR_STEPS);
  }
  if (kind == EntryKind::Backward) {
    SmallVector<int64_t> constant;
    for (auto [index, output] : llvm::enumerate(module.getOps<OutputOp>()))
      if (!output.getDifferentiable())
        constant.push_back(index);
    refuseAny(constant, [&](int64_t output) { return e.isGiven(frame.outputGradient(output)); });
  }
  if (runs)
    entry.refuse(isArenaWrong(frame, steps), SNN_ERROR_ARENA);
  if (learns || kind == EntryKind::Evaluate)
    refuseAny(
        llvm::enumerate(module.getOps<HyperOp>()),
        [&](auto hyper) { return isOutside(e, hyper.value(), frame.hyper(int64_t(hyper.index()))); }, SNN_ERROR_HYPER);
}

} // namespace snn
