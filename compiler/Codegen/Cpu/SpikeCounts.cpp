// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Folds that count spikes side by side, as a population votes: a sum of so few ones does not round, in any order.

#include "compiler/Codegen/Cpu/BitAccess.h"
#include "compiler/Codegen/Cpu/Sums.h"
#include "dialect/core/Maps.h"

using namespace mlir;

namespace snn::core {

static bool addsSpikes(FoldOp op) {
  Block &body = op.getBody().front();
  auto real = body.getTerminator()->getOperand(0).getDefiningOp<arith::UIToFPOp>();
  return op.getKind() == FoldKind::Add && op.getInputs().size() == 1 && op.getAlong().size() == 1 && real &&
         real.getIn() == body.getArgument(0) && real.getIn().getType().isInteger(1);
}

bool OpEmitter::emitSpikeCount(FoldOp op) {
  constexpr int64_t kFew = 2, kMany = int64_t(1) << 24; // what f32 counts to
  if (!addsSpikes(op))
    return false;
  auto indexed = cast<IndexedOpInterface>(op.getOperation());
  const Gathered shape = Gathered::of(indexed);
  const Buffer &spikes = buffers.find(op.getInputs()[0])->second, &result = buffers.find(op.getValue())->second;
  AffineMap read = shape.compose(indexed.getReadMaps()[0]);
  ArrayRef<int64_t> domain(shape.domain), kept = domain.take_front(shape.resultRank);
  const int64_t count = domain.back();
  if (!spikes.isBits() || count < kFew || count > kMany || !shape.conditions.empty() ||
      !isInside(read, domain, spikes.type.getShape()))
    return false;
  AffineExpr along = getAffineDimExpr(shape.resultRank, op.getContext()), offset = innerOffset(spikes, read);
  if (simplifyAffineExpr(offset.replace(along, along + 1) - offset, domain.size(), 0) != 1)
    return false;

  AffineMap all = AffineMap::getMultiDimIdentityMap(domain.size(), op.getContext());
  LaneAccess access(e, result,
                    AffineMap::get(domain.size(), 0, all.getResults().take_front(kept.size()), op.getContext()));
  Points points;
  points.domain = domain;
  auto element = [&] {
    Value row = e.index(0);
    for (auto [extent, position] : llvm::zip_equal(spikes.type.getShape(), read.getResults()))
      if (extent < 0)
        row = e.add(row, e.mul(math.of(position, points.dims, domain).base,
                               extent == ArrayType::kTime ? spikes.timeStride : spikes.sampleStride));
    Value set = BitAccess(e).countSet(spikes, row, math.of(offset, points.dims, domain).base, count);
    // kMany has less than 32 bits: not all processors convert 64.
    Value number = arith::TruncIOp::create(e.b, e.b.getI32Type(), set);
    Value real = arith::UIToFPOp::create(e.b, op.getValue().getType().getElementType(), number);
    access.store(e.splat(real, kLanes), points);
  };
  forEachPoint(kept, [&](SmallVectorImpl<LaneIndex> &dims) {
    points.dims.assign(dims.begin(), dims.end());
    points.dims.resize(domain.size(), math.uniform(0));
    element();
  });
  return true;
}

} // namespace snn::core
