// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See CheckPlan.h.

#include "compiler/Schedule/Cpu/CheckPlan.h"

#include "compiler/Schedule/Cpu/Overlaps.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "compiler/Schedule/Cpu/ShareMaps.h"
#include "compiler/Schedule/Cpu/Sizes.h"
#include "compiler/Schedule/Cpu/Sums.h"
#include "compiler/Schedule/Phases.h"
#include "snn/abi.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_CHECKPLAN
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

using Wide = __int128;

Wide bytesAt(const Place &place, int64_t steps, int64_t samples, int64_t segments) {
  return place.fixed + Wide(place.steps) * steps + Wide(place.samples) * samples + Wide(place.rows) * steps * samples +
         Wide(place.segments) * segments * samples;
}

/// Whether `a` is at most `b` for each call: both are linear in steps, in samples and in segments, so the corners of
/// the range tell.
bool isAtMost(const Place &a, const Place &b, const CallRange &range) {
  for (int64_t steps : {range.fewestSteps, range.mostSteps})
    for (int64_t samples : {int64_t(1), range.mostSamples})
      for (int64_t segments : {int64_t(0), range.mostSteps}) // none where nothing is cut
        if (bytesAt(a, steps, samples, segments) > bytesAt(b, steps, samples, segments))
          return false;
  return true;
}

bool isAligned(const Place &place) {
  return llvm::all_of(ArrayRef<int64_t>{place.fixed, place.steps, place.samples, place.rows, place.segments},
                      [](int64_t bytes) { return bytes >= 0 && bytes <= kMaxArena && bytes % SNN_ALIGNMENT == 0; });
}

/// Whether the op of `tenant` computes it in place of `other`.
bool takesOver(const Tenant &tenant, const Tenant &other) {
  if (tenant.isScratch() || other.isScratch())
    return false;
  return inPlace(tenant.op)[tenant.index] == other.op->getResult(other.index);
}

/// The places of one block and of stepwise scans in it: within the arena of `owner`, and apart while they are used, but
/// for what is computed in place of something else.
LogicalResult checkPlaces(Operation *owner, Block &block, const CallRange &range) {
  MLIRContext *context = owner->getContext();
  Place arena;
  if (auto attribute = owner->getAttrOfType<PlaceAttr>(kArenaAttr))
    arena = Place::of(attribute);
  if (!isAligned(arena))
    return owner->emitOpError() << "has an arena with summands that are no multiples of " << SNN_ALIGNMENT
                                << " from 0 to " << kMaxArena;
  SmallVector<std::pair<Tenant, Place>> alive; // with where they begin
  for (const Tenant &tenant : tenantsOf(block, /*together=*/false)) {
    auto fail = [&] {
      InFlightDiagnostic error = tenant.op->emitOpError();
      return tenant.isScratch() ? std::move(error << "scratch memory") : std::move(error << "result #" << tenant.index);
    };
    auto places = tenant.op->getAttrOfType<ArrayAttr>(kPlacesAttr);
    auto place = places && tenant.index < places.size() ? dyn_cast<PlaceAttr>(places[tenant.index]) : PlaceAttr();
    PlaceAttr size = tenant.size.attribute(context);
    if (!place)
      return fail() << " has no place, but needs one of " << size << " bytes";
    Place begin = Place::of(place), end = begin + tenant.size;
    if (!isAligned(begin))
      return fail() << " has the place " << place << ", but expected multiples of " << SNN_ALIGNMENT << " from 0 to "
                    << kMaxArena;
    if (!isAtMost(end, arena, range))
      return fail() << " takes " << size << " bytes from " << place << ", beyond the end of the arena, which has "
                    << arena.attribute(context);
    llvm::erase_if(alive, [&](const auto &other) { return other.first.until < tenant.from; });
    for (const auto &[other, otherBegin] : alive)
      if (!isAtMost(end, otherBegin, range) && !isAtMost(otherBegin + other.size, begin, range) &&
          !(begin == otherBegin && takesOver(tenant, other))) {
        InFlightDiagnostic error = fail() << " has a place that another value has at the same time";
        error.attachNote(other.op->getLoc()) << "which is made here";
        return error;
      }
    alive.emplace_back(tenant, begin);
  }
  return success();
}

/// One for each result, and perhaps one for scratch memory.
LogicalResult checkPlaceCount(Operation *op) {
  auto places = op->getAttrOfType<ArrayAttr>(kPlacesAttr);
  unsigned count = op->getNumResults();
  if (places && places.size() != count && places.size() != count + 1)
    return op->emitOpError() << "has " << places.size() << " places, but expected one for each of " << count
                             << " results and perhaps one for scratch memory";
  return success();
}

LogicalResult checkKernel(ContractOp op) {
  auto kernel = op->getAttrOfType<KernelAttr>(kKernelAttr);
  if (!kernel)
    return op.emitOpError("has no core.kernel, which core-choose-kernels gives it");
  if (kernel.getValue() == Kernel::Loops)
    return success();
  std::optional<MatrixProduct> product = matchProduct(op);
  const bool isChoice = product && llvm::is_contained({product->sparseKernel(), product->gatherKernel(),
                                                       product->heldKernel(), product->laneKernel()},
                                                      kernel.getValue());
  if (kernelFor(op) != kernel.getValue() && !isChoice)
    return op.emitOpError() << "has the kernel " << kernel << ", which does not compute it; loops always do";
  const bool isDense = kernel.getValue() == Kernel::Dense || (kernel.getValue() == Kernel::Sparse && !product->window);
  if (op->hasAttr(kPanelsAttr) && (!isDense || kernels::levelsOf(product->depth) > 1))
    return op.emitOpError("has strips of a factor copied, but expected that of dense products with one level alone");
  if (product && !product->oriented)
    return op.emitOpError("has a kernel that reads weights along their columns, but these lie the other way; "
                          "core-choose-kernels gives it a copy");
  return success();
}

/// There is code for the orders that core-fix-order gives, and not for all that can be said.
LogicalResult checkOrder(IndexedOpInterface op) {
  auto order = op->getAttrOfType<OrderAttr>("order");
  if (!order)
    return success();
  if (order.getLevel() != kernels::kLevel || (order.getRun() && order.getRun() != kernels::kRun) ||
      (order.getRun() && order.getBlock() != kernels::kBlock))
    return op->emitOpError() << "sums in the order " << order << ", but there is code for levels, blocks over samples "
                             << "and runs of " << kernels::kLevel << " alone";
  if (order.getLanes() == 1)
    return success();
  const bool isRow = isa<FoldOp>(op) && op.getAlong().size() == 1 && op.getDomain()[op.getAlong().front()] > 0;
  if (isRow && order.getLanes() % kLanes == 0)
    return success();
  return op->emitOpError() << "sums in " << order.getLanes() << " lanes, but there is code for folds along one fixed "
                           << "extent alone, in multiples of " << kLanes;
}

LogicalResult checkMap(MapOp map) {
  if (isView(map) && !movesNothing(map))
    return map.emitOpError("is marked as a view, but moves elements in memory");
  if (map->hasAttr(kTaskRowsAttr)) {
    auto rows = map->getAttrOfType<IntegerAttr>(kTaskRowsAttr);
    if (!sharedDim(map))
      return map.emitOpError("has tasks of rows, but these cannot be computed each by itself from what is there before "
                             "the function");
    const int64_t most = map.getDomain()[*sharedDim(map)];
    if (!rows || !rows.getType().isInteger(64) || rows.getInt() < 1 || rows.getInt() > most)
      return map.emitOpError() << "expected a number from 1 to " << most << " as " << kTaskRowsAttr;
  }
  if (!map->hasAttr(kLoadAttr))
    return success();
  auto isIdentity = [](AffineMap positions) { return positions.isIdentity(); };
  auto ofFunction = [](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    while (argument && isa<BatchMapOp, SegmentsOp>(argument.getOwner()->getParentOp())) {
      Operation *nest = argument.getOwner()->getParentOp();
      argument = dyn_cast<BlockArgument>(nest->getOperand(argument.getArgNumber()));
    }
    return argument && isa<func::FuncOp>(argument.getOwner()->getParentOp());
  };
  Block &body = map.getBody().front();
  if (map.getInputs().size() != 1 || map.getOutputs().size() != 1 || !ofFunction(map.getInputs()[0]) ||
      map.getInputs()[0].getType() != map.getOutputs()[0].getType() || !llvm::all_of(map.getReadMaps(), isIdentity) ||
      !llvm::all_of(map.getWriteMaps(), isIdentity) || body.getTerminator()->getOperand(0) != body.getArgument(0))
    return map.emitOpError("is marked as a load, but is no copy of an argument");
  return success();
}

/// What the host gives for samples is read by loads alone, and by phases and segments that load it.
LogicalResult checkGiven(BlockArgument argument) {
  for (OpOperand &use : argument.getUses()) {
    Operation *user = use.getOwner();
    const bool hasCarries = isa<SegmentsOp>(user) && use.getOperandNumber() >= cast<SegmentsOp>(user).getCut().size();
    if (isa<BatchMapOp, SegmentsOp>(user) && !hasCarries) {
      if (failed(checkGiven(user->getRegion(0).getArgument(use.getOperandNumber()))))
        return failure();
    } else if (isa<SegmentOp>(user) || (!user->hasAttr(kLoadAttr) && !user->hasTrait<OpTrait::IsTerminator>())) {
      return user->emitOpError() << "reads what the host gives, which core-load-inputs has to copy first";
    }
  }
  return success();
}

/// One sample goes through all segments before the next one, and in a segment blocks of sums end with it.
LogicalResult checkSegments(SegmentsOp segments, const CallRange &range) {
  auto phase = cast<BatchMapOp>(segments->getParentOp());
  const int64_t length = segments.getLength().value_or(kMaxSteps);
  if (length % kernels::kBlock != 0)
    return segments.emitOpError() << "has segments of " << length << " steps, but expected a multiple of "
                                  << kernels::kBlock << ", where blocks of sums end";
  for (auto other : phase.getBody().getOps<SegmentsOp>())
    if (other.getLengthAttr() != segments.getLengthAttr())
      return segments.emitOpError() << "has segments of " << length << " steps, but others of the phase have "
                                    << other.getLength().value_or(kMaxSteps);
  auto chunk = phase->getAttrOfType<IntegerAttr>(kChunkAttr);
  if (length < range.mostSteps && (!chunk || chunk.getInt() != 1))
    return phase.emitOpError(
        "goes through time in segments, which it does sample by sample: expected a core.chunk of 1");
  for (Value sum : phase.getYield().getSum())
    if (std::optional<SumClass> kind = SumClass::of(reductionOf(sum)); kind && !kind->overTime)
      return segments.emitOpError(
          "stands in a phase with sums over samples alone, which take several samples at a time");
  for (Value next : segments.getYield().getNext())
    if (!next.getDefiningOp())
      return segments.emitOpError("carries on what no op of the segment makes");
  for (Value sum : segments.getYield().getSum()) {
    auto reduction = sum.getDefiningOp<IndexedOpInterface>();
    auto contract = sum.getDefiningOp<ContractOp>();
    if (reduction->getAttrOfType<OrderAttr>("order").getBlock() != kernels::kBlock ||
        (contract && !contract.reducesSamples() && kernelOf(contract) != Kernel::Loops))
      return reduction->emitOpError("is a sum that segments cannot take up from each other");
  }
  return success();
}

LogicalResult checkPhase(BatchMapOp phase, const CallRange &range) {
  auto chunk = phase->getAttrOfType<IntegerAttr>(kChunkAttr);
  if (!chunk || chunk.getInt() < 1 || chunk.getInt() > kMaxBatch || !llvm::isPowerOf2_64(chunk.getInt()))
    return phase.emitOpError() << "expected a power of two up to " << kMaxBatch << " as core.chunk";
  std::optional<SumClass> first;
  for (Value given : phase.getYield().getSum()) {
    Operation *reduction = reductionOf(given);
    auto fold = dyn_cast<FoldOp>(reduction);
    std::optional<SumClass> kind = SumClass::of(reduction);
    if (cast<ArrayType>(given.getType()).timeDim() >= 0)
      return reduction->emitOpError(
          "is a sum for each step, which a phase does not make; core-mark-whole-batch takes it out");
    if (!kind || (fold && fold.getKind() != FoldKind::Add) || (first && !first->fitsBeside(*kind, range.fewestSteps)))
      return reduction->emitOpError(
          "does not fall into the runs and parts of its phase's other sums; core-mark-whole-batch takes it out");
    first = kind;
  }
  if (offsetOfSum(phase, phase.getSum().size()) > kMaxArena)
    return phase.emitOpError() << "has sums of more than " << kMaxArena << " bytes";
  return success();
}

class CheckPlan : public impl::CheckPlanBase<CheckPlan> {
  void runOnOperation() override {
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && failed(checkPlan(function, CallRange::of(getOperation()))))
        return signalPassFailure();
  }
};

} // namespace

CallRange CallRange::of(ModuleOp module) {
  CallRange range;
  if (ModelOp model = getModel(module)) {
    range.fewestSteps = model.getWindow() ? 1 : model.getSteps().value_or(1);
    range.mostSteps = model.getSteps().value_or(model.getMaxSteps());
  }
  return range;
}

LogicalResult checkPlan(func::FuncOp function, const CallRange &range) {
  WalkResult walked = function.walk<WalkOrder::PreOrder>([&](Operation *op) -> WalkResult {
    auto indexed = dyn_cast<IndexedOpInterface>(op);
    if (op->hasAttr(kTaskRowsAttr) && !isa<MapOp>(op))
      return op->emitOpError("has tasks of rows, which maps have alone");
    if (failed(checkPlaceCount(op)) || (indexed && failed(checkOrder(indexed))))
      return failure();
    if (auto contract = dyn_cast<ContractOp>(op))
      return checkKernel(contract);
    if (auto map = dyn_cast<MapOp>(op))
      return checkMap(map);
    if (auto phase = dyn_cast<BatchMapOp>(op))
      return checkPhase(phase, range);
    if (auto segments = dyn_cast<SegmentsOp>(op))
      return checkSegments(segments, range);
    return WalkResult::advance();
  });
  if (walked.wasInterrupted())
    return failure();
  if (isElementwise(function))
    return success();
  for (BlockArgument argument : function.getArguments())
    if (hasSamples(argument.getType()) && failed(checkGiven(argument)))
      return failure();
  Block &block = function.getBody().front();
  if (failed(checkPlaces(function, block, range)))
    return failure();
  for (auto phase : block.getOps<BatchMapOp>()) {
    if (failed(checkPlaces(phase, phase.getBody().front(), range)))
      return failure();
    for (auto segments : phase.getBody().getOps<SegmentsOp>()) {
      const int64_t most = std::min(range.mostSteps, int64_t(segments.getLength().value_or(kMaxSteps)));
      if (failed(checkPlaces(segments, segments.getBody().front(), {1, most, range.mostSamples})))
        return failure();
    }
  }
  return success();
}

} // namespace snn::core
