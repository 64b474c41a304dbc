// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Layout of the parameter, buffer and state spans.

#include "compiler/Codegen/SpanLayout.h"
#include "compiler/Schedule/Cpu/Layout.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "snn/abi.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace snn {

int64_t SpanLayout::append(SmallVectorImpl<SpanSlot> &slots, int64_t size, StringRef name, Type type,
                           bool parameterLike) const {
  // Spikes that are carried are reals at the boundary.
  auto array = cast<core::ArrayType>(type).withElement(real);
  core::Layout layout = core::layoutOf(array, parameterLike);
  slots.push_back({name.str(), layout.extents, layout.strides, size, layout.elements});
  return llvm::alignTo(size + layout.bytes(), SNN_ALIGNMENT);
}

/// Tensors that the optimizer keeps for each parameter. When the functions are gone, the declarations say it.
static int64_t copiesOf(ModuleOp module) {
  auto stated = getModel(module)->getAttrOfType<IntegerAttr>(SnnDialect::copiesAttrName());
  int64_t copies = 0;
  if (auto update = module.lookupSymbol<func::FuncOp>(kUpdate))
    for (unsigned index = 0; index < update.getNumArguments(); ++index)
      if (auto copy = update.getArgAttrOfType<IntegerAttr>(index, SnnDialect::copyAttrName()))
        copies = std::max(copies, copy.getInt() + 1);
  return copies == 0 && stated ? stated.getInt() : copies;
}

SpanLayout SpanLayout::of(ModuleOp module) {
  SpanLayout layout;
  layout.real = getModel(module).getReal();
  for (auto parameter : module.getOps<ParameterOp>())
    layout.parameterSize = layout.append(layout.parameterSlots, layout.parameterSize, parameter.getSymName(),
                                         parameter.getType(), /*parameterLike=*/true);
  for (auto buffer : module.getOps<BufferOp>())
    layout.bufferSize = layout.append(layout.bufferSlots, layout.bufferSize, buffer.getSymName(), buffer.getType(),
                                      /*parameterLike=*/true);
  for (auto state : module.getOps<StateOp>())
    layout.stateSize = layout.append(layout.stateSlots, layout.stateSize, state.getSymName(), state.getType(),
                                     /*parameterLike=*/false);
  layout.copies = copiesOf(module);
  return layout;
}

const SpanSlot *SpanLayout::find(StringRef name) const {
  for (ArrayRef<SpanSlot> slots : {parameters(), buffers(), states()})
    for (const SpanSlot &slot : slots)
      if (slot.name == name)
        return &slot;
  return nullptr;
}

} // namespace snn
