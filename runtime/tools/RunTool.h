// snn-run as a library: tensors in, tensors out, for checks against other systems.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TOOLS_RUNTOOL_H
#define SNN_RUNTIME_TOOLS_RUNTOOL_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace snn::tools {

struct RunToolOptions {
  std::string model, tensors, out;
  bool gradients = false;
  bool streaming = false;
  std::optional<uint64_t> trainingSteps;
  std::optional<uint64_t> steps; // for a model that leaves them open and an input that does not say
  uint64_t threads = 1;
  std::vector<std::string> hyper; // name=number
};

/// Returns the exit status; throws UsageError, DataError, WriteError.
int runTensors(const RunToolOptions &options);

} // namespace snn::tools

#endif // SNN_RUNTIME_TOOLS_RUNTOOL_H
