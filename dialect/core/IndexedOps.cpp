// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What map, fold and contract have in common, and their verifiers. Constraint labels are those of the README.

#include "dialect/core/CoreDialect.h"
#include "dialect/core/Maps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace snn::core {
namespace {

constexpr int64_t kMaxPoints = int64_t(1) << 40; // products of dense layers have more of them than arrays have elements

/// How the points of a domain meet the elements of an input or result.
struct Access {
  Operation *op;
  StringRef role;
  unsigned index;
  ArrayType type;
  AffineMap map;
  ArrayRef<int64_t> domain;

  LogicalResult verify(bool mayBeOutside) const {
    if (map.getNumDims() != domain.size() || map.getNumSymbols() != 0 || map.getNumResults() != type.getRank())
      return fault() << "has type " << type << " and map " << AffineMapAttr::get(map) << ", but expected "
                     << domain.size() << " dims and a position for each extent [indexed_c2]";
    for (auto [extent, position] : llvm::zip(type.getShape(), map.getResults()))
      if (failed(extent < 0 ? verifyMarked(extent, position, mayBeOutside)
                            : verifyFixed(extent, position, mayBeOutside)))
        return failure();
    return success();
  }

  InFlightDiagnostic fault() const { return op->emitOpError() << role << " #" << index << " "; }

private:
  /// Time meets time and samples meet samples; both stand alone, time with a constant shift at most. Steps and samples
  /// are as many in each array, so only a shift leads outside.
  LogicalResult verifyMarked(int64_t extent, AffineExpr position, bool mayBeOutside) const {
    AffineExpr base = position;
    if (auto sum = dyn_cast<AffineBinaryOpExpr>(position); sum && extent == ArrayType::kTime &&
                                                           sum.getKind() == AffineExprKind::Add &&
                                                           isa<AffineConstantExpr>(sum.getRHS()))
      base = sum.getLHS();
    auto dim = dyn_cast<AffineDimExpr>(base);
    if (!dim || domain[dim.getPosition()] != extent)
      return fault() << "has a time or sample extent that is not that of the domain [indexed_c4]";
    if (base != position && !mayBeOutside)
      return fault() << "is outside at the first or last step [indexed_c5]";
    return success();
  }

  LogicalResult verifyFixed(int64_t extent, AffineExpr position, bool mayBeOutside) const {
    for (auto [dim, size] : llvm::enumerate(domain))
      if (size < 0 && position.isFunctionOfDim(dim))
        return fault() << "is placed by time or the sample along an extent of " << extent << " [indexed_c4]";
    std::optional<Bounds> bounds = boundsOf(position, domain);
    if (!bounds)
      return fault() << "has a position that is no sum of multiples, floordiv and mod [indexed_c3]";
    if (!mayBeOutside && (bounds->low < 0 || bounds->high >= extent))
      return fault() << "has positions from " << bounds->low << " to " << bounds->high << " along an extent of "
                     << extent << " [indexed_c5]";
    return success();
  }
};

/// A scalar body: an argument for each input, arithmetic, and a yield.
LogicalResult verifyBody(Operation *op, Region &region, ValueRange inputs, TypeRange yielded) {
  Block &block = region.front();
  if (block.getNumArguments() != inputs.size())
    return op->emitOpError() << "has a body of " << block.getNumArguments()
                             << " arguments, but expected one for each of " << inputs.size() << " inputs [body_c1]";
  for (auto [index, argument, input] : llvm::enumerate(block.getArguments(), inputs))
    if (Type expected = cast<ArrayType>(input.getType()).scalarType(); argument.getType() != expected)
      return op->emitOpError() << "body argument #" << index << " has type " << argument.getType() << ", but expected "
                               << expected << " [body_c1]";
  if (TypeRange(block.getTerminator()->getOperandTypes()) != yielded)
    return op->emitOpError() << "body must yield values of types " << yielded << " [body_c2]";
  size_t rank = cast<IndexedOpInterface>(op).getDomain().size();
  WalkResult walked = region.walk([&](Operation *inner) -> WalkResult {
    bool isScalar = isa<IndexOp, RandomOp, DetachOp, CustomVjpOp, YieldOp>(inner) ||
                    (isa<arith::ArithDialect, math::MathDialect>(inner->getDialect()) && isPure(inner));
    if (!isScalar || !llvm::all_of(inner->getResultTypes(), [](Type type) { return type.isIntOrFloat(); }))
      return inner->emitOpError("does not work on single elements, as everything in a body [body_c3]");
    if (auto index = dyn_cast<IndexOp>(inner); index && index.getDim() >= rank && int64_t(index.getDim()) >= 0)
      return index.emitOpError() << "counts along dim " << index.getDim() << " of a domain of " << rank << " [body_c4]";
    return WalkResult::advance();
  });
  return failure(walked.wasInterrupted());
}

} // namespace

LogicalResult verifyIndexedOp(Operation *op) {
  auto indexed = cast<IndexedOpInterface>(op);
  ArrayRef<int64_t> domain = indexed.getDomain(), along = indexed.getAlong();
  if (llvm::count(domain, ArrayType::kTime) > 1 || llvm::count(domain, ArrayType::kSample) > 1 ||
      llvm::any_of(domain, [](int64_t extent) { return extent == 0 || extent < ArrayType::kTime; }))
    return op->emitOpError("has a domain with more than one time or sample extent, or one of 0 [indexed_c1]");
  int64_t points = 1; // of a sample and a step; passes multiply them
  for (int64_t extent : domain)
    if (llvm::MulOverflow(points, std::max<int64_t>(extent, 1), points) || points > kMaxPoints)
      return op->emitOpError("has a domain of too many points: at most 2^40 for a sample and step [indexed_c1]");
  for (auto [position, dim] : llvm::enumerate(along))
    if (dim < 0 || dim >= int64_t(domain.size()) || llvm::is_contained(along.take_front(position), dim))
      return op->emitOpError() << "sums along dim " << dim
                               << ", which the domain does not have or which stands twice [indexed_c1]";

  SmallVector<AffineMap> reads = indexed.getReadMaps(), writes = indexed.getWriteMaps();
  if (reads.size() != op->getNumOperands() || writes.size() != op->getNumResults())
    return op->emitOpError() << "has " << reads.size() << " maps for " << op->getNumOperands() << " inputs and "
                             << writes.size() << " for " << op->getNumResults() << " results [indexed_c2]";
  for (auto [index, type, map] : llvm::enumerate(op->getOperandTypes(), reads)) {
    Access read{op, "input", unsigned(index), cast<ArrayType>(type), map, domain};
    if (failed(read.verify(indexed.mayReadOutside(index))))
      return failure();
  }
  for (auto [index, type, map] : llvm::enumerate(op->getResultTypes(), writes)) {
    Access write{op, "result", unsigned(index), cast<ArrayType>(type), map, domain};
    if (failed(write.verify(/*mayBeOutside=*/true)))
      return failure();
    if (WriteAnalysis analysis = WriteAnalysis::of(map, domain, along); !analysis.fault.empty())
      return write.fault() << "is written by a map in which " << analysis.fault << " [indexed_c6]";
  }
  return success();
}

SmallVector<Value> cloneBody(OpBuilder &builder, Block &body, ValueRange arguments) {
  IRMapping mapping;
  mapping.map(body.getArguments(), arguments);
  for (Operation &op : body.without_terminator())
    builder.clone(op, mapping);
  return llvm::map_to_vector(body.getTerminator()->getOperands(),
                             [&](Value value) { return mapping.lookupOrDefault(value); });
}

Operation *withResults(Operation *op, unsigned position, TypeRange types) {
  SmallVector<Type> all(op->getResultTypes());
  all.insert(all.begin() + position, types.begin(), types.end());
  OperationState state(op->getLoc(), op->getName(), op->getOperands(), all, op->getAttrs());
  for (Region &region : op->getRegions())
    state.addRegion()->takeBody(region);
  Operation *wider = OpBuilder(op).create(state);
  for (auto [number, result] : llvm::enumerate(op->getResults()))
    result.replaceAllUsesWith(wider->getResult(number < position ? number : number + types.size()));
  op->erase();
  return wider;
}

ScanOp withStacked(ScanOp scan, ValueRange values) {
  const unsigned position = scan.getStacked().size();
  scan.getYield().getStackedMutable().append(values);
  scan.getProperties().resultSegmentSizes[0] += values.size();
  return cast<ScanOp>(withResults(scan, position, llvm::map_to_vector(values.getTypes(), [](Type type) -> Type {
                                    return cast<ArrayType>(type).overTime();
                                  })));
}

/// A body with an argument for each input, as `make` writes it.
static void addBody(OpBuilder &builder, OperationState &state, ValueRange inputs, BodyBuilder make) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> types;
  for (Value input : inputs)
    types.push_back(cast<ArrayType>(input.getType()).scalarType());
  Block *block = builder.createBlock(state.addRegion(), {}, types, SmallVector<Location>(types.size(), state.location));
  ImplicitLocOpBuilder b(state.location, builder);
  b.setInsertionPointToEnd(block);
  SmallVector<Value> values = make(b, block->getArguments());
  YieldOp::create(b, values);
}

void MapOp::build(OpBuilder &builder, OperationState &state, TypeRange outputs, ValueRange inputs,
                  ArrayRef<int64_t> domain, ArrayRef<AffineMap> reads, ArrayRef<AffineMap> writes, ArrayAttr absent,
                  BodyBuilder body) {
  state.addOperands(inputs);
  state.addTypes(outputs);
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.domain = builder.getDenseI64ArrayAttr(domain);
  properties.reads = builder.getAffineMapArrayAttr(reads);
  properties.writes = builder.getAffineMapArrayAttr(writes);
  properties.absent = absent;
  addBody(builder, state, inputs, body);
}

void MapOp::build(OpBuilder &builder, OperationState &state, ArrayType output, ValueRange inputs, BodyBuilder body) {
  AffineMap identity = AffineMap::getMultiDimIdentityMap(output.getRank(), builder.getContext());
  build(builder, state, TypeRange(output), inputs, output.getShape(), SmallVector<AffineMap>(inputs.size(), identity),
        identity, ArrayAttr(), body);
}

void FoldOp::build(OpBuilder &builder, OperationState &state, Type value, ValueRange inputs, ArrayRef<int64_t> domain,
                   ArrayRef<int64_t> along, ArrayRef<AffineMap> reads, AffineMap write, BodyBuilder body) {
  state.addOperands(inputs);
  state.addTypes(value);
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.kind = FoldKindAttr::get(builder.getContext(), FoldKind::Add);
  properties.domain = builder.getDenseI64ArrayAttr(domain);
  properties.along = builder.getDenseI64ArrayAttr(along);
  properties.reads = builder.getAffineMapArrayAttr(reads);
  properties.write = AffineMapAttr::get(write);
  addBody(builder, state, inputs, body);
}

void ContractOp::build(OpBuilder &builder, OperationState &state, Type result, Value lhs, Value rhs,
                       ArrayRef<int64_t> domain, ArrayRef<int64_t> along, AffineMap lhsRead, AffineMap rhsRead,
                       AffineMap write) {
  build(builder, state, result, lhs, rhs, builder.getDenseI64ArrayAttr(domain), builder.getDenseI64ArrayAttr(along),
        builder.getAffineMapArrayAttr({lhsRead, rhsRead}), AffineMapAttr::get(write), /*order=*/nullptr);
}

ArrayRef<int64_t> MapOp::getAlong() { return {}; }
bool MapOp::onlyMoves() {
  Block &body = getBody().front();
  return getInputs().size() == 1 && getOutputs().size() == 1 && !getAbsent() &&
         body.getTerminator()->getOperand(0) == body.getArgument(0);
}
SmallVector<AffineMap> MapOp::getWriteMaps() { return llvm::to_vector(getWrites().getAsValueRange<AffineMapAttr>()); }
bool MapOp::mayReadOutside(unsigned index) {
  return getAbsent() && index < getAbsent()->size() && !isa<UnitAttr>((*getAbsent())[index]);
}

LogicalResult MapOp::verify() {
  if (!getAbsent())
    return success();
  if (getAbsent()->size() != getInputs().size())
    return emitOpError() << "has " << getAbsent()->size() << " values for absent elements of " << getInputs().size()
                         << " inputs [map_c1]";
  for (auto [index, attribute, input] : llvm::enumerate(*getAbsent(), getInputs())) {
    auto typed = dyn_cast<TypedAttr>(attribute);
    Type expected = cast<ArrayType>(input.getType()).scalarType();
    if (!isa<UnitAttr>(attribute) && (!typed || typed.getType() != expected))
      return emitOpError() << "has " << attribute << " for absent elements of input #" << index
                           << ", but expected unit or a value of type " << expected << " [map_c1]";
  }
  return success();
}

LogicalResult MapOp::verifyRegions() {
  SmallVector<Type> types;
  for (Value output : getOutputs())
    types.push_back(cast<ArrayType>(output.getType()).scalarType());
  return verifyBody(*this, getBody(), getInputs(), types);
}

bool reducesTime(IndexedOpInterface op) {
  return llvm::any_of(op.getAlong(), [&](int64_t dim) { return op.getDomain()[dim] == ArrayType::kTime; });
}

bool keepsToStep(IndexedOpInterface op) {
  auto isOwnStep = [](Value value, AffineMap map) {
    const int64_t time = cast<ArrayType>(value.getType()).timeDim();
    return time < 0 || isa<AffineDimExpr>(map.getResult(time)); // else shifted
  };
  auto areOwn = [&](auto values, ArrayRef<AffineMap> maps) {
    return llvm::all_of(llvm::zip_equal(values, maps),
                        [&](auto pair) { return isOwnStep(std::get<0>(pair), std::get<1>(pair)); });
  };
  if (!areOwn(op->getOperands(), op.getReadMaps()) || !areOwn(op->getResults(), op.getWriteMaps()))
    return false;
  if (!reducesTime(op))
    return true;
  auto fold = dyn_cast<FoldOp>(op.getOperation());
  auto order = op->getAttrOfType<OrderAttr>("order");
  ArrayRef<int64_t> along = op.getAlong();
  const unsigned first = op.reducesSamples() ? 1 : 0;
  return (!fold || fold.getKind() == FoldKind::Add) && order && order.getDescending() && order.getLanes() == 1 &&
         first < along.size() && op.getDomain()[along[first]] == ArrayType::kTime;
}

/// The order of a sum fits the dims that are summed.
static LogicalResult verifyOrder(IndexedOpInterface op, std::optional<OrderAttr> order) {
  if (!order)
    return success();
  auto isTime = [&](int64_t dim) { return op.getDomain()[dim] == ArrayType::kTime; };
  ArrayRef<int64_t> along = op.getAlong();
  const bool overTime = llvm::any_of(along, isTime), overSamples = op.reducesSamples();
  if (overSamples != (order->getRun() > 0))
    return op->emitOpError("has an order with runs if and only if it sums over samples [order_c4]");
  if (overSamples && (op.getDomain()[along.front()] != ArrayType::kSample ||
                      (overTime && (!isTime(along[1]) || !order->getDescending()))))
    return op->emitOpError("sums over samples, which come first, then descending time, then the rest [order_c4]");
  if (order->getDescending() && !overTime)
    return op->emitOpError("has an order in which time descends, but does not sum over time [order_c5]");
  return success();
}

LogicalResult FoldOp::verify() {
  bool hasWinner = bool(getWinner());
  if (hasWinner == (getKind() == FoldKind::Add) ||
      (hasWinner && getWinner().getType() != getValue().getType().withElement(IntegerType::get(getContext(), 32))))
    return emitOpError("of max and min has a winner, i32 for each element, and add has none [fold_c1]");
  if (getValue().getType().getElementType().isInteger(1)) {
    if (!hasWinner)
      return emitOpError("of add sums reals, and spikes are none [fold_c4]");
    if (!llvm::all_of(llvm::zip_equal(getInputs(), getReadMaps()), [&](auto pair) {
          auto [input, read] = pair;
          return isInside(read, getDomain(), cast<ArrayType>(input.getType()).getShape());
        }))
      return emitOpError(
          "gives a spike where no point may have a term: that is an infinity, which no spike is [fold_c4]");
  }
  if (getKind() != FoldKind::Add && getOrder())
    return emitOpError("of max and min has no order but that of its dims [fold_c2]");
  if (hasWinner && llvm::any_of(getAlong().drop_front(getAlong().empty() ? 0 : 1),
                                [&](int64_t dim) { return getDomain()[dim] < 0; }))
    return emitOpError("numbers its winners by dims of which only the first may be time or the sample [fold_c3]");
  return verifyOrder(*this, getOrder());
}

LogicalResult FoldOp::verifyRegions() {
  return verifyBody(*this, getBody(), getInputs(), getValue().getType().getElementType());
}

LogicalResult ContractOp::verify() {
  Type real = getResult().getType().getElementType();
  for (TypedValue<ArrayType> factor : {getLhs(), getRhs()})
    if (Type element = factor.getType().getElementType();
        element != real && !element.isInteger(1) && !element.isUnsignedInteger(8))
      return emitOpError() << "multiplies " << element << " for a result of " << real
                           << ", but expected factors of the result's type, spikes or bytes [contract_c1]";
  return verifyOrder(*this, getOrder());
}

} // namespace snn::core
