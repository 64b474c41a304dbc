// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See ScalarEmitter.h.

#include "compiler/Codegen/Host/ScalarEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace snn {

Value ScalarEmitter::index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
Value ScalarEmitter::i64(int64_t value) { return arith::ConstantIntOp::create(b, b.getI64Type(), value); }

Value ScalarEmitter::truth(bool value) { return arith::ConstantIntOp::create(b, b.getI1Type(), value); }

Value ScalarEmitter::add(Value x, Value y) {
  Value sum = b.createOrFold<arith::AddIOp>(x, y);
  if (wraps)
    *wraps = either(*wraps, below(sum, x));
  return sum;
}
Value ScalarEmitter::sub(Value x, Value y) { return b.createOrFold<arith::SubIOp>(x, y); }
Value ScalarEmitter::mul(Value x, Value y) {
  if (wraps)
    *wraps = either(*wraps, differs(arith::MulUIExtendedOp::create(b, x, y).getHigh(), index(0)));
  return b.createOrFold<arith::MulIOp>(x, y);
}
Value ScalarEmitter::div(Value x, Value y) { return b.createOrFold<arith::DivUIOp>(x, y); }
Value ScalarEmitter::minimum(Value x, Value y) { return b.createOrFold<arith::MinUIOp>(x, y); }
Value ScalarEmitter::maximum(Value x, Value y) { return b.createOrFold<arith::MaxUIOp>(x, y); }
Value ScalarEmitter::select(Value condition, Value yes, Value no) {
  return b.createOrFold<arith::SelectOp>(condition, yes, no);
}
Value ScalarEmitter::isMultiple(Value x, Value of) { return equal(b.createOrFold<arith::RemUIOp>(x, of), index(0)); }
Value ScalarEmitter::toIndex(Value integer) { return b.createOrFold<arith::IndexCastOp>(b.getIndexType(), integer); }
Value ScalarEmitter::toI64(Value value) { return b.createOrFold<arith::IndexCastOp>(b.getI64Type(), value); }
Value ScalarEmitter::compare(arith::CmpIPredicate predicate, Value x, Value y) {
  return b.createOrFold<arith::CmpIOp>(predicate, x, y);
}

void ScalarEmitter::loop(Value from, Value to, int64_t step, const Body &body) {
  auto op = scf::ForOp::create(b, from, to, index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op.getBody()->getTerminator());
  body(op.getInductionVar());
}

SmallVector<Value> ScalarEmitter::loop(Value from, Value to, int64_t step, ValueRange start, const CarryingBody &body) {
  if (start.empty()) {
    loop(from, to, step, [&](Value i) { body(i, {}); });
    return {};
  }
  auto op = scf::ForOp::create(b, from, to, index(step), start);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(op.getBody());
  scf::YieldOp::create(b, body(op.getInductionVar(), op.getRegionIterArgs()));
  return SmallVector<Value>(op.getResults());
}

void ScalarEmitter::whileBelow(Value start, Value limit, const std::function<Value(Value)> &body) {
  auto op = scf::WhileOp::create(b, TypeRange{start.getType()}, ValueRange{start});
  OpBuilder::InsertionGuard guard(b);
  Location loc = b.getLoc();
  Block *before = b.createBlock(&op.getBefore(), {}, start.getType(), loc);
  scf::ConditionOp::create(b, below(before->getArgument(0), limit), before->getArguments());
  Block *after = b.createBlock(&op.getAfter(), {}, start.getType(), loc);
  scf::YieldOp::create(b, body(after->getArgument(0)));
}

void ScalarEmitter::when(Value condition, const std::function<void()> &body, const std::function<void()> &otherwise) {
  auto op = scf::IfOp::create(b, condition, /*withElseRegion=*/static_cast<bool>(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op.thenBlock()->getTerminator());
  body();
  if (otherwise) {
    b.setInsertionPoint(op.elseBlock()->getTerminator());
    otherwise();
  }
}

SmallVector<Value> ScalarEmitter::changedIf(Value condition, ValueRange state,
                                            llvm::function_ref<SmallVector<Value>()> change) {
  return choose(condition, change, [&] { return SmallVector<Value>(state); }, TypeRange(state));
}

Value ScalarEmitter::choose(Value condition, const std::function<Value()> &yes, const std::function<Value()> &no,
                            Type type) {
  return choose(
             condition, [&] { return SmallVector<Value>{yes()}; }, [&] { return SmallVector<Value>{no()}; }, type)
      .front();
}

SmallVector<Value> ScalarEmitter::choose(Value condition, llvm::function_ref<SmallVector<Value>()> yes,
                                         llvm::function_ref<SmallVector<Value>()> no, TypeRange types) {
  if (types.empty()) { // an `if` that has no results comes with terminators
    when(condition, [&] { yes(); }, [&] { no(); });
    return {};
  }
  auto op = scf::IfOp::create(b, types, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(op.thenBlock());
  scf::YieldOp::create(b, yes());
  b.setInsertionPointToEnd(op.elseBlock());
  scf::YieldOp::create(b, no());
  return SmallVector<Value>(op.getResults());
}

Type ScalarEmitter::pointerType() { return LLVM::LLVMPointerType::get(b.getContext()); }

Value ScalarEmitter::advance(Value pointer, Value bytes) {
  APInt known;
  if (matchPattern(bytes, m_ConstantInt(&known))) {
    if (known.isZero())
      return pointer;
    if (known.isSignedIntN(LLVM::kGEPConstantBitWidth)) // a larger one would lose its upper bits
      return LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), pointer,
                                 ArrayRef<LLVM::GEPArg>{int32_t(known.getSExtValue())});
  }
  return LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), pointer, ArrayRef<LLVM::GEPArg>{toI64(bytes)});
}

Value ScalarEmitter::isNull(Value pointer) {
  return LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::eq, pointer, LLVM::ZeroOp::create(b, pointerType()));
}

Value ScalarEmitter::isGiven(Value pointer) {
  return LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, pointer, LLVM::ZeroOp::create(b, pointerType()));
}

Value ScalarEmitter::loadAt(Value pointer, int64_t byteOffset, Type type) {
  Value address = byteOffset ? advance(pointer, index(byteOffset)) : pointer;
  return LLVM::LoadOp::create(b, type, address);
}

void ScalarEmitter::storeAt(Value value, Value pointer, int64_t byteOffset) {
  LLVM::StoreOp::create(b, value, byteOffset ? advance(pointer, index(byteOffset)) : pointer);
}

} // namespace snn
