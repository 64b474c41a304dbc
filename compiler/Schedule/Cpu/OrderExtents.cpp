// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order in which the extents of an array lie in memory: the one in which those who write and read it find the
// elements of a vector side by side.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Layout.h"
#include "compiler/Schedule/Cpu/Memory.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "dialect/core/Maps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_ORDEREXTENTS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

/// Numbers of an array's inner extents (neither samples nor time), in the order in which they are to lie. None: as they
/// are.
using Order = SmallVector<unsigned>;

ArrayType typeOf(Value value) { return cast<ArrayType>(value.getType()); }

/// For each position of `shape`, the one whose extent comes there.
SmallVector<unsigned> sourcesOf(ArrayRef<int64_t> shape, const Order &order) {
  SmallVector<unsigned> inner, sources;
  for (auto [index, extent] : llvm::enumerate(shape))
    if (extent > 0)
      inner.push_back(index);
  unsigned next = 0;
  for (auto [index, extent] : llvm::enumerate(shape))
    sources.push_back(extent < 0 || order.empty() ? index : inner[order[next++]]);
  return sources;
}

SmallVector<int64_t> ordered(ArrayRef<int64_t> shape, const Order &order) {
  return llvm::map_to_vector(sourcesOf(shape, order), [&](unsigned source) { return shape[source]; });
}

/// A map to the elements of an array of extents `shape`, after these are ordered.
AffineMap ordered(AffineMap map, ArrayRef<int64_t> shape, const Order &order) {
  auto results = llvm::map_to_vector(sourcesOf(shape, order), [&](unsigned source) { return map.getResult(source); });
  return AffineMap::get(map.getNumDims(), 0, results, map.getContext());
}

ArrayType ordered(ArrayType type, const Order &order) {
  return ArrayType::get(type.getContext(), ordered(type.getShape(), order), type.getElementType());
}

/// Numbers of a body that are counted by the order of its dims.
bool hasRandom(Operation *op) {
  return op->walk([](RandomOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

SmallVector<int64_t> innerExtents(Value value) {
  SmallVector<int64_t> inner;
  llvm::copy_if(typeOf(value).getShape(), std::back_inserter(inner), [](int64_t extent) { return extent > 0; });
  return inner;
}

bool isSpikes(Value value) { return typeOf(value).getElementType().isInteger(1); }

/// Whether an op writes and reads arrays in any order. Copies of spikes, for kernels, and views rest on what they are
/// given.
bool isFree(Operation *op) {
  if (!isa<MapOp, FoldOp>(op) || hasRandom(op))
    return false;
  auto map = dyn_cast<MapOp>(op);
  return !map || (!movesNothing(map) && !(map.onlyMoves() && isSpikes(map.getResult(0))));
}

/// Reads and writes of maps and folds.
void setMaps(Operation *op, ArrayRef<AffineMap> reads, ArrayRef<AffineMap> writes) {
  Builder builder(op->getContext());
  if (auto map = dyn_cast<MapOp>(op)) {
    map.setReadsAttr(builder.getAffineMapArrayAttr(reads));
    map.setWritesAttr(builder.getAffineMapArrayAttr(writes));
    return;
  }
  auto fold = cast<FoldOp>(op);
  fold.setReadsAttr(builder.getAffineMapArrayAttr(reads));
  fold.setWrite(writes.front());
}

/// Takes samples and time, then the dims of a map or fold in the order in which its first result has them, then those
/// that are left.
void orderDomain(Operation *op) {
  auto indexed = cast<IndexedOpInterface>(op);
  ArrayRef<int64_t> old = indexed.getDomain();
  llvm::SmallSetVector<unsigned, 8> dims;
  for (unsigned dim = 0; dim < old.size(); ++dim)
    if (old[dim] < 0)
      dims.insert(dim);
  for (AffineExpr position : indexed.getWriteMaps().front().getResults())
    for (unsigned dim = 0; dim < old.size(); ++dim)
      if (position.isFunctionOfDim(dim))
        dims.insert(dim);
  for (unsigned dim = 0; dim < old.size(); ++dim)
    dims.insert(dim);
  SmallVector<int64_t> domain, numbers(old.size());
  SmallVector<AffineExpr> renamed(old.size());
  for (auto [number, dim] : llvm::enumerate(dims)) {
    domain.push_back(old[dim]);
    numbers[dim] = number;
    renamed[dim] = getAffineDimExpr(number, op->getContext());
  }
  auto rename = [&](AffineMap map) { return map.replaceDimsAndSymbols(renamed, {}, domain.size(), 0); };
  setMaps(op, llvm::map_to_vector(indexed.getReadMaps(), rename), llvm::map_to_vector(indexed.getWriteMaps(), rename));
  op->walk([&](IndexOp index) {
    if (const int64_t dim = index.getDim(); dim >= 0) // else time or samples
      index.setDim(numbers[dim]);
  });
  if (auto map = dyn_cast<MapOp>(op))
    return map.setDomain(domain);
  auto fold = cast<FoldOp>(op);
  fold.setAlong(llvm::map_to_vector(fold.getAlong(), [&](int64_t dim) { return numbers[dim]; }));
  fold.setDomain(domain);
}

/// Arrays that share an order: the results of an op, and what goes through a scan lane by lane.
struct Group {
  SmallVector<Value> values;
  Order order;
  llvm::SetVector<Operation *> users; ///< maps and folds that write or read the values, outside of scans
  SmallVector<OpOperand *> entries;   ///< uses by scans of values that are in no group
  SmallVector<OpOperand *> exits;     ///< uses by those who want the values as they are
  bool isFixed = false;
};

class Ordering {
public:
  explicit Ordering(func::FuncOp function) : block(function.getBody().front()) {}

  bool run() {
    collect();
    choose();
    if (llvm::all_of(groups, [](auto &entry) { return entry.second.order.empty(); }))
      return false;
    apply();
    return true;
  }

private:
  Value leader(Value value);
  void unite(Value one, Value other) { parents[leader(one)] = leader(other); }
  void uniteScan(ScanOp scan);
  void collect();
  const Order &orderOf(Value value);
  double costOf(Operation *op);
  double costOf(const Group &group);
  static bool findsElements(const Group &group);
  void choose();
  void apply();

  Block &block;
  llvm::DenseMap<Value, Value> parents;
  llvm::MapVector<Value, Group> groups; ///< by leader
  const Order asItIs;
};

Value Ordering::leader(Value value) {
  while (true) {
    Value parent = parents.try_emplace(value, value).first->second;
    if (parent == value)
      return value;
    value = parent;
  }
}

void Ordering::uniteScan(ScanOp scan) {
  Block &body = scan.getBody().front();
  for (auto [operand, argument] : llvm::zip_equal(scan->getOperands(), body.getArguments()))
    if (Operation *op = operand.getDefiningOp(); op && (isFree(op) || isa<ScanOp>(op)))
      unite(operand, argument);
  StepOp yield = scan.getYield();
  for (auto [value, result] : llvm::zip_equal(yield.getStacked(), scan.getStacked()))
    unite(value, result);
  for (auto [value, argument, result] : llvm::zip_equal(yield.getNext(), scan.getCarryArgs(), scan.getFinals())) {
    unite(value, result);
    unite(argument, result);
  }
  for (MapOp map : body.getOps<MapOp>()) {
    for (Value output : map.getOutputs())
      unite(output, map.getOutputs().front());
    for (auto [input, read] : llvm::zip_equal(map.getInputs(), map.getReadMaps()))
      if (read.isIdentity() && typeOf(input).getShape() == map.getDomain())
        unite(input, map.getOutputs().front());
  }
}

void Ordering::collect() {
  SmallVector<Value> all;
  auto add = [&](ValueRange values) { llvm::append_range(all, values); };
  llvm::SmallPtrSet<Operation *, 16> fixed;
  for (Operation &op : block) {
    if (auto scan = dyn_cast<ScanOp>(op)) {
      Block &body = scan.getBody().front();
      add(scan.getResults());
      add(body.getArguments());
      for (MapOp map : body.getOps<MapOp>())
        add(map.getOutputs());
      if (!isPointwise(scan) || hasRandom(scan))
        fixed.insert(&op);
      if (isPointwise(scan))
        uniteScan(scan);
    } else if (isFree(&op)) {
      add(op.getResults());
      for (Value result : op.getResults())
        unite(result, op.getResult(0));
    }
  }
  for (Value value : all)
    groups[leader(value)].values.push_back(value);
  for (auto &entry : groups) {
    Group &group = entry.second;
    for (Value value : group.values) {
      Operation *op = value.getDefiningOp();
      if (!op)
        op = value.getParentBlock()->getParentOp();
      if (op->getBlock() != &block)
        op = op->getParentOp();
      group.isFixed |= fixed.contains(op) || innerExtents(value) != innerExtents(group.values.front());
      if (isFree(op))
        group.users.insert(op);
      for (OpOperand &use : value.getUses())
        if (Operation *user = use.getOwner(); user->getBlock() == &block) {
          if (isFree(user))
            group.users.insert(user);
          else if (!isa<ScanOp>(user) || fixed.contains(user))
            group.exits.push_back(&use);
        }
    }
  }
  for (auto scan : block.getOps<ScanOp>())
    for (auto [operand, argument] : llvm::zip_equal(scan->getOpOperands(), scan.getBody().getArguments()))
      if (leader(argument) != leader(operand.get()))
        groups[leader(argument)].entries.push_back(&operand);
}

const Order &Ordering::orderOf(Value value) {
  if (!parents.contains(value))
    return asItIs;
  auto *found = groups.find(leader(value));
  return found == groups.end() ? asItIs : found->second.order;
}

/// What a vector of elements along `lane` takes to load or store.
double accessCost(ArrayRef<int64_t> shape, AffineMap map, unsigned lane) {
  constexpr double kApart = 16;
  AffineExpr offset = getAffineConstantExpr(0, map.getContext()), dim = getAffineDimExpr(lane, map.getContext());
  int64_t stride = 1;
  for (auto [extent, position] : llvm::reverse(llvm::zip_equal(shape, map.getResults())))
    if (extent > 0) {
      offset = offset + position * stride;
      stride *= extent;
    }
  AffineExpr step = simplifyAffineExpr(offset.replace(dim, dim + 1) - offset, map.getNumDims(), 0);
  return step == 0 || step == 1 ? 1 : kApart;
}

/// Elements of a sample. What is done at each step counts more than what is done once.
double pointsOf(ArrayRef<int64_t> domain) {
  constexpr double kSteps = 16; // any large number
  double points = 1;
  for (int64_t extent : domain)
    points *= extent > 0 ? extent : extent == ArrayType::kTime ? kSteps : 1;
  return points;
}

double Ordering::costOf(Operation *op) {
  auto indexed = cast<IndexedOpInterface>(op);
  ArrayRef<int64_t> domain = indexed.getDomain();
  std::optional<double> least;
  for (auto [dim, extent] : llvm::enumerate(domain)) {
    if (extent < 0 || llvm::is_contained(indexed.getAlong(), dim))
      continue;
    double strip = 0;
    auto access = [&](ValueRange values, ArrayRef<AffineMap> maps) {
      for (auto [value, map] : llvm::zip_equal(values, maps)) {
        ArrayRef<int64_t> shape = typeOf(value).getShape();
        const Order &order = orderOf(value);
        strip += accessCost(ordered(shape, order), ordered(map, shape, order), dim);
      }
    };
    access(op->getOperands(), indexed.getReadMaps());
    access(op->getResults(), indexed.getWriteMaps());
    strip *= double(llvm::divideCeil(extent, kLanes)) / extent;
    least = std::min(least.value_or(strip), strip);
  }
  return least.value_or(0) * pointsOf(domain);
}

double Ordering::costOf(const Group &group) {
  double cost = 0;
  for (Operation *op : group.users)
    cost += costOf(op);
  if (group.order.empty())
    return cost;
  llvm::SmallDenseSet<Value> moved;
  auto move = [&](Value value) {
    constexpr double kReal = 1, kSpike = 0.05; // of an element, in vectors of a map
    if (moved.insert(value).second)
      cost += pointsOf(typeOf(value).getShape()) * (isSpikes(value) ? kSpike : kReal);
  };
  for (OpOperand *entry : group.entries)
    move(entry->get());
  for (OpOperand *exit : group.exits)
    // The host wants it rarely, and it is moved only then.
    if (!isa<func::ReturnOp>(exit->getOwner()))
      move(exit->get());
  return cost;
}

/// Whether all that is written to the group's arrays still tells where it is: positions are taken from left to right,
/// and one that mirrors another dim, or is a part of it, says nothing in front of the position that has this dim.
bool Ordering::findsElements(const Group &group) {
  return llvm::all_of(group.values, [&](Value value) {
    auto op = value.getDefiningOp<IndexedOpInterface>();
    if (!op)
      return true;
    AffineMap write = op.getWriteMaps()[cast<OpResult>(value).getResultNumber()];
    return WriteAnalysis::of(ordered(write, typeOf(value).getShape(), group.order), op.getDomain(), op.getAlong())
        .fault.empty();
  });
}

void Ordering::choose() {
  constexpr int kSweeps = 4; // an order spreads from what is fixed, from one group to the next
  for (int sweep = 0; sweep < kSweeps; ++sweep)
    for (auto &entry : groups) {
      Group &group = entry.second;
      SmallVector<int64_t> inner = innerExtents(group.values.front());
      if (group.isFixed || llvm::count_if(inner, [](int64_t extent) { return extent > 1; }) < 2)
        continue;
      SmallVector<Order> orders{{}};
      for (unsigned last = 0; last + 1 < inner.size(); ++last) {
        Order &order = orders.emplace_back();
        for (unsigned index = 0; index < inner.size(); ++index)
          if (index != last)
            order.push_back(index);
        order.push_back(last);
      }
      Order best = group.order;
      double least = costOf(group);
      for (const Order &order : orders) {
        group.order = order;
        if (double cost = costOf(group); cost < least && findsElements(group)) {
          least = cost;
          best = order;
        }
      }
      group.order = best;
    }
}

/// A copy, made where the builder stands, of `value` as it will lie.
Value move(OpBuilder &builder, Value value, ArrayType type, AffineMap read) {
  AffineMap identity = AffineMap::getMultiDimIdentityMap(type.getRank(), type.getContext());
  auto map = MapOp::create(builder, value.getLoc(), TypeRange(type), ValueRange(value), type.getShape(),
                           ArrayRef<AffineMap>{read}, ArrayRef<AffineMap>{identity}, ArrayAttr(),
                           [](ImplicitLocOpBuilder &, ValueRange read) { return SmallVector<Value>(read); });
  return map.getResult(0);
}

void Ordering::apply() {
  // All that is there already is made anew for the orders; then come the copies.
  block.walk([&](Operation *op) {
    auto indexed = dyn_cast<IndexedOpInterface>(op);
    if (!indexed || isa<ContractOp>(op) || (op->getBlock() == &block && !isFree(op)))
      return;
    bool changes = false;
    auto orderMaps = [&](ValueRange values, SmallVector<AffineMap> maps) {
      for (auto [value, map] : llvm::zip_equal(values, maps))
        if (const Order &order = orderOf(value); !order.empty()) {
          map = ordered(map, typeOf(value).getShape(), order);
          changes = true;
        }
      return maps;
    };
    SmallVector<AffineMap> reads = orderMaps(op->getOperands(), indexed.getReadMaps()),
                           writes = orderMaps(op->getResults(), indexed.getWriteMaps());
    if (!changes)
      return;
    setMaps(op, reads, writes);
    orderDomain(op);
  });
  for (auto &entry : groups) {
    const Group &group = entry.second;
    const Order &order = group.order;
    if (order.empty())
      continue;
    const int64_t last = innerExtents(group.values.front())[order.back()];
    if (auto remark = remarks::chosen(group.users.front(), remarks::kWindows, "order"))
      remark << remark::add("the extent of {0} comes last in {1}", last, remarks::counted(group.values.size(), "array"))
             << remarks::because("those who write and read them then find the elements of a vector side by side");
    llvm::MapVector<Value, Value> copies;
    for (OpOperand *use : group.exits) {
      Value value = use->get();
      Value &copy = copies[value];
      if (!copy) {
        OpBuilder builder(value.getContext());
        builder.setInsertionPointAfterValue(value);
        AffineMap identity = AffineMap::getMultiDimIdentityMap(typeOf(value).getRank(), value.getContext());
        copy = move(builder, value, typeOf(value), ordered(identity, typeOf(value).getShape(), order));
      }
      use->set(copy);
    }
    for (OpOperand *use : group.entries) {
      Value value = use->get();
      OpBuilder builder(use->getOwner());
      AffineMap identity = AffineMap::getMultiDimIdentityMap(typeOf(value).getRank(), value.getContext());
      AffineMap turned = ordered(identity, typeOf(value).getShape(), order);
      use->set(move(builder, value, ordered(typeOf(value), order), inversePermutation(turned)));
    }
    for (Value value : group.values)
      value.setType(ordered(typeOf(value), order));
  }
}

class OrderExtents : public impl::OrderExtentsBase<OrderExtents> {
  void runOnOperation() override {
    if (!getOperation().isExternal() && !Ordering(getOperation()).run())
      markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace snn::core
