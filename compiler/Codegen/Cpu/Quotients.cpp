// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Quotients.h.

#include "compiler/Codegen/Cpu/Quotients.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace snn {

Value rootOverUniform(Emitter &e, Value root, Value divisor, llvm::function_ref<Value()> plain) {
  auto type = dyn_cast<VectorType>(root.getType());
  if (!type || !type.getElementType().isF32() || !e.target.hasVectors())
    return nullptr;
  // Any lane is all of them.
  Value one = vector::ExtractOp::create(e.b, divisor, 0);
  auto compare = [&](arith::CmpFPredicate how, Value x, double y) -> Value {
    return arith::CmpFOp::create(e.b, how, x, e.constant(x.getType(), y));
  };
  Value ordinary = arith::AndIOp::create(e.b, compare(arith::CmpFPredicate::OGE, one, 0x1p-20),
                                         compare(arith::CmpFPredicate::OLE, one, 0x1p20));
  auto byReciprocal = [&]() -> Value {
    Value reciprocal = arith::DivFOp::create(e.b, e.constant(type, 1), divisor);
    Value quotient = arith::MulFOp::create(e.b, root, reciprocal);
    Value rest = e.fma(arith::NegFOp::create(e.b, divisor), quotient, root);
    // A rest of zero has lost the sign of a zero, that of an infinite root is no number: these quotients are right.
    Value inexact = compare(arith::CmpFPredicate::ONE, rest, 0);
    return arith::SelectOp::create(e.b, inexact, e.fma(rest, reciprocal, quotient), quotient);
  };
  return e.choose(ordinary, byReciprocal, [&] { return plain(); }, type);
}

} // namespace snn
