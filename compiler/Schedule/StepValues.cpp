// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See StepValues.h.

#include "compiler/Schedule/StepValues.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace snn::core {

static AffineMap identity(MLIRContext *context, unsigned dims) {
  return AffineMap::getMultiDimIdentityMap(dims, context);
}

AffineMap atOneStep(AffineMap map, bool overTime) {
  SmallVector<AffineExpr> dims{getAffineConstantExpr(0, map.getContext())};
  for (unsigned dim = 0; dim + 1 < map.getNumDims(); ++dim)
    dims.push_back(getAffineDimExpr(dim, map.getContext()));
  return (overTime ? map.dropResult(0) : map).replaceDimsAndSymbols(dims, {}, map.getNumDims() - 1, 0);
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
  if ((overTime ? read.dropResult(0) : read).isFunctionOfDim(0))
    return {};
  return atOneStep(read, overTime);
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
  ++scan.getProperties().resultSegmentSizes[1];
  scan = cast<ScanOp>(withResults(scan, scan.getNumResults(), before.getType()));
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
  scan = withStacked(scan, value);
  return scan.getStacked().back();
}

/// An op of `body` that is `op` with `operands`; null if there is none.
static Operation *findEqual(Operation *op, ArrayRef<Value> operands, Block &body) {
  auto isEqual = [&](Operation *other) {
    return other->getBlock() == &body && other->getName() == op->getName() && other->getAttrs() == op->getAttrs() &&
           other->getResultTypes() == op->getResultTypes() && llvm::equal(other->getOperands(), operands);
  };
  if (operands.empty()) { // constants
    auto found = llvm::find_if(body, [&](Operation &other) { return isEqual(&other); });
    return found == body.end() ? nullptr : &*found;
  }
  auto users = operands.front().getUsers();
  auto found = llvm::find_if(users, isEqual);
  return found == users.end() ? nullptr : *found;
}

const IRMapping &StepValues::scalarsOf(MapOp host) {
  Block &body = host.getBody().front();
  auto [entry, isNew] = known.try_emplace(&body);
  IRMapping &scalars = entry->second;
  if (!isNew || host.getAbsent() || host.getDomain() != reader.getDomain())
    return scalars;
  for (BlockArgument leaf : reader.getBody().getArguments()) {
    Value whole = reader.wholeOf(leaf), wanted = whole ? inside(whole) : Value();
    for (auto [input, read, argument] : llvm::zip_equal(host.getInputs(), host.getReadMaps(), body.getArguments()))
      if (wanted && input == wanted && read == reader.readOf(leaf))
        scalars.map(leaf, argument);
  }
  for (Operation &op : reader.getBody().without_terminator()) {
    SmallVector<Value> operands;
    for (Value operand : op.getOperands())
      operands.push_back(scalars.lookupOrNull(operand));
    if (op.getNumResults() == 1 && op.getNumRegions() == 0 && !llvm::is_contained(operands, Value()))
      if (Operation *equal = findEqual(&op, operands, body))
        scalars.map(op.getResult(0), equal->getResult(0));
  }
  return scalars;
}

/// What a scalar is made of, itself the last, in an order in which it can be made.
static llvm::SetVector<Value> sourcesOf(Value scalar) {
  llvm::SetVector<Value> sources;
  SmallVector<Value> pending{scalar};
  while (!pending.empty()) {
    Value value = pending.back();
    bool waits = false;
    if (Operation *op = value.getDefiningOp())
      for (Value operand : op->getOperands())
        if (!sources.contains(operand)) {
          pending.push_back(operand);
          waits = true;
        }
    if (waits)
      continue;
    sources.insert(value);
    pending.pop_back();
  }
  return sources;
}

/// The last of `sources`, in another body, which `scalars` says what it has of.
static Value makeScalar(const llvm::SetVector<Value> &sources, OpBuilder &builder, IRMapping &scalars) {
  for (Value value : sources)
    if (Operation *op = value.getDefiningOp(); op && !scalars.contains(value))
      builder.clone(*op, scalars);
  return scalars.lookup(sources.back());
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
  return withResults(map, map.getNumResults(), arrayType(map.getDomain(), value))->getResults().back();
}

Value StepValues::find(Value scalar) {
  for (auto host : scan.getBody().front().getOps<MapOp>())
    if (Value value = scalarsOf(host).lookupOrNull(scalar))
      if (Value result = findResult(host, value))
        return result;
  return {};
}

Value StepValues::make(Value scalar) {
  const llvm::SetVector<Value> sources = sourcesOf(scalar);
  SmallVector<BlockArgument> leaves;
  for (Value source : sources)
    if (auto leaf = dyn_cast<BlockArgument>(source))
      leaves.push_back(leaf);
  for (auto host : scan.getBody().front().getOps<MapOp>()) {
    IRMapping scalars = scalarsOf(host);
    if (!llvm::all_of(leaves, [&](Value leaf) { return scalars.contains(leaf); }))
      continue;
    OpBuilder builder(host.getBody().front().getTerminator());
    Value value = makeScalar(sources, builder, scalars);
    Value result = findResult(host, value);
    return result ? result : addResult(host, value);
  }
  SmallVector<Value> inputs;
  SmallVector<AffineMap> reads;
  for (BlockArgument leaf : leaves) {
    inputs.push_back(inside(reader.wholeOf(leaf)));
    reads.push_back(reader.readOf(leaf));
  }
  OpBuilder builder(scan.getYield());
  ArrayRef<int64_t> domain = reader.getDomain();
  return MapOp::create(builder, reader.getOp()->getLoc(), TypeRange(arrayType(domain, scalar)), inputs, domain, reads,
                       ArrayRef<AffineMap>{identity(scan.getContext(), domain.size())}, ArrayAttr(),
                       [&](ImplicitLocOpBuilder &b, ValueRange arguments) {
                         IRMapping scalars;
                         for (auto [leaf, argument] : llvm::zip_equal(leaves, arguments))
                           scalars.map(leaf, argument);
                         return SmallVector<Value>{makeScalar(sources, b, scalars)};
                       })
      .getResult(0);
}

} // namespace snn::core
