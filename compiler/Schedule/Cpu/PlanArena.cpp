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

/// One block with the stepwise scans in it: values in order of definition take the free slot that wastes least; a slot
/// grows to its largest tenant. Offsets are known when all slots are, so attributes are written at the end.
class ArenaPlan {
public:
  /// `size` decides what is large.
  ArenaPlan(Block &block, CallSize size) : lifetimes(block), size(size) {}

  /// Writes places; returns the size of the whole.
  PlaceAttr run(MLIRContext *context) {
    for (Operation *op : lifetimes.ops()) {
      Placement placement{op, {}, std::nullopt};
      for (Value value : op->getResults()) {
        std::optional<unsigned> slot;
        if (needsPlace(value)) {
          slot = take(footprintOf(value), lifetimes.enter(op));
          slots[*slot].busyUntil = lifetimes.lastRead(value);
        }
        placement.results.push_back(slot);
      }
      if (Place scratch = scratchOf(op); !(scratch == Place())) {
        placement.scratch = take(scratch, lifetimes.enter(op));
        slots[*placement.scratch].busyUntil = lifetimes.leave(op);
      }
      placements.push_back(std::move(placement));
    }
    return write(context);
  }

private:
  struct Slot {
    Place size;
    unsigned busyUntil = 0; ///< when the last op that uses its tenant ends
  };
  struct Placement {
    Operation *op;
    SmallVector<std::optional<unsigned>> results;
    std::optional<unsigned> scratch;
  };

  /// A slot that is free at `now`: one that is large enough and wastes least, else the one that grows least.
  unsigned take(const Place &need, unsigned now) {
    auto grown = [&](const Slot &slot) {
      return Place{std::max(slot.size.fixed, need.fixed), std::max(slot.size.steps, need.steps),
                   std::max(slot.size.samples, need.samples), std::max(slot.size.rows, need.rows)};
    };
    auto bytes = [&](const Place &place) { return place.at(size.steps, size.batch); };
    std::optional<unsigned> best;
    auto rank = [&](const Slot &slot) { return std::pair(bytes(grown(slot)) - bytes(slot.size), bytes(slot.size)); };
    for (auto [index, slot] : llvm::enumerate(slots))
      if (slot.busyUntil < now && (!best || rank(slot) < rank(slots[*best])))
        best = index;
    if (!best) {
      best = slots.size();
      slots.emplace_back();
    }
    slots[*best].size = grown(slots[*best]);
    return *best;
  }

  PlaceAttr write(MLIRContext *context) {
    SmallVector<Place> offsets;
    Place end;
    for (Slot &slot : slots) {
      offsets.push_back(end);
      end = end + slot.size;
    }
    auto attribute = [&](std::optional<unsigned> slot) -> Attribute {
      return slot ? Attribute(offsets[*slot].attribute(context)) : UnitAttr::get(context);
    };
    for (Placement &placement : placements) {
      SmallVector<Attribute> places;
      for (auto slot : placement.results)
        places.push_back(attribute(slot));
      if (placement.scratch)
        places.push_back(attribute(placement.scratch));
      if (llvm::any_of(places, llvm::IsaPred<PlaceAttr>))
        placement.op->setAttr(kPlacesAttr, ArrayAttr::get(context, places));
    }
    return end.attribute(context);
  }

  Lifetimes lifetimes;
  CallSize size;
  SmallVector<Slot> slots;
  SmallVector<Placement> placements;
};

class PlanArena : public impl::PlanArenaBase<PlanArena> {
public:
  using PlanArenaBase::PlanArenaBase;

private:
  void runOnOperation() override {
    CallSize size = CallSize::of(getOperation(), batch, steps);
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || isElementwise(function))
        continue;
      function->setAttr(kArenaAttr, ArenaPlan(function.getBody().front(), size).run(&getContext()));
      for (auto phase : function.getBody().front().getOps<BatchMapOp>())
        plan(phase, size.steps);
    }
  }

  void plan(BatchMapOp phase, int64_t numSteps) {
    Builder builder(&getContext());
    auto chunk = phase->getAttrOfType<IntegerAttr>(kChunkAttr);
    CallSize size{chunk ? chunk.getInt() : 1, numSteps};
    phase->setAttr(kArenaAttr, ArenaPlan(phase.getBody().front(), size).run(&getContext()));
    SmallVector<int64_t> offsets;
    int64_t bytes = 0;
    for (Value sum : phase.getSum()) {
      offsets.push_back(bytes);
      bytes += footprintOf(sum).fixed;
    }
    if (offsets.empty())
      return;
    phase->setAttr(kSumPlacesAttr, builder.getI64ArrayAttr(offsets));
    phase->setAttr(kSumBytesAttr, builder.getI64IntegerAttr(bytes));
  }
};

} // namespace
} // namespace snn::core
