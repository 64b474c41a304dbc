// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Layout of the parameter and state spans.

#include "compiler/Codegen/SpanLayout.h"
#include "snn/abi.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace snn {

int64_t SpanLayout::append(SmallVectorImpl<SpanSlot> &slots, int64_t size, StringRef name, ArrayRef<int64_t> shape,
                           bool firstInnermost) const {
  SpanSlot slot{name.str(), llvm::to_vector(shape), {}, size, 1};
  slot.strides.resize(shape.size());
  SmallVector<unsigned> order;
  for (unsigned dim = shape.size(); dim-- > 0;)
    order.push_back(dim);
  if (firstInnermost && shape.size() > 1) {
    order.pop_back();
    order.insert(order.begin(), 0);
  }
  for (auto [position, dim] : llvm::enumerate(order)) {
    slot.strides[dim] = slot.elements;
    slot.elements *= shape[dim];
    if (firstInnermost && position == 0)
      slot.elements = paddedWidth(slot.elements);
  }
  slot.elements = paddedWidth(slot.elements);
  slots.push_back(slot);
  return llvm::alignTo(size + slot.elements * elementSize, SNN_ALIGNMENT);
}

/// Extents that are neither time nor samples.
static SmallVector<int64_t> fixedShape(Type type) {
  SmallVector<int64_t> shape;
  for (int64_t extent : cast<core::ArrayType>(type).getShape())
    if (extent > 0)
      shape.push_back(extent);
  return shape;
}

SpanLayout SpanLayout::of(ModuleOp module) {
  SpanLayout layout;
  layout.elementSize = getModel(module).getReal().getIntOrFloatBitWidth() / 8;
  for (auto parameter : module.getOps<ParameterOp>())
    layout.parameterSize = layout.append(layout.parameterSlots, layout.parameterSize, parameter.getSymName(),
                                         fixedShape(parameter.getType()), /*firstInnermost=*/true);
  for (auto state : module.getOps<StateOp>())
    layout.stateSize = layout.append(layout.stateSlots, layout.stateSize, state.getSymName(),
                                     fixedShape(state.getType()), /*firstInnermost=*/false);
  if (auto copies = getModel(module)->getAttrOfType<IntegerAttr>(SnnDialect::copiesAttrName()))
    layout.copies = copies.getInt();
  return layout;
}

const SpanSlot *SpanLayout::find(StringRef name) const {
  for (ArrayRef<SpanSlot> slots : {parameters(), states()})
    for (const SpanSlot &slot : slots)
      if (slot.name == name)
        return &slot;
  return nullptr;
}

} // namespace snn
