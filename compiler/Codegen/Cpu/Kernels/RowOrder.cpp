// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order of sums over samples and time, and what goes up its levels.

#include "compiler/Codegen/Cpu/Kernels/Pieces.h"

using namespace mlir;

namespace snn::kernels {

static Value toI32(Emitter &e, Value index) { return e.b.createOrFold<arith::IndexCastOp>(e.b.getI32Type(), index); }

RowOrder placeRowOrder(Emitter &e, Scratch memory, Value rows) {
  Type i32 = e.b.getI32Type();
  Value bytes = e.alignUp(e.mul(rows, sizeof(int32_t)), 64);
  return {e.view(memory.bytes, memory.offset, i32), e.view(memory.bytes, e.add(memory.offset, bytes), i32)};
}

Value emitRowOrder(Emitter &e, ModuleOp module, Value samples, Value steps, Value perRun, const RowOrder &order) {
  auto make = [](Emitter &in, Value samples, Value steps, Value perRun, const RowOrder &order) {
    // A sample of 64 steps or more is cut into runs of 64, which blocks of one run over all of it are as well.
    auto end = in.loop(in.index(0), samples, 1, {in.index(0), in.index(0), in.index(0)}, [&](Value s, ValueRange of) {
      Value newRun = in.equal(in.b.createOrFold<arith::RemUIOp>(s, perRun), in.index(0));
      Value taken = arith::SelectOp::create(in.b, newRun, in.index(0), of[2]);
      Value last = in.sub(in.mul(in.add(s, 1), steps), in.index(1));
      return in.loop(in.index(0), steps, 1, {of[0], of[1], taken}, [&](Value t, ValueRange now) {
        Value position = now[0], block = now[1], taken = now[2];
        Value starting = in.equal(in.b.createOrFold<arith::RemUIOp>(taken, in.index(kBlock)), in.index(0));
        in.when(starting, [&] { in.store(toI32(in, position), order.starts, block); });
        in.store(toI32(in, in.sub(last, t)), order.rows, position);
        Value blocks = in.add(block, arith::SelectOp::create(in.b, starting, in.index(1), in.index(0)));
        return Strip{in.add(position, 1), blocks, in.add(taken, 1)};
      });
    });
    in.store(toI32(in, end[0]), order.starts, end[1]);
    return Strip{end[1]};
  };
  return e.call(module, "snn_row_order", e.b.getIndexType(), make, samples, steps, perRun, order).getResult(0);
}

void emitLevelUp(Emitter &e, ModuleOp module, Memory to, Memory from, Value count, Value fresh) {
  auto make = [](Emitter &in, Memory to, Memory from, Value count, Value fresh) {
    int64_t lanes = in.machineLanes();
    in.loop(in.index(0), count, lanes, [&](Value i) {
      accumulate(in, loadStrip(in, from, i, 1), to, i, fresh);
      storeStrip(in, zeros(in, 1), from, i);
    });
    return Strip();
  };
  e.call(module, shapeName(e, "level_up", {}), {}, make, to, from, count, fresh);
}

} // namespace snn::kernels
