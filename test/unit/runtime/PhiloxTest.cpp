// Philox4x32-10 against the known-answer vectors of its authors' Random123 library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/core/Philox.h"

#include <gtest/gtest.h>

using Block = std::array<uint32_t, 4>;

TEST(Philox, KnownAnswers) {
  EXPECT_EQ(snn::philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(snn::philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(snn::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, UnitIsBelowOne) {
  EXPECT_EQ(snn::philoxUnit(0), 0.0);
  EXPECT_LT(snn::philoxUnit(~0u), 1.0);
  EXPECT_EQ(double(float(snn::philoxUnit(~0u))), snn::philoxUnit(~0u));
}
