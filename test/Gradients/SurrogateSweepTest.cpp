// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compiled derivatives of all surrogates of the prelude are finite, at a dense sample of all floats and at infinities.
// At all floats, in some minutes: SNN_SWEEP_STRIDE=1 surrogate-sweep-tests
#include "runtime/train/Model.h"
#include "test/tools/HostInstance.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>

using namespace snn;
using namespace snn::test;

namespace {

constexpr uint64_t kCount = uint64_t(1) << 17; ///< of a call

std::vector<std::string> surrogates() {
  std::vector<std::string> names;
  std::ifstream prelude(SNN_PRELUDE);
  for (std::string line; std::getline(prelude, line);)
    if (line.starts_with("surrogate "))
      names.push_back(line.substr(10, line.find('(') - 10));
  return names;
}

/// 4099 is a prime: the low bits of what is taken are all there are.
uint64_t stride() {
  const char *given = std::getenv("SNN_SWEEP_STRIDE");
  return given ? std::strtoull(given, nullptr, 10) : 4099;
}

/// A neuron that is `gain` times its input, and the gradient of all its spikes.
class Probe {
public:
  Probe(const std::string &surrogate, uint64_t count, const char *gain)
      : library(openLibrary(compileText("snn 1\nneuron probe(x; surrogate = " + surrogate +
                                        ") {\n  state mem = 0\n  mem = x * " + gain +
                                        "\n  spike fire(mem, surrogate)\n}\n"
                                        "loss all(spikes) { sum(spikes, over = (time, neuron)) }\n"
                                        "model sweep {\n  input f32[" +
                                        std::to_string(count) + "]\n  steps 1\n  probe\n}\ntrain {\n  loss all\n}\n"))),
        table(*snn_library_table(library.get())), instance(table, 1, 1, 1, Poison::NotANumber), call(table, 1, 1) {}

  std::vector<float> slopes(const std::vector<float> &values) {
    HostTensor &input = *call.input("input"), &gradient = *call.output("grad.input");
    std::memcpy(input.bytes.data(), values.data(), input.bytes.size());
    instance.lossAndGradient(call);
    std::vector<float> slopes(values.size());
    std::memcpy(slopes.data(), gradient.bytes.data(), gradient.bytes.size());
    return slopes;
  }

private:
  LibraryHandle library;
  const snn_model_table &table;
  HostInstance instance;
  HostCall call;
};

class SurrogateSweep : public testing::TestWithParam<std::string> {};

TEST_P(SurrogateSweep, FiniteFloats) {
  Probe probe(GetParam(), kCount, "1");
  const uint64_t step = stride(), all = (uint64_t(1) << 32) / step;
  std::vector<float> values(kCount);
  uint64_t spoilt = 0;
  for (uint64_t first = 0; first < all; first += kCount) {
    for (uint64_t i = 0; i < kCount; ++i) {
      const auto value = std::bit_cast<float>(uint32_t((first + i) * step));
      values[i] = std::isfinite(value) ? value : 0; // a model takes no others
    }
    const std::vector<float> slopes = probe.slopes(values);
    for (uint64_t i = 0; i < kCount; ++i)
      if (!std::isfinite(slopes[i]) && ++spoilt == 1)
        ADD_FAILURE() << slopes[i] << " at " << values[i];
  }
  EXPECT_EQ(spoilt, 0u);
}

TEST_P(SurrogateSweep, Infinities) {
  const float most = std::numeric_limits<float>::max();
  for (float slope : Probe(GetParam(), 4, "2").slopes({most, -most, most / 1.5F, -most / 1.5F}))
    EXPECT_TRUE(std::isfinite(slope)) << slope;
}

INSTANTIATE_TEST_SUITE_P(Prelude, SurrogateSweep, testing::ValuesIn(surrogates()),
                         [](const auto &info) { return info.param; });

} // namespace
