// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The arithmetic of memory: rows, chunks, scratch.

#include "compiler/TimeLoops/Cpu/Footprint.h"

using namespace mlir;

namespace snn {
namespace {

int64_t elementBytes(RankedTensorType type) { return std::max(1u, type.getElementTypeBitWidth() / 8); }

RankedTensorType tensorOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// A product over spikes works on lists of the set bits or on the bits spread out as reals.
Footprint spikeScratch(Value spikes, int64_t inputs, int64_t realBytes, int64_t samples) {
  int64_t width = paddedWidth(inputs), index = sizeof(int32_t);
  Footprint perRow{0, 0};
  int64_t bytes = samples * (width * realBytes + index);
  (isOverTime(spikes) ? perRow.steps : perRow.constant) = bytes;
  return perRow + Footprint{2 * index * (width + kLanes), 0};
}

} // namespace

Footprint Footprint::aligned() const {
  auto up = [](int64_t bytes) { return (bytes + 63) / 64 * 64; };
  return {up(constant), up(steps)};
}

bool isOverTime(Value value) {
  ArrayRef<int64_t> shape = tensorOf(value).getShape();
  return shape.size() >= 2 && ShapedType::isDynamic(shape[1]);
}

int64_t rowElements(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  int64_t product = 1;
  bool batchSeen = false;
  for (int64_t extent : tensor.getShape()) {
    if (ShapedType::isDynamic(extent))
      batchSeen = true;
    else if (batchSeen)
      product *= extent;
  }
  return tensor.getElementType().isInteger(16) ? product : paddedWidth(product);
}

Footprint footprintOf(Value value, int64_t samples) {
  int64_t bytes = rowElements(value.getType()) * elementBytes(tensorOf(value)) * samples;
  return isOverTime(value) ? Footprint{0, bytes} : Footprint{bytes, 0};
}

Footprint scratchOf(Operation *op, int64_t samples) {
  auto packed = [](Value value) { return tensorOf(value).getElementType().isInteger(16); };
  if (auto linear = dyn_cast<LinearOp>(op); linear && packed(linear.getInput()))
    return spikeScratch(linear.getInput(), tensorOf(linear.getWeight()).getDimSize(1),
                        elementBytes(tensorOf(linear.getResult())), samples);
  if (auto gradient = dyn_cast<LinearWeightGradOp>(op); gradient && packed(gradient.getInput()))
    return spikeScratch(gradient.getInput(), tensorOf(gradient.getResult()).getDimSize(1),
                        elementBytes(tensorOf(gradient.getResult())), samples);
  if (auto count = dyn_cast<PopulationCountOp>(op))
    return {paddedWidth(count.getNeurons()) * elementBytes(tensorOf(count.getCount())), 0};
  return {};
}

bool needsPlace(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || isa<ConstantOp, FlattenOp>(op) || value.use_empty())
    return false;
  if (llvm::none_of(tensorOf(value).getShape(), ShapedType::isDynamic))
    return false; // sums over samples go to the lane's own memory
  // Spikes that only leave the model are unpacked on their way out.
  if (auto cast = dyn_cast<CastOp>(op); cast && tensorOf(cast.getInput()).getElementType().isInteger(16))
    return llvm::any_of(value.getUsers(), [](Operation *user) { return !isa<MapYieldOp>(user); });
  return true;
}

Operation *lastReader(Value value) {
  Operation *last = nullptr;
  auto include = [&](Operation *op) {
    if (op && (!last || last->isBeforeInBlock(op)))
      last = op;
  };
  for (Operation *user : value.getUsers()) {
    include(user);
    if (auto flatten = dyn_cast<FlattenOp>(user))
      include(lastReader(flatten.getResult()));
    // An unpacking cast has no place: its input is read when the cast's own result is.
    if (auto cast = dyn_cast<CastOp>(user); cast && !needsPlace(cast.getResult()))
      include(lastReader(cast.getResult()));
  }
  return last;
}

Value resolveView(Value value) {
  while (auto flatten = value.getDefiningOp<FlattenOp>())
    value = flatten.getInput();
  return value;
}

} // namespace snn
