// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Memory.h.

#include "compiler/Schedule/Cpu/Memory.h"

#include "compiler/Schedule/Cpu/Overlaps.h"
#include "compiler/Schedule/Cpu/Products.h"
#include "compiler/Schedule/Cpu/Sizes.h"

using namespace mlir;

namespace snn::core {
namespace {

/// Whether `map` reads or writes the element of the same coordinates as the point.
bool isOwnElement(Value value, AffineMap map, ArrayRef<int64_t> domain) {
  ArrayRef<int64_t> shape = cast<ArrayType>(value.getType()).getShape();
  return shape == domain && llvm::all_of(llvm::enumerate(map.getResults()), [&](auto position) {
           auto dim = dyn_cast<AffineDimExpr>(position.value());
           if (dim)
             return dim.getPosition() == position.index();
           return shape[position.index()] == 1; // the only one there is
         });
}

/// Whether the host gets the value, once, and nobody else reads it: then it is written where the host wants it.
bool isOnlyGiven(Value value) {
  if (!value.hasOneUse())
    return false;
  OpOperand &use = *value.use_begin();
  auto segment = dyn_cast<SegmentOp>(use.getOwner());
  if (isa<PartsOp>(use.getOwner()) || (segment && segment.isStacked(use.getOperandNumber())))
    return isOnlyGiven(use.getOwner()->getParentOp()->getResult(use.getOperandNumber()));
  return isa<func::ReturnOp>(use.getOwner()) && isa<BatchMapOp>(value.getDefiningOp()) && !isGivenLast(use);
}

bool isSum(Value value) {
  return llvm::any_of(value.getUses(), [](OpOperand &use) {
    if (auto segment = dyn_cast<SegmentOp>(use.getOwner()))
      return segment.isSum(use.getOperandNumber());
    auto parts = dyn_cast<PartsOp>(use.getOwner());
    return parts && use.getOperandNumber() >= parts.getConcat().size();
  });
}

Value homeOfRoot(Value root) {
  for (OpOperand &use : root.getUses()) {
    if (auto parts = dyn_cast<PartsOp>(use.getOwner()); parts && use.getOperandNumber() < parts.getConcat().size())
      if (Value result = parts->getParentOp()->getResult(use.getOperandNumber()); needsPlace(result))
        return result;
    if (auto segment = dyn_cast<SegmentOp>(use.getOwner()); segment && segment.isStacked(use.getOperandNumber()))
      if (Value result = segment->getParentOp()->getResult(use.getOperandNumber());
          isa<ArrayType>(result.getType()) && (needsPlace(result) || homeOf(result)))
        return result;
    if (isView(use.getOwner()))
      if (Value home = homeOfRoot(use.getOwner()->getResult(0)))
        return home;
  }
  return {};
}

} // namespace

CallSize CallSize::of(ModuleOp module, int64_t batch, int64_t steps) {
  if (isStreaming(module))
    return {1, 1};
  if (ModelOp model = getModel(module))
    return {static_cast<int64_t>(model.getBatch()),
            static_cast<int64_t>(model.getSteps().value_or(std::min<int64_t>(model.getMaxSteps(), steps)))};
  return {batch, steps};
}

bool isElementwise(func::FuncOp function) {
  auto hasExtents = [](Type type) { return isa<ArrayType>(type) && cast<ArrayType>(type).getRank() > 0; };
  return !function
              .walk([&](Operation *op) {
                return llvm::any_of(op->getOperandTypes(), hasExtents) || llvm::any_of(op->getResultTypes(), hasExtents)
                           ? WalkResult::interrupt()
                           : WalkResult::advance();
              })
              .wasInterrupted();
}

/// Whether each lane adds up its own sum of the product.
static bool isOfLanes(ContractOp op) {
  if (kernelOf(op) != Kernel::Lanes)
    return false;
  std::optional<MatrixProduct> product = matchProduct(op);
  return product && product->laneKernel();
}

bool isPointwise(ScanOp scan, StringRef *whyNot) {
  auto no = [&](StringLiteral reason) {
    if (whyNot)
      *whyNot = reason;
    return false;
  };
  constexpr StringLiteral kOtherElements = "a step reads or writes other elements than its own",
                          kOtherExtents = "not all that a step computes has the same extents";
  std::optional<ArrayRef<int64_t>> domain;
  for (Operation &op : scan.getBody().front().without_terminator()) {
    if (auto contract = dyn_cast<ContractOp>(op); contract && isOfLanes(contract)) {
      ArrayRef<int64_t> shape = cast<ArrayType>(contract.getResult().getType()).getShape();
      if (domain && *domain != shape)
        return no(kOtherExtents);
      domain = shape;
      continue;
    }
    auto map = dyn_cast<MapOp>(op);
    if (!map)
      return no("a step holds a product or a sum");
    if (map.getAbsent())
      return no(kOtherElements);
    if (domain && *domain != map.getDomain())
      return no(kOtherExtents);
    domain = map.getDomain();
    for (auto [input, read] : llvm::zip_equal(map.getInputs(), map.getReadMaps()))
      if (!llvm::is_contained(scan.getInvariantArgs(), input) && !isOwnElement(input, read, *domain))
        return no(kOtherElements);
    for (auto [output, write] : llvm::zip_equal(map.getOutputs(), map.getWriteMaps()))
      if (!isOwnElement(output, write, *domain))
        return no(kOtherElements);
  }
  // What goes through as it is has to have the lanes of the rest.
  for (Value value : scan.getYield()->getOperands()) {
    ArrayRef<int64_t> shape = cast<ArrayType>(value.getType()).getShape();
    if (!domain)
      domain = shape;
    if (*domain != shape)
      return no(kOtherExtents);
  }
  return true;
}

Value carryOf(Value value) {
  Operation *op = value.getDefiningOp();
  auto scan = op ? dyn_cast<ScanOp>(op->getParentOp()) : ScanOp();
  if (!scan || isPointwise(scan) || !isa<MapOp, ContractOp>(op))
    return {};
  ValueRange next = scan.getYield().getNext();
  auto place = llvm::find(next, value);
  if (place == next.end())
    return {};
  Value carry = scan.getCarryArgs()[place - next.begin()];
  if (llvm::is_contained(next, carry) || layoutOf(carry).strides != layoutOf(value).strides)
    return {};
  // A map reads an element before it writes it.
  auto readsOwnElements = [&](MapOp map) {
    ArrayRef<int64_t> domain = map.getDomain();
    for (auto [input, read] : llvm::zip_equal(map.getInputs(), map.getReadMaps()))
      if (input == carry && !isOwnElement(input, read, domain))
        return false;
    return isOwnElement(value, map.getWriteMaps()[cast<OpResult>(value).getResultNumber()], domain);
  };
  bool isFree = llvm::all_of(carry.getUsers(), [&](Operation *user) {
    if (user == op)
      return isa<MapOp>(op) && readsOwnElements(cast<MapOp>(op));
    return isa<StepOp>(user) || (!isView(user) && user->isBeforeInBlock(op));
  });
  return isFree ? carry : Value();
}

/// Whether no op behind `op` reads the value, itself or through views.
static bool isLastRead(Value value, Operation *op) {
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    if (isa<PartsOp>(user))
      return isGivenWhenMade(value);
    if (user->getBlock() != op->getBlock())
      return false;
    return isView(user) ? isLastRead(user->getResult(0), op) : user == op || user->isBeforeInBlock(op);
  });
}

/// Whether a map or scan reads an operand only where it stands at the moment: at the element that it then writes. What
/// a scan that goes step by step stacks is written when all of the step is done, but for what it was given.
static bool readsOwnElements(Operation *op, Value operand, OpResult result) {
  if (auto map = dyn_cast<MapOp>(op)) {
    ArrayRef<int64_t> domain = map.getDomain();
    // Words of bits are moved after others have been cleared.
    const bool movesBits = map.onlyMoves() && cast<ArrayType>(result.getType()).getElementType().isInteger(1);
    if (map.getAbsent() || map->hasAttr(kLoadAttr) || movesBits ||
        !isOwnElement(result, map.getWriteMaps()[result.getResultNumber()], domain))
      return false;
    return llvm::all_of(llvm::zip_equal(map.getInputs(), map.getReadMaps()), [&](auto pair) {
      auto [input, read] = pair;
      return input != operand || isOwnElement(input, read, domain);
    });
  }
  auto scan = cast<ScanOp>(op);
  if (result.getResultNumber() >= scan.getStacked().size() || llvm::is_contained(scan.getInvariant(), operand) ||
      llvm::is_contained(scan.getInit(), operand))
    return false;
  auto anyUser = [&](function_ref<bool(Operation *)> has) {
    return llvm::any_of(llvm::zip_equal(scan.getSliced(), scan.getSlicedArgs()), [&](auto pair) {
      auto [slice, argument] = pair;
      return slice == operand && llvm::any_of(argument.getUsers(), has);
    });
  };
  // Each lane adds up a product of the whole row.
  if (isPointwise(scan))
    return !anyUser([](Operation *user) { return isa<ContractOp>(user); });
  // Slices that become carries are read after that.
  return !isa<BlockArgument>(scan.getYield().getStacked()[result.getResultNumber()]) &&
         !anyUser([](Operation *user) { return isa<StepOp>(user) || isView(user); });
}

/// Whether elements of two arrays lie in the same bytes, from where each begins.
static bool lieAlike(Value one, Value other) {
  const Layout first = layoutOf(one), second = layoutOf(other);
  // Rows of a few words take the same bytes of a place, aligned as these are, but do not begin where the others do.
  return first.element == second.element && first.strides == second.strides && first.elements == second.elements &&
         footprintOf(one) == footprintOf(other);
}

bool isGivenLast(OpOperand &result) {
  auto function = cast<func::FuncOp>(result.getOwner()->getParentOp());
  StringRef name = boundName(function.getResultAttrDict(result.getOperandNumber()));
  Operation *giver = resolveView(result.get()).getDefiningOp();
  if (!giver || !isa_and_nonnull<StateOp>(function->getParentOfType<ModuleOp>().lookupSymbol(name)))
    return false;
  return llvm::any_of(function.getArguments(), [&](BlockArgument argument) {
    auto isBehind = [&](Operation *user) { return giver->isBeforeInBlock(user); };
    return boundName(function.getArgAttrDict(argument.getArgNumber())) == name &&
           llvm::any_of(argument.getUsers(), isBehind);
  });
}

SmallVector<Value> inPlace(Operation *op) {
  SmallVector<Value> taken(op->getNumResults());
  if (!isa<MapOp, ScanOp>(op) || isView(op) || !isa<BatchMapOp, SegmentsOp>(op->getParentOp()))
    return taken;
  ValueRange operands = isa<ScanOp>(op) ? ValueRange(cast<ScanOp>(op).getSliced()) : ValueRange(op->getOperands());
  for (OpResult result : op->getResults()) {
    if (!needsPlace(result))
      continue;
    for (Value operand : operands) {
      Operation *source = operand.getDefiningOp();
      if (source && source->getBlock() == op->getBlock() && !llvm::is_contained(taken, operand) &&
          needsPlace(operand) && lieAlike(operand, result) && isLastRead(operand, op) &&
          readsOwnElements(op, operand, result)) {
        taken[result.getResultNumber()] = operand;
        break;
      }
    }
  }
  return taken;
}

bool needsPlace(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || isView(op) || value.use_empty() || homeOf(value) || isSum(value))
    return false;
  if (auto scan = dyn_cast<ScanOp>(op->getParentOp()))
    return !isPointwise(scan) && !carryOf(value);
  // A gradient lies in its span; numbers of the function are handed over at its end.
  if (isa<func::FuncOp>(op->getParentOp()) && !isa<BatchMapOp>(op))
    return !isGradient(value);
  if (isa<SegmentsOp>(op) && reductionOf(value))
    return true;
  return !isOnlyGiven(value) || isa<ContractOp>(op);
}

Value homeOf(Value value) {
  Value root = resolveView(value);
  return root.getDefiningOp() ? homeOfRoot(root) : Value();
}

bool isGivenWhenMade(Value value) {
  Operation *op = value.getDefiningOp();
  auto phase = op ? dyn_cast<BatchMapOp>(op->getParentOp()) : BatchMapOp();
  // Segments may find a fault in what they load, and states of the host, which may lie where it gave them, stay then.
  return phase && !op->hasAttr(kLoadAttr) && phase.getBody().getOps<SegmentsOp>().empty();
}

int64_t offsetOfSum(BatchMapOp phase, unsigned number) {
  int64_t bytes = 0;
  for (Value sum : phase.getSum().take_front(number))
    bytes += footprintOf(sum).fixed;
  return bytes;
}

Kernel kernelOf(ContractOp op) {
  auto kernel = op->getAttrOfType<KernelAttr>(kKernelAttr);
  return kernel ? kernel.getValue() : Kernel::Loops;
}

Place productScratch(ContractOp contract) {
  std::optional<MatrixProduct> product = matchProduct(contract);
  const int64_t realBytes = layoutOf(contract.getResult()).elementBytes();
  if (!product) {
    std::optional<OverlapProduct> overlap = matchOverlap(contract);
    if (!overlap)
      return {};
    return Place{kernels::overlapScratch(overlap->shape, realBytes).constant}.aligned();
  }
  Layout a = layoutOf(product->a);
  // A row is one place of a sample and step of A.
  auto ofRows = [&](kernels::Footprint bytes, int64_t places) {
    Place place{bytes.constant};
    (a.samples ? a.steps && !a.slice ? place.rows : place.samples
     : a.steps ? place.steps
               : place.fixed) += bytes.perRow * places;
    return place.aligned();
  };
  auto ofPlaces = [&](kernels::Footprint bytes) { return ofRows(bytes, product->places); };
  Place offsets = product->window ? ofPlaces(kernels::offsetsScratch(product->depth)) : Place();
  const Kernel kernel = kernelOf(contract);
  if (kernel == Kernel::Lanes)
    return {};
  const int64_t columns = paddedWidth(product->columns);
  const int64_t nonzeroWords = paddedWidth(product->depth) / kLanes;
  // Of windows, an image is a row.
  auto ofImages = [&](kernels::Footprint events) {
    const int64_t words = paddedWidth(product->images->elements()) / kLanes;
    return ofRows(kernels::nonzeroScratch(words), 1) + Place{events.constant}.aligned();
  };
  if (kernel == Kernel::Sparse && product->window)
    return offsets + ofImages(kernels::eventScratch(*product->images, product->otherStride, realBytes));
  if (kernel == Kernel::Sparse)
    return ofPlaces(kernels::nonzeroScratch(nonzeroWords)) +
           ofPlaces(kernels::sparseScratch(product->depth, product->panels));
  if (!product->gradient)
    return offsets + ofPlaces(kernel == Kernel::Gather ? kernels::gatherScratch(product->depth, columns, realBytes)
                              : product->spikes        ? kernels::spikeScratch(product->depth, columns, realBytes)
                                                       : kernels::denseScratch(product->depth, product->panels));
  Place order = offsets + ofPlaces(kernels::rowOrderScratch(product->window));
  if (kernel == Kernel::SparseGradient && product->window)
    return order + ofImages(kernels::eventGradientScratch(*product->images, product->stride, realBytes));
  if (kernel == Kernel::SparseGradient)
    return order + ofPlaces(kernels::nonzeroScratch(nonzeroWords)) +
           ofPlaces(kernels::transposeScratch(nonzeroWords, product->places > 1));
  int64_t words = product->aStride ? product->aStride / kLanes : a.elements;
  return product->spikes
             ? order + ofPlaces(kernels::spikeGradientScratch(words, columns, realBytes, product->places > 1))
             : order;
}

int64_t heldTableBytes(ContractOp contract) {
  std::optional<MatrixProduct> product = matchProduct(contract);
  const int64_t realBytes = layoutOf(contract.getResult()).elementBytes();
  return kernels::heldBytes(product->depth, paddedWidth(product->columns), realBytes);
}

SmallVector<ContractOp, 1> productsWithTables(ScanOp scan) {
  auto products = llvm::make_filter_range(scan.getBody().getOps<ContractOp>(),
                                          [](ContractOp op) { return kernelOf(op) == Kernel::HeldSpikes; });
  return {products.begin(), products.end()};
}

int64_t segmentsOf(SegmentsOp op, int64_t steps) {
  return op.getLength() ? llvm::divideCeil(steps, *op.getLength()) : 1;
}

bool loadsInput(SegmentsOp op) {
  return llvm::any_of(op.getBody().front(), [](Operation &inner) { return inner.hasAttr(kLoadAttr); });
}

int64_t levelsOfSum(IndexedOpInterface op) {
  int64_t terms = 1;
  for (int64_t dim : op.getAlong()) {
    const int64_t extent = op.getDomain()[dim];
    if (llvm::MulOverflow(terms, extent < 0 ? kMaxSteps : extent, terms))
      return kernels::kMaxLevels;
  }
  int64_t levels = 1;
  for (int64_t blocks = llvm::divideCeil(terms, kernels::kBlock); blocks >= kernels::kLevel; blocks /= kernels::kLevel)
    ++levels;
  return std::min(levels, kernels::kMaxLevels);
}

Place scratchOf(Operation *op) {
  Place place;
  if (auto contract = dyn_cast<ContractOp>(op)) {
    // A gradient of the whole batch is spread over tasks, each of which works in its worker's memory.
    if (!isa<func::FuncOp>(op->getParentOp()))
      place = productScratch(contract);
  } else if (auto scan = dyn_cast<ScanOp>(op); scan && !isPointwise(scan)) {
    for (Value carry : scan.getCarryArgs())
      place = place + footprintOf(carry);
    for (ContractOp product : productsWithTables(scan))
      place.fixed += heldTableBytes(product);
  } else if (auto segments = dyn_cast<SegmentsOp>(op)) {
    for (Value carry : segments.getCarryArgs())
      place = place + footprintOf(carry);
    for (Value sum : segments.getYield().getSum())
      if (auto reduction = sum.getDefiningOp<IndexedOpInterface>(); !reduction.reducesSamples())
        for (int64_t level = 0; level < levelsOfSum(reduction); ++level)
          place = place + footprintOf(sum);
  }
  return place.aligned();
}

SmallVector<Tenant> tenantsOf(Block &block, bool together) {
  SmallVector<Operation *> order;
  llvm::DenseMap<Operation *, std::pair<unsigned, unsigned>> interval;
  unsigned count = 0;
  std::function<void(Block &)> number = [&](Block &block) {
    for (Operation &op : block) {
      unsigned first = count++;
      if (!op.hasTrait<OpTrait::IsTerminator>())
        order.push_back(&op);
      if (auto scan = dyn_cast<ScanOp>(op); scan && !isPointwise(scan))
        number(scan.getBody().front());
      interval[&op] = {first, count - 1};
    }
  };
  number(block);
  std::function<unsigned(Value)> lastRead = [&](Value value) {
    unsigned last = interval[value.getDefiningOp()].first;
    for (Operation *user : value.getUsers())
      if (!(isa<PartsOp>(user) && isGivenWhenMade(value)))
        last = std::max(last, isView(user) ? lastRead(user->getResult(0)) : interval[user].second);
    return last;
  };
  SmallVector<Tenant> tenants;
  llvm::DenseMap<Value, size_t> tenantOf;
  for (Operation *op : order) {
    auto [first, last] = interval[op];
    const SmallVector<Value> taken = together ? inPlace(op) : SmallVector<Value>(op->getNumResults());
    for (OpResult result : op->getResults()) {
      if (!needsPlace(result))
        continue;
      if (Value before = taken[result.getResultNumber()]) {
        Tenant &tenant = tenants[tenantOf[result] = tenantOf.lookup(before)];
        tenant.until = std::max(tenant.until, lastRead(result));
        tenant.heirs.push_back(result);
        continue;
      }
      tenantOf[result] = tenants.size();
      tenants.push_back({op, result.getResultNumber(), footprintOf(result), first, lastRead(result)});
    }
    if (Place scratch = scratchOf(op); !(scratch == Place()))
      tenants.push_back({op, op->getNumResults(), scratch, first, last});
  }
  return tenants;
}

} // namespace snn::core
