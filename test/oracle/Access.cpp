// See Access.h.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Access.h"

#include "mlir/IR/AffineExpr.h"

using namespace mlir;

namespace snn::interpreter {
namespace {

int64_t floorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/// Adds `expression` times `factor` to a sum of multiples of dims. False if it is none.
bool addLinear(AffineExpr expression, int64_t factor, SmallVectorImpl<int64_t> &factors, int64_t &constant) {
  if (auto dim = dyn_cast<AffineDimExpr>(expression))
    return factors[dim.getPosition()] += factor, true;
  if (auto number = dyn_cast<AffineConstantExpr>(expression))
    return constant += factor * number.getValue(), true;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  if (!binary)
    return false;
  if (binary.getKind() == AffineExprKind::Add)
    return addLinear(binary.getLHS(), factor, factors, constant) &&
           addLinear(binary.getRHS(), factor, factors, constant);
  auto multiple = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return binary.getKind() == AffineExprKind::Mul && multiple &&
         addLinear(binary.getLHS(), factor * multiple.getValue(), factors, constant);
}

} // namespace

void forEachPoint(ArrayRef<int64_t> dims, ArrayRef<int64_t> extents, MutableArrayRef<int64_t> point, int descending,
                  llvm::function_ref<void()> visit) {
  if (dims.empty())
    return visit();
  int64_t dim = dims.front();
  for (int64_t i = 0; i < extents[dim]; ++i) {
    point[dim] = dim == descending ? extents[dim] - 1 - i : i;
    forEachPoint(dims.drop_front(), extents, point, descending, visit);
  }
}

Rows::Rows(ArrayRef<int64_t> extents, ArrayRef<int64_t> dims) : extents(extents) {
  for (int64_t dim : dims)
    if (along < 0 || extents[dim] >= extents[along])
      along = dim;
  for (int64_t dim : dims)
    if (dim != along)
      outer.push_back(dim);
}

void Rows::forEach(Row &row, llvm::function_ref<void()> visit) const {
  row.dim = along;
  row.count = 1;
  forEachPoint(outer, extents, row.point, -1, [&] {
    if (along < 0)
      return visit();
    for (int64_t start = 0; start < extents[along]; start += rowLength) {
      row.point[along] = start;
      row.count = std::min(rowLength, extents[along] - start);
      visit();
    }
  });
}

llvm::Expected<Access> Access::of(AffineMap map, ArrayRef<int64_t> shape) {
  Access access;
  int64_t stride = 1;
  for (int64_t extent : shape)
    stride *= extent;
  for (auto [expression, extent] : llvm::zip_equal(map.getResults(), shape)) {
    stride /= extent;
    Position &position = access.positions.emplace_back();
    position.extent = extent;
    position.stride = stride;
    position.factors.assign(map.getNumDims(), 0);
    position.isLinear = addLinear(expression, 1, position.factors, position.constant);
    for (auto [dim, factor] : llvm::enumerate(position.factors))
      if (position.isLinear && factor != 0)
        position.multiples.emplace_back(dim, factor);
    if (position.isLinear)
      continue;
    if (llvm::Error error = translate(expression, position))
      return std::move(error);
  }
  return access;
}

llvm::Error Access::translate(AffineExpr expression, Position &position) {
  if (auto dim = dyn_cast<AffineDimExpr>(expression)) {
    position.steps.push_back({Step::Dim, dim.getPosition()});
    return llvm::Error::success();
  }
  if (auto number = dyn_cast<AffineConstantExpr>(expression)) {
    position.steps.push_back({Step::Constant, number.getValue()});
    return llvm::Error::success();
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  if (!binary)
    return fault("a map has a symbol, but expected dims and constants");
  if (llvm::Error error = translate(binary.getLHS(), position))
    return error;
  if (llvm::Error error = translate(binary.getRHS(), position))
    return error;
  auto divisor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  bool divides = binary.getKind() != AffineExprKind::Add && binary.getKind() != AffineExprKind::Mul;
  if (divides && (!divisor || divisor.getValue() < 1))
    return fault("a map divides by what is no number above 0");
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    position.steps.push_back({Step::Add, 0});
    break;
  case AffineExprKind::Mul:
    position.steps.push_back({Step::Multiply, 0});
    break;
  case AffineExprKind::FloorDiv:
    position.steps.push_back({Step::FloorDivide, 0});
    break;
  case AffineExprKind::CeilDiv:
    position.steps.push_back({Step::CeilDivide, 0});
    break;
  default:
    position.steps.push_back({Step::Modulo, 0});
  }
  return llvm::Error::success();
}

int64_t Access::Position::at(ArrayRef<int64_t> point) const {
  if (isLinear) {
    int64_t sum = constant;
    for (auto [dim, factor] : multiples)
      sum += factor * point[dim];
    return sum;
  }
  SmallVector<int64_t, 16> stack;
  for (Step step : steps) {
    if (step.kind == Step::Dim || step.kind == Step::Constant) {
      stack.push_back(step.kind == Step::Dim ? point[step.value] : step.value);
      continue;
    }
    int64_t right = stack.pop_back_val(), &left = stack.back();
    switch (step.kind) {
    case Step::Add:
      left += right;
      break;
    case Step::Multiply:
      left *= right;
      break;
    case Step::FloorDivide:
      left = floorDivide(left, right);
      break;
    case Step::CeilDivide:
      left = -floorDivide(-left, right);
      break;
    default:
      left -= floorDivide(left, right) * right;
    }
  }
  return stack.back();
}

void Access::offsets(const Row &row, int64_t *result) const {
  // Positions that grow evenly along the row: where the row enters and leaves the array, and the offset in between.
  int64_t base = 0, step = 0, begin = 0, end = row.count;
  bool hasOthers = false;
  for (const Position &position : positions) {
    if (!position.isLinear) {
      hasOthers = true;
      continue;
    }
    int64_t first = position.at(row.point), more = row.dim < 0 ? 0 : position.factors[row.dim];
    int64_t last = first + (row.count - 1) * more;
    if (std::min(first, last) >= 0 && std::max(first, last) < position.extent) {
      // All of the row is inside.
    } else if (more == 0) {
      end = 0;
    } else {
      // first + i * more >= 0 and <= extent - 1, solved for i.
      int64_t low = more > 0 ? -floorDivide(first, more) : -floorDivide(position.extent - 1 - first, -more);
      int64_t high = more > 0 ? floorDivide(position.extent - 1 - first, more) : floorDivide(first, -more);
      begin = std::max(begin, low);
      end = std::min(end, high + 1);
    }
    base += first * position.stride;
    step += more * position.stride;
  }
  end = std::max(end, begin = std::min(begin, row.count));
  for (int64_t i = 0; i < begin; ++i)
    result[i] = -1;
  for (int64_t i = begin; i < end; ++i)
    result[i] = base + i * step;
  for (int64_t i = end; i < row.count; ++i)
    result[i] = -1;
  if (!hasOthers)
    return;
  SmallVector<int64_t> point(row.point);
  for (int64_t i = begin; i < end; ++i) {
    if (row.dim >= 0)
      point[row.dim] = row.point[row.dim] + i;
    for (const Position &position : positions) {
      if (position.isLinear)
        continue;
      int64_t at = position.at(point);
      if (at < 0 || at >= position.extent) {
        result[i] = -1;
        break;
      }
      result[i] += at * position.stride;
    }
  }
}

} // namespace snn::interpreter
