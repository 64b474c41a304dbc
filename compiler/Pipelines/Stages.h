// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The stages of a compilation: the one list that --emit, --from, --save-temps and the help text are made of.

#ifndef SNN_COMPILER_PIPELINES_STAGES_H
#define SNN_COMPILER_PIPELINES_STAGES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace snn {

/// In the order of the flow. Ast is a model again, Snn to Llvm are modules of MLIR; from each of these texts the
/// compilation can go on. The rest are results.
enum class Stage { Ast, Snn, Bptt, Loops, Cpu, Llvm, Asm, Obj, So, Header };

struct StageInfo {
  Stage stage;
  llvm::StringLiteral name;
  /// Of the file that --emit and --save-temps write, with the dot.
  llvm::StringLiteral extension;
  llvm::StringLiteral description;
};

/// All stages, in order.
llvm::ArrayRef<StageInfo> allStages();

const StageInfo &describe(Stage stage);

/// Nothing if no stage has that name.
std::optional<Stage> stageByName(llvm::StringRef name);

/// True for the stages whose text is a module of MLIR.
inline bool isModuleStage(Stage stage) { return Stage::Snn <= stage && stage <= Stage::Llvm; }

/// "ast, snn, ..." of those stages that satisfy `filter`, or of all.
std::string stageNames(bool (*filter)(Stage) = nullptr);

} // namespace snn

#endif // SNN_COMPILER_PIPELINES_STAGES_H
