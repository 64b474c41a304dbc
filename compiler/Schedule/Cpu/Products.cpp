// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Products.h.

#include "compiler/Schedule/Cpu/Products.h"

#include "dialect/core/Maps.h"

using namespace mlir;

namespace snn::core {
namespace {

/// An array and where it is read or written: offsets in its row as a sum of multiples of the dims of a domain.
struct Access {
  SmallVector<int64_t> strides; ///< of each dim; 0 of those that it does not depend on, and of marked ones
  llvm::SmallDenseSet<unsigned> marked;
  int64_t origin = 0;
  bool plain = true;  ///< each position is a dim, each once
  bool covers = true; ///< and all points meet all elements
  bool bits = false;
  int64_t rowWidth = 0;                              ///< of memory, in elements or bits
  SmallVector<std::pair<unsigned, int64_t>> extents; ///< of a plain one's inner dims: the array's
  /// Of each inner dim of the array: its extent, its stride, and how far each dim of the domain moves along it.
  struct Position {
    int64_t extent, stride;
    SmallVector<int64_t> steps;
  };
  SmallVector<Position> positions;

  bool uses(unsigned dim) const { return strides[dim] != 0; }

  /// Nothing if it is not such a sum, or not always inside.
  static std::optional<Access> of(Value value, AffineMap map, ArrayRef<int64_t> domain) {
    Layout layout = layoutOf(value);
    ArrayRef<int64_t> shape = cast<ArrayType>(value.getType()).getShape();
    if (!isInside(map, domain, shape))
      return std::nullopt;
    Access access;
    access.bits = layout.bits;
    access.rowWidth = layout.width();
    access.strides.assign(domain.size(), 0);
    unsigned inner = 0;
    for (auto [extent, position] : llvm::zip_equal(shape, map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(position);
      if (extent < 0) {
        // isInside says that it is a dim.
        if (domain[dim.getPosition()] != extent || !access.marked.insert(dim.getPosition()).second)
          return std::nullopt;
        continue;
      }
      int64_t stride = layout.strides[inner++];
      access.plain &= dim && access.strides[dim.getPosition()] == 0;
      access.covers &= dim && domain[dim.getPosition()] == extent;
      if (dim)
        access.extents.push_back({dim.getPosition(), extent});
      access.positions.push_back({extent, stride, SmallVector<int64_t>(domain.size())});
      if (!access.add(position, 1, domain))
        return std::nullopt;
    }
    return access;
  }

private:
  /// To the last position.
  bool add(AffineExpr expression, int64_t factor, ArrayRef<int64_t> domain) {
    Position &position = positions.back();
    if (auto constant = dyn_cast<AffineConstantExpr>(expression)) {
      origin += constant.getValue() * factor * position.stride;
      return true;
    }
    if (auto dim = dyn_cast<AffineDimExpr>(expression)) {
      if (domain[dim.getPosition()] < 0)
        return false;
      // Of an extent of 1 the stride means nothing, but that it is used.
      position.steps[dim.getPosition()] += factor;
      strides[dim.getPosition()] += factor * position.stride;
      return strides[dim.getPosition()] != 0;
    }
    auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
    if (binary && binary.getKind() == AffineExprKind::Add)
      return add(binary.getLHS(), factor, domain) && add(binary.getRHS(), factor, domain);
    auto constant = binary ? dyn_cast<AffineConstantExpr>(binary.getRHS()) : AffineConstantExpr();
    return constant && binary.getKind() == AffineExprKind::Mul &&
           add(binary.getLHS(), factor * constant.getValue(), domain);
  }
};

/// Whether the dims, the last one fastest, count through elements `step` apart. Where the first one begins again is
/// for others to say.
bool isChain(const Access &access, ArrayRef<unsigned> dims, ArrayRef<int64_t> domain, int64_t step) {
  for (unsigned dim : llvm::reverse(dims)) {
    if (domain[dim] != 1 && access.strides[dim] != step)
      return false;
    step *= domain[dim];
  }
  return true;
}

int64_t points(ArrayRef<unsigned> dims, ArrayRef<int64_t> domain) {
  int64_t product = 1;
  for (unsigned dim : dims)
    product *= domain[dim];
  return product;
}

/// The images of which rows of A are windows: they have to lie and to be gone through in the same order, each of their
/// dims by one dim of places and one of depth at most.
std::optional<kernels::WindowShape> imagesOf(const Access &a, ArrayRef<unsigned> places, ArrayRef<unsigned> depth,
                                             ArrayRef<int64_t> domain) {
  kernels::WindowShape images;
  SmallVector<unsigned> placesInOrder, depthInOrder;
  for (const Access::Position &position : a.positions) {
    kernels::WindowShape::Dim of{position.extent, 1, 1, 1, 1};
    for (auto [dim, step] : llvm::enumerate(position.steps)) {
      if (step == 0 || domain[dim] == 1)
        continue;
      const bool isPlace = llvm::is_contained(places, dim);
      int64_t &extent = isPlace ? of.places : of.taps;
      if (extent != 1 || step < 0)
        return std::nullopt;
      extent = domain[dim];
      (isPlace ? of.stride : of.dilation) = step;
      (isPlace ? placesInOrder : depthInOrder).push_back(dim);
    }
    if (of.stride > 1 && of.dilation > 1)
      return std::nullopt;
    images.dims.push_back(of);
  }
  int64_t stride = 1;
  for (const Access::Position &position : llvm::reverse(a.positions)) {
    if (position.extent != 1 && position.stride != stride)
      return std::nullopt;
    stride *= position.extent;
  }
  auto goThrough = [&](ArrayRef<unsigned> dims, ArrayRef<unsigned> found) {
    return llvm::equal(llvm::make_filter_range(dims, [&](unsigned dim) { return domain[dim] != 1; }), found);
  };
  if (a.origin != 0 || a.rowWidth % kLanes != 0 || a.rowWidth < paddedWidth(images.elements()) ||
      !goThrough(places, placesInOrder) || !goThrough(depth, depthInOrder))
    return std::nullopt;
  return images;
}

} // namespace

Kernel MatrixProduct::kernel() const {
  if (gradient)
    return spikes ? Kernel::SpikeGradient : Kernel::DenseGradient;
  return spikes ? Kernel::Spikes : Kernel::Dense;
}

std::optional<Kernel> MatrixProduct::sparseKernel() const {
  if (spikes || !(images || wholeRows))
    return std::nullopt;
  if (images) {
    // Kernels keep no lower totals; blocks of a gradient begin with an image.
    if (kernels::levelsOf(depth) > 1 || placeDims.empty() || (gradient && places < kernels::kRun))
      return std::nullopt;
    const int64_t realBytes = layoutOf(b).elementBytes();
    if ((gradient ? kernels::eventGradientScratch(*images, stride, realBytes)
                  : kernels::eventScratch(*images, otherStride, realBytes))
            .constant > kernels::kMaxEventBytes)
      return std::nullopt;
  }
  return gradient ? Kernel::SparseGradient : Kernel::Sparse;
}

std::optional<Kernel> MatrixProduct::gatherKernel() const {
  return spikes && !gradient ? std::optional(Kernel::Gather) : std::nullopt;
}

/// Of the step that an argument belongs to.
static ScanOp scanOf(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument ? dyn_cast<ScanOp>(argument.getOwner()->getParentOp()) : ScanOp();
}

static bool staysInScan(Value value) {
  ScanOp scan = scanOf(value);
  return scan && llvm::is_contained(scan.getInvariantArgs(), value);
}

bool MatrixProduct::fitsLanes() const {
  return !gradient && !spikes && !window && places == 1 && inOrder && depth <= kernels::kBlock &&
         isa<FloatType>(cast<ArrayType>(a.getType()).getElementType());
}

std::optional<Kernel> MatrixProduct::laneKernel() const {
  ScanOp scan = scanOf(a);
  return scan && llvm::is_contained(scan.getSlicedArgs(), a) && staysInScan(b) && fitsLanes()
             ? std::optional(Kernel::Lanes)
             : std::nullopt;
}

bool MatrixProduct::readsBeyond(int64_t cacheBytes) const { return !gradient && footprintOf(b).fixed > cacheBytes; }

std::optional<Kernel> MatrixProduct::heldKernel() const {
  return staysInScan(b) && spikes && !gradient && kernels::levelsOf(depth) == 1 ? std::optional(Kernel::HeldSpikes)
                                                                                : std::nullopt;
}

std::optional<MatrixProduct> matchProduct(ContractOp op, StringRef *whyNot) {
  auto no = [&](StringLiteral reason) -> std::optional<MatrixProduct> {
    if (whyNot)
      *whyNot = reason;
    return std::nullopt;
  };
  ArrayRef<int64_t> domain = op.getDomain();
  auto lhs = Access::of(op.getLhs(), op.getReadMaps()[0], domain),
       rhs = Access::of(op.getRhs(), op.getReadMaps()[1], domain),
       result = Access::of(op.getResult(), op.getWrite(), domain);
  if (!lhs || !rhs || !result)
    return no("it reads or writes outside of an array, or not at sums of multiples of dims");
  if (!result->plain || !result->covers)
    return no("the result is written over windows");
  llvm::SmallDenseSet<unsigned> rows;
  for (auto [dim, extent] : llvm::enumerate(domain))
    if (extent < 0)
      rows.insert(dim);

  MatrixProduct product;
  product.gradient = result->marked.empty() && !rows.empty();
  // B is the factor that has the result's contiguous dim (a gradient), or the one without rows.
  auto hasColumns = [&](const Access &factor) {
    for (auto [dim, extent] : result->extents)
      if (result->strides[dim] == 1 && factor.uses(dim))
        return true;
    return false;
  };
  product.swapped = product.gradient ? hasColumns(*lhs) && !hasColumns(*rhs)
                    : !rows.empty()  ? lhs->marked.empty()
                                     : lhs->extents.size() != 1 || !lhs->plain;
  if (product.swapped)
    std::swap(lhs, rhs);
  product.a = product.swapped ? op.getRhs() : op.getLhs();
  product.b = product.swapped ? op.getLhs() : op.getRhs();
  product.spikes = lhs->bits;
  const Access &a = *lhs, &b = *rhs;
  if (b.bits || !b.plain) // bits select rows, they are none
    return no("the factor with the columns is spikes, or is read at windows");
  if (!isa<FloatType>(cast<ArrayType>(product.b.getType()).getElementType()))
    return no("the factor with the columns is bytes");
  // Kernels keep one chain for each element, of real terms or of groups that tables hold.
  OrderAttr order = op.getOrderAttr();
  if (!order || order.getLanes() != 1 || order.getGroup() != (a.bits ? 4 : 1) || order.getBlock() != kernels::kBlock ||
      order.getLevel() != kernels::kLevel)
    return no("no kernel sums in its order");

  // The roles of the dims that are neither samples nor steps: columns are of B and of the result, places of A and of
  // what else has rows, depth of A and of what has none. An extent of 1 has no stride that tells, but stands somewhere.
  const Access &others = product.gradient ? b : *result, &matrix = product.gradient ? *result : b;
  llvm::SmallDenseSet<unsigned> summed(op.getAlong().begin(), op.getAlong().end());
  SmallVector<unsigned> columns, places, depth;
  for (auto [dim, extent] : llvm::enumerate(domain)) {
    if (extent < 0) {
      if (summed.contains(dim) != product.gradient)
        return no("it sums over steps or samples, and gives something for each");
      continue;
    }
    if (summed.contains(dim))
      (product.gradient ? places : depth).push_back(dim);
    else if (b.uses(dim) && result->uses(dim) && !a.uses(dim))
      columns.push_back(dim);
    else
      (product.gradient ? depth : places).push_back(dim);
    if (llvm::is_contained(places, dim) ? !others.uses(dim) || matrix.uses(dim)
                                        : !matrix.uses(dim) || (llvm::is_contained(depth, dim) && others.uses(dim)))
      return no("a dim is of both factors and of the result: each place or channel has weights of its own");
  }
  if (columns.size() != 1)
    return no("it has no columns, or several dims of them");
  if (depth.empty())
    return no("it has nothing to sum but samples and steps, or nothing at all");
  if (a.marked != rows || others.marked != rows || !matrix.marked.empty())
    return no("samples and steps are not those of one factor alone");
  product.columnDim = columns[0];
  product.columns = domain[columns[0]];

  // The order in which dims count: of what is summed that of the sum, of the rest that in memory.
  auto sumOrder = [&](SmallVector<unsigned> &dims) {
    dims.clear();
    for (int64_t dim : op.getAlong())
      if (domain[dim] > 0)
        dims.push_back(dim);
  };
  auto memoryOrder = [&](SmallVector<unsigned> &dims, const Access &access) {
    llvm::sort(dims, [&](unsigned x, unsigned y) {
      return std::pair(-access.strides[x], x) < std::pair(-access.strides[y], y);
    });
  };
  sumOrder(product.gradient ? places : depth);
  product.gradient ? memoryOrder(depth, matrix) : memoryOrder(places, others);
  product.depth = points(depth, domain);
  product.places = points(places, domain);

  // B or C as a matrix.
  auto rowStride = [&](const Access &access, ArrayRef<unsigned> dims) {
    for (unsigned dim : llvm::reverse(dims))
      if (domain[dim] != 1)
        return access.strides[dim];
    return dims.empty() ? 0 : access.strides[dims.back()];
  };
  product.oriented = matrix.strides[product.columnDim] == 1;
  product.stride = rowStride(matrix, depth);
  constexpr StringLiteral kNoMatrix = "what has no rows does not lie as a matrix with contiguous columns";
  if (!isChain(matrix, depth, domain, product.stride) || (product.gradient && !product.oriented))
    return no(kNoMatrix);
  if (!product.oriented && (matrix.extents.size() != 2 || !matrix.covers))
    return no(kNoMatrix);
  // Its other partner has a row for each place: whole vectors, one behind the other.
  constexpr StringLiteral kNoRows = "rows of a factor or of the result are not whole vectors, one behind the other";
  if (others.strides[product.columnDim] != 1)
    return no(kNoRows);
  if (!places.empty()) {
    product.otherStride = rowStride(others, places);
    if (product.places == 1)
      product.otherStride = others.rowWidth;
    if (product.otherStride % kLanes != 0 || product.otherStride < paddedWidth(product.columns) ||
        !isChain(others, places, domain, product.otherStride) ||
        others.rowWidth != product.places * product.otherStride)
      return no(kNoRows);
  }

  for (unsigned dim : places)
    product.placeDims.push_back({dim, domain[dim], a.strides[dim]});
  for (unsigned dim : depth)
    product.depthDims.push_back({dim, domain[dim], a.strides[dim]});
  product.origin = a.origin;
  if (op.getAlong().size() == 1)
    product.inOrder =
        op.getWrite() ==
        AffineMap::getMultiDimIdentityMap(domain.size(), op.getContext()).dropResult(op.getAlong().front());
  product.aStride = rowStride(a, places);
  bool isMatrix = a.origin == 0 && isChain(a, depth, domain, 1);
  if (!places.empty()) {
    if (product.places == 1)
      product.aStride = a.rowWidth;
    isMatrix &= isChain(a, places, domain, product.aStride) && a.rowWidth == product.places * product.aStride &&
                product.aStride >= product.depth;
  }
  if (a.bits && (!isMatrix || product.aStride % kLanes != 0))
    return no("rows of spikes are not whole words, one behind the other");
  product.window = !isMatrix;
  const int64_t rowWidth = places.empty() ? a.rowWidth : product.aStride;
  if (product.window)
    product.images = imagesOf(a, places, depth, domain);
  product.panels = op->hasAttr(kPanelsAttr);
  product.wholeRows = isMatrix && rowWidth % kLanes == 0 && rowWidth >= paddedWidth(product.depth);
  // What is computed once for the call has no memory to work in.
  if (rows.empty() && (product.window || !places.empty() || kernels::levelsOf(product.depth) > 1))
    return no("it is computed once for a call, where kernels have no memory to work in");
  return product;
}

} // namespace snn::core
