// Every value stays within its place: the places of a plan are moved apart, and what lies between them is left alone.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The plan and the kernels count bytes with the same function, which a test of the plan alone has to believe. Here the
// kernels run: one that writes more than was planned leaves a trace between the places, and one that reads more finds
// -3.7e28 there instead of a neighbour's harmless numbers.
#include "test/tools/HostInstance.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <regex>
#include <sstream>

using namespace snn;
using namespace snn::test;

namespace {

constexpr int64_t gap = 512;      // bytes
constexpr int64_t lead = 1 << 20; ///< before a phase's places: contracts of the whole batch work in that memory too
constexpr int64_t room = 1 << 22; ///< for each step: makes the memory of loss_and_gradient the largest of all functions

/// Bytes as a function of the steps of a call and the samples at hand, in the meaning of #core.place.
using Place = std::array<int64_t, 4>;
constexpr const char *summands[] = {"fixed", "steps", "samples", "rows"};

Place parsePlace(const std::string &text) {
  Place place = {};
  for (size_t i = 0; i < place.size(); ++i) {
    std::smatch found;
    if (std::regex_search(text, found, std::regex(std::string(summands[i]) + " = ([0-9]+)")))
      place[i] = std::stoll(found[1]);
  }
  return place;
}

std::string print(const Place &place) {
  return fmt::format("#core.place<fixed = {}, steps = {}, samples = {}, rows = {}>", place[0], place[1], place[2],
                     place[3]);
}

int64_t at(const Place &place, uint64_t steps, uint64_t samples) {
  return place[0] + place[1] * int64_t(steps) + (place[2] + place[3] * int64_t(steps)) * int64_t(samples);
}

/// The places of one memory, and its end, with where each was moved: a plan adds up sizes, so that no summand falls
/// from one place to the next.
using Moves = std::map<Place, Place>;

/// Calls use(memory, place) for each place and arena in the text of stage loops, and puts its result there. A memory is
/// a function's ("update") or that of a phase ("update/1"): a phase's arena and the places in its body are its own, the
/// places of its results are its function's.
template <typename Use> std::string replacePlaces(const std::string &text, const Use &use) {
  static const std::regex any("(core\\.arena = )?#core\\.place<([^>]*)>");
  static const std::regex head("^  func\\.func @(\\w+)");
  std::istringstream lines(text);
  std::string result, function;
  int phases = 0;
  bool inPhase = false;
  for (std::string line; std::getline(lines, line);) {
    if (std::smatch found; std::regex_search(line, found, head))
      function = found[1], phases = 0;
    const bool opens = line.find("core.batch_map ") != std::string::npos;
    phases += opens;
    const std::string phase = fmt::format("{}/{}", function, phases);
    size_t copied = 0;
    for (std::sregex_iterator found(line.begin(), line.end(), any), none; found != none; ++found) {
      const bool isArena = (*found)[1].matched;
      result.append(line, copied, size_t(found->position()) - copied);
      result += (isArena ? "core.arena = " : "") +
                print(use(inPhase || (opens && isArena) ? phase : function, parsePlace((*found)[2])));
      copied = size_t(found->position() + found->length());
    }
    result.append(line, copied) += '\n';
    inPhase = opens || (inPhase && line.rfind("    }", 0) != 0);
  }
  return result;
}

/// Moves the places of each memory apart.
std::string spreadPlaces(const std::string &text, std::map<std::string, Moves> &memories) {
  replacePlaces(text, [&](const std::string &memory, Place place) { return memories[memory][place] = place; });
  for (auto &[name, moves] : memories) {
    const bool ofPhase = name.find('/') != std::string::npos;
    int64_t offset = ofPhase ? lead : 0;
    for (auto &[from, to] : moves)
      to[0] = from[0] + std::exchange(offset, offset + gap);
    if (ofPhase && name.rfind("loss_and_gradient", 0) == 0)
      moves.rbegin()->second[1] += room;
  }
  return replacePlaces(text, [&](const std::string &memory, Place place) { return memories[memory].at(place); });
}

void expectGaps(const Moves &moves, const std::byte *memory, uint64_t steps, uint64_t samples) {
  for (auto place = moves.begin(), next = std::next(place); next != moves.end(); ++place, ++next) {
    const int64_t size = at(next->first, steps, samples) - at(place->first, steps, samples);
    const std::byte *end = memory + at(place->second, steps, samples) + size;
    EXPECT_EQ(std::count(end, end + gap, std::byte(Poison::Pattern)), gap)
        << "behind the place " << print(place->first);
  }
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
  std::map<std::string, Moves> memories;
  LibraryHandle plain = openLibrary(compileText(text, flags));
  LibraryHandle spread = openLibrary(
      compileText(spreadPlaces(readText(compileText(text, flags + " --emit=loops")), memories), "--from=loops"));
  const Moves &shared = memories["loss_and_gradient"], &ofPhase = memories["loss_and_gradient/1"];
  ASSERT_GT(shared.size() + ofPhase.size(), 10u);
  ASSERT_FALSE(memories.count("loss_and_gradient/2"));

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
    // The arena ends with the memory of the function and that of its only worker, for some samples at a time.
    const AlignedBytes &arena = instance.work();
    const int64_t worker = int64_t(table.arena_size(test.batch, test.steps, 2) - arena.size());
    uint64_t samples = 1;
    while (at(ofPhase.rbegin()->second, test.steps, samples) < worker)
      samples *= 2;
    ASSERT_EQ(at(ofPhase.rbegin()->second, test.steps, samples), worker);
    const std::byte *end = arena.data() + arena.size() - worker;
    expectGaps(ofPhase, end, test.steps, samples);
    expectGaps(shared, end - at(shared.rbegin()->second, test.steps, test.batch), test.steps, test.batch);
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
