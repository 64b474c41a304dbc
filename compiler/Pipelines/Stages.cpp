// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of stages.

#include "compiler/Pipelines/Stages.h"

#include "llvm/ADT/STLExtras.h"

namespace snn {

static constexpr StageInfo kStages[] = {
    {Stage::Ast, "ast", ".ast.snn", "the model after all checks, with everything resolved"},
    {Stage::Snn, "snn", ".snn.mlir", "the network, its training and its declarations; neurons are scans over time"},
    {Stage::Bptt, "bptt", ".bptt.mlir", "one function for each entry of the interface: forward, backward, update"},
    {Stage::Loops, "loops", ".loops.mlir", "scheduled: phases over samples, kernels, a place in memory for each value"},
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
