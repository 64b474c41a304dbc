// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Faults.h.

#include "compiler/Codegen/Host/Faults.h"

using namespace mlir;

namespace snn {
namespace {

constexpr int64_t kRow = sizeof(int64_t);

Value loadCode(ScalarEmitter &e, Value record) { return e.loadAt(record, 0, e.b.getI64Type()); }
Value loadRow(ScalarEmitter &e, Value record) { return e.loadAt(record, kRow, e.b.getI64Type()); }

} // namespace

void FaultRecord::clear(ScalarEmitter &e) const { e.storeAt(e.i64(SNN_OK), pointer, 0); }

Value FaultRecord::isClear(ScalarEmitter &e) const { return e.equal(loadCode(e, pointer), e.i64(SNN_OK)); }

void FaultRecord::report(ScalarEmitter &e, int64_t code, Value row) const {
  Value earlier = e.below(row, e.toIndex(loadRow(e, pointer)));
  e.when(e.either(isClear(e), earlier), [&] {
    e.storeAt(e.i64(code), pointer, 0);
    e.storeAt(e.toI64(row), pointer, kRow);
  });
}

Value firstFault(CallFrame &frame, Value records, Value count) {
  ScalarEmitter &e = frame.e;
  Value none = e.i64(SNN_OK);
  auto first = e.loop(e.index(0), count, 1, {none, e.i64(0)}, [&](Value task, ValueRange known) {
    Value record = FaultRecord::of(e, records, task).pointer;
    Value code = loadCode(e, record), row = loadRow(e, record);
    Value earlier = e.either(e.equal(known[0], none), e.below(row, known[1]));
    Value isFirst = e.both(e.differs(code, none), earlier);
    return SmallVector<Value>{arith::SelectOp::create(e.b, isFirst, code, known[0]),
                              arith::SelectOp::create(e.b, isFirst, row, known[1])};
  });
  Value target = frame.pointer(offsetof(snn_call, fault_row));
  e.when(e.both(e.differs(first[0], none), e.isGiven(target)), [&] { e.storeAt(first[1], target, 0); });
  return arith::TruncIOp::create(e.b, e.b.getI32Type(), first[0]);
}

} // namespace snn
