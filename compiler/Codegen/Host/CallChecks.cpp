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

/// True if any of `conditions(element)` is.
template <typename Range, typename Condition>
Value anyOf(CallFrame &frame, const Range &range, const Condition &condition) {
  Value any = frame.e.truth(false);
  for (const auto &element : range)
    any = frame.e.either(any, condition(element));
  return any;
}

Value isZero(CallFrame &frame, size_t field) { return frame.e.equal(frame.word(field), frame.e.index(0)); }

/// Whether an unsigned number lies outside of [least, most].
Value isOutside(CallFrame &frame, Value number, int64_t least, int64_t most) {
  ScalarEmitter &e = frame.e;
  return e.either(e.below(number, e.index(least)), e.below(e.index(most), number));
}

/// An integer for each number, in the order of the numbers; beyond those of the infinities lie the NaNs.
int64_t orderOf(double value) {
  const int64_t bits = llvm::bit_cast<int64_t>(value);
  return bits ^ ((bits >> 63) & INT64_MAX);
}

/// Whether a number that the host gives is outside of its range. By its bits: an entry point runs in the host's
/// floating-point mode, where a comparison could take a small number for zero.
Value isOutside(CallFrame &frame, HyperOp op, Value number) {
  ScalarEmitter &e = frame.e;
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

Value isArenaWrong(CallFrame &frame, ModuleOp module, std::optional<int64_t> steps) {
  ScalarEmitter &e = frame.e;
  Type word = e.b.getI64Type();
  // One size for all entries of a model: a host allocates once.
  Value needed =
      func::CallOp::create(e.b, kArenaSize, TypeRange{word},
                           ValueRange{e.toI64(frame.batch()), e.toI64(frame.steps(steps)), e.toI64(frame.workers())})
          .getResult(0);
  Value memory = frame.pointer(offsetof(snn_call, arena));
  Value address = e.toIndex(LLVM::PtrToIntOp::create(e.b, word, memory));
  Value odd = e.differs(e.b.createOrFold<arith::RemUIOp>(address, e.index(SNN_ALIGNMENT)), e.index(0));
  Value small = e.below(frame.word(offsetof(snn_call, arena_size)), e.toIndex(needed));
  return e.either(e.isNull(memory), e.either(odd, small));
}

} // namespace

CallChecks CallChecks::of(ModuleOp module, EntryKind kind, ArrayRef<func::FuncOp> functions,
                          std::optional<int64_t> steps) {
  const SpanLayout spans = SpanLayout::of(module);
  const bool runs = kind != EntryKind::Update, learns = updates(kind) || kind == EntryKind::Gradient;
  SmallVector<size_t> needed, zeros;
  auto require = [&](size_t field, int64_t bytes) {
    if (bytes > 0)
      needed.push_back(field);
  };
  require(offsetof(snn_call, parameters), spans.parameterBytes());
  if (learns || kind == EntryKind::Backward)
    require(offsetof(snn_call, gradients), spans.parameterBytes());
  if (updates(kind)) {
    require(offsetof(snn_call, optimizer), spans.optimizerBytes());
    zeros.push_back(offsetof(snn_call, optimizer_step));
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
        zeros.push_back(*count);
    }

  CallChecks result;
  auto check = [&](StringRef what, snn_status status, std::function<Value(CallFrame &)> isWrong) {
    result.list.push_back({what, std::move(isWrong), status});
  };
  check("size of the call", SNN_ERROR_ARGUMENT, [](CallFrame &frame) {
    return frame.e.below(frame.word(offsetof(snn_call, struct_size)), frame.e.index(sizeof(snn_call)));
  });
  if (!needed.empty())
    check("spans", SNN_ERROR_ARGUMENT, [needed](CallFrame &frame) {
      return anyOf(frame, needed, [&](size_t field) { return frame.e.isNull(frame.pointer(field)); });
    });
  if (!zeros.empty())
    check("counts", SNN_ERROR_ARGUMENT, [zeros](CallFrame &frame) {
      return anyOf(frame, zeros, [&](size_t field) { return isZero(frame, field); });
    });
  if (runs) {
    check("batch", SNN_ERROR_ARGUMENT,
          [](CallFrame &frame) { return isOutside(frame, frame.batch(), 1, SNN_MAX_BATCH); });
    check("workers", SNN_ERROR_ARGUMENT,
          [](CallFrame &frame) { return isOutside(frame, frame.workers(), 1, SNN_MAX_WORKERS); });
    check("inputs", SNN_ERROR_ARGUMENT,
          [](CallFrame &frame) { return frame.e.isNull(frame.pointer(offsetof(snn_call, inputs))); });
    if (!inputs.empty())
      check("data of inputs", SNN_ERROR_ARGUMENT, [inputs](CallFrame &frame) {
        return anyOf(frame, inputs, [&](int64_t input) { return frame.e.isNull(frame.inputData(input)); });
      });
    const int64_t least = steps.value_or(1), most = steps.value_or(getModel(module).getMaxSteps());
    check("steps", SNN_ERROR_STEPS, [least, most](CallFrame &frame) {
      return isOutside(frame, frame.word(offsetof(snn_call, steps)), least, most);
    });
  }
  if (kind == EntryKind::Backward) {
    SmallVector<int64_t> constant;
    for (auto [index, output] : llvm::enumerate(module.getOps<OutputOp>()))
      if (!output.getDifferentiable())
        constant.push_back(index);
    if (!constant.empty())
      check("gradients of outputs", SNN_ERROR_ARGUMENT, [constant](CallFrame &frame) {
        return anyOf(frame, constant, [&](int64_t output) { return frame.e.isGiven(frame.outputGradient(output)); });
      });
  }
  if (runs)
    check("arena", SNN_ERROR_ARENA, [module, steps](CallFrame &frame) { return isArenaWrong(frame, module, steps); });
  if (learns && !module.getOps<HyperOp>().empty())
    check("numbers", SNN_ERROR_HYPER, [module](CallFrame &frame) {
      ModuleOp declarations = module;
      return anyOf(frame, llvm::enumerate(declarations.getOps<HyperOp>()),
                   [&](auto hyper) { return isOutside(frame, hyper.value(), frame.hyper(int64_t(hyper.index()))); });
    });
  return result;
}

Value CallChecks::emit(CallFrame &frame) const {
  ScalarEmitter &e = frame.e;
  Type i32 = e.b.getI32Type();
  auto code = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(e.b, i32, value); };
  OpBuilder::InsertionGuard guard(e.b);
  Value result;
  for (const CallCheck &check : list) {
    // What follows stands in the branch where this check has passed.
    auto branch = scf::IfOp::create(e.b, i32, check.isWrong(frame), /*withElseRegion=*/true);
    if (result)
      scf::YieldOp::create(e.b, branch.getResult(0));
    else
      result = branch.getResult(0);
    e.b.setInsertionPointToEnd(branch.thenBlock());
    scf::YieldOp::create(e.b, code(check.status));
    e.b.setInsertionPointToEnd(branch.elseBlock());
  }
  scf::YieldOp::create(e.b, code(SNN_OK));
  return result;
}

} // namespace snn
