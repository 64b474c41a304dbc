// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Verifiers of snn.batch_map and snn.scan. Constraint labels are those of the dialect's README.

#include "dialect/SnnDialect.h"

using namespace mlir;

namespace snn {
namespace {

/// An operand or result and the block argument or yielded value that stands for it in the body.
LogicalResult matchTypes(Operation *op, StringRef group, unsigned index, Type found, Type expected, StringRef label) {
  if (found == expected)
    return success();
  return op->emitOpError() << group << " #" << index << " has type " << found << " in the body, but expected "
                           << expected << " [" << label << "]";
}

/// [T, B, N] -> [B, N]
Type sliceOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getRank() < 1 ? type : RankedTensorType::get(tensor.getShape().drop_front(), tensor.getElementType());
}

/// [N] or [] -> [?, N]
Type spreadOf(Type type, int64_t neurons) {
  return RankedTensorType::get({ShapedType::kDynamic, neurons}, cast<RankedTensorType>(type).getElementType());
}

/// Spikes leave a scan as bits once they are packed: tensor<..xceil(N/16)xi16> stands for tensor<..xNxi1>.
bool isPackedForm(Type packed, Type spikes) {
  auto p = cast<RankedTensorType>(packed), s = dyn_cast<RankedTensorType>(spikes);
  return s && p.getElementType().isInteger(16) && s.getElementType().isInteger(1) && p.getRank() == s.getRank() &&
         p.getShape().drop_back() == s.getShape().drop_back() &&
         p.getShape().back() * kLanes == paddedWidth(s.getShape().back());
}

} // namespace

MapYieldOp BatchMapOp::getYield() { return cast<MapYieldOp>(getBody().front().getTerminator()); }
Block::BlockArgListType BatchMapOp::getShardedArgs() {
  return getBody().getArguments().take_front(getSharded().size());
}
Block::BlockArgListType BatchMapOp::getInvariantArgs() {
  return getBody().getArguments().drop_front(getSharded().size());
}

LogicalResult BatchMapOp::verify() {
  if (getBody().getNumArguments() != getNumOperands())
    return emitOpError() << "body has " << getBody().getNumArguments() << " arguments, but expected one for each of "
                         << getNumOperands() << " operands [batch_map_c1]";
  for (auto [index, arg, operand] : llvm::enumerate(getBody().getArguments(), getOperands()))
    if (failed(matchTypes(*this, "operand", index, arg.getType(), operand.getType(), "batch_map_c2")))
      return failure();
  auto yield = dyn_cast<MapYieldOp>(getBody().front().getTerminator());
  if (!yield)
    return emitOpError("body must end in snn.map_yield [batch_map_c3]");
  if (yield.getConcat().size() != getConcat().size() || yield.getSum().size() != getSum().size())
    return emitOpError() << "yields " << yield.getConcat().size() << " concat and " << yield.getSum().size()
                         << " sum values, but has " << getConcat().size() << " and " << getSum().size()
                         << " results [batch_map_c3]";
  for (auto [index, value, result] : llvm::enumerate(yield.getOperands(), getResults()))
    if (failed(matchTypes(*this, "result", index, value.getType(), result.getType(), "batch_map_c4")))
      return failure();
  auto isCount = [](std::optional<uint64_t> count) { return !count || (*count >= 1 && *count <= uint64_t(kMaxBatch)); };
  if (!isCount(getChunk()) || !isCount(getLanes()) || !isCount(getLaneSamples()))
    return emitOpError() << "chunk, lanes and lane_samples must be from 1 to " << kMaxBatch << " [batch_map_c5]";
  auto hasSamples = [](Value value) {
    return llvm::any_of(cast<RankedTensorType>(value.getType()).getShape(), ShapedType::isDynamic);
  };
  for (auto [index, result] : llvm::enumerate(getConcat()))
    if (!hasSamples(result))
      return emitOpError() << "concat result #" << index << " has type " << result.getType()
                           << ", which has no samples that could be put together [batch_map_c6]";
  for (auto [index, result] : llvm::enumerate(getSum()))
    if (cast<RankedTensorType>(result.getType()).getNumDynamicDims() != 0)
      return emitOpError() << "sum result #" << index << " has type " << result.getType()
                           << ", but expected fixed extents [batch_map_c7]";
  return success();
}

ScanYieldOp ScanOp::getYield() { return cast<ScanYieldOp>(getBody().front().getTerminator()); }
Block::BlockArgListType ScanOp::getSlicedArgs() { return getBody().getArguments().take_front(getSliced().size()); }
Block::BlockArgListType ScanOp::getInvariantArgs() {
  return getBody().getArguments().slice(getSliced().size(), getInvariant().size());
}
Block::BlockArgListType ScanOp::getParamArgs() {
  return getBody().getArguments().slice(getSliced().size() + getInvariant().size(), getParams().size());
}
Block::BlockArgListType ScanOp::getCarryArgs() { return getBody().getArguments().take_back(getInit().size()); }

LogicalResult ScanOp::verify() {
  auto yield = dyn_cast<ScanYieldOp>(getBody().front().getTerminator());
  if (!yield)
    return emitOpError("body must end in snn.scan_yield [scan_c1]");
  if (getBody().getNumArguments() != getNumOperands())
    return emitOpError() << "body has " << getBody().getNumArguments() << " arguments, but expected one for each of "
                         << getNumOperands() << " operands [scan_c2]";
  int64_t neurons = getNeurons();
  for (Value operand : getSliced())
    if (cast<RankedTensorType>(operand.getType()).getRank() != 3)
      return emitOpError() << "sliced operand has type " << operand.getType()
                           << ", but expected time, sample and neuron dimensions [scan_c3]";
  for (auto [index, arg, operand] : llvm::enumerate(getSlicedArgs(), getSliced()))
    if (sliceOf(operand.getType()) != arg.getType() && !isPackedForm(sliceOf(operand.getType()), arg.getType()))
      return matchTypes(*this, "sliced operand", index, arg.getType(), sliceOf(operand.getType()), "scan_c3");
  for (auto [index, arg, operand] : llvm::enumerate(getInvariantArgs(), getInvariant()))
    if (failed(matchTypes(*this, "invariant operand", index, arg.getType(), operand.getType(), "scan_c4")))
      return failure();
  for (auto [index, arg, operand] : llvm::enumerate(getParamArgs(), getParams())) {
    auto type = cast<RankedTensorType>(operand.getType());
    if (type.getRank() > 1 || (type.getRank() == 1 && type.getDimSize(0) != neurons))
      return emitOpError() << "parameter #" << index << " has type " << type << ", but expected one value or "
                           << neurons << " [scan_c5]";
    if (failed(matchTypes(*this, "parameter", index, arg.getType(), spreadOf(type, neurons), "scan_c5")))
      return failure();
  }
  for (auto [index, arg, operand] : llvm::enumerate(getCarryArgs(), getInit()))
    if (failed(matchTypes(*this, "carry", index, arg.getType(), operand.getType(), "scan_c6")))
      return failure();
  if (yield.getStacked().size() != getStacked().size() || yield.getNext().size() != getFinals().size() ||
      getFinals().size() != getInit().size())
    return emitOpError() << "yields " << yield.getStacked().size() << " stacked and " << yield.getNext().size()
                         << " next values, but has " << getStacked().size() << " stacked results and "
                         << getInit().size() << " carries [scan_c7]";
  for (auto [index, value, result] : llvm::enumerate(yield.getStacked(), getStacked())) {
    if (cast<RankedTensorType>(result.getType()).getRank() != 3)
      return emitOpError() << "stacked result #" << index << " has no time dimension [scan_c8]";
    if (sliceOf(result.getType()) != value.getType() && !isPackedForm(sliceOf(result.getType()), value.getType()))
      return matchTypes(*this, "stacked result", index, value.getType(), sliceOf(result.getType()), "scan_c8");
  }
  for (auto [index, value, init, result] : llvm::enumerate(yield.getNext(), getInit(), getFinals()))
    if (failed(matchTypes(*this, "carry", index, value.getType(), init.getType(), "scan_c9")) ||
        failed(matchTypes(*this, "carry", index, result.getType(), init.getType(), "scan_c9")))
      return failure();
  auto isReal = [](Type type) { return isa<FloatType>(cast<RankedTensorType>(type).getElementType()); };
  for (Value value : llvm::concat<Value>(SmallVector<Value>(getInit()), SmallVector<Value>(getParams())))
    if (!isReal(value.getType()))
      return emitOpError() << "carries or takes " << value.getType() << ", but expected reals [scan_c11]";
  return success();
}

/// What the body computes on, and with what.
LogicalResult ScanOp::verifyRegions() {
  int64_t neurons = getNeurons();
  auto check = [&](Value value) -> LogicalResult {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (type && type.getRank() == 2 && ShapedType::isDynamic(type.getDimSize(0)) && type.getDimSize(1) == neurons &&
        (isa<FloatType>(type.getElementType()) || type.getElementType().isInteger(1)))
      return success();
    return emitOpError() << "body computes on " << value.getType() << ", but expected reals or bits for samples by "
                         << neurons << " neurons [scan_c10]";
  };
  for (Value value : getBody().getArguments())
    if (failed(check(value)))
      return failure();
  for (Operation &op : getBody().front().without_terminator()) {
    if (!isa<ConstantOp, CastOp, FireOp, SurrogateGradOp, DetachOp>(op) && !op.hasTrait<OpTrait::Elementwise>())
      return op.emitOpError("does not work element by element, as everything in a neuron's body [scan_c12]");
    for (Value value : op.getResults())
      if (failed(check(value)))
        return failure();
  }
  return success();
}

} // namespace snn
