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
#include <memory>

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

/// Brings the model into the run folder as model.so, so that the run can be repeated from the folder alone.
void provideLibrary(const TrainToolOptions &options, const RunFolder &folder) {
  if (std::filesystem::path(options.model).extension() != ".snn") {
    if (!options.definitions.empty())
      throw UsageError("-D is for models in text form (.snn)");
    copyFile(options.model, folder.library());
    return;
  }
  copyFile(options.model, folder.source());
  compileModel(options.model, folder.library(), options.definitions);
}

RunRecord makeRecord(const TrainToolOptions &options, const snn_model_table &table, const snn_instance *instance) {
  RunRecord record;
  record.commandLine = options.commandLine;
  record.runtimeVersion = SNN_RUNTIME_VERSION;
  record.compiler = table.compiler;
  record.target = table.target;
  record.model = table.name;
  record.modelHash = fmt::format("{:016x}", table.model_hash);
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

int runEpochs(Trainer &trainer, Progress &progress, snn_instance *instance, const snn_model_table &table,
              const RunFolder &folder, uint64_t epochs) {
  if (epochs == 0)
    saveCheckpoint(folder.weights(), instance, table);
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
      fmt::print("interrupted in epoch {}; {}\n", epoch,
                 epoch ? fmt::format("{} holds the weights after epoch {}", folder.weights(), epoch - 1)
                       : "no epoch was complete, so there are no weights");
      return ExitInterrupted;
    }
    saveCheckpoint(folder.weights(), instance, table);
    folder.appendMetrics({epoch, *loss, accuracy->value(), trainSeconds, evalSeconds});
    fmt::print("epoch {:>3}  loss {:<10.6g}  test accuracy {:6.2f} %  ({:.2f} s training, {:.2f} s evaluation)\n",
               epoch, *loss, 100 * accuracy->value(), trainSeconds, evalSeconds);
    std::fflush(stdout);
  }
  fmt::print("wrote {}, {}run.json, model.so\n", folder.weights(), epochs ? "metrics.jsonl, " : "");
  return ExitOk;
}

} // namespace

int tools::train(const TrainToolOptions &options, const std::atomic<bool> &stop) {
  std::vector<std::pair<std::string, double>> hyper;
  for (const std::string &text : options.hyper)
    hyper.push_back(parseNumberOption(text));
  if (options.learningRate) {
    hyper.emplace_back("lr", *options.learningRate);
    if (!(std::isfinite(*options.learningRate) && *options.learningRate >= 0))
      throw UsageError(fmt::format("--lr={} is not a learning rate, expected 0 or more", *options.learningRate));
  }
  std::error_code error;
  if (!std::filesystem::is_regular_file(options.model, error))
    throw DataError(fmt::format("{}: there is no such model file", options.model));
  std::string stem = std::filesystem::path(options.model).stem().string();
  RunFolder folder = options.out ? RunFolder(*options.out) : claimFreshFolder("runs/" + stem);
  if (options.out && !folder.claim(options.overwrite))
    throw DataError(fmt::format("{}: another run is beginning there; if none is, remove {}", folder.path(),
                                folder.incoming().path()));
  // Until the run begins, whatever goes wrong leaves the folder as it was.
  std::unique_ptr<const RunFolder, void (*)(const RunFolder *)> claim(
      &folder, [](const RunFolder *claimed) { claimed->release(); });
  provideLibrary(options, folder.incoming());
  if (stop)
    return ExitInterrupted;

  LibraryHandle library = openLibrary(folder.incoming().library());
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
             record.threads, record.threads == 1 ? "" : "s", folder.path());
  std::fflush(stdout);

  Progress progress;
  TrainerOptions trainerOptions;
  trainerOptions.batch = batch;
  trainerOptions.steps = steps;
  trainerOptions.seed = options.seed;
  trainerOptions.stop = &stop;
  if (progress.enabled())
    trainerOptions.progress = [&](uint64_t done, uint64_t total) { progress.update(done, total); };
  Trainer trainer(table, instance.get(), dataset, trainerOptions);
  folder.adopt(record);
  claim.release();
  return runEpochs(trainer, progress, instance.get(), table, folder, record.epochs);
}

int tools::evaluate(const EvalToolOptions &options, const std::atomic<bool> &stop) {
  RunFolder folder(options.run);
  RunRecord record = folder.readRecord();
  LibraryHandle library = openLibrary(folder.library());
  const snn_model_table &table = *snn_library_table(library.get());
  if (fmt::format("{:016x}", table.model_hash) != record.modelHash)
    throw DataError(
        fmt::format("{}: is not the model of this run, whose hash is {}", folder.library(), record.modelHash));
  PoolHandle pool = createPool(options.threads.value_or(record.threads));
  InstanceHandle instance = createInstance(library.get(), record.batch, record.steps, pool.get());
  check(snn_instance_init(instance.get(), record.seed));
  loadCheckpoint(instance.get(), table, TensorFile::read(folder.weights()), OtherTensors::Refuse);
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
