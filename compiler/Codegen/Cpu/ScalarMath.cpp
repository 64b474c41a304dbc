// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See ScalarMath.h.

#include "compiler/Codegen/Cpu/ScalarMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace snn {
namespace {

class Expansion {
public:
  explicit Expansion(Operation *op) : b(op->getLoc(), op), x(op->getOperand(0)), y(op->getOperand(1)) {}

  /// NaN if one of them is; -0 is less than +0.
  Value smaller() {
    return chosen(arith::CmpFPredicate::OLT, [&](Value p, Value q) { return arith::OrIOp::create(b, p, q); });
  }
  Value larger() {
    return chosen(arith::CmpFPredicate::OGT, [&](Value p, Value q) { return arith::AndIOp::create(b, p, q); });
  }

private:
  template <typename Zeros> Value chosen(arith::CmpFPredicate predicate, const Zeros &zeros) {
    Type type = x.getType(), bits = b.getI64Type();
    if (auto shaped = dyn_cast<ShapedType>(type))
      bits = shaped.clone(bits);
    auto compare = [&](arith::CmpFPredicate how) { return arith::CmpFOp::create(b, how, x, y); };
    Value first = arith::SelectOp::create(b, compare(predicate), x, y);
    Value same = zeros(arith::BitcastOp::create(b, bits, x), arith::BitcastOp::create(b, bits, y));
    Value equal =
        arith::SelectOp::create(b, compare(arith::CmpFPredicate::OEQ), arith::BitcastOp::create(b, type, same), first);
    return arith::SelectOp::create(b, compare(arith::CmpFPredicate::UNO), arith::AddFOp::create(b, x, y), equal);
  }

  ImplicitLocOpBuilder b;
  Value x, y;
};

} // namespace

Value expandForScalars(Operation *op) {
  if (!isa<arith::MinimumFOp, arith::MaximumFOp>(op) || !getElementTypeOrSelf(op->getResult(0).getType()).isF64())
    return nullptr;
  Expansion expansion(op);
  return isa<arith::MinimumFOp>(op) ? expansion.smaller() : expansion.larger();
}

} // namespace snn
