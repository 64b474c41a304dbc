// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Chunk and lanes of each batch_map. Both depend on the model alone.

#include "compiler/TimeLoops/Cpu/Footprint.h"
#include "compiler/TimeLoops/Cpu/Passes.h"

using namespace mlir;

namespace snn {
#define GEN_PASS_DEF_CHOOSESCHEDULE
#include "compiler/TimeLoops/Cpu/Passes.h.inc"

namespace {

/// Each chunk of a lane reads and writes the lane's sums once; beyond this many samples that no longer shows.
constexpr int64_t kMaxChunk = 64;
/// Each lane costs a copy of the gradients; eight keep a desktop's cores busy. A power of two (see ArenaMap::of).
constexpr int64_t kMaxLanes = 8;
/// A lane's share of the work should outweigh adding its gradients up: half of them come from another core's cache.
/// Two lanes instead of seven took a step of the 784-128-500 network, T = 1, batch 128, from 0.78 to 0.51 ms (two
/// threads), and from 1.07 to 0.77 ms (one).
constexpr double kLaneOperations = 48e6;
constexpr int64_t kMinLaneSamples = 4, kMaxLaneSamples = 64;

constexpr int64_t kUsualSteps = 100;

class ChooseSchedule : public impl::ChooseScheduleBase<ChooseSchedule> {
public:
  using ChooseScheduleBase::ChooseScheduleBase;

private:
  void runOnOperation() override {
    ModelOp model = getModel(getOperation());
    // An open number of steps has a bound for safety's sake, which says little about what is usual.
    int64_t steps = model ? model.getSteps().value_or(std::min<int64_t>(model.getMaxSteps(), kUsualSteps)) : 1;
    getOperation().walk([&](BatchMapOp map) {
      int64_t bytes = 1;
      double operations = 1;
      for (Operation &op : map.getBody().front().without_terminator()) {
        for (Value value : op.getResults())
          if (needsPlace(value))
            bytes += footprintOf(value, 1).at(steps);
        operations += productOperations(op, steps);
      }
      auto clamp = [](int64_t value, int64_t low, int64_t high) { return std::max(low, std::min(value, high)); };
      map.setChunk(clamp(cacheBytes / bytes, 1, kMaxChunk));
      map.setLanes(kMaxLanes);
      map.setLaneSamples(
          clamp(static_cast<int64_t>(kLaneOperations / operations) + 1, kMinLaneSamples, kMaxLaneSamples));
    });
  }

  /// Multiplications and additions of an op's product for one sample, taken as dense; others count little.
  static double productOperations(Operation &op, int64_t steps) {
    Value input, weight;
    if (auto linear = dyn_cast<LinearOp>(op)) {
      input = linear.getInput();
      weight = linear.getWeight();
    } else if (auto gradient = dyn_cast<LinearWeightGradOp>(op)) {
      input = gradient.getInput();
      weight = gradient.getResult();
    } else {
      return 0;
    }
    double elements = cast<RankedTensorType>(weight.getType()).getNumElements();
    return 2 * elements * (isOverTime(input) ? steps : 1);
  }
};

} // namespace
} // namespace snn
