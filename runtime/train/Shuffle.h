// Random orders of samples: in which an epoch goes through them, and by which some are put aside.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TRAIN_SHUFFLE_H
#define SNN_RUNTIME_TRAIN_SHUFFLE_H

#include "runtime/core/Philox.h"

#include <vector>

namespace snn {

/// A permutation of 0 .. count-1, a function of the arguments alone: Fisher and Yates' shuffle with Philox.
std::vector<uint64_t> shuffledOrder(uint64_t seed, uint64_t epoch, uint64_t count,
                                    RandomPurpose purpose = RandomPurpose::Shuffle);

} // namespace snn

#endif // SNN_RUNTIME_TRAIN_SHUFFLE_H
