// Random numbers of core.random, and the one place that says which number belongs to which point.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_ORACLE_RANDOM_H
#define SNN_TEST_ORACLE_RANDOM_H

#include <array>
#include <cstdint>

namespace snn::interpreter {

using Words = std::array<uint32_t, 4>;

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), as the paper states it.
inline Words philox(Words counter, std::array<uint32_t, 2> key) {
  auto [c0, c1, c2, c3] = counter;
  for (int round = 0; round < 10; ++round) {
    uint64_t first = uint64_t(0xD2511F53) * c0, second = uint64_t(0xCD9E8D57) * c2;
    c0 = uint32_t(second >> 32) ^ c1 ^ key[0];
    c1 = uint32_t(second);
    c2 = uint32_t(first >> 32) ^ c3 ^ key[1];
    c3 = uint32_t(first);
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return {c0, c1, c2, c3};
}

// The layout: which block belongs to which point.

/// Purpose and epoch are mixed into the seed: the key is the first half of the block {epoch, purpose, 0, 2}. The 2 in
/// its last word keeps that block apart from those that the host draws under the same seed, which have 0 or 1 there
/// (initial values, shuffles).
inline std::array<uint32_t, 2> randomKey(uint64_t seed, uint32_t purpose, uint32_t epoch) {
  Words block = philox({epoch, purpose, 0, 2}, {uint32_t(seed), uint32_t(seed >> 32)});
  return {block[0], block[1]};
}

/// Where a number is drawn. Each part has bits of its own in the counter, so that no two places share a block.
struct RandomPlace {
  uint64_t sample = 0;  ///< its id, not its place in the batch; 0 in a domain without samples
  uint32_t step = 0;    ///< counted from the first step that the state has seen; 0 for numbers per sample
  uint32_t element = 0; ///< the point's number in row-major order of the domain without time and samples
};

inline Words randomBlock(std::array<uint32_t, 2> key, const RandomPlace &place) {
  return philox({place.element, uint32_t(place.sample), uint32_t(place.sample >> 32), place.step}, key);
}

/// From [0, 1): the upper 24 bits of the block's first word for f32. f64 has 53 bits, which begin with these 24, so
/// that a network in f64 draws the same numbers but for what f32 cannot hold.
inline double unitF32(Words block) { return (block[0] >> 8) * 0x1p-24; }
inline double unitF64(Words block) { return ((uint64_t(block[0]) << 32 | block[1]) >> 11) * 0x1p-53; }

} // namespace snn::interpreter

#endif // SNN_TEST_ORACLE_RANDOM_H
