// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Overlaps.h.

#include "compiler/Schedule/Cpu/Overlaps.h"

#include "compiler/Schedule/Cpu/Products.h"

using namespace mlir;

namespace snn::core {

/// Whether an expression is a sum of multiples of dims.
static bool isLinear(AffineExpr expression) {
  bool linear = true;
  expression.walk([&](AffineExpr part) {
    linear &=
        !llvm::is_contained({AffineExprKind::Mod, AffineExprKind::FloorDiv, AffineExprKind::CeilDiv}, part.getKind());
  });
  return linear;
}

/// Whether the array is read at dims only; these, samples and time aside.
static std::optional<SmallVector<unsigned>> plainDims(Value value, AffineMap map) {
  SmallVector<unsigned> dims;
  for (auto [extent, position] : llvm::zip_equal(cast<ArrayType>(value.getType()).getShape(), map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(position);
    if (!dim || llvm::is_contained(dims, dim.getPosition()))
      return std::nullopt;
    if (extent > 0)
      dims.push_back(dim.getPosition());
  }
  return dims;
}

std::optional<OverlapProduct> matchOverlap(ContractOp op) {
  ArrayRef<int64_t> domain = op.getDomain(), along = op.getAlong();
  MLIRContext *context = op.getContext();
  auto typeOf = [](Value value) { return cast<ArrayType>(value.getType()); };
  auto rowsOf = [&](Value value) -> size_t {
    return llvm::count_if(typeOf(value).getShape(), [](int64_t n) { return n < 0; });
  };
  const unsigned first = rowsOf(op.getLhs()) ? 0 : 1;
  OverlapProduct product;
  product.a = op->getOperand(first);
  product.b = op->getOperand(1 - first);
  OrderAttr order = op.getOrderAttr();
  if (!order || order.getLanes() != 1 || order.getGroup() != 1 || order.getBlock() != kernels::kBlock ||
      order.getLevel() != kernels::kLevel || !typeOf(product.a).getElementType().isFloat() ||
      !typeOf(product.b).getElementType().isFloat() || rowsOf(product.b) || !rowsOf(product.a))
    return std::nullopt;
  auto ofA = plainDims(product.a, op.getReadMaps()[first]), ofB = plainDims(product.b, op.getReadMaps()[1 - first]);
  if (!ofA || !ofB || ofA->size() < 2 || ofB->size() != ofA->size() + 1 || along.size() != ofA->size() ||
      rowsOf(product.a) != rowsOf(op.getResult()) ||
      rowsOf(product.a) != size_t(llvm::count_if(domain, [](int64_t n) { return n < 0; })))
    return std::nullopt;

  // A[places, depth], B[taps, depth, columns], C[extents, columns].
  const unsigned depth = ofA->back(), column = ofB->back(), count = ofA->size() - 1;
  if ((*ofB)[count] != depth || domain.size() != rowsOf(product.a) + 2 * count + 2 || along.back() != depth)
    return std::nullopt;
  product.shape.depth = domain[depth];
  product.shape.written = domain[column];
  product.shape.columns = paddedWidth(domain[column]);
  auto shapeOf = [&](Value value) { return typeOf(value).getShape().drop_front(rowsOf(value)); };
  ArrayRef<int64_t> a = shapeOf(product.a), b = shapeOf(product.b), c = shapeOf(op.getResult());
  product.shape.bStride = layoutOf(product.b).strides[count];
  if (c.size() != count + 1 || c.back() != product.shape.written || b.back() != product.shape.columns ||
      b[count] != product.shape.depth || a.back() < product.shape.depth || a.back() % kLanes)
    return std::nullopt;
  product.shape.aStride = a.back();
  // Parameters lie in another order.
  if (llvm::any_of(ArrayRef<Value>{product.a, product.b, op.getResult()},
                   [](Value value) { return layoutOf(value).strides.back() != 1; }))
    return std::nullopt;

  ArrayRef<AffineExpr> write = op.getWrite().getResults().drop_front(rowsOf(op.getResult()));
  if (write.back() != getAffineDimExpr(column, context))
    return std::nullopt;
  for (unsigned number = 0; number < count; ++number) {
    const unsigned place = (*ofA)[number], tap = (*ofB)[number];
    auto at = [&](int64_t i, int64_t p) {
      AffineExpr value = write[number].replace(getAffineDimExpr(place, context), getAffineConstantExpr(i, context));
      value = value.replace(getAffineDimExpr(tap, context), getAffineConstantExpr(p, context));
      return simplifyAffineExpr(value, domain.size(), 0);
    };
    auto difference = [&](AffineExpr x, AffineExpr y) {
      return dyn_cast<AffineConstantExpr>(simplifyAffineExpr(x - y, domain.size(), 0));
    };
    auto origin = dyn_cast<AffineConstantExpr>(at(0, 0));
    auto factor = difference(at(1, 0), at(0, 0)), step = difference(at(0, 1), at(0, 0));
    if (!origin || !factor || !step || factor.getValue() < 1 || step.getValue() < (domain[tap] > 1) ||
        along[number] != tap || !isLinear(write[number]) || a[number] != domain[place] || b[number] != domain[tap])
      return std::nullopt;
    product.shape.dims.push_back(
        {domain[place], domain[tap], c[number], factor.getValue(), step.getValue(), origin.getValue()});
  }
  for (unsigned i = 0; i < rowsOf(op.getResult()); ++i)
    if (!isa<AffineDimExpr>(op.getWrite().getResult(i)))
      return std::nullopt;
  return product;
}

Kernel kernelFor(ContractOp op) {
  if (std::optional<MatrixProduct> product = matchProduct(op))
    return product->kernel();
  return matchOverlap(op) ? Kernel::Overlap : Kernel::Loops;
}

} // namespace snn::core
