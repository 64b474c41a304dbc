// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolutions, and whatever else takes sums over windows, as products of matrices with a row for each place.

#include "compiler/Schedule/Cpu/Overlaps.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "dialect/core/Maps.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_UNFOLDWINDOWS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// Terms that take as long as to leave a chain in memory and to go on with it.
constexpr int64_t kChainCost = 4;

ArrayType typeOf(Value value) { return cast<ArrayType>(value.getType()); }
bool hasRows(Value value) { return typeOf(value).sampleDim() >= 0 || typeOf(value).timeDim() >= 0; }

/// A domain that is put together from the dims of an op.
struct NewDomain {
  SmallVector<int64_t> extents;
  SmallVector<AffineExpr> ofOld; ///< for each old dim its new one, null if there is none
  MLIRContext *context;

  NewDomain(unsigned oldDims, MLIRContext *context) : ofOld(oldDims), context(context) {}
  AffineExpr add(int64_t extent) {
    extents.push_back(extent);
    return getAffineDimExpr(extents.size() - 1, context);
  }
  AffineExpr take(unsigned dim, int64_t extent) { return ofOld[dim] = add(extent); }
  AffineMap map(ArrayRef<AffineExpr> positions) const { return AffineMap::get(extents.size(), 0, positions, context); }
};

/// A value and where it is read.
struct Factor {
  Value value;
  SmallVector<AffineExpr> positions = {};
};

/// A contract over windows. Its dims, samples and time aside, have roles: columns are of the weights (or their
/// gradient) and of the currents (or their errors), places of the latter and of the image, depth of the image and of
/// the weights.
class Unfolding {
public:
  explicit Unfolding(ContractOp op)
      : op(op), context(op.getContext()), builder(op), domain(op.getDomain()), over(domain.size(), context) {}

  /// Rewrites the op if its factors and result are in these roles.
  bool run() {
    if (matchProduct(op))
      return false;
    return (hasRows(op.getResult()) ? unfoldProduct() : unfoldGradient()) && keep();
  }

  /// The same for a product that is written over windows, in the form of an OverlapProduct.
  bool runOverlap() { return !matchProduct(op) && hasRows(op.getResult()) && unfoldOverlap() && keep(); }

  /// Where each channel has a window and weights of its own: channels last, so that lanes of them lie side by side.
  bool runDepthwise() { return !matchProduct(op) && turnChannels(); }

private:
  AffineMap readOf(unsigned factor) { return op.getReadMaps()[factor]; }
  bool isPlain(Value value, AffineMap map) const;
  std::optional<AffineExpr> toNew(AffineExpr old) const;
  bool toNew(AffineMap old, SmallVectorImpl<AffineExpr> &positions) const;
  void takeRows(AffineMap map);

  template <typename OpTy, typename... Arguments> OpTy make(Arguments &&...arguments) {
    auto made = OpTy::create(builder, op.getLoc(), std::forward<Arguments>(arguments)...);
    news.push_back(made);
    return made;
  }
  Value move(Value from, ArrayRef<int64_t> extents, AffineMap read, AffineMap write, ArrayRef<int64_t> shape);
  Factor copy(const Factor &from, ArrayRef<AffineExpr> dims);
  Factor patches(const Factor &image, ArrayRef<AffineExpr> rows, ArrayRef<AffineExpr> depth);
  void widen(Factor &image, ArrayRef<int64_t> factors);
  void contract(Type type, unsigned imageNumber, const Factor &image, const Factor &other, ArrayRef<AffineExpr> write);

  bool unfoldProduct();
  bool unfoldOverlap();
  bool unfoldGradient();
  bool turnChannels();
  std::optional<unsigned> extentOf(AffineMap map, unsigned dim) const;
  bool keep();

  ContractOp op;
  MLIRContext *context;
  OpBuilder builder;
  SmallVector<int64_t> domain;
  NewDomain over;
  SmallVector<Operation *> news;
  bool loses = false; ///< a copy does not have all that is read
  ContractOp product; ///< in place of the op
  Value result;       ///< of the op's type
};

/// Each position a dim of its own, of the same extent.
bool Unfolding::isPlain(Value value, AffineMap map) const {
  llvm::SmallDenseSet<unsigned> seen;
  return llvm::all_of(llvm::zip_equal(typeOf(value).getShape(), map.getResults()), [&](auto pair) {
    auto [extent, position] = pair;
    auto dim = dyn_cast<AffineDimExpr>(position);
    return dim && domain[dim.getPosition()] == extent && seen.insert(dim.getPosition()).second;
  });
}

/// Of an extent of 1 there is but the first coordinate.
std::optional<AffineExpr> Unfolding::toNew(AffineExpr old) const {
  SmallVector<AffineExpr> dims(over.ofOld);
  for (auto [number, dim] : llvm::enumerate(dims)) {
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

/// Samples and time, in the order in which `map` has them.
void Unfolding::takeRows(AffineMap map) {
  for (AffineExpr position : map.getResults())
    if (auto dim = dyn_cast<AffineDimExpr>(position); dim && domain[dim.getPosition()] < 0)
      over.take(dim.getPosition(), domain[dim.getPosition()]);
}

/// A map that gives each point the element that it reads.
Value Unfolding::move(Value from, ArrayRef<int64_t> extents, AffineMap read, AffineMap write, ArrayRef<int64_t> shape) {
  Type type = ArrayType::get(context, shape, typeOf(from).getElementType());
  auto map = make<MapOp>(type, from, extents, read, write, ArrayAttr(),
                         [](ImplicitLocOpBuilder &, ValueRange arguments) { return SmallVector<Value>(arguments); });
  return map.getResult(0);
}

/// A copy with an extent for each of `dims`, of which the last one takes whole vectors.
Factor Unfolding::copy(const Factor &from, ArrayRef<AffineExpr> dims) {
  return patches(from, dims.drop_back(), dims.take_back());
}

/// A copy with an extent for each of `rows`, and one for all of `depth`, counted through in row-major order: whole
/// vectors, or words.
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
    ownNumber = ownNumber * over.extents[cast<AffineDimExpr>(dim).getPosition()] + take(dim);
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

/// Puts the image among zeros where it would be read outside, or `factors` apart and in between.
void Unfolding::widen(Factor &image, ArrayRef<int64_t> factors) {
  NewDomain own(0, context);
  SmallVector<AffineExpr> read, write;
  SmallVector<int64_t> shape;
  for (auto [position, factor, extent] : llvm::zip_equal(image.positions, factors, typeOf(image.value).getShape())) {
    AffineExpr dim = own.add(extent);
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

void Unfolding::contract(Type type, unsigned imageNumber, const Factor &image, const Factor &other,
                         ArrayRef<AffineExpr> write) {
  SmallVector<int64_t> along;
  for (int64_t dim : op.getAlong())
    along.push_back(cast<AffineDimExpr>(over.ofOld[dim]).getPosition());
  const Factor &lhs = imageNumber == 0 ? image : other, &rhs = imageNumber == 0 ? other : image;
  product = make<ContractOp>(type, lhs.value, rhs.value, over.extents, along, over.map(lhs.positions),
                             over.map(rhs.positions), over.map(write));
  product.setOrderAttr(op.getOrderAttr());
}

/// y[m, place, n] = sum over k of x[m, the place's window, k] w[k, n].
bool Unfolding::unfoldProduct() {
  const unsigned number = hasRows(op.getLhs()) ? 0 : 1;
  Factor image{op->getOperand(number)}, weights{op->getOperand(1 - number)};
  AffineMap ofImage = readOf(number), ofWeights = readOf(1 - number), write = op.getWrite();
  ArrayRef<int64_t> shape = typeOf(op.getResult()).getShape();
  llvm::SmallDenseSet<int64_t> along(op.getAlong().begin(), op.getAlong().end());
  if (hasRows(weights.value) || !isPlain(weights.value, ofWeights))
    return false;

  takeRows(write);
  SmallVector<AffineExpr> back(shape.size()); // where the product has an element of the result
  struct Window {
    unsigned index; ///< an extent of the result
    unsigned dim;   ///< of the op's domain, that it does not have itself
    AffineExpr position;
  };
  SmallVector<Window> windows;
  std::optional<unsigned> column, columnIndex;
  for (auto [index, extent] : llvm::enumerate(shape)) {
    AffineExpr position = write.getResult(index);
    auto dim = dyn_cast<AffineDimExpr>(position);
    if (extent < 0) {
      back[index] = *toNew(position);
      continue;
    }
    if (dim && ofWeights.isFunctionOfDim(dim.getPosition())) {
      if (column || ofImage.isFunctionOfDim(dim.getPosition()) || domain[dim.getPosition()] != extent)
        return false;
      column = dim.getPosition();
      columnIndex = index;
      continue;
    }
    back[index] = over.add(extent);
    if (dim && domain[dim.getPosition()] == extent) {
      if (over.ofOld[dim.getPosition()])
        return false; // a diagonal
      over.ofOld[dim.getPosition()] = back[index];
      continue;
    }
    SmallVector<unsigned> determined;
    for (auto [other, size] : llvm::enumerate(domain)) {
      if (size == 1)
        position = position.replace(getAffineDimExpr(other, context), getAffineConstantExpr(0, context));
      else if (position.isFunctionOfDim(other) && !along.contains(other))
        determined.push_back(other);
    }
    if (determined.size() > 1)
      return false;
    if (!determined.empty())
      windows.push_back({unsigned(index), determined[0], position});
    else if (extent != 1 || simplifyAffineExpr(position, domain.size(), 0) != getAffineConstantExpr(0, context))
      return false; // not always there
  }
  if (!column)
    return false;
  SmallVector<AffineExpr> rows, depth;
  for (unsigned dim = 0; dim < over.extents.size(); ++dim)
    rows.push_back(getAffineDimExpr(dim, context));
  back[*columnIndex] = over.take(*column, domain[*column]);
  for (int64_t dim : op.getAlong()) {
    if (domain[dim] < 0 || !ofWeights.isFunctionOfDim(dim))
      return false;
    depth.push_back(over.take(dim, domain[dim]));
  }

  // Where the result is written at h = factor * i + known, the image is read at i: at h - known among zeros, factor
  // apart.
  SmallVector<int64_t> factors(ofImage.getNumResults(), 1);
  SmallVector<AffineExpr> read(ofImage.getResults()), moved(read.size());
  for (auto [index, dim, position] : windows) {
    AffineExpr i = getAffineDimExpr(dim, context);
    AffineExpr rest = simplifyAffineExpr(position.replace(i, getAffineConstantExpr(0, context)), domain.size(), 0);
    auto factor =
        dyn_cast<AffineConstantExpr>(simplifyAffineExpr(position.replace(i, i + 1) - position, domain.size(), 0));
    std::optional<AffineExpr> known = toNew(rest);
    auto *at = llvm::find(read, i);
    if (at == read.end() || over.ofOld[dim] || !factor || factor.getValue() < 1 || !known ||
        llvm::count_if(read, [&](AffineExpr other) { return other.isFunctionOfDim(dim); }) != 1 ||
        typeOf(image.value).getShape()[at - read.begin()] > domain[dim])
      return false;
    factors[at - read.begin()] = factor.getValue();
    moved[at - read.begin()] = back[index] - *known;
  }
  for (auto [old, mine] : llvm::zip_equal(read, moved)) {
    std::optional<AffineExpr> position = mine ? std::optional(mine) : toNew(old);
    if (!position)
      return false;
    image.positions.push_back(*position);
  }
  if (!toNew(ofWeights, weights.positions))
    return false;
  widen(image, factors);
  if (typeOf(image.value).getElementType().isInteger(1))
    image = patches(image, rows, depth);

  SmallVector<AffineExpr> matrix(depth);
  matrix.push_back(back[*columnIndex]);
  weights = copy(weights, matrix);
  // Whole vectors of columns: behind those that the weights have they are sums of zeros.
  over.extents[cast<AffineDimExpr>(back[*columnIndex]).getPosition()] = typeOf(weights.value).getShape().back();

  rows.push_back(back[*columnIndex]);
  SmallVector<int64_t> extents;
  for (AffineExpr dim : rows)
    extents.push_back(over.extents[cast<AffineDimExpr>(dim).getPosition()]);
  contract(ArrayType::get(context, extents, typeOf(op.getResult()).getElementType()), number, image, weights, rows);

  // From its order of extents to that of the result.
  NewDomain own(0, context);
  SmallVector<AffineExpr> toOwn(over.extents.size()), positions;
  for (auto [extent, dim] : llvm::zip_equal(shape, back))
    toOwn[cast<AffineDimExpr>(dim).getPosition()] = own.add(extent);
  for (AffineExpr dim : rows)
    positions.push_back(toOwn[cast<AffineDimExpr>(dim).getPosition()]);
  result = move(product.getResult(), own.extents, own.map(positions),
                AffineMap::getMultiDimIdentityMap(shape.size(), context), shape);
  return true;
}

/// x[m, place + tap, n] = sum over taps and k of e[m, place, k] w[tap, k, n].
bool Unfolding::unfoldOverlap() {
  const unsigned number = hasRows(op.getLhs()) ? 0 : 1;
  Factor image{op->getOperand(number)}, weights{op->getOperand(1 - number)};
  AffineMap ofImage = readOf(number), ofWeights = readOf(1 - number), write = op.getWrite();
  ArrayRef<int64_t> shape = typeOf(op.getResult()).getShape(), along = op.getAlong();
  if (hasRows(weights.value) || !isPlain(weights.value, ofWeights) || !isPlain(image.value, ofImage) || along.empty() ||
      !ofImage.isFunctionOfDim(along.back()))
    return false;

  takeRows(write);
  SmallVector<AffineExpr> rows, matrix, positions;
  for (unsigned dim = 0; dim < over.extents.size(); ++dim)
    rows.push_back(getAffineDimExpr(dim, context));
  positions = rows;
  std::optional<unsigned> column;
  SmallVector<unsigned> windows; // the extents of the result
  int64_t places = 1, extents = 1;
  for (auto [index, extent] : llvm::enumerate(shape)) {
    AffineExpr position = write.getResult(index);
    if (extent < 0)
      continue;
    if (auto dim = dyn_cast<AffineDimExpr>(position); dim && ofWeights.isFunctionOfDim(dim.getPosition())) {
      if (column || domain[dim.getPosition()] != extent)
        return false;
      column = index;
      continue;
    }
    SmallVector<unsigned> dims;
    for (unsigned dim = 0; dim < domain.size(); ++dim)
      if (position.isFunctionOfDim(dim) && ofImage.isFunctionOfDim(dim))
        dims.push_back(dim);
    if (dims.size() != 1 || over.ofOld[dims[0]])
      return false;
    rows.push_back(over.take(dims[0], domain[dims[0]]));
    windows.push_back(index);
    places *= domain[dims[0]];
    extents *= extent;
  }
  // Chains of overlapping rows wait in memory at the end of a tap.
  const int64_t terms = domain[along.back()];
  if (!column || windows.empty() || (terms % 64 && places * (terms + kChainCost) > extents * terms))
    return false;
  unsigned columnDim = cast<AffineDimExpr>(write.getResult(*column)).getPosition();
  AffineExpr columns = over.take(columnDim, domain[columnDim]);
  for (int64_t dim : along)
    matrix.push_back(over.take(dim, domain[dim]));
  if (!toNew(ofImage, image.positions) || !toNew(ofWeights, weights.positions))
    return false;
  SmallVector<AffineExpr> ofRows(rows);
  ofRows.push_back(matrix.back());
  image = copy(image, ofRows);
  matrix.push_back(columns);
  weights = copy(weights, matrix);
  over.extents[cast<AffineDimExpr>(columns).getPosition()] = typeOf(weights.value).getShape().back();

  // The result with its columns last, and back.
  NewDomain own(0, context);
  SmallVector<AffineExpr> toOwn;
  SmallVector<int64_t> made;
  for (int64_t extent : shape)
    toOwn.push_back(own.add(extent));
  SmallVector<AffineExpr> back;
  for (auto [index, extent] : llvm::enumerate(shape))
    if (extent < 0) {
      made.push_back(extent);
      back.push_back(toOwn[index]);
    }
  for (unsigned index : windows) {
    std::optional<AffineExpr> position = toNew(write.getResult(index));
    if (!position)
      return false;
    made.push_back(shape[index]);
    back.push_back(toOwn[index]);
    positions.push_back(*position);
  }
  made.push_back(typeOf(weights.value).getShape().back());
  back.push_back(toOwn[*column]);
  positions.push_back(columns);
  contract(ArrayType::get(context, made, typeOf(op.getResult()).getElementType()), number, image, weights, positions);
  result = move(product.getResult(), own.extents, own.map(back),
                AffineMap::getMultiDimIdentityMap(shape.size(), context), shape);
  return true;
}

/// w[k, n] = sum over m and places of x[m, the place's window, k] e[m, place, n].
bool Unfolding::unfoldGradient() {
  AffineMap write = op.getWrite();
  if (!isPlain(op.getResult(), write))
    return false;
  // Errors are what has a dim of the result for itself. Best is the one whose elements are contiguous there.
  Layout layout = layoutOf(op.getResult());
  std::optional<unsigned> number, column; // of the image; an extent of the result
  for (unsigned factor : {0, 1}) {
    SmallVector<unsigned> own;
    bool shared = false;
    for (auto [index, position] : llvm::enumerate(write.getResults())) {
      unsigned dim = cast<AffineDimExpr>(position).getPosition();
      bool ofErrors = readOf(factor).isFunctionOfDim(dim);
      if (ofErrors)
        own.push_back(index);
      shared |= ofErrors && readOf(1 - factor).isFunctionOfDim(dim);
    }
    Value errors = op->getOperand(factor);
    if (own.size() == 1 && !shared && hasRows(errors) && hasRows(op->getOperand(1 - factor)) &&
        isPlain(errors, readOf(factor)) && typeOf(errors).getElementType().isFloat() &&
        (!number || layout.strides[own[0]] == 1)) {
      number = 1 - factor;
      column = own[0];
    }
  }
  if (!number)
    return false;
  Factor image{op->getOperand(*number)}, errors{op->getOperand(1 - *number)};
  takeRows(readOf(1 - *number));
  for (int64_t dim : op.getAlong())
    if (domain[dim] > 0)
      over.take(dim, domain[dim]);
  SmallVector<AffineExpr> rows, depth, matrix;
  for (unsigned dim = 0; dim < over.extents.size(); ++dim)
    rows.push_back(getAffineDimExpr(dim, context));
  SmallVector<AffineExpr> positions; // of the result
  for (auto [index, position] : llvm::enumerate(write.getResults())) {
    unsigned dim = cast<AffineDimExpr>(position).getPosition();
    positions.push_back(over.take(dim, domain[dim]));
    if (index != *column)
      depth.push_back(positions.back());
  }
  AffineExpr columns = positions[*column];
  if (!toNew(readOf(*number), image.positions) || !toNew(readOf(1 - *number), errors.positions) ||
      llvm::any_of(op.getAlong(), [&](int64_t dim) { return !over.ofOld[dim]; }))
    return false;
  widen(image, SmallVector<int64_t>(image.positions.size(), 1));
  if (typeOf(image.value).getElementType().isInteger(1))
    image = patches(image, rows, depth);
  SmallVector<AffineExpr> asMatrix(rows);
  asMatrix.push_back(columns);
  errors = copy(errors, asMatrix);

  if (layout.strides[*column] == 1) {
    contract(op.getResult().getType(), *number, image, errors, positions);
    result = product.getResult();
    return true;
  }
  // Rows of columns, and then to where they belong.
  SmallVector<AffineExpr> order(depth), own;
  order.push_back(columns);
  SmallVector<int64_t> extents;
  for (AffineExpr dim : order) {
    extents.push_back(over.extents[cast<AffineDimExpr>(dim).getPosition()]);
    own.push_back(getAffineDimExpr(llvm::find(positions, dim) - positions.begin(), context));
  }
  ArrayRef<int64_t> shape = typeOf(op.getResult()).getShape();
  contract(ArrayType::get(context, extents, typeOf(op.getResult()).getElementType()), *number, image, errors, order);
  result = move(product.getResult(), shape, AffineMap::get(shape.size(), 0, own, context),
                AffineMap::getMultiDimIdentityMap(shape.size(), context), shape);
  return true;
}

/// The extent of an array of which `dim` is the coordinate, if it is read or written there and nowhere else.
std::optional<unsigned> Unfolding::extentOf(AffineMap map, unsigned dim) const {
  std::optional<unsigned> found;
  for (auto [index, position] : llvm::enumerate(map.getResults())) {
    AffineExpr rest = position;
    for (auto [other, extent] : llvm::enumerate(domain))
      if (extent == 1)
        rest = rest.replace(getAffineDimExpr(other, context), getAffineConstantExpr(0, context));
    if (!rest.isFunctionOfDim(dim))
      continue;
    if (found || rest != getAffineDimExpr(dim, context))
      return std::nullopt;
    found = index;
  }
  return found;
}

bool Unfolding::turnChannels() {
  struct Access {
    Value value;
    AffineMap map;
    unsigned channels = 0;
  };
  Access accesses[] = {{op.getLhs(), readOf(0)}, {op.getRhs(), readOf(1)}, {op.getResult(), op.getWrite()}};
  std::optional<unsigned> channel;
  for (unsigned dim = 0; dim < domain.size() && !channel; ++dim)
    if (domain[dim] >= kLanes && !llvm::is_contained(op.getAlong(), dim) &&
        llvm::all_of(accesses, [&](Access &access) { return extentOf(access.map, dim).has_value(); }))
      channel = dim;
  if (!channel)
    return false;
  // With the extent of channels last, and from there to where it was.
  auto turned = [](auto list, unsigned index) {
    SmallVector<std::decay_t<decltype(list[0])>> order(list);
    order.push_back(order[index]);
    order.erase(order.begin() + index);
    return order;
  };
  auto liesLast = [&](Access &access) {
    Layout layout = layoutOf(access.value);
    ArrayRef<int64_t> shape = typeOf(access.value).getShape();
    return layout.strides[llvm::count_if(shape.take_front(access.channels), [](int64_t n) { return n > 0; })] == 1;
  };
  auto positionsOf = [&](unsigned rank, unsigned channels) {
    SmallVector<AffineExpr> positions;
    for (unsigned dim = 0; dim < rank; ++dim)
      positions.push_back(getAffineDimExpr(dim, context));
    return AffineMap::get(rank, 0, turned(ArrayRef(positions), channels), context);
  };
  bool changed = false;
  for (Access &access : accesses) {
    access.channels = *extentOf(access.map, *channel);
    if (liesLast(access))
      continue;
    changed = true;
    SmallVector<int64_t> shape = turned(typeOf(access.value).getShape(), access.channels);
    access.map = AffineMap::get(access.map.getNumDims(), 0, turned(access.map.getResults(), access.channels), context);
    AffineMap order = positionsOf(shape.size(), access.channels);
    if (access.value != op.getResult())
      access.value = move(access.value, shape, inversePermutation(order),
                          AffineMap::getMultiDimIdentityMap(shape.size(), context), shape);
  }
  if (!changed)
    return false;
  // Without terms that are absent there is nothing to ask.
  over.extents = domain;
  for (Access &access : MutableArrayRef(accesses).drop_back()) {
    Factor image{access.value, SmallVector<AffineExpr>(access.map.getResults())};
    widen(image, SmallVector<int64_t>(image.positions.size(), 1));
    access.value = image.value;
    access.map = over.map(image.positions);
  }
  Access &to = accesses[2];
  ArrayRef<int64_t> shape = typeOf(op.getResult()).getShape();
  const bool moves = to.map != op.getWrite();
  Type type = op.getResult().getType();
  if (moves)
    type = ArrayType::get(context, turned(shape, to.channels), typeOf(op.getResult()).getElementType());
  product = make<ContractOp>(type, accesses[0].value, accesses[1].value, domain, op.getAlong(), accesses[0].map,
                             accesses[1].map, to.map);
  product.setOrderAttr(op.getOrderAttr());
  result = product.getResult();
  if (moves)
    result = move(result, shape, positionsOf(shape.size(), to.channels),
                  AffineMap::getMultiDimIdentityMap(shape.size(), context), shape);
  op.getResult().replaceAllUsesWith(result);
  op.erase();
  return true;
}

/// Takes what was made for the op if it is a product. The layout of a gradient rests on who uses it.
bool Unfolding::keep() {
  op.getResult().replaceAllUsesWith(result);
  std::optional<MatrixProduct> matched = matchProduct(product);
  // With another weight for each place, or for each channel of the image, it loses what it copies.
  if (!loses && (matched ? matched->oriented : matchOverlap(product).has_value())) {
    op.erase();
    return true;
  }
  result.replaceAllUsesWith(op.getResult());
  for (Operation *made : llvm::reverse(news))
    made->erase();
  return false;
}

class UnfoldWindows : public impl::UnfoldWindowsBase<UnfoldWindows> {
  void runOnOperation() override {
    SmallVector<ContractOp> contracts;
    getOperation().walk([&](ContractOp op) { contracts.push_back(op); });
    for (ContractOp op : contracts)
      if (!matchOverlap(op) && !Unfolding(op).runOverlap() && !Unfolding(op).run())
        Unfolding(op).runDepthwise();
  }
};

} // namespace
} // namespace snn::core
