// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Packing.h.

#include "compiler/Schedule/Cpu/Packing.h"

using namespace mlir;

namespace snn::core {
namespace {

struct Slot {
  Place size;
  SmallVector<const Tenant *> tenants = {};

  bool isFree(const Tenant &tenant) const {
    return llvm::none_of(
        tenants, [&](const Tenant *other) { return other->from <= tenant.until && tenant.from <= other->until; });
  }
};

/// In the order given, each tenant takes the slot that is free for as long and wastes least: one that is large enough,
/// else the one that grows least.
Packing packInOrder(ArrayRef<Tenant> tenants, ArrayRef<size_t> order, CallSize call) {
  auto bytes = [&](const Place &place) { return place.at(call.steps, call.batch); };
  SmallVector<Slot> slots;
  SmallVector<size_t> taken(tenants.size());
  for (size_t number : order) {
    const Tenant &tenant = tenants[number];
    auto grown = [&](const Slot &slot) { return slot.size.atLeast(tenant.size); };
    auto rank = [&](const Slot &slot) { return std::pair(bytes(grown(slot)) - bytes(slot.size), bytes(slot.size)); };
    Slot *best = nullptr;
    for (Slot &slot : slots)
      if ((!best || rank(slot) < rank(*best)) && slot.isFree(tenant))
        best = &slot;
    if (!best)
      best = &slots.emplace_back();
    best->size = grown(*best);
    best->tenants.push_back(&tenant);
    taken[number] = best - slots.begin();
  }
  Packing packing;
  packing.slots = slots.size();
  SmallVector<Place> offsets;
  for (const Slot &slot : slots) {
    offsets.push_back(packing.size);
    packing.size = packing.size + slot.size;
  }
  packing.places = llvm::map_to_vector(taken, [&](size_t slot) { return offsets[slot]; });
  packing.bytes = bytes(packing.size);
  return packing;
}

} // namespace

Packing pack(ArrayRef<Tenant> tenants, CallSize call) {
  // In the order of the text, a number may take a large slot, and the next large value finds none. The largest first, a
  // value takes a slot that two shorter ones would have shared. Neither is always better.
  auto order = llvm::to_vector(llvm::seq<size_t>(0, tenants.size()));
  Packing first = packInOrder(tenants, order, call);
  auto rank = [&](size_t number) { return std::pair(-tenants[number].size.at(call.steps, call.batch), number); };
  llvm::sort(order, [&](size_t one, size_t other) { return rank(one) < rank(other); });
  Packing second = packInOrder(tenants, order, call);
  return second.bytes < first.bytes ? second : first;
}

} // namespace snn::core
