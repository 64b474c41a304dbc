// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See CheckPlan.h.

#include "compiler/Codegen/Cpu/CheckPlan.h"
#include "compiler/TimeLoops/Cpu/Footprint.h"

#include "snn/abi.h"
#include <map>

using namespace mlir;

namespace snn {
namespace {

/// Where a value lies: an affine function of the number of time steps.
struct Interval {
  Footprint begin, size;
  int64_t from(int64_t steps) const { return begin.at(steps); }
  int64_t to(int64_t steps) const { return begin.at(steps) + size.at(steps); }
};

/// The intervals in use. Two that are apart at both ends of the range of steps, in the same order, are apart at each
/// number of steps in between, as their ends are affine.
class Occupied {
public:
  Occupied(int64_t fewest, int64_t most) : fewest(fewest), most(most) {}

  /// False if the interval meets one that is in use.
  bool add(const Interval &interval) {
    auto after = order.upper_bound(interval.from(fewest));
    auto isBefore = [&](const Interval &a, const Interval &b) {
      return a.to(fewest) <= b.from(fewest) && a.to(most) <= b.from(most);
    };
    if (after != order.end() && !isBefore(interval, after->second))
      return false;
    if (after != order.begin() && !isBefore(std::prev(after)->second, interval))
      return false;
    order.emplace_hint(after, interval.from(fewest), interval);
    return true;
  }

  void remove(const Interval &interval) { order.erase(interval.from(fewest)); }

private:
  int64_t fewest, most;
  std::map<int64_t, Interval> order; ///< by where they begin with the fewest steps
};

class PlanChecker {
public:
  PlanChecker(BatchMapOp map, int64_t fewest, int64_t most)
      : map(map), most(most), chunk(*map.getChunk()), arena(map.getArenaAttr()), occupied(fewest, most) {}

  LogicalResult run() {
    if (arena.getConstant() < 0 || arena.getSteps() < 0 || arena.getConstant() > kMaxArena ||
        arena.getSteps() > (kMaxArena - arena.getConstant()) / most)
      return map.emitOpError() << "has an arena of " << arena << " for up to " << most
                               << " time steps, but expected at most " << kMaxArena << " bytes";
    for (Operation &op : map.getBody().front().without_terminator())
      if (failed(check(op)))
        return failure();
    return success();
  }

private:
  LogicalResult check(Operation &op) {
    auto places = op.getAttrOfType<ArrayAttr>(SnnDialect::placesAttrName());
    size_t count = op.getNumResults();
    if (places && places.size() != count + 1)
      return op.emitOpError("expected a place for each result and one for scratch memory");
    for (auto [index, value] : llvm::enumerate(op.getResults()))
      if (needsPlace(value)) {
        std::optional<Interval> interval = places ? intervalOf(places[index], footprintOf(value, chunk)) : std::nullopt;
        if (!interval)
          return op.emitOpError("result has no place in the arena that holds a chunk of it");
        if (!occupied.add(*interval))
          return op.emitOpError("result has a place that another value has at the same time");
        ends[lastReader(value)].push_back(*interval);
      }
    if (Footprint scratch = scratchOf(&op, chunk); scratch.at(1) > 0) {
      std::optional<Interval> interval = places ? intervalOf(places[count], scratch) : std::nullopt;
      if (!interval)
        return op.emitOpError("has no scratch memory in the arena");
      if (!occupied.add(*interval))
        return op.emitOpError("has scratch memory that a value has at the same time");
      occupied.remove(*interval);
    }
    for (const Interval &interval : ends.lookup(&op))
      occupied.remove(interval);
    return success();
  }

  /// The place if it is aligned and lies in the arena at any number of steps.
  std::optional<Interval> intervalOf(Attribute attribute, Footprint size) const {
    auto place = dyn_cast<PlaceAttr>(attribute);
    auto isMultiple = [](int64_t bytes) { return bytes >= 0 && bytes % SNN_ALIGNMENT == 0; };
    if (!place || !isMultiple(place.getConstant()) || !isMultiple(place.getSteps()))
      return std::nullopt;
    // Each summand first: nothing wraps around after that.
    const int64_t bytes = arena.getConstant() + arena.getSteps() * most;
    if (place.getConstant() > bytes || size.constant > bytes || place.getSteps() > bytes / most ||
        size.steps > bytes / most)
      return std::nullopt;
    Interval interval{{place.getConstant(), place.getSteps()}, size};
    const int64_t least = arena.getConstant() + arena.getSteps();
    if (interval.to(most) > bytes || interval.to(1) > least)
      return std::nullopt;
    return interval;
  }

  BatchMapOp map;
  int64_t most, chunk;
  PlaceAttr arena;
  Occupied occupied;
  llvm::DenseMap<Operation *, SmallVector<Interval>> ends; ///< of what an op is the last to read
};

} // namespace

LogicalResult checkPlan(BatchMapOp map, int64_t fewest, int64_t most) { return PlanChecker(map, fewest, most).run(); }

} // namespace snn
