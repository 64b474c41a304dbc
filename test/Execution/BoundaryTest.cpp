// What the interface allows at its bounds: sizes of the arena, strides of inputs, zeros with a sign.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/tools/HostInstance.h"

#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <regex>

using namespace snn;
using namespace snn::test;

namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr const char *training = R"(
train {
  loss       mse_count(correct = 1.0, incorrect = 0.0)
  optimizer  sgd(lr = 1e-2)
  batch      128
  epochs     1
}
)";

using Edits = std::vector<std::pair<std::string, std::string>>; ///< what to replace, as in std::regex, by what

/// Compiles the text of stage loops that `text` gives, with edits.
LibraryHandle compileEdited(const std::string &text, const std::string &flags, const Edits &edits) {
  std::string loops = readText(compileText(text, flags + " --emit=loops"));
  for (const auto &[from, to] : edits) {
    std::string edited = std::regex_replace(loops, std::regex(from), to);
    if (edited == loops)
      throw std::runtime_error("no " + from + " in\n" + loops);
    loops = edited;
  }
  return openLibrary(compileText(loops, "--from=loops"));
}

/// The size is UINT64_MAX, or at least what it takes to be monotone and to hold every worker's memory.
void expectNoWrap(const snn_model_table &table) {
  const uint64_t batches[] = {1, 128, SNN_MAX_BATCH}, steps[] = {1, uint64_t(table.max_steps)},
                 workers[] = {1, 2, 3, SNN_MAX_WORKERS};
  for (uint64_t batch : batches)
    for (uint64_t step : steps) {
      uint64_t one = table.arena_size(batch, step, 1), two = table.arena_size(batch, step, 2);
      for (uint64_t worker : workers) {
        uint64_t size = table.arena_size(batch, step, worker);
        SCOPED_TRACE(fmt::format("{} samples, {} steps, {} workers: {} bytes", batch, step, worker, size));
        EXPECT_GE(size, table.arena_size(1, step, worker));
        EXPECT_GE(size, table.arena_size(batch, 1, worker));
        EXPECT_GE(size, one);
        if (one != UINT64_MAX && two != UINT64_MAX && size != UINT64_MAX) {
          EXPECT_TRUE(Wide(size) >= one + Wide(two - one) * (worker - 1)) << "less than each worker's share";
        }
      }
    }
  EXPECT_EQ(table.arena_size(SNN_MAX_BATCH + 1, 1, 1), UINT64_MAX);
  EXPECT_EQ(table.arena_size(1, uint64_t(table.max_steps) + 1, 1), UINT64_MAX);
  EXPECT_EQ(table.arena_size(1, 1, SNN_MAX_WORKERS + 1), UINT64_MAX);
}

// The memory of a function and of a worker as large as a plan may make it.
TEST(ArenaSize, HoldsTheLargestPlan) {
  LibraryHandle library = compileEdited(
      "snn 1\nmodel deep {\n  input f32[16]\n  steps ? <= 849447\n  linear(10)\n  leaky(beta = 0.9)\n}\n" +
          std::string(training),
      "", {{"core\\.arena = #core\\.place<([^>])", "core.arena = #core.place<steps = 82839936, $1"}});
  const snn_model_table &table = *snn_library_table(library.get());
  expectNoWrap(table);
  EXPECT_GT(table.arena_size(1, 849447, 1), uint64_t(1) << 46);
}

// A plan is for the model's batch; the host may ask for as many samples as a call may have.
TEST(ArenaSize, IsNoNumberIfItDoesNotFit) {
  const std::string text = "snn 1\nmodel vast {\n  input f32[16]\n  steps ? <= 1048576\n  linear(1000)\n"
                           "  leaky(beta = 0.9)\n  linear(10)\n  leaky(beta = 0.9)\n}\n" +
                           std::string(training);
  const std::string most = std::to_string(int64_t(1) << 46);
  for (const std::string summand : {"samples", "rows"}) {
    SCOPED_TRACE(summand);
    const std::string larger = "core.arena = #core.place<$1" + summand + " = " + most;
    LibraryHandle library =
        compileEdited(text, "", {{"core\\.arena = #core\\.place<(|[^>]*[^>a-z])" + summand + " = [0-9]+", larger}});
    const snn_model_table &table = *snn_library_table(library.get());
    expectNoWrap(table);
    EXPECT_EQ(table.arena_size(SNN_MAX_BATCH, 1048576, SNN_MAX_WORKERS), UINT64_MAX);
  }
  // Parts of the batch with their own sums.
  LibraryHandle library = compileEdited(text, "", {{"parts = [0-9]+", "parts = 1048576"}});
  expectNoWrap(*snn_library_table(library.get()));
}

/// A call whose inputs lie in memory as strides say, with no element more than that.
class StridedCall : public HostCall {
public:
  StridedCall(const snn_model_table &table, uint64_t batch, uint64_t steps) : HostCall(table, batch, steps) {}

  /// Copies `source`, an input of the same call, so that dimension order[0] varies slowest in memory, with dimension d
  /// in falling order if bit d of `falling` is set.
  void place(size_t input, const HostTensor &source, const std::vector<size_t> &order, unsigned falling) {
    const std::vector<int64_t> &shape = source.shape;
    std::vector<int64_t> &steps = strides[input];
    steps.assign(shape.size(), 0);
    int64_t stride = 1, first = 0;
    for (size_t at = order.size(); at-- > 0; stride *= shape[order[at]]) {
      bool falls = falling >> order[at] & 1;
      steps[order[at]] = falls ? -stride : stride;
      first += falls ? stride * (shape[order[at]] - 1) : 0;
    }
    HostTensor &to = inputs[input];
    for (uint64_t i = 0; i < source.size(); ++i) {
      int64_t place = first;
      uint64_t rest = i;
      for (size_t d = shape.size(); d-- > 0; rest /= uint64_t(shape[d]))
        place += int64_t(rest % uint64_t(shape[d])) * steps[d];
      to.set(uint64_t(place), source.get(i));
    }
    views[input] = {to.bytes.data() + first * int64_t(snn_dtype_bytes(to.dtype)), steps.data()};
  }

private:
  std::map<size_t, std::vector<int64_t>> strides;
};

class Strides : public testing::TestWithParam<const char *> {};

TEST_P(Strides, OfEitherSignGiveTheSameBits) {
  constexpr uint64_t batch = 5, steps = 3;
  LibraryHandle library = openLibrary(compileText(fmt::format(
      "snn 1\nmodel strided {{\n  input {}\n  steps 3\n  flatten\n  linear(20)\n  leaky(beta = 0.9)\n}}\n{}",
      GetParam(), training)));
  const snn_model_table &table = *snn_library_table(library.get());
  HostInstance instance(table, batch, steps, 2, Poison::NotANumber);
  instance.initialise(1, 4);
  HostCall plain(table, batch, steps);
  Random random(2);
  fillInputs(plain, table, random, 3);
  instance.lossAndGradient(plain);
  const std::vector<std::byte> outputs = plain.outputBits(), gradients = instance.gradientBits();

  size_t rank = plain.inputs[0].shape.size();
  std::vector<size_t> order(rank), reversed(rank);
  for (size_t d = 0; d < rank; ++d)
    order[d] = reversed[rank - 1 - d] = d;
  for (const std::vector<size_t> &layout : {order, reversed})
    for (unsigned falling = 0; falling < 1u << rank; ++falling) {
      StridedCall call(table, batch, steps);
      call.place(0, plain.inputs[0], layout, falling);
      call.place(1, plain.inputs[1], {0}, falling & 1);
      instance.lossAndGradient(call);
      SCOPED_TRACE(fmt::format("falling dimensions {:b}, {} order", falling, layout == order ? "usual" : "reversed"));
      EXPECT_EQ(call.outputBits(), outputs);
      EXPECT_EQ(instance.gradientBits(), gradients);
    }
}

INSTANTIATE_TEST_SUITE_P(Inputs, Strides,
                         testing::Values("f32[2, 3, 4] over time", "f32[37]", "u8[37] / 255 over time", "u8[2, 19]"),
                         [](const testing::TestParamInfo<const char *> &info) {
                           std::string name;
                           for (char letter : std::string(info.param))
                             if (std::isalnum(letter))
                               name += letter;
                           return name;
                         });

// One value for all.
TEST(StridesOfZero, RepeatAValue) {
  LibraryHandle library = openLibrary(compileText(
      std::string(
          "snn 1\nmodel strided {\n  input f32[19] over time\n  steps 3\n  linear(10)\n  leaky(beta = 0.9)\n}\n") +
      training));
  const snn_model_table &table = *snn_library_table(library.get());
  HostInstance instance(table, 4, 3, 1, Poison::Pattern);
  instance.initialise(1, 4);
  HostCall plain(table, 4, 3), repeated(table, 4, 3);
  for (HostTensor &tensor : plain.inputs)
    for (uint64_t i = 0; i < tensor.size(); ++i)
      tensor.set(i, tensor.name == "labels" ? 7 : 0.5);
  instance.lossAndGradient(plain);
  const int64_t zeros[3] = {};
  const float half = 0.5;
  const int64_t label = 7;
  repeated.views[0] = {&half, zeros};
  repeated.views[1] = {&label, zeros};
  instance.lossAndGradient(repeated);
  EXPECT_EQ(repeated.outputBits(), plain.outputBits());
}

// Sums start at +0, so a bias of -0 on nothing gives +0, whichever way a product with spikes is computed: few spikes
// and many take different ways.
class MinusZero : public testing::TestWithParam<const char *> {};

TEST_P(MinusZero, AsABiasIsZero) {
  constexpr uint64_t batch = 4, width = 32;
  LibraryHandle library = openLibrary(compileText(R"(snn 1
neuron relay(x; surrogate = atan(alpha = 2)) {
  state mem = 0
  mem = x
  spike fire(mem - 1, surrogate)
}
model relays {
  input f32[32]
  steps 1
  linear(32)
  relay
  linear(40)
  relay
}
)" + std::string(training),
                                                  GetParam()));
  const snn_model_table &table = *snn_library_table(library.get());
  HostInstance instance(table, batch, 1, 1, Poison::Pattern);
  for (uint64_t i = 0; i < table.parameter_count; ++i) {
    HostTensor tensor(table.parameters[i], batch, 1);
    for (uint64_t n = 0; n < tensor.size(); ++n)
      tensor.set(n, i == 0 ? (n % width == n / width ? 2 : 0) : i == 2 ? (n % 3 ? -0.25 : 0.25) : -0.0);
    instance.set(tensor);
  }
  for (uint64_t firing : {0, 1, 3}) { // samples whose inputs are all 1; the others' are 0
    HostCall call(table, batch, 1);
    for (uint64_t i = (batch - firing) * width; i < batch * width; ++i)
      call.input("input")->set(i, 1);
    instance.forward(call);
    SCOPED_TRACE(fmt::format("{} of {} samples fire", firing, batch));
    for (uint64_t n = 0; n < 40; ++n) {
      double silent = call.output("membrane")->get(n);
      EXPECT_EQ(silent, 0);
      EXPECT_FALSE(std::signbit(silent)) << "neuron " << n;
    }
    EXPECT_EQ(call.output("hidden.1")->get(batch * width - 1), firing > 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, MinusZero, testing::Values("", "--precision=f64"),
                         [](const testing::TestParamInfo<const char *> &info) {
                           return std::string(*info.param ? "Double" : "Single");
                         });

} // namespace
