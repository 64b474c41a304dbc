// Which neuron of the standard computes what a node says, and what else is written.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/NeuronText.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Safetensors.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace snn;
using namespace snn::nir;

namespace {

/// A parameter of a neuron: one number for all, or one for each.
struct Parameter {
  bool single = true;
  std::vector<double> numbers;

  bool uniform() const { return numbers.size() == 1; }
  double at(size_t i) const { return numbers[uniform() ? 0 : i]; }
  bool is(double number) const { return uniform() && numbers.front() == number; }
};

std::vector<int64_t> withoutOnes(std::vector<int64_t> shape) {
  std::erase(shape, 1);
  return shape;
}

class Translator {
public:
  Translator(const Graph &graph, const Node &node, const std::vector<int64_t> &shape, double dt,
             const std::string &path)
      : graph(graph), node(node), dt(dt), path(path) {
    line.shape = shape;
  }

  Line translate();

private:
  [[noreturn]] void fail(const std::string &what) const {
    throw DataError(fmt::format("{}: node '{}' ({}): {}", path, node.name, node.type, what));
  }

  Parameter parameter(const std::string &field, double byDefault = 0) const;
  Parameter timeConstant(const std::string &field) const;
  Parameter kept(const Parameter &tau) const;
  bool comesInWhole(const Parameter &gain, const Parameter &tau) const;
  void readMetadata();

  void argument(const std::string &name, const Parameter &value);
  void word(const std::string &name, const std::string &word) { arguments.push_back(name + " = " + word); }
  void resetWords();
  void feedback();

  std::string standardNeuron();
  std::string ownNeuron();

  const Graph &graph;
  const Node &node;
  const double dt;
  const std::string &path;
  std::string reset = "zero"; ///< NIR's, or what snnc wrote beside it
  bool delay = false;
  std::vector<std::string> arguments;
  Line line;
};

/// Checked against the extents of what comes in.
Parameter Translator::parameter(const std::string &field, double byDefault) const {
  const auto found = node.fields.find(field);
  if (found == node.fields.end())
    return {true, {byDefault}};
  const Value &value = found->second;
  Parameter result{value.kind == Value::Kind::Single, value.numbers};
  if (value.numbers.empty())
    fail(fmt::format("'{}' is empty", field));
  if (std::ranges::all_of(value.numbers, [&](double number) { return number == value.numbers.front(); })) {
    result.numbers.resize(1);
    if (value.numbers.size() == 1)
      return result;
  }
  if (withoutOnes(value.shape) != withoutOnes(line.shape))
    fail(fmt::format("'{}' has the extents {}, but what comes in has {}", field, shapeText(value.shape),
                     shapeText(line.shape)));
  return result;
}

Parameter Translator::timeConstant(const std::string &field) const {
  Parameter tau = parameter(field, 0);
  for (double number : tau.numbers) {
    if (number <= 0)
      fail(fmt::format("'{}' is {} s, expected a time constant of more than 0", field, numberText(number, tau.single)));
    if (number < dt * (1 - 1e-6))
      fail(fmt::format("'{}' is {} s, less than the time step of {} s, with which Euler's method does not follow the "
                       "neuron: say the time step that the file was made for with --dt",
                       field, numberText(number, tau.single), numberText(dt, false)));
  }
  return tau;
}

/// What is left of a state after a step, 1 - dt / tau, in the precision of the file: as numpy computes it for those who
/// read the file there. Time constants of double precision may come from decays of single precision, as those of
/// recurrent neurons that snnTorch writes and all that snnc writes; else the digits that rounding has spoilt are left
/// out.
Parameter Translator::kept(const Parameter &tau) const {
  Parameter result = tau;
  for (double &number : result.numbers)
    number = std::max(0.0, tau.single ? double(1 - float(dt) / float(number)) : 1 - dt / number);
  constexpr double rounding = 5e-16; // of the difference and of the quotient, which is at most 1
  result.single = std::ranges::all_of(
      result.numbers, [](double number) { return std::abs(double(float(number)) - number) <= rounding; });
  for (double &number : result.numbers)
    number = result.single ? double(float(number)) : std::stod(fmt::format("{:.15g}", number));
  return result;
}

/// Whether a step adds the input itself: gain * dt / tau is 1, but for rounding in single precision.
bool Translator::comesInWhole(const Parameter &gain, const Parameter &tau) const {
  for (size_t i = 0; i < std::max(gain.numbers.size(), tau.numbers.size()); ++i)
    if (!(std::abs(gain.at(i) * dt / tau.at(i) - 1) <= 1e-6))
      return false;
  return true;
}

void Translator::readMetadata() {
  if (const auto found = node.metadata.find(kResetKey); found != node.metadata.end()) {
    if (found->second.texts.size() != 1 ||
        !std::ranges::count(std::vector<std::string>{"zero", "subtract", "none"}, found->second.texts.front()))
      fail(fmt::format("the metadata '{}' is none of zero, subtract, none", kResetKey));
    reset = found->second.texts.front();
  }
  if (const auto found = node.metadata.find(kDelayKey); found != node.metadata.end()) {
    if (found->second.numbers.size() != 1)
      fail(fmt::format("the metadata '{}' is no truth value", kDelayKey));
    delay = found->second.numbers.front() != 0;
  }
}

void Translator::argument(const std::string &name, const Parameter &value) {
  const std::string number = numberText(value.numbers.front(), value.single);
  if (value.uniform()) {
    arguments.push_back(name + " = " + number);
    return;
  }
  arguments.push_back(name + " = each " + number);
  line.tensors.push_back({name, value.single, line.shape, value.numbers});
}

/// The layer through which spikes come back; `each` if every neuron gets its own alone, as in snnTorch.
void Translator::feedback() {
  const Node &weight = graph.nodes[*node.feedback];
  const Value &matrix = weight.fields.at("weight");
  if (line.shape.size() != 1 || matrix.shape != std::vector<int64_t>{line.shape[0], line.shape[0]})
    fail(fmt::format("the spikes of {} neurons come back through '{}' with a weight of {}", shapeText(line.shape),
                     weight.name, shapeText(matrix.shape)));
  const size_t n = size_t(line.shape[0]);
  if (weight.type == "Affine") {
    if (weight.fields.at("bias").shape != line.shape)
      fail(fmt::format("the bias of '{}' has the extents {}", weight.name, shapeText(weight.fields.at("bias").shape)));
    word("recurrent", "linear");
    line.tensors.push_back(tensorOf(matrix, "recurrent.weight"));
    line.tensors.push_back(tensorOf(weight.fields.at("bias"), "recurrent.bias"));
    return;
  }
  bool diagonal = true;
  Tensor own{"recurrent.V", matrix.kind == Value::Kind::Single, line.shape, {}};
  for (size_t i = 0; i < n; ++i) {
    own.numbers.push_back(matrix.numbers[i * n + i]);
    for (size_t j = 0; j < n; ++j)
      diagonal &= i == j || matrix.numbers[i * n + j] == 0;
  }
  word("recurrent", diagonal ? "each" : "linear(bias = false)");
  line.tensors.push_back(diagonal ? own : tensorOf(matrix, "recurrent.weight"));
}

void Translator::resetWords() {
  word("reset", reset);
  if (!delay)
    word("delay", "false");
}

/// The name of the standard's neuron that computes the same, with its arguments; empty if there is none.
std::string Translator::standardNeuron() {
  const bool cuba = node.type.starts_with("Cuba"), fires = node.type.ends_with("IF");
  if (fires) {
    const Parameter threshold = parameter("v_threshold");
    // Below 0 snnTorch's neurons would take a membrane at rest for one that has fired.
    if (!parameter("v_reset").is(0) || !std::ranges::all_of(threshold.numbers, [](double v) { return v >= 0; }))
      return "";
    if (node.type == "IF") {
      if (!comesInWhole(parameter("r"), {false, {1}}) || reset == "none" || delay)
        return "";
      argument("threshold", threshold);
      word("reset", reset);
      return "integrate_fire";
    }
  }
  if (node.type == "IF" || !parameter("v_leak").is(0))
    return "";
  const Parameter tau = timeConstant(cuba ? "tau_mem" : "tau");
  if (!comesInWhole(parameter("r"), tau))
    return "";
  if (node.type == "LI") {
    argument("beta", kept(tau));
    return "integrator";
  }
  if (node.type == "CubaLI")
    return "";
  if (cuba) {
    const Parameter tauSyn = timeConstant("tau_syn");
    if (!comesInWhole(parameter("w_in", 1), tauSyn))
      return "";
    argument("alpha", kept(tauSyn));
  }
  argument("beta", kept(tau));
  argument("threshold", parameter("v_threshold"));
  if (node.feedback)
    feedback();
  resetWords();
  return std::string(node.feedback ? "r" : "") + (cuba ? "synaptic" : "leaky");
}

/// A neuron with the parameters that NIR has.
std::string Translator::ownNeuron() {
  if (reset != "zero" || delay)
    fail("its metadata says that its reset is not NIR's, but there is no neuron with that reset and its other "
         "parameters");
  const bool cuba = node.type.starts_with("Cuba"), leaks = node.type != "IF", fires = node.type.ends_with("IF");
  const Parameter rest = leaks ? parameter("v_leak") : parameter("v_reset");
  line.form = Form{node.type, node.feedback.has_value(), !rest.is(0)};
  line.usesTimeStep = true;
  word("dt", "dt");
  if (cuba) {
    argument("tau_syn", timeConstant("tau_syn"));
    argument("tau_mem", timeConstant("tau_mem"));
  } else if (leaks) {
    argument("tau", timeConstant("tau"));
  }
  argument("r", parameter("r"));
  auto unlessZero = [&](const std::string &name) {
    if (Parameter value = parameter(name); !value.is(0))
      argument(name, value);
  };
  if (leaks)
    unlessZero("v_leak");
  if (fires) {
    argument("v_threshold", parameter("v_threshold"));
    unlessZero("v_reset");
  }
  if (cuba)
    argument("w_in", parameter("w_in", 1));
  if (node.feedback)
    feedback();
  return nameOf(*line.form);
}

Line Translator::translate() {
  line.spikes = node.type == "Threshold" || node.type.ends_with("IF");
  std::string name;
  if (node.type == "Scale" || node.type == "Threshold") {
    line.form = Form{node.type};
    name = nameOf(*line.form);
    const std::string field = node.type == "Scale" ? "scale" : "threshold";
    argument(field, parameter(field));
  } else {
    readMetadata();
    name = standardNeuron();
    if (name.empty()) {
      arguments.clear();
      line.tensors.clear();
      name = ownNeuron();
    }
  }
  line.call = fmt::format("{}({})", name, fmt::join(arguments, ", "));
  return std::move(line);
}

} // namespace

bool nir::hasNeurons(const Node &node) {
  return node.type == "Scale" || node.type == "Threshold" || node.type.ends_with("IF") || node.type.ends_with("LI");
}

Line nir::neuronLine(const Graph &graph, const Node &node, const std::vector<int64_t> &shape, double timeStep,
                     const std::string &path) {
  return Translator(graph, node, shape, timeStep, path).translate();
}

std::string nir::numberText(double number, bool single) {
  return single ? fmt::format("{}", float(number)) : fmt::format("{}", number);
}

Tensor nir::tensorOf(const Value &value, std::string name) {
  return {std::move(name), value.kind == Value::Kind::Single, value.shape, value.numbers};
}
