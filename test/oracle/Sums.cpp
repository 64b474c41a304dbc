// See Sums.h.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Sums.h"

using namespace llvm;

namespace snn::interpreter {
namespace {

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The smallest power of two that times `each` is at least `wanted`.
int64_t powerFor(int64_t wanted, int64_t each) {
  int64_t power = 1;
  while (power * each < wanted)
    power *= 2;
  return power;
}

/// How a sum over samples falls into runs and parts.
struct Division {
  int64_t stepsOfRun, samplesOfUnit, units, parts = 1;

  /// For `batch` samples of `steps` steps with `positions` terms each.
  Division(const Order &order, int64_t batch, int64_t steps, int64_t positions) {
    stepsOfRun = std::min(steps, powerFor(order.run, positions));
    samplesOfUnit = steps * positions >= order.run ? 1 : powerFor(order.run, steps * positions);
    units = ceilDivide(batch, samplesOfUnit);
    while (parts * 2 <= order.parts && batch * steps * positions >= order.part * parts * 2)
      parts *= 2;
    while (parts > units)
      parts /= 2;
  }

  int64_t firstUnit(int64_t part) const { return part * units / parts; }
};

} // namespace

Order Order::of(core::OrderAttr attribute) {
  return {attribute.getGroup(), attribute.getBlock(), attribute.getLevel(), attribute.getLanes(),
          attribute.getRun(),   attribute.getParts(), attribute.getPart(),  attribute.getDescending()};
}

Order Order::plain() {
  Order order;
  order.block = order.part = int64_t(1) << 62;
  order.run = 1;
  return order;
}

template <typename Real>
std::vector<Real> sumInOrder(const Order &order, ArrayRef<int64_t> domain, ArrayRef<int64_t> extents,
                             ArrayRef<int64_t> along, int64_t elements, MutableArrayRef<int64_t> point,
                             function_ref<void(Sums<Real> &)> addTerms) {
  int descending = -1;
  if (order.descending)
    for (int64_t dim : along)
      if (domain[dim] == core::ArrayType::kTime)
        descending = dim;

  bool sumsSamples = !along.empty() && domain[along.front()] == core::ArrayType::kSample;
  if (!sumsSamples) {
    Sums<Real> sums(elements, order);
    forEachPoint(along, extents, point, descending, [&] {
      addTerms(sums);
      sums.endPosition();
    });
    return sums.takeTotals();
  }

  int64_t sampleDim = along.front(), batch = extents[sampleDim], steps = 1, positions = 1;
  for (int64_t dim : along.drop_front())
    (domain[dim] == core::ArrayType::kTime ? steps : positions) *= extents[dim];
  Division division(order, batch, steps, positions);
  std::vector<std::vector<Real>> sumOf;
  for (int64_t part = 0; part < division.parts; ++part) {
    Sums<Real> sums(elements, order);
    for (int64_t unit = division.firstUnit(part); unit < division.firstUnit(part + 1); ++unit) {
      int64_t first = unit * division.samplesOfUnit, end = std::min(batch, first + division.samplesOfUnit);
      for (int64_t sample = first; sample < end; ++sample) {
        point[sampleDim] = sample;
        int64_t taken = 0; // of this sample
        forEachPoint(along.drop_front(), extents, point, descending, [&] {
          addTerms(sums);
          sums.endPosition();
          if (++taken % (division.stepsOfRun * positions) == 0 && division.samplesOfUnit == 1)
            sums.endRun();
        });
        if (division.samplesOfUnit == 1)
          sums.endRun();
      }
      sums.endRun();
    }
    sumOf.push_back(sums.takeTotals());
  }
  for (int64_t apart = 1; apart < division.parts; apart *= 2)
    for (int64_t part = 0; part + apart < division.parts; part += 2 * apart)
      for (int64_t i = 0; i < elements; ++i)
        sumOf[part][i] += sumOf[part + apart][i];
  return std::move(sumOf.front());
}

template std::vector<float> sumInOrder<float>(const Order &, ArrayRef<int64_t>, ArrayRef<int64_t>, ArrayRef<int64_t>,
                                              int64_t, MutableArrayRef<int64_t>, function_ref<void(Sums<float> &)>);
template std::vector<double> sumInOrder<double>(const Order &, ArrayRef<int64_t>, ArrayRef<int64_t>, ArrayRef<int64_t>,
                                                int64_t, MutableArrayRef<int64_t>, function_ref<void(Sums<double> &)>);

} // namespace snn::interpreter
