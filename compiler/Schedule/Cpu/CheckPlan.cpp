// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See CheckPlan.h.

#include "compiler/Schedule/Cpu/CheckPlan.h"

#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Products.h"
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

Wide bytesAt(const Place &place, int64_t steps, int64_t samples) {
  return place.fixed + Wide(place.steps) * steps + Wide(place.samples) * samples + Wide(place.rows) * steps * samples;
}

/// Whether `a` is at most `b` for each call: both are linear in steps and in samples, so the corners of the range tell.
bool isAtMost(const Place &a, const Place &b, const CallRange &range) {
  for (int64_t steps : {range.fewestSteps, range.mostSteps})
    for (int64_t samples : {int64_t(1), range.mostSamples})
      if (bytesAt(a, steps, samples) > bytesAt(b, steps, samples))
        return false;
  return true;
}

bool isAligned(const Place &place) {
  return llvm::all_of(ArrayRef<int64_t>{place.fixed, place.steps, place.samples, place.rows},
                      [](int64_t bytes) { return bytes >= 0 && bytes <= kMaxArena && bytes % SNN_ALIGNMENT == 0; });
}

/// The places of one block and of stepwise scans in it.
class PlaceChecker {
public:
  PlaceChecker(Operation *owner, Block &block, const CallRange &range) : owner(owner), lifetimes(block), range(range) {}

  LogicalResult run() {
    if (auto attribute = owner->getAttrOfType<PlaceAttr>(kArenaAttr))
      arena = Place::of(attribute);
    if (!isAligned(arena))
      return owner->emitOpError() << "has an arena with summands that are no multiples of " << SNN_ALIGNMENT
                                  << " from 0 to " << kMaxArena;
    for (Operation *op : lifetimes.ops())
      if (failed(check(op)))
        return failure();
    return success();
  }

private:
  struct Tenant {
    Place begin, end;
    unsigned until;
    Operation *op;
  };

  LogicalResult check(Operation *op) {
    llvm::erase_if(alive, [&](const Tenant &tenant) { return tenant.until < lifetimes.enter(op); });
    auto places = op->getAttrOfType<ArrayAttr>(kPlacesAttr);
    unsigned count = op->getNumResults();
    if (places && places.size() != count && places.size() != count + 1)
      return op->emitOpError() << "has " << places.size() << " places, but expected one for each of " << count
                               << " results and perhaps one for scratch memory";
    auto entry = [&](unsigned index) {
      return places && index < places.size() ? dyn_cast<PlaceAttr>(places[index]) : PlaceAttr();
    };
    for (Value value : op->getResults())
      if (needsPlace(value)) {
        unsigned index = cast<OpResult>(value).getResultNumber();
        if (failed(add(op, "result #" + Twine(index), entry(index), footprintOf(value), lifetimes.lastRead(value))))
          return failure();
      }
    Place scratch = scratchOf(op);
    return scratch == Place() ? success() : add(op, "scratch memory", entry(count), scratch, lifetimes.leave(op));
  }

  LogicalResult add(Operation *op, const Twine &what, PlaceAttr attribute, Place size, unsigned until) {
    std::string name = what.str();
    if (!attribute)
      return op->emitOpError() << name << " has no place, but needs one of " << size.attribute(op->getContext())
                               << " bytes";
    Place begin = Place::of(attribute), end = begin + size;
    if (!isAligned(begin))
      return op->emitOpError() << name << " has the place " << attribute << ", but expected multiples of "
                               << SNN_ALIGNMENT << " from 0 to " << kMaxArena;
    if (!isAtMost(end, arena, range))
      return op->emitOpError() << name << " takes " << size.attribute(op->getContext()) << " bytes from " << attribute
                               << ", beyond the end of the arena, which has " << arena.attribute(op->getContext());
    for (const Tenant &tenant : alive)
      if (!isAtMost(end, tenant.begin, range) && !isAtMost(tenant.end, begin, range)) {
        InFlightDiagnostic error = op->emitOpError() << name << " has a place that another value has at the same time";
        error.attachNote(tenant.op->getLoc()) << "which is made here";
        return error;
      }
    alive.push_back({begin, end, until, op});
    return success();
  }

  Operation *owner;
  Lifetimes lifetimes;
  CallRange range;
  Place arena;
  SmallVector<Tenant> alive;
};

LogicalResult checkKernel(ContractOp op) {
  auto kernel = op->getAttrOfType<KernelAttr>(kKernelAttr);
  if (!kernel)
    return op.emitOpError("has no core.kernel, which core-choose-kernels gives it");
  if (kernel.getValue() == Kernel::Loops)
    return success();
  std::optional<MatrixProduct> product = matchProduct(op);
  if (!product || product->kernel() != kernel.getValue())
    return op.emitOpError() << "has the kernel " << kernel << ", which does not compute it; loops always do";
  if (!product->oriented)
    return op.emitOpError("has a kernel that reads weights along their columns, but these lie the other way; "
                          "core-orient-weights gives it a copy");
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
  if (isView(map) && !movesNothing(map, std::numeric_limits<int64_t>::max()))
    return map.emitOpError("is marked as a view, but moves elements in memory");
  if (!map->hasAttr(kLoadAttr))
    return success();
  auto isIdentity = [](AffineMap positions) { return positions.isIdentity(); };
  Block &body = map.getBody().front();
  if (map.getInputs().size() != 1 || map.getOutputs().size() != 1 || !isa<BlockArgument>(map.getInputs()[0]) ||
      map.getInputs()[0].getType() != map.getOutputs()[0].getType() || !llvm::all_of(map.getReadMaps(), isIdentity) ||
      !llvm::all_of(map.getWriteMaps(), isIdentity) || body.getTerminator()->getOperand(0) != body.getArgument(0))
    return map.emitOpError("is marked as a load, but is no copy of an argument");
  return success();
}

/// What the host gives for samples is read by loads alone, and by phases that load it.
LogicalResult checkGiven(BlockArgument argument) {
  for (OpOperand &use : argument.getUses()) {
    Operation *user = use.getOwner();
    if (auto phase = dyn_cast<BatchMapOp>(user)) {
      if (failed(checkGiven(phase.getBody().front().getArgument(use.getOperandNumber()))))
        return failure();
    } else if (!user->hasAttr(kLoadAttr) && !user->hasTrait<OpTrait::IsTerminator>()) {
      return user->emitOpError() << "reads what the host gives, which core-load-inputs has to copy first";
    }
  }
  return success();
}

LogicalResult checkPhase(BatchMapOp phase) {
  auto chunk = phase->getAttrOfType<IntegerAttr>(kChunkAttr);
  if (!chunk || chunk.getInt() < 1 || chunk.getInt() > kMaxBatch || !llvm::isPowerOf2_64(chunk.getInt()))
    return phase.emitOpError() << "expected a power of two up to " << kMaxBatch << " as core.chunk";
  std::optional<SumClass> first;
  for (Value given : phase.getYield().getSum()) {
    auto fold = given.getDefiningOp<FoldOp>();
    std::optional<SumClass> kind = SumClass::of(given.getDefiningOp());
    if (cast<ArrayType>(given.getType()).timeDim() >= 0)
      return given.getDefiningOp()->emitOpError(
          "is a sum for each step, which a phase does not make; core-mark-whole-batch takes it out");
    if (!kind || (fold && fold.getKind() != FoldKind::Add) || (first && !(*first == *kind)))
      return given.getDefiningOp()->emitOpError(
          "does not fall into the runs and parts of its phase's other sums; core-mark-whole-batch takes it out");
    first = kind;
  }
  auto places = phase->getAttrOfType<ArrayAttr>(kSumPlacesAttr);
  auto bytes = phase->getAttrOfType<IntegerAttr>(kSumBytesAttr);
  if (phase.getSum().empty())
    return success();
  if (!places || places.size() != phase.getSum().size() || !bytes || bytes.getInt() > kMaxArena)
    return phase.emitOpError() << "expected a place for each of " << phase.getSum().size()
                               << " sums in core.sum_places, and core.sum_bytes up to " << kMaxArena;
  SmallVector<std::pair<int64_t, int64_t>> intervals;
  for (auto [sum, place] : llvm::zip_equal(phase.getSum(), places)) {
    auto offset = dyn_cast<IntegerAttr>(place);
    int64_t size = footprintOf(sum).fixed;
    if (!offset || offset.getInt() < 0 || offset.getInt() % SNN_ALIGNMENT || size > bytes.getInt() ||
        offset.getInt() > bytes.getInt() - size)
      return phase.emitOpError() << "has a sum at " << place << ", but expected a multiple of " << SNN_ALIGNMENT
                                 << " that leaves " << size << " of " << bytes.getInt() << " bytes";
    intervals.emplace_back(offset.getInt(), offset.getInt() + size);
  }
  llvm::sort(intervals);
  for (unsigned index = 1; index < intervals.size(); ++index)
    if (intervals[index].first < intervals[index - 1].second)
      return phase.emitOpError() << "has two sums that meet at byte " << intervals[index].first;
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
    range.fewestSteps = model.getSteps().value_or(1);
    range.mostSteps = model.getSteps().value_or(model.getMaxSteps());
  }
  return range;
}

LogicalResult checkPlan(func::FuncOp function, const CallRange &range) {
  WalkResult walked = function.walk<WalkOrder::PreOrder>([](Operation *op) -> WalkResult {
    if (auto indexed = dyn_cast<IndexedOpInterface>(op); indexed && failed(checkOrder(indexed)))
      return failure();
    if (auto contract = dyn_cast<ContractOp>(op))
      return checkKernel(contract);
    if (auto map = dyn_cast<MapOp>(op))
      return checkMap(map);
    if (auto phase = dyn_cast<BatchMapOp>(op))
      return checkPhase(phase);
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
  if (failed(PlaceChecker(function, block, range).run()))
    return failure();
  for (auto phase : block.getOps<BatchMapOp>())
    if (failed(PlaceChecker(phase, phase.getBody().front(), range).run()))
      return failure();
  return success();
}

} // namespace snn::core
