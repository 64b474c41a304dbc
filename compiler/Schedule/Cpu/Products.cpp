// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Products.h.

#include "compiler/Schedule/Cpu/Products.h"

#include "compiler/Schedule/Cpu/Sizes.h"

using namespace mlir;

namespace snn::core {
namespace {

/// An operand or result as a matrix: the dims of the domain that its rows and its other extents stand for.
struct Projection {
  SmallVector<unsigned> rows, inner;
  SmallVector<int64_t> strides; ///< of the inner dims
  bool bits;

  static std::optional<Projection> of(Value value, AffineMap map) {
    Layout layout = layoutOf(value);
    Projection projection{{}, {}, {}, layout.bits};
    llvm::SmallDenseSet<unsigned> seen;
    for (auto [extent, position] : llvm::zip_equal(cast<ArrayType>(value.getType()).getShape(), map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(position);
      if (!dim || !seen.insert(dim.getPosition()).second)
        return std::nullopt;
      if (extent > 0)
        projection.strides.push_back(layout.strides[projection.inner.size()]);
      (extent > 0 ? projection.inner : projection.rows).push_back(dim.getPosition());
    }
    llvm::sort(projection.rows);
    return projection;
  }

  /// The stride of an inner dim; 0 if it is none.
  int64_t strideOf(unsigned dim) const {
    const auto *found = llvm::find(inner, dim);
    return found == inner.end() ? 0 : strides[found - inner.begin()];
  }
};

/// Whether all points of the domain meet elements: extents of values may be smaller or larger than those of the domain.
bool fits(Value value, AffineMap map, ArrayRef<int64_t> domain) {
  return llvm::all_of(llvm::zip_equal(cast<ArrayType>(value.getType()).getShape(), map.getResults()), [&](auto pair) {
    auto [extent, position] = pair;
    return domain[cast<AffineDimExpr>(position).getPosition()] == extent;
  });
}

} // namespace

Kernel MatrixProduct::kernel() const {
  if (gradient)
    return spikes ? Kernel::SpikeGradient : Kernel::DenseGradient;
  return spikes ? Kernel::Spikes : Kernel::Dense;
}

std::optional<MatrixProduct> matchProduct(ContractOp op) {
  AffineMap reads[] = {op.getReadMaps()[0], op.getReadMaps()[1]}, write = op.getWrite();
  ArrayRef<int64_t> domain = op.getDomain();
  auto lhs = Projection::of(op.getLhs(), reads[0]), rhs = Projection::of(op.getRhs(), reads[1]),
       result = Projection::of(op.getResult(), write);
  if (!lhs || !rhs || !result || !fits(op.getLhs(), reads[0], domain) || !fits(op.getRhs(), reads[1], domain) ||
      !fits(op.getResult(), write, domain))
    return std::nullopt;
  SmallVector<unsigned> along, rows;
  for (auto [dim, extent] : llvm::enumerate(domain))
    if (extent < 0)
      rows.push_back(dim);
  for (int64_t dim : op.getAlong())
    along.push_back(dim);
  llvm::sort(along);
  if (domain.size() != rows.size() + 2)
    return std::nullopt;

  MatrixProduct product;
  if (result->rows.empty() && !rows.empty()) {
    // A gradient: the columns are the result's contiguous dim, and B is the factor that has them.
    if (along != rows || lhs->rows != rows || rhs->rows != rows || lhs->inner.size() != 1 || rhs->inner.size() != 1 ||
        lhs->inner == rhs->inner)
      return std::nullopt;
    product.gradient = true;
    product.swapped = result->strideOf(lhs->inner[0]) == 1;
  } else {
    if (along.size() != 1 || result->rows != rows || result->inner.size() != 1)
      return std::nullopt;
    product.swapped = lhs->inner.size() == 2;
  }
  if (product.swapped)
    std::swap(lhs, rhs);
  product.a = product.swapped ? op.getRhs() : op.getLhs();
  product.b = product.swapped ? op.getLhs() : op.getRhs();
  product.spikes = lhs->bits;
  if (rhs->bits)
    return std::nullopt; // bits select rows, they are none
  // Kernels keep one chain for each element, of real terms or of groups that tables hold.
  OrderAttr order = op.getOrderAttr();
  if (!order || order.getLanes() != 1 || order.getGroup() != (lhs->bits ? 4 : 1) ||
      order.getBlock() != kernels::kBlock || order.getLevel() != kernels::kLevel)
    return std::nullopt;
  if (product.gradient) {
    product.depthDim = lhs->inner[0];
    product.columnDim = rhs->inner[0];
  } else {
    product.depthDim = along[0];
    product.columnDim = result->inner[0];
    if (lhs->rows != rows || lhs->inner != along || !rhs->rows.empty() || rhs->inner.size() != 2)
      return std::nullopt;
  }
  product.depth = domain[product.depthDim];
  product.columns = domain[product.columnDim];
  const Projection &matrix = product.gradient ? *result : *rhs;
  product.oriented = matrix.strideOf(product.columnDim) == 1;
  product.stride = matrix.strideOf(product.depthDim);
  if (product.gradient && !product.oriented)
    return std::nullopt;
  return product;
}

} // namespace snn::core
