// Times training steps of a compiled model on Fashion-MNIST and prints one line of JSON.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The protocol is that of the programs it stands beside: random batches of the training set, five steps to warm up,
// the median of the rest; the growth of the peak resident set from before the first step (with data and library
// loaded).
#include "runtime/data/ArrayFiles.h"
#include "runtime/train/Model.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <random>
#include <sys/resource.h>

using namespace snn;

namespace {

struct Options {
  std::string model, data = defaultDataFolder;
  uint64_t batch = 128, threads = 2, iterations = 20, warmup = 5, steps = 0;
  std::string entry = "train_step";
  double multiplyAdds = 0;
};

double peakMegabytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_maxrss) / 1024; // ru_maxrss is in KiB
}

void run(const Options &options) {
  const ArrayFiles data({options.data});
  const Array images = data.load("train.input"), classes = data.load("train.labels");
  const uint64_t count = classes.bytes.size(), sampleSize = images.bytes.size() / count;
  LibraryHandle library = openLibrary(options.model);
  const snn_model_table &table = *snn_library_table(library.get());
  uint64_t steps = table.steps > 0 ? uint64_t(table.steps) : options.steps;
  double before = peakMegabytes();

  PoolHandle pool = createPool(options.threads);
  InstanceHandle instance = createInstance(library.get(), options.batch, steps, pool.get());
  check(snn_instance_init(instance.get(), 0));
  const uint64_t inputIndex = findTensor(table.inputs, table.input_count, "input").value();
  const snn_tensor_info &input = table.inputs[inputIndex];
  bool bytes = input.dtype == SNN_DTYPE_U8;
  uint64_t expected = 1;
  for (uint32_t i = 1; i < input.rank; ++i)
    expected *= uint64_t(input.shape[i]);
  if (input.shape[0] != SNN_EXTENT_BATCH || expected != sampleSize || (!bytes && input.dtype != SNN_DTYPE_F32))
    throw DataError(fmt::format("{}: input {} does not take images of {} pixels", options.model, tableShapeText(input),
                                sampleSize));
  std::vector<uint8_t> samples(bytes ? options.batch * sampleSize : 0);
  std::vector<float> realSamples(bytes ? 0 : options.batch * sampleSize);
  std::vector<int64_t> labels(options.batch);
  std::vector<snn_view> views(table.input_count);
  views[inputIndex].data = bytes ? static_cast<const void *>(samples.data()) : realSamples.data();
  views.at(findTensor(table.inputs, table.input_count, "labels").value()) = {labels.data(), nullptr};
  // forward() computes what is asked for: the counts need all of it.
  uint64_t countIndex = findTensor(table.outputs, table.output_count, "count").value();
  std::vector<double> counts(options.batch * uint64_t(table.classes)); // wide enough for either precision
  std::vector<void *> outputs(table.output_count);
  if (options.entry == "forward")
    outputs[countIndex] = counts.data();
  double loss = 0;
  snn_batch call = {};
  call.struct_size = sizeof(call);
  call.batch = options.batch;
  call.steps = steps;
  call.inputs = views.data();
  call.outputs = outputs.data();
  call.loss = &loss;

  std::mt19937_64 random(0);
  std::vector<double> times;
  for (uint64_t i = 0; i < options.warmup + options.iterations; ++i) {
    for (uint64_t row = 0; row < options.batch; ++row) {
      uint64_t source = random() % count;
      const auto *image = reinterpret_cast<const uint8_t *>(images.bytes.data()) + source * sampleSize;
      if (bytes)
        std::memcpy(samples.data() + row * sampleSize, image, sampleSize);
      else
        std::transform(image, image + sampleSize, realSamples.data() + row * sampleSize,
                       [](uint8_t pixel) { return float(pixel) / 255; });
      labels[row] = int64_t(classes.bytes[source]);
    }
    auto start = std::chrono::steady_clock::now();
    check(options.entry == "train_step" ? snn_instance_train_step(instance.get(), &call)
          : options.entry == "forward"  ? snn_instance_forward(instance.get(), &call)
                                        : snn_instance_loss_and_gradient(instance.get(), &call));
    if (i >= options.warmup)
      times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  size_t half = times.size() / 2;
  double median = times.size() % 2 ? times[half] : (times[half - 1] + times[half]) / 2;
  std::string rate;
  if (options.multiplyAdds > 0)
    rate = fmt::format(R"(, "gflops": {:.1f}, "best_gflops": {:.1f})", 2e-6 * options.multiplyAdds / median,
                       2e-6 * options.multiplyAdds / times.front());
  fmt::print(R"({{"engine": "snnc", "work": "{}", "entry": "{}", "batch": {}, "steps": {}, "threads": {}, )"
             R"("step_ms": {:.3f}, "min_ms": {:.3f}, "peak_growth_mb": {:.2f}{}, "target": "{}"}})"
             "\n",
             table.name, options.entry, options.batch, steps, options.threads, median, times.front(),
             peakMegabytes() - before, rate, table.target);
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Examples:\n  step_time fc100.so --batch=128 --threads=2\n\nTimes training steps of a model.\n",
               "step_time");
  app.add_option("model", options.model, "compiled network")->required();
  app.add_option("--batch", options.batch, "samples in a step")->capture_default_str();
  app.add_option("--threads", options.threads, "threads")->capture_default_str();
  app.add_option("--iterations", options.iterations, "steps that count")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--warmup", options.warmup, "steps before those")->capture_default_str();
  app.add_option("--steps", options.steps, "time steps, for a model that leaves them open");
  app.add_option("--entry", options.entry, "what to time")
      ->capture_default_str()
      ->check(CLI::IsMember({"train_step", "forward", "loss_and_gradient"}));
  app.add_option("--multiply-adds", options.multiplyAdds, "how many one call makes; prints GFLOP/s");
  app.add_option("--data", options.data, "folder of Fashion-MNIST")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
    return 0;
  } catch (const std::exception &error) {
    fmt::print(stderr, "step_time: error: {}\n", error.what());
    return 1;
  }
}
