// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The memory plan of a function and of its phases: intervals of straight-line code, coloured with slots.

#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"

#include <optional>

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_PLANARENA
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// Tenants in order take the free slot that wastes least; a slot grows to its largest tenant. Offsets are known when
/// all slots are, so attributes are written at the end. `call` decides what is large. Returns the size of the whole.
PlaceAttr planArena(Block &block, CallSize call) {
  struct Slot {
    Place size;
    unsigned busyUntil = 0; ///< when the last op that uses its tenant ends
    Place offset = {};
  };
  SmallVector<Slot> slots;
  auto bytes = [&](const Place &place) { return place.at(call.steps, call.batch); };
  /// A slot that is free: one that is large enough and wastes least, else the one that grows least.
  auto take = [&](const Tenant &tenant) -> unsigned {
    auto grown = [&](const Slot &slot) { return slot.size.atLeast(tenant.size); };
    auto rank = [&](const Slot &slot) { return std::pair(bytes(grown(slot)) - bytes(slot.size), bytes(slot.size)); };
    Slot *best = nullptr;
    for (Slot &slot : slots)
      if (slot.busyUntil < tenant.from && (!best || rank(slot) < rank(*best)))
        best = &slot;
    if (!best)
      best = &slots.emplace_back();
    best->size = grown(*best);
    best->busyUntil = tenant.until;
    return best - slots.begin();
  };
  SmallVector<Tenant> tenants = tenantsOf(block);
  SmallVector<unsigned> taken = llvm::map_to_vector(tenants, take);
  Place end;
  for (Slot &slot : slots) {
    slot.offset = end;
    end = end + slot.size;
  }
  for (const Tenant &tenant : tenants)
    tenant.op->removeAttr(kPlacesAttr);
  Builder builder(block.getParentOp()->getContext());
  for (auto [tenant, slot] : llvm::zip_equal(tenants, taken)) {
    auto known = tenant.op->getAttrOfType<ArrayAttr>(kPlacesAttr);
    SmallVector<Attribute> places(tenant.op->getNumResults(), builder.getUnitAttr());
    if (known)
      places.assign(known.begin(), known.end());
    places.resize(std::max<size_t>(places.size(), tenant.index + 1));
    places[tenant.index] = slots[slot].offset.attribute(builder.getContext());
    tenant.op->setAttr(kPlacesAttr, builder.getArrayAttr(places));
  }
  return end.attribute(builder.getContext());
}

class PlanArena : public impl::PlanArenaBase<PlanArena> {
public:
  using PlanArenaBase::PlanArenaBase;

private:
  void runOnOperation() override {
    CallSize size = CallSize::of(getOperation(), batch, steps);
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || isElementwise(function))
        continue;
      function->setAttr(kArenaAttr, planArena(function.getBody().front(), size));
      for (auto phase : function.getBody().front().getOps<BatchMapOp>()) {
        auto chunk = phase->getAttrOfType<IntegerAttr>(kChunkAttr);
        CallSize ofChunk{chunk ? chunk.getInt() : 1, size.steps};
        phase->setAttr(kArenaAttr, planArena(phase.getBody().front(), ofChunk));
        for (auto segments : phase.getBody().getOps<SegmentsOp>())
          segments->setAttr(kArenaAttr, planArena(segments.getBody().front(), ofChunk));
      }
    }
  }
};

} // namespace
} // namespace snn::core
