// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Buffers.h.

#include "compiler/Codegen/Cpu/Buffers.h"

#include "compiler/Schedule/Cpu/Layout.h"
#include "dialect/core/Maps.h"

using namespace mlir;

namespace snn::core {

int64_t Buffer::width() const {
  int64_t product = 1;
  for (int64_t extent : type.getShape())
    product *= extent > 0 ? extent : 1;
  return product;
}

Buffer Buffer::of(Emitter &e, Value value, Memory memory, Value steps) {
  Layout layout = layoutOf(value);
  Buffer buffer;
  buffer.type = cast<ArrayType>(value.getType());
  buffer.memory = memory;
  buffer.rowElements = layout.elements;
  buffer.strides.assign(layout.strides.begin(), layout.strides.end());
  if (layout.samples)
    buffer.sampleStride = e.mul(layout.steps ? steps : e.index(1), layout.elements);
  if (layout.steps)
    buffer.timeStride = e.index(layout.elements);
  return buffer;
}

Buffer Buffer::dense(ArrayType type, Memory memory) {
  Buffer buffer;
  buffer.type = type;
  buffer.memory = memory;
  buffer.rowElements = 1;
  for (int64_t extent : llvm::reverse(type.getShape()))
    if (extent > 0) {
      buffer.strides.insert(buffer.strides.begin(), buffer.rowElements);
      buffer.rowElements *= extent;
    }
  return buffer;
}

Buffer Buffer::as(Value value) const {
  Buffer view = *this;
  Layout layout = layoutOf(value);
  view.type = cast<ArrayType>(value.getType());
  view.strides.assign(layout.strides.begin(), layout.strides.end());
  return view;
}

Buffer Buffer::fromSample(Emitter &e, Value first) const {
  Buffer rest = *this;
  if (memory.base && sampleStride)
    rest.memory.offset = e.add(memory.offset, e.mul(first, sampleStride));
  return rest;
}

Buffer Buffer::fromStep(Emitter &e, Value first) const {
  Buffer rest = *this;
  if (memory.base && timeStride)
    rest.memory.offset = e.add(memory.offset, e.mul(first, timeStride));
  return rest;
}

Buffer Buffer::at(Emitter &e, Value step) const {
  Buffer slice = *this;
  slice.type = type.atOneStep();
  slice.memory.offset = e.add(memory.offset, e.mul(step, timeStride));
  slice.timeStride = nullptr;
  slice.slice = true;
  return slice;
}

Value Buffer::rowAt(Emitter &e, ArrayRef<int64_t> domain, ArrayRef<LaneIndex> dims) const {
  Value row = e.index(0);
  for (auto [extent, dim] : llvm::zip_equal(domain, dims))
    if (extent < 0)
      row = e.add(row, e.mul(dim.base, extent == ArrayType::kTime ? timeStride : sampleStride));
  return row;
}

bool Buffer::isRow() const {
  if (scalar)
    return false;
  int64_t expected = 1;
  SmallVector<int64_t> inner;
  llvm::copy_if(type.getShape(), std::back_inserter(inner), [](int64_t extent) { return extent > 0; });
  for (auto [extent, stride] : llvm::reverse(llvm::zip(inner, strides))) {
    if (extent > 1 && stride != expected)
      return false;
    expected *= extent;
  }
  return true;
}

AffineExpr innerOffset(const Buffer &buffer, AffineMap map) {
  AffineExpr offset = getAffineConstantExpr(0, map.getContext());
  unsigned inner = 0;
  for (auto [extent, position] : llvm::zip(buffer.type.getShape(), map.getResults()))
    if (extent > 0)
      offset = offset + position * buffer.strides[inner++];
  return simplifyAffineExpr(offset, map.getNumDims(), 0);
}

static std::optional<int64_t> constantDifference(AffineExpr x, AffineExpr y, unsigned dims) {
  auto constant = dyn_cast<AffineConstantExpr>(simplifyAffineExpr(x - y, dims, 0));
  return constant ? std::optional(constant.getValue()) : std::nullopt;
}

/// How far an offset is from the number of the point, if it is as far for all. Where points fill whole vectors,
/// coordinates of extents of 1 are left out, as they are 0; else what was written around them would no longer leave
/// the padding as it is.
static std::optional<int64_t> distanceFrom(AffineExpr collapsed, AffineExpr offset, ArrayRef<int64_t> domain) {
  int64_t points = 1;
  SmallVector<AffineExpr> dims;
  for (auto [dim, extent] : llvm::enumerate(domain)) {
    if (extent > 0 && collapsed.isFunctionOfDim(dim))
      points *= extent;
    dims.push_back(extent == 1 ? getAffineConstantExpr(0, offset.getContext())
                               : getAffineDimExpr(dim, offset.getContext()));
  }
  if (points % kLanes == 0)
    return constantDifference(offset.replaceDims(dims), collapsed.replaceDims(dims), domain.size());
  return constantDifference(offset, collapsed, domain.size());
}

static bool dependsOn(AffineExpr expression, AffineExpr collapsed, unsigned dims) {
  for (unsigned dim = 0; dim < dims; ++dim)
    if (collapsed.isFunctionOfDim(dim) && expression.isFunctionOfDim(dim))
      return true;
  return false;
}

bool LaneAccess::collapses(const Buffer &buffer, AffineMap map, AffineExpr collapsed, ArrayRef<int64_t> domain) {
  if (buffer.scalar)
    return true;
  AffineExpr offset = innerOffset(buffer, map);
  if (!core::isInside(map, domain, buffer.type.getShape()))
    return false;
  if (!dependsOn(offset, collapsed, map.getNumDims()))
    return true;
  std::optional<int64_t> difference = distanceFrom(collapsed, offset, domain);
  return difference && (!buffer.isBits() || *difference % kLanes == 0);
}

bool LaneAccess::coversRow(ArrayRef<int64_t> domain, std::optional<unsigned> padded) const {
  if (buffer.scalar || buffer.isBits() || !staysInside(domain))
    return false;
  SmallVector<std::pair<int64_t, int64_t>> steps; // and extents
  for (auto [dim, extent] : llvm::enumerate(domain)) {
    if (extent <= 1) // also samples and steps
      continue;
    std::optional<int64_t> step = stepAlong(dim);
    if (!step)
      return false;
    steps.emplace_back(*step, dim == padded ? paddedWidth(extent) : extent);
  }
  llvm::sort(steps);
  int64_t covered = 1;
  for (auto [step, extent] : steps) {
    if (step != covered)
      return false;
    covered *= extent;
  }
  // What fills up vectors lies where no point is: only from the row's start on they are all of it.
  AffineExpr origin = innerOffset(buffer, map);
  for (unsigned dim = 0; dim < domain.size(); ++dim)
    origin = origin.replace(getAffineDimExpr(dim, origin.getContext()), getAffineConstantExpr(0, origin.getContext()));
  origin = simplifyAffineExpr(origin, domain.size(), 0);
  return covered == buffer.rowElements && (!padded || origin == getAffineConstantExpr(0, origin.getContext()));
}

bool LaneAccess::readsAcross(ArrayRef<int64_t> domain) const {
  if (buffer.scalar || domain.empty() || domain.back() < kLanes)
    return false;
  std::optional<int64_t> step = stepAlong(domain.size() - 1);
  return step && std::abs(*step) >= kLanes;
}

std::optional<int64_t> LaneAccess::stepAlong(unsigned dim) const {
  if (buffer.scalar)
    return 0;
  AffineExpr at = getAffineDimExpr(dim, map.getContext()), offset = innerOffset(buffer, map);
  return constantDifference(offset.replace(at, at + 1), offset, map.getNumDims());
}

bool LaneAccess::isPlainAlong(unsigned dim) const {
  std::optional<int64_t> step = stepAlong(dim);
  return step && (*step == 0 || *step == 1);
}

int64_t LaneAccess::stripCost(unsigned dim) const {
  if (buffer.scalar)
    return 0;
  constexpr int64_t kApart = 32; // an estimate of gather and scatter, whatever the mask
  return isPlainAlong(dim) ? 1 : kApart;
}

LaneAccess::Place LaneAccess::placeOf(const Points &points) {
  Place place;
  place.row = e.index(0);
  for (auto [extent, position] : llvm::zip(buffer.type.getShape(), map.getResults())) {
    if (extent > 0)
      continue;
    Value at = math.of(position, points.dims, points.domain).base;
    place.row = e.add(place.row, e.mul(at, extent == core::ArrayType::kTime ? buffer.timeStride : buffer.sampleStride));
  }
  AffineExpr offset = innerOffset(buffer, map);
  std::optional<int64_t> difference;
  if (points.collapsed && dependsOn(offset, points.collapsed, map.getNumDims()))
    difference = distanceFrom(points.collapsed, offset, points.domain);
  if (difference) {
    place.inner = math.add(points.number, math.uniform(*difference));
    place.fromStart = *difference == 0 && buffer.padded && buffer.isRow() && buffer.width() == points.collapsedWidth;
  } else {
    place.inner = math.of(offset, points.dims, points.domain);
  }
  return place;
}

Value LaneAccess::inside(const Points &points, Value samples, Value steps) {
  Value all;
  if (core::isInside(map, points.domain, buffer.type.getShape()))
    return all;
  for (auto [extent, position] : llvm::zip(buffer.type.getShape(), map.getResults())) {
    if (extent > 0) {
      std::optional<core::Bounds> bounds = core::boundsOf(position, points.domain);
      if (bounds && bounds->low >= 0 && bounds->high < extent)
        continue;
    } else if (isa<AffineDimExpr>(position)) {
      continue;
    }
    Value limit = extent > 0 ? e.index(extent) : extent == core::ArrayType::kTime ? steps : samples;
    all = math.both(all, math.inside(math.of(position, points.dims, points.domain), limit));
  }
  return all;
}

/// The same element for all lanes. Without a lane in `mask` (null: all) there may be none, and its address means
/// nothing.
static Value loadOne(Emitter &e, const Memory &memory, Value at, Type element, Value mask) {
  if (!mask)
    return e.load(memory, at);
  Value any = vector::ReductionOp::create(e.b, vector::CombiningKind::OR, mask);
  return e.choose(
      any, [&] { return e.load(memory, at); },
      [&] { return arith::ConstantOp::create(e.b, e.b.getZeroAttr(element)).getResult(); }, element);
}

Value LaneAccess::loadBits(const Place &place, const Points &points, Value mask, Value some) {
  Value bitsPerWord = e.index(kLanes);
  if (place.inner.ascending && place.fromStart)
    return e.wordToBits(e.load(buffer.memory, e.add(place.row, e.div(place.inner.base, bitsPerWord))));
  if (place.inner.isUniform()) {
    Value at = e.add(place.row, e.div(place.inner.base, bitsPerWord));
    Value word = loadOne(e, buffer.memory, at, e.b.getI16Type(), some);
    Value shift = e.b.createOrFold<arith::RemUIOp>(place.inner.base, bitsPerWord);
    Value bit = arith::ShRUIOp::create(e.b, word, e.b.createOrFold<arith::IndexCastOp>(e.b.getI16Type(), shift));
    return e.splat(arith::TruncIOp::create(e.b, e.b.getI1Type(), bit), kLanes);
  }
  // Bits side by side are in one word or in two. Lanes behind the row have anything.
  if (place.inner.ascending && core::isInside(map, points.domain, buffer.type.getShape())) {
    Type i32 = e.b.getI32Type();
    auto wordAt = [&](Value at) -> Value {
      return arith::ExtUIOp::create(e.b, i32, e.load(buffer.memory, e.add(place.row, at)));
    };
    Value base = place.inner.base, sixteen = arith::ConstantIntOp::create(e.b, i32, kLanes);
    Value last = e.minimum(e.div(e.add(base, kLanes - 1), kLanes), e.index(buffer.rowElements - 1));
    Value words = e.either(wordAt(e.div(base, kLanes)), arith::ShLIOp::create(e.b, wordAt(last), sixteen));
    Value shift = e.b.createOrFold<arith::IndexCastOp>(i32, e.b.createOrFold<arith::RemUIOp>(base, bitsPerWord));
    Value word = arith::TruncIOp::create(e.b, e.b.getI16Type(), arith::ShRUIOp::create(e.b, words, shift));
    return e.wordToBits(word);
  }
  Value indices = math.vector(place.inner);
  LaneIndex general{nullptr, false, indices};
  Value words = e.gather(buffer.memory, place.row, math.floorDiv(general, kLanes, 0).lanes, mask);
  Value shifts = arith::TruncIOp::create(e.b, words.getType(), math.mod(general, kLanes, 0).lanes);
  return arith::TruncIOp::create(e.b, e.vector(kLanes, e.b.getI1Type()), arith::ShRUIOp::create(e.b, words, shifts));
}

Value LaneAccess::load(const Points &points, Value mask) {
  if (buffer.scalar)
    return e.splat(buffer.scalar, kLanes);
  Place place = placeOf(points);
  Value some = points.mask == mask ? Value() : mask;
  if (buffer.isBits())
    return loadBits(place, points, mask, some);
  if (place.inner.isUniform())
    return e.splat(loadOne(e, buffer.memory, e.add(place.row, place.inner.base), buffer.type.scalarType(), some),
                   kLanes);
  if (place.inner.ascending) {
    Value at = e.add(place.row, place.inner.base);
    if (place.fromStart || !mask)
      return e.loadVector(buffer.memory, at, kLanes);
    return e.loadMasked(buffer.memory, at, mask);
  }
  return e.gather(buffer.memory, place.row, place.inner.lanes, mask);
}

void LaneAccess::storeBits(Value value, const Place &place, Value mask, bool inside, bool ofOneLane) {
  if (mask)
    value = e.both(value, mask);
  Type i16 = e.b.getI16Type();
  auto wordAt = [&](Value bit) { return e.add(place.row, e.div(bit, e.index(kLanes))); };
  if (place.inner.ascending && place.fromStart)
    return e.store(e.bitsToWord(value), buffer.memory, wordAt(place.inner.base));
  // Whoever reads whole words finds no bit behind the row, whatever was in the memory before.
  const int64_t width = buffer.width(), rest = buffer.isRow() ? width % kLanes : 0;
  auto withoutRest = [&](Value word, Value at) -> Value {
    if (rest == 0)
      return word;
    Value isLast = arith::CmpIOp::create(e.b, arith::CmpIPredicate::uge, at, e.index(width - rest));
    Value valid = arith::ConstantIntOp::create(e.b, i16, (int64_t(1) << rest) - 1);
    return arith::SelectOp::create(e.b, isLast, e.both(word, valid), word);
  };
  auto inverse = [&](Value word) -> Value {
    return arith::XOrIOp::create(e.b, word, arith::ConstantIntOp::create(e.b, i16, -1));
  };
  auto setOne = [&](Value at, Value bit) {
    Value word = e.load(buffer.memory, wordAt(at));
    Value shift = e.b.createOrFold<arith::IndexCastOp>(i16, e.b.createOrFold<arith::RemUIOp>(at, e.index(kLanes)));
    Value one = arith::ConstantIntOp::create(e.b, i16, 1);
    Value single = arith::ShLIOp::create(e.b, one, shift);
    Value cleared = e.both(word, inverse(single));
    Value set = arith::ShLIOp::create(e.b, arith::ExtUIOp::create(e.b, i16, bit), shift);
    e.store(withoutRest(e.either(cleared, set), at), buffer.memory, wordAt(at));
  };
  if (place.inner.isUniform() && !ofOneLane) {
    Value bit = vector::ExtractOp::create(e.b, value, 0);
    if (buffer.width() == 1)
      return e.store(arith::ExtUIOp::create(e.b, i16, bit), buffer.memory, place.row);
    return setOne(place.inner.base, bit);
  }
  // Bits side by side are in one word or in two.
  if (place.inner.ascending && inside) {
    Type i32 = e.b.getI32Type();
    Value first = place.inner.base, bit = e.b.createOrFold<arith::RemUIOp>(first, e.index(kLanes));
    Value shift = e.b.createOrFold<arith::IndexCastOp>(i32, bit);
    auto moved = [&](Value lanes) -> Value {
      return arith::ShLIOp::create(e.b, arith::ExtUIOp::create(e.b, i32, e.bitsToWord(lanes)), shift);
    };
    Value all = arith::ConstantOp::create(e.b, DenseElementsAttr::get(cast<VectorType>(value.getType()), true));
    Value bits = moved(value), present = moved(mask ? mask : all);
    auto into = [&](Value some, Value which, Value at) {
      Value word = e.both(e.load(buffer.memory, wordAt(at)), inverse(arith::TruncIOp::create(e.b, i16, which)));
      e.store(withoutRest(e.either(word, arith::TruncIOp::create(e.b, i16, some)), at), buffer.memory, wordAt(at));
    };
    into(bits, present, first);
    Value sixteen = arith::ConstantIntOp::create(e.b, i32, kLanes);
    Value behind = arith::ShRUIOp::create(e.b, present, sixteen);
    // There may be no next word.
    e.when(e.differs(behind, arith::ConstantIntOp::create(e.b, i32, 0)),
           [&] { into(arith::ShRUIOp::create(e.b, bits, sixteen), behind, e.add(e.sub(first, bit), kLanes)); });
    return;
  }
  Value indices = math.vector(place.inner);
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    auto set = [&] {
      setOne(e.toIndex(vector::ExtractOp::create(e.b, indices, lane)), vector::ExtractOp::create(e.b, value, lane));
    };
    if (mask)
      e.when(vector::ExtractOp::create(e.b, mask, lane), set);
    else
      set();
  }
}

void LaneAccess::store(Value value, const Points &points, Value inside) {
  Points present = points;
  present.mask = math.both(points.mask, math.mask(inside));
  Value condition = buffer.wanted;
  // An element that is the same for all lanes is stored without a mask. If lanes differ in whether they are inside, as
  // along a diagonal of places of which one is there, it is the element of that lane alone.
  const bool ofOneLane = inside && isa<VectorType>(inside.getType());
  if (inside && !ofOneLane && placeOf(points).inner.isUniform())
    condition = condition ? e.both(condition, inside) : inside;
  if (condition)
    return e.when(condition, [&] { storeAlways(value, present, ofOneLane); });
  storeAlways(value, present, ofOneLane);
}

void LaneAccess::storeAlways(Value value, const Points &points, bool ofOneLane) {
  // Outside of our own memory spikes are reals.
  if (cast<VectorType>(value.getType()).getElementType().isInteger(1) && !buffer.isBits())
    value = arith::UIToFPOp::create(e.b, e.vector(kLanes, buffer.type.getElementType()), value);
  Place place = placeOf(points);
  if (buffer.isBits())
    return storeBits(value, place, points.mask, staysInside(points.domain), ofOneLane);
  if (place.inner.isUniform() && ofOneLane)
    return e.scatter(value, buffer.memory, place.row, math.vector(place.inner), points.mask);
  if (place.inner.isUniform())
    return e.store(vector::ExtractOp::create(e.b, value, 0), buffer.memory, e.add(place.row, place.inner.base));
  if (place.inner.ascending) {
    Value at = e.add(place.row, place.inner.base);
    if (place.fromStart || !points.mask)
      return e.storeVector(value, buffer.memory, at);
    return e.storeMasked(value, buffer.memory, at, points.mask);
  }
  e.scatter(value, buffer.memory, place.row, place.inner.lanes, points.mask);
}

} // namespace snn::core
