// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Contracts that are products of matrices, by the kernels.

#include "compiler/Codegen/Cpu/Sums.h"

#include "compiler/Codegen/Cpu/Kernels/Kernels.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Products.h"

using namespace mlir;

namespace snn::core {
namespace {

kernels::Bits bitsOf(const Buffer &buffer) { return {buffer.memory, buffer.rowElements}; }
kernels::Matrix rowsOf(const Buffer &buffer) { return {buffer.memory, buffer.rowElements}; }

} // namespace

static Kernel kernelOf(Operation *op) {
  auto kernel = op->getAttrOfType<KernelAttr>(kKernelAttr);
  return kernel ? kernel.getValue() : Kernel::Loops;
}

Value OpEmitter::rowCount(const Buffer &buffer) {
  Value rows = e.index(1);
  if (buffer.sampleStride)
    rows = e.mul(rows, extents.samples);
  return buffer.timeStride ? e.mul(rows, extents.steps) : rows;
}

bool OpEmitter::emitProduct(ContractOp op) {
  std::optional<MatrixProduct> product = matchProduct(op);
  Kernel kernel = kernelOf(op);
  if (!product || (kernel != Kernel::Dense && kernel != Kernel::Spikes))
    return false;
  Buffer a = buffers.find(product->a)->second, b = buffers.find(product->b)->second;
  Buffer c = buffers.find(op.getResult())->second;
  int64_t columns = paddedWidth(product->columns);
  auto emitRows = [&](const Buffer &a, const Buffer &c, Value rows) {
    kernels::Matrix weights{b.memory, product->stride};
    if (kernel == Kernel::Dense)
      kernels::emitDense(e, module, {rowsOf(a), weights, rowsOf(c), rows, product->depth, columns, {}, scratch(op)});
    else
      kernels::emitSpikes(e, module, {bitsOf(a), weights, rowsOf(c), rows, product->depth, columns, {}, scratch(op)});
  };
  // One step of an array over time: its rows are apart.
  bool apart = (a.slice || c.slice) && a.sampleStride;
  if (!apart) {
    emitRows(a, c, rowCount(c));
    return true;
  }
  e.loop(extents.samples, [&](Value sample) {
    Buffer from = a, to = c;
    from.memory.offset = e.add(a.memory.offset, e.mul(sample, a.sampleStride));
    to.memory.offset = e.add(c.memory.offset, e.mul(sample, c.sampleStride));
    emitRows(from, to, e.index(1));
  });
  return true;
}

bool OpEmitter::emitGradient(ContractOp op, const SumSlot &slot, kernels::Range inputs) {
  std::optional<MatrixProduct> product = matchProduct(op);
  Kernel kernel = kernelOf(op);
  if (!product || (kernel != Kernel::DenseGradient && kernel != Kernel::SpikeGradient))
    return false;
  Buffer a = buffers.find(product->a)->second, d = buffers.find(product->b)->second;
  Value rows = rowCount(a);
  kernels::Scratch memory = scratch(op);
  kernels::RowOrder order = kernels::placeRowOrder(e, memory, rows);
  Value steps = a.timeStride ? extents.steps : e.index(1);
  Value blocks = kernels::emitRowOrder(e, module, extents.samples, steps, order);
  kernels::Footprint orderBytes = kernels::rowOrderScratch();
  memory.offset =
      e.alignUp(e.add(memory.offset, e.add(e.mul(rows, orderBytes.perRow), orderBytes.constant)), SNN_ALIGNMENT);
  int64_t columns = paddedWidth(product->columns);
  kernels::Matrix c{slot.total.memory, product->stride};

  // As many blocks at a time as the first level takes; then it goes up.
  auto emitBlocks = [&](Value from, Value to) {
    Value fresh = e.both(slot.fresh, e.equal(from, e.index(0)));
    if (kernel == Kernel::DenseGradient)
      kernels::emitDenseGradient(e, module,
                                 {rowsOf(a), rowsOf(d), c, order, from, to, product->depth, columns, inputs, fresh});
    else
      kernels::emitSpikeGradient(
          e, module, {bitsOf(a), rowsOf(d), c, order, from, to, product->depth, columns, inputs, fresh, memory});
  };
  Value fromInput = inputs.from ? inputs.from : e.index(0);
  Value toInput = inputs.to ? inputs.to : e.index(product->depth);
  Value start = e.mul(fromInput, product->stride), count = e.mul(e.sub(toInput, fromInput), product->stride);
  std::function<void(Value, int64_t, int64_t)> raise = [&](Value done, int64_t level, int64_t full) {
    auto at = [&](int64_t which) {
      return Memory{slot.total.memory.base,
                    e.add(e.add(slot.total.memory.offset, e.mul(slot.levelStride, which)), start), e.real};
    };
    Value isFull = e.equal(e.b.createOrFold<arith::RemUIOp>(done, e.index(full)), e.index(0));
    e.when(isFull, [&] {
      kernels::emitLevelUp(e, module, at(level), at(level - 1), count, e.equal(done, e.index(full)));
      if (level + 1 < kMaxLevels)
        raise(done, level + 1, full * kernels::kLevel);
    });
  };
  e.whileBelow(e.index(0), blocks, [&](Value from) {
    Value filled = e.b.createOrFold<arith::RemUIOp>(e.add(slot.blocks, from), e.index(kernels::kLevel));
    Value to = e.minimum(blocks, e.add(from, e.sub(e.index(kernels::kLevel), filled)));
    emitBlocks(from, to);
    raise(e.add(slot.blocks, to), 1, kernels::kLevel);
    return to;
  });
  return true;
}

} // namespace snn::core
