// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Emitter.h.

#include "compiler/Codegen/Cpu/Emitter.h"

using namespace mlir;

namespace snn {

Value Emitter::constant(Type type, double value) {
  auto element = FloatAttr::get(isa<VectorType>(type) ? cast<VectorType>(type).getElementType() : type, value);
  if (auto vectorType = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, DenseElementsAttr::get(vectorType, element));
  return arith::ConstantOp::create(b, element);
}

Value Emitter::splat(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(b, vector(lanes, scalar.getType()), scalar);
}

Value Emitter::loadVector(Memory memory, Value at, int64_t lanes) {
  Type element = cast<MemRefType>(memory.base.getType()).getElementType();
  return vector::LoadOp::create(b, vector(lanes, element), memory.base, add(memory.offset, at));
}

void Emitter::storeVector(Value value, Memory memory, Value at) {
  vector::StoreOp::create(b, value, memory.base, add(memory.offset, at));
}

Value Emitter::load(Memory memory, Value at) { return memref::LoadOp::create(b, memory.base, add(memory.offset, at)); }

void Emitter::store(Value value, Memory memory, Value at) {
  memref::StoreOp::create(b, value, memory.base, add(memory.offset, at));
}

Value Emitter::laneMask(int64_t count) {
  SmallVector<bool> lanes;
  for (int64_t lane = 0; lane < kLanes; ++lane)
    lanes.push_back(lane < count);
  return arith::ConstantOp::create(b, DenseElementsAttr::get(vector(kLanes, b.getI1Type()), lanes));
}

Value Emitter::wordToBits(Value word) {
  Value one = vector::BroadcastOp::create(b, vector(1, b.getI16Type()), word);
  return vector::BitCastOp::create(b, vector(kLanes, b.getI1Type()), one);
}

Value Emitter::bitsToWord(Value bits) {
  Value word = vector::BitCastOp::create(b, vector(1, b.getI16Type()), bits);
  return vector::ExtractOp::create(b, word, 0);
}

Value Emitter::bitsToReals(Value bits) {
  return arith::SelectOp::create(b, bits, constant(rowVector(), 1), constant(rowVector(), 0));
}

Value Emitter::fma(Value x, Value y, Value z) { return math::FmaOp::create(b, x, y, z); }

Memory Emitter::view(Value bytes, Value offset, Type element) {
  // The extent of a view is not looked at; places are checked by the plan and by the arena's size.
  auto type = MemRefType::get({ShapedType::kDynamic}, element);
  return {memref::ViewOp::create(b, type, bytes, offset, ValueRange{index(int64_t(1) << 40)}), index(0)};
}

Memory Emitter::atPointer(Value pointer, Type element) {
  Type pointerType = LLVM::LLVMPointerType::get(b.getContext());
  Type word = b.getI64Type(), words = LLVM::LLVMArrayType::get(word, 1);
  auto descriptor = LLVM::LLVMStructType::getLiteral(b.getContext(), {pointerType, pointerType, word, words, words});
  Value value = LLVM::UndefOp::create(b, descriptor);
  Value zero = LLVM::ConstantOp::create(b, word, b.getI64IntegerAttr(0));
  Value one = LLVM::ConstantOp::create(b, word, b.getI64IntegerAttr(1));
  Value extent = LLVM::ConstantOp::create(b, word, b.getI64IntegerAttr(int64_t(1) << 40));
  auto insert = [&](Value part, ArrayRef<int64_t> position) {
    value = LLVM::InsertValueOp::create(b, value, part, position);
  };
  insert(pointer, {0});
  insert(pointer, {1});
  insert(zero, {2});
  insert(extent, {3, 0});
  insert(one, {4, 0});
  auto type = MemRefType::get({ShapedType::kDynamic}, element);
  return {UnrealizedConversionCastOp::create(b, type, value).getResult(0), index(0)};
}

Memory Emitter::displaced(Value pointer, Value elements, Type element) {
  return atPointer(advance(pointer, mul(elements, element.getIntOrFloatBitWidth() / 8)), element);
}

Type Emitter::memoryType(Type element) { return MemRefType::get({ShapedType::kDynamic}, element); }

func::FuncOp Emitter::kernel(ModuleOp module, StringRef name, TypeRange arguments, TypeRange results,
                             const std::function<void(Emitter &, Block::BlockArgListType)> &make) {
  if (auto existing = module.lookupSymbol<func::FuncOp>(name))
    return existing;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto function = func::FuncOp::create(builder, b.getLoc(), name, builder.getFunctionType(arguments, results));
  function.setPrivate();
  // A kernel runs for microseconds: a copy in each caller would only cost compile time, and hide it from profilers.
  function->setAttr("passthrough", builder.getStrArrayAttr({"noinline"}));
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToEnd(block);
  Emitter inner(b.getLoc(), builder, real, target);
  make(inner, block->getArguments());
  return function;
}

} // namespace snn
