// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How many steps a segment of time has: the most that a limit of memory leaves room for.

#include "compiler/Schedule/Cpu/CallMemory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Sizes.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_CHOOSESEGMENTS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

class ChooseSegments : public impl::ChooseSegmentsBase<ChooseSegments> {
public:
  using ChooseSegmentsBase::ChooseSegmentsBase;

private:
  void runOnOperation() override {
    std::optional<int64_t> limit = memoryLimitOf(getOperation());
    if (!limit)
      return;
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && firstSegments(function))
        choose(function, *limit);
  }

  void choose(func::FuncOp function, int64_t limit) {
    const CallSize size{CallSize::of(getOperation(), batch, 1).batch, mostStepsOf(function)};
    CallMemory memory(function);
    // Blocks of sums over time end at multiples of this.
    constexpr int64_t unit = kernels::kBlock;
    int64_t length = llvm::alignTo(size.steps, unit), bytes = memory.bytes(size, length), least = bytes, best = length;
    while (bytes > limit && length > unit) {
      bytes = memory.bytes(size, length -= unit);
      if (bytes < least) {
        least = bytes;
        best = length;
      }
    }
    function.walk([&](SegmentsOp op) { op.setLength(bytes <= limit ? length : best); });
  }
};

} // namespace
} // namespace snn::core
