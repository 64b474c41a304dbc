// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which options go together, and with the model that was read.

#ifndef SNN_COMPILER_DRIVER_CHOICES_H
#define SNN_COMPILER_DRIVER_CHOICES_H

#include "compiler/Driver/Compile.h"

namespace snn {

/// Why a compilation does not begin.
struct Refusal {
  ExitStatus status;
  std::string message;
};

/// The last stage that some result is made of.
Stage lastModuleStage(const CompileOptions &options);

/// The stage in which values of weights become a part of the code: that of the table, or of a streaming build's
/// function.
inline Stage stageOfWeights(bool streams) { return streams ? Stage::Cpu : Stage::Llvm; }

/// What contradicts itself, or the stage to start from; known before the input is read.
std::optional<Refusal> refuseOptions(const CompileOptions &options);

/// What is asked for beside a streaming build, or without one. The model is of the command line's or of the text's
/// mode.
std::optional<Refusal> refuseForModel(const CompileOptions &options, mlir::ModuleOp module);

} // namespace snn

#endif // SNN_COMPILER_DRIVER_CHOICES_H
