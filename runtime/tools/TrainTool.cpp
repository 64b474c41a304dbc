// snn-train as a library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/tools/TrainTool.h"
#include "runtime/data/Dataset.h"
#include "runtime/data/Files.h"
#include "runtime/tools/Progress.h"
#include "runtime/tools/ToolSupport.h"
#include "runtime/train/Checkpoint.h"
#include "runtime/train/Model.h"
#include "runtime/train/RunFolder.h"
#include "runtime/train/Trainer.h"

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

/// Time steps for a model and still images.
uint64_t timeSteps(const snn_model_table &table, std::optional<uint64_t> asked) {
  if (table.steps > 0) {
    if (asked && *asked != uint64_t(table.steps))
      throw UsageError(
          fmt::format("model \"{}\" has {} time steps, --steps={} does not fit", table.name, table.steps, *asked));
    return uint64_t(table.steps);
  }
  if (!asked)
    throw UsageError(fmt::format("model \"{}\" leaves the number of time steps open (1 to {}): say --steps=N",
                                 table.name, table.max_steps));
  if (*asked > uint64_t(table.max_steps))
    throw UsageError(
        fmt::format("model \"{}\" takes at most {} time steps, found --steps={}", table.name, table.max_steps, *asked));
  return *asked;
}

/// Brings the model into the run folder as model.so, so that the run can be repeated from the folder alone. Stops
/// early, without it, if `stop` becomes true.
void provideLibrary(const TrainToolOptions &options, const RunFolder &folder, const std::atomic<bool> &stop) {
  if (std::filesystem::path(options.model).extension() != ".snn") {
    if (!options.definitions.empty())
      throw UsageError("-D is for models in text form (.snn)");
    copyFile(options.model, folder.library());
    return;
  }
  copyFile(options.model, folder.source());
  compileModel(options.model, folder.library(), options.definitions, stop);
}

RunRecord makeRecord(const TrainToolOptions &options, const snn_model_table &table, const snn_instance *instance) {
  RunRecord record;
  record.commandLine = options.commandLine;
  record.runtimeVersion = SNN_RUNTIME_VERSION;
  record.compiler = table.compiler;
  record.target = table.target;
  record.model = table.name;
  record.modelHash = modelHashText(table);
  record.precision = table.precision == SNN_DTYPE_F32 ? "f32" : "f64";
  record.source = absolutePath(options.model);
  record.dataFolder = absolutePath(options.data.value_or(defaultDataFolder));
  record.started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  record.seed = options.seed;
  record.batch = options.batch.value_or(uint64_t(table.default_batch));
  record.epochs = options.epochs.value_or(uint64_t(table.default_epochs));
  for (uint64_t i = 0; i < table.hyper_count; ++i) {
    double value = 0;
    check(snn_instance_get_hyper(instance, table.hyper[i].name, &value));
    record.hyper.emplace_back(table.hyper[i].name, value);
  }
  return record;
}

/// Why there are no more epochs, and what the folder holds.
std::string interruption(const RunWriter &run, uint64_t epoch) {
  if (epoch > 0)
    return fmt::format("interrupted in epoch {}; {} holds the weights after epoch {}", epoch, run.files().weights(),
                       epoch - 1);
  return fmt::format("interrupted in epoch 0; no epoch was complete, so {}",
                     run.replaces() ? fmt::format("{} holds what it held before", run.path()) : "there are no weights");
}

int runEpochs(Trainer &trainer, Progress &progress, snn_instance *instance, const snn_model_table &table,
              RunWriter &run, uint64_t epochs) {
  if (epochs == 0) {
    saveCheckpoint(run.files().weights(), instance, table);
    run.publish();
  }
  for (uint64_t epoch = 0; epoch < epochs; ++epoch) {
    progress.begin(fmt::format("epoch {}", epoch));
    Clock::time_point start = Clock::now();
    std::optional<double> loss = trainer.trainEpoch(epoch);
    double trainSeconds = secondsSince(start);
    progress.end();
    start = Clock::now();
    std::optional<Accuracy> accuracy = loss ? trainer.evaluate() : std::nullopt;
    double evalSeconds = secondsSince(start);
    if (!accuracy) {
      fmt::print("{}\n", interruption(run, epoch));
      return ExitInterrupted;
    }
    saveCheckpoint(run.files().weights(), instance, table, epoch);
    run.files().appendMetrics({epoch, *loss, accuracy->value(), trainSeconds, evalSeconds});
    run.publish();
    fmt::print("epoch {:>3}  loss {:<10.6g}  test accuracy {:6.2f} %  ({:.2f} s training, {:.2f} s evaluation)\n",
               epoch, *loss, 100 * accuracy->value(), trainSeconds, evalSeconds);
    std::fflush(stdout);
  }
  fmt::print("wrote {}, {}run.json, model.so\n", run.files().weights(), epochs ? "metrics.jsonl, " : "");
  return ExitOk;
}

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
  uint64_t steps = timeSteps(table, options.steps);
  PoolHandle pool = createPool(options.threads);
  uint64_t batch = options.batch.value_or(uint64_t(table.default_batch));
  InstanceHandle instance = createInstance(library.get(), batch, steps, pool.get());
  setHyper(instance.get(), hyper);
  check(snn_instance_init(instance.get(), options.seed));
  if (options.weights)
    loadCheckpoint(instance.get(), table, TensorFile::read(*options.weights), OtherTensors::Refuse);
  Dataset dataset = loadFashionMnist(options.data.value_or(defaultDataFolder));

  RunRecord record = makeRecord(options, table, instance.get());
  record.dataset = dataset.name;
  record.threads = snn_pool_workers(pool.get());
  record.steps = steps;
  uint64_t parameters = 0;
  for (uint64_t i = 0; i < table.parameter_count; ++i) {
    uint64_t elements = 1;
    for (int64_t extent : shapeOf(table.parameters[i]))
      elements *= uint64_t(extent);
    parameters += elements;
  }
  fmt::print("{}: {} parameters, {} training and {} test samples, batch {}, {} time step{}, {} thread{}; run folder "
             "{}\n",
             table.name, parameters, dataset.train.count(), dataset.test.count(), batch, steps, steps == 1 ? "" : "s",
             record.threads, record.threads == 1 ? "" : "s", run.path());
  std::fflush(stdout);

  Progress progress;
  TrainerOptions trainerOptions;
  trainerOptions.batch = batch;
  trainerOptions.steps = steps;
  trainerOptions.seed = options.seed;
  trainerOptions.epochs = record.epochs;
  trainerOptions.stop = &stop;
  if (progress.enabled())
    trainerOptions.progress = [&](uint64_t done, uint64_t total) { progress.update(done, total); };
  Trainer trainer(table, instance.get(), dataset, trainerOptions);
  run.begin(record);
  return runEpochs(trainer, progress, instance.get(), table, run, record.epochs);
}

int tools::evaluate(const EvalToolOptions &options, const std::atomic<bool> &stop) {
  StoredRun run = loadRun(options.run);
  const RunRecord &record = run.record;
  const snn_model_table &table = *snn_library_table(run.library.get());
  PoolHandle pool = createPool(options.threads.value_or(record.threads));
  InstanceHandle instance = createInstance(run.library.get(), record.batch, record.steps, pool.get());
  check(snn_instance_init(instance.get(), record.seed));
  loadCheckpoint(instance.get(), table, *run.weights, OtherTensors::Refuse);
  Dataset dataset = loadFashionMnistTest(options.data.value_or(record.dataFolder));

  TrainerOptions trainerOptions;
  trainerOptions.batch = record.batch;
  trainerOptions.steps = record.steps;
  trainerOptions.stop = &stop;
  std::optional<Accuracy> accuracy = Trainer(table, instance.get(), dataset, trainerOptions).evaluate();
  if (!accuracy)
    return ExitInterrupted;
  fmt::print("test accuracy {:.2f} % ({} of {})\n", 100 * accuracy->value(), accuracy->correct, accuracy->count);
  return ExitOk;
}
