// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Large maps of weights, such as turned copies of them, become tasks that workers share.

#include "compiler/Schedule/Cpu/ShareMaps.h"

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_SHAREMAPS
#include "compiler/Schedule/Cpu/Passes.h.inc"

std::optional<unsigned> sharedDim(MapOp map) {
  if (!isa<func::FuncOp>(map->getParentOp()) || isStreaming(map->getParentOfType<ModuleOp>()) || isView(map) ||
      map->hasAttr(kLoadAttr) || map.getOutputs().size() != 1 || map.getAbsent() ||
      !needsPlace(map.getOutputs().front()))
    return std::nullopt;
  ArrayRef<int64_t> domain = map.getDomain();
  auto indexed = cast<IndexedOpInterface>(map.getOperation());
  AffineMap write = indexed.getWriteMaps().front();
  auto type = cast<ArrayType>(map.getOutputs().front().getType());
  if (domain.empty() || llvm::any_of(domain, [](int64_t extent) { return extent <= 0; }) ||
      !write.isProjectedPermutation() || write.getNumResults() != domain.size() || !type.getElementType().isFloat())
    return std::nullopt;
  const unsigned dim = write.getDimPosition(0);
  if (domain[dim] != type.getShape()[0])
    return std::nullopt;
  for (auto [input, read] : llvm::zip_equal(map.getInputs(), indexed.getReadMaps())) {
    auto isPlain = [&](AffineExpr place) { return isa<AffineDimExpr>(place) || !place.isFunctionOfDim(dim); };
    if (!isa<BlockArgument>(resolveView(input)) || !llvm::all_of(read.getResults(), isPlain))
      return std::nullopt;
  }
  // Their places in the domain would count from a task's first row.
  if (llvm::any_of(map.getBody().front(), llvm::IsaPred<IndexOp, RandomOp>))
    return std::nullopt;
  return dim;
}

namespace {

constexpr int64_t kSquare = 16; ///< rows of a task are a multiple of: squares are turned as a whole

class ShareMaps : public impl::ShareMapsBase<ShareMaps> {
public:
  using ShareMapsBase::ShareMapsBase;

private:
  void runOnOperation() override {
    if (taskElements <= 0)
      return;
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && !isElementwise(function))
        for (auto map : function.getBody().front().getOps<MapOp>())
          share(map);
  }

  void share(MapOp map) {
    std::optional<unsigned> dim = sharedDim(map);
    if (!dim)
      return;
    int64_t ofRow = 1;
    for (auto [number, extent] : llvm::enumerate(map.getDomain()))
      ofRow *= number == *dim ? 1 : extent;
    const int64_t count = map.getDomain()[*dim];
    const int64_t rows = llvm::alignTo(llvm::divideCeil(int64_t(taskElements), ofRow), kSquare);
    if (rows >= count)
      return;
    map->setAttr(kTaskRowsAttr, Builder(&getContext()).getI64IntegerAttr(rows));
    if (auto remark = remarks::chosen(map, remarks::kPhases, "shared_map"))
      remark << remark::add("a map of weights is computed by all workers, in {0}",
                            remarks::counted(llvm::divideCeil(count, rows), "task"))
             << remarks::because("it is large, and stands between phases");
  }
};

} // namespace
} // namespace snn::core
