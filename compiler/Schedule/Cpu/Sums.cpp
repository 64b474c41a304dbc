// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Sums.h.

#include "compiler/Schedule/Cpu/Sums.h"

#include "compiler/Schedule/Cpu/Sizes.h"

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

bool SumClass::fitsBeside(const SumClass &other, int64_t fewestSteps) const {
  // With a run in each sample, a unit is a sample.
  return *this == other || (overTime && other.overTime && unit(fewestSteps) == 1 && other.unit(fewestSteps) == 1);
}

int64_t SumClass::unit(int64_t steps) const {
  const int64_t ofSample = (overTime ? steps : 1) * positions;
  int64_t unit = 1;
  while (unit * ofSample < run)
    unit *= 2;
  return unit;
}

int64_t SumClass::parts(CallSize size) const {
  const int64_t ofSample = (overTime ? size.steps : 1) * positions;
  int64_t parts = 1;
  while (parts * 2 <= maxParts && size.batch * ofSample >= part * parts * 2)
    parts *= 2;
  while (parts > int64_t(llvm::divideCeil(size.batch, unit(size.steps))))
    parts /= 2;
  return parts;
}

int64_t SumClass::blocks(CallSize size) const {
  auto ofTerms = [](int64_t terms) -> int64_t { return llvm::divideCeil(terms, kernels::kBlock); };
  const int64_t all = overTime ? size.steps : 1, together = unit(size.steps);
  if (together > 1 || (!overTime && positions < run)) {
    const int64_t whole = size.batch / together, rest = size.batch - whole * together;
    return whole * ofTerms(together * all * positions) + ofTerms(rest * all * positions);
  }
  const int64_t wholeRuns = all / stepsPerRun(), left = all % stepsPerRun();
  return size.batch * (wholeRuns * ofTerms(stepsPerRun() * positions) + ofTerms(left * positions));
}

int64_t SumClass::levels(CallSize size) const {
  int64_t levels = 1;
  for (int64_t all = blocks(size); all >= kernels::kLevel && levels < kernels::kMaxLevels; all /= kernels::kLevel)
    ++levels;
  return levels;
}

} // namespace snn::core
