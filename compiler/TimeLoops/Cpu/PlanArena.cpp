// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The memory plan of a batch_map body: intervals of straight-line code, coloured with slots.

#include "compiler/TimeLoops/Cpu/Footprint.h"
#include "compiler/TimeLoops/Cpu/Passes.h"

#include <optional>

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_PLANARENA
#include "compiler/TimeLoops/Cpu/Passes.h.inc"

namespace {

/// One body: values in order of definition take the free slot that wastes least; a slot grows to its largest tenant.
/// Offsets are known when all slots are, so attributes are written at the end.
class ArenaPlan {
public:
  ArenaPlan(BatchMapOp map, int64_t maxSteps) : map(map), samples(map.getChunk().value_or(1)), maxSteps(maxSteps) {}

  void run() {
    Block &body = map.getBody().front();
    unsigned time = 0;
    for (Operation &op : body)
      order[&op] = time++;
    for (Operation &op : body.without_terminator()) {
      Placement placement{&op, {}, std::nullopt};
      for (Value value : op.getResults()) {
        std::optional<unsigned> slot;
        if (needsPlace(value)) {
          slot = take(footprintOf(value, samples).aligned(), order[&op]);
          slots[*slot].busyUntil = order[lastReader(value)];
        }
        placement.results.push_back(slot);
      }
      if (Footprint scratch = scratchOf(&op, samples); scratch.at(maxSteps) > 0) {
        placement.scratch = take(scratch.aligned(), order[&op]);
        slots[*placement.scratch].busyUntil = order[&op];
      }
      placements.push_back(std::move(placement));
    }
    write();
  }

private:
  struct Slot {
    Footprint size;
    unsigned busyUntil = 0; ///< position of the last op that uses its tenant
  };
  struct Placement {
    Operation *op;
    SmallVector<std::optional<unsigned>> results;
    std::optional<unsigned> scratch;
  };

  /// A slot that is free at `now`: one that is large enough and wastes least, else the largest, which grows.
  unsigned take(Footprint need, unsigned now) {
    std::optional<unsigned> best;
    auto rank = [&](const Slot &slot) {
      bool fits = slot.size.constant >= need.constant && slot.size.steps >= need.steps;
      int64_t bytes = slot.size.at(maxSteps);
      return std::pair(!fits, fits ? bytes : -bytes);
    };
    for (auto [index, slot] : llvm::enumerate(slots))
      if (slot.busyUntil < now && (!best || rank(slot) < rank(slots[*best])))
        best = index;
    if (!best) {
      best = slots.size();
      slots.emplace_back();
    }
    Slot &slot = slots[*best];
    slot.size = {std::max(slot.size.constant, need.constant), std::max(slot.size.steps, need.steps)};
    return *best;
  }

  void write() {
    MLIRContext *context = map.getContext();
    SmallVector<Footprint> offsets;
    Footprint end;
    for (Slot &slot : slots) {
      offsets.push_back(end);
      end = end + slot.size;
    }
    auto attribute = [&](std::optional<unsigned> slot) -> Attribute {
      if (!slot)
        return UnitAttr::get(context);
      return PlaceAttr::get(context, offsets[*slot].constant, offsets[*slot].steps);
    };
    for (Placement &placement : placements) {
      SmallVector<Attribute> places;
      for (auto slot : placement.results)
        places.push_back(attribute(slot));
      places.push_back(attribute(placement.scratch));
      if (llvm::any_of(places, [](Attribute place) { return !isa<UnitAttr>(place); }))
        placement.op->setAttr(SnnDialect::placesAttrName(), ArrayAttr::get(context, places));
    }
    map.setArenaAttr(PlaceAttr::get(context, end.constant, end.steps));
  }

  BatchMapOp map;
  int64_t samples, maxSteps;
  llvm::DenseMap<Operation *, unsigned> order;
  SmallVector<Slot> slots;
  SmallVector<Placement> placements;
};

class PlanArena : public impl::PlanArenaBase<PlanArena> {
  void runOnOperation() override {
    ModelOp model = getModel(getOperation());
    getOperation().walk([&](BatchMapOp map) { ArenaPlan(map, model ? model.getMaxSteps() : 1).run(); });
  }
};

} // namespace
} // namespace snn
