// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolutions, and whatever else takes sums over windows, as products of matrices with a row for each place.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Overlaps.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "compiler/Schedule/Cpu/Unfolding.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_UNFOLDWINDOWS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// About as many terms as it takes to leave a chain in memory and to go on with it.
constexpr int64_t kChainCost = 4;

/// Whether at most one of four elements is not zero: errors behind a max pooling go to where the largest one was.
bool isMostlyZero(Value errors) {
  auto map = errors.getDefiningOp<MapOp>();
  return map && llvm::any_of(map.getInputs(), [](Value input) {
           auto fold = input.getDefiningOp<FoldOp>();
           int64_t points = 1;
           for (int64_t dim : fold ? fold.getAlong() : ArrayRef<int64_t>())
             points *= fold.getDomain()[dim];
           return points >= 4 && input == fold.getWinner();
         });
}

/// A contract over windows. Its dims, samples and time aside, have roles: columns are of the weights (or their
/// gradient) and of the currents (or their errors), places of the latter and of the image, depth of the image and of
/// the weights.
class WindowUnfolding : Unfolding {
public:
  explicit WindowUnfolding(ContractOp op) : Unfolding(op) {}

  /// Rewrites the op if its factors and result are in these roles.
  bool run() { return (hasRows(op.getResult()) ? unfoldProduct() : unfoldGradient()) && keep(); }
  /// The same for a product that is written over windows, in the form of an OverlapProduct.
  bool runOverlap() { return hasRows(op.getResult()) && unfoldOverlap() && keep(); }
  /// Why it was not done.
  StringRef reason() const { return whyNot; }

private:
  bool refuse(StringRef reason) {
    whyNot = reason;
    return false;
  }
  static std::string describe(const std::optional<MatrixProduct> &product);
  void contract(Type type, unsigned imageNumber, const Factor &image, const Factor &other, ArrayRef<AffineExpr> write);
  bool unfoldProduct();
  bool unfoldOverlap();
  bool hasGathered(int64_t extents, int64_t columns);
  bool unfoldGradient();
  bool keep();

  ContractOp product; ///< in place of the op
  StringRef whyNot;
};

constexpr StringLiteral kNoPlainWeights = "the weights are no array that each of its dims counts through once",
                        kNoColumns = "no dim is of the weights and of the result, but not of the windows",
                        kOwnWeights = "each place or channel has weights of its own";

void WindowUnfolding::contract(Type type, unsigned imageNumber, const Factor &image, const Factor &other,
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
bool WindowUnfolding::unfoldProduct() {
  const unsigned number = hasRows(op.getLhs()) ? 0 : 1;
  Factor image{op->getOperand(number)}, weights{op->getOperand(1 - number)};
  AffineMap ofImage = readOf(number), ofWeights = readOf(1 - number), write = op.getWrite();
  ArrayRef<int64_t> shape = typeOf(op.getResult()).getShape();
  llvm::SmallDenseSet<int64_t> along(op.getAlong().begin(), op.getAlong().end());
  if (hasRows(weights.value) || !isPlain(weights.value, ofWeights))
    return refuse(kNoPlainWeights);

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
        return refuse(kOwnWeights);
      column = dim.getPosition();
      columnIndex = index;
      continue;
    }
    back[index] = over.add(extent);
    if (dim && domain[dim.getPosition()] == extent) {
      if (over.ofOld[dim.getPosition()])
        return refuse("two dims of the result are one of the windows");
      over.ofOld[dim.getPosition()] = back[index];
      continue;
    }
    position = withoutOnes(position);
    SmallVector<unsigned> determined;
    for (unsigned other = 0; other < domain.size(); ++other)
      if (position.isFunctionOfDim(other) && !along.contains(other))
        determined.push_back(other);
    if (determined.size() > 1)
      return refuse("a dim of the result is several of the windows");
    if (!determined.empty())
      windows.push_back({unsigned(index), determined[0], position});
    else if (extent != 1 || simplifyAffineExpr(position, domain.size(), 0) != getAffineConstantExpr(0, context))
      return refuse("some elements of the result have no term");
  }
  if (!column)
    return refuse(kNoColumns);
  SmallVector<AffineExpr> rows = dims(), depth;
  back[*columnIndex] = over.take(*column, domain[*column]);
  for (int64_t dim : op.getAlong()) {
    if (domain[dim] < 0 || !ofWeights.isFunctionOfDim(dim))
      return refuse("it sums over what the weights do not have");
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
      return refuse("where the result is written is no multiple of where the windows are read, and a step");
    factors[at - read.begin()] = factor.getValue();
    moved[at - read.begin()] = back[index] - *known;
  }
  for (auto [old, mine] : llvm::zip_equal(read, moved)) {
    std::optional<AffineExpr> position = mine ? std::optional(mine) : toNew(old);
    if (!position)
      return refuse(kOwnWeights);
    image.positions.push_back(*position);
  }
  if (!toNew(ofWeights, weights.positions))
    return refuse(kOwnWeights);
  widen(image, factors);
  if (isSpikes(image.value))
    image = patches(image, rows, depth);

  SmallVector<AffineExpr> matrix(depth);
  matrix.push_back(back[*columnIndex]);
  weights = copy(weights, matrix);
  // Whole vectors of columns: behind those that the weights have they are sums of zeros.
  over.extents[cast<AffineDimExpr>(back[*columnIndex]).getPosition()] = typeOf(weights.value).getShape().back();

  rows.push_back(back[*columnIndex]);
  SmallVector<int64_t> extents;
  for (AffineExpr dim : rows)
    extents.push_back(over.extentOf(dim));
  contract(ArrayType::get(context, extents, typeOf(op.getResult()).getElementType()), number, image, weights, rows);

  moveBack(product.getResult(), withLast(shape, *columnIndex));
  return true;
}

/// Whether the kernel of such a product goes by what is not zero, if its result has so many places (margins aside).
bool WindowUnfolding::hasGathered(int64_t extents, int64_t columns) {
  kernels::OverlapShape shape;
  for (int64_t dim : op.getAlong().drop_back())
    shape.dims.push_back({1, domain[dim], 1, 1, 0, 0});
  shape.dims.push_back({1, 1, extents, 1, 0, 0});
  shape.depth = domain[op.getAlong().back()];
  shape.columns = paddedWidth(columns);
  return shape.hasGathered(layoutOf(op.getResult()).elementBytes());
}

/// x[m, place + tap, n] = sum over taps and k of e[m, place, k] w[tap, k, n].
bool WindowUnfolding::unfoldOverlap() {
  const unsigned number = hasRows(op.getLhs()) ? 0 : 1;
  Factor image{op->getOperand(number)}, weights{op->getOperand(1 - number)};
  AffineMap ofImage = readOf(number), ofWeights = readOf(1 - number), write = op.getWrite();
  ArrayRef<int64_t> shape = typeOf(op.getResult()).getShape(), along = op.getAlong();
  if (hasRows(weights.value) || !isPlain(weights.value, ofWeights) || !isPlain(image.value, ofImage) || along.empty() ||
      !ofImage.isFunctionOfDim(along.back()))
    return false;

  takeRows(write);
  SmallVector<AffineExpr> rows = dims(), positions = rows, matrix;
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
  if (!column || windows.empty())
    return false;
  // Chains of overlapping rows wait in memory at the end of a tap. Rows that are mostly zero have a form that windows
  // do not have.
  const int64_t terms = domain[along.back()];
  if (terms % kernels::kBlock && places * (terms + kChainCost) > extents * terms &&
      !(isMostlyZero(image.value) && hasGathered(extents, shape[*column])))
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

  // The result with its columns last, and back.
  SmallVector<unsigned> order = withLast(shape, *column);
  SmallVector<int64_t> made = llvm::map_to_vector(order, [&](unsigned index) { return shape[index]; });
  made.back() = over.extentOf(columns);
  for (unsigned index : windows) {
    std::optional<AffineExpr> position = toNew(write.getResult(index));
    if (!position)
      return false;
    positions.push_back(*position);
  }
  positions.push_back(columns);
  contract(ArrayType::get(context, made, typeOf(op.getResult()).getElementType()), number, image, weights, positions);
  moveBack(product.getResult(), order);
  return true;
}

/// w[k, n] = sum over m and places of x[m, the place's window, k] e[m, place, n].
bool WindowUnfolding::unfoldGradient() {
  AffineMap write = op.getWrite();
  if (!isPlain(op.getResult(), write))
    return refuse("the gradient is written over windows");
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
    return refuse(kOwnWeights);
  Factor image{op->getOperand(*number)}, errors{op->getOperand(1 - *number)};
  takeRows(readOf(1 - *number));
  for (int64_t dim : op.getAlong())
    if (domain[dim] > 0)
      over.take(dim, domain[dim]);
  SmallVector<AffineExpr> rows = dims(), depth;
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
    return refuse("it sums over what the errors do not have");
  widen(image);
  if (isSpikes(image.value))
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
  SmallVector<AffineExpr> matrix(depth);
  matrix.push_back(columns);
  SmallVector<int64_t> extents = llvm::map_to_vector(matrix, [&](AffineExpr dim) { return over.extentOf(dim); });
  contract(ArrayType::get(context, extents, typeOf(op.getResult()).getElementType()), *number, image, errors, matrix);
  moveBack(product.getResult(), withLast(typeOf(op.getResult()).getShape(), *column));
  return true;
}

/// Takes what was made for the op if it is a product. The layout of a gradient rests on who uses it.
bool WindowUnfolding::keep() {
  op.getResult().replaceAllUsesWith(result);
  std::optional<MatrixProduct> matched = matchProduct(product, &whyNot);
  // With another weight for each place, or for each channel of the image, it loses what it copies.
  if (loses)
    whyNot = kOwnWeights;
  if (!loses && (matched ? matched->oriented : matchOverlap(product).has_value())) {
    if (auto remark = remarks::chosen(product, remarks::kWindows, matched ? "product" : "overlap"))
      remark << describe(matched);
    op.erase();
    return true;
  }
  result.replaceAllUsesWith(op.getResult());
  for (Operation *made : llvm::reverse(news))
    made->erase();
  return false;
}

std::string WindowUnfolding::describe(const std::optional<MatrixProduct> &product) {
  if (!product)
    return "a sum over windows becomes a product that is written over windows, tap by tap";
  return "a sum over windows becomes a product of matrices with " + remarks::counted(product->places, "row") +
         " for each sample and step" +
         (product->spikes   ? ": copies of windows, as bits"
          : product->window ? ": windows, read where they lie"
                            : "");
}

class UnfoldWindows : public impl::UnfoldWindowsBase<UnfoldWindows> {
  void runOnOperation() override {
    SmallVector<ContractOp> contracts;
    getOperation().walk([&](ContractOp op) { contracts.push_back(op); });
    for (ContractOp op : contracts) {
      if (kernelFor(op) != Kernel::Loops || WindowUnfolding(op).runOverlap())
        continue;
      WindowUnfolding unfolding(op);
      if (unfolding.run())
        continue;
      if (auto remark = remarks::missed(op, remarks::kWindows, "loops"))
        remark << "a sum of products becomes no product of matrices" << remarks::because(unfolding.reason());
    }
  }
};

} // namespace
} // namespace snn::core
