// Shuffling by counter-based random numbers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/train/Shuffle.h"

#include <numeric>
#include <utility>

__extension__ typedef unsigned __int128 Wide;

std::vector<uint64_t> snn::shuffledOrder(uint64_t seed, uint64_t epoch, uint64_t count, RandomPurpose purpose) {
  std::vector<uint64_t> order(count);
  std::iota(order.begin(), order.end(), uint64_t{0});
  for (uint64_t last = count; last-- > 1;) {
    std::array<uint32_t, 4> words = philoxBlock(seed, purpose, uint32_t(epoch), last);
    uint64_t random = uint64_t{words[0]} << 32 | words[1];
    // The high half of random * (last + 1) is uniform in [0, last] up to a bias of at most (last + 1) / 2^64.
    auto other = uint64_t(static_cast<Wide>(random) * (last + 1) >> 64);
    std::swap(order[last], order[other]);
  }
  return order;
}
