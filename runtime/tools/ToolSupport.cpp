// What the runtime's command-line tools share.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/tools/ToolSupport.h"
#include "runtime/data/Errors.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <new>
#include <set>
#include <sys/resource.h>

using namespace snn;
using namespace snn::tools;

static int report(const char *tool, int status, const char *message) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s: error: %s\n", tool, message); // does not throw if nobody can be told
  return status;
}

static std::string outOfMemory() {
  constexpr uint64_t mebibyte = 1 << 20;
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  std::string text = fmt::format("out of memory: at most {} MiB were in use, and more was needed",
                                 uint64_t(usage.ru_maxrss) * 1024 / mebibyte);
  rlimit limit = {};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    text += fmt::format("; the limit of this process is {} MiB (ulimit -v)", limit.rlim_cur / mebibyte);
  return text;
}

int tools::runTool(const char *tool, CLI::App &app, int argc, char **argv, const std::function<int()> &body) {
  int status = ExitInternal;
  try {
    app.parse(argc, argv);
    status = body();
  } catch (const CLI::Success &success) {
    status = app.exit(success);
  } catch (const CLI::ParseError &error) {
    return report(tool, ExitUsage, fmt::format("{}; try --help", error.what()).c_str());
  } catch (const UsageError &error) {
    return report(tool, ExitUsage, fmt::format("{}; try --help", error.what()).c_str());
  } catch (const WriteError &error) {
    return report(tool, ExitWrite, error.what());
  } catch (const MemoryError &error) {
    return report(tool, ExitMemory, error.what());
  } catch (const DataError &error) {
    return report(tool, ExitData, error.what());
  } catch (const ChildFailed &child) {
    return child.message.empty() ? child.status : report(tool, child.status, child.message.c_str());
  } catch (const std::bad_alloc &) { // unwinding has given back what there was
    return report(tool, ExitMemory, outOfMemory().c_str());
  } catch (const std::exception &error) {
    if (std::ferror(stdout)) // fmt::print throws where it cannot write
      return report(tool, ExitWrite, fmt::format("standard output: {}", error.what()).c_str());
    return report(tool, ExitInternal, fmt::format("internal error: {}", error.what()).c_str());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    return report(tool, ExitWrite, fmt::format("standard output: {}", std::strerror(errno)).c_str());
  return status;
}

CLI::Validator tools::range(uint64_t low, uint64_t high) {
  auto check = [low, high](const std::string &text) {
    uint64_t value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= low && value <= high)
      return std::string();
    return fmt::format("\"{}\" is not a whole number from {} to {}", text, low, high);
  };
  return CLI::Validator(check, "", "");
}

std::pair<std::string, double> tools::parseNumberOption(const std::string &text) {
  size_t equals = text.find('=');
  if (equals != std::string::npos && equals != 0 && equals + 1 < text.size()) {
    const char *number = text.c_str() + equals + 1;
    char *end = nullptr;
    double value = std::strtod(number, &end);
    if (*end == '\0' && std::isfinite(value))
      return {text.substr(0, equals), value};
  }
  throw UsageError(fmt::format("\"{}\" is not of the form name=number", text));
}

void tools::setHyper(snn_instance *instance, const std::vector<std::pair<std::string, double>> &values) {
  std::set<std::string> names;
  for (const auto &[name, value] : values) {
    if (!names.insert(name).second)
      throw UsageError(fmt::format("\"{}\" is set twice", name));
    if (snn_instance_set_hyper(instance, name.c_str(), value) != SNN_OK)
      throw UsageError(snn_last_error());
  }
}
