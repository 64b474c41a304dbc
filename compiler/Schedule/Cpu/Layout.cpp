// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Layout.h.

#include "compiler/Schedule/Cpu/Layout.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "snn/abi.h"

using namespace mlir;

namespace snn::core {
namespace {

/// Whether the symbol an argument or result is bound to is a parameter's. Without declarations everything that is bound
/// and has no samples is one.
bool bindsParameter(func::FuncOp function, DictionaryAttr attributes) {
  StringRef name = boundName(attributes);
  if (name.empty())
    return false;
  auto module = function->getParentOfType<ModuleOp>();
  if (attributes.get(SnnDialect::spanAttrName()) || !module || !getModel(module))
    return true;
  name.consume_front(kGradientPrefix);
  return isa_and_present<ParameterOp, BufferOp>(module.lookupSymbol(name));
}

/// Whether a map gives, at each point, the element of the coordinates that it reads: its result is an input, changed.
bool keepsShape(MapOp map, unsigned input) {
  return cast<ArrayType>(map.getInputs()[input].getType()).getShape() == map.getDomain() &&
         map.getReadMaps()[input].isIdentity() &&
         llvm::all_of(map.getWriteMaps(), [](AffineMap write) { return write.isIdentity(); });
}

bool isParameter(Value value, llvm::SmallPtrSetImpl<Operation *> &seen) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (auto function = dyn_cast<func::FuncOp>(parent))
      return bindsParameter(function, function.getArgAttrDict(argument.getArgNumber()));
    if (auto phase = dyn_cast<BatchMapOp>(parent))
      return isParameter(phase->getOperand(argument.getArgNumber()), seen);
    // Carries have a memory of their own.
    auto scan = dyn_cast<ScanOp>(parent);
    return llvm::is_contained(scan ? scan.getInvariantArgs() : cast<SegmentsOp>(parent).getInvariantArgs(), argument) &&
           isParameter(parent->getOperand(argument.getArgNumber()), seen);
  }
  return llvm::any_of(value.getUses(), [&](OpOperand &use) {
    unsigned index = use.getOperandNumber();
    if (isa<func::ReturnOp>(use.getOwner())) {
      auto function = cast<func::FuncOp>(use.getOwner()->getParentOp());
      return bindsParameter(function, function.getResultAttrDict(index));
    }
    if (auto map = dyn_cast<MapOp>(use.getOwner()))
      return seen.insert(map).second && keepsShape(map, index) && llvm::any_of(map.getOutputs(), [&](Value output) {
               return output.getType() == value.getType() && isParameter(output, seen);
             });
    if (auto segment = dyn_cast<SegmentOp>(use.getOwner()))
      return segment.isSum(index) && isParameter(segment->getParentOp()->getResult(index), seen);
    auto parts = dyn_cast<PartsOp>(use.getOwner());
    return parts && index >= parts.getConcat().size() && isParameter(parts->getParentOp()->getResult(index), seen);
  });
}

} // namespace

bool isParameter(Value value) {
  auto type = cast<ArrayType>(value.getType());
  llvm::SmallPtrSet<Operation *, 8> seen;
  return type.timeDim() < 0 && type.sampleDim() < 0 && isParameter(value, seen);
}

bool isGradient(Value value) {
  return llvm::any_of(value.getUses(), [](OpOperand &use) {
    auto function = dyn_cast<func::FuncOp>(use.getOwner()->getParentOp());
    if (!function || !isa<func::ReturnOp>(use.getOwner()))
      return false;
    DictionaryAttr attributes = function.getResultAttrDict(use.getOperandNumber());
    auto span = attributes ? attributes.getAs<SpanAttr>(SnnDialect::spanAttrName()) : SpanAttr();
    // What is next in a buffer is copied there at the end: until then it has what it had before.
    return bindsParameter(function, attributes) && !(span && span.getValue() == Span::Buffers);
  });
}

Place Place::of(PlaceAttr attribute) {
  return {attribute.getFixed(), attribute.getSteps(), attribute.getSamples(), attribute.getRows(),
          attribute.getSegments()};
}

PlaceAttr Place::attribute(MLIRContext *context) const {
  return PlaceAttr::get(context, fixed, steps, samples, rows, segments);
}

int64_t Place::at(int64_t numSteps, int64_t numSamples, int64_t numSegments) const {
  return fixed + steps * numSteps + (samples + rows * numSteps + segments * numSegments) * numSamples;
}

Place Place::aligned() const {
  auto up = [](int64_t bytes) { return (bytes + SNN_ALIGNMENT - 1) / SNN_ALIGNMENT * SNN_ALIGNMENT; };
  return {up(fixed), up(steps), up(samples), up(rows), up(segments)};
}

Place Place::operator+(const Place &other) const {
  return {fixed + other.fixed, steps + other.steps, samples + other.samples, rows + other.rows,
          segments + other.segments};
}

Place Place::atLeast(const Place &other) const {
  return {std::max(fixed, other.fixed), std::max(steps, other.steps), std::max(samples, other.samples),
          std::max(rows, other.rows), std::max(segments, other.segments)};
}

int64_t pitchOf(int64_t n, Type element) {
  constexpr int64_t kWayBytes = 4096;
  const int64_t width = paddedWidth(n);
  const bool collides = isa<FloatType>(element) && width * element.getIntOrFloatBitWidth() / 8 % kWayBytes == 0;
  return collides ? width + kLanes : width;
}

Layout layoutOf(ArrayType type, bool parameterLike) {
  Layout layout;
  layout.samples = type.sampleDim() >= 0;
  layout.steps = type.timeDim() >= 0;
  for (int64_t extent : type.getShape())
    if (extent > 0)
      layout.extents.push_back(extent);
  layout.parameterLike = parameterLike && !layout.hasRows() && layout.extents.size() >= 2;

  // From the innermost extent outwards; without rows the innermost one is padded, else the whole.
  SmallVector<unsigned> order;
  for (unsigned dim = layout.extents.size(); dim-- > 0;)
    order.push_back(dim);
  if (layout.parameterLike) {
    order.pop_back();
    order.insert(order.begin(), 0);
  }
  int64_t size = 1;
  layout.strides.resize(order.size());
  for (unsigned dim : order) {
    layout.strides[dim] = size;
    size *= layout.extents[dim];
    if (!layout.hasRows() && dim == order.front() && order.size() > 1)
      size = pitchOf(size, type.getElementType());
  }
  size = paddedWidth(size);

  Type element = type.getElementType();
  layout.bits = element.isInteger(1);
  layout.element = IntegerType::get(type.getContext(), layout.bits ? kLanes : element.getIntOrFloatBitWidth());
  if (isa<FloatType>(element))
    layout.element = element;
  layout.elements = layout.bits ? size / kLanes : size;
  return layout;
}

Layout layoutOf(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    if (auto scan = dyn_cast<ScanOp>(argument.getOwner()->getParentOp());
        scan && llvm::is_contained(scan.getSlicedArgs(), argument)) {
      Layout layout = layoutOf(scan->getOperand(argument.getArgNumber()));
      layout.slice = true;
      return layout;
    }
  Layout layout = layoutOf(cast<ArrayType>(value.getType()), isParameter(value));
  // A step seen through a view is still a step.
  if (Value source = resolveView(value); source != value && layoutOf(source).slice) {
    layout = layoutOf(cast<ArrayType>(value.getType()).overTime(), false);
    layout.slice = true;
  }
  return layout;
}

Place footprintOf(Value value) {
  Place place;
  if (auto checkpoints = dyn_cast<CheckpointsType>(value.getType())) {
    place.segments = layoutOf(checkpoints.getArray(), /*parameterLike=*/false).bytes();
    return place.aligned();
  }
  Layout layout = layoutOf(value);
  int64_t bytes = layout.bytes();
  (layout.samples ? layout.steps ? place.rows : place.samples : layout.steps ? place.steps : place.fixed) = bytes;
  return place.aligned();
}

bool isView(Operation *op) { return op && op->hasAttr(kViewAttr); }

Value resolveView(Value value) {
  while (isView(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

} // namespace snn::core
