// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See CallFrame.h.

#include "compiler/Codegen/Host/CallFrame.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace snn {
Value CallFrame::word(size_t offset) { return e.toIndex(e.loadAt(call, offset, e.b.getI64Type())); }
Value CallFrame::pointer(size_t offset) { return e.loadAt(call, offset, e.pointerType()); }

Value CallFrame::steps(std::optional<int64_t> fixed) {
  if (isStreaming)
    return e.index(1);
  return fixed ? e.index(*fixed) : word(offsetof(snn_call, steps));
}

Value CallFrame::entry(size_t table, int64_t i) {
  Value given = pointer(table);
  Type type = e.pointerType();
  return e.choose(
      e.isNull(given), [&] { return given; }, [&] { return e.loadAt(given, i * sizeof(void *), type); }, type);
}

Value CallFrame::inputData(int64_t i) {
  Value table = pointer(offsetof(snn_call, inputs));
  return e.loadAt(table, i * sizeof(snn_view) + offsetof(snn_view, data), e.pointerType());
}

Value CallFrame::inputStrides(int64_t i) {
  if (isStreaming)
    return LLVM::ZeroOp::create(e.b, e.pointerType());
  Value table = pointer(offsetof(snn_call, inputs));
  return e.loadAt(table, i * sizeof(snn_view) + offsetof(snn_view, strides), e.pointerType());
}

Value CallFrame::hyper(int64_t i) {
  Value given = pointer(offsetof(snn_call, hyper));
  Type type = e.b.getF64Type();
  double own = (*std::next(module.getOps<HyperOp>().begin(), i)).getValue().convertToDouble();
  return e.choose(
      e.isNull(given), [&] { return arith::ConstantOp::create(e.b, FloatAttr::get(type, own)).getResult(); },
      [&] { return e.loadAt(given, i * sizeof(double), type); }, type);
}

std::optional<size_t> countField(StringRef name) {
  return llvm::StringSwitch<std::optional<size_t>>(name)
      .Case(kUpdateCount, offsetof(snn_call, optimizer_step))
      .Case(kUpdatesCount, offsetof(snn_call, updates))
      .Case(kEpochCount, offsetof(snn_call, epoch))
      .Case(kEpochsCount, offsetof(snn_call, epochs))
      .Default(std::nullopt);
}

} // namespace snn
