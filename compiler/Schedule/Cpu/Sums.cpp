// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Sums.h.

#include "compiler/Schedule/Cpu/Sums.h"

using namespace mlir;

namespace snn::core {

std::optional<SumClass> SumClass::of(Operation *op) {
  auto indexed = cast<IndexedOpInterface>(op);
  auto order = op->getAttrOfType<OrderAttr>("order");
  if (!order)
    return std::nullopt;
  SumClass sum{order.getRun(), order.getParts(), order.getPart()};
  for (int64_t dim : indexed.getAlong()) {
    sum.overTime |= indexed.getDomain()[dim] == ArrayType::kTime;
    sum.positions *= std::max<int64_t>(indexed.getDomain()[dim], 1);
  }
  return sum;
}

int64_t SumClass::stepsPerRun() const {
  int64_t count = 1;
  while (overTime && count * positions < run)
    count *= 2;
  return count;
}

int64_t SumClass::parts(CallSize size) const {
  const int64_t ofSample = (overTime ? size.steps : 1) * positions;
  int64_t unit = 1, parts = 1;
  while (unit * ofSample < run)
    unit *= 2;
  while (parts * 2 <= maxParts && size.batch * ofSample >= part * parts * 2)
    parts *= 2;
  while (parts > int64_t(llvm::divideCeil(size.batch, unit)))
    parts /= 2;
  return parts;
}

} // namespace snn::core
