// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Verifiers of scan, batch_map, segments, custom_vjp and what stands in scalar bodies.

#include "dialect/core/CoreDialect.h"

using namespace mlir;

namespace snn::core {
namespace {

/// What an operand or result is in the body.
LogicalResult matchTypes(Operation *op, StringRef group, unsigned index, Type found, Type expected, StringRef label) {
  if (found == expected)
    return success();
  return op->emitOpError() << group << " #" << index << " has type " << found << " in the body, but expected "
                           << expected << " [" << label << "]";
}

LogicalResult matchArguments(Operation *op, ArrayRef<Type> expected, StringRef label) {
  Block &body = op->getRegion(0).front();
  if (body.getNumArguments() != expected.size())
    return op->emitOpError() << "body has " << body.getNumArguments() << " arguments, but expected one for each of "
                             << expected.size() << " operands [" << label << "]";
  for (auto [index, found, type] : llvm::enumerate(body.getArgumentTypes(), expected))
    if (failed(matchTypes(op, "operand", index, found, type, label)))
      return failure();
  return success();
}

/// Reals have gradients of their type, spikes and their like of a real one.
bool isGradientOf(Type gradient, Type type) {
  auto array = dyn_cast<ArrayType>(type), gradientArray = dyn_cast<ArrayType>(gradient);
  if (bool(array) != bool(gradientArray) || (array && array.getShape() != gradientArray.getShape()))
    return false;
  Type element = array ? array.getElementType() : type;
  Type real = array ? gradientArray.getElementType() : gradient;
  return isa<FloatType>(element) ? element == real : isa<FloatType>(real);
}

bool isOverTime(Type type) {
  auto array = dyn_cast<ArrayType>(type);
  return array && array.timeDim() >= 0;
}

} // namespace

StepOp ScanOp::getYield() { return cast<StepOp>(getBody().front().getTerminator()); }
Block::BlockArgListType ScanOp::getSlicedArgs() { return getBody().getArguments().take_front(getSliced().size()); }
Block::BlockArgListType ScanOp::getInvariantArgs() {
  return getBody().getArguments().slice(getSliced().size(), getInvariant().size());
}
Block::BlockArgListType ScanOp::getCarryArgs() { return getBody().getArguments().take_back(getInit().size()); }

LogicalResult ScanOp::verifyRegions() {
  StepOp step = getYield();
  SmallVector<Type> arguments(getOperandTypes());
  for (auto [index, type] : llvm::enumerate(getSliced().getTypes())) {
    if (cast<ArrayType>(type).timeDim() != 0)
      return emitOpError() << "sliced operand #" << index << " has type " << type
                           << ", but expected time as its first extent [scan_c1]";
    arguments[index] = cast<ArrayType>(type).atOneStep();
  }
  if (failed(matchArguments(*this, arguments, "scan_c2")))
    return failure();
  if (step.getStacked().size() != getStacked().size() || step.getNext().size() != getInit().size() ||
      getFinals().size() != getInit().size())
    return emitOpError() << "yields " << step.getStacked().size() << " stacked and " << step.getNext().size()
                         << " next values, but has " << getStacked().size() << " stacked results and "
                         << getInit().size() << " carries [scan_c3]";
  for (auto [index, value, result] : llvm::enumerate(step.getStacked(), getStacked()))
    if (cast<ArrayType>(value.getType()).overTime() != result.getType())
      return emitOpError() << "stacked result #" << index << " has type " << result.getType() << ", but expected "
                           << cast<ArrayType>(value.getType()).overTime() << " [scan_c4]";
  for (auto [index, value, init, result] : llvm::enumerate(step.getNext(), getInit(), getFinals()))
    if (failed(matchTypes(*this, "carry", index, value.getType(), init.getType(), "scan_c5")) ||
        failed(matchTypes(*this, "carry", index, result.getType(), init.getType(), "scan_c5")))
      return failure();
  if (llvm::any_of(arguments, isOverTime))
    return emitOpError("has a value with a time extent in its body, which is one step [scan_c6]");
  for (Operation &op : getBody().front().without_terminator()) {
    if (isa<ScanOp, BatchMapOp, SegmentsOp>(op))
      return op.emitOpError("cannot stand in the body of a scan, which is one step [scan_c7]");
    if (auto indexed = dyn_cast<IndexedOpInterface>(op);
        indexed && llvm::is_contained(indexed.getDomain(), ArrayType::kTime))
      return op.emitOpError("goes through time in the body of a scan, which is one step [scan_c6]");
    if (llvm::any_of(op.getResultTypes(), isOverTime))
      return op.emitOpError("gives a value with a time extent in the body of a scan, which is one step [scan_c6]");
  }
  return success();
}

PartsOp BatchMapOp::getYield() { return cast<PartsOp>(getBody().front().getTerminator()); }

LogicalResult BatchMapOp::verifyRegions() {
  PartsOp parts = getYield();
  if (failed(matchArguments(*this, llvm::to_vector(getOperandTypes()), "batch_map_c1")))
    return failure();
  if (parts.getConcat().size() != getConcat().size() || parts.getSum().size() != getSum().size())
    return emitOpError() << "yields " << parts.getConcat().size() << " concat and " << parts.getSum().size()
                         << " sum values, but has " << getConcat().size() << " and " << getSum().size()
                         << " results [batch_map_c2]";
  for (auto [index, value, result] : llvm::enumerate(parts.getOperands(), getResults()))
    if (failed(matchTypes(*this, "result", index, value.getType(), result.getType(), "batch_map_c2")))
      return failure();
  auto hasSamples = [](Value value) { return cast<ArrayType>(value.getType()).sampleDim() >= 0; };
  for (auto [index, value] : llvm::enumerate(getOperands()))
    if (hasSamples(value) != (index < getSharded().size()))
      return emitOpError() << "operand #" << index << " has type " << value.getType()
                           << ", but expected a sample extent in all sharded operands and in no other [batch_map_c3]";
  for (Value value : parts.getConcat())
    if (!hasSamples(value))
      return emitOpError() << "has a concat result of type " << value.getType()
                           << ", which has no samples [batch_map_c3]";
  WalkResult scans = getBody().walk([&](ScanOp scan) -> WalkResult {
    for (auto inner : scan.getBody().getOps<IndexedOpInterface>())
      if (inner.reducesSamples())
        return inner->emitOpError("sums over samples at a step of a phase, which has but some of them [batch_map_c4]");
    return WalkResult::skip();
  });
  if (scans.wasInterrupted())
    return failure();
  for (Value value : parts.getSum()) {
    auto reduction = dyn_cast_if_present<IndexedOpInterface>(reductionOf(value));
    if (!reduction || !reduction.reducesSamples())
      return emitOpError() << "has a sum result of type " << value.getType()
                           << " that no op of the body reduces over samples [batch_map_c4]";
  }
  for (Operation &inner : getBody().front().without_terminator())
    for (OpResult result : inner.getResults()) {
      auto reduction = dyn_cast_if_present<IndexedOpInterface>(reductionOf(result));
      if (reduction && reduction.reducesSamples() &&
          llvm::any_of(result.getUsers(), [&](Operation *user) { return user != parts; }))
        return inner.emitOpError("is used in the phase that reduces it over the samples [batch_map_c4]");
    }
  if (!getBody().getOps<BatchMapOp>().empty())
    return emitOpError("holds another phase [batch_map_c5]");
  return success();
}

SegmentOp SegmentsOp::getYield() { return cast<SegmentOp>(getBody().front().getTerminator()); }
Block::BlockArgListType SegmentsOp::getCutArgs() { return getBody().getArguments().take_front(getCut().size()); }
Block::BlockArgListType SegmentsOp::getInvariantArgs() {
  return getBody().getArguments().slice(getCut().size(), getInvariant().size());
}
Block::BlockArgListType SegmentsOp::getCarryArgs() { return getBody().getArguments().take_back(getInit().size()); }

Operation *reductionOf(Value sum) {
  Operation *op = sum.getDefiningOp();
  auto segments = dyn_cast_if_present<SegmentsOp>(op);
  if (!segments)
    return isa_and_present<IndexedOpInterface>(op) ? op : nullptr;
  const unsigned number = cast<OpResult>(sum).getResultNumber();
  SegmentOp yield = segments.getYield();
  return yield.isSum(number) ? yield->getOperand(number).getDefiningOp() : nullptr;
}

LogicalResult SegmentsOp::verifyRegions() {
  SegmentOp yield = getYield();
  auto partOf = [](Type type) {
    auto checkpoints = dyn_cast<CheckpointsType>(type);
    return checkpoints ? Type(checkpoints.getArray()) : type;
  };
  if (failed(matchArguments(*this, llvm::map_to_vector(getOperandTypes(), partOf), "segments_c1")))
    return failure();
  for (auto [index, value] : llvm::enumerate(getOperands()))
    if ((isOverTime(value.getType()) || isa<CheckpointsType>(value.getType())) != (index < getCut().size()))
      return emitOpError() << "operand #" << index << " has type " << value.getType()
                           << ", but expected time or checkpoints in all cut operands and in no other [segments_c2]";
  if (yield.getStacked().size() != getStacked().size() || yield.getSum().size() != getSum().size() ||
      yield.getNext().size() != getInit().size() || getFinals().size() != getInit().size())
    return emitOpError() << "yields " << yield.getStacked().size() << " stacked, " << yield.getSum().size()
                         << " sum and " << yield.getNext().size() << " next values, but has " << getStacked().size()
                         << ", " << getSum().size() << " and " << getFinals().size() << " results for "
                         << getInit().size() << " carries [segments_c3]";
  for (auto [index, value, result] : llvm::enumerate(yield.getStacked(), getStacked())) {
    auto type = cast<ArrayType>(value.getType());
    Type expected = isOverTime(type) ? Type(type) : CheckpointsType::of(type);
    if (failed(matchTypes(*this, "stacked result", index, result.getType(), expected, "segments_c4")))
      return failure();
  }
  for (auto [index, value, result] : llvm::enumerate(yield.getSum(), getSum())) {
    auto reduction = value.getDefiningOp<IndexedOpInterface>();
    if (failed(matchTypes(*this, "sum", index, value.getType(), result.getType(), "segments_c4")))
      return failure();
    if (!reduction || !reducesTime(reduction) || !value.hasOneUse() || !getReverse())
      return emitOpError()
             << "has a sum result of type " << result.getType()
             << ", but expected one that an op of the body sums over time, used nowhere else, in segments "
                "that go from the last to the first [segments_c5]";
  }
  for (auto [index, value, init, result] : llvm::enumerate(yield.getNext(), getInit(), getFinals()))
    if (failed(matchTypes(*this, "carry", index, value.getType(), init.getType(), "segments_c4")) ||
        failed(matchTypes(*this, "carry", index, result.getType(), init.getType(), "segments_c4")))
      return failure();
  for (Operation &op : getBody().front().without_terminator()) {
    if (auto scan = dyn_cast<ScanOp>(op)) {
      if (scan.getReverse() != getReverse() &&
          !llvm::all_of(scan.getFinals(), [](Value last) { return last.use_empty(); }))
        return op.emitOpError("gives a last carry against the direction of the segments [segments_c6]");
      continue;
    }
    auto indexed = dyn_cast<IndexedOpInterface>(op);
    if (!indexed)
      return op.emitOpError("has no place in a segment of time [segments_c6]");
    const bool isSum = op.getNumResults() > 0 && llvm::is_contained(yield.getSum(), op.getResult(0));
    if (!keepsToStep(indexed) || reducesTime(indexed) != isSum || (indexed.reducesSamples() && !isSum))
      return op.emitOpError("needs more of time than the step it is at, or sums over it for nobody [segments_c6]");
  }
  if (getLength() && (*getLength() < 1 || *getLength() > (int64_t(1) << 20)))
    return emitOpError() << "has segments of " << *getLength() << " steps, expected 1 to 2^20 [segments_c7]";
  return success();
}

LogicalResult CustomVjpOp::verifyRegions() {
  auto yields = [](Region &region) { return cast<YieldOp>(region.front().getTerminator()); };
  YieldOp value = yields(getValue()), gradient = yields(getVjp());
  if (TypeRange(getValue().getArgumentTypes()) != TypeRange(getInputs().getTypes()) ||
      TypeRange(value.getValues().getTypes()) != TypeRange(getOutputs().getTypes()))
    return emitOpError("has a value region of other types than its operands and results [custom_vjp_c1]");
  size_t inputs = getInputs().size(), outputs = getOutputs().size();
  TypeRange types = getVjp().getArgumentTypes();
  if (getVjp().getNumArguments() != inputs + 2 * outputs ||
      types.take_front(inputs) != TypeRange(getInputs().getTypes()) ||
      types.slice(inputs, outputs) != TypeRange(getOutputs().getTypes()) || gradient.getValues().size() != inputs ||
      llvm::any_of(llvm::zip(getOutputs(), types.drop_front(inputs + outputs)),
                   [&](auto pair) { return !isGradientOf(std::get<1>(pair), std::get<0>(pair).getType()); }) ||
      llvm::any_of(llvm::zip(getInputs(), gradient.getValues()),
                   [&](auto pair) { return !isGradientOf(std::get<1>(pair).getType(), std::get<0>(pair).getType()); }))
    return emitOpError(
        "has a vjp region that does not take operands, results and their gradients and give one gradient "
        "for each operand [custom_vjp_c2]");
  return success();
}

} // namespace snn::core
