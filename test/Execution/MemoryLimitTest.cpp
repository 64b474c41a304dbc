// A limit of memory changes no bit, and a call takes what the compiler has predicted.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/tools/HostInstance.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

using namespace snn;
using namespace snn::test;

namespace {

struct Case {
  const char *name, *input, *steps, *layers, *loss;
  uint64_t batch, ran; ///< samples and steps of the calls
  double share;        ///< of the memory without a limit
};

std::string textOf(const Case &test) {
  return fmt::format(R"(snn 1
model limited {{
  input {}
  steps {}
  {}
}}
train {{
  loss {}
  optimizer adam(lr = 1e-2)
  batch {}
}}
)",
                     test.input, test.steps, test.layers, test.loss, test.batch);
}

uint64_t bytesOf(const LibraryHandle &library, const Case &test, uint64_t workers = 1) {
  return snn_library_table(library.get())->arena_size(test.batch, test.ran, workers);
}

LibraryHandle limited(const Case &test, uint64_t bytes) {
  return openLibrary(compileText(textOf(test), fmt::format("--memory-limit={} 2>&1", bytes)));
}

/// Outputs, loss and gradients, and the parameters after two steps of training.
std::vector<std::byte> bitsOf(const LibraryHandle &library, const Case &test, uint64_t workers, Poison poison) {
  const snn_model_table &table = *snn_library_table(library.get());
  HostInstance instance(table, test.batch, test.ran, workers, poison);
  instance.initialise(3, 2);
  HostCall call(table, test.batch, test.ran);
  Random random(7);
  fillInputs(call, table, random, 2);
  std::vector<std::byte> all;
  auto add = [&](const std::vector<std::byte> &bits) { all.insert(all.end(), bits.begin(), bits.end()); };
  instance.forward(call);
  add(call.outputBits());
  instance.lossAndGradient(call);
  add(call.outputBits());
  add(instance.gradientBits());
  // For a loss of the host's, outputs may be gradients as well as any numbers.
  const std::vector<HostTensor> seeds = call.outputs;
  for (uint64_t i = 0; i < table.output_count; ++i)
    call.outputGradients.push_back(table.outputs[i].flags & SNN_TENSOR_DIFFERENTIABLE ? seeds[i].bytes.data()
                                                                                      : nullptr);
  instance.backward(call);
  add(call.outputBits());
  add(instance.gradientBits());
  for (int step = 0; step < 2; ++step)
    instance.trainStep(call);
  add(call.outputBits());
  add(instance.parameterBits());
  return all;
}

} // namespace

class MemoryLimit : public testing::TestWithParam<Case> {};

TEST_P(MemoryLimit, ChangesNoBit) {
  const Case &test = GetParam();
  const LibraryHandle whole = openLibrary(compileText(textOf(test)));
  const uint64_t limit = uint64_t(double(bytesOf(whole, test)) * test.share);
  const LibraryHandle small = limited(test, limit);
  EXPECT_LE(bytesOf(small, test), limit);
  for (Poison poison : kPoisons) {
    // What an entry does not write stays as it was.
    const std::vector<std::byte> expected = bitsOf(whole, test, 1, poison);
    for (uint64_t workers : {1, 2})
      EXPECT_TRUE(bitsOf(small, test, workers, poison) == expected) << workers << " workers";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, MemoryLimit,
    testing::Values(
        Case{"Dense", "f32[20] over time", "1000",
             "linear(24)\nleaky(beta = 0.9)\nlinear(5)\nleaky(beta = learn each 0.9)", "ce_rate", 3, 1000, 0.25},
        Case{"Counts", "f32[20] over time", "700",
             "linear(24)\nsynaptic(alpha = 0.8, beta = learn 0.9)\nlinear(5)\nleaky(beta = 0.9)", "ce_count", 3, 700,
             0.25},
        // So many steps that a sum over time has a second level.
        Case{"Still", "u8[1, 3, 3] / 255", "5000",
             "flatten\nlinear(12)\nleaky(beta = 0.9)\nlinear(5)\nleaky(beta = 0.9)", "mse_count", 3, 5000, 0.25},
        Case{"Codes", "f32[12]", "300", "rate\nlinear(12)\nleaky(beta = 0.9)\nlinear(5)\nleaky(beta = 0.9)",
             "ce_temporal", 3, 300, 0.2},
        Case{"Times", "f32[12]", "300", "latency\nlinear(12)\nleaky(beta = 0.9)\nlinear(5)\nleaky(beta = 0.9)",
             "ce_max_membrane", 3, 300, 0.2},
        Case{"Recurrent", "f32[20] over time", "1000",
             "linear(24)\nrleaky(beta = learn 0.9)\nlinear(5)\nleaky(beta = 0.9)", "ce_rate", 5, 1000, 0.3},
        Case{"Convolution", "f32[2, 8, 8] over time", "300",
             "conv(6, kernel = 3, padding = 1)\nleaky(beta = 0.9)\nmax_pool(2)\nflatten\nlinear(5)\nleaky(beta = 0.9)",
             "ce_rate", 3, 300, 0.3},
        // Sums of two layers have other parts.
        Case{"Parts", "f32[1, 8, 8] over time", "100",
             "conv(4, kernel = 3)\nleaky(beta = 0.9)\nflatten\nlinear(5)\nleaky(beta = learn each 0.9)", "ce_rate", 9,
             100, 0.7},
        // One sum of two has its terms of the whole batch, as the number of steps is open.
        Case{"Open", "f32[20] over time", "? <= 400",
             "linear(24)\nleaky(beta = 0.9)\ndropout(0.25)\nlinear(5)\nleaky(beta = learn 0.9)", "ce_max_membrane", 3,
             400, 0.6},
        Case{"Fields", "f32[1, 8, 8] over time", "400",
             "conv(4, kernel = 3)\nbatch_norm\nleaky(beta = 0.9)\nflatten\nlinear(5)\nleaky(beta = 0.9)", "ce_rate", 2,
             400, 0.9}),
    [](const testing::TestParamInfo<Case> &test) { return std::string(test.param.name); });

// With less than that, segments are shorter; so neither more nor less was predicted.
TEST(LimitOfMemory, IsWhatACallTakes) {
  const Case test{
      "Both",    "f32[2, 8, 8] over time",
      "600",     "conv(4, kernel = 3)\nleaky(beta = learn 0.9)\nflatten\nlinear(5)\nrleaky(beta = learn each 0.9)",
      "ce_rate", 6,
      600,       0.3};
  const LibraryHandle whole = openLibrary(compileText(textOf(test)));
  const uint64_t all = bytesOf(whole, test);
  EXPECT_EQ(bytesOf(limited(test, all), test), all) << "nothing has to change";
  const uint64_t taken = bytesOf(limited(test, uint64_t(double(all) * test.share)), test);
  EXPECT_EQ(bytesOf(limited(test, taken), test), taken);
  EXPECT_LT(bytesOf(limited(test, taken - 1), test), taken);
}

// The host may give one memory for the state before a call and behind it: that of a sample stays as it was if its input
// is not finite in a later segment.
TEST(LimitOfMemory, AFaultLeavesTheState) {
  const Case test{"Fault",     "f32[20] over time",
                  "600",       "linear(24)\nleaky(beta = 0.9)\nlinear(5)\nleaky(beta = 0.9)",
                  "mse_count", 2,
                  600,         0.2};
  const uint64_t all = bytesOf(openLibrary(compileText(textOf(test))), test);
  const LibraryHandle library = limited(test, uint64_t(double(all) * test.share));
  const snn_model_table &table = *snn_library_table(library.get());
  HostCall good(table, test.batch, test.ran);
  Random random(7);
  fillInputs(good, table, random, 2);
  auto zeros = [](uint64_t size) {
    AlignedBytes bytes(size, Poison::Pattern);
    std::memset(bytes.data(), 0, size);
    return bytes;
  };
  AlignedBytes parameters = zeros(table.parameter_bytes), gradients = zeros(table.parameter_bytes),
               buffers = zeros(table.buffer_bytes), arena = zeros(table.arena_size(test.batch, test.ran, 1)),
               state = zeros(test.batch * table.state_bytes);
  for (uint64_t i = 0; i < parameters.size() / sizeof(float); ++i)
    reinterpret_cast<float *>(parameters.data())[i] = float(random.uniform(-1, 1));
  snn_call call = {};
  call.struct_size = sizeof(call);
  call.batch = test.batch;
  call.steps = test.ran;
  call.inputs = good.batch.inputs;
  call.outputs = good.batch.outputs;
  call.loss = good.batch.loss;
  call.parameters = parameters.data();
  call.gradients = gradients.data();
  call.buffers = buffers.data();
  call.arena = arena.data();
  call.arena_size = arena.size();
  call.workers = 1;
  call.state_in = call.state_out = state.data();
  auto isAtRest = [&] { // the second sample
    return std::all_of(state.data() + table.state_bytes, state.data() + state.size(),
                       [](std::byte part) { return part == std::byte(0); });
  };
  for (auto entry : {table.forward, table.evaluate, table.loss_and_gradient}) {
    good.input("input")->set((599 * test.batch + 1) * 20, NAN);
    EXPECT_EQ(entry(&call), SNN_ERROR_NOT_FINITE);
    EXPECT_TRUE(isAtRest());
    good.input("input")->set((599 * test.batch + 1) * 20, 1);
    EXPECT_EQ(entry(&call), SNN_OK);
    EXPECT_FALSE(isAtRest());
    std::memset(state.data(), 0, state.size());
  }
}

// Fewer steps than a segment has go as one, several samples at a time.
TEST(LimitOfMemory, HoldsForAnyNumberOfSteps) {
  Case test{"Short",     "f32[20] over time",
            "? <= 500",  "linear(24)\nleaky(beta = 0.9)\nlinear(5)\nleaky(beta = 0.9)",
            "mse_count", 9,
            500,         0.4};
  const LibraryHandle whole = openLibrary(compileText(textOf(test)));
  const LibraryHandle small = limited(test, uint64_t(double(bytesOf(whole, test)) * test.share));
  for (uint64_t steps : {1, 7, 63, 64, 65, 128, 130, 193}) {
    test.ran = steps;
    EXPECT_TRUE(bitsOf(small, test, 2, Poison::NotANumber) == bitsOf(whole, test, 2, Poison::NotANumber))
        << steps << " steps";
  }
}
