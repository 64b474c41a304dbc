// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See BitAccess.h.

#include "compiler/Codegen/Cpu/BitAccess.h"

using namespace mlir;

namespace snn::core {

Value BitAccess::shifted(Value word, Value by) {
  return arith::ShLIOp::create(e.b, word, e.b.createOrFold<arith::IndexCastOp>(word.getType(), by));
}

Value BitAccess::load(const Buffer &from, Value row, Value at, int64_t count) {
  Type i32 = e.b.getI32Type();
  // Behind the row nothing is read.
  Value number = e.div(at, kLanes), next = e.minimum(e.add(number, 1), e.index(from.rowElements - 1));
  auto wordAt = [&](Value number) -> Value {
    return arith::ExtUIOp::create(e.b, i32, e.load(from.memory, e.add(row, number)));
  };
  Value words = e.either(wordAt(number), shifted(wordAt(next), e.index(kLanes)));
  Value inside = e.b.createOrFold<arith::RemUIOp>(at, e.index(kLanes));
  Value bits = arith::ShRUIOp::create(e.b, words, e.b.createOrFold<arith::IndexCastOp>(i32, inside));
  return e.both(bits, arith::ConstantIntOp::create(e.b, i32, (int64_t(1) << count) - 1));
}

Value BitAccess::window(const Buffer &from, Value row, Value at) {
  Value number = e.minimum(e.div(at, kLanes), e.index(from.rowElements - 4));
  Value four = e.loadVector(from.memory, e.add(row, number), 4);
  Value words = vector::ExtractOp::create(e.b, vector::BitCastOp::create(e.b, e.vector(1, e.b.getI64Type()), four), 0);
  return arith::ShRUIOp::create(e.b, words, e.toI64(e.sub(at, e.mul(number, kLanes))));
}

void BitAccess::add(const Buffer &to, Value row, Value at, Value bits, int64_t count) {
  Value number = e.add(row, e.div(at, kLanes)), inside = e.b.createOrFold<arith::RemUIOp>(at, e.index(kLanes));
  Value both = shifted(bits, inside);
  auto into = [&](Value word, Value number) {
    Value old = e.load(to.memory, number);
    e.store(e.either(old, arith::TruncIOp::create(e.b, e.b.getI16Type(), word)), to.memory, number);
  };
  into(both, number);
  // There may be no next word.
  e.when(e.below(e.index(kLanes), e.add(inside, count)), [&] {
    Value high = arith::ShRUIOp::create(e.b, both, arith::ConstantIntOp::create(e.b, e.b.getI32Type(), kLanes));
    into(high, e.add(number, 1));
  });
}

Value BitAccess::countSet(const Buffer &from, Value row, Value at, int64_t count) {
  const int64_t most = from.rowElements >= 4 ? kWindow : kLanes, whole = count / most * most;
  auto piece = [&](Value first, int64_t bits) -> Value {
    Value start = e.add(at, first);
    Value some = most == kWindow ? e.both(window(from, row, start), e.i64((int64_t(1) << bits) - 1))
                                 : Value(arith::ExtUIOp::create(e.b, e.b.getI64Type(), load(from, row, start, bits)));
    return math::CtPopOp::create(e.b, some);
  };
  Value sum = e.loop(e.index(0), e.index(whole), most, {e.i64(0)}, [&](Value first, ValueRange sum) {
    return SmallVector<Value>{e.add(sum[0], piece(first, most))};
  })[0];
  return whole < count ? e.add(sum, piece(e.index(whole), count - whole)) : sum;
}

} // namespace snn::core
