// What entry points refuse, and with which code: one thing at a time is wrong with a call that is right.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/tools/HostInstance.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace snn;
using namespace snn::test;

namespace {

constexpr const char *text = R"(snn 1
model checked {
  input f32[5]
  steps ? <= 8
  linear(20)
  leaky(beta = 0.9)
  linear(4)
  leaky(beta = 0.9)
}
train {
  loss       mse_count(correct = 1.0, incorrect = 0.0)
  optimizer  adam(lr = 1e-2)
  batch      40
  epochs     1
}
)";

const snn_model_table &model() {
  static LibraryHandle library = openLibrary(compileText(text));
  return *snn_library_table(library.get());
}

constexpr uint64_t rows = 40, steps = 3, workers = 3;

struct Entry {
  const char *name;
  snn_entry_fn snn_model_table::*function;
};
constexpr Entry entries[] = {{"forward", &snn_model_table::forward},
                             {"step", &snn_model_table::step},
                             {"loss_and_gradient", &snn_model_table::loss_and_gradient},
                             {"update", &snn_model_table::update},
                             {"train_step", &snn_model_table::train_step},
                             {"backward", &snn_model_table::backward},
                             {"evaluate", &snn_model_table::evaluate}};

/// A call that each entry takes, on memory of its own.
struct GoodCall {
  explicit GoodCall(const Entry &entry) : data(model(), rows, steps) {
    const bool streaming = entry.function == &snn_model_table::step;
    Random random(7);
    fillInputs(data, model(), random, 3);
    for (AlignedBytes *span : {&parameters, &gradients, &optimizer, &state})
      std::fill_n(span->data(), span->size(), std::byte(0));
    hyper.resize(model().hyper_count);
    for (uint64_t i = 0; i < hyper.size(); ++i)
      hyper[i] = model().hyper[i].value;
    call.struct_size = sizeof(call);
    call.batch = rows;
    call.steps = streaming ? 1 : steps;
    call.workers = workers;
    call.parameters = parameters.data();
    call.gradients = gradients.data();
    call.optimizer = optimizer.data();
    if (streaming)
      call.state_in = call.state_out = state.data();
    call.inputs = data.views.data();
    call.fault_row = &faultRow;
    call.hyper = hyper.data();
    call.optimizer_step = 1;
    call.arena_size = model().arena_size(rows, call.steps, workers);
    arena = AlignedBytes(call.arena_size, Poison::Pattern);
    call.arena = arena.data();
  }

  HostCall data;
  std::vector<double> hyper;
  uint64_t faultRow = 1000;
  AlignedBytes parameters{model().parameter_bytes, Poison::Pattern},
      gradients{model().parameter_bytes, Poison::Pattern}, optimizer{model().optimizer_bytes, Poison::Pattern},
      state{rows * model().state_bytes, Poison::Pattern}, arena;
  snn_call call = {};
};

struct Case {
  const char *name;
  void (*spoil)(GoodCall &);
  int32_t expected[std::size(entries)]; // in their order
};

constexpr int32_t ok = SNN_OK, argument = SNN_ERROR_ARGUMENT, arena = SNN_ERROR_ARENA, steps_ = SNN_ERROR_STEPS,
                  number = SNN_ERROR_HYPER;

double &named(GoodCall &c, const std::string &name) {
  for (uint64_t i = 0; i < model().hyper_count; ++i)
    if (name == model().hyper[i].name)
      return c.hyper[i];
  throw std::runtime_error("no number " + name);
}

const Case cases[] = {
    {"Nothing", [](GoodCall &) {}, {ok, ok, ok, ok, ok, ok, ok}},
    {"SmallerStruct",
     [](GoodCall &c) { c.call.struct_size -= 8; },
     {argument, argument, argument, argument, argument, argument, argument}},
    {"LargerStruct", [](GoodCall &c) { c.call.struct_size += 8; }, {ok, ok, ok, ok, ok, ok, ok}},
    {"NoParameters",
     [](GoodCall &c) { c.call.parameters = nullptr; },
     {argument, argument, argument, argument, argument, argument, argument}},
    {"NoGradients",
     [](GoodCall &c) { c.call.gradients = nullptr; },
     {ok, ok, argument, argument, argument, argument, ok}},
    {"NoOptimizer", [](GoodCall &c) { c.call.optimizer = nullptr; }, {ok, ok, ok, argument, argument, ok, ok}},
    {"NoNumberOfTheUpdate", [](GoodCall &c) { c.call.optimizer_step = 0; }, {ok, ok, ok, argument, argument, ok, ok}},
    {"NoBatch",
     [](GoodCall &c) { c.call.batch = 0; },
     {argument, argument, argument, ok, argument, argument, argument}},
    {"LargeBatch",
     [](GoodCall &c) { c.call.batch = SNN_MAX_BATCH + 1; },
     {argument, argument, argument, ok, argument, argument, argument}},
    {"NoWorkers",
     [](GoodCall &c) { c.call.workers = 0; },
     {argument, argument, argument, ok, argument, argument, argument}},
    {"ManyWorkers",
     [](GoodCall &c) { c.call.workers = SNN_MAX_WORKERS + 1; },
     {argument, argument, argument, ok, argument, argument, argument}},
    {"NoInputs",
     [](GoodCall &c) { c.call.inputs = nullptr; },
     {argument, argument, argument, ok, argument, argument, argument}},
    {"NoData",
     [](GoodCall &c) { c.data.views[0].data = nullptr; },
     {argument, argument, argument, ok, argument, argument, argument}},
    {"NoLabels", [](GoodCall &c) { c.data.views[1].data = nullptr; }, {ok, ok, argument, ok, argument, ok, argument}},
    {"NoState", [](GoodCall &c) { c.call.state_in = nullptr; }, {ok, ok, ok, ok, ok, ok, ok}},
    {"NoStateOut", [](GoodCall &c) { c.call.state_out = nullptr; }, {ok, ok, ok, ok, ok, ok, ok}},
    {"StateIn", [](GoodCall &c) { c.call.state_in = c.state.data(); }, {ok, ok, ok, ok, ok, ok, ok}},
    {"StateOut", [](GoodCall &c) { c.call.state_out = c.state.data(); }, {ok, ok, ok, ok, ok, ok, ok}},
    {"NoSteps", [](GoodCall &c) { c.call.steps = 0; }, {steps_, steps_, steps_, ok, steps_, steps_, steps_}},
    {"ManySteps", [](GoodCall &c) { c.call.steps = 9; }, {steps_, steps_, steps_, ok, steps_, steps_, steps_}},
    {"NoArena", [](GoodCall &c) { c.call.arena = nullptr; }, {arena, arena, arena, ok, arena, arena, arena}},
    {"SmallArena", [](GoodCall &c) { --c.call.arena_size; }, {arena, arena, arena, ok, arena, arena, arena}},
    {"OddArena",
     [](GoodCall &c) { c.call.arena = static_cast<char *>(c.call.arena) + 8; },
     {arena, arena, arena, ok, arena, arena, arena}},
    {"StepsBeforeArena",
     [](GoodCall &c) { c.call.steps = 9, c.call.arena = nullptr; },
     {steps_, steps_, steps_, ok, steps_, steps_, steps_}},
    {"NoHyper", [](GoodCall &c) { c.call.hyper = nullptr; }, {ok, ok, ok, ok, ok, ok, ok}},
    {"NegativeRate", [](GoodCall &c) { named(c, "lr") = -1e-300; }, {ok, ok, number, number, number, ok, number}},
    {"NoRate", [](GoodCall &c) { named(c, "lr") = -0.0; }, {ok, ok, ok, ok, ok, ok, ok}},
    {"RateThatIsNoNumber", [](GoodCall &c) { named(c, "lr") = NAN; }, {ok, ok, number, number, number, ok, number}},
    {"NegativeRateThatIsNoNumber",
     [](GoodCall &c) { named(c, "lr") = -NAN; },
     {ok, ok, number, number, number, ok, number}},
    {"InfiniteRate", [](GoodCall &c) { named(c, "lr") = INFINITY; }, {ok, ok, number, number, number, ok, number}},
    {"LargeRate",
     [](GoodCall &c) { named(c, "lr") = std::numeric_limits<double>::max(); },
     {ok, ok, ok, ok, ok, ok, ok}},
    {"BetaAtItsOpenEnd", [](GoodCall &c) { named(c, "beta1") = 1; }, {ok, ok, number, number, number, ok, number}},
    {"ArgumentsBeforeNumbers",
     [](GoodCall &c) { named(c, "lr") = NAN, c.call.parameters = nullptr; },
     {argument, argument, argument, argument, argument, argument, argument}},
};

class CallChecks : public testing::TestWithParam<Case> {};

} // namespace

TEST_P(CallChecks, GiveTheCode) {
  for (size_t i = 0; i < std::size(entries); ++i) {
    GoodCall call(entries[i]);
    GetParam().spoil(call);
    EXPECT_EQ((model().*entries[i].function)(&call.call), GetParam().expected[i]) << entries[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Spoilt, CallChecks, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case> &info) { return std::string(info.param.name); });

// A call starts where `state_in` says, at rest if it says nothing, and leaves its last state where `state_out` says.
TEST(StateSpans, SayWhereACallStartsAndEnds) {
  // What an entry gives of the steps: outputs, and the state after them.
  auto run = [](const Entry &entry, std::vector<std::byte> *from) {
    GoodCall good(entry);
    Random random(3);
    for (uint64_t i = 0; i < model().parameter_bytes / sizeof(float); ++i)
      reinterpret_cast<float *>(good.parameters.data())[i] = float(random.uniform(-1, 1));
    good.call.state_in = from ? from->data() : nullptr;
    good.call.state_out = good.state.data();
    good.call.outputs = good.data.pointers.data();
    good.state.fill(Poison::NotANumber);
    EXPECT_EQ((model().*entry.function)(&good.call), SNN_OK) << entry.name;
    std::vector<std::byte> state(good.state.data(), good.state.data() + good.state.size());
    return std::pair(good.data.output("membrane")->bytes, state);
  };
  std::vector<std::byte> rest(rows * model().state_bytes);
  const auto fromRest = run(entries[0], &rest);
  EXPECT_EQ(run(entries[0], nullptr), fromRest);
  auto state = fromRest.second;
  const auto onward = run(entries[0], &state);
  EXPECT_NE(onward.first, fromRest.first);
  for (const Entry &entry : {entries[2], entries[4], entries[5]}) {
    EXPECT_EQ(run(entry, nullptr).second, fromRest.second) << entry.name;
    const auto [outputs, last] = run(entry, &state);
    EXPECT_EQ(last, onward.second) << entry.name;
    if (entry.function != &snn_model_table::backward) // which gives the gradient by the input alone
      EXPECT_EQ(outputs, onward.first) << entry.name;
  }
}

// Whatever the order in which the workers meet them, of all rows at fault the first is reported, with its code.
TEST(Faults, TheFirstRowIsReported) {
  for (uint64_t count : {1, 2, 3}) {
    PoolHandle pool = createPool(count);
    GoodCall good(entries[2]);
    good.call.workers = count;
    good.call.parallel_for = snn_pool_parallel_for;
    good.call.pool = pool.get();
    auto run = [&] {
      good.faultRow = 1000;
      return model().loss_and_gradient(&good.call);
    };
    good.data.input("labels")->set(39, 4);
    EXPECT_EQ(run(), SNN_ERROR_LABEL);
    EXPECT_EQ(good.faultRow, 39u);
    good.data.input("input")->set(17 * 5 + 4, NAN);
    EXPECT_EQ(run(), SNN_ERROR_NOT_FINITE);
    EXPECT_EQ(good.faultRow, 17u);
    good.data.input("labels")->set(3, -1);
    EXPECT_EQ(run(), SNN_ERROR_LABEL);
    EXPECT_EQ(good.faultRow, 3u);
    good.call.fault_row = nullptr;
    EXPECT_EQ(run(), SNN_ERROR_LABEL);
  }
}
