// See Sums.h.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Sums.h"

using namespace llvm;

namespace snn::interpreter {
namespace {

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Which units of samples make the parts of a batch: `count` parts, a power of two, of `unitsEach` units and then
/// fewer.
struct Parts {
  int64_t count = 1, unitsEach;

  Parts(int64_t units, int64_t most) {
    while (count * 2 <= std::min(units, most))
      count *= 2;
    unitsEach = ceilDivide(units, count);
  }
};

} // namespace

Order Order::of(core::OrderAttr attribute) {
  return {attribute.getRun(),     attribute.getGroup(), attribute.getBlock(),     attribute.getLanes(),
          attribute.getSamples(), attribute.getParts(), attribute.getDescending()};
}

Order Order::plain() {
  Order order;
  order.run = order.block = order.samples = int64_t(1) << 62;
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
    size_t outside = along.size() - std::min<size_t>(along.size(), order.run);
    forEachPoint(along.take_front(outside), extents, point, descending, [&] {
      forEachPoint(along.drop_front(outside), extents, point, descending, [&] {
        addTerms(sums);
        sums.endPosition();
      });
      sums.endRun();
    });
    return sums.takeTotals();
  }

  int64_t sampleDim = along.front(), batch = extents[sampleDim], samples = std::min(order.samples, batch);
  int64_t units = ceilDivide(batch, samples);
  Parts parts(units, order.parts);
  std::vector<std::vector<Real>> partial;
  for (int64_t part = 0; part < parts.count; ++part) {
    Sums<Real> sums(elements, order);
    int64_t end = std::min((part + 1) * parts.unitsEach, units);
    for (int64_t unit = part * parts.unitsEach; unit < end; ++unit) {
      for (int64_t sample = unit * samples; sample < std::min((unit + 1) * samples, batch); ++sample) {
        point[sampleDim] = sample;
        forEachPoint(along.drop_front(), extents, point, descending, [&] {
          addTerms(sums);
          sums.endPosition();
        });
      }
      sums.endRun();
    }
    partial.push_back(sums.takeTotals());
  }
  for (int64_t half = parts.count / 2; half >= 1; half /= 2)
    for (int64_t part = 0; part < half; ++part)
      for (int64_t i = 0; i < elements; ++i)
        partial[part][i] += partial[part + half][i];
  return std::move(partial.front());
}

template std::vector<float> sumInOrder<float>(const Order &, ArrayRef<int64_t>, ArrayRef<int64_t>, ArrayRef<int64_t>,
                                              int64_t, MutableArrayRef<int64_t>, function_ref<void(Sums<float> &)>);
template std::vector<double> sumInOrder<double>(const Order &, ArrayRef<int64_t>, ArrayRef<int64_t>, ArrayRef<int64_t>,
                                                int64_t, MutableArrayRef<int64_t>, function_ref<void(Sums<double> &)>);

} // namespace snn::interpreter
