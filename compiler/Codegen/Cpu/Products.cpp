// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Contracts that are products of matrices, by the kernels.

#include "compiler/Codegen/Cpu/Sums.h"

#include "compiler/Codegen/Cpu/Kernels/Kernels.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Products.h"

using namespace mlir;

namespace snn::core {
static kernels::Matrix rowsOf(const Buffer &buffer) { return {buffer.memory, buffer.rowElements}; }

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
    kernels::Product operands{rowsOf(a),  {b.memory, product->stride}, rowsOf(c), rows, product->depth, columns,
                              scratch(op)};
    kernel == Kernel::Dense ? kernels::emitDense(e, module, operands) : kernels::emitSpikes(e, module, operands);
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
  Value perRun = Division::of(e, SumClass::of(op), 1, extents.samples, extents.steps).unit;
  Value blocks = kernels::emitRowOrder(e, module, extents.samples, steps, perRun, order);
  kernels::Footprint orderBytes = kernels::rowOrderScratch();
  memory.offset =
      e.alignUp(e.add(memory.offset, e.add(e.mul(rows, orderBytes.perRow), orderBytes.constant)), SNN_ALIGNMENT);
  int64_t columns = paddedWidth(product->columns);
  kernels::Matrix c{slot.total.memory, product->stride};
  if (!inputs.from)
    inputs = {e.index(0), e.index(product->depth)};

  // As many blocks at a time as the first level takes; then it goes up.
  auto emitBlocks = [&](Value from, Value to) {
    Value fresh = e.both(slot.fresh, e.equal(from, e.index(0)));
    kernels::Gradient operands{rowsOf(a), rowsOf(d), c, order, from, to, columns, inputs, fresh, memory};
    kernel == Kernel::DenseGradient ? kernels::emitDenseGradient(e, module, operands)
                                    : kernels::emitSpikeGradient(e, module, operands);
  };
  Value start = e.mul(inputs.from, product->stride), count = e.mul(e.sub(inputs.to, inputs.from), product->stride);
  auto at = [&](int64_t level) {
    return Memory{slot.total.memory.base, e.add(e.add(slot.total.memory.offset, e.mul(slot.levelStride, level)), start),
                  e.real};
  };
  e.whileBelow(e.index(0), blocks, [&](Value from) {
    Value filled = e.b.createOrFold<arith::RemUIOp>(e.add(slot.blocks, from), e.index(kernels::kLevel));
    Value to = e.minimum(blocks, e.add(from, e.sub(e.index(kernels::kLevel), filled)));
    emitBlocks(from, to);
    raiseLevels(e, e.add(slot.blocks, to), [&](int64_t level, Value first) {
      kernels::emitLevelUp(e, module, at(level), at(level - 1), count, first);
    });
    return to;
  });
  return true;
}

} // namespace snn::core
