// What the runtime's command-line tools share: exit statuses, option values, the compiler beside them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TOOLS_TOOLSUPPORT_H
#define SNN_RUNTIME_TOOLS_TOOLSUPPORT_H

#include "snn/runtime.h"

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
class Validator;
} // namespace CLI

namespace snn::tools {

enum ExitStatus {
  ExitOk = 0,
  ExitData = 1,         // errors in data or model files
  ExitUsage = 2,        // bad command line
  ExitInternal = 70,    // a defect of the tool
  ExitMemory = 71,      // not enough memory
  ExitWrite = 74,       // cannot write
  ExitInterrupted = 130 // Ctrl-C; other signals: 128 and their number
};

/// A command line that does not make sense; exit status 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Ends a tool with the exit status of another program that has reported its errors itself; if it could not, `message`
/// does.
struct ChildFailed {
  int status;
  std::string message = {};
};

/// Parses the command line, runs `body` and returns the exit status; failures are printed to stderr as
/// "TOOL: error: ...".
int runTool(const char *tool, CLI::App &app, int argc, char **argv, const std::function<int()> &body);

/// Whole numbers in [low, high]; unlike CLI::Range it does not write itself into the help text.
CLI::Validator range(uint64_t low, uint64_t high);

/// "lr=0.01" -> ("lr", 0.01). Throws UsageError.
std::pair<std::string, double> parseNumberOption(const std::string &text);

/// Sets numbers of the model's hyper list. Throws UsageError if the model does not have one.
void setHyper(snn_instance *instance, const std::vector<std::pair<std::string, double>> &values);

/// The program `name`: beside the running one or else, as a shell finds it, in a folder of PATH. Throws DataError.
std::string findProgram(const std::string &name);

/// Compiles `source` to `library` with snnc (see findProgram) and `flags`; each definition is name=value. Its messages
/// go to stderr. When `stop` becomes true, snnc gets SIGTERM, and this returns after its end, without a library; it
/// gets SIGTERM also when this process ends, even if that is killed. Throws ChildFailed, DataError. No other thread may
/// be running yet.
void compileModel(const std::string &source, const std::string &library, const std::vector<std::string> &definitions,
                  const std::atomic<bool> &stop, const std::vector<std::string> &flags = {});

} // namespace snn::tools

#endif // SNN_RUNTIME_TOOLS_TOOLSUPPORT_H
