// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order of sums over samples and time, and what goes up its levels.

#include "compiler/Codegen/Cpu/Kernels/Pieces.h"

using namespace mlir;

namespace snn::kernels {

static Value toI32(Emitter &e, Value index) { return e.b.createOrFold<arith::IndexCastOp>(e.b.getI32Type(), index); }

int64_t RowPlaces::count() const {
  int64_t product = 1;
  for (const Dim &dim : dims)
    product *= dim.extent;
  return product;
}

RowOrder placeRowOrder(Emitter &e, Scratch memory, Value rows, bool windows) {
  Type i32 = e.b.getI32Type();
  Value bytes = e.alignUp(e.mul(rows, sizeof(int32_t)), 64);
  auto at = [&](Value offset, Type element) { return e.view(memory.bytes, e.add(memory.offset, offset), element); };
  RowOrder order{at(e.index(0), i32), at(bytes, i32)};
  if (windows)
    order.sources = at(e.add(e.mul(bytes, 2), e.index(64)), e.b.getI64Type());
  return order;
}

Value emitRowOrder(Emitter &e, ModuleOp module, Value samples, Value steps, Value perRun, const RowOrder &order,
                   const RowPlaces &places) {
  const int64_t count = places.count();
  SmallVector<int64_t> numbers{places.stepsPerRun, count};
  if (order.sources.base) {
    numbers.push_back(places.stepStride);
    for (const RowPlaces::Dim &dim : places.dims)
      numbers.append({dim.extent, dim.stride});
  }
  std::string name = "snn_row_order";
  for (int64_t number : numbers)
    name += "_" + std::to_string(number);
  auto make = [&](Emitter &in, Value samples, Value steps, Value perRun, const RowOrder &order) {
    Value zero = in.index(0), ofParts = in.equal(perRun, in.index(1));
    // One row after the other of a step; `taken` rows are in the run.
    auto addPlaces = [&](Value row, Value source, Value taken, ValueRange state) {
      std::function<Strip(size_t, Value, ValueRange)> nest = [&](size_t depth, Value source, ValueRange now) -> Strip {
        if (depth < places.dims.size()) {
          auto [extent, stride] = places.dims[depth];
          return in.loop(zero, in.index(extent), 1, now, [&, stride = stride](Value i, ValueRange inner) {
            return nest(depth + 1, in.add(source, in.mul(i, stride)), inner);
          });
        }
        Value position = now[0], block = now[1], taken = now[2], row = now[3];
        Value starting = in.isMultiple(taken, in.index(kBlock));
        in.when(starting, [&] { in.store(toI32(in, position), order.starts, block); });
        in.store(toI32(in, row), order.rows, position);
        if (order.sources.base)
          in.store(in.toI64(source), order.sources, position);
        Value blocks = in.add(block, in.select(starting, in.index(1), zero));
        return Strip{in.add(position, 1), blocks, in.add(taken, 1), in.add(row, 1)};
      };
      Strip end = nest(0, source, {state[0], state[1], taken, row});
      return Strip{end[0], end[1], end[2]};
    };
    auto end = in.loop(zero, samples, 1, {zero, zero, zero}, [&](Value s, ValueRange of) {
      Value taken = in.select(in.isMultiple(s, perRun), zero, of[2]);
      Value last = in.sub(in.mul(in.add(s, 1), steps), in.index(1));
      return in.loop(zero, steps, 1, {of[0], of[1], taken}, [&](Value t, ValueRange now) {
        Value step = in.sub(last, t);
        // Runs of a part of a sample.
        Value ends = in.both(ofParts, in.isMultiple(t, in.index(places.stepsPerRun)));
        return addPlaces(in.mul(step, count), in.mul(step, places.stepStride), in.select(ends, zero, now[2]), now);
      });
    });
    in.store(toI32(in, end[0]), order.starts, end[1]);
    return Strip{end[1]};
  };
  return e.call(module, name, e.b.getIndexType(), make, samples, steps, perRun, order).getResult(0);
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
