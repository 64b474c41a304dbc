// The C++ header: what it gives is what the C interface gives, and failures are exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "snn/snn.hpp"

#include <array>
#include <cstdio>
#include <functional>

static int failures = 0;
static void expect(bool condition, const char *what) {
  if (!condition) {
    std::printf("%s\n", what);
    ++failures;
  }
}

/// The call fails with this code, and with this in its message.
static void fails(const std::function<void()> &call, int32_t code, const std::string &part) {
  try {
    call();
  } catch (const snn::Error &error) {
    if (error.code() == code && std::string(error.what()).find(part) != std::string::npos)
      return;
    std::printf("code %d instead of %d, \"%s\" has no \"%s\"\n", int(error.code()), int(code), error.what(),
                part.c_str());
    ++failures;
    return;
  }
  std::printf("no error that says \"%s\"\n", part.c_str());
  ++failures;
}

int main(int, char **argv) {
  const std::string folder = argv[2];
  const snn::Library library = snn::Library::open(argv[1]);
  const snn::Pool pool(2);
  expect(pool.workers() == 2, "another number of workers");
  constexpr uint64_t rows = 8, steps = 4;
  snn::Instance instance(library, pool, rows), other(library, rows, steps);
  instance.init(3);
  std::vector<float> input(steps * rows * 6), spikes(steps * rows * 3), again(spikes.size());
  std::array<int64_t, rows> labels = {};
  for (size_t i = 0; i < input.size(); ++i)
    input[i] = float(i % 7);
  snn::Batch batch(instance, rows);
  batch.input("input", input).input("labels", labels).output("spikes", spikes);
  const double first = instance.trainStep(batch);
  for (int update = 0; update < 30; ++update)
    instance.trainStep(batch);
  expect(instance.evaluate(batch) < first, "training makes the loss no less");

  // Weights and states go on elsewhere.
  instance.save(folder + "/weights.safetensors");
  other.load(folder + "/weights.safetensors");
  expect(other.parameter<float>("0.weight") == instance.parameter<float>("0.weight"), "other weights");
  expect(other.buffer<float>("1.running_mean") == instance.buffer<float>("1.running_mean"), "other statistics");
  const snn::Tensors tensors = snn::Tensors::open(folder + "/weights.safetensors");
  expect(tensors.size() > 5 && tensors.find("0.weight").rank == 2 && tensors[0].name != nullptr, "other tensors");
  other.load(tensors);
  instance.forward(batch);
  for (uint64_t t = 0; t < steps; ++t) {
    snn::Batch one(other, rows, 1);
    one.input("input", std::span(input).subspan(t * rows * 6, rows * 6));
    one.output("spikes", std::span(again).subspan(t * rows * 3, rows * 3));
    if (t == 2) {
      other.saveState(rows, folder + "/state.safetensors");
      other.resetState();
      other.loadState(rows, folder + "/state.safetensors");
    }
    other.step(one);
  }
  expect(spikes == again, "steps give other spikes");

  instance.lossAndGradient(batch);
  expect(instance.gradient<float>("0.bias").size() == 8, "another number of gradients");
  instance.update();
  instance.setHyper("lr", 0.25);
  expect(instance.hyper("lr") == 0.25, "another rate");
  const std::vector<float> bias(8, 0.5f);
  instance.setParameter("0.bias", bias);
  expect(instance.parameter<float>("0.bias") == bias, "another bias");
  expect(instance.span(SNN_SPAN_PARAMETERS).size() == library.table().parameter_bytes, "another span");
  snn::Instance moved = std::move(instance);
  moved.forward(batch);

  fails([&] { snn::Library::open(folder); }, SNN_ERROR_LIBRARY, folder);
  fails([&] { snn::Instance(library, 1, 5); }, SNN_ERROR_ARGUMENT, "has 4 time steps, 5 were asked for");
  fails([&] { batch.input("inputs", input); }, SNN_ERROR_NAME, "the model has no input \"inputs\"");
  fails([&] { batch.input("input", again); }, SNN_ERROR_SIZE,
        "input \"input\" has 192 elements, the array for it has 96");
  fails([&] { batch.input("input", labels); }, SNN_ERROR_ARGUMENT, "another element type");
  fails([&] { moved.parameter<double>("0.bias"); }, SNN_ERROR_ARGUMENT, "another element type");
  fails([&] { moved.setHyper("lr", -1); }, SNN_ERROR_HYPER, "at least 0");
  fails([&] { moved.loadState(4, folder + "/state.safetensors"); }, SNN_ERROR_DATA, "it is of another batch size");
  fails([&] { moved.step(batch); }, SNN_ERROR_STEPS, "a Batch of one time step, this one has 4");
  const snn::Library small = snn::Library::open(argv[3]), same = snn::Library::open(argv[1]);
  fails([&] { snn::Instance(small, rows).forward(batch); }, SNN_ERROR_ARGUMENT,
        "the Batch is one of model \"normed\", the Instance is one of model \"small\"");
  snn::Instance(same, rows).forward(batch);
  labels[3] = 7;
  fails([&] { moved.trainStep(batch); }, SNN_ERROR_LABEL, "row 3 of the batch has label 7, expected 0 to 2");
  std::printf("%d failures\n", failures);
  return failures != 0;
}
