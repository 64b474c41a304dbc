// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Adjoints.h.

#include "compiler/Autodiff/Adjoints.h"

#include "dialect/core/Maps.h"

using namespace mlir;

namespace snn::core {
namespace {

/// Of a scalar, or of an array's elements.
Type elementType(Type type) {
  auto array = dyn_cast<ArrayType>(type);
  return array ? array.getElementType() : type;
}

} // namespace

bool hasGradient(Type type) {
  Type element = elementType(type);
  return isa<FloatType>(element) || element.isInteger(1);
}

/// What passes no gradient on, and rightly so: it is constant but for steps.
static bool isFlat(Operation *op) {
  return isa<DetachOp, arith::CmpFOp, arith::CmpIOp, math::IsFiniteOp, math::IsInfOp, math::IsNaNOp, math::IsNormalOp,
             math::FloorOp, math::CeilOp, math::TruncOp, math::RoundOp, math::RoundEvenOp>(op);
}

void Adjoints::setActive(Value value) {
  if (hasGradient(value.getType()))
    active.insert(value);
}

void Adjoints::propagate(ArrayRef<Operation *> operations) {
  for (Operation *op : operations)
    if (!isFlat(op) && llvm::any_of(op->getOperands(), [&](Value operand) { return isActive(operand); }))
      for (Value result : op->getResults())
        setActive(result);
}

void Adjoints::add(OpBuilder &builder, Value value, Value contribution) {
  if (!isActive(value))
    return;
  if (!isa<FloatType>(elementType(value.getType())))
    contribution = convertReals(builder, contribution.getLoc(), contribution, real);
  if (auto kept = apart.find(value); kept != apart.end()) {
    kept->second.push_back(contribution);
    return;
  }
  Value &slot = table[value];
  if (!slot)
    slot = contribution;
  else if (isa<ArrayType>(slot.getType()))
    slot = addArrays(builder, contribution.getLoc(), slot, contribution);
  else
    slot = arith::AddFOp::create(builder, contribution.getLoc(), slot, contribution);
}

void Adjoints::replace(Value value, Value other) {
  table.erase(value);
  active.erase(value);
  for (auto &entry : table)
    if (entry.second == value)
      entry.second = other;
  for (auto &entry : apart)
    llvm::replace(entry.second, value, other);
}

LogicalResult Adjoints::reverse(OpBuilder &builder, ArrayRef<Operation *> operations) {
  for (Operation *op : llvm::reverse(operations)) {
    if (llvm::none_of(op->getResults(), [&](Value result) { return lookup(result); }))
      continue;
    auto differentiable = dyn_cast<DifferentiableOpInterface>(op);
    if (!differentiable)
      return op->emitOpError("has no derivative that is known, but a gradient is wanted through it; state one with "
                             "core.custom_vjp");
    if (failed(differentiable.buildAdjoint(builder, *this)))
      return failure();
  }
  return success();
}

SmallVector<Operation *> opsOf(Block &body) {
  return llvm::to_vector(llvm::make_pointer_range(body.without_terminator()));
}

Value convertReals(OpBuilder &builder, Location loc, Value value, Type real) {
  Type from = elementType(value.getType());
  if (from == real)
    return value;
  auto convert = [&](OpBuilder &b, Value scalar) -> Value {
    if (from.getIntOrFloatBitWidth() < real.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(b, loc, real, scalar);
    return arith::TruncFOp::create(b, loc, real, scalar);
  };
  auto array = dyn_cast<ArrayType>(value.getType());
  if (!array)
    return convert(builder, value);
  return MapOp::create(
             builder, loc, array.withElement(real), value,
             [&](ImplicitLocOpBuilder &b, ValueRange args) -> SmallVector<Value> { return {convert(b, args[0])}; })
      .getResult(0);
}

Value addArrays(OpBuilder &builder, Location loc, Value x, Value y) {
  return MapOp::create(builder, loc, cast<ArrayType>(x.getType()), ValueRange{x, y},
                       [](ImplicitLocOpBuilder &b, ValueRange args) -> SmallVector<Value> {
                         return {arith::AddFOp::create(b, args[0], args[1])};
                       })
      .getResult(0);
}

Value sumOf(OpBuilder &builder, Location loc, Value array, ArrayType type, ArrayRef<int64_t> along, AffineMap write) {
  ArrayRef<int64_t> domain = cast<ArrayType>(array.getType()).getShape();
  return FoldOp::create(builder, loc, type, array, domain, along, builder.getMultiDimIdentityMap(domain.size()), write,
                        [](ImplicitLocOpBuilder &, ValueRange args) { return SmallVector<Value>(args); })
      .getValue();
}

Value constantArray(OpBuilder &builder, Location loc, ArrayType type, double value) {
  return MapOp::create(builder, loc, type, ValueRange{},
                       [&](ImplicitLocOpBuilder &b, ValueRange) -> SmallVector<Value> {
                         return {arith::ConstantOp::create(b, b.getFloatAttr(type.scalarType(), value))};
                       })
      .getResult(0);
}

ArrayType gradientType(Type type, Type real) {
  auto array = cast<ArrayType>(type);
  return isa<FloatType>(array.getElementType()) ? array : array.withElement(real);
}

SmallVector<int64_t> summationDims(ArrayRef<int64_t> domain, ArrayRef<unsigned> determined, ArrayRef<AffineMap> maps) {
  auto isOfWindow = [&](unsigned dim) {
    return llvm::any_of(maps, [&](AffineMap map) {
      return llvm::any_of(map.getResults(), [&](AffineExpr position) {
        return position.isFunctionOfDim(dim) && isWindow(position, domain);
      });
    });
  };
  auto rank = [&](unsigned dim) {
    if (domain[dim] == ArrayType::kSample)
      return 0;
    if (domain[dim] == ArrayType::kTime)
      return 1;
    return isOfWindow(dim) ? 2 : 3;
  };
  SmallVector<int64_t> dims;
  for (int wanted = 0; wanted < 4; ++wanted)
    for (unsigned dim = 0; dim < domain.size(); ++dim)
      if (!llvm::is_contained(determined, dim) && rank(dim) == wanted)
        dims.push_back(dim);
  return dims;
}

} // namespace snn::core
