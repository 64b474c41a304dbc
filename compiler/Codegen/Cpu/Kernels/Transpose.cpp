// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bits of rows as bits of inputs.

#include "compiler/Codegen/Cpu/Kernels/Pieces.h"

using namespace mlir;

namespace snn::kernels {
namespace {

Value lanes64(Emitter &e, function_ref<int64_t(int64_t lane)> value) {
  SmallVector<int64_t> values;
  for (int64_t lane = 0; lane < 8; ++lane)
    values.push_back(value(lane));
  return arith::ConstantOp::create(e.b, DenseElementsAttr::get(e.vector(8, e.b.getI64Type()), ArrayRef(values)));
}

/// 64 x 64 bits in 8 vectors of 8 words, transposed: for each power of two, bits whose column has it and whose row has
/// not change places with those of which the opposite is true.
void transposeBits(Emitter &e, MutableArrayRef<Value> words) {
  auto shift = [&](Value value, int64_t by, bool left) -> Value {
    Value count = lanes64(e, [&](int64_t) { return by; });
    return left ? Value(arith::ShLIOp::create(e.b, value, count)) : Value(arith::ShRUIOp::create(e.b, value, count));
  };
  for (int64_t step : {32, 16, 8, 4, 2, 1}) {
    int64_t low = 0; // the columns without the bit
    for (int64_t bit = 0; bit < 64; ++bit)
      low |= (bit & step) ? 0 : int64_t(uint64_t(1) << bit);
    auto mask = [&](bool high) { return lanes64(e, [&](int64_t) { return high ? ~low : low; }); };
    if (step >= 8) {
      for (int64_t i = 0; i < 8; ++i) {
        if (i & (step / 8))
          continue;
        Value &upper = words[i], &under = words[i + step / 8];
        Value newUpper = e.either(e.both(upper, mask(false)), e.both(shift(under, step, true), mask(true)));
        under = e.either(e.both(under, mask(true)), e.both(shift(upper, step, false), mask(false)));
        upper = newUpper;
      }
      continue;
    }
    // Within a vector, the lanes are the rows.
    SmallVector<int64_t> partner;
    SmallVector<bool> isUpper;
    for (int64_t lane = 0; lane < 8; ++lane) {
      partner.push_back(lane ^ step);
      isUpper.push_back(!(lane & step));
    }
    Value chooses = arith::ConstantOp::create(e.b, DenseElementsAttr::get(e.vector(8, e.b.getI1Type()), isUpper));
    Value kept = lanes64(e, [&](int64_t lane) { return (lane & step) ? ~low : low; });
    Value taken = lanes64(e, [&](int64_t lane) { return (lane & step) ? low : ~low; });
    for (Value &word : words) {
      Value other = vector::ShuffleOp::create(e.b, word, word, partner);
      Value moved = arith::SelectOp::create(e.b, chooses, shift(other, step, true), shift(other, step, false));
      word = e.either(e.both(word, kept), e.both(moved, taken));
    }
  }
}

} // namespace

void emitTranspose(Emitter &e, ModuleOp module, const Gradient &kernel, Memory square, Memory transposed) {
  // What the code depends on: words of a row's end that is less than four, or all of a short row.
  const int64_t words = kernel.a.stride, rest = words < 4 ? words : words % 4;
  const bool isShort = words < 4;
  auto make = [&](Emitter &in, Memory a, Value stride, const RowOrder &order, Value firstBlock, Value endBlock,
                  Value firstInput, Value endInput, Memory square, Memory out) {
    Value from = in.div(firstInput, 64), to = in.ceilDiv(endInput, 64);
    in.loop(firstBlock, endBlock, 1, [&](Value block) {
      Value start = in.toIndex(in.load(order.starts, block)), end = in.toIndex(in.load(order.starts, in.add(block, 1)));
      Value count = in.sub(end, start);
      in.loop(from, to, 1, [&](Value column) {
        auto copy = [&](int64_t present) {
          in.loop(count, [&](Value i) {
            Value row = in.toIndex(in.load(order.rows, in.add(start, i)));
            in.store(loadWord(in, a, in.add(in.mul(row, stride), in.mul(column, 4)), present), square, i);
          });
        };
        if (isShort)
          copy(rest);
        else if (rest == 0)
          copy(4);
        else
          in.when(in.equal(column, in.div(stride, 4)), [&] { copy(rest); }, [&] { copy(4); });
        in.loop(count, in.index(64), 1, [&](Value i) { in.store(in.i64(0), square, i); });
        SmallVector<Value> bits;
        for (int64_t i = 0; i < 8; ++i)
          bits.push_back(in.loadVector(square, in.index(8 * i), 8));
        transposeBits(in, bits);
        Value at = in.mul(in.add(in.mul(in.sub(block, firstBlock), in.sub(to, from)), in.sub(column, from)), 64);
        for (int64_t i = 0; i < 8; ++i)
          in.storeVector(bits[i], out, in.add(at, 8 * i));
      });
    });
    return Strip();
  };
  std::string name = (isShort ? "snn_transpose_short_bits_" : "snn_transpose_bits_") + std::to_string(rest);
  e.call(module, name, {}, make, kernel.a.at, e.index(words), kernel.order, kernel.firstBlock, kernel.endBlock,
         kernel.inputs.from, kernel.inputs.to, square, transposed);
}

} // namespace snn::kernels
