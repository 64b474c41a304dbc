// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Maps of weights, such as turned copies of them, in slices of their results that workers share.

#include "compiler/Codegen/Cpu/Tasks.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/ShareMaps.h"

using namespace mlir;

namespace snn::core {
namespace {

/// A map's rows, by the dim of its domain along which they lie.
struct Rows {
  unsigned dim;
  int64_t count, ofSlice;

  static Rows of(Operation *op);
  int64_t slices() const { return llvm::divideCeil(count, ofSlice); }
};

Rows Rows::of(Operation *op) {
  auto map = cast<MapOp>(op);
  const unsigned dim = *sharedDim(map);
  return {dim, map.getDomain()[dim], integerOf(op, kTaskRowsAttr, 0)};
}

/// The same array from `first` of an extent on.
Buffer from(Emitter &e, Buffer buffer, unsigned dim, Value first) {
  buffer.memory.offset = e.add(buffer.memory.offset, e.mul(first, buffer.strides[dim]));
  return buffer;
}

/// `count` rows of a map from `first` on, as a map of so many.
void emitRows(OpEmitter &emitter, MapOp map, const Rows &rows, Value first, int64_t count) {
  Emitter &e = emitter.e;
  OpEmitter inner(e, emitter.module, emitter.extents, emitter.numbers);
  auto indexed = cast<IndexedOpInterface>(map.getOperation());
  for (auto [input, read] : llvm::zip_equal(map.getInputs(), indexed.getReadMaps())) {
    Buffer buffer = emitter.buffers.find(input)->second;
    for (auto [place, result] : llvm::enumerate(read.getResults()))
      if (result.isFunctionOfDim(rows.dim))
        buffer = from(e, buffer, place, first);
    inner.buffers[input] = buffer;
  }
  auto part = cast<MapOp>(map->clone());
  SmallVector<int64_t> domain(map.getDomain()), shape;
  domain[rows.dim] = count;
  part.setDomain(domain);
  Value result = part.getOutputs().front();
  auto type = cast<ArrayType>(result.getType());
  llvm::append_range(shape, type.getShape());
  shape.front() = count;
  result.setType(ArrayType::get(type.getContext(), shape, type.getElementType()));
  Buffer to = from(e, emitter.buffers.find(map.getOutputs().front())->second, 0, first);
  to.type = cast<ArrayType>(result.getType());
  to.rowElements = count * to.strides.front();
  inner.buffers[result] = to;
  inner.outline({"map_slice", part}, [&](OpEmitter &body, const Outlined &) { body.emit(part); });
  part->erase();
}

} // namespace

int64_t TaskWriter::mapSlices(const Stage &stage) {
  int64_t slices = 0;
  for (Operation *op : stage.ops)
    slices += Rows::of(op).slices();
  return slices;
}

void TaskWriter::emitMapSlices(const Stage &stage, Value index) {
  OpEmitter emitter(e, module, {batch, steps, e.index(0), firstStep, nullptr}, numbers);
  bindFunctionValues(emitter, stage.ops);
  int64_t before = 0;
  for (Operation *op : stage.ops) {
    const Rows rows = Rows::of(op);
    forMine(e, index, before, rows.slices(), [&](Value slice) {
      Value first = e.mul(slice, rows.ofSlice);
      const int64_t rest = rows.count % rows.ofSlice;
      auto emit = [&](int64_t count) { emitRows(emitter, cast<MapOp>(op), rows, first, count); };
      if (rest == 0)
        return emit(rows.ofSlice);
      e.when(e.below(first, e.index(rows.count - rest)), [&] { emit(rows.ofSlice); }, [&] { emit(rest); });
    });
  }
}

} // namespace snn::core
