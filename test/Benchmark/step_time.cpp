// Times training steps of a compiled model, or the tasks of one, and prints one line of JSON; or serves, as peer.py
// says. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Batches are in an order that the data hold (an array `order` of sample numbers), or random. Memory is the peak of the
// resident set less what was resident before the instance was made, with data and library loaded.
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/core/Instance.h"
#include "runtime/data/ArrayFiles.h"
#include "runtime/train/Model.h"
#include "runtime/train/Samples.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

using namespace snn;

namespace {

struct Options {
  std::string model, data = defaultDataFolder, weights;
  uint64_t batch = 128, threads = 2, iterations = 20, warmup = 5, steps = 0;
  std::string entry = "train_step";
  double multiplyAdds = 0;
  bool serve = false, tasks = false;
};

/// A line of /proc/self/status, such as VmRSS, in MB.
double statusMegabytes(std::string_view name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name) && line[name.size()] == ':')
      return std::stod(line.substr(name.size() + 1)) / 1024; // in KiB
  throw DataError(fmt::format("/proc/self/status: has no {}", name));
}

void forgetPeak() { std::ofstream("/proc/self/clear_refs") << '5'; }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// Of the thread, in milliseconds: what others take of the processor does not count.
double threadTime() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * double(now.tv_sec) + 1e-6 * double(now.tv_nsec);
}

/// What looking at that clock takes: a call of the system, not much less than a short task.
double clockCost() {
  std::vector<double> costs(1001);
  for (double &cost : costs) {
    double start = threadTime();
    cost = threadTime() - start;
  }
  return median(std::move(costs));
}

/// A parallel_for that runs one body after the other and keeps the time of each. Jobs are separated by barriers.
struct Recorder {
  std::vector<std::vector<double>> jobs; ///< of one call
  double between = 0;                    ///< all the rest of the call
  const double cost = clockCost();

  static void parallelFor(void *recorder, uint64_t count, snn_body_fn body, void *context) {
    Recorder &self = *static_cast<Recorder *>(recorder);
    std::vector<double> &times = self.jobs.emplace_back(count);
    for (uint64_t i = 0; i < count; ++i) {
      double start = threadTime();
      body(context, i, 0);
      times[i] = std::max(threadTime() - start - self.cost, 0.0);
      self.between -= times[i] + 2 * self.cost;
    }
  }
};

/// Takes one batch after the other.
class Batches {
public:
  Batches(const snn_model_table &table, const Options &options)
      : files({options.data}), samples(find(table)), size(options.batch) {
    if (!files.has("order"))
      return;
    Array array = files.load("order");
    order.resize(array.bytes.size() / sizeof(uint64_t));
    std::memcpy(order.data(), array.bytes.data(), order.size() * sizeof(uint64_t));
    if (array.type != ElementType::I64 || order.size() < size)
      throw DataError(fmt::format("{}: expected {} sample numbers or more, in 64 bits", array.label, size));
  }

  Batch &next() {
    std::vector<uint64_t> rows(size);
    if (order.empty()) {
      for (uint64_t &row : rows)
        row = random() % samples.count();
    } else {
      std::copy_n(order.begin() + place, size, rows.begin());
      place = place + 2 * size <= order.size() ? place + size : 0;
    }
    samples.gather(rows, batch);
    return batch;
  }

  /// Reads all batches, so that files are in memory, and begins again.
  void load() {
    for (uint64_t i = 0; i < std::max(order.size() / size, uint64_t(1)); ++i)
      next();
    place = 0;
    random.seed(0);
  }

  std::optional<uint64_t> steps() const { return samples.steps(); }

private:
  Samples find(const snn_model_table &table) {
    if (auto found = Samples::find(table, files, Samples::Training, {.plain = false, .needed = false}, false))
      return *found;
    return Samples::find(table, files, Samples::Training, {.plain = true, .needed = true}, false).value();
  }

  ArrayFiles files;
  Samples samples;
  uint64_t size, place = 0;
  std::vector<uint64_t> order;
  std::mt19937_64 random{0};
  Batch batch;
};

/// A model with what one call of it takes.
class Stepper {
public:
  explicit Stepper(const Options &options)
      : options(options), library(openLibrary(options.model)), table(*snn_library_table(library.get())),
        batches(table, options) {
    batches.load();
    forgetPeak();
    idle = statusMegabytes("VmRSS");
    steps = table.steps > 0 ? uint64_t(table.steps) : batches.steps().value_or(options.steps);
    pool = createPool(options.threads);
    instance = createInstance(library.get(), options.batch, steps, pool.get());
    check(snn_instance_init(instance.get(), 0));
    if (!options.weights.empty())
      loadCheckpoint(instance.get(), table, TensorFile::read(options.weights), OtherTensors::Refuse);
    outputs.resize(table.output_count);
    if (options.entry == "forward") { // it computes what is asked for: the counts need all of it
      counts.resize(options.batch * uint64_t(table.classes)); // wide enough for either precision
      outputs[findTensor(table.outputs, table.output_count, "count").value()] = counts.data();
    }
  }

  /// One step; returns its milliseconds.
  double step() {
    std::vector<snn_view> views = batches.next().views();
    snn_batch call = {};
    call.struct_size = sizeof(call);
    call.batch = options.batch;
    call.steps = steps;
    call.inputs = views.data();
    call.outputs = outputs.data();
    call.loss = &loss;
    auto start = std::chrono::steady_clock::now();
    check(options.entry == "train_step" ? snn_instance_train_step(instance.get(), &call)
          : options.entry == "forward"  ? snn_instance_forward(instance.get(), &call)
                                        : snn_instance_loss_and_gradient(instance.get(), &call));
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }

  /// One training step in this thread, task by task.
  Recorder record() {
    std::vector<snn_view> views = batches.next().views();
    Recorder recorder;
    snn_call call = {};
    call.struct_size = sizeof(call);
    call.batch = options.batch;
    call.steps = steps;
    call.workers = instance->layout.workers;
    call.parameters = instance->parameters();
    call.gradients = instance->gradients();
    call.optimizer = instance->optimizer();
    call.buffers = instance->buffers();
    call.inputs = views.data();
    call.outputs = outputs.data();
    call.loss = &loss;
    call.optimizer_step = ++recorded;
    call.arena = instance->arena();
    call.arena_size = instance->layout.arena;
    call.parallel_for = Recorder::parallelFor;
    call.pool = &recorder;
    double start = threadTime();
    if (int32_t code = table.train_step(&call); code != SNN_OK)
      throw DataError(fmt::format("{}: train_step returned {}", options.model, code));
    recorder.between += threadTime() - start;
    return recorder;
  }

  std::vector<double> times(uint64_t count) {
    std::vector<double> times(count);
    std::generate(times.begin(), times.end(), [&] { return step(); });
    return times;
  }

  double peakGrowth() const { return statusMegabytes("VmHWM") - idle; }

  const Options &options;
  LibraryHandle library;
  const snn_model_table &table;
  Batches batches;
  PoolHandle pool;
  InstanceHandle instance;
  std::vector<double> counts;
  std::vector<void *> outputs;
  uint64_t steps = 0, recorded = 0;
  double loss = 0, idle = 0;
};

void serve(Stepper &stepper) {
  std::vector<double> losses;
  double milliseconds = 0;
  for (uint64_t i = 0; i < stepper.options.warmup; ++i) {
    milliseconds += stepper.step();
    losses.push_back(stepper.loss);
  }
  losses.resize(std::min(losses.size(), size_t(3)));
  double first = stepper.peakGrowth();
  forgetPeak();
  auto answer = [](const std::string &line) { std::cout << line << std::endl; };
  answer(fmt::format(R"({{"losses": [{}], "prepare_s": {:.1f}, "idle_mb": {:.1f}, "versions": {{}}, "target": "{}"}})",
                     fmt::join(losses, ", "), milliseconds / 1000, stepper.idle, stepper.table.target));
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    uint64_t count = 0;
    words >> command >> count;
    if (command == "run") {
      stepper.step();
      answer(fmt::format(R"({{"ms": [{:.4f}]}})", fmt::join(stepper.times(count), ", ")));
    } else if (command == "memory") {
      answer(fmt::format(R"({{"memory_mb": {:.2f}, "first_steps_mb": {:.2f}}})", stepper.peakGrowth(), first));
    } else {
      throw DataError(fmt::format("unknown command \"{}\"; there are run and memory", command));
    }
  }
}

void measure(Stepper &stepper) {
  const Options &options = stepper.options;
  stepper.times(options.warmup);
  std::vector<double> times = stepper.times(options.iterations);
  const double usual = median(times), best = *std::min_element(times.begin(), times.end());
  std::string rate;
  if (options.multiplyAdds > 0)
    rate = fmt::format(R"(, "gflops": {:.1f}, "best_gflops": {:.1f})", 2e-6 * options.multiplyAdds / usual,
                       2e-6 * options.multiplyAdds / best);
  fmt::print(R"({{"engine": "snnc", "work": "{}", "entry": "{}", "batch": {}, "steps": {}, "threads": {}, )"
             R"("step_ms": {:.3f}, "min_ms": {:.3f}, "peak_growth_mb": {:.2f}{}, "target": "{}"}})"
             "\n",
             stepper.table.name, options.entry, options.batch, stepper.steps, options.threads, usual, best,
             stepper.peakGrowth(), rate, stepper.table.target);
}

/// The median of each task's time, job by job.
void measureTasks(Stepper &stepper) {
  std::vector<Recorder> records;
  for (uint64_t i = 0; i < stepper.options.warmup + stepper.options.iterations; ++i)
    if (Recorder record = stepper.record(); i >= stepper.options.warmup)
      records.push_back(std::move(record));
  auto usual = [&](auto timeIn) {
    std::vector<double> times;
    for (const Recorder &record : records)
      times.push_back(timeIn(record));
    return median(std::move(times));
  };
  std::vector<std::string> jobs;
  for (size_t job = 0; job < records[0].jobs.size(); ++job) {
    std::vector<double> tasks;
    for (size_t task = 0; task < records[0].jobs[job].size(); ++task)
      tasks.push_back(usual([&](const Recorder &record) { return record.jobs.at(job).at(task); }));
    jobs.push_back(fmt::format("[{:.5f}]", fmt::join(tasks, ", ")));
  }
  fmt::print(R"({{"work": "{}", "batch": {}, "steps": {}, "between_ms": {:.5f}, "jobs": [{}]}})"
             "\n",
             stepper.table.name, stepper.options.batch, stepper.steps,
             usual([](const Recorder &record) { return record.between; }), fmt::join(jobs, ", "));
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
  app.add_option("--data", options.data, "the data, as snn-train takes them; an array `order` says which samples")
      ->capture_default_str();
  app.add_option("--weights", options.weights, "initial weights (safetensors)");
  app.add_flag("--tasks", options.tasks, "time the tasks of train_step one by one, in one thread");
  app.add_flag("--serve", options.serve, "read commands from the standard input: run N, memory");
  CLI11_PARSE(app, argc, argv);
  try {
    Stepper stepper(options);
    (options.serve ? serve : options.tasks ? measureTasks : measure)(stepper);
    return 0;
  } catch (const std::exception &error) {
    fmt::print(stderr, "step_time: error: {}\n", error.what());
    return 1;
  }
}
