// Decays of a time step become time constants.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/FromNeuron.h"
#include "runtime/data/Errors.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>

using namespace snn;
using namespace snn::nir;

namespace {

constexpr int64_t mostDiagonal = 4096; ///< neurons whose own weights are written as a matrix

class Translator {
public:
  Translator(const LayerValues &values, const FromOptions &options)
      : values(values), options(options), dt(options.timeStep) {}

  NeuronNodes translate();

private:
  [[noreturn]] void fail(const std::string &what) const { values.fail(fmt::format("'{}' {}", values.name(), what)); }

  /// Numbers that fit are written in single precision, unless the weights have them, under the same name, in double.
  void set(const std::string &field, std::vector<double> numbers) {
    const bool single = !values.isDouble(field) &&
                        std::ranges::all_of(numbers, [](double number) { return double(float(number)) == number; });
    nodes.neuron.fields.emplace(
        field, Value{single ? Value::Kind::Single : Value::Kind::Double, values.layer.to, std::move(numbers), {}});
  }
  void fill(const std::string &field, double number) { set(field, std::vector<double>(size(), number)); }
  size_t size() const {
    size_t product = 1;
    for (int64_t extent : values.layer.to)
      product *= size_t(extent);
    return product;
  }
  bool has(const std::string &parameter) const { return values.layer.neuron->paramIndex.count(parameter) != 0; }

  void timeConstant(const std::string &decay, const std::string &tau, const std::string &gain);
  void threshold(const std::string &parameter);
  void checkOptions();
  void reset(const std::string &word, bool delay);
  void feedback();
  void standard();
  void integrateOnly();
  void norse();
  void own(const Form &form);
  void checkTimeStep();

  const LayerValues &values;
  const FromOptions &options;
  const double dt;
  NeuronNodes nodes;
};

/// A decay by b in each step is 1 - dt / tau, and the whole input comes in: gain * dt / tau = 1.
void Translator::timeConstant(const std::string &decay, const std::string &tau, const std::string &gain) {
  std::vector<double> taus = values.numbers(decay), gains;
  for (double &number : taus) {
    const double kept = std::clamp(number, 0.0, 1.0); // as the neuron does
    if (!(kept < 1))
      fail(fmt::format("has a '{}' of {}, for which there is no time constant", decay, number));
    gains.push_back(1 / (1 - kept));
    number = dt / (1 - kept);
  }
  // Who reads single precision computes the decay in it, and would round it once more.
  nodes.neuron.fields.emplace(tau, Value{Value::Kind::Double, values.layer.to, std::move(taus), {}});
  set(gain, std::move(gains));
}

void Translator::threshold(const std::string &parameter) {
  std::vector<double> numbers = values.numbers(parameter);
  for (double number : numbers)
    if (!(number >= 0))
      fail(fmt::format(
          "has a threshold of {}, below which its membrane is at rest and fires once in two steps; NIR's fires in "
          "each",
          number));
  set("v_threshold", std::move(numbers));
}

void Translator::checkOptions() {
  if (has("inhibition") && !values.hasOption("inhibition", "false"))
    fail("has inhibition, which NIR does not have");
  if (has("graded_spikes_factor") && values.number("graded_spikes_factor") != 1)
    fail("has graded spikes, which NIR does not have");
  if (has("quantize") && !values.hasFunction("quantize", "exact"))
    fail("has a state that is quantised, which NIR does not have");
}

/// NIR's neurons are set to v_reset in the step of their spike.
void Translator::reset(const std::string &word, bool delay) {
  fill("v_reset", 0);
  if (word == "zero" && !delay)
    return;
  if (!options.keepResets)
    fail(fmt::format(
        "is reset by '{}'{}; NIR's neurons are set to v_reset in the step of the spike: write reset = zero and "
        "delay = false, or let --keep-resets write it beside the graph, where only snnc reads it",
        word, delay ? " a step after its spike" : ""));
  nodes.neuron.metadata.emplace(kResetKey, scalar(word));
  nodes.neuron.metadata.emplace(kDelayKey, scalar(double(delay)));
}

void Translator::feedback() {
  const frontend::ParamValue &recurrent = valueOf(values.layer, "recurrent");
  if (values.layer.to.size() != 1)
    fail(fmt::format("is recurrent with neurons of {}; NIR's weights take one extent", shapeText(values.layer.to)));
  const int64_t n = values.layer.to.front();
  Node node;
  if (recurrent.each) {
    if (n > mostDiagonal)
      fail(fmt::format("has {} weights of its own, which NIR writes as a matrix; at most {} are written", n,
                       mostDiagonal));
    const Value own = values.array("recurrent.V", {n});
    Value matrix{own.kind, {n, n}, std::vector<double>(size_t(n * n)), {}};
    for (size_t i = 0; i < size_t(n); ++i)
      matrix.numbers[i * size_t(n) + i] = own.numbers[i];
    node.type = "Linear";
    node.fields.emplace("weight", std::move(matrix));
  } else {
    if (recurrent.call.definition->name.text != "linear")
      fail(fmt::format("is recurrent through '{}'; in NIR it can be linear",
                       recurrent.call.definition->name.text.str()));
    node.type = "Linear";
    node.fields.emplace("weight", values.array("recurrent.weight", {n, n}));
    for (const frontend::LayerArray &array : recurrent.shapes.arrays)
      if (array.name == "bias") {
        node.type = "Affine";
        node.fields.emplace("bias", values.array("recurrent.bias", {n}));
      }
  }
  nodes.feedback = std::move(node);
}

/// A leaky neuron that keeps everything is an integrator.
void Translator::integrateOnly() {
  nodes.neuron.type = "IF";
  fill("r", 1 / dt);
  threshold("threshold");
}

void Translator::standard() {
  const std::string name = values.name();
  Node &node = nodes.neuron;
  checkOptions();
  const auto delayed = [&] { return values.hasOption("delay", "true"); };
  const std::string word = wordOf(values.layer, "reset").str();
  if (name == "leaky" || name == "rleaky") {
    const std::vector<double> decays = values.numbers("beta");
    if (name == "leaky" && word == "zero" && !delayed() &&
        std::ranges::all_of(decays, [](double b) { return b >= 1; })) {
      integrateOnly();
    } else {
      node.type = "LIF";
      timeConstant("beta", "tau", "r");
      fill("v_leak", 0);
      threshold("threshold");
    }
    reset(word, delayed());
  } else if (name == "synaptic" || name == "rsynaptic") {
    node.type = "CubaLIF";
    timeConstant("alpha", "tau_syn", "w_in");
    timeConstant("beta", "tau_mem", "r");
    fill("v_leak", 0);
    threshold("threshold");
    reset(word, delayed());
  } else if (name == "integrate_fire") {
    integrateOnly();
    reset(word, false);
  } else if (name == "integrator") {
    node.type = "LI";
    timeConstant("beta", "tau", "r");
    fill("v_leak", 0);
  } else if (name == "norse_lif_box") {
    norse();
  } else {
    fail("has no counterpart in NIR");
  }
  if (has("recurrent"))
    feedback();
}

void Translator::norse() {
  nodes.neuron.type = "LIF";
  checkTimeStep();
  std::vector<double> taus = values.numbers("tau_mem_inv");
  for (double &number : taus) {
    if (!(number > 0))
      fail(fmt::format("has a tau_mem_inv of {}, for which there is no time constant", number));
    number = 1 / number;
  }
  for (double number : values.numbers("v_leak"))
    if (number != 0)
      fail("has a v_leak other than 0, but starts at 0; in NIR the membrane is at v_leak at rest");
  set("tau", std::move(taus));
  fill("r", 1);
  fill("v_leak", 0);
  set("v_threshold", values.numbers("v_th"));
  set("v_reset", values.numbers("v_reset"));
}

void Translator::checkTimeStep() {
  if (const double own = values.number("dt"); std::abs(own - dt) > 1e-6 * dt)
    fail(fmt::format("takes time steps of {} s and the graph is written for {} s; say --dt={}", own, dt, own));
}

/// A neuron that snnc import has written: its parameters are NIR's.
void Translator::own(const Form &form) {
  Node &node = nodes.neuron;
  node.type = form.type;
  if (form.type == "Scale" || form.type == "Threshold") {
    const std::string field = form.type == "Scale" ? "scale" : "threshold";
    set(field, values.numbers(field));
    return;
  }
  checkTimeStep();
  for (const char *field : {"tau", "tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in"})
    if (has(field))
      set(field, values.numbers(field));
  if (form.recurrent)
    feedback();
  const char *rest = form.type == "IF" ? "v_reset" : "v_leak";
  const bool restsAtZero = std::ranges::all_of(node.fields.at(rest).numbers, [](double number) { return number == 0; });
  if (!form.fromRest && !restsAtZero)
    fail(fmt::format("has a {} other than 0, but starts at 0; 'nir_..._from_rest' starts there", rest));
}

NeuronNodes Translator::translate() {
  if (!values.isOwn())
    standard();
  else if (const std::optional<Form> form = formOf(values))
    own(*form);
  else
    fail("is a definition of its own, of which NIR has no counterpart");
  return std::move(nodes);
}

} // namespace

std::optional<Form> nir::formOf(const LayerValues &values) {
  const std::optional<Form> form = formNamed(values.name());
  if (!form || !values.isOwn())
    return std::nullopt;
  std::string said, text;
  llvm::raw_string_ostream diagnostics(said), stream(text);
  const auto known = frontend::checkDefinitions("snn 1\n" + definitionOf(*form), "definition", diagnostics);
  if (!known)
    throw std::logic_error("a definition of NIR's primitives is none: " + said);
  printDefinition(*known->file->definitions.front(), llvm::StringMap<double>(), stream);
  return text == values.definition() ? form : std::nullopt;
}

NeuronNodes nir::neuronNodes(const LayerValues &values, const FromOptions &options) {
  return Translator(values, options).translate();
}
