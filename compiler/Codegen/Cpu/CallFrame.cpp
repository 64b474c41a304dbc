// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See CallFrame.h.

#include "compiler/Codegen/Cpu/CallFrame.h"

using namespace mlir;

namespace snn {
namespace {

constexpr llvm::StringLiteral kHyperDefaults = "snn_hyper_defaults";

Type pointerType(Emitter &e) { return LLVM::LLVMPointerType::get(e.b.getContext()); }

/// The numbers of the model's text, for calls that bring none.
void ensureHyperDefaults(Emitter &e, ModuleOp module) {
  if (module.lookupSymbol(kHyperDefaults))
    return;
  SmallVector<double> values;
  for (HyperOp hyper : module.getOps<HyperOp>())
    values.push_back(hyper.getValue().convertToDouble());
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto type = LLVM::LLVMArrayType::get(builder.getF64Type(), values.size());
  auto dense = DenseElementsAttr::get(
      RankedTensorType::get({static_cast<int64_t>(values.size())}, builder.getF64Type()), ArrayRef<double>(values));
  LLVM::GlobalOp::create(builder, e.b.getLoc(), type, /*isConstant=*/true, LLVM::Linkage::Internal, kHyperDefaults,
                         dense);
}

} // namespace

Value CallFrame::loadAt(Value pointer, int64_t byteOffset, Type type) {
  Value address = byteOffset ? e.advance(pointer, e.index(byteOffset)) : pointer;
  return LLVM::LoadOp::create(e.b, type, address);
}

void CallFrame::storeAt(Value value, Value pointer, int64_t byteOffset) {
  LLVM::StoreOp::create(e.b, value, byteOffset ? e.advance(pointer, e.index(byteOffset)) : pointer);
}

Value CallFrame::word(size_t offset) { return e.toIndex(loadAt(call, offset, e.b.getI64Type())); }
Value CallFrame::pointer(size_t offset) { return loadAt(call, offset, pointerType(e)); }

Value CallFrame::isNull(Value pointer) {
  Value null = LLVM::ZeroOp::create(e.b, pointerType(e));
  return LLVM::ICmpOp::create(e.b, LLVM::ICmpPredicate::eq, pointer, null);
}

Value CallFrame::isGiven(Value pointer) {
  Value null = LLVM::ZeroOp::create(e.b, pointerType(e));
  return LLVM::ICmpOp::create(e.b, LLVM::ICmpPredicate::ne, pointer, null);
}

Value CallFrame::steps(std::optional<int64_t> fixed) {
  return fixed ? e.index(*fixed) : word(offsetof(snn_call, steps));
}

Value CallFrame::output(int64_t i) {
  Value table = pointer(offsetof(snn_call, outputs));
  return e.choose(
      isNull(table), [&] { return table; }, [&] { return loadAt(table, i * sizeof(void *), pointerType(e)); },
      pointerType(e));
}

Value CallFrame::inputData(int64_t i) {
  Value table = pointer(offsetof(snn_call, inputs));
  return loadAt(table, i * sizeof(snn_view) + offsetof(snn_view, data), pointerType(e));
}

Value CallFrame::inputStrides(int64_t i) {
  Value table = pointer(offsetof(snn_call, inputs));
  return loadAt(table, i * sizeof(snn_view) + offsetof(snn_view, strides), pointerType(e));
}

Value CallFrame::hyper(int64_t i) {
  ensureHyperDefaults(e, module);
  Value given = pointer(offsetof(snn_call, hyper));
  Value defaults = LLVM::AddressOfOp::create(e.b, pointerType(e), kHyperDefaults);
  Value table = LLVM::SelectOp::create(e.b, isNull(given), defaults, given);
  return loadAt(table, i * sizeof(double), e.b.getF64Type());
}

} // namespace snn
