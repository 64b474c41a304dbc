// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The memory plan of a function and of its phases: intervals of straight-line code, packed.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Packing.h"
#include "compiler/Schedule/Cpu/Passes.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_PLANARENA
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

struct Plan {
  Place size; ///< of the whole
  size_t values = 0, slots = 0;
  CallSize call = {};
  int64_t bytes = 0, apart = 0; ///< of a call of that size: of the whole, and if each value had its own place
};

Plan planArena(Block &block, CallSize call, bool inPlace) {
  SmallVector<Tenant> tenants = tenantsOf(block, inPlace);
  const Packing packing = pack(tenants, call);
  for (Operation &op : block)
    op.walk([](Operation *inner) { inner->removeAttr(kPlacesAttr); });
  Builder builder(block.getParentOp()->getContext());
  auto give = [&](Operation *op, unsigned index, Place place) {
    auto known = op->getAttrOfType<ArrayAttr>(kPlacesAttr);
    SmallVector<Attribute> places(op->getNumResults(), builder.getUnitAttr());
    if (known)
      places.assign(known.begin(), known.end());
    places.resize(std::max<size_t>(places.size(), index + 1));
    places[index] = place.attribute(builder.getContext());
    op->setAttr(kPlacesAttr, builder.getArrayAttr(places));
  };
  for (auto [tenant, place] : llvm::zip_equal(tenants, packing.places)) {
    give(tenant.op, tenant.index, place);
    for (OpResult heir : tenant.heirs)
      give(heir.getOwner(), heir.getResultNumber(), place);
  }
  Plan plan{packing.size, tenants.size(), packing.slots, call, packing.bytes};
  for (const Tenant &tenant : tenants) {
    plan.apart += tenant.size.at(call.steps, call.batch) * (1 + tenant.heirs.size());
    plan.values += tenant.heirs.size();
  }
  return plan;
}

/// `whose` memory it is, and if for several phases, which takes most.
void tell(func::FuncOp function, const Plan &plan, StringRef whose, const std::string &where = "") {
  if (auto remark = remarks::chosen(function, remarks::kMemory, "arena"))
    remark << remark::add("{0}, for {1} of {2}{3}: {4} in {5}", whose, remarks::counted(plan.call.batch, "sample"),
                          remarks::counted(plan.call.steps, "step"), where, remarks::counted(plan.values, "value"),
                          remarks::counted(plan.slots, "place"))
           << remark::metric("bytes", plan.bytes) << remark::metric("bytes if none shared a place", plan.apart);
}

/// The plan rests on how scans run.
void tellScans(func::FuncOp function) {
  function.walk([&](ScanOp scan) {
    if (auto remark = remarks::noted(scan, remarks::kScans, "scan")) {
      StringRef reason;
      if (isPointwise(scan, &reason))
        remark << "runs lane by lane, all steps of a lane in registers"
               << remarks::because("a step reads its own element only");
      else
        remark << "runs step by step, states in memory" << remarks::because(reason);
    }
  });
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
      tellScans(function);
      const Plan whole = planArena(function.getBody().front(), size, inPlace);
      function->setAttr(kArenaAttr, whole.size.attribute(&getContext()));
      tell(function, whole, "shared by all workers");
      std::pair<unsigned, Plan> largest;
      unsigned number = 0;
      for (auto phase : function.getBody().front().getOps<BatchMapOp>()) {
        auto chunk = phase->getAttrOfType<IntegerAttr>(kChunkAttr);
        const CallSize ofChunk{chunk ? chunk.getInt() : 1, size.steps};
        const Plan plan = planArena(phase.getBody().front(), ofChunk, inPlace);
        phase->setAttr(kArenaAttr, plan.size.attribute(&getContext()));
        for (auto segments : phase.getBody().getOps<SegmentsOp>())
          segments->setAttr(kArenaAttr,
                            planArena(segments.getBody().front(), ofChunk, inPlace).size.attribute(&getContext()));
        if (++number == 1 || plan.bytes > largest.second.bytes)
          largest = {number, plan};
      }
      if (number > 0)
        tell(function, largest.second, "of each worker",
             number > 1 ? ", most in phase " + std::to_string(largest.first) + " of " + std::to_string(number) : "");
    }
  }
};

} // namespace
} // namespace snn::core
