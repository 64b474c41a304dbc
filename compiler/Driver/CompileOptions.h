// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a compilation is asked to do.

#ifndef SNN_COMPILER_DRIVER_COMPILEOPTIONS_H
#define SNN_COMPILER_DRIVER_COMPILEOPTIONS_H

#include "compiler/Emit/Target.h"
#include "compiler/Pipelines/Pipelines.h"
#include "dialect/SnnDialect.h"
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace snn {

struct CompileOptions {
  /// A model (.snn) or, with `from`, the text of a stage. "-" reads the standard input.
  std::string input;
  /// A file; with several things to emit, a folder (it exists, or ends in '/') or the stem of their names,
  /// or the name of one of them. "-" prints.
  /// Nothing: files in the working directory, named after the input.
  std::optional<std::string> output;
  /// Not empty, without duplicates.
  std::vector<Stage> emit = {Stage::So};
  /// Goes on from this module stage. The choices of the front end and of earlier stages stand in the text.
  std::optional<Stage> from;

  // Choices of the front end.
  RunMode mode = RunMode::Train;
  bool doublePrecision = false;
  bool softSpikes = false;
  /// "record" or "replay": detached values become outputs or inputs, on the way to stage bptt. Empty: neither.
  std::string detached;
  /// Values for `param` declarations of the model.
  std::map<std::string, std::string> defines;

  /// As parseTargets() gives them. Empty: the best that this machine runs.
  std::vector<Target> targets;
  /// Whether the schedule takes this machine's caches for those of the target.
  bool forThisMachine = true;

  /// Bytes that a call of the model's batch may take with one worker; what takes more goes through time in segments.
  std::optional<uint64_t> memoryLimit;

  /// A .safetensors file whose values become a part of the code, and their place in the table. Empty: none.
  std::string weights;

  /// A file that gets a rule of make: what was written depends on what was read. Empty: none.
  std::string depfile;

  /// A folder that gets the text of each stage on the way; it is made if it is not there. Empty: none.
  std::string saveTemps;
  /// Prints the remarks of which this regular expression matches the category to the error stream. Empty: none.
  std::string remarks;
  /// Prints where the time went to the error stream.
  bool timeReport = false;
};

} // namespace snn

#endif // SNN_COMPILER_DRIVER_COMPILEOPTIONS_H
