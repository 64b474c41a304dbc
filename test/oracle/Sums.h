// The order of summation: how many sums go through their terms in step, and how terms, blocks and parts are added.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_ORACLE_SUMS_H
#define SNN_TEST_ORACLE_SUMS_H

#include "test/oracle/Access.h"

#include <cmath>

namespace snn::interpreter {

/// The fields of #core.order.
struct Order {
  int64_t run = 0, group = 1, block = 64, lanes = 1, samples = 0, parts = 1;
  bool descending = false;

  static Order of(core::OrderAttr attribute);
  /// One chain of all terms, for sums that state no order.
  static Order plain();
};

/// Sums of many elements that go through the positions of their terms together. An element without a term at a position
/// keeps what it has; as all sums start from +0, adding the +0 of an empty group or block would change nothing either.
template <typename Real> class Sums {
public:
  Sums(int64_t elements, const Order &order)
      : order(order), elements(elements), total(elements), block(order.lanes > 1 ? 0 : elements),
        group(order.lanes == 1 && order.group > 1 ? elements : 0), lane(order.lanes > 1 ? elements * order.lanes : 0) {}

  /// The term of an element at the present position.
  void add(int64_t element, Real term) {
    if (order.lanes > 1)
      lane[(position % order.lanes) * elements + element] += term;
    else if (order.group > 1)
      group[element] += term;
    else
      block[element] += term;
  }
  /// A term a * b: rounded together with the sum where a block is one chain, else first on its own.
  void addProduct(int64_t element, Real a, Real b) {
    if (order.lanes == 1 && order.group == 1)
      block[element] = std::fma(a, b, block[element]);
    else
      add(element, a * b);
  }

  void endPosition() {
    ++position;
    if (order.lanes > 1 || position % order.group != 0)
      return;
    endGroup();
    if (position / order.group % order.block == 0)
      endBlock();
  }

  void endRun() {
    position = 0;
    if (order.lanes == 1) {
      endGroup();
      return endBlock();
    }
    for (int64_t half = order.lanes / 2; half >= 1; half /= 2)
      for (int64_t i = 0; i < half * elements; ++i)
        lane[i] += lane[i + half * elements];
    for (int64_t i = 0; i < elements; ++i)
      total[i] += lane[i];
    lane.assign(lane.size(), 0);
  }

  std::vector<Real> takeTotals() { return std::move(total); }

private:
  void endGroup() {
    for (size_t i = 0; i < group.size(); ++i) {
      block[i] += group[i];
      group[i] = 0;
    }
  }
  void endBlock() {
    for (size_t i = 0; i < block.size(); ++i) {
      total[i] += block[i];
      block[i] = 0;
    }
  }

  Order order;
  int64_t elements, position = 0;
  std::vector<Real> total, block, group, lane;
};

/// Takes the terms of all elements in order. `addTerms` gives the terms of one position, that of the summed coordinates
/// in `point`, to the sums; it writes the other coordinates of `point`. `domain` has the marks, `extents` the numbers.
template <typename Real>
std::vector<Real> sumInOrder(const Order &order, llvm::ArrayRef<int64_t> domain, llvm::ArrayRef<int64_t> extents,
                             llvm::ArrayRef<int64_t> along, int64_t elements, llvm::MutableArrayRef<int64_t> point,
                             llvm::function_ref<void(Sums<Real> &)> addTerms);

extern template std::vector<float> sumInOrder<float>(const Order &, llvm::ArrayRef<int64_t>, llvm::ArrayRef<int64_t>,
                                                     llvm::ArrayRef<int64_t>, int64_t, llvm::MutableArrayRef<int64_t>,
                                                     llvm::function_ref<void(Sums<float> &)>);
extern template std::vector<double> sumInOrder<double>(const Order &, llvm::ArrayRef<int64_t>, llvm::ArrayRef<int64_t>,
                                                       llvm::ArrayRef<int64_t>, int64_t, llvm::MutableArrayRef<int64_t>,
                                                       llvm::function_ref<void(Sums<double> &)>);

} // namespace snn::interpreter

#endif // SNN_TEST_ORACLE_SUMS_H
