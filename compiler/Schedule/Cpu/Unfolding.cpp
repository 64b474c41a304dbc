// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Unfolding.h.

#include "compiler/Schedule/Cpu/Unfolding.h"

#include "dialect/SnnDialect.h"
#include "dialect/core/Maps.h"

using namespace mlir;

namespace snn::core {

bool Unfolding::isPlain(Value value, AffineMap map) const {
  llvm::SmallDenseSet<unsigned> seen;
  return llvm::all_of(llvm::zip_equal(typeOf(value).getShape(), map.getResults()), [&](auto pair) {
    auto [extent, position] = pair;
    auto dim = dyn_cast<AffineDimExpr>(position);
    return dim && domain[dim.getPosition()] == extent && seen.insert(dim.getPosition()).second;
  });
}

AffineExpr Unfolding::withoutOnes(AffineExpr position) const {
  for (auto [dim, extent] : llvm::enumerate(domain))
    if (extent == 1)
      position = position.replace(getAffineDimExpr(dim, context), getAffineConstantExpr(0, context));
  return position;
}

std::optional<AffineExpr> Unfolding::toNew(AffineExpr old) const {
  SmallVector<AffineExpr> dims(over.ofOld);
  for (auto [number, dim] : llvm::enumerate(dims)) {
    // Of an extent of 1 there is but the first coordinate.
    if (!dim && domain[number] != 1 && old.isFunctionOfDim(number))
      return std::nullopt;
    if (!dim)
      dim = getAffineConstantExpr(0, context);
  }
  return old.replaceDims(dims);
}

bool Unfolding::toNew(AffineMap old, SmallVectorImpl<AffineExpr> &positions) const {
  for (AffineExpr position : old.getResults()) {
    std::optional<AffineExpr> mine = toNew(position);
    if (!mine)
      return false;
    positions.push_back(*mine);
  }
  return true;
}

void Unfolding::takeRows(AffineMap map) {
  for (AffineExpr position : map.getResults())
    if (auto dim = dyn_cast<AffineDimExpr>(position); dim && domain[dim.getPosition()] < 0)
      over.take(dim.getPosition(), domain[dim.getPosition()]);
}

SmallVector<AffineExpr> Unfolding::dims() const {
  SmallVector<AffineExpr> all;
  for (unsigned dim = 0; dim < over.extents.size(); ++dim)
    all.push_back(getAffineDimExpr(dim, context));
  return all;
}

Value Unfolding::move(Value from, ArrayRef<int64_t> extents, AffineMap read, AffineMap write, ArrayRef<int64_t> shape) {
  Type type = ArrayType::get(context, shape, typeOf(from).getElementType());
  auto map = make<MapOp>(type, from, extents, read, write, ArrayAttr(),
                         [](ImplicitLocOpBuilder &, ValueRange arguments) { return SmallVector<Value>(arguments); });
  return map.getResult(0);
}

Factor Unfolding::copy(const Factor &from, ArrayRef<AffineExpr> dims) {
  return patches(from, dims.drop_back(), dims.take_back());
}

Factor Unfolding::patches(const Factor &from, ArrayRef<AffineExpr> rows, ArrayRef<AffineExpr> depth) {
  NewDomain own(0, context);
  SmallVector<AffineExpr> toOwn(over.extents.size(), getAffineConstantExpr(0, context)), read, write;
  SmallVector<int64_t> shape;
  auto take = [&](AffineExpr dim) {
    unsigned number = cast<AffineDimExpr>(dim).getPosition();
    return toOwn[number] = own.add(over.extents[number]);
  };
  Factor made{nullptr, SmallVector<AffineExpr>(rows)};
  for (AffineExpr row : rows) {
    write.push_back(take(row));
    shape.push_back(own.extents.back());
  }
  AffineExpr number = getAffineConstantExpr(0, context), ownNumber = number;
  int64_t count = 1;
  for (AffineExpr dim : depth) {
    ownNumber = ownNumber * over.extentOf(dim) + take(dim);
    number = number * own.extents.back() + dim;
    count *= own.extents.back();
  }
  for (AffineExpr position : from.positions)
    for (unsigned dim = 0; dim < over.extents.size(); ++dim)
      loses |= position.isFunctionOfDim(dim) && !isa<AffineDimExpr>(toOwn[dim]);
  write.push_back(simplifyAffineExpr(ownNumber, own.extents.size(), 0));
  made.positions.push_back(simplifyAffineExpr(number, over.extents.size(), 0));
  shape.push_back(paddedWidth(count));
  for (AffineExpr position : from.positions)
    read.push_back(position.replaceDims(toOwn));
  made.value = move(from.value, own.extents, own.map(read), own.map(write), shape);
  return made;
}

void Unfolding::widen(Factor &image, ArrayRef<int64_t> factors) {
  NewDomain own(0, context);
  SmallVector<AffineExpr> read, write;
  SmallVector<int64_t> shape;
  for (auto [index, extent] : llvm::enumerate(typeOf(image.value).getShape())) {
    AffineExpr &position = image.positions[index], dim = own.add(extent);
    const int64_t factor = factors.empty() ? 1 : factors[index];
    read.push_back(dim);
    std::optional<Bounds> bounds = extent > 0 ? boundsOf(position, over.extents) : std::nullopt;
    int64_t shift = bounds ? std::max<int64_t>(0, -bounds->low) : 0;
    write.push_back(dim * factor + shift);
    position = position + shift;
    shape.push_back(bounds ? std::max(bounds->high, (extent - 1) * factor) + shift + 1 : extent);
  }
  if (ArrayRef(shape) != typeOf(image.value).getShape())
    image.value = move(image.value, own.extents, own.map(read), own.map(write), shape);
}

SmallVector<unsigned> Unfolding::withLast(ArrayRef<int64_t> shape, unsigned last) {
  SmallVector<unsigned> order;
  for (bool rows : {true, false})
    for (auto [index, extent] : llvm::enumerate(shape))
      if (index != last && (extent < 0) == rows)
        order.push_back(index);
  order.push_back(last);
  return order;
}

void Unfolding::moveBack(Value value, ArrayRef<unsigned> order) {
  ArrayRef<int64_t> shape = typeOf(op.getResult()).getShape();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(shape.size(), context);
  SmallVector<AffineExpr> positions;
  for (unsigned index : order)
    positions.push_back(identity.getResult(index));
  result = move(value, shape, AffineMap::get(shape.size(), 0, positions, context), identity, shape);
}

} // namespace snn::core
