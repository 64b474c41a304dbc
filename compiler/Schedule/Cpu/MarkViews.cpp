// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Maps that give each element the position in memory that it has already.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "dialect/core/Maps.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_MARKVIEWS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

std::pair<AffineExpr, AffineExpr> rowOf(Value value, AffineMap positions) {
  auto type = cast<ArrayType>(value.getType());
  auto at = [&](int64_t dim) { return dim < 0 ? AffineExpr() : positions.getResult(dim); };
  return {at(type.sampleDim()), at(type.timeDim())};
}

/// Where a position is in its row.
AffineExpr rowOffset(Value value, const Layout &layout, AffineMap positions) {
  AffineExpr offset = getAffineConstantExpr(0, positions.getContext());
  unsigned inner = 0;
  for (auto [extent, position] : llvm::zip_equal(cast<ArrayType>(value.getType()).getShape(), positions.getResults()))
    if (extent > 0)
      offset = offset + position * layout.strides[inner++];
  return offset;
}

/// The same positions without dims that have one place.
AffineMap atZero(AffineMap positions, ArrayRef<int64_t> domain) {
  SmallVector<AffineExpr> dims;
  for (auto [dim, extent] : llvm::enumerate(domain))
    dims.push_back(extent == 1 ? getAffineConstantExpr(0, positions.getContext())
                               : getAffineDimExpr(dim, positions.getContext()));
  return simplifyAffineMap(positions.replaceDimsAndSymbols(dims, {}, domain.size(), 0));
}

/// What the host gives has strides of its own until it is loaded.
bool isOfHost(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return false;
  Operation *parent = argument.getOwner()->getParentOp();
  if (isa<BatchMapOp, SegmentsOp>(parent))
    return argument.getArgNumber() < parent->getNumOperands() && isOfHost(parent->getOperand(argument.getArgNumber()));
  return isa<func::FuncOp>(parent) && !isParameter(value);
}

} // namespace

/// Weights are read where the host has them, unless a training step may write to them before all have read them.
static bool mayReadWeights(MapOp map) {
  auto module = map->getParentOfType<ModuleOp>();
  ModelOp model = module ? getModel(module) : ModelOp();
  return model && !trains(model.getMode());
}

bool movesNothing(MapOp map) {
  if (!map.onlyMoves() || map->hasAttr(kLoadAttr))
    return false;
  Value input = map.getInputs()[0], output = map.getOutputs()[0];
  AffineMap read = atZero(map.getReadMaps()[0], map.getDomain()),
            write = atZero(map.getWriteMaps()[0], map.getDomain());
  Layout from = layoutOf(input), to = layoutOf(output);
  auto overTime = [](const Layout &layout) { return layout.steps && !layout.slice; };
  if (isOfHost(input) || from.elements != to.elements || from.samples != to.samples || overTime(from) != overTime(to) ||
      (from.parameterLike && !mayReadWeights(map)) || to.parameterLike || rowOf(input, read) != rowOf(output, write))
    return false;
  // All elements: as many as points, of which no two write the same.
  int64_t points = 1, elements = 1;
  for (int64_t extent : map.getDomain())
    points *= std::max<int64_t>(extent, 1);
  for (int64_t extent : to.extents)
    elements *= extent;
  return points == elements && isInside(write, map.getDomain(), cast<ArrayType>(output.getType()).getShape()) &&
         simplifyAffineExpr(rowOffset(input, from, read) - rowOffset(output, to, write), read.getNumDims(), 0) == 0;
}

namespace {

class MarkViews : public impl::MarkViewsBase<MarkViews> {
  void runOnOperation() override {
    getOperation().walk([&](MapOp map) {
      if (!movesNothing(map))
        return;
      map->setAttr(kViewAttr, UnitAttr::get(&getContext()));
      if (auto remark = remarks::chosen(map, remarks::kViews, "view"))
        remark << "elements get other coordinates, not other places: nothing is copied";
    });
  }
};

} // namespace
} // namespace snn::core
