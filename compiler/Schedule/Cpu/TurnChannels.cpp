// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Contracts with weights for each channel alone: channels last, so that lanes of them lie side by side.

#include "compiler/Remarks/Remarks.h"
#include "compiler/Schedule/Cpu/Layout.h"
#include "compiler/Schedule/Cpu/Overlaps.h"
#include "compiler/Schedule/Cpu/Passes.h"
#include "compiler/Schedule/Cpu/Unfolding.h"

using namespace mlir;

namespace snn::core {
#define GEN_PASS_DEF_TURNCHANNELS
#include "compiler/Schedule/Cpu/Passes.h.inc"

namespace {

class Turning : Unfolding {
public:
  explicit Turning(ContractOp op) : Unfolding(op) {}

  void run();

private:
  std::optional<unsigned> extentOf(AffineMap map, unsigned dim) const;
  bool isContiguous(Value value, unsigned index) const;
};

/// The extent of an array of which `dim` is the coordinate, if it is read or written there and nowhere else.
std::optional<unsigned> Turning::extentOf(AffineMap map, unsigned dim) const {
  std::optional<unsigned> found;
  for (auto [index, expression] : llvm::enumerate(map.getResults())) {
    AffineExpr position = withoutOnes(expression);
    if (!position.isFunctionOfDim(dim))
      continue;
    if (found || position != getAffineDimExpr(dim, context))
      return std::nullopt;
    found = index;
  }
  return found;
}

bool Turning::isContiguous(Value value, unsigned index) const {
  ArrayRef<int64_t> before = typeOf(value).getShape().take_front(index);
  return layoutOf(value).strides[llvm::count_if(before, [](int64_t extent) { return extent > 0; })] == 1;
}

void Turning::run() {
  AffineMap maps[] = {readOf(0), readOf(1), op.getWrite()};
  std::optional<unsigned> channel;
  for (unsigned dim = 0; dim < domain.size() && !channel; ++dim)
    if (domain[dim] >= kLanes && !llvm::is_contained(op.getAlong(), dim) &&
        llvm::all_of(maps, [&](AffineMap map) { return extentOf(map, dim).has_value(); }))
      channel = dim;
  if (!channel)
    return;
  Value values[] = {op.getLhs(), op.getRhs(), op.getResult()};
  SmallVector<unsigned> orders[3]; // empty: as it is
  for (auto [value, map, order] : llvm::zip_equal(values, maps, orders))
    if (unsigned index = *extentOf(map, *channel); !isContiguous(value, index))
      order = withLast(typeOf(value).getShape(), index);
  if (llvm::all_of(orders, [](auto &order) { return order.empty(); }))
    return;

  over.extents = domain;
  auto turn = [](auto list, ArrayRef<unsigned> order) {
    return llvm::map_to_vector(order, [&](unsigned index) { return list[index]; });
  };
  Factor factors[2];
  for (auto [value, map, order, factor] : llvm::zip_equal(ArrayRef(values).drop_back(), ArrayRef(maps).drop_back(),
                                                          ArrayRef(orders).drop_back(), factors)) {
    factor = {value, SmallVector<AffineExpr>(map.getResults())};
    if (!order.empty()) {
      SmallVector<int64_t> shape = turn(typeOf(value).getShape(), order);
      AffineMap identity = AffineMap::getMultiDimIdentityMap(shape.size(), context);
      AffineMap turned = AffineMap::get(shape.size(), 0, turn(identity.getResults(), order), context);
      factor = {move(value, shape, inversePermutation(turned), identity, shape), turn(map.getResults(), order)};
    }
    // Without terms that are absent there is nothing to ask.
    widen(factor);
  }
  Type type = op.getResult().getType();
  AffineMap write = op.getWrite();
  if (!orders[2].empty()) {
    type = ArrayType::get(context, turn(typeOf(op.getResult()).getShape(), orders[2]),
                          typeOf(op.getResult()).getElementType());
    write = over.map(turn(write.getResults(), orders[2]));
  }
  auto contract = make<ContractOp>(type, factors[0].value, factors[1].value, domain, op.getAlong(),
                                   over.map(factors[0].positions), over.map(factors[1].positions), write);
  contract.setOrderAttr(op.getOrderAttr());
  result = contract.getResult();
  if (!orders[2].empty())
    moveBack(result, orders[2]);
  if (auto remark = remarks::chosen(contract, remarks::kWindows, "channels"))
    remark << remark::add("channels become the last extent of what does not have them there: lanes are {0}",
                          remarks::counted(domain[*channel], "channel"))
           << remarks::because("each channel has weights of its own");
  op.getResult().replaceAllUsesWith(result);
  op.erase();
}

class TurnChannels : public impl::TurnChannelsBase<TurnChannels> {
  void runOnOperation() override {
    SmallVector<ContractOp> contracts;
    getOperation().walk([&](ContractOp op) { contracts.push_back(op); });
    for (ContractOp op : contracts)
      if (kernelFor(op) == Kernel::Loops)
        Turning(op).run();
  }
};

} // namespace
} // namespace snn::core
