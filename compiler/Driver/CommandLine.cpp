// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Options of snnc. CLI11 throws, so this file is compiled with exceptions; none leaves it.

#include "compiler/Driver/CommandLine.h"

#include "compiler/Driver/Compile.h"
#include "compiler/Driver/Messages.h"
#include "snn/abi.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Regex.h"

#include <CLI/CLI.hpp>

namespace snn {
namespace {

constexpr const char *kExamples = R"(Examples:
  snnc model.snn                             write model.so for this machine
  snnc model.snn --emit=so,header -o build/  write build/model.so and build/model.h
  snnc model.snn -D hidden=256 -o big.so     give a parameter of the model another value
  snnc model.snn --emit=bptt -o -            print the backward pass
  snnc model.snn --remarks=kernels           say how each product is computed, and why
  snnc --from=bptt model.bptt.mlir           go on from the text of a stage
  snnc model.snn --mode=infer --emit=obj     an object file without the training part
  snnc model.snn --mode=infer --emit=obj,header --weights=weights.safetensors    with its weights, for a C program
  snnc model.snn --mode=stream --target-cpu=cortex-m4 --weights=weights.safetensors    for a microcontroller
  snnc model.snn --memory-limit=64MiB        backpropagation over many steps in less memory, the same results
  snnc model.snn --target-cpu=x86-64-v3,x86-64-v4    one library for CPUs with and without AVX-512
  snnc import net.nir -o net.snn             a network of another program as a model; --help tells more
  snnc export model.snn --weights=weights.safetensors -o net.nir
)";

std::string stageTable() {
  std::string text = "Stages, in order:\n";
  for (const StageInfo &info : allStages()) {
    std::string name = "  " + info.name.str();
    name.resize(10, ' ');
    text += name + info.description.str() + (info.stage <= Stage::Llvm ? " *\n" : "\n");
  }
  return text + "  (*: also for --from)\n\n"
                "Exit status: 0 done, 1 errors in the model or in the text of a stage, 2 bad command line,\n"
                "             70 internal error (with a reproducer file), 71 out of memory, 74 cannot write";
}

std::string versionText() {
  const std::optional<Target> host = hostTarget();
  return "snnc " SNNC_VERSION " (LLVM " LLVM_VERSION_STRING ", ABI " + std::to_string(SNN_ABI_VERSION) +
         ", this machine: " + (host ? host->name.str() : "no target") + ")";
}

/// The options as they are written, before they are understood.
struct Words {
  std::vector<std::string> emit, defines;
  std::string from, mode = "train", precision = "f32", spike = "hard", target, output;
};

void declare(CLI::App &app, Words &words, CompileOptions &options) {
  const std::string front = "The model";
  app.add_option("input", options.input, "a model, or with --from the text of a stage; - reads the standard input")
      ->required()
      ->type_name("FILE");
  app.add_option(
         "-o,--output", words.output,
         "the file to write, a folder (existing, or with a / at its end: it is made), or the stem of several files; - "
         "prints")
      ->type_name("PATH");
  app.add_option("--emit", words.emit, "what to make, separated by commas (default: so)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("STAGES");
  app.add_option("--from", words.from,
                 "go on from the text of this stage; texts of cpu and llvm are programs, and trusted like programs")
      ->type_name("STAGE");
  app.add_option("-D", words.defines, "the value of a param of the model")
      ->allow_extra_args(false)
      ->type_name("NAME=VALUE")
      ->group(front);
  app.add_option(
         "--mode", words.mode,
         "train (with backward pass and update), infer, tune (trains the network as it infers: running statistics stay "
         "as they are, and nothing is dropped), or stream: one step of one sample a call, as an object and a header "
         "that need no other file; for microcontrollers too")
      ->capture_default_str()
      ->check(CLI::IsMember({"train", "infer", "tune", "stream"}))
      ->type_name("MODE")
      ->group(front);
  app.add_option("--precision", words.precision, "f32, or f64 for checking")
      ->capture_default_str()
      ->check(CLI::IsMember({"f32", "f64"}))
      ->type_name("TYPE")
      ->group(front);
  app.add_option("--spike", words.spike,
                 "hard, or soft: the surrogate's antiderivative instead of the step, so that differences can be taken")
      ->capture_default_str()
      ->check(CLI::IsMember({"hard", "soft"}))
      ->type_name("KIND")
      ->group(front);
  app.add_option("--detached", options.detached,
                 "for checks by differences: detached values become outputs detached.K (record), or inputs that take "
                 "their places (replay)")
      ->check(CLI::IsMember({"record", "replay"}))
      ->type_name("MODE");
  app.add_option("--target-cpu", words.target,
                 "what to compile for: native (the best that this machine has, the default), or names separated by "
                 "commas, of " +
                     targetNames() + "; of several the library takes the best that the machine has where it is loaded")
      ->type_name("NAMES");
  app.add_option(
         "--memory-limit", options.memoryLimit,
         "what a call of the model's batch may take with one thread, parameters aside, such as 512MiB: time then "
         "goes in segments, of which the values are computed again for the backward pass; same results")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/false))
      ->type_name("SIZE");
  app.add_option("--weights", options.weights,
                 "a .safetensors file whose parameters and buffers become a part of the code, as the values that "
                 "instances start from")
      ->type_name("FILE");
  app.add_option("--depfile", options.depfile,
                 "write here, as a rule of make, which files the results were made of; for build systems")
      ->type_name("FILE");
  app.add_option("--save-temps", options.saveTemps, "write the text of each stage on the way to this folder")
      ->type_name("DIR");
  app.add_flag("--remarks{.*}", options.remarks,
               "print what the schedule chose and why, a line each; --remarks=FILTER: of the categories that this "
               "regular expression matches, of spikes, windows, fusion, kernels, sums, phases, views, scans, chunks, "
               "memory");
  app.add_flag("--time-report", options.timeReport, "print where the time went");
}

CLI::ValidationError wrong(const std::string &message) { return CLI::ValidationError(message); }

Stage parseStage(const std::string &option, const std::string &name, bool (*allowed)(Stage)) {
  const std::optional<Stage> stage = stageByName(name);
  if (!stage || (allowed && !allowed(*stage)))
    throw wrong(option + ": '" + name + "' is no stage here, expected one of " + stageNames(allowed));
  return *stage;
}

void understand(const CLI::App &app, const Words &words, CompileOptions &options) {
  if (!words.emit.empty())
    options.emit.clear();
  for (const std::string &name : words.emit) {
    const Stage stage = parseStage("--emit", name, nullptr);
    if (!llvm::is_contained(options.emit, stage))
      options.emit.push_back(stage);
  }
  if (!words.from.empty()) {
    const Stage from = parseStage("--from", words.from, [](Stage stage) { return stage <= Stage::Llvm; });
    if (from != Stage::Ast)
      options.from = from;
  }
  if (options.from) {
    for (const char *option : {"-D", "--mode", "--precision", "--spike"})
      if (app.count(option) != 0)
        throw wrong(std::string(option) + ": the text of --from=" + words.from + " has this decided already");
  }
  if (app.count("--output") != 0) {
    if (words.output.empty())
      throw wrong("--output: expected a path");
    options.output = words.output;
  }
  for (const std::string &define : words.defines) {
    const size_t sign = define.find('=');
    if (sign == 0 || sign == std::string::npos || sign + 1 == define.size())
      throw wrong("-D: '" + define + "', expected name=value");
    if (!options.defines.emplace(define.substr(0, sign), define.substr(sign + 1)).second)
      throw wrong("-D: '" + define.substr(0, sign) + "' is given twice");
  }
  if (std::string reason; !options.remarks.empty() && !llvm::Regex(options.remarks).isValid(reason))
    throw wrong("--remarks: '" + options.remarks + "' is no regular expression: " + reason);
  options.mode = *symbolizeRunMode(words.mode);
  if (options.mode == RunMode::Stream && words.emit.empty())
    options.emit = {Stage::Obj, Stage::Header};
  options.doublePrecision = words.precision == "f64";
  options.softSpikes = words.spike == "soft";
  if (options.memoryLimit && (*options.memoryLimit < 1 || *options.memoryLimit > uint64_t(1) << 60))
    throw wrong("--memory-limit: expected 1 byte to 1024 PiB");
  if (app.count("--target-cpu") != 0) {
    options.forThisMachine = words.target == kNativeTarget;
    llvm::Expected<llvm::SmallVector<Target>> targets = parseTargets(words.target);
    if (!targets)
      throw wrong("--target-cpu: " + llvm::toString(targets.takeError()));
    options.targets.assign(targets->begin(), targets->end());
  }
}

} // namespace

std::optional<int> parseCommandLine(int argc, const char *const *argv, CompileOptions &options) {
  CLI::App app(kExamples, "snnc");
  app.footer(stageTable());
  app.set_version_flag("--version", versionText());
  Words words;
  declare(app, words, options);
  try {
    app.parse(argc, argv);
    understand(app, words, options);
  } catch (const CLI::Success &request) {
    return app.exit(request);
  } catch (const CLI::Error &error) {
    PrintableStream errors(llvm::errs());
    printError(errors, error.what());
    printNote(errors, "--help shows the options");
    return kExitCommandLine;
  }
  return std::nullopt;
}

} // namespace snn
