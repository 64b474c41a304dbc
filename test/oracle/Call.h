// What is said with each run of a function of the core, and the two ways to compute.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_ORACLE_CALL_H
#define SNN_TEST_ORACLE_CALL_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <vector>

namespace snn::interpreter {

struct Call {
  int64_t batch = 0;     ///< extent of `sample`; 0: not known, an error where something needs it
  int64_t steps = 0;     ///< extent of `time`; 0: not known
  int64_t firstStep = 0; ///< what core.index time and random numbers count the call's first step as
  uint64_t seed = 0;
  uint32_t epoch = 0;
  std::vector<uint64_t> sampleIds = {}; ///< one for each sample, for random numbers; empty: 0, 1, 2, ...

  uint64_t sampleId(int64_t sample) const { return sampleIds.empty() ? sample : sampleIds[sample]; }
};

/// AsStated: each operation rounds to its own type, and sums keep the stated order, which they must have.
/// Wide: what is f32 in the text is computed in f64, with the stated order where there is one.
enum class Numbers { AsStated, Wide };

inline llvm::Error fault(const llvm::Twine &text) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), text);
}

} // namespace snn::interpreter

#endif // SNN_TEST_ORACLE_CALL_H
