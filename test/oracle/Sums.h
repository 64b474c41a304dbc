// The order of summation: how many sums go through their terms in step, and how terms, blocks and parts are added.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_ORACLE_SUMS_H
#define SNN_TEST_ORACLE_SUMS_H

#include "test/oracle/Access.h"

#include <cmath>

namespace snn::interpreter {

/// The fields of #core.order.
struct Order {
  int64_t group = 1, block = 64, level = 64, lanes = 1, run = 0, parts = 1, part = 1;
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
      : order(order), elements(elements), chains(order.lanes, Chain(elements, order)) {}

  /// The term of an element at the present position.
  void add(int64_t element, Real term) { present().open(order)[element] += term; }
  /// A term a * b: rounded together with the sum where a block is one chain, else first on its own.
  void addProduct(int64_t element, Real a, Real b) {
    if (order.lanes > 1 || order.group > 1)
      return add(element, a * b);
    Real &sum = present().block[element];
    sum = std::fma(a, b, sum);
  }

  void endPosition() {
    present().endPosition(order);
    ++position;
  }
  /// Groups and blocks start anew.
  void endRun() {
    for (Chain &chain : chains)
      chain.endBlock(order);
    position = 0;
  }

  std::vector<Real> takeTotals() {
    endRun();
    for (int64_t half = order.lanes / 2; half >= 1; half /= 2)
      for (int64_t lane = 0; lane < half; ++lane)
        addTo(chains[lane].total(), chains[lane + half].total());
    return std::move(chains.front().total());
  }

private:
  static void addTo(std::vector<Real> &to, const std::vector<Real> &what) {
    for (size_t i = 0; i < to.size(); ++i)
      to[i] += what[i];
  }

  struct Chain {
    Chain(int64_t elements, const Order &order)
        : group(order.group > 1 ? elements : 0), block(elements), levels(1, std::vector<Real>(elements)), counts(1) {}

    /// Where terms are added.
    std::vector<Real> &open(const Order &order) { return order.group > 1 ? group : block; }

    void endPosition(const Order &order) {
      ++position;
      if (position % order.group == 0)
        endGroup();
      if (position == order.block)
        endBlock(order);
    }

    void endGroup() {
      for (size_t i = 0; i < group.size(); ++i) {
        block[i] += group[i];
        group[i] = 0;
      }
    }

    /// The block's sum becomes a term of the first level, and that of a full level one of the next.
    void endBlock(const Order &order) {
      if (position == 0)
        return;
      endGroup();
      addTo(levels[0], block);
      block.assign(block.size(), 0);
      position = 0;
      for (size_t level = 0; ++counts[level] == order.level; ++level) {
        if (level + 1 == levels.size()) {
          levels.emplace_back(block.size());
          counts.push_back(0);
        }
        addTo(levels[level + 1], levels[level]);
        levels[level].assign(block.size(), 0);
        counts[level] = 0;
      }
    }

    /// What is not full goes up as it is. To be called when all is added.
    std::vector<Real> &total() {
      for (size_t level = 0; level + 1 < levels.size(); ++level) {
        addTo(levels[level + 1], levels[level]);
        levels[level].assign(block.size(), 0);
      }
      return levels.back();
    }

    std::vector<Real> group, block;
    std::vector<std::vector<Real>> levels;
    std::vector<int64_t> counts; ///< terms of each level
    int64_t position = 0;        ///< in the block
  };

  Chain &present() { return chains[order.lanes > 1 ? position % order.lanes : 0]; }

  Order order;
  int64_t elements, position = 0;
  std::vector<Chain> chains;
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
