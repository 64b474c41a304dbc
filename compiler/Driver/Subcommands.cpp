// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Options of the subcommands. CLI11 throws, so this file is compiled with exceptions; none leaves it.

#include "compiler/Driver/Subcommands.h"

#include "compiler/Driver/Exchange.h"
#include "compiler/Driver/Messages.h"
#include "frontends/snn/Limits.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <CLI/CLI.hpp>

namespace snn {
namespace {

constexpr const char *kImportExamples = R"(Examples:
  snnc import net.nir -o net.snn               write net.snn and net.safetensors
  snnc import net.nir -o net.snn --dt=1e-3     with time steps of a millisecond
  snnc import weights.pt -o weights.safetensors

Reads a network that another program wrote as a NIR graph, or a checkpoint of PyTorch, of which it takes the tensors and
runs nothing.
)";

constexpr const char *kExportExamples = R"(Examples:
  snnc export model.snn --weights=weights.safetensors -o net.nir

Writes a model as a NIR graph, which snnTorch, norse, SpikingJelly and others read. What NIR has no words for is refused.
)";

constexpr const char *kStatus = "Exit status: 0 done, 1 errors in the input, 2 bad command line, 71 out of memory, "
                                "74 cannot write";

int run(CLI::App &app, int argc, const char *const *argv, llvm::raw_ostream &errors,
        llvm::function_ref<ExitStatus()> command) {
  app.footer(kStatus);
  try {
    app.parse(argc - 1, argv + 1);
  } catch (const CLI::Success &request) {
    return app.exit(request);
  } catch (const CLI::Error &error) {
    PrintableStream printable(errors);
    printError(printable, error.what());
    printNote(printable, app.get_name() + " --help shows the options");
    return kExitCommandLine;
  }
  return command();
}

/// Seconds of a time step.
CLI::Validator isTimeStep() {
  return CLI::Validator(
      [](std::string &text) {
        double number = 0;
        const bool valid = CLI::detail::lexical_cast(text, number) && number >= 1e-12 && number <= 1e6;
        return valid ? std::string() : "expected seconds, from 1e-12 to 1e6, and found '" + text + "'";
      },
      "SECONDS");
}

int importCommand(int argc, const char *const *argv, llvm::raw_ostream &errors) {
  CLI::App app(kImportExamples, "snnc import");
  ImportOptions options;
  app.add_option("input", options.input, "a .nir file, or a .pt or .pth file")->required()->type_name("FILE");
  app.add_option("-o,--output", options.output, "the model's text; of a checkpoint, the .safetensors file")
      ->required()
      ->type_name("FILE");
  app.add_option("--weights", options.weights,
                 "where the weights of a graph go (default: beside the text, called the same)")
      ->type_name("FILE.safetensors");
  app.add_option("--dt", options.timeStep,
                 "the time step in seconds with which a graph's neurons are computed (default: what the file says, or "
                 "0.0001)")
      ->check(isTimeStep());
  app.add_option("--steps", options.steps, "the number of time steps of the model (default: given with each call)")
      ->check(CLI::Range(int64_t(1), frontend::limits::kSteps).description(""))
      ->type_name("N");
  app.add_option("--key", options.key,
                 "of a checkpoint that holds several dictionaries, such as model_state_dict: the one to take")
      ->type_name("NAME");
  return run(app, argc, argv, errors, [&] { return importFile(options, errors); });
}

int exportCommand(int argc, const char *const *argv, llvm::raw_ostream &errors) {
  CLI::App app(kExportExamples, "snnc export");
  ExportOptions options;
  std::vector<std::string> defines;
  app.add_option("input", options.input, "a model")->required()->type_name("FILE.snn");
  app.add_option("-o,--output", options.output, "the graph")->required()->type_name("FILE.nir");
  app.add_option("--weights", options.weights, "what the model has learned")->type_name("FILE.safetensors");
  app.add_option("--dt", options.timeStep,
                 "the time step in seconds for which decays become time constants (default: 0.0001)")
      ->check(isTimeStep());
  app.add_flag("--keep-resets", options.keepResets,
               "write resets that NIR cannot say as metadata, which snnc import reads and other programs do not");
  app.add_option("-D", defines, "the value of a param of the model")->allow_extra_args(false)->type_name("NAME=VALUE");
  return run(app, argc, argv, errors, [&] {
    for (const std::string &define : defines) {
      const size_t sign = define.find('=');
      if (sign == 0 || sign == std::string::npos || sign + 1 == define.size() ||
          !options.defines.emplace(define.substr(0, sign), define.substr(sign + 1)).second) {
        PrintableStream printable(errors);
        printError(printable, "-D: '" + define + "', expected name=value, each name once");
        return kExitCommandLine;
      }
    }
    return exportModel(options, errors);
  });
}

} // namespace

std::optional<int> runSubcommand(int argc, const char *const *argv, llvm::raw_ostream &errors) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "import")
    return importCommand(argc, argv, errors);
  if (word == "export")
    return exportCommand(argc, argv, errors);
  return std::nullopt;
}

} // namespace snn
