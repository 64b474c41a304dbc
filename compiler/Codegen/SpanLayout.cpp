// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Layout of the parameter and state spans.

#include "compiler/Codegen/SpanLayout.h"
#include "snn/abi.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace snn {

int64_t SpanLayout::append(SmallVectorImpl<SpanSlot> &slots, int64_t size, StringRef name,
                           ArrayRef<int64_t> shape) const {
  assert(shape.size() <= 2 && "parameters are matrices, vectors or scalars");
  SpanSlot slot{name.str(), llvm::to_vector(shape), {}, size, 0};
  const int64_t row = shape.empty() ? kLanes : paddedWidth(shape.front());
  if (shape.size() == 2)
    slot.strides = {1, row};
  else if (shape.size() == 1)
    slot.strides = {1};
  slot.elements = shape.size() == 2 ? row * shape.back() : row;
  slots.push_back(slot);
  return llvm::alignTo(size + slot.elements * elementSize, SNN_ALIGNMENT);
}

SpanLayout SpanLayout::of(ModuleOp module) {
  SpanLayout layout;
  layout.elementSize = getModel(module).getReal().getIntOrFloatBitWidth() / 8;
  for (auto parameter : module.getOps<ParameterOp>())
    layout.parameterSize = layout.append(layout.parameterSlots, layout.parameterSize, parameter.getSymName(),
                                         cast<RankedTensorType>(parameter.getType()).getShape());
  for (auto state : module.getOps<StateOp>()) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(state.getType()).getShape();
    while (!shape.empty() && ShapedType::isDynamic(shape.front()))
      shape = shape.drop_front();
    layout.stateSize = layout.append(layout.stateSlots, layout.stateSize, state.getSymName(), shape);
  }
  for (auto optimizer : module.getOps<OptimizerOp>())
    layout.copies = optimizer.getKind() == OptimizerKind::Adam ? 2 : 1;
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
