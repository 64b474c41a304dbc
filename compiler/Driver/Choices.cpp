// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See Choices.h.

#include "compiler/Driver/Choices.h"

#include <fmt/format.h>

using namespace mlir;

namespace snn {
namespace {

Refusal words(std::string message) { return {kExitCommandLine, std::move(message)}; }

std::string nameOf(Stage stage) { return describe(stage).name.str(); }

/// A target without an operating system, of the command line or of the text; nothing if there is none.
std::optional<Target> bareTarget(const CompileOptions &options, ModuleOp module) {
  for (const Target &target : options.targets)
    if (target.bare)
      return target;
  return bareTargetOf(module);
}

/// The header of a streaming build depends on them too.
std::optional<Refusal> refuseWeights(const CompileOptions &options, bool streams) {
  const Stage weighted = stageOfWeights(streams);
  if (options.weights.empty() || lastModuleStage(options) >= weighted ||
      (streams && llvm::is_contained(options.emit, Stage::Header)))
    return std::nullopt;
  return words(fmt::format("--weights acts on the way to the stage {}, which nothing is asked of", nameOf(weighted)));
}

} // namespace

Stage lastModuleStage(const CompileOptions &options) {
  Stage last = Stage::Ast;
  for (Stage stage : options.emit) {
    Stage needed = stage;
    if (stage == Stage::Header)
      needed = Stage::Loops;
    else if (stage > Stage::Llvm)
      needed = Stage::Llvm;
    last = std::max(last, needed);
  }
  return last;
}

std::optional<Refusal> refuseOptions(const CompileOptions &options) {
  const Stage last = lastModuleStage(options);
  if (!options.detached.empty() && (last < Stage::Bptt || (options.from && *options.from != Stage::Snn)))
    return words("--detached acts between the stages snn and bptt, which are not both on the way");
  if (!options.depfile.empty() && options.output == "-")
    return words("--depfile is about files, but -o - prints the results");
  if (options.memoryLimit && last < Stage::Loops)
    return words("--memory-limit acts on the way to the stage loops, which nothing is asked of");
  if (!options.from)
    return refuseWeights(options, options.mode == RunMode::Stream);
  const Stage from = *options.from;
  for (Stage stage : options.emit)
    if (stage < from || (stage == Stage::Header && from > Stage::Loops))
      return words(fmt::format("--emit={} needs an earlier stage than --from={}", nameOf(stage), nameOf(from)));
  if (!options.weights.empty() && from == Stage::Llvm)
    return words("--weights comes too late: the text of --from=llvm has its table already");
  if (options.memoryLimit && from >= Stage::Loops)
    return words(fmt::format(
        "--memory-limit comes too late: in the text of --from={} every value has its place already", nameOf(from)));
  if (!options.targets.empty() && from >= Stage::Loops)
    return words(fmt::format("--target-cpu comes too late: the text of --from={} has been made for a target already",
                             nameOf(from)));
  return std::nullopt;
}

std::optional<Refusal> refuseForModel(const CompileOptions &options, ModuleOp module) {
  const std::optional<Target> bare = bareTarget(options, module);
  const bool hasModel = options.from != Stage::Llvm; // its table is all that is left of it
  ModelOp model = hasModel ? getModel(options.from == Stage::Cpu ? variantsOf(module).front() : module) : ModelOp();
  const bool streams =
      model ? model.getMode() == RunMode::Stream : module->hasAttr(SnnDialect::streamAttrName()) || bare;
  if (options.from)
    if (std::optional<Refusal> refusal = refuseWeights(options, streams))
      return refusal;
  if (!streams && bare)
    return words(fmt::format("{} is a target of streaming builds, as there is nothing to load a library; add "
                             "--mode=stream",
                             bare->name.str()));
  if (!streams)
    return std::nullopt;
  if (llvm::is_contained(options.emit, Stage::So))
    return words("a streaming build has no table for a runtime to load, so that there is no library of it; ask for "
                 "--emit=obj,header");
  if (options.targets.size() > 1)
    return words("a streaming build has one target, as nothing is there to choose among several; name one with "
                 "--target-cpu");
  if (options.memoryLimit)
    return words("--memory-limit is about many time steps, of which a streaming build has one");
  if (bare && model && model.getReal().isF64())
    return Refusal{kExitModelError, fmt::format("{} has no arithmetic of f64, in which the model computes; leave "
                                                "--precision=f64 out",
                                                bare->name.str())};
  if (!options.weights.empty() && options.from && *options.from >= Stage::Cpu)
    return words(fmt::format("--weights comes too late: the code of --from={} has been made without them",
                             nameOf(*options.from)));
  return std::nullopt;
}

} // namespace snn
