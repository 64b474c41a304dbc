// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CORE_PHILOX_H
#define SNN_RUNTIME_CORE_PHILOX_H

#include <array>
#include <cstdint>

namespace snn {

/// The last word of a counter says what the numbers are for, so that no two uses share any. Model is that of
/// the random numbers within networks (core.random), which are laid out in another way.
enum class RandomPurpose : uint32_t { InitialValue = 0, Shuffle = 1, Model = 2, Validation = 3 };

/// Four random words for one counter and key: 10 rounds of section 4.3, table 2 of the paper.
constexpr std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = uint64_t{0xD2511F53} * counter[0], product1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {uint32_t(product1 >> 32) ^ counter[1] ^ key[0], uint32_t(product1),
               uint32_t(product0 >> 32) ^ counter[3] ^ key[1], uint32_t(product0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// Block `block` of stream `stream` (a parameter's index, an epoch) under a 64-bit seed.
constexpr std::array<uint32_t, 4> philoxBlock(uint64_t seed, RandomPurpose purpose, uint32_t stream, uint64_t block) {
  return philox({uint32_t(block), uint32_t(block >> 32), stream, uint32_t(purpose)},
                {uint32_t(seed), uint32_t(seed >> 32)});
}

/// Uniform in [0, 1) with 24 bits: exact in single and in double precision, so that both start from the same numbers.
constexpr double philoxUnit(uint32_t word) { return (word >> 8) * 0x1p-24; }

} // namespace snn

#endif // SNN_RUNTIME_CORE_PHILOX_H
