// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Contracts that are products of matrices, by the kernels.

#include "compiler/Codegen/Cpu/FunctionPlan.h"
#include "compiler/Codegen/Cpu/Sums.h"

#include "compiler/Codegen/Cpu/Kernels/TinyTerms.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Overlaps.h"
#include "compiler/Schedule/Cpu/Products.h"

using namespace mlir;

namespace snn::core {
/// Of so few inputs a gradient's last tile takes a share of the time that shows.
constexpr int64_t kFewInputs = 128;

/// The rows of a factor or result, `stride` elements or bits apart if there are several in a step of a sample.
static kernels::Matrix rowsOf(const Buffer &buffer, int64_t stride) {
  if (buffer.isBits())
    stride /= kLanes;
  return {buffer.memory, stride ? stride : buffer.rowElements};
}

/// What is left of scratch memory behind `bytes` of it.
static kernels::Scratch behind(Emitter &e, kernels::Scratch memory, Value bytes) {
  memory.offset = e.alignUp(e.add(memory.offset, bytes), SNN_ALIGNMENT);
  return memory;
}

/// A's rows as windows: fills the offsets of their elements, none of which is negative, and moves A's start to match,
/// by what it returns. Takes offsetsScratch.
static int64_t placeOffsets(Emitter &e, const MatrixProduct &product, kernels::Scratch &memory, kernels::Matrix &a) {
  a.offsets = e.view(memory.bytes, memory.offset, e.b.getI32Type());
  int64_t lowest = 0;
  for (auto [dim, extent, stride] : product.depthDims)
    lowest += std::min<int64_t>(0, stride * (extent - 1));
  std::function<void(size_t, Value, Value)> fill = [&](size_t depth, Value number, Value offset) {
    if (depth == product.depthDims.size())
      return e.store(e.b.createOrFold<arith::IndexCastOp>(e.b.getI32Type(), offset), a.offsets, number);
    auto [dim, extent, stride] = product.depthDims[depth];
    e.loop(e.index(extent), [&, extent = extent, stride = stride](Value i) {
      // From the end where that is lower.
      Value steps = stride < 0 ? e.sub(e.index(extent - 1), i) : i;
      fill(depth + 1, e.add(e.mul(number, extent), i), e.add(offset, e.mul(steps, std::abs(stride))));
    });
  };
  fill(0, e.index(0), e.index(0));
  a.at.offset = e.add(a.at.offset, product.origin + lowest);
  memory = behind(e, memory, e.index(kernels::offsetsScratch(product.depth).constant));
  return product.origin + lowest;
}

/// Bits of what is not zero, at the start of `memory`, which goes on behind them.
static kernels::Nonzero markNonzero(Emitter &e, ModuleOp module, const kernels::Matrix &a, Value rows, int64_t depth,
                                    kernels::Range inputs, kernels::Scratch &memory,
                                    int64_t percent = kernels::kFewOfRows) {
  const int64_t words = paddedWidth(depth) / kLanes;
  kernels::Nonzero nonzero = kernels::emitNonzero(e, module, a, rows, depth, inputs, memory, percent);
  kernels::Footprint bytes = kernels::nonzeroScratch(words);
  memory = behind(e, memory, e.add(e.mul(rows, bytes.perRow), bytes.constant));
  return nonzero;
}

/// A product by what is not zero in `rows` images from `at` on, but for its other matrices, and whether that is few
/// (i1).
static std::pair<kernels::Events, Value> markEvents(Emitter &e, ModuleOp module, const MatrixProduct &product,
                                                    Memory at, int64_t rowElements, Value rows,
                                                    kernels::Scratch memory) {
  const kernels::Matrix images{at, rowElements};
  kernels::Nonzero nonzero =
      markNonzero(e, module, images, rows, product.images->elements(), {}, memory, kernels::kFewOfWindows);
  kernels::Events events{*product.images, images, nonzero.bits, {}, {}, paddedWidth(product.columns), rows, memory};
  return {events, nonzero.few};
}

Value OpEmitter::rowCount(const Buffer &buffer) {
  Value rows = e.index(1);
  if (buffer.sampleStride)
    rows = e.mul(rows, extents.samples);
  return buffer.timeStride ? e.mul(rows, extents.steps) : rows;
}

bool OpEmitter::emitOverlap(ContractOp op) {
  std::optional<OverlapProduct> product = matchOverlap(op);
  if (!product)
    return false;
  const Buffer &a = buffers.find(product->a)->second, &b = buffers.find(product->b)->second;
  const Buffer &c = buffers.find(op.getResult())->second;
  auto emitRows = [&](Memory from, Memory to, Value rows) {
    kernels::emitOverlap(
        e, module,
        {product->shape, from, b.memory, to, rows, a.rowElements, c.rowElements, scratch(op), tinyFactors()});
  };
  if (!(a.slice || c.slice) || !a.sampleStride) {
    emitRows(a.memory, c.memory, rowCount(c));
    return true;
  }
  e.loop(extents.samples, [&](Value sample) {
    Memory from = a.memory, to = c.memory;
    from.offset = e.add(from.offset, e.mul(sample, a.sampleStride));
    to.offset = e.add(to.offset, e.mul(sample, c.sampleStride));
    emitRows(from, to, e.index(1));
  });
  return true;
}

/// Rows that a product in a scan mostly has, those of a whole chunk; 0 elsewhere.
static int64_t rowsOfStep(ContractOp op, int64_t places) {
  auto phase = isa<ScanOp>(op->getParentOp()) ? op->getParentOfType<BatchMapOp>() : BatchMapOp();
  return phase ? integerOf(phase, kChunkAttr, 0) * places : 0;
}

bool OpEmitter::emitProduct(ContractOp op) {
  // Without memory to work in, as of what has steps but no samples, loops do it.
  if (!scratch(op).bytes && !(productScratch(op) == Place()))
    return false;
  if (kernelOf(op) == Kernel::Overlap)
    return emitOverlap(op);
  std::optional<MatrixProduct> product = matchProduct(op);
  Kernel kernel = kernelOf(op);
  if (!product || product->gradient || kernel == Kernel::Loops || kernel == Kernel::Lanes)
    return false;
  Buffer a = buffers.find(product->a)->second, b = buffers.find(product->b)->second;
  Buffer c = buffers.find(op.getResult())->second;
  int64_t columns = paddedWidth(product->columns);
  kernels::Scratch memory = scratch(op);
  kernels::Matrix rows = rowsOf(a, product->aStride), results = rowsOf(c, product->otherStride);
  const int64_t moved = product->window ? placeOffsets(e, *product, memory, rows) : 0;
  // Images are by what is not zero as a whole, else their windows are dense.
  const bool byEvents = kernel == Kernel::Sparse && product->window;
  if (byEvents)
    kernel = Kernel::Dense;
  auto emitRows = [&](const kernels::Matrix &a, const kernels::Matrix &c, Value rows, kernels::Tiny tiny,
                      int64_t line = 0) {
    kernels::Product operands{
        a, {b.memory, product->stride}, c, rows, product->depth, columns, memory, tiny, line, product->panels};
    switch (kernel) {
    case Kernel::Spikes:
      return kernels::emitSpikes(e, module, operands);
    case Kernel::Gather:
      return kernels::emitSpikes(e, module, operands, kernels::SpikeForm::Gather);
    case Kernel::HeldSpikes:
      // A call may have fewer steps than are worth tables of all weights.
      return e.when(
          e.below(extents.steps, e.index(kernels::kHeldSteps)), [&] { kernels::emitSpikes(e, module, operands); },
          [&] { kernels::emitHeldSpikes(e, module, operands, held.lookup(op)); });
    case Kernel::Sparse: {
      kernels::Nonzero nonzero = markNonzero(e, module, a, rows, product->depth, {}, operands.scratch);
      return kernels::emitSparse(e, module, operands, nonzero);
    }
    default:
      return kernels::emitDense(e, module, operands);
    }
  };
  auto movedBy = [&](kernels::Matrix matrix, Value by) {
    matrix.at.offset = e.add(matrix.at.offset, by);
    return matrix;
  };
  // All places of one or several samples and steps: windows line by line.
  auto emitPlaces = [&](const kernels::Matrix &a, const kernels::Matrix &c, Value rows) {
    if (!product->window || product->placeDims.empty())
      return emitRows(a, c, e.mul(rows, product->places), tinyFactors(), rowsOfStep(op, product->places));
    std::function<void(size_t, Value, Value, kernels::Tiny)> nest = [&](size_t depth, Value from, Value to,
                                                                        kernels::Tiny tiny) {
      auto [dim, extent, stride] = product->placeDims[depth];
      if (depth + 1 == product->placeDims.size())
        return emitRows(movedBy(a, from), movedBy(c, e.mul(to, extent * c.stride)), e.index(extent), tiny, extent);
      e.loop(e.index(extent), [&, extent = extent, stride = stride](Value i) {
        nest(depth + 1, e.add(from, e.mul(i, stride)), e.add(e.mul(to, extent), i), tiny);
      });
    };
    const int64_t rowElements = buffers.find(product->a)->second.rowElements;
    auto emitImages = [&] {
      e.loop(rows, [&](Value row) {
        Value start = e.mul(row, rowElements);
        if (tinyFactors() == kernels::Tiny::Never || isa<IntegerType>(a.at.element) || !kernels::hasTinyTerms(e) ||
            kernels::levelsOf(product->depth) > 1)
          return nest(0, start, row, kernels::Tiny::Never);
        // Windows have each element again and again: those of the image are looked at first.
        const kernels::Matrix image{movedBy(a, e.sub(start, e.index(moved))).at, kLanes};
        Value seemTiny = kernels::emitSeemTiny(e, module, image, {e.index(0), e.index(rowElements / kLanes)}, kLanes);
        e.when(
            seemTiny, [&] { nest(0, start, row, tinyFactors()); }, [&] { nest(0, start, row, kernels::Tiny::Never); });
      });
    };
    if (!byEvents)
      return emitImages();
    auto [events, few] = markEvents(e, module, *product, a.at, rowElements, rows, memory);
    events.b = {b.memory, product->stride};
    events.c = c;
    e.when(few, [&, &events = events] { kernels::emitEvents(e, module, events); }, emitImages);
  };
  // One step of an array over time: its rows are apart.
  bool apart = (a.slice || c.slice) && a.sampleStride;
  if (!apart) {
    emitPlaces(rows, results, rowCount(c));
    return true;
  }
  e.loop(extents.samples, [&](Value sample) {
    emitPlaces(movedBy(rows, e.mul(sample, a.sampleStride)), movedBy(results, e.mul(sample, c.sampleStride)),
               e.index(1));
  });
  return true;
}

namespace {

/// A gradient of the rows at hand, for a range of its inputs, on top of what a slot has.
struct GradientSum {
  Emitter &e;
  ModuleOp module;
  const MatrixProduct &product;
  const SumSlot &slot;
  kernels::Matrix a, errors;
  kernels::Range inputs;
  kernels::Tiny tiny;

  /// Block by block of an order of the rows.
  void addRows(Kernel kernel, const kernels::RowOrder &order, Value blocks, Value rows, kernels::Scratch memory);
  /// Image by image, each of which is a run, by its events.
  void addImages(const kernels::Events &events, Value samples, Value steps);

private:
  Value start() { return e.mul(inputs.from, product.stride); }
  Value count() { return e.mul(e.sub(inputs.to, inputs.from), product.stride); }
  /// The totals of these inputs.
  Memory at(int64_t level) {
    Value offset = e.add(slot.total.memory.offset, e.mul(slot.levelStride, level));
    return {slot.total.memory.base, e.add(offset, start()), e.real};
  }
  Value isFresh(Value block) { return e.both(slot.fresh, e.equal(block, e.index(0))); }
  /// What is full after so many blocks goes up.
  void raise(Value blocks) {
    raiseLevels(e, e.add(slot.blocks, blocks), [&](int64_t level, Value first) {
      kernels::emitLevelUp(e, module, at(level), at(level - 1), count(), first);
    });
  }
};

void GradientSum::addRows(Kernel kernel, const kernels::RowOrder &order, Value blocks, Value rows,
                          kernels::Scratch memory) {
  std::optional<kernels::Nonzero> nonzero;
  if (kernel == Kernel::SparseGradient)
    nonzero = markNonzero(e, module, a, rows, product.depth, inputs, memory);
  // As many blocks at a time as the first level takes.
  e.whileBelow(e.index(0), blocks, [&](Value begin) {
    Value filled = e.b.createOrFold<arith::RemUIOp>(e.add(slot.blocks, begin), e.index(kernels::kLevel));
    Value end = e.minimum(blocks, e.add(begin, e.sub(e.index(kernels::kLevel), filled)));
    kernels::Gradient operands{a,
                               errors,
                               {slot.total.memory, product.stride},
                               order,
                               begin,
                               end,
                               paddedWidth(product.columns),
                               inputs,
                               isFresh(begin),
                               memory,
                               tiny,
                               product.columns,
                               product.depth <= kFewInputs ? product.depth : 0};
    if (kernel == Kernel::SpikeGradient)
      kernels::emitSpikeGradient(e, module, operands);
    else if (nonzero)
      kernels::emitSparseGradient(e, module, operands, *nonzero);
    else
      kernels::emitDenseGradient(e, module, operands);
    raise(end);
    return end;
  });
}

void GradientSum::addImages(const kernels::Events &events, Value samples, Value steps) {
  const int64_t blocks = llvm::divideCeil(product.places, kernels::kBlock);
  e.loop(samples, [&](Value sample) {
    e.loop(steps, [&](Value i) { // descending
      Value first = e.mul(sample, steps), step = e.sub(e.sub(steps, i), e.index(1));
      kernels::emitEventGradient(e, module, events, e.add(first, step));
      e.loop(e.index(blocks), [&](Value block) {
        Memory sums = events.c.at;
        sums.offset = e.add(sums.offset, e.add(e.mul(block, product.depth * product.stride), start()));
        Value number = e.add(e.mul(e.add(first, i), blocks), block);
        kernels::emitLevelUp(e, module, at(0), sums, count(), isFresh(number));
        raise(e.add(number, 1));
      });
    });
  });
}

} // namespace

bool OpEmitter::emitGradient(ContractOp op, const SumSlot &slot, kernels::Range inputs) {
  std::optional<MatrixProduct> product = matchProduct(op);
  Kernel kernel = kernelOf(op);
  if (!product || !product->gradient || kernel == Kernel::Loops)
    return false;
  Buffer a = buffers.find(product->a)->second, d = buffers.find(product->b)->second;
  kernels::Scratch memory = scratch(op);
  kernels::Matrix from = rowsOf(a, product->aStride);
  if (product->window)
    placeOffsets(e, *product, memory, from);
  const bool all = !inputs.from;
  if (all)
    inputs = {e.index(0), e.index(product->depth)};
  Value images = rowCount(a), rows = e.mul(images, product->places);
  Value steps = a.timeStride ? extents.steps : e.index(1);
  kernels::RowOrder order = kernels::placeRowOrder(e, memory, rows, product->window);
  kernels::Footprint orderBytes = kernels::rowOrderScratch(product->window);
  memory = behind(e, memory, e.add(e.mul(rows, orderBytes.perRow), orderBytes.constant));

  GradientSum gradient{e, module, *product, slot, from, rowsOf(d, product->otherStride), inputs, tinyFactors()};
  auto addRows = [&](Kernel kernel) {
    SumClass sum = *SumClass::of(op);
    Value perRun = Division::of(e, sum, 1, extents.samples, extents.steps).unit;
    kernels::RowPlaces places{{}, a.rowElements, sum.overTime ? sum.stepsPerRun() : kernels::kRun};
    for (auto [dim, extent, stride] : product->placeDims)
      places.dims.push_back({extent, stride});
    Value blocks = kernels::emitRowOrder(e, module, extents.samples, steps, perRun, order, places);
    gradient.addRows(kernel, order, blocks, rows, memory);
  };
  if (kernel != Kernel::SparseGradient || !product->window) {
    addRows(kernel);
    return true;
  }

  auto [events, few] = markEvents(e, module, *product, a.memory, a.rowElements, images, memory);
  events.b = gradient.errors;
  events.c = {e.view(events.scratch.bytes, events.scratch.offset, e.real), product->stride};
  if (!all)
    events.inputs = inputs;
  // Errors may be tiny; what is dense has a way round them.
  if (tinyFactors() != kernels::Tiny::Never && kernels::hasTinyTerms(e)) {
    Value seemTiny = kernels::emitSeemTiny(e, module, gradient.errors, {e.index(0), rows}, product->columns);
    Value takesLong = kernels::emitTakesLong(e, module, tinyFactors(), seemTiny);
    few = e.both(few, e.equal(takesLong, e.truth(false)));
  }
  e.when(
      few, [&, &events = events] { gradient.addImages(events, extents.samples, steps); },
      [&] { addRows(Kernel::DenseGradient); });
  return true;
}

} // namespace snn::core
