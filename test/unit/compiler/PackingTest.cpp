// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What intervals of values take that share memory.

#include "compiler/Schedule/Cpu/Packing.h"

#include <gtest/gtest.h>
#include <random>

namespace snn::core {
namespace {

Tenant tenant(int64_t bytes, unsigned from, unsigned until) { return {nullptr, 0, Place{bytes}, from, until}; }

constexpr CallSize kCall{4, 16};

TEST(Packing, ASmallValueDoesNotPinALargePlace) {
  // In the order of the text, the small one would lie where the first was, and the last one find nothing.
  Packing packing = pack({tenant(1 << 20, 0, 1), tenant(64, 2, 9), tenant(1 << 20, 3, 8)}, kCall);
  EXPECT_EQ(packing.bytes, (1 << 20) + 64);
  EXPECT_TRUE(packing.places[0] == packing.places[2]);
}

TEST(Packing, ALongValueDoesNotTakeThePlaceOfShorterOnes) {
  // The largest first, the first one and the third would not share, as the second has taken the place of one of them.
  std::vector<Tenant> tenants{tenant(300, 0, 2), tenant(400, 1, 6), tenant(200, 3, 5), tenant(350, 7, 9)};
  EXPECT_LE(pack(tenants, kCall).bytes, 700);
}

TEST(Packing, ValuesAliveTogetherLieApartInCallsOfAnySize) {
  std::mt19937 random(3);
  auto upTo = [&](unsigned most) { return random() % (most + 1); };
  for (int round = 0; round < 50; ++round) {
    std::vector<Tenant> tenants;
    for (int i = 0; i < 30; ++i) {
      unsigned from = upTo(40);
      tenants.push_back(tenant(64 * upTo(9), from, from + upTo(10)));
      tenants.back().size.rows = 64 * upTo(3);
      tenants.back().size.samples = 64 * upTo(3);
    }
    Packing packing = pack(tenants, kCall);
    for (CallSize call : {CallSize{1, 1}, kCall, CallSize{1000, 3}}) {
      auto begin = [&](size_t i) { return packing.places[i].at(call.steps, call.batch); };
      auto end = [&](size_t i) { return begin(i) + tenants[i].size.at(call.steps, call.batch); };
      for (size_t i = 0; i < tenants.size(); ++i) {
        EXPECT_LE(end(i), packing.size.at(call.steps, call.batch));
        for (size_t j = 0; j < i; ++j)
          if (tenants[i].from <= tenants[j].until && tenants[j].from <= tenants[i].until) {
            EXPECT_TRUE(end(i) <= begin(j) || end(j) <= begin(i)) << "round " << round << ": " << j << " and " << i;
          }
      }
    }
  }
}

} // namespace
} // namespace snn::core
