// The command line of snn-train.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/tools/ToolSupport.h"
#include "runtime/tools/TrainTool.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <ctime>

using namespace snn::tools;

static constexpr const char *description = R"(Examples:
  snn-train population.snn                            compile, train, evaluate; the run goes to runs/population
  snn-train population.snn --epochs=2 --seed=7 --out=run7
  snn-train population.snn -D hidden=256 --lr=1e-3    change a parameter of the model, and the learning rate
  snn-train model.so --data=/data/fashion-mnist       a model that is compiled already, images from elsewhere
  snn-train model.snn --data=digits.npz               arrays x_train, y_train, x_test, y_test
  snn-train model.snn --data=train.safetensors --test=test.safetensors --validation=0.1
  snn-train model.snn --data=spikes/ --time-first     spikes/input.npy is [time, sample, ...], spikes/labels.npy
  snn-train eval run7                                 evaluate the weights of a run again

Trains a spiking neural network, on Fashion-MNIST if nothing else is said.
)";

static constexpr const char *footer = R"(
Data are .safetensors, .npz or .npy files, folders of .npy files, or folders of MNIST's files. An array belongs to the
input of the model whose name it has, NAME, or train.NAME and test.NAME (also train_NAME, NAME_train) where a file has
both; x and data are other names of "input", y and targets of what else the model takes. Arrays are [sample, ...] and,
for inputs that vary over time, [sample, time, ...]. Types are converted where every value stays what it is.
The run folder holds metrics.jsonl (a line per epoch), weights.safetensors (of the last complete epoch),
run.json (command line, versions, target, seed) and model.so. With --overwrite the old run stays until the first epoch
of the new one is complete. One run at a time may write to a folder.
Ctrl-C, SIGTERM and SIGHUP end a run after the current step, and what was written stays valid; a second one ends it at
once. A model in text form is compiled by snnc, which lies beside this program or in a folder of PATH.
Exit status: 0 done, 1 errors in data or model files, 2 bad command line, 71 out of memory, 74 cannot write,
129 SIGHUP, 130 Ctrl-C, 143 SIGTERM; that of snnc if that finds errors.)";

static std::atomic<bool> interrupted{false};
static std::atomic<int> firstSignal{0};
static std::atomic<int64_t> firstTime{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int64_t>::is_always_lock_free,
              "the signal handler writes them");

static int64_t milliseconds() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

static void onSignal(int number) {
  // The time first: another thread may handle another signal at this moment.
  int64_t unset = 0;
  firstTime.compare_exchange_strong(unset, milliseconds());
  int none = 0;
  if (firstSignal.compare_exchange_strong(none, number)) {
    interrupted.store(true);
    return;
  }
  // timeout(1) and a terminal that closes send the same one twice, to the process and to its group.
  constexpr int64_t sameWish = 200;
  if (milliseconds() - firstTime.load() < sameWish)
    return;
  std::signal(number, SIG_DFL); // the end comes when this returns
  std::raise(number);
}

static void catchSignals() {
  struct sigaction action = {}, before = {};
  action.sa_handler = onSignal;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask); // one handler at a time in a thread
  for (int number : {SIGINT, SIGTERM, SIGHUP})
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) // nohup, and jobs of scripts
      sigaction(number, &action, nullptr);
}

int main(int argc, char **argv) {
  TrainToolOptions options;
  EvalToolOptions evalOptions;
  options.commandLine.assign(argv, argv + argc);

  const CLI::Validator countRange = range(1, 1 << 24), threadRange = range(0, 4096);
  CLI::App app(description, "snn-train");
  app.footer(footer);
  app.add_option("model", options.model, "the network: text (.snn) or a compiled library (.so)")->type_name("MODEL");
  app.add_option("--data", options.data, "the data (default: the system's Fashion-MNIST); may be said again")
      ->type_name("FILE|DIR")
      ->allow_extra_args(false);
  app.add_option("--test", options.test, "test data, if --data does not have them")
      ->type_name("FILE|DIR")
      ->allow_extra_args(false);
  app.add_option("--validation", options.validation,
                 "data to watch the epochs with, or which part of the training samples, such as 0.1, is put aside; the "
                 "test data are then used once, at the end")
      ->type_name("FILE|DIR|PART")
      ->allow_extra_args(false);
  app.add_flag("--time-first", options.timeFirst, "arrays that vary over time are [time, sample, ...]");
  app.add_option("--epochs", options.epochs, "passes over the training set (default: the model's)")
      ->type_name("N")
      ->check(range(0, 1 << 24));
  app.add_option("--batch", options.batch, "samples in a step (default: the model's)")
      ->type_name("N")
      ->check(countRange);
  app.add_option("--steps", options.steps, "time steps, for a model that leaves them open")
      ->type_name("N")
      ->check(countRange);
  app.add_option("--lr", options.learningRate, "learning rate: short for --hyper lr=...")->type_name("NUMBER");
  app.add_option("--hyper", options.hyper, "set a number of the loss or the optimizer, such as beta1=0.95")
      ->type_name("NAME=NUMBER")
      ->allow_extra_args(false);
  app.add_option("--seed", options.seed, "seed of initial weights and shuffles")
      ->type_name("N")
      ->check(CLI::Validator(
          [](std::string &text) {
            bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
            return digits && text.size() < 20 ? std::string() : "expected a whole number of at most 19 digits";
          },
          ""))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "threads; 0: one per CPU")
      ->type_name("N")
      ->check(threadRange)
      ->capture_default_str();
  app.add_option("--weights", options.weights, "start from these weights (safetensors)")->type_name("FILE");
  app.add_option("--out", options.out, "run folder (default: runs/ and the model's name)")->type_name("RUN");
  app.add_flag("--overwrite", options.overwrite, "replace the run that is in the folder");
  app.add_option("-D", options.definitions, "set a parameter of the model's text")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);

  app.add_option("--memory-limit", options.memoryLimit,
                 "compile so that a call of the model's batch takes at most so much with one thread, such as 512MiB")
      ->type_name("SIZE");

  CLI::App *eval = app.add_subcommand("eval", "evaluate the weights of a run again");
  eval->add_option("run", evalOptions.run, "run folder")->required()->type_name("RUN");
  eval->add_option("--data", evalOptions.data, "test data (default: the run's)")
      ->type_name("FILE|DIR")
      ->allow_extra_args(false);
  eval->add_option("--threads", evalOptions.threads, "threads (default: the run's)")
      ->type_name("N")
      ->check(threadRange);

  return runTool("snn-train", app, argc, argv, [&] {
    catchSignals();
    int status;
    if (eval->parsed()) {
      for (const CLI::Option *option : app.get_options())
        if (option->count() > 0)
          throw UsageError(option->get_name() + " is for training; options of eval come after the word");
      status = evaluate(evalOptions, interrupted);
    } else if (options.model.empty()) {
      throw UsageError("no model was named");
    } else {
      status = train(options, interrupted);
    }
    return status == ExitInterrupted ? 128 + firstSignal.load() : status;
  });
}
