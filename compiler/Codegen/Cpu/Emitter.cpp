// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Emitter.h.

#include "compiler/Codegen/Cpu/Emitter.h"

using namespace mlir;

namespace snn {

TargetShape TargetShape::of(ModuleOp module) {
  TargetShape target;
  auto shape = module->getAttrOfType<DictionaryAttr>(SnnDialect::targetAttrName());
  if (!shape)
    return target;
  auto read = [&](StringRef name, int64_t &number) {
    if (auto bits = shape.getAs<IntegerAttr>(name))
      number = bits.getInt();
  };
  read("vector_bits", target.vectorBits);
  read("pointer_bits", target.pointerBits);
  if (auto cpu = shape.getAs<StringAttr>("cpu"))
    target.x86 = cpu.getValue().starts_with("x86");
  return target;
}

Value Emitter::constant(Type type, double value) {
  auto element = FloatAttr::get(isa<VectorType>(type) ? cast<VectorType>(type).getElementType() : type, value);
  if (auto vectorType = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, DenseElementsAttr::get(vectorType, element));
  return arith::ConstantOp::create(b, element);
}

Value Emitter::splat(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(b, vector(lanes, scalar.getType()), scalar);
}

static unsigned bytesOf(Type element) { return element.getIntOrFloatBitWidth() / 8; }

Value Emitter::address(Memory memory, Value at) {
  return LLVM::GEPOp::create(b, pointerType(), memory.element, memory.base, ValueRange{toI64(add(memory.offset, at))});
}

Value Emitter::addresses(Memory memory, Value at, Value lanes) {
  Type pointers = VectorType::get({kLanes}, pointerType());
  return LLVM::GEPOp::create(b, pointers, memory.element, address(memory, at), ValueRange{lanes});
}

Value Emitter::allLanes(Value mask) { return mask ? mask : laneMask(kLanes); }

Value Emitter::loadVector(Memory memory, Value at, int64_t lanes) {
  return LLVM::LoadOp::create(b, vector(lanes, memory.element), address(memory, at), bytesOf(memory.element));
}

void Emitter::storeVector(Value value, Memory memory, Value at) {
  LLVM::StoreOp::create(b, value, address(memory, at), bytesOf(memory.element));
}

Value Emitter::loadMasked(Memory memory, Value at, Value mask) {
  VectorType type = vector(kLanes, memory.element);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  // LLVM 22 halves wider ones for AVX2 itself, and loads a half without its mask if the lanes of that are known to be
  // off and the others to depend on something.
  const int64_t bits = memory.element.getIntOrFloatBitWidth(), own = target.vectorBits / bits;
  if (target.vectorBits != 256 || bits < 32 || own >= kLanes)
    return LLVM::MaskedLoadOp::create(b, type, address(memory, at), mask, zero, bytesOf(memory.element));
  SmallVector<Value> parts;
  for (int64_t lane = 0; lane < kLanes; lane += own) {
    auto lanes = llvm::to_vector(llvm::seq<int64_t>(lane, lane + own));
    Value some = vector::ShuffleOp::create(b, mask, mask, lanes);
    Value nothing = arith::ConstantOp::create(b, b.getZeroAttr(vector(own, memory.element)));
    parts.push_back(LLVM::MaskedLoadOp::create(b, vector(own, memory.element), address(memory, add(at, lane)), some,
                                               nothing, bytesOf(memory.element)));
  }
  for (int64_t width = 2 * own; parts.size() > 1; width *= 2)
    for (size_t i = 0; i < parts.size(); ++i) {
      parts[i] = vector::ShuffleOp::create(b, parts[i], parts[i + 1], llvm::to_vector(llvm::seq<int64_t>(0, width)));
      parts.erase(parts.begin() + i + 1);
    }
  return parts.front();
}

void Emitter::storeMasked(Value value, Memory memory, Value at, Value mask) {
  LLVM::MaskedStoreOp::create(b, value, address(memory, at), mask, bytesOf(memory.element));
}

Value Emitter::gather(Memory memory, Value at, Value lanes, Value mask) {
  VectorType type = vector(kLanes, memory.element);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  return LLVM::masked_gather::create(b, type, addresses(memory, at, lanes), allLanes(mask), zero,
                                     bytesOf(memory.element));
}

void Emitter::scatter(Value value, Memory memory, Value at, Value lanes, Value mask) {
  LLVM::masked_scatter::create(b, value, addresses(memory, at, lanes), allLanes(mask), bytesOf(memory.element));
}

void Emitter::strips(int64_t count, const std::function<void(Value, int64_t)> &body) {
  const int64_t whole = count / kLanes * kLanes;
  if (whole > 0)
    loop(index(0), index(whole), kLanes, [&](Value i) { body(i, kLanes); });
  if (whole < count)
    loop(index(whole), index(count), 1, [&](Value i) { body(i, 1); });
}

/// A single element is in an object of the host or of the arena, at an offset that is not negative.
static constexpr auto kInside = LLVM::GEPNoWrapFlags::inbounds | LLVM::GEPNoWrapFlags::nuw;

Value Emitter::load(Memory memory, Value at) {
  Value from = LLVM::GEPOp::create(b, pointerType(), memory.element, memory.base,
                                   ValueRange{toI64(add(memory.offset, at))}, kInside);
  return LLVM::LoadOp::create(b, memory.element, from);
}

void Emitter::store(Value value, Memory memory, Value at) {
  Value to = LLVM::GEPOp::create(b, pointerType(), memory.element, memory.base,
                                 ValueRange{toI64(add(memory.offset, at))}, kInside);
  LLVM::StoreOp::create(b, value, to);
}

Value Emitter::laneMask(int64_t count, int64_t lanes) {
  SmallVector<bool> mask;
  for (int64_t lane = 0; lane < lanes; ++lane)
    mask.push_back(lane < count);
  return arith::ConstantOp::create(b, DenseElementsAttr::get(vector(lanes, b.getI1Type()), mask));
}

Value Emitter::wordToBits(Value word) {
  Value one = vector::BroadcastOp::create(b, vector(1, b.getI16Type()), word);
  return vector::BitCastOp::create(b, vector(kLanes, b.getI1Type()), one);
}

Value Emitter::bitsToWord(Value bits) { return vector::ExtractOp::create(b, packBits(bits), 0); }

Value Emitter::packBits(Value bits) {
  const int64_t words = cast<VectorType>(bits.getType()).getNumElements() / kLanes;
  return vector::BitCastOp::create(b, vector(words, b.getI16Type()), bits);
}

Value Emitter::fma(Value x, Value y, Value z) { return math::FmaOp::create(b, x, y, z); }

Memory Emitter::view(Value bytes, Value offset, Type element) { return atPointer(advance(bytes, offset), element); }

Memory Emitter::displaced(Value pointer, Value elements, Type element) {
  return atPointer(advance(pointer, mul(elements, element.getIntOrFloatBitWidth() / 8)), element);
}

func::FuncOp Emitter::kernel(ModuleOp module, StringRef name, TypeRange arguments, TypeRange results,
                             llvm::function_ref<SmallVector<Value>(Emitter &, ValueRange)> make) {
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
  func::ReturnOp::create(inner.b, make(inner, block->getArguments()));
  return function;
}

} // namespace snn
