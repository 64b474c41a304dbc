// The command line of snn-run.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/tools/RunTool.h"
#include "runtime/tools/ToolSupport.h"

#include <CLI/CLI.hpp>

using namespace snn::tools;

static constexpr const char *description = R"(Examples:
  snn-run model.so tensors.safetensors -o out.safetensors               spikes, membranes, counts, loss
  snn-run model.so tensors.safetensors -o out.safetensors --gradients   and grad.NAME of parameters and inputs
  snn-run model.so tensors.safetensors -o out.safetensors --steps-of-training=20

Runs a compiled model on tensors from a file, to compare it with other systems.
)";

static constexpr const char *footer = R"(
The file has the parameters under their PyTorch names, the inputs ("input"; "labels", or the labels and targets that the
model declares) and may have constants, which must be those that were compiled in; other tensors are ignored. Batch and
time steps come from the inputs' shapes. With
--steps-of-training the result is "losses" and the parameters after the last step; where the file has
batch.K.input and batch.K.labels, step K (from 0) uses them.
Exit status: 0 done, 1 errors in data or model files, 2 bad command line, 71 out of memory, 74 cannot write.)";

int main(int argc, char **argv) {
  RunToolOptions options;
  const CLI::Validator countRange = range(1, 1 << 24), threadRange = range(0, 4096);
  CLI::App app(description, "snn-run");
  app.footer(footer);
  app.add_option("model", options.model, "the compiled network (.so)")->required()->type_name("MODEL.so");
  app.add_option("tensors", options.tensors, "parameters and inputs")->required()->type_name("TENSORS.safetensors");
  app.add_option("-o,--out", options.out, "where the results go")->required()->type_name("OUT.safetensors");
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
  app.add_option("--threads", options.threads, "threads; 0: one per CPU")
      ->type_name("N")
      ->check(threadRange)
      ->capture_default_str();
  app.add_option("--hyper", options.hyper, "set a number of the loss or the optimizer, such as lr=0.01")
      ->type_name("NAME=NUMBER")
      ->allow_extra_args(false);
  return runTool("snn-run", app, argc, argv, [&] { return runTensors(options); });
}
