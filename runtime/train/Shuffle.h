// The order in which an epoch goes through the samples.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TRAIN_SHUFFLE_H
#define SNN_RUNTIME_TRAIN_SHUFFLE_H

#include <cstdint>
#include <vector>

namespace snn {

/// A permutation of 0 .. count-1, a function of (seed, epoch, count) alone: Fisher and Yates' shuffle with Philox.
std::vector<uint64_t> shuffledOrder(uint64_t seed, uint64_t epoch, uint64_t count);

} // namespace snn

#endif // SNN_RUNTIME_TRAIN_SHUFFLE_H
