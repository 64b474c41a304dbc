// snn-train as a library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/tools/TrainTool.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/core/Table.h"
#include "runtime/data/Files.h"
#include "runtime/tools/Progress.h"
#include "runtime/tools/ToolSupport.h"
#include "runtime/train/Model.h"
#include "runtime/train/RunFolder.h"
#include "runtime/train/Trainer.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fmt/chrono.h>
#include <fmt/format.h>

using namespace snn;
using namespace snn::tools;

namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string absolutePath(const std::string &path) {
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

/// What a run works on.
struct Parts {
  std::optional<Samples> train, validation, test;

  std::vector<const Samples *> list() const {
    std::vector<const Samples *> there;
    for (const std::optional<Samples> *part : {&train, &validation, &test})
      if (*part)
        there.push_back(&**part);
    return there;
  }
};

std::optional<Samples> findPart(const snn_model_table &table, const RunRecord &record, const ArrayFiles &data,
                                const std::vector<std::string> &own, Samples::Part part) {
  if (own.empty())
    return Samples::find(table, data, part, {}, record.timeFirst);
  return Samples::find(table, ArrayFiles(own), part, {.plain = true, .needed = true}, record.timeFirst);
}

/// The parts that the record names. If `fraction` says how many, `validationSamples` of the record is set.
Parts findParts(const snn_model_table &table, RunRecord &record, std::optional<double> fraction) {
  const ArrayFiles data(record.data);
  Parts parts;
  parts.test = findPart(table, record, data, record.test, Samples::Test);
  parts.train = Samples::find(table, data, Samples::Training, {.plain = true, .needed = true}, record.timeFirst);
  if (fraction) {
    const uint64_t all = parts.train->count();
    if (all < 2)
      throw DataError(fmt::format("{}: has one training sample, which cannot be divided", data.pathText()));
    record.validationSamples = std::clamp<uint64_t>(uint64_t(std::llround(*fraction * double(all))), 1, all - 1);
  }
  if (record.validationSamples >= parts.train->count())
    throw DataError(fmt::format("{}: has {} samples, but the run put {} of them aside", data.pathText(),
                                parts.train->count(), record.validationSamples));
  parts.validation = record.validationSamples
                         ? parts.train->takeOut(record.validationSamples, record.seed, Samples::Validation)
                         : findPart(table, record, data, record.validation, Samples::Validation);
  return parts;
}

/// The part that `eval` works on.
Samples findEvaluated(const snn_model_table &table, RunRecord &record, const std::vector<std::string> &data) {
  if (!data.empty()) {
    const ArrayFiles files(data);
    return *Samples::find(table, files, Samples::Test, {.plain = true, .needed = true}, record.timeFirst);
  }
  if (auto test = findPart(table, record, ArrayFiles(record.data), record.test, Samples::Test))
    return *test;
  if (auto parts = findParts(table, record, std::nullopt); parts.validation)
    return *parts.validation;
  throw DataError("the run has no data for a test; name them with --data");
}

/// Steps of the calls whose data do not vary over time.
uint64_t timeSteps(const snn_model_table &table, std::optional<uint64_t> asked, const Parts &parts) {
  const std::optional<uint64_t> given = table.steps > 0 ? std::optional(uint64_t(table.steps)) : parts.train->steps();
  if (given && asked && *asked != *given)
    throw UsageError(fmt::format("{} {} time steps, --steps={} does not fit",
                                 table.steps > 0 ? fmt::format("model \"{}\" has", table.name) : "the data have",
                                 *given, *asked));
  if (given)
    return *given;
  if (!asked)
    throw UsageError(fmt::format("model \"{}\" leaves the number of time steps open (1 to {}): say --steps=N",
                                 table.name, table.max_steps));
  if (*asked > uint64_t(table.max_steps))
    throw UsageError(
        fmt::format("model \"{}\" takes at most {} time steps, found --steps={}", table.name, table.max_steps, *asked));
  return *asked;
}

/// The most steps of any call.
uint64_t mostSteps(uint64_t steps, const std::vector<const Samples *> &parts) {
  for (const Samples *part : parts)
    steps = std::max(steps, part->steps().value_or(0));
  return steps;
}

/// Brings the model into the run folder as model.so, so that the run can be repeated from the folder alone. Stops
/// early, without it, if `stop` becomes true.
void provideLibrary(const TrainToolOptions &options, const RunFolder &folder, const std::atomic<bool> &stop) {
  if (std::filesystem::path(options.model).extension() != ".snn") {
    if (!options.definitions.empty())
      throw UsageError("-D is for models in text form (.snn)");
    if (!options.memoryLimit.empty())
      throw UsageError("--memory-limit is for models in text form (.snn)");
    copyFile(options.model, folder.library());
    return;
  }
  copyFile(options.model, folder.source());
  std::vector<std::string> flags;
  if (!options.memoryLimit.empty())
    flags.push_back("--memory-limit=" + options.memoryLimit);
  compileModel(options.model, folder.library(), options.definitions, stop, flags);
}

std::vector<std::string> absolutePaths(std::vector<std::string> paths) {
  for (std::string &path : paths)
    path = absolutePath(path);
  return paths;
}

/// The number between 0 and 1 that --validation is, if it is one.
std::optional<double> validationFraction(const TrainToolOptions &options) {
  if (options.validation.size() != 1)
    return std::nullopt;
  const std::string &text = options.validation[0];
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  if (!(value > 0 && value < 1))
    throw UsageError(fmt::format("--validation={}: expected a number above 0 and below 1, or files", text));
  return value;
}

RunRecord makeRecord(const TrainToolOptions &options, const snn_model_table &table) {
  RunRecord record;
  record.commandLine = options.commandLine;
  record.runtimeVersion = SNN_RUNTIME_VERSION;
  record.compiler = table.compiler;
  record.target = table.target;
  record.model = table.name;
  record.modelHash = modelHashText(table);
  record.precision = table.precision == SNN_DTYPE_F32 ? "f32" : "f64";
  record.source = absolutePath(options.model);
  record.data = absolutePaths(options.data.empty() ? std::vector<std::string>{defaultDataFolder} : options.data);
  if (!validationFraction(options))
    record.validation = absolutePaths(options.validation);
  record.test = absolutePaths(options.test);
  record.timeFirst = options.timeFirst;
  record.started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  record.seed = options.seed;
  record.batch = options.batch.value_or(uint64_t(table.default_batch));
  record.epochs = options.epochs.value_or(uint64_t(table.default_epochs));
  return record;
}

void recordHyper(RunRecord &record, const snn_model_table &table, const snn_instance *instance) {
  for (uint64_t i = 0; i < table.hyper_count; ++i) {
    double value = 0;
    check(snn_instance_get_hyper(instance, table.hyper[i].name, &value));
    record.hyper.emplace_back(table.hyper[i].name, value);
  }
}

/// "1200 training, 300 validation and 500 test samples".
std::string countText(const std::vector<const Samples *> &parts) {
  std::string text;
  for (const Samples *part : parts)
    text += fmt::format("{}{} {}",
                        text.empty()           ? ""
                        : part == parts.back() ? " and "
                                               : ", ",
                        part->count(), part->name());
  return text + " samples";
}

/// Why there are no more epochs, and what the folder holds.
std::string interruption(const RunWriter &run, uint64_t epoch) {
  if (epoch > 0)
    return fmt::format("interrupted in epoch {}; {} holds the weights after epoch {}", epoch, run.files().weights(),
                       epoch - 1);
  return fmt::format("interrupted in epoch 0; no epoch was complete, so {}",
                     run.replaces() ? fmt::format("{} holds what it held before", run.path()) : "there are no weights");
}

/// "  test loss 0.25  test accuracy  90.00 %", in columns.
std::string columns(const std::string &prefix, const Measures &measures) {
  std::string text;
  if (measures.loss)
    text += fmt::format("  {}loss {:<10.6g}", prefix, *measures.loss);
  if (measures.correct)
    text += fmt::format("  {}accuracy {:6.2f} %", prefix, 100 * measures.accuracy());
  for (const auto &[name, value] : measures.metrics)
    text += fmt::format("  {}{} {:<10.6g}", prefix, name, value);
  return text;
}

void printLines(const char *part, const Measures &measures) {
  if (measures.correct)
    fmt::print("{} accuracy {:.2f} % ({} of {})\n", part, 100 * measures.accuracy(), *measures.correct,
               measures.samples);
  if (measures.loss)
    fmt::print("{} loss {:.6g}\n", part, *measures.loss);
  for (const auto &[name, value] : measures.metrics)
    fmt::print("{} {} {:.6g}\n", part, name, value);
}

class Training {
public:
  Training(Trainer &trainer, Progress &progress, snn_instance *instance, const snn_model_table &table,
           const Parts &parts, RunWriter &run)
      : trainer(trainer), progress(progress), instance(instance), table(table), parts(parts), run(run) {}

  int runEpochs(uint64_t epochs) {
    if (epochs == 0) {
      saveCheckpoint(run.files().weights(), instance, table);
      run.publish();
    }
    for (uint64_t epoch = 0; epoch < epochs; ++epoch)
      if (!runEpoch(epoch)) {
        fmt::print("{}\n", interruption(run, epoch));
        return ExitInterrupted;
      }
    if (epochs != 0 && parts.validation && parts.test && !testOnce(epochs - 1))
      return ExitInterrupted;
    fmt::print("wrote {}, {}run.json, model.so\n", run.files().weights(), epochs ? "metrics.jsonl, " : "");
    return ExitOk;
  }

private:
  bool runEpoch(uint64_t epoch) {
    progress.begin(fmt::format("epoch {}", epoch));
    Clock::time_point start = Clock::now();
    std::optional<Measures> trained = trainer.trainEpoch(*parts.train, epoch);
    EpochMetrics metrics;
    metrics.epoch = epoch;
    metrics.trainSeconds = secondsSince(start);
    progress.end();
    if (!trained)
      return false;
    std::string line = fmt::format("epoch {:>3}{}", epoch, columns("", *trained));
    metrics.parts.emplace_back("train", std::move(*trained));
    start = Clock::now();
    if (const std::optional<Samples> &watched = parts.validation ? parts.validation : parts.test) {
      std::optional<Measures> measures = trainer.evaluate(*watched);
      if (!measures)
        return false;
      line += columns(watched->name() + std::string(" "), *measures);
      metrics.parts.emplace_back(watched->name(), std::move(*measures));
    }
    metrics.evalSeconds = secondsSince(start);
    saveCheckpoint(run.files().weights(), instance, table, epoch);
    run.files().appendMetrics(metrics);
    run.publish();
    fmt::print("{}  ({:.2f} s training, {:.2f} s evaluation)\n", line, *metrics.trainSeconds, *metrics.evalSeconds);
    std::fflush(stdout);
    return true;
  }

  /// The test samples have no say in anything before.
  bool testOnce(uint64_t lastEpoch) {
    const Clock::time_point start = Clock::now();
    std::optional<Measures> measures = trainer.evaluate(*parts.test);
    if (!measures) {
      fmt::print("interrupted in the test; {} holds the weights after epoch {}\n", run.files().weights(), lastEpoch);
      return false;
    }
    printLines("test", *measures);
    run.files().appendMetrics({lastEpoch, {{"test", *measures}}, std::nullopt, secondsSince(start)});
    return true;
  }

  Trainer &trainer;
  Progress &progress;
  snn_instance *instance;
  const snn_model_table &table;
  const Parts &parts;
  RunWriter &run;
};

/// A run as it was left.
struct StoredRun {
  RunRecord record;
  LibraryHandle library;
  std::optional<TensorFile> weights;
};

StoredRun loadRun(const std::string &folder) {
  StoredRun run;
  readRun(folder, [&](const RunRecord &record, const RunFiles &files) {
    LibraryHandle library = openLibrary(files.library);
    if (modelHashText(*snn_library_table(library.get())) != record.modelHash)
      throw DataError(
          fmt::format("{}: is not the model of this run, whose hash is {}", files.library, record.modelHash));
    std::error_code error;
    if (!std::filesystem::exists(files.weights, error))
      throw DataError(fmt::format("{}: has no weights: the run ended before its first epoch was complete", folder));
    TensorFile weights = TensorFile::read(files.weights);
    auto hash = weights.metadata().find("model_hash");
    if (hash != weights.metadata().end() && hash->second != record.modelHash)
      throw DataError(fmt::format("{}: belongs to a model with hash {}, but that of this run has {}", files.weights,
                                  hash->second, record.modelHash));
    run = {record, std::move(library), std::move(weights)};
  });
  return run;
}

} // namespace

int tools::train(const TrainToolOptions &options, const std::atomic<bool> &stop) {
  std::vector<std::pair<std::string, double>> hyper;
  for (const std::string &text : options.hyper)
    hyper.push_back(parseNumberOption(text));
  if (options.learningRate)
    hyper.emplace_back("lr", *options.learningRate);
  std::error_code error;
  if (!std::filesystem::exists(options.model, error))
    throw DataError(fmt::format("{}: there is no such model file", options.model));
  if (!std::filesystem::is_regular_file(options.model, error))
    throw DataError(fmt::format("{}: is not a regular file, so it is no model", options.model));
  std::string stem = std::filesystem::path(options.model).stem().string();
  RunWriter run =
      options.out ? RunWriter::claim(*options.out, options.overwrite) : RunWriter::claimFresh("runs/" + stem);
  provideLibrary(options, run.files(), stop);
  if (stop) {
    fmt::print("interrupted; no run was begun in {}\n", run.path());
    return ExitInterrupted;
  }

  LibraryHandle library = openLibrary(run.files().library());
  const snn_model_table &table = *snn_library_table(library.get());
  if (!table.train_step)
    throw DataError(fmt::format("{}: was compiled without training (--mode=infer)", options.model));
  RunRecord record = makeRecord(options, table);
  Parts parts = findParts(table, record, validationFraction(options));
  record.steps = timeSteps(table, options.steps, parts);
  PoolHandle pool = createPool(options.threads);
  record.threads = snn_pool_workers(pool.get());
  InstanceHandle instance =
      createInstance(library.get(), record.batch, mostSteps(record.steps, parts.list()), pool.get());
  setHyper(instance.get(), hyper);
  recordHyper(record, table, instance.get());
  check(snn_instance_init(instance.get(), options.seed));
  if (options.weights)
    loadCheckpoint(instance.get(), table, TensorFile::read(*options.weights), OtherTensors::Refuse);
  uint64_t parameters = 0;
  for (uint64_t i = 0; i < table.parameter_count; ++i) {
    uint64_t elements = 1;
    for (int64_t extent : shapeOf(table.parameters[i]))
      elements *= uint64_t(extent);
    parameters += elements;
  }
  fmt::print("{}: {} parameters, {}, batch {}, {} time step{}{}, {} thread{}; run folder {}\n", table.name, parameters,
             countText(parts.list()), record.batch, record.steps, record.steps == 1 ? "" : "s",
             windowOf(table) ? fmt::format(" in windows of {}", windowOf(table)) : "", record.threads,
             record.threads == 1 ? "" : "s", run.path());
  std::fflush(stdout);

  Progress progress;
  TrainerOptions trainerOptions;
  trainerOptions.batch = record.batch;
  trainerOptions.steps = record.steps;
  trainerOptions.seed = options.seed;
  trainerOptions.epochs = record.epochs;
  trainerOptions.stop = &stop;
  if (progress.enabled())
    trainerOptions.progress = [&](uint64_t done, uint64_t total) { progress.update(done, total); };
  Trainer trainer(table, instance.get(), trainerOptions);
  run.begin(record);
  return Training(trainer, progress, instance.get(), table, parts, run).runEpochs(record.epochs);
}

int tools::evaluate(const EvalToolOptions &options, const std::atomic<bool> &stop) {
  StoredRun run = loadRun(options.run);
  RunRecord &record = run.record;
  const snn_model_table &table = *snn_library_table(run.library.get());
  const Samples samples = findEvaluated(table, record, options.data);
  PoolHandle pool = createPool(options.threads.value_or(record.threads));
  InstanceHandle instance =
      createInstance(run.library.get(), record.batch, mostSteps(record.steps, {&samples}), pool.get());
  check(snn_instance_init(instance.get(), record.seed));
  for (const auto &[name, value] : record.hyper) // the loss has numbers, too
    check(snn_instance_set_hyper(instance.get(), name.c_str(), value));
  loadCheckpoint(instance.get(), table, *run.weights, OtherTensors::Refuse);

  TrainerOptions trainerOptions;
  trainerOptions.batch = record.batch;
  trainerOptions.steps = record.steps;
  trainerOptions.stop = &stop;
  std::optional<Measures> measures = Trainer(table, instance.get(), trainerOptions).evaluate(samples);
  if (!measures)
    return ExitInterrupted;
  printLines(samples.name(), *measures);
  return ExitOk;
}
