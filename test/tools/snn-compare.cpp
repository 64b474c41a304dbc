// Compares the tensors of two safetensors files: golden values of another system with ours.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Errors.h"
#include "runtime/data/Safetensors.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <fnmatch.h>

using namespace snn;

namespace {

struct Options {
  std::string got, want;
  std::vector<std::string> names, exact;
  std::string wantPrefix;
  double rtol = 1e-5;
};

/// How far one tensor is off.
struct Difference {
  std::string problem; // shape or type; empty: comparable
  double error = 0;    // largest |got - want|
  double scale = 0;    // largest |want|
  uint64_t index = 0;  // where the error is largest
  double got = 0, want = 0;

  double relative() const { return error == 0 ? 0 : error / scale; }
};

bool matches(const std::vector<std::string> &globs, const std::string &name) {
  for (const std::string &glob : globs)
    if (fnmatch(glob.c_str(), name.c_str(), 0) == 0)
      return true;
  return false;
}

/// The tensor whose every K-th element "every.K.NAME" holds, in the order of memory.
struct Sample {
  std::string name;
  uint64_t stride = 1;

  explicit Sample(const std::string &stored) : name(stored) {
    constexpr const char *prefix = "every.";
    if (stored.rfind(prefix, 0) != 0)
      return;
    char *rest = nullptr;
    const uint64_t given = std::strtoull(stored.c_str() + std::strlen(prefix), &rest, 10);
    if (given == 0 || *rest != '.')
      return;
    stride = given;
    name = rest + 1;
  }
};

Difference compare(const StoredTensor &got, const StoredTensor &want, const Sample &sample) {
  const std::string &name = sample.name;
  Difference difference;
  std::vector<double> a = numbersOf(got, name), b = numbersOf(want, name);
  if (sample.stride > 1) {
    for (uint64_t i = 0; i * sample.stride < a.size(); ++i)
      a[i] = a[i * sample.stride];
    a.resize((a.size() + sample.stride - 1) / sample.stride);
  }
  if (sample.stride == 1 ? got.shape != want.shape : a.size() != b.size()) {
    difference.problem = fmt::format("shape {}, expected {}", shapeText(got.shape), shapeText(want.shape));
    return difference;
  }
  for (uint64_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) {
      difference.problem = fmt::format("element {} is {}, expected {}", i, a[i], b[i]);
      return difference;
    }
    difference.scale = std::max(difference.scale, std::abs(b[i]));
    if (double error = std::abs(a[i] - b[i]); error > difference.error)
      difference.error = error, difference.index = i, difference.got = a[i], difference.want = b[i];
  }
  return difference;
}

/// Names in the file of wanted values, without the prefix, that the globs select. Each glob must select something.
std::vector<std::string> selectNames(const Options &options, const TensorFile &want) {
  std::vector<std::string> names;
  for (const auto &[stored, tensor] : want.tensors())
    if (stored.compare(0, options.wantPrefix.size(), options.wantPrefix) == 0)
      if (std::string name = stored.substr(options.wantPrefix.size()); matches(options.names, name))
        names.push_back(name);
  for (const std::string &glob : options.names)
    if (std::none_of(names.begin(), names.end(), [&](const std::string &name) { return matches({glob}, name); }))
      throw DataError(fmt::format("{}: no tensor matches \"{}{}\"", options.want, options.wantPrefix, glob));
  return names;
}

/// Prints a line per tensor and the worst of all. Returns whether all agree.
bool compareFiles(const Options &options) {
  TensorFile got = TensorFile::read(options.got), want = TensorFile::read(options.want);
  bool good = true;
  std::string worst;
  double worstRelative = -1;
  for (const std::string &name : selectNames(options, want)) {
    const Sample sample(name);
    const StoredTensor *found = got.find(sample.name);
    const StoredTensor *expected = want.find(options.wantPrefix + name);
    if (!found) {
      fmt::print("MISSING {}: not in {}\n", name, options.got);
      good = false;
      continue;
    }
    Difference difference = compare(*found, *expected, sample);
    bool exact = matches(options.exact, name);
    bool agrees = difference.problem.empty() &&
                  (exact ? difference.error == 0 : difference.error <= options.rtol * difference.scale);
    std::string finding =
        !difference.problem.empty() ? difference.problem
        : difference.error == 0
            ? std::string("equal")
            : fmt::format("error {:.3g} at element {} (got {:.9g}, want {:.9g}), {:.3g} of the largest value",
                          difference.error, difference.index, difference.got, difference.want, difference.relative());
    fmt::print("{} {} {}{}: {}\n", agrees ? "ok     " : "DIFFERS", name, shapeText(expected->shape),
               exact ? ", must be equal" : "", finding);
    good &= agrees;
    double relative = difference.problem.empty() ? difference.relative() : INFINITY;
    if (relative > worstRelative)
      worstRelative = relative, worst = name;
  }
  if (!worst.empty())
    fmt::print("worst: {}, {:.3g}, allowed {:.3g}\n", worst, worstRelative, options.rtol);
  return good;
}

constexpr const char *description = R"(Examples:
  snn-compare out.safetensors golden.safetensors --names=spikes,loss,'grad.*' --exact=spikes
  snn-compare out.safetensors golden.safetensors --names='1.*' --want-prefix=after.

Compares tensors by name: max |got - want| <= rtol * max |want|. A tensor every.K.NAME of the second file is compared with
every K-th element of NAME. Exit status: 0 all agree, 1 not, 2 bad command line.
)";

} // namespace

int main(int argc, char **argv) {
  Options options;
  CLI::App app(description, "snn-compare");
  app.add_option("got", options.got, "values to check")->required();
  app.add_option("want", options.want, "values that are right")->required();
  app.add_option("--names", options.names, "globs of the tensors to compare (default: all of the second file)")
      ->delimiter(',');
  app.add_option("--exact", options.exact, "globs of tensors that must be equal")->delimiter(',');
  app.add_option("--rtol", options.rtol, "largest error, relative to the tensor's largest value")
      ->capture_default_str();
  app.add_option("--want-prefix", options.wantPrefix, "compare NAME with the tensor PREFIXNAME of the second file");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.names.empty())
    options.names = {"*"};
  try {
    return compareFiles(options) ? 0 : 1;
  } catch (const DataError &error) {
    fmt::print(stderr, "snn-compare: error: {}\n", error.what());
    return 1;
  }
}
