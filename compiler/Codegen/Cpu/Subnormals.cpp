// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Subnormals.h.

#include "compiler/Codegen/Cpu/Subnormals.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace snn {

Value anyTiny(Emitter &e, ValueRange vectors) {
  Value tiny;
  if (!e.target.hasVectors()) // nor f64, as a rule
    return tiny;
  for (Value vector : vectors) {
    auto type = dyn_cast<VectorType>(vector.getType());
    if (!type || !type.getElementType().isF32() || matchPattern(vector, m_Constant()))
      continue;
    auto bitsType = type.clone(e.b.getI32Type());
    auto splat = [&](int32_t bits) -> Value {
      return arith::ConstantOp::create(e.b, DenseElementsAttr::get(cast<ShapedType>(bitsType), bits));
    };
    // Zero, less one, is larger than any magnitude.
    Value bits = arith::BitcastOp::create(e.b, bitsType, vector);
    Value magnitude = arith::AndIOp::create(e.b, bits, splat(0x7fffffff));
    Value lessOne = arith::AddIOp::create(e.b, magnitude, splat(-1));
    Value lanes = e.below(lessOne, splat(((127 - 100) << 23) - 1));
    tiny = tiny ? e.either(tiny, lanes) : lanes;
  }
  return tiny ? Value(vector::ReductionOp::create(e.b, vector::CombiningKind::OR, tiny)) : Value();
}

Value aroundSubnormals(Emitter &e, Operation *op, ValueRange vectors, llvm::function_ref<Value()> plain) {
  if (!isa<arith::MulFOp, arith::DivFOp, math::SqrtOp>(op) || !op->getResult(0).getType().isF32())
    return nullptr;
  Value tiny = anyTiny(e, vectors);
  if (!tiny)
    return nullptr;
  auto type = cast<VectorType>(vectors.front().getType()), wide = type.clone(e.b.getF64Type());
  auto inWide = [&]() -> Value {
    OperationState state(e.b.getLoc(), op->getName());
    for (Value vector : vectors)
      state.addOperands(Value(arith::ExtFOp::create(e.b, wide, vector)));
    state.addTypes(wide);
    state.propertiesAttr = op->getPropertiesAsAttribute();
    Value result = e.b.create(state)->getResult(0);
    // LLVM knows as well that the operation may be done in f32, and would.
    auto fence = e.b.getStringAttr("llvm.arithmetic.fence");
    result = LLVM::CallIntrinsicOp::create(e.b, wide, fence, result).getResult(0);
    return arith::TruncFOp::create(e.b, type, result);
  };
  return e.choose(tiny, inWide, [&] { return plain(); }, type);
}

} // namespace snn
