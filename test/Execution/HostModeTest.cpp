// The host's floating-point mode changes no bit of a model, and a model does not change the host's mode.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/tools/HostInstance.h"

#include <gtest/gtest.h>

#if defined(__x86_64__)
#include <cmath>
#include <cstring>
#include <immintrin.h>
#include <limits>
#include <memory>
#include <thread>

using namespace snn;
using namespace snn::test;

namespace {

struct Mode {
  const char *name;
  unsigned bits; // of MXCSR
};

constexpr unsigned standard = 0x1f80;
// The last one traps where an invalid operation is met; the others mask all exceptions. One has sticky flags set.
constexpr Mode modes[] = {
    {"standard", standard},         {"flush_to_zero", standard | 0x8000}, {"zero_for_subnormals", standard | 0x0040},
    {"both", standard | 0x8040},    {"downward", standard | 0x2000},      {"upward_with_flags", standard | 0x4003},
    {"to_zero", standard | 0x6000}, {"trapping", standard & ~0x0080u}};

/// Sets the calling thread's mode for a while; at the end it must still be that.
class HostMode {
public:
  explicit HostMode(Mode mode) : mode(mode) { _mm_setcsr(mode.bits); }
  ~HostMode() {
    unsigned now = _mm_getcsr();
    _mm_setcsr(standard);
    EXPECT_EQ(now, mode.bits) << "the host's mode, " << mode.name << ", has changed";
  }

private:
  Mode mode;
};

constexpr uint64_t rows = 19, steps = 5;

const char *const text = R"(snn 1
model modes {
  input f32[11] over time
  steps 5
  linear(33)
  leaky(beta = learn 0.9, threshold = learn 1.0, surrogate = fast_sigmoid(slope = 25))
  linear(20)
  synaptic(alpha = 0.7, beta = learn each 0.8, surrogate = atan)
  population(classes = 10)
}
train {
  loss       mse_count(correct = 0.8, incorrect = 0.2)
  optimizer  OPTIMIZER
  batch      19
  epochs     1
}
)";

std::string textWith(const std::string &optimizer) {
  std::string result = text;
  return result.replace(result.find("OPTIMIZER"), 9, optimizer);
}

bool isSubnormal(double value) { return value != 0 && std::abs(value) < double(std::numeric_limits<float>::min()); }

int subnormals(const HostTensor &tensor) {
  int count = 0;
  for (double value : tensor.values())
    count += isSubnormal(value);
  return count;
}

/// The model with data in which subnormal numbers are everywhere: half of the inputs and all of the first sample are,
/// so are the currents and membranes of that sample, and the gradients of those inputs' weights.
class HostModes : public testing::Test {
protected:
  explicit HostModes(const std::string &optimizer = "sgd(lr = 0.1, momentum = 0.9)")
      : library(openLibrary(compileText(textWith(optimizer)))), table(*snn_library_table(library.get())),
        call(table, rows, steps) {
    Random random(7);
    fillInputs(call, table, random, 3);
    HostTensor &input = *call.input("input");
    for (uint64_t i = 0; i < input.size(); ++i)
      if (i % 11 % 2 == 1 || i / 11 % rows == 0)
        input.set(i, double(random.below(1 << 20)) * 0x1p-149);
    HostInstance start(table, rows, steps, 1, Poison::Pattern);
    start.initialise(3, 2);
    for (uint64_t i = 0; i < table.parameter_count; ++i) {
      parameters.push_back(start.parameter(table.parameters[i]));
      if (parameters.back().name == "0.bias")
        for (uint64_t element = 0; element < parameters.back().size(); ++element)
          parameters.back().set(element, 0);
    }
  }

  InstanceHandle create(snn_pool *pool) {
    InstanceHandle instance = createInstance(library.get(), rows, steps, pool);
    check(snn_instance_init(instance.get(), 5)); // its arithmetic is looked at too: the digest has these parameters
    return instance;
  }

  void setParameters(snn_instance *instance) {
    for (const HostTensor &tensor : parameters)
      check(snn_instance_set_parameter(instance, tensor.name.c_str(), tensor.bytes.data(), tensor.bytes.size()));
  }

  /// The bits of everything that there is, after a few calls of all entry points.
  std::string digest(snn_instance *instance) {
    std::string bits;
    auto append = [&](const void *data, uint64_t bytes) { bits.append(static_cast<const char *>(data), bytes); };
    auto appendSpans = [&] {
      for (snn_span span : {SNN_SPAN_PARAMETERS, SNN_SPAN_GRADIENTS, SNN_SPAN_OPTIMIZER, SNN_SPAN_STATE}) {
        uint64_t bytes = 0;
        const void *data = snn_instance_span(instance, span, &bytes);
        append(data, bytes);
      }
    };
    auto appendOutputs = [&] {
      append(&call.loss, sizeof(call.loss));
      for (const HostTensor &tensor : call.outputs)
        append(tensor.bytes.data(), tensor.bytes.size());
    };
    appendSpans();
    setParameters(instance);
    for (int i = 0; i < 3; ++i)
      check(snn_instance_train_step(instance, &call.batch));
    appendOutputs();
    check(snn_instance_loss_and_gradient(instance, &call.batch));
    appendOutputs();
    appendSpans();
    check(snn_instance_update(instance));
    check(snn_instance_forward(instance, &call.batch));
    appendOutputs();
    check(snn_instance_reset_state(instance));
    for (int t = 0; t < 2; ++t)
      check(snn_instance_step(instance, &call.batch));
    appendOutputs();
    appendSpans();
    return bits;
  }

  void expectEqualBits(uint64_t threads) {
    const std::string expected = digest(create(nullptr).get());
    for (Mode before : modes)
      for (Mode after : modes) {
        PoolHandle pool = [&] {
          HostMode mode(before); // the pool's threads take it over
          return createPool(threads);
        }();
        std::string bits;
        {
          HostMode mode(after);
          InstanceHandle instance = create(pool.get());
          bits = digest(instance.get());
        }
        EXPECT_TRUE(bits == expected) << "other bits: " << before.name << " when the pool was made, " << after.name
                                      << " afterwards, " << threads << " threads";
      }
  }

  LibraryHandle library;
  const snn_model_table &table;
  HostCall call;
  std::vector<HostTensor> parameters;
};

class HostModesAdam : public HostModes {
protected:
  HostModesAdam() : HostModes("adam(lr = 2e-3)") {}
};

/// Memory for an snn_call of the C interface.
struct Span {
  explicit Span(uint64_t size) : bytes(size), memory(size + SNN_ALIGNMENT) {
    void *start = memory.data();
    size_t space = memory.size();
    data = std::align(SNN_ALIGNMENT, size, start, space);
  }
  uint64_t bytes;
  std::vector<std::byte> memory;
  void *data;
};

} // namespace

TEST_F(HostModes, EqualBits) {
  // Without subnormal numbers this would show less than it says.
  InstanceHandle instance = create(nullptr);
  setParameters(instance.get());
  check(snn_instance_train_step(instance.get(), &call.batch));
  EXPECT_GT(subnormals(*call.output("hidden_membrane.1")), 50);
  HostTensor gradient(table.parameters[0], rows, steps);
  check(snn_instance_get_gradient(instance.get(), gradient.name.c_str(), gradient.bytes.data(), gradient.bytes.size()));
  EXPECT_GT(subnormals(gradient), 20) << gradient.name;

  for (uint64_t threads : {1, 2, 3})
    expectEqualBits(threads);
}

TEST_F(HostModesAdam, EqualBits) { expectEqualBits(2); }

// The host's own parallel_for, in threads of which each has another mode, is called in the host's mode, and a body
// gives each thread its mode back.
TEST_F(HostModes, AHostsOwnParallelFor) {
  InstanceHandle instance = create(nullptr);
  setParameters(instance.get());
  check(snn_instance_train_step(instance.get(), &call.batch));
  uint64_t bytes = 0;
  const void *data = snn_instance_span(instance.get(), SNN_SPAN_PARAMETERS, &bytes);
  const double expectedLoss = call.loss;

  constexpr uint64_t workers = 3;
  Span own(table.parameter_bytes), gradients(table.parameter_bytes), optimizer(table.optimizer_bytes);
  Span arena(table.arena_size(rows, steps, workers));
  InstanceHandle start = create(nullptr);
  setParameters(start.get());
  std::memcpy(own.data, snn_instance_span(start.get(), SNN_SPAN_PARAMETERS, nullptr), own.bytes);

  snn_call raw = {};
  raw.struct_size = sizeof(raw);
  raw.batch = rows;
  raw.steps = steps;
  raw.workers = workers;
  raw.parameters = own.data;
  raw.gradients = gradients.data;
  raw.optimizer = optimizer.data;
  raw.inputs = call.views.data();
  raw.outputs = call.pointers.data();
  raw.loss = &call.loss;
  raw.optimizer_step = 1;
  raw.arena = arena.data;
  raw.arena_size = arena.bytes;
  raw.parallel_for = [](void *mode, uint64_t count, snn_body_fn body, void *context) {
    EXPECT_EQ(_mm_getcsr(), static_cast<const Mode *>(mode)->bits) << "in the host's parallel_for";
    std::vector<std::thread> threads;
    for (uint64_t worker = 0; worker < workers; ++worker)
      threads.emplace_back([=] {
        for (uint64_t i = worker; i < count; i += workers) {
          HostMode ofThread(modes[i % std::size(modes)]);
          body(context, i, worker);
        }
      });
    for (std::thread &thread : threads)
      thread.join();
  };
  Mode mode = modes[4];
  raw.pool = &mode;
  int32_t code;
  {
    HostMode host(mode);
    code = table.train_step(&raw);
  }
  ASSERT_EQ(code, SNN_OK);
  EXPECT_EQ(call.loss, expectedLoss);
  EXPECT_EQ(std::memcmp(own.data, data, bytes), 0) << "other parameters";

  // A fault ends the call early.
  HostTensor &labels = *call.input("labels"), &input = *call.input("input");
  labels.set(3, 10);
  {
    HostMode host(modes[3]);
    EXPECT_EQ(snn_instance_train_step(instance.get(), &call.batch), SNN_ERROR_LABEL);
  }
  labels.set(3, 0);
  input.set(5, std::numeric_limits<double>::quiet_NaN());
  {
    HostMode host(modes[7]);
    EXPECT_EQ(snn_instance_train_step(instance.get(), &call.batch), SNN_ERROR_NOT_FINITE);
  }
}

#endif // __x86_64__
