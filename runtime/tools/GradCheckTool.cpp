// snn-run --gradcheck: compiles, checks, prints.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Errors.h"
#include "runtime/tools/GradCheck.h"
#include "runtime/tools/ToolSupport.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>

using namespace snn;
using namespace snn::tools;

namespace {

/// A folder of its own, removed at the end.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "snn-gradcheck-XXXXXX").string();
    if (!mkdtemp(pattern.data()))
      throw WriteError(fmt::format("{}: {}", pattern, std::strerror(errno)));
    path = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  std::string file(const std::string &name) const { return (path / name).string(); }

private:
  std::filesystem::path path;
};

const char *describe(GradVerdict verdict) {
  switch (verdict) {
  case GradVerdict::Agrees:
    return "ok";
  case GradVerdict::NotDifferentiated:
    return "not differentiated";
  case GradVerdict::Unreached:
    return "no gradient reaches it";
  case GradVerdict::TooSmall:
    return "too small to compare";
  case GradVerdict::Kink:
    return "kink suspected";
  case GradVerdict::Differs:
    return "differs";
  }
  return "";
}

std::string typeText(const CheckedGradient &tensor) {
  std::string extents;
  for (int64_t extent : tensor.shape)
    extents += (extents.empty() ? "" : ", ") + std::to_string(extent);
  const char *type = tensor.dtype == SNN_DTYPE_U8 ? "u8" : tensor.dtype == SNN_DTYPE_I64 ? "i64" : "f64";
  return fmt::format("{}[{}]", type, extents);
}

/// "[3, 17]".
std::string placeText(const CheckedGradient &tensor) {
  uint64_t rest = tensor.worst;
  std::string text;
  for (size_t d = tensor.shape.size(); d-- > 0; rest /= uint64_t(tensor.shape[d]))
    text = std::to_string(rest % uint64_t(tensor.shape[d])) + (text.empty() ? "" : ", ") + text;
  return "[" + text + "]";
}

void printTable(const std::vector<CheckedGradient> &tensors) {
  using Row = std::array<std::string, 6>;
  std::vector<Row> rows = {
      {"tensor", "type", "largest", "error", "verdict", "worst element: compiled, by differences"}};
  for (const CheckedGradient &tensor : tensors) {
    Row &row = rows.emplace_back(Row{tensor.name, typeText(tensor), "", "", describe(tensor.verdict), ""});
    if (tensor.verdict == GradVerdict::NotDifferentiated)
      continue;
    row[2] = fmt::format("{:.2e}", tensor.largest);
    row[3] = fmt::format("{:.1e}", tensor.error);
    row[5] = fmt::format("{}: {:.9g}, {:.9g}", placeText(tensor), tensor.compiled, tensor.difference);
  }
  std::array<size_t, 6> widths = {};
  for (const Row &row : rows)
    for (size_t column = 0; column + 1 < row.size(); ++column)
      widths[column] = std::max(widths[column], row[column].size() + 2);
  for (const Row &row : rows) {
    std::string line;
    for (size_t column = 0; column < row.size(); ++column)
      line += fmt::format("{:<{}}", row[column], widths[column]);
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

std::string namesOf(const std::vector<CheckedGradient> &tensors, GradVerdict verdict, uint64_t &count) {
  std::string names;
  for (const CheckedGradient &tensor : tensors)
    if (tensor.verdict == verdict) {
      ++count;
      names += (names.empty() ? "" : ", ") + tensor.name;
    }
  return names;
}

/// The last line.
int printVerdict(const std::vector<CheckedGradient> &tensors, double tolerance) {
  uint64_t wrong = 0, agree = 0, kinks = 0, silent = 0;
  const std::string differing = namesOf(tensors, GradVerdict::Differs, wrong),
                    kinked = namesOf(tensors, GradVerdict::Kink, kinks);
  namesOf(tensors, GradVerdict::Agrees, agree);
  namesOf(tensors, GradVerdict::Unreached, silent);
  namesOf(tensors, GradVerdict::TooSmall, silent);
  const std::string others = silent ? fmt::format("; nothing can be said about {} more", silent) : "";
  if (wrong > 0)
    fmt::print("DIFFERS: {} of {} gradients: {}\n", wrong, wrong + agree + kinks + silent, differing);
  else if (kinks > 0)
    fmt::print("NOT CLEAR: {} of {} gradients have kinks wherever they were tried: {}\n", kinks, agree + kinks + silent,
               kinked);
  else if (agree == 0)
    fmt::print("NOTHING COMPARED: no gradient is large enough; if a warning says that something is left out, give it a "
               "'soft' or check with another loss\n");
  else
    fmt::print("ok: {} gradient{} with differences to {:g}{}\n", agree, agree == 1 ? " agrees" : "s agree", tolerance,
               others);
  return wrong == 0 && kinks == 0 && agree > 0 ? ExitOk : ExitData;
}

} // namespace

int tools::runGradCheck(GradCheckToolOptions options) {
  if (std::filesystem::path(options.model).extension() != ".snn")
    throw UsageError(
        fmt::format("--gradcheck compiles the model itself, twice: name its text (.snn), not \"{}\"", options.model));
  std::optional<TensorFile> file;
  if (!options.tensors.empty())
    file = TensorFile::read(options.tensors);
  options.check.file = file ? &*file : nullptr;

  const TemporaryFolder folder;
  const std::string text = folder.file("model.snn.mlir"), recording = folder.file("recording.so"),
                    replaying = folder.file("replaying.so");
  const std::atomic<bool> stop{false};
  // What is left out of the check is said here, once.
  compileModel(options.model, text, options.definitions, stop, {"--precision=f64", "--spike=soft", "--emit=snn"});
  compileModel(text, recording, {}, stop, {"--from=snn", "--detached=record"});
  compileModel(text, replaying, {}, stop, {"--from=snn", "--detached=replay"});
  const GradCheckResult result = checkGradients(recording, replaying, options.check);
  fmt::print("{}: {} samples, {} time steps, seed {}\n", result.model, result.batch, result.steps, options.check.seed);
  printTable(result.tensors);
  return printVerdict(result.tensors, options.check.tolerance);
}
