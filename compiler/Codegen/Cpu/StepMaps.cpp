// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See StepMaps.h.

#include "compiler/Codegen/Cpu/StepMaps.h"

#include "compiler/Codegen/Cpu/Kernels/TinyRows.h"

using namespace mlir;

namespace snn::core {

/// Of the steps of a product's factors one of so many is looked at for tiny ones: errors vanish over several steps.
static constexpr int64_t kEvery = 8;

/// The terms of a product of the kernel `lanes`, in their order.
static SmallVector<LaneTerm> laneTerms(ContractOp op, const MatrixProduct &product) {
  MLIRContext *context = op.getContext();
  const unsigned depth = product.depthDims.front().dim, dims = op.getDomain().size();
  SmallVector<LaneTerm> terms;
  for (int64_t k = 0; k < product.depth; ++k) {
    SmallVector<AffineExpr> positions;
    for (unsigned dim = 0; dim < dims; ++dim)
      positions.push_back(dim == depth ? getAffineConstantExpr(k, context)
                                       : getAffineDimExpr(dim - (dim > depth), context));
    auto of = [&](unsigned factor) {
      return op.getReadMaps()[factor].replaceDimsAndSymbols(positions, {}, dims - 1, 0);
    };
    terms.push_back({of(product.swapped ? 1 : 0), of(product.swapped ? 0 : 1)});
  }
  return terms;
}

static AffineMap readMap(MapOp map, unsigned index) {
  return cast<IndexedOpInterface>(map.getOperation()).getReadMaps()[index];
}

void StepMaps::loadInvariants(Points points) {
  this->points = points;
  for (MapOp map : scan.getBody().front().getOps<MapOp>())
    for (auto [index, value] : llvm::enumerate(map.getInputs()))
      if (auto argument = dyn_cast<BlockArgument>(value);
          argument && llvm::is_contained(scan.getInvariantArgs(), argument))
        loaded[{map, index}] = load(outside(argument), nullptr, readMap(map, index));
}

SmallVector<StepMaps::Sums> StepMaps::addTerms(MutableArrayRef<StepMaps> vectors, Value step, bool tiny) {
  SmallVector<Sums> sums(vectors.size());
  StepMaps &any = vectors.front();
  Emitter &e = any.e;
  for (auto op : any.scan.getBody().front().getOps<ContractOp>()) {
    const MatrixProduct product = *matchProduct(op);
    SmallVector<LaneTerm> terms = laneTerms(op, product);
    // One block of docs/summation.md: a chain from +0, which is added to +0.
    Value zero = e.constant(e.vector(kLanes, e.real), 0);
    SmallVector<Value> zeros(vectors.size(), zero);
    auto plain = [&] {
      SmallVector<Value> chains = zeros;
      for (const LaneTerm &term : terms) {
        Value factor = any.load(any.outside(product.a), step, term.a);
        for (auto [maps, chain] : llvm::zip_equal(vectors, chains))
          chain = e.fma(factor, maps.loadColumns(any.outside(product.b), term.b), chain);
      }
      return chains;
    };
    std::optional<Memory> row = tiny ? any.factorRow(product, terms.front(), step) : std::nullopt;
    SmallVector<Value> chains = row ? any.chainsOfTiny(product, *row, int64_t(vectors.size())) : plain();
    for (auto [sum, chain] : llvm::zip_equal(sums, chains))
      sum[op.getResult()] = arith::AddFOp::create(e.b, chain, zero);
  }
  return sums;
}

Value StepMaps::factorsSeemTiny(Value steps) {
  Value any;
  if (!kernels::hasTinyTerms(e) || emitter.tinyFactors() == kernels::Tiny::Never)
    return any;
  for (auto op : scan.getBody().front().getOps<ContractOp>()) {
    const MatrixProduct product = *matchProduct(op);
    LaneTerm first = laneTerms(op, product).front();
    if (!factorRow(product, first, e.index(0)))
      continue;
    Value least = e.loop(e.index(0), steps, kEvery, {kernels::noMagnitude(e)}, [&](Value step, ValueRange least) {
      return SmallVector<Value>{leastOfRow(product, *factorRow(product, first, step), least[0])};
    })[0];
    Value tiny = kernels::isTiny(e, least);
    any = any ? e.either(any, tiny) : tiny;
  }
  return any ? kernels::emitTakesLong(e, emitter.module, emitter.tinyFactors(), any) : any;
}

SmallVector<Value> StepMaps::emit(Value step, ValueRange carries, const Sums &sums, bool tiny) {
  llvm::DenseMap<Value, Value> values = sums;
  for (auto [argument, value] : llvm::zip(scan.getCarryArgs(), carries))
    values[argument] = value;
  for (MapOp map : scan.getBody().front().getOps<MapOp>()) {
    SmallVector<Value> arguments;
    for (auto [index, value] : llvm::enumerate(map.getInputs())) {
      if (Value known = loaded.lookup({map, index}))
        arguments.push_back(known);
      else if (Value known = values.lookup(value))
        arguments.push_back(known);
      else
        arguments.push_back(load(outside(value), step, readMap(map, index)));
    }
    for (auto [result, value] :
         llvm::zip(map.getOutputs(), emitter.emitBody(map.getBody().front(), arguments, points, {.tiny = tiny})))
      values[result] = value;
  }
  SmallVector<Value> yielded;
  for (Value value : scan.getYield()->getOperands()) {
    Value known = values.lookup(value);
    auto argument = dyn_cast<BlockArgument>(value);
    if (!known) // a slice or an invariant that is passed on
      known = load(outside(argument), llvm::is_contained(scan.getSlicedArgs(), argument) ? step : Value(),
                   AffineMap::getMultiDimIdentityMap(points.domain.size(), scan.getContext()));
    yielded.push_back(known);
  }
  return yielded;
}

Value StepMaps::outside(Value argument) { return scan->getOperand(cast<BlockArgument>(argument).getArgNumber()); }

Value StepMaps::loadColumns(Value weights, AffineMap map) {
  return LaneAccess(e, emitter.buffers.find(weights)->second, map).load(points, nullptr);
}

Value StepMaps::load(Value array, Value step, AffineMap map) {
  const Buffer &buffer = emitter.buffers.find(array)->second;
  Buffer slice = step ? buffer.at(e, step) : buffer;
  return LaneAccess(e, slice, map).load(points, points.mask);
}

std::optional<Memory> StepMaps::factorRow(const MatrixProduct &product, const LaneTerm &first, Value step) {
  const Buffer slice = emitter.buffers.find(outside(product.a))->second.at(e, step);
  AffineExpr origin = getAffineConstantExpr(0, scan.getContext());
  if (product.columns != points.collapsedWidth || !slice.isRow() || innerOffset(slice, first.a) != origin)
    return std::nullopt;
  Memory row = slice.memory;
  row.offset = e.add(row.offset, slice.rowAt(e, points.domain, points.dims));
  return row;
}

Value StepMaps::leastOfRow(const MatrixProduct &product, Memory row, Value least) {
  for (int64_t k = 0; k < product.depth; k += kLanes) {
    const int64_t lanes = std::min<int64_t>(kLanes, product.depth - k);
    Value some =
        lanes == kLanes ? e.loadVector(row, e.index(k), kLanes) : e.loadMasked(row, e.index(k), e.laneMask(lanes));
    least = kernels::leastMagnitude(e, least, some);
  }
  return least;
}

SmallVector<Value> StepMaps::chainsOfTiny(const MatrixProduct &product, Memory row, int64_t vectors) {
  Memory weights = emitter.buffers.find(outside(product.b))->second.memory;
  weights.offset = e.add(weights.offset, points.number.base);
  return kernels::emitTinyChains(e, emitter.module, {row, e.index(product.depth), weights, e.index(product.stride)},
                                 vectors);
}

} // namespace snn::core
