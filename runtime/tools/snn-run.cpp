// The command line of snn-run.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/tools/GradCheck.h"
#include "runtime/tools/RunTool.h"
#include "runtime/tools/ToolSupport.h"

#include <CLI/CLI.hpp>

using namespace snn::tools;

static constexpr const char *description = R"(Examples:
  snn-run model.so tensors.safetensors -o out.safetensors               spikes, membranes, counts, loss
  snn-run model.so tensors.safetensors -o out.safetensors --gradients   and grad.NAME of parameters and inputs
  snn-run model.so tensors.safetensors -o out.safetensors --steps-of-training=20
  snn-run --gradcheck model.snn                         are its gradients right? By differences, in double precision
  snn-run --gradcheck model.snn weights.safetensors -D hidden=16 --steps=4 --all

Runs a compiled model on tensors from a file, to compare it with other systems; or checks a model's gradients.
)";

static constexpr const char *footer = R"(
The file has the parameters under their PyTorch names, the inputs ("input"; "labels", or the labels and targets that the
model declares) and may have constants, which must be those that were compiled in; other tensors are ignored. Batch and
time steps come from the inputs' shapes, which are [time, sample, ...] where they vary over time. If all that the loss
takes is there, the results are those of a call in training, where masks are drawn and statistics are the batch's. With
--steps-of-training the result is "losses" and the parameters after the last step; where the file has
batch.K.input and batch.K.labels, step K (from 0) uses them. A model with "truncate" makes an update for each window.

--gradcheck compiles the model in double precision with soft spikes, moves each parameter and each real input along
random directions and by single elements, and compares what the loss does with the compiled gradients. It starts at
random values, or at those of a file, which may have parameters, inputs or both. Functions that state a derivative
without a `soft` form cannot be checked: snnc names them, and the rest is checked without them.
  ok                      the relative error is below the tolerance, beside what rounding explains
  differs                 the gradient is wrong: a stated derivative is that of another function
  kink suspected          the loss has different slopes to both sides, at this point and at three others
  no gradient reaches it  the gradient is zero, and the differences are
  too small to compare    rounding in the loss hides the differences

Exit status: 0 done, 1 errors in data or model files, or gradients that do not agree, 2 bad command line, 71 out of
memory, 74 cannot write; that of snnc if that finds errors.)";

int main(int argc, char **argv) {
  RunToolOptions options;
  const CLI::Validator countRange = range(1, 1 << 24), threadRange = range(0, 4096);
  CLI::App app(description, "snn-run");
  app.footer(footer);
  app.add_option("model", options.model, "the compiled network (.so), for --gradcheck its text (.snn)")
      ->required()
      ->type_name("MODEL");
  app.add_option("tensors", options.tensors, "parameters and inputs")->type_name("TENSORS.safetensors");
  CLI::Option *out = app.add_option("-o,--out", options.out, "where the results go")->type_name("OUT.safetensors");
  CLI::Option *gradients = app.add_flag("--gradients", options.gradients, "write grad.NAME too");
  CLI::Option *training = app.add_option("--steps-of-training", options.trainingSteps, "make N optimizer steps")
                              ->check(countRange)
                              ->type_name("N");
  CLI::Option *streaming =
      app.add_flag("--streaming", options.streaming, "one call per time step instead of one in all");
  training->excludes(gradients)->excludes(streaming);
  streaming->excludes(gradients);
  app.add_option("--steps", options.steps, "time steps, for a model that leaves them open")
      ->type_name("N")
      ->check(countRange);
  CLI::Option *threads = app.add_option("--threads", options.threads, "threads; 0: one per CPU")
                             ->type_name("N")
                             ->check(threadRange)
                             ->capture_default_str();
  CLI::Option *hyper =
      app.add_option("--hyper", options.hyper, "set a number of the loss or the optimizer, such as lr=0.01")
          ->type_name("NAME=NUMBER")
          ->allow_extra_args(false);

  const std::string group = "Check of gradients";
  GradCheckToolOptions check;
  bool isCheck = false;
  CLI::Option *gradcheck =
      app.add_flag("--gradcheck", isCheck, "compare the model's gradients with central differences")->group(group);
  for (CLI::Option *other : {out, gradients, training, streaming, threads, hyper})
    gradcheck->excludes(other);
  CLI::Option *batch = app.add_option("--batch", check.check.batch, "samples (default: 4, or those of the file)")
                           ->type_name("N")
                           ->check(range(1, 1 << 16));
  CLI::Option *definitions = app.add_option("-D", check.definitions, "set a parameter of the model's text")
                                 ->type_name("NAME=VALUE")
                                 ->allow_extra_args(false);
  CLI::Option *seed = app.add_option("--seed", check.check.seed, "seed of everything that is random")
                          ->type_name("N")
                          ->check(range(0, uint64_t(1) << 62))
                          ->capture_default_str();
  CLI::Option *tolerance = app.add_option("--tolerance", check.check.tolerance, "relative error that is allowed")
                               ->type_name("NUMBER")
                               ->check(CLI::Range(1e-12, 1.0, "NUMBER"))
                               ->capture_default_str();
  CLI::Option *all = app.add_flag("--all", check.check.all, "every element, not a few of each tensor");
  for (CLI::Option *option : {batch, definitions, seed, tolerance, all})
    option->needs(gradcheck)->group(group);
  return runTool("snn-run", app, argc, argv, [&] {
    if (!isCheck) {
      if (options.tensors.empty() || options.out.empty())
        throw UsageError(options.tensors.empty() ? "tensors is required" : "--out is required");
      return runTensors(options);
    }
    check.model = options.model;
    check.tensors = options.tensors;
    check.check.steps = options.steps;
    return runGradCheck(std::move(check));
  });
}
