// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Spikes between the ops of a batch_map become words of bits.

#include "compiler/TimeLoops/Cpu/Passes.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_PACKSPIKES
#include "compiler/TimeLoops/Cpu/Passes.h.inc"

namespace {

class PackSpikes : public impl::PackSpikesBase<PackSpikes> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([&](BatchMapOp map) -> WalkResult {
      for (Operation &op : map.getBody().front())
        for (Value value : op.getResults())
          if (cast<RankedTensorType>(value.getType()).getElementType().isInteger(1) && failed(pack(value)))
            return WalkResult::interrupt();
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  LogicalResult pack(Value value) {
    Operation *op = value.getDefiningOp();
    if (!isa<ScanOp>(op))
      return op->emitOpError("makes spikes outside a scan, which have no packed form");
    for (Operation *user : value.getUsers())
      if (!isa<LinearOp, LinearWeightGradOp, PopulationCountOp, CastOp, ScanOp>(user))
        return user->emitOpError("takes spikes, but cannot take them as bits");
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = paddedWidth(shape.back()) / kLanes;
    value.setType(RankedTensorType::get(shape, IntegerType::get(&getContext(), 16)));
    return success();
  }
};

} // namespace
} // namespace snn
