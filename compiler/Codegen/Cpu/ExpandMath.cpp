// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Each use of a function becomes a call of a function of the module, or the arithmetic itself where that is short.

#include "compiler/Codegen/Cpu/Emitter.h"
#include "compiler/Codegen/Cpu/MathFunctions.h"
#include "compiler/Codegen/Cpu/ScalarMath.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_EXPANDMATH
#include "compiler/Codegen/Cpu/Passes.h.inc"

namespace {

/// "snn_tanh_16xf32"
std::string kernelName(Operation *op) {
  std::string name;
  llvm::raw_string_ostream stream(name);
  stream << "snn_" << op->getName().stripDialect();
  for (Type type : op->getOperandTypes()) {
    stream << '_';
    if (auto vector = dyn_cast<VectorType>(type))
      for (int64_t extent : vector.getShape())
        stream << extent << 'x';
    stream << getElementTypeOrSelf(type);
  }
  return name;
}

/// exp is short and stands in the loops of surrogates; the others would double the code where they are used often.
bool staysInLine(Operation *op) { return isa<math::ExpOp>(op) || isa<arith::ArithDialect>(op->getDialect()); }

Value expanded(ModuleOp module, Operation *op) {
  OpBuilder builder(op);
  Emitter e(op->getLoc(), builder, getElementTypeOrSelf(op->getResult(0)), {});
  StringRef name = op->getName().getStringRef();
  if (staysInLine(op))
    return writeMathFunction(e.b, name, op->getOperands());
  auto make = [&](Emitter &inner, const SmallVector<Value> &operands) {
    return SmallVector<Value>{writeMathFunction(inner.b, name, operands)};
  };
  return e.call(module, kernelName(op), op->getResultTypes(), make, SmallVector<Value>(op->getOperands())).getResult(0);
}

/// What does not fit into 64 bits has no meaning in arith and another one on each machine: here it is the nearest
/// number that fits, 0 for NaN, cut to the type.
Value toInteger(Operation *op) {
  ImplicitLocOpBuilder b(op->getLoc(), op);
  Type type = op->getResult(0).getType(), wide = b.getI64Type();
  if (auto shaped = dyn_cast<ShapedType>(type))
    wide = shaped.clone(wide);
  auto name = b.getStringAttr(isa<arith::FPToSIOp>(op) ? "llvm.fptosi.sat" : "llvm.fptoui.sat");
  Value result = LLVM::CallIntrinsicOp::create(b, wide, name, op->getOperand(0)).getResult(0);
  return type == wide ? result : arith::TruncIOp::create(b, type, result);
}

/// What LLVM writes as instructions; or what is no function of reals.
bool isNative(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp, math::CountLeadingZerosOp,
             math::CountTrailingZerosOp, math::CtPopOp, math::FloorOp, math::FmaOp, math::IsFiniteOp, math::IsInfOp,
             math::IsNaNOp, math::IsNormalOp, math::RoundEvenOp, math::RoundOp, math::SqrtOp, math::TruncOp>(op) ||
         (isa<arith::ArithDialect>(op->getDialect()) && !isa<arith::RemFOp>(op));
}

class ExpandMath : public impl::ExpandMathBase<ExpandMath> {
  void runOnOperation() override {
    const bool hasVectors = TargetShape::of(getOperation()).hasVectors();
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa_and_nonnull<arith::ArithDialect, math::MathDialect>(op->getDialect()))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      Value result;
      if (isMathFunction(op->getName().getStringRef())) {
        result = expanded(getOperation(), op);
      } else if (isa<arith::FPToSIOp, arith::FPToUIOp>(op)) {
        result = toInteger(op);
      } else if (Value scalar = hasVectors ? Value() : expandForScalars(op)) {
        result = scalar;
      } else if (isNative(op)) {
        continue;
      } else {
        op->emitOpError("would be a call into a library, but expected an operation that can be computed in place");
        return signalPassFailure();
      }
      op->getResult(0).replaceAllUsesWith(result);
      op->erase();
    }
  }
};

} // namespace
} // namespace snn
