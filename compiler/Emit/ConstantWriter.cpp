// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Globals with initialiser regions.

#include "compiler/Emit/ConstantWriter.h"

using namespace mlir;

namespace snn::abi {

LLVM::LLVMStructType structType(MLIRContext *context, std::span<const Field> fields) {
  SmallVector<Type> types;
  for (const Field &field : fields)
    switch (field.kind) {
    case Kind::Pointer:
      types.push_back(LLVM::LLVMPointerType::get(context));
      break;
    case Kind::U32:
      types.push_back(IntegerType::get(context, 32));
      break;
    case Kind::I64:
      types.push_back(IntegerType::get(context, 64));
      break;
    case Kind::F64:
      types.push_back(Float64Type::get(context));
      break;
    }
  return LLVM::LLVMStructType::getLiteral(context, types);
}

void Record::set(size_t offset, FieldValue value) {
  auto found = llvm::find_if(layout, [&](const Field &field) { return field.offset == offset; });
  assert(found != layout.end() && "the struct has no field at that offset");
  values.emplace_back(found - layout.begin(), std::move(value));
}

Symbol ConstantWriter::global(Type type, Attribute value) {
  std::string name = "snn_data_" + std::to_string(count++);
  LLVM::GlobalOp::create(b, type, /*isConstant=*/true, LLVM::Linkage::Internal, name, value);
  return {std::move(name)};
}

Symbol ConstantWriter::string(StringRef text) {
  const std::string terminated = text.str() + '\0';
  return global(LLVM::LLVMArrayType::get(b.getI8Type(), terminated.size()), b.getStringAttr(terminated));
}

Symbol ConstantWriter::integers(ArrayRef<int64_t> values) {
  if (values.empty())
    return {};
  return global(LLVM::LLVMArrayType::get(b.getI64Type(), values.size()), b.getI64TensorAttr(values));
}

Value ConstantWriter::emit(const Record &record) {
  const LLVM::LLVMStructType type = structType(b.getContext(), record.layout);
  Value result = LLVM::ZeroOp::create(b, type);
  for (const auto &[index, value] : record.values) {
    const Type field = type.getBody()[index];
    Value element;
    if (auto *integer = std::get_if<int64_t>(&value)) {
      element = LLVM::ConstantOp::create(b, field, b.getIntegerAttr(field, *integer));
    } else if (auto *real = std::get_if<double>(&value)) {
      element = LLVM::ConstantOp::create(b, field, b.getF64FloatAttr(*real));
    } else {
      const std::string &symbol = std::get<Symbol>(value).name;
      if (symbol.empty())
        continue;
      element = LLVM::AddressOfOp::create(b, field, symbol);
    }
    result = LLVM::InsertValueOp::create(b, result, element, ArrayRef<int64_t>{index});
  }
  return result;
}

Symbol ConstantWriter::records(ArrayRef<Record> records) {
  if (records.empty())
    return {};
  auto array = LLVM::LLVMArrayType::get(structType(b.getContext(), records.front().layout), records.size());
  Symbol symbol = global(array, Attribute());
  OpBuilder::InsertionGuard guard(b);
  auto op = cast<LLVM::GlobalOp>(&*std::prev(b.getInsertionPoint()));
  b.setInsertionPointToStart(&op.getInitializerRegion().emplaceBlock());
  Value result = LLVM::ZeroOp::create(b, array);
  for (auto [index, record] : llvm::enumerate(records))
    result = LLVM::InsertValueOp::create(b, result, emit(record), ArrayRef<int64_t>{int64_t(index)});
  LLVM::ReturnOp::create(b, result);
  return symbol;
}

} // namespace snn::abi
