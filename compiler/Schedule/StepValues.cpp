// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See StepValues.h.

#include "compiler/Schedule/StepValues.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace snn::core {

static AffineMap identity(MLIRContext *context, unsigned dims) {
  return AffineMap::getMultiDimIdentityMap(dims, context);
}

/// `old` goes, and its results are the first ones of `larger` in their groups.
template <typename OpTy> static OpTy replaceBy(OpTy old, TypeRange types, unsigned before) {
  auto larger = cast<OpTy>(withResultTypes(old, types));
  for (OpResult result : old->getResults())
    result.replaceAllUsesWith(larger->getResult(result.getResultNumber() + (result.getResultNumber() >= before)));
  old.erase();
  return larger;
}

StepReader::StepReader(MapOp map, ScanOp scan) : op(map), scan(scan), domain(map.getDomain()) {}

StepReader::StepReader(FoldOp fold) : op(fold), domain(fold.getDomain().drop_front()) {}

AffineMap StepReader::readOf(BlockArgument argument) const {
  AffineMap read = cast<IndexedOpInterface>(op).getReadMaps()[argument.getArgNumber()];
  if (scan)
    return read;
  const bool overTime = cast<ArrayType>(op->getOperand(argument.getArgNumber()).getType()).timeDim() == 0;
  if (overTime && read.getResult(0) != getAffineDimExpr(0, op->getContext()))
    return {};
  AffineMap rest = overTime ? read.dropResult(0) : read;
  if (rest.isFunctionOfDim(0))
    return {};
  SmallVector<AffineExpr> dims{getAffineConstantExpr(0, op->getContext())};
  for (unsigned dim = 0; dim + 1 < read.getNumDims(); ++dim)
    dims.push_back(getAffineDimExpr(dim, op->getContext()));
  return rest.replaceDimsAndSymbols(dims, {}, read.getNumDims() - 1, 0);
}

Value StepReader::wholeOf(BlockArgument argument) const {
  Value input = op->getOperand(argument.getArgNumber());
  if (!scan)
    return input;
  auto inScan = dyn_cast<BlockArgument>(input);
  ScanOp in = scan;
  const bool isState = !inScan || llvm::is_contained(in.getCarryArgs(), inScan);
  return isState ? Value() : in->getOperand(inScan.getArgNumber());
}

void StepReader::replace(Value scalar, Value value) {
  const unsigned dims = domain.size() + !scan;
  SmallVector<AffineMap> reads = cast<IndexedOpInterface>(op).getReadMaps();
  reads.push_back(identity(op->getContext(), dims));
  op->insertOperands(op->getNumOperands(), value);
  ArrayAttr attribute = Builder(op->getContext()).getAffineMapArrayAttr(reads);
  if (auto map = dyn_cast<MapOp>(op))
    map.setReadsAttr(attribute);
  else
    cast<FoldOp>(op).setReadsAttr(attribute);
  scalar.replaceAllUsesWith(getBody().addArgument(scalar.getType(), scalar.getLoc()));
}

Value StepReader::given(Value stacked) {
  if (!scan)
    return stacked;
  const unsigned position = scan.getSliced().size();
  scan.getSlicedMutable().append(stacked);
  return scan.getBody().front().insertArgument(position, cast<ArrayType>(stacked.getType()).atOneStep(),
                                               stacked.getLoc());
}

Value StepReader::carry(BlockArgument before, Value start) {
  scan.getInitMutable().append(start);
  Value behind = scan.getBody().front().addArgument(before.getType(), before.getLoc());
  scan.getYield().getNextMutable().append(before);
  SmallVector<Type> types(scan.getResultTypes());
  types.push_back(before.getType());
  ++scan.getProperties().resultSegmentSizes[1];
  scan = replaceBy(scan, types, types.size());
  return behind;
}

Value StepValues::inside(Value whole) {
  for (auto [operand, argument] :
       llvm::zip(llvm::drop_end(scan->getOperands(), scan.getInit().size()), scan.getBody().getArguments()))
    if (operand == whole)
      return argument;
  for (auto [result, value] : llvm::zip_equal(scan.getStacked(), scan.getYield().getStacked()))
    if (result == whole)
      return value;
  return {};
}

Value StepValues::findStacked(Value value) {
  for (auto [result, stacked] : llvm::zip_equal(scan.getStacked(), scan.getYield().getStacked()))
    if (stacked == value)
      return result;
  return {};
}

Value StepValues::stack(Value value) {
  if (Value known = findStacked(value))
    return known;
  const unsigned before = scan.getStacked().size();
  SmallVector<Type> types(scan.getStacked().getTypes());
  types.push_back(cast<ArrayType>(value.getType()).overTime());
  llvm::append_range(types, scan.getFinals().getTypes());
  scan.getYield().getStackedMutable().append(value);
  ++scan.getProperties().resultSegmentSizes[0];
  scan = replaceBy(scan, types, before);
  return scan.getStacked()[before];
}

/// The arguments that a scalar is made of.
static void collectLeaves(Value scalar, llvm::SetVector<Value> &leaves) {
  if (isa<BlockArgument>(scalar))
    leaves.insert(scalar);
  else
    for (Value operand : scalar.getDefiningOp()->getOperands())
      collectLeaves(operand, leaves);
}

/// Whether `host`, a map of the body, reads what the leaves of the reader's body stand for; as which arguments.
bool StepValues::findLeaves(MapOp host, const StepReader &reader, ArrayRef<Value> leaves, IRMapping &known) {
  if (host.getAbsent() || host.getDomain() != reader.getDomain())
    return false;
  for (Value leaf : leaves) {
    Value wanted = inside(reader.wholeOf(cast<BlockArgument>(leaf)));
    for (auto [input, read, argument] :
         llvm::zip_equal(host.getInputs(), host.getReadMaps(), host.getBody().getArguments()))
      if (input == wanted && read == reader.readOf(cast<BlockArgument>(leaf)))
        known.map(leaf, argument);
    if (!known.contains(leaf))
      return false;
  }
  return true;
}

/// What `body` has of the scalar of another body, with `known` in place of that one's arguments; null if nothing.
static Value findScalar(Value scalar, Block &body, IRMapping &known) {
  if (Value found = known.lookupOrNull(scalar))
    return found;
  Operation *op = scalar.getDefiningOp();
  if (!op)
    return {};
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(findScalar(operand, body, known));
    if (!operands.back())
      return {};
  }
  for (Operation &other : body)
    if (other.getName() == op->getName() && other.getAttrs() == op->getAttrs() &&
        other.getResultTypes() == op->getResultTypes() && llvm::equal(other.getOperands(), operands)) {
      known.map(scalar, other.getResult(0));
      return other.getResult(0);
    }
  return {};
}

/// The same, made where it is not found.
static Value makeScalar(Value scalar, Block &body, OpBuilder &builder, IRMapping &known) {
  if (Value found = findScalar(scalar, body, known))
    return found;
  Operation *op = scalar.getDefiningOp();
  for (Value operand : op->getOperands())
    makeScalar(operand, body, builder, known);
  return builder.clone(*op, known)->getResult(0);
}

static ArrayType arrayType(ArrayRef<int64_t> domain, Value scalar) {
  return ArrayType::get(scalar.getContext(), domain, scalar.getType());
}

/// The result of a map that is `value` of its body everywhere; null if none is.
static Value findResult(MapOp map, Value value) {
  auto yield = cast<YieldOp>(map.getBody().front().getTerminator());
  for (auto [result, yielded, write] : llvm::zip_equal(map.getOutputs(), yield.getValues(), map.getWriteMaps()))
    if (yielded == value && result.getType() == arrayType(map.getDomain(), value) && write.isIdentity())
      return result;
  return {};
}

static Value addResult(MapOp map, Value value) {
  auto yield = cast<YieldOp>(map.getBody().front().getTerminator());
  yield.getValuesMutable().append(value);
  SmallVector<AffineMap> writes = map.getWriteMaps();
  writes.push_back(identity(map.getContext(), map.getDomain().size()));
  map.setWritesAttr(Builder(map.getContext()).getAffineMapArrayAttr(writes));
  SmallVector<Type> types(map.getOutputs().getTypes());
  types.push_back(arrayType(map.getDomain(), value));
  return replaceBy(map, types, types.size()).getOutputs().back();
}

Value StepValues::find(const StepReader &reader, Value scalar) {
  llvm::SetVector<Value> leaves;
  collectLeaves(scalar, leaves);
  for (auto host : scan.getBody().front().getOps<MapOp>()) {
    IRMapping known;
    if (!findLeaves(host, reader, leaves.getArrayRef(), known))
      continue;
    Value value = findScalar(scalar, host.getBody().front(), known);
    if (Value result = value ? findResult(host, value) : Value())
      return result;
  }
  return {};
}

Value StepValues::make(const StepReader &reader, Value scalar) {
  llvm::SetVector<Value> leaves;
  collectLeaves(scalar, leaves);
  for (auto host : scan.getBody().front().getOps<MapOp>()) {
    IRMapping known;
    if (!findLeaves(host, reader, leaves.getArrayRef(), known))
      continue;
    Block &body = host.getBody().front();
    OpBuilder builder(body.getTerminator());
    Value value = makeScalar(scalar, body, builder, known);
    Value result = findResult(host, value);
    return result ? result : addResult(host, value);
  }
  SmallVector<Value> inputs;
  SmallVector<AffineMap> reads;
  for (Value leaf : leaves) {
    auto argument = cast<BlockArgument>(leaf);
    inputs.push_back(inside(reader.wholeOf(argument)));
    reads.push_back(reader.readOf(argument));
  }
  OpBuilder builder(scan.getYield());
  ArrayRef<int64_t> domain = reader.getDomain();
  return MapOp::create(builder, reader.getOp()->getLoc(), TypeRange(arrayType(domain, scalar)), inputs, domain, reads,
                       ArrayRef<AffineMap>{identity(scan.getContext(), domain.size())}, ArrayAttr(),
                       [&](ImplicitLocOpBuilder &b, ValueRange arguments) {
                         IRMapping known;
                         known.map(leaves.getArrayRef(), arguments);
                         return SmallVector<Value>{makeScalar(scalar, *b.getInsertionBlock(), b, known)};
                       })
      .getResult(0);
}

} // namespace snn::core
