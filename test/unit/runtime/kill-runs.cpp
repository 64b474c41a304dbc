// Kills snn-train at each call that changes files, and at random times; fails such calls; and looks at what is left.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Trial.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <random>
#include <thread>
#include <unistd.h>

using namespace snn::test;

static constexpr const char *footer = R"(
Each trial prepares a folder, starts a run in it, ends that run, and then demands: the folder holds the old or the new
run, whole, and snn-train eval says what it said of that run before; what holds a run is not replaced unasked; the next
run with the same --out needs no help and leaves nothing but its own files. Exit status 1 if any trial failed.)";

namespace {

struct Options {
  std::string train = SNN_TRAIN;
  unsigned random = 200, seed = 1, stride = 1;
};

/// A run over a folder that is prepared in some way.
struct Scenario {
  std::string name;
  Run run;
  std::optional<Run> old = {};       // a complete run that is there already
  std::optional<Run> successor = {}; // of the old one, that was killed
  uint64_t killedAt = 0;             // at which of its calls
};

class Trials {
public:
  explicit Trials(const Options &options) : options(options), lab(options.train), random(options.seed) {}

  int run() {
    const Run old{Model::First, 11, 1}, next{Model::Second, 22, 2}, untrained{Model::Second, 34, 0};
    const Scenario fresh{"in a new folder", next}, over{"over an old run", next, old},
        overUntrained{"over an old run, without an epoch", untrained, old};
    for (const Scenario &scenario : {fresh, over, overUntrained}) {
      everyCall(scenario);
      fail(scenario);
    }
    interruptedCommit(over, Run{Model::First, 46, 1});
    for (unsigned i = 0; i < options.random; ++i)
      atRandom(i % 3 == 0 ? fresh : over);
    if (options.random > 0)
      report(fmt::format("killed at random times, seed {}", options.seed), options.random);
    return faults == 0 ? 0 : 1;
  }

private:
  /// The folder as it is before the run that is to be ended.
  void prepare(const Scenario &scenario) {
    lab.clear();
    if (scenario.old)
      lab.put(*scenario.old);
    if (scenario.successor)
      lab.train(*scenario.successor, true, Fault{"kill", scenario.killedAt});
  }

  void check(const Scenario &scenario, const std::string &what, std::vector<Run> possible, bool mayBeEmpty) {
    for (const std::string &fault : lab.judge(possible, mayBeEmpty)) {
      ++faults;
      fmt::print("FAULT: {}, {}: {}\n", scenario.name, what, fault);
    }
  }

  std::vector<Run> possible(const Scenario &scenario) const {
    std::vector<Run> runs = prefixes(scenario.run);
    if (scenario.old)
      runs.push_back(*scenario.old);
    return runs;
  }

  uint64_t countCalls(const Scenario &scenario) {
    prepare(scenario);
    Outcome outcome = lab.train(scenario.run, scenario.old.has_value(), {});
    if (outcome.status != 0)
      throw std::runtime_error("the run fails even if nothing happens to it: " + outcome.err);
    return outcome.calls;
  }

  void everyCall(const Scenario &scenario, std::vector<Run> more = {}) {
    const uint64_t calls = countCalls(scenario);
    unsigned trials = 0;
    std::vector<Run> runs = possible(scenario);
    runs.insert(runs.end(), more.begin(), more.end());
    for (uint64_t call = 1 + random() % options.stride; call <= calls; call += options.stride)
      for (const char *fault : {"kill", "half"}) {
        prepare(scenario);
        Outcome outcome = lab.train(scenario.run, scenario.old.has_value(), Fault{fault, call});
        if (outcome.signal != SIGKILL) // "half" means writes only
          continue;
        ++trials;
        check(scenario, fmt::format("killed at call {} of {} ({})", call, calls, fault), runs, !scenario.old);
      }
    report(fmt::format("{}: killed at {} calls", scenario.name, calls), trials);
  }

  void fail(const Scenario &scenario) {
    const uint64_t calls = countCalls(scenario);
    unsigned trials = 0;
    for (uint64_t call = 1 + random() % options.stride; call <= calls; call += options.stride)
      for (const char *fault : {"io", "full"}) {
        prepare(scenario);
        Outcome outcome = lab.train(scenario.run, scenario.old.has_value(), Fault{fault, call});
        ++trials;
        std::string what = fmt::format("call {} of {} failed ({})", call, calls, fault);
        if (outcome.signal != 0 || (outcome.status != 0 && outcome.status != 74)) {
          ++faults;
          fmt::print("FAULT: {}, {}: exit status {}, signal {}: {}\n", scenario.name, what, outcome.status,
                     outcome.signal, outcome.err);
        }
        if (outcome.status == 0)
          check(scenario, what, {scenario.run}, false);
        else
          check(scenario, what, possible(scenario), !scenario.old);
      }
    report(fmt::format("{}: failed {} calls", scenario.name, calls), trials);
  }

  /// Runs over a folder in which another one was killed while its files were replacing older ones: each trial is killed
  /// at another call of its own, which finishes or clears away what the first one left.
  void interruptedCommit(const Scenario &first, const Run &second) {
    const uint64_t calls = countCalls(first);
    std::vector<uint64_t> during;
    for (uint64_t call = 1; call <= calls; call += std::min(options.stride, 4u)) { // there are more than 4 of them
      prepare(first);
      lab.train(first.run, true, Fault{"kill", call});
      if (lab.isBetweenRuns())
        during.push_back(call);
    }
    fmt::print("killed at {} calls between two runs\n", during.size());
    for (size_t i = random() % options.stride; i < during.size(); i += options.stride)
      everyCall({fmt::format("over a run killed at call {}", during[i]), second, first.old, first.run, during[i]},
                prefixes(first.run));
  }

  void atRandom(const Scenario &scenario) {
    prepare(scenario);
    auto begin = std::chrono::steady_clock::now();
    if (typical == std::chrono::microseconds::zero()) {
      lab.trainText(scenario.run, scenario.old.has_value(), std::nullopt);
      typical = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
      prepare(scenario);
    }
    std::chrono::microseconds after(random() % uint64_t(typical.count() * 11 / 10));
    lab.trainText(scenario.run, scenario.old.has_value(), after);
    check(scenario, fmt::format("killed after {} us", after.count()), possible(scenario), !scenario.old);
    if (lab.compilerRuns()) {
      ++faults;
      fmt::print("FAULT: {}, killed after {} us: snnc still runs\n", scenario.name, after.count());
    }
  }

  void report(const std::string &what, unsigned trials) {
    fmt::print("{}: {} trials, {} faults so far\n", what, trials, faults);
    std::fflush(stdout);
  }

  const Options &options;
  Lab lab;
  std::mt19937 random;
  std::chrono::microseconds typical{0};
  unsigned faults = 0;
};

} // namespace

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Ends runs of snn-train and looks at their folders.", "kill-runs");
  app.footer(footer);
  app.add_option("--train", options.train, "the snn-train to test")->capture_default_str();
  app.add_option("--random", options.random, "how many runs are killed at random times")->capture_default_str();
  app.add_option("--stride", options.stride, "of the calls, take each Nth")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of times, and of the first call")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    return Trials(options).run();
  } catch (const std::exception &error) {
    fmt::print("kill-runs: {}\n", error.what());
    return 1;
  }
}
