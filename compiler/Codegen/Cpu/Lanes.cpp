// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Lanes.h.

#include "compiler/Codegen/Cpu/Lanes.h"

#include "dialect/core/Maps.h"

using namespace mlir;

namespace snn::core {

Value LaneMath::constant32(int64_t value) {
  auto type = e.vector(kLanes, e.b.getI32Type());
  return arith::ConstantOp::create(e.b, DenseElementsAttr::get(type, e.b.getI32IntegerAttr(value)));
}

Value LaneMath::iota() {
  SmallVector<int32_t> numbers(kLanes);
  for (int64_t lane = 0; lane < kLanes; ++lane)
    numbers[lane] = lane;
  return arith::ConstantOp::create(
      e.b, DenseElementsAttr::get(e.vector(kLanes, e.b.getI32Type()), ArrayRef<int32_t>(numbers)));
}

Value LaneMath::splat32(Value index) {
  return e.splat(e.b.createOrFold<arith::IndexCastOp>(e.b.getI32Type(), index), kLanes);
}

Value LaneMath::vector(LaneIndex x) {
  if (x.lanes)
    return x.lanes;
  Value base = splat32(x.base);
  return x.ascending ? e.add(base, iota()) : base;
}

Value LaneMath::wide(LaneIndex x) {
  auto type = e.vector(kLanes, e.b.getI64Type());
  if (x.isUniform())
    return e.splat(e.toI64(x.base), kLanes);
  if (x.lanes)
    return arith::ExtSIOp::create(e.b, type, x.lanes);
  return e.add(e.splat(e.toI64(x.base), kLanes), arith::ExtSIOp::create(e.b, type, iota()));
}

LaneIndex LaneMath::add(LaneIndex x, LaneIndex y) {
  if (x.isUniform() && !y.lanes)
    return {e.add(x.base, y.base), y.ascending, nullptr};
  if (y.isUniform() && !x.lanes)
    return {e.add(x.base, y.base), x.ascending, nullptr};
  return {nullptr, false, e.add(vector(x), vector(y))};
}

LaneIndex LaneMath::mul(LaneIndex x, int64_t y) {
  if (y == 1)
    return x;
  if (y == 0)
    return uniform(0);
  if (x.isUniform())
    return uniform(e.mul(x.base, y));
  return {nullptr, false, e.mul(vector(x), constant32(y))};
}

/// Numbers that may be negative are moved up by a multiple of the divisor, as machine division rounds towards 0.
static int64_t shiftFor(int64_t low, int64_t divisor) { return low < 0 ? (-low + divisor - 1) / divisor : 0; }

LaneIndex LaneMath::floorDiv(LaneIndex x, int64_t y, int64_t low) {
  if (y == 1)
    return x;
  int64_t shift = shiftFor(low, y);
  if (x.isUniform())
    return uniform(e.add(e.div(e.add(x.base, shift * y), y), -shift));
  Value moved = e.add(vector(x), constant32(shift * y));
  return {nullptr, false, e.add(e.div(moved, constant32(y)), constant32(-shift))};
}

LaneIndex LaneMath::mod(LaneIndex x, int64_t y, int64_t low) {
  int64_t shift = shiftFor(low, y);
  if (x.isUniform())
    return uniform(e.b.createOrFold<arith::RemUIOp>(e.add(x.base, shift * y), e.index(y)));
  Value moved = e.add(vector(x), constant32(shift * y));
  return {nullptr, false, e.b.createOrFold<arith::RemUIOp>(moved, constant32(y))};
}

LaneIndex LaneMath::of(AffineExpr expression, ArrayRef<LaneIndex> dims, ArrayRef<int64_t> domain) {
  if (auto dim = dyn_cast<AffineDimExpr>(expression))
    return dims[dim.getPosition()];
  if (auto constant = dyn_cast<AffineConstantExpr>(expression))
    return uniform(constant.getValue());
  auto binary = cast<AffineBinaryOpExpr>(expression);
  LaneIndex lhs = of(binary.getLHS(), dims, domain);
  if (binary.getKind() == AffineExprKind::Add)
    return add(lhs, of(binary.getRHS(), dims, domain));
  int64_t factor = cast<AffineConstantExpr>(binary.getRHS()).getValue();
  if (binary.getKind() == AffineExprKind::Mul)
    return mul(lhs, factor);
  std::optional<core::Bounds> bounds = core::boundsOf(binary.getLHS(), domain);
  int64_t low = bounds ? bounds->low : 0;
  return binary.getKind() == AffineExprKind::Mod ? mod(lhs, factor, low) : floorDiv(lhs, factor, low);
}

Value LaneMath::inside(LaneIndex x, Value extent) {
  // As unsigned numbers, what is below 0 is above every extent.
  if (x.isUniform())
    return e.below(x.base, extent);
  return e.below(vector(x), splat32(extent));
}

Value LaneMath::isZero(LaneIndex x) {
  return x.isUniform() ? e.equal(x.base, e.index(0)) : e.equal(vector(x), constant32(0));
}

Value LaneMath::below(Value at, Value extent) {
  Value left = e.sub(extent, at); // may be more than kLanes
  return e.compare(arith::CmpIPredicate::slt, iota(), splat32(left));
}

Value LaneMath::both(Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  if (x.getType() != y.getType())
    return e.both(mask(x), mask(y));
  return e.both(x, y);
}

Value LaneMath::mask(Value condition) {
  return !condition || isa<VectorType>(condition.getType()) ? condition : e.splat(condition, kLanes);
}

SmallVector<Value> turned(Emitter &e, ArrayRef<Value> vectors) {
  // Squares of half the size change places, in each of them squares of a quarter, and so on.
  SmallVector<Value> rows(vectors);
  for (int64_t half = kLanes / 2; half >= 1; half /= 2)
    for (int64_t row = 0; row < kLanes; ++row) {
      if (row & half)
        continue;
      SmallVector<int64_t> upper, lower; // lanes of the second vector are counted on
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        upper.push_back(lane & half ? kLanes + lane - half : lane);
        lower.push_back(lane & half ? kLanes + lane : lane + half);
      }
      Value above = rows[row], below = rows[row + half];
      rows[row] = vector::ShuffleOp::create(e.b, above, below, upper);
      rows[row + half] = vector::ShuffleOp::create(e.b, above, below, lower);
    }
  return rows;
}

} // namespace snn::core
