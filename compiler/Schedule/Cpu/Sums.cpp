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

bool SumClass::operator==(const SumClass &other) const {
  return run == other.run && maxParts == other.maxParts && part == other.part && overTime == other.overTime &&
         positions == other.positions;
}

int64_t SumClass::samplesOfUnit(int64_t steps) const {
  int64_t terms = (overTime ? steps : 1) * positions, samples = 1;
  while (samples * terms < run)
    samples *= 2;
  return samples;
}

int64_t SumClass::parts(CallSize size) const {
  int64_t terms = size.batch * (overTime ? size.steps : 1) * positions, unit = samplesOfUnit(size.steps), parts = 1;
  while (parts * 2 <= maxParts && terms >= part * parts * 2)
    parts *= 2;
  while (parts > (size.batch + unit - 1) / unit)
    parts /= 2;
  return parts;
}

} // namespace snn::core
