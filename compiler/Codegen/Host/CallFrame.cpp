// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See CallFrame.h.

#include "compiler/Codegen/Host/CallFrame.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace snn {
namespace {

constexpr llvm::StringLiteral kHyperDefaults = "snn_hyper_defaults";

constexpr llvm::StringLiteral kNoEntries = "snn_no_entries";

/// As many nulls as the model has outputs, for calls without a table.
void ensureNoEntries(ScalarEmitter &e, ModuleOp module) {
  if (module.lookupSymbol(kNoEntries))
    return;
  const int64_t count = std::distance(module.getOps<OutputOp>().begin(), module.getOps<OutputOp>().end());
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto nulls = DenseElementsAttr::get(RankedTensorType::get({count}, builder.getI64Type()), int64_t(0));
  LLVM::GlobalOp::create(builder, e.b.getLoc(), LLVM::LLVMArrayType::get(builder.getI64Type(), count),
                         /*isConstant=*/true, LLVM::Linkage::Internal, kNoEntries, nulls);
}

/// The numbers of the model's text, for calls that bring none.
void ensureHyperDefaults(ScalarEmitter &e, ModuleOp module) {
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

Value CallFrame::word(size_t offset) { return e.toIndex(e.loadAt(call, offset, e.b.getI64Type())); }
Value CallFrame::pointer(size_t offset) { return e.loadAt(call, offset, e.pointerType()); }

Value CallFrame::steps(std::optional<int64_t> fixed) {
  return fixed ? e.index(*fixed) : word(offsetof(snn_call, steps));
}

Value CallFrame::entry(size_t table, int64_t i) {
  ensureNoEntries(e, module);
  Value given = pointer(table);
  Value none = LLVM::AddressOfOp::create(e.b, e.pointerType(), kNoEntries);
  Value entries = LLVM::SelectOp::create(e.b, e.isNull(given), none, given);
  return e.loadAt(entries, i * sizeof(void *), e.pointerType());
}

Value CallFrame::inputData(int64_t i) {
  Value table = pointer(offsetof(snn_call, inputs));
  return e.loadAt(table, i * sizeof(snn_view) + offsetof(snn_view, data), e.pointerType());
}

Value CallFrame::inputStrides(int64_t i) {
  Value table = pointer(offsetof(snn_call, inputs));
  return e.loadAt(table, i * sizeof(snn_view) + offsetof(snn_view, strides), e.pointerType());
}

Value CallFrame::hyper(int64_t i) {
  ensureHyperDefaults(e, module);
  Value given = pointer(offsetof(snn_call, hyper));
  Value defaults = LLVM::AddressOfOp::create(e.b, e.pointerType(), kHyperDefaults);
  Value table = LLVM::SelectOp::create(e.b, e.isNull(given), defaults, given);
  return e.loadAt(table, i * sizeof(double), e.b.getF64Type());
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
