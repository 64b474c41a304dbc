// Compiled gradients against differences.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TOOLS_GRADCHECK_H
#define SNN_RUNTIME_TOOLS_GRADCHECK_H

#include "runtime/data/Safetensors.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace snn::tools {

struct GradCheckOptions {
  std::optional<uint64_t> batch, steps; // those of the file, or some
  uint64_t seed = 1;
  double tolerance = 1e-6;
  bool all = false;                 // every element, not a few
  const TensorFile *file = nullptr; // parameters, inputs or both; what it lacks is random
};

enum class GradVerdict {
  Agrees,
  NotDifferentiated, // an input without a gradient: bytes, labels
  Unreached,         // the gradient is zero, and so are the differences
  TooSmall,          // less than what rounding makes of the differences
  Kink,              // wherever it was tried, the loss has different slopes to the two sides
  Differs
};

/// What was found about a parameter or an input.
struct CheckedGradient {
  std::string name;
  uint32_t dtype = 0; // enum snn_dtype
  std::vector<int64_t> shape;
  GradVerdict verdict = GradVerdict::NotDifferentiated;
  double largest = 0; // of the gradient's elements
  double error = 0;   // the largest that was found, relative to `largest` or to the norm for a direction
  // The element that is farthest off, of those that were looked at.
  uint64_t worst = 0;
  double compiled = 0, difference = 0;
};

struct GradCheckResult {
  std::string model;
  uint64_t batch = 0, steps = 0;
  std::vector<CheckedGradient> tensors;
};

/// Checks a model that was compiled twice, in f64 with soft spikes: `recording` gives its detached values as outputs
/// detached.K, `replaying` takes them as inputs, since differences must not change them and gradients do not. Each
/// tensor is moved along random directions and by single elements; where that meets a kink, elsewhere again. Throws
/// DataError, among others for a loss that is not finite.
GradCheckResult checkGradients(const std::string &recording, const std::string &replaying,
                               const GradCheckOptions &options);

struct GradCheckToolOptions {
  std::string model, tensors; // the model's text; a file or nothing
  std::vector<std::string> definitions;
  GradCheckOptions check;
};

/// Compiles, checks, prints a table. Returns the exit status: ExitOk if nothing differs and something was compared.
int runGradCheck(GradCheckToolOptions options);

} // namespace snn::tools

#endif // SNN_RUNTIME_TOOLS_GRADCHECK_H
