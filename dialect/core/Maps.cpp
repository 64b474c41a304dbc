// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Maps.h.

#include "dialect/core/Maps.h"

#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;

namespace snn::core {
namespace {

int64_t floorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/// A sum, as a list of what is added.
void collectTerms(AffineExpr expression, SmallVectorImpl<AffineExpr> &terms) {
  if (expression.getKind() == AffineExprKind::Add) {
    auto sum = cast<AffineBinaryOpExpr>(expression);
    collectTerms(sum.getLHS(), terms);
    collectTerms(sum.getRHS(), terms);
    return;
  }
  terms.push_back(expression);
}

/// dim or dim * factor with a factor above 0.
std::optional<WrittenPosition::Digit> asDigit(AffineExpr term) {
  if (auto dim = dyn_cast<AffineDimExpr>(term))
    return WrittenPosition::Digit{dim.getPosition(), 1};
  auto product = dyn_cast<AffineBinaryOpExpr>(term);
  if (!product || product.getKind() != AffineExprKind::Mul)
    return std::nullopt;
  auto dim = dyn_cast<AffineDimExpr>(product.getLHS());
  auto factor = dyn_cast<AffineConstantExpr>(product.getRHS());
  if (!dim || !factor || factor.getValue() < 1)
    return std::nullopt;
  return WrittenPosition::Digit{dim.getPosition(), factor.getValue()};
}

/// Of an extent of 1 there is nothing to find out: the coordinate is 0.
llvm::SmallBitVector dimsOfOne(ArrayRef<int64_t> domain) {
  llvm::SmallBitVector dims(domain.size());
  for (auto [dim, extent] : llvm::enumerate(domain))
    if (extent == 1)
      dims.set(dim);
  return dims;
}

bool dependsOnlyOn(AffineExpr expression, const llvm::SmallBitVector &dims) {
  bool only = true;
  expression.walk([&](AffineExpr part) {
    if (auto dim = dyn_cast<AffineDimExpr>(part))
      only &= dims.test(dim.getPosition());
  });
  return only;
}

/// Whether digits, largest factor first, can be told from their sum: no digit reaches the next larger factor together
/// with all below it. A marked extent may be anything, so its dim must stand alone.
bool areDigits(ArrayRef<WrittenPosition::Digit> digits, ArrayRef<int64_t> domain) {
  if (digits.size() > 1 && llvm::any_of(digits, [&](auto digit) { return domain[digit.dim] < 0; }))
    return false;
  int64_t reach = 0;
  for (auto [dim, factor] : llvm::reverse(digits)) {
    if (domain[dim] == 1)
      continue;
    if (factor <= reach)
      return false;
    int64_t more;
    if (domain[dim] > 0 && (llvm::MulOverflow(factor, domain[dim] - 1, more) || llvm::AddOverflow(reach, more, reach)))
      return false;
  }
  return true;
}

void sortDigits(SmallVectorImpl<WrittenPosition::Digit> &digits) {
  llvm::sort(digits, [](auto a, auto b) { return std::pair(b.factor, a.dim) < std::pair(a.factor, b.dim); });
}

} // namespace

std::optional<Bounds> boundsOf(AffineExpr expression, ArrayRef<int64_t> domain, int64_t marked) {
  if (auto dim = dyn_cast<AffineDimExpr>(expression)) {
    int64_t extent = domain[dim.getPosition()];
    return Bounds{0, (extent < 0 ? marked : extent) - 1};
  }
  if (auto constant = dyn_cast<AffineConstantExpr>(expression))
    return Bounds{constant.getValue(), constant.getValue()};
  auto binary = dyn_cast<AffineBinaryOpExpr>(expression);
  if (!binary)
    return std::nullopt;
  std::optional<Bounds> lhs = boundsOf(binary.getLHS(), domain, marked);
  std::optional<Bounds> rhs = boundsOf(binary.getRHS(), domain, marked);
  if (!lhs || !rhs)
    return std::nullopt;
  Bounds result;
  if (binary.getKind() == AffineExprKind::Add) {
    if (llvm::AddOverflow(lhs->low, rhs->low, result.low) || llvm::AddOverflow(lhs->high, rhs->high, result.high))
      return std::nullopt;
    return result;
  }
  if (rhs->low != rhs->high)
    return std::nullopt;
  int64_t constant = rhs->low;
  switch (binary.getKind()) {
  case AffineExprKind::Mul:
    if (llvm::MulOverflow(lhs->low, constant, result.low) || llvm::MulOverflow(lhs->high, constant, result.high))
      return std::nullopt;
    return constant < 0 ? Bounds{result.high, result.low} : result;
  case AffineExprKind::FloorDiv:
    if (constant < 1)
      return std::nullopt;
    return Bounds{floorDivide(lhs->low, constant), floorDivide(lhs->high, constant)};
  case AffineExprKind::Mod:
    if (constant < 1)
      return std::nullopt;
    if (floorDivide(lhs->low, constant) == floorDivide(lhs->high, constant)) {
      int64_t base = floorDivide(lhs->low, constant) * constant;
      return Bounds{lhs->low - base, lhs->high - base};
    }
    return Bounds{0, constant - 1};
  default:
    return std::nullopt;
  }
}

WriteAnalysis WriteAnalysis::of(AffineMap map, ArrayRef<int64_t> domain, ArrayRef<int64_t> along) {
  WriteAnalysis analysis;
  llvm::SmallBitVector known = dimsOfOne(domain);
  for (int64_t dim : along)
    known.set(dim);
  for (auto [index, expression] : llvm::enumerate(map.getResults())) {
    WrittenPosition &position = analysis.positions.emplace_back();
    position.known = getAffineConstantExpr(0, map.getContext());
    SmallVector<AffineExpr> terms;
    collectTerms(expression, terms);
    for (AffineExpr term : terms) {
      if (dependsOnlyOn(term, known)) {
        position.known = position.known + term;
        continue;
      }
      auto digit = asDigit(term);
      if (!digit || llvm::any_of(position.digits, [&](auto other) { return other.dim == digit->dim; })) {
        analysis.fault = ("position #" + Twine(index) + " does not tell which point wrote it").str();
        return analysis;
      }
      position.digits.push_back(*digit);
    }
    sortDigits(position.digits);
    if (!areDigits(position.digits, domain)) {
      analysis.fault =
          ("position #" + Twine(index) + " is the same for several points of dims that are not summed").str();
      return analysis;
    }
    for (auto digit : position.digits)
      known.set(digit.dim);
  }
  if (int missing = known.find_first_unset(); missing >= 0)
    analysis.fault = ("no position depends on dim " + Twine(missing) + ", which is not summed").str();
  return analysis;
}

SmallVector<unsigned> determinedDims(AffineMap map, ArrayRef<int64_t> domain, AffineMap preferred) {
  llvm::SmallBitVector determined = dimsOfOne(domain), summed(domain.size());
  for (AffineExpr expression : map.getResults()) {
    SmallVector<AffineExpr> terms;
    collectTerms(expression, terms);
    SmallVector<WrittenPosition::Digit, 2> digits;
    for (AffineExpr term : terms)
      if (auto digit = asDigit(term); digit && !determined.test(digit->dim) && !summed.test(digit->dim))
        digits.push_back(*digit);
    // A dim that also stands within floordiv or mod of the same position is no digit.
    llvm::erase_if(digits, [&](WrittenPosition::Digit digit) {
      return llvm::count_if(terms, [&](AffineExpr term) { return term.isFunctionOfDim(digit.dim); }) > 1;
    });
    auto isPreferred = [&](WrittenPosition::Digit digit) { return preferred && preferred.isFunctionOfDim(digit.dim); };
    if (llvm::any_of(digits, isPreferred))
      llvm::erase_if(digits, [&](WrittenPosition::Digit digit) { return !isPreferred(digit); });
    sortDigits(digits);
    if (!digits.empty() && !areDigits(digits, domain)) {
      auto largest = [&](auto a, auto b) { return domain[a.dim] < domain[b.dim]; };
      WrittenPosition::Digit chosen = *llvm::max_element(digits, largest);
      digits = {chosen};
    }
    for (auto digit : digits)
      determined.set(digit.dim);
    // Whatever else the position depends on must be known here, where later positions are not.
    for (unsigned dim = 0; dim < domain.size(); ++dim)
      if (!determined.test(dim) && expression.isFunctionOfDim(dim))
        summed.set(dim);
  }
  SmallVector<unsigned> dims;
  for (unsigned dim : determined.set_bits())
    dims.push_back(dim);
  return dims;
}

bool isInside(AffineMap map, ArrayRef<int64_t> domain, ArrayRef<int64_t> shape) {
  for (auto [extent, position] : llvm::zip(shape, map.getResults())) {
    if (extent < 0) {
      if (!isa<AffineDimExpr>(position))
        return false;
      continue;
    }
    std::optional<Bounds> bounds = boundsOf(position, domain);
    if (!bounds || bounds->low < 0 || bounds->high >= extent)
      return false;
  }
  return true;
}

bool writesAll(AffineMap map, ArrayRef<int64_t> domain, ArrayRef<int64_t> shape) {
  return map.isIdentity() && domain == shape;
}

bool isWindow(AffineExpr position, ArrayRef<int64_t> domain) {
  SmallVector<AffineExpr> terms;
  collectTerms(position, terms);
  SmallVector<WrittenPosition::Digit, 2> digits;
  for (AffineExpr term : terms) {
    if (isa<AffineConstantExpr>(term))
      continue;
    auto digit = asDigit(term);
    if (!digit)
      return true;
    digits.push_back(*digit);
  }
  sortDigits(digits);
  return !areDigits(digits, domain);
}

} // namespace snn::core
