// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of stages.

#include "compiler/Pipelines/Stages.h"

#include "llvm/ADT/STLExtras.h"

namespace snn {

static constexpr StageInfo kStages[] = {
    {Stage::Ast, "ast", ".ast.snn", "the model after all checks, with everything resolved"},
    {Stage::Snn, "snn", ".snn.mlir", "layers and neurons as tensor ops, neurons as scans over time"},
    {Stage::Bptt, "bptt", ".bptt.mlir", "with the backward pass and the update (training only)"},
    {Stage::Loops, "loops", ".loops.mlir",
     "scheduled: chunks of samples, packed spikes, a place in the arena for each value"},
    {Stage::Cpu, "cpu", ".cpu.mlir", "loops and vectors on memory at fixed places"},
    {Stage::Llvm, "llvm", ".llvm.mlir", "the LLVM dialect, with the table that hosts see"},
    {Stage::Asm, "asm", ".s", "assembly text"},
    {Stage::Obj, "obj", ".o", "object file"},
    {Stage::So, "so", ".so", "shared library"},
    {Stage::Header, "header", ".h", "C header"},
};

llvm::ArrayRef<StageInfo> allStages() { return kStages; }

const StageInfo &describe(Stage stage) { return kStages[size_t(stage)]; }

std::optional<Stage> stageByName(llvm::StringRef name) {
  const auto *found = llvm::find_if(kStages, [&](const StageInfo &info) { return info.name == name; });
  if (found == std::end(kStages))
    return std::nullopt;
  return found->stage;
}

std::string stageNames(bool (*filter)(Stage)) {
  std::string names;
  for (const StageInfo &info : kStages) {
    if (filter && !filter(info.stage))
      continue;
    if (!names.empty())
      names += ", ";
    names += info.name;
  }
  return names;
}

} // namespace snn
