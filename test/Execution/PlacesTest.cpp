// Every value stays within its place: the places of a plan are moved apart, and what lies between them is left alone.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The plan and the kernels count bytes with the same function, which a test of the plan alone has to believe. Here the
// kernels run: one that writes more than was planned leaves a trace between the places, and one that reads more finds
// -3.7e28 there instead of a neighbour's harmless numbers.
#include "test/tools/HostInstance.h"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <regex>

using namespace snn;
using namespace snn::test;

namespace {

constexpr int64_t gap = 512;      // bytes
constexpr int64_t room = 1 << 24; ///< makes the arena of loss_and_gradient the largest of all functions

/// Bytes as a function of the number of steps.
using Place = std::pair<int64_t, int64_t>;

int64_t at(Place place, uint64_t steps) { return place.first + place.second * int64_t(steps); }

/// A function's places in the order of memory with where each was moved, and at last the arena's end.
using Moves = std::map<Place, Place>;

/// Moves the places of each function of the text of stage loops apart. `last` gets those of loss_and_gradient.
std::string spreadPlaces(const std::string &text, Moves &last) {
  static const std::regex any("#snn\\.place<([0-9]+) \\+ ([0-9]+) \\* T>");
  std::string result;
  for (size_t begin = 0, end; begin < text.size(); begin = end) {
    end = std::min(text.find("func.func @", begin + 1), text.size());
    const std::string function = text.substr(begin, end - begin);
    Moves moves;
    for (std::sregex_iterator found(function.begin(), function.end(), any), none; found != none; ++found)
      moves[{std::stoll((*found)[1]), std::stoll((*found)[2])}] = {};
    const bool watched = function.rfind("func.func @loss_and_gradient", 0) == 0;
    int64_t gaps = 0;
    for (auto &[from, to] : moves)
      to = {from.first + gap * gaps++, from.second};
    if (watched && !moves.empty())
      moves.rbegin()->second.first += room;
    size_t copied = 0;
    for (std::sregex_iterator found(function.begin(), function.end(), any), none; found != none; ++found) {
      const Place to = moves.at({std::stoll((*found)[1]), std::stoll((*found)[2])});
      result.append(function, copied, size_t(found->position()) - copied);
      result += fmt::format("#snn.place<{} + {} * T>", to.first, to.second);
      copied = size_t(found->position() + found->length());
    }
    result.append(function, copied);
    if (watched)
      last = moves;
  }
  return result;
}

struct Case {
  const char *name, *layers;
  uint64_t batch, steps;
};

class Places : public testing::TestWithParam<Case> {};

void compare(const Case &test, const std::string &flags) {
  const std::string text = fmt::format(R"(snn 1
model placed {{
  input {}
}}
train {{
  loss       mse_count(correct = 0.8, incorrect = 0.2)
  optimizer  adam(lr = 2e-3)
  batch      {}
  epochs     1
}}
)",
                                       test.layers, test.batch);
  Moves moves;
  LibraryHandle plain = openLibrary(compileText(text, flags));
  LibraryHandle spread = openLibrary(
      compileText(spreadPlaces(readText(compileText(text, flags + " --emit=loops")), moves), "--from=loops"));
  ASSERT_GT(moves.size(), 5u);

  std::vector<std::byte> outputs[2], gradients[2];
  for (int moved : {0, 1}) {
    const snn_model_table &table = *snn_library_table((moved ? spread : plain).get());
    HostInstance instance(table, test.batch, test.steps, 1, Poison::Pattern);
    instance.initialise(1, 3);
    HostCall call(table, test.batch, test.steps);
    Random random(2);
    fillInputs(call, table, random, 3);
    instance.lossAndGradient(call);
    outputs[moved] = call.outputBits();
    gradients[moved] = instance.gradientBits();
    if (!moved)
      continue;
    // The only worker's memory is the arena's last part.
    const AlignedBytes &arena = instance.work();
    const std::byte *worker = arena.data() + int64_t(arena.size()) - at(moves.rbegin()->second, test.steps);
    for (auto place = moves.begin(), next = std::next(place); next != moves.end(); ++place, ++next) {
      const int64_t size = at(next->first, test.steps) - at(place->first, test.steps);
      const std::byte *end = worker + at(place->second, test.steps) + size;
      EXPECT_EQ(std::count(end, end + gap, std::byte(Poison::Pattern)), gap)
          << "behind the place " << place->first.first << " + " << place->first.second << " * T";
    }
  }
  EXPECT_EQ(outputs[0], outputs[1]) << "what lies behind a place matters";
  EXPECT_EQ(gradients[0], gradients[1]) << "what lies behind a place matters";
}

TEST_P(Places, HoldWhatIsWritten) {
  compare(GetParam(), "");
  compare(GetParam(), "--precision=f64");
}

constexpr const char *busy = "f32[3, 7] over time\n  steps ? <= 30\n  flatten\n  linear(33)\n"
                             "  leaky(beta = learn 0.9, threshold = learn each 0.3)\n  linear(70)\n"
                             "  synaptic(alpha = learn 0.8, threshold = 0.4)\n  population(classes = 10)",
                     *quiet =
                         "u8[19] / 255\n  steps 1\n  linear(17)\n  leaky(beta = 0.9, threshold = 2)\n  linear(20)\n"
                         "  leaky(beta = 0.9)\n  linear(10)\n  leaky(beta = learn 0.9)";

INSTANTIATE_TEST_SUITE_P(Plans, Places,
                         testing::Values(Case{"busy", busy, 37, 7}, Case{"busy_one_step", busy, 3, 1},
                                         Case{"quiet", quiet, 37, 1}),
                         [](const testing::TestParamInfo<Case> &info) { return std::string(info.param.name); });

} // namespace
