// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See HostWriter.h.

#include "compiler/Codegen/Host/HostWriter.h"
#include "compiler/Codegen/FloatMode.h"
#include "compiler/Codegen/Host/Faults.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace snn {

/// A function of the module that all entries call, written at first: `write` gets the call and its other arguments, and
/// gives its results.
static func::FuncOp shared(ModuleOp module, Location loc, StringRef name, TypeRange arguments, TypeRange results,
                           llvm::function_ref<SmallVector<Value>(CallFrame &, ValueRange)> write) {
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto function = func::FuncOp::create(builder, loc, name, builder.getFunctionType(arguments, results));
  function.setPrivate();
  HostWriter::setPlain(function);
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  ScalarEmitter e(loc, builder);
  CallFrame frame(e, block->getArgument(0), module);
  func::ReturnOp::create(e.b, write(frame, block->getArguments().drop_front()));
  return function;
}

void EntryPhases::parallel(StringRef task, Value count) {
  ScalarEmitter &e = frame.e;
  if (frame.isStreaming) {
    auto function = module.lookupSymbol<func::FuncOp>(task);
    return e.loop(count,
                  [&](Value i) { func::CallOp::create(e.b, function, ValueRange{frame.call, e.toI64(i), e.i64(0)}); });
  }
  Type pointer = e.pointerType(), word = e.b.getI64Type(), none = LLVM::LLVMVoidType::get(module.getContext());
  auto write = [&](CallFrame &frame, ValueRange arguments) {
    ScalarEmitter &e = frame.e;
    Value count = arguments[0], task = arguments[1], spread = frame.pointer(offsetof(snn_call, parallel_for));
    e.when(
        e.isNull(spread),
        [&] {
          auto type = LLVM::LLVMFunctionType::get(none, {pointer, word, word});
          e.loop(e.toIndex(count),
                 [&](Value i) { LLVM::CallOp::create(e.b, type, ValueRange{task, frame.call, e.toI64(i), e.i64(0)}); });
        },
        [&] {
          auto type = LLVM::LLVMFunctionType::get(none, {pointer, word, pointer, pointer});
          Value pool = frame.pointer(offsetof(snn_call, pool));
          LLVM::CallOp::create(e.b, type, ValueRange{spread, pool, count, task, frame.call});
        });
    return SmallVector<Value>();
  };
  func::FuncOp spread = shared(module, e.b.getLoc(), "snn_run_tasks", {pointer, word, pointer}, {}, write);
  auto function = module.lookupSymbol<func::FuncOp>(task);
  Value body = func::ConstantOp::create(e.b, function.getFunctionType(), SymbolRefAttr::get(function));
  Value address = UnrealizedConversionCastOp::create(e.b, pointer, body).getResult(0);
  func::CallOp::create(e.b, spread, ValueRange{frame.call, e.toI64(count), address});
}

void EntryPhases::serial(StringRef task) {
  ScalarEmitter &e = frame.e;
  func::CallOp::create(e.b, module.lookupSymbol<func::FuncOp>(task), ValueRange{frame.call, e.i64(0), e.i64(0)});
}

void EntryPhases::returnIf(Value condition, Value code) {
  ScalarEmitter &e = frame.e;
  // What follows stands in the other branch.
  auto branch = scf::IfOp::create(e.b, code.getType(), condition, /*withElseRegion=*/true);
  if (outermost)
    scf::YieldOp::create(e.b, branch.getResult(0));
  else
    outermost = branch;
  e.b.setInsertionPointToEnd(branch.thenBlock());
  scf::YieldOp::create(e.b, code);
  e.b.setInsertionPointToEnd(branch.elseBlock());
}

static Value codeOf(ScalarEmitter &e, snn_status status) {
  return arith::ConstantIntOp::create(e.b, e.b.getI32Type(), status);
}

void EntryPhases::refuse(Value wrong, snn_status status) { returnIf(wrong, codeOf(frame.e, status)); }

void EntryPhases::stopAtFault(Value records, Value count) {
  ScalarEmitter &e = frame.e;
  Type pointer = e.pointerType(), word = e.b.getI64Type(), code = e.b.getI32Type();
  auto write = [](CallFrame &frame, ValueRange arguments) {
    return SmallVector<Value>{firstFault(frame, arguments[0], frame.e.toIndex(arguments[1]))};
  };
  func::FuncOp first = shared(module, e.b.getLoc(), "snn_first_fault", {pointer, pointer, word}, {code}, write);
  Value fault = func::CallOp::create(e.b, first, ValueRange{frame.call, records, e.toI64(count)}).getResult(0);
  returnIf(e.differs(fault, codeOf(e, SNN_OK)), fault);
}

Value EntryPhases::finish() {
  ScalarEmitter &e = frame.e;
  Value ok = codeOf(e, SNN_OK);
  if (!outermost)
    return ok;
  scf::YieldOp::create(e.b, ok);
  e.b.setInsertionPointAfter(outermost);
  return outermost->getResult(0);
}

/// Threads of a pool have the mode of whoever made them, and the caller's own may have changed since. All arithmetic on
/// reals is in tasks, so the host keeps its mode elsewhere, also in its parallel_for.
void HostWriter::addTask(StringRef name, Location loc, TaskBody body, bool plain) {
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
  setPlain(task);
  func::FuncOp arithmetic = declared((name + "_body").str(), task.getFunctionType());
  arithmetic->setAttr("passthrough", builder.getStrArrayAttr({"noinline"})); // see FloatMode.h
  if (plain)
    setPlain(arithmetic);

  Block *block = task.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  Value mode = func::CallOp::create(builder, loc, enter, {}).getResult(0);
  func::CallOp::create(builder, loc, arithmetic, block->getArguments());
  func::CallOp::create(builder, loc, leave, mode);
  func::ReturnOp::create(builder, loc);

  block = arithmetic.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  ScalarEmitter e(loc, builder);
  body(builder, block->getArgument(0), e.toIndex(block->getArgument(1)), e.toIndex(block->getArgument(2)));
  builder.setInsertionPointToEnd(block);
  func::ReturnOp::create(builder, loc);
}

void HostWriter::callTask(OpBuilder &builder, Location loc, StringRef name, Value call, Value index, Value worker) {
  ScalarEmitter e(loc, builder);
  func::CallOp::create(e.b, name, TypeRange(), ValueRange{call, e.toI64(index), e.toI64(worker)});
}

void HostWriter::setPlain(Operation *function) {
  // Of the small code of a streaming build all counts.
  if (isStreaming(function->getParentOfType<ModuleOp>()))
    return;
  function->setAttr("passthrough", Builder(function->getContext()).getStrArrayAttr({"noinline", "optnone"}));
}

void HostWriter::addEntry(StringRef name, Location loc, llvm::function_ref<void(EntryPhases &)> addPhases) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(module.getContext()), i32 = builder.getI32Type();
  auto function = func::FuncOp::create(builder, loc, name, builder.getFunctionType({pointer}, {i32}));
  setPlain(function);
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  ScalarEmitter e(loc, builder);
  CallFrame frame(e, block->getArgument(0), module);
  EntryPhases phases(module, frame);
  addPhases(phases);
  func::ReturnOp::create(e.b, phases.finish());
}

} // namespace snn
