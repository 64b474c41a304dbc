// Texts of definitions. They are compared with those of a model that is exported, so they change with care.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/Definitions.h"

#include <fmt/format.h>

using namespace snn;
using namespace snn::nir;

namespace {

std::string baseName(const std::string &type) {
  if (type == "CubaLIF")
    return "cuba_lif";
  if (type == "CubaLI")
    return "cuba_li";
  if (type == "SumPool2d")
    return "sum_pool";
  std::string name = type;
  for (char &letter : name)
    letter = char(letter | 0x20); // all are ASCII letters
  return name;
}

std::string neuron(const Form &form) {
  const bool cuba = form.type.starts_with("Cuba"), leaks = form.type != "IF", fires = form.type.ends_with("IF");
  std::string params = "dt = 0.0001";
  if (cuba)
    params += ", tau_syn = 0.01, tau_mem = 0.01";
  else if (leaks)
    params += ", tau = 0.01";
  params += ", r = 1";
  if (leaks)
    params += ", v_leak = 0";
  if (fires)
    params += ", v_threshold = 1, v_reset = 0";
  if (cuba)
    params += ", w_in = 1";
  if (form.recurrent)
    params += ", recurrent = linear";
  if (fires)
    params += ", surrogate = atan(alpha = 2)";

  const std::string input = form.recurrent ? "(x + recurrent(attached(fired)))" : "x";
  const std::string drive = cuba ? "r * syn" : "r * " + input, before = form.fromRest ? "before" : "mem";
  std::string body = cuba ? "  state syn = 0, mem = 0\n" : "  state mem = 0\n";
  if (form.fromRest)
    body += fmt::format("  before = if time == 0 then {} else mem\n", leaks ? "v_leak" : "v_reset");
  if (cuba)
    body += fmt::format("  syn = syn + dt / tau_syn * (w_in * {} - syn)\n", input);
  const std::string to = fires ? "v" : "mem";
  if (!leaks)
    body += fmt::format("  {} = {} + dt * {}\n", to, before, drive);
  else
    body +=
        fmt::format("  {} = {} + dt / {} * (v_leak - {} + {})\n", to, before, cuba ? "tau_mem" : "tau", before, drive);
  if (fires)
    body += "  s = fire(v - v_threshold, surrogate)\n"
            "  mem = (1 - s) * v + s * v_reset\n"
            "  spike s\n";
  else
    body += "  value mem\n";
  return fmt::format("neuron {}(x; {}) {{\n{}}}\n", nameOf(form), params, body);
}

} // namespace

std::string nir::nameOf(const Form &form) {
  return fmt::format("nir_{}{}{}", form.recurrent ? "r" : "", baseName(form.type), form.fromRest ? "_from_rest" : "");
}

std::string nir::definitionOf(const Form &form) {
  if (form.type == "Scale")
    return "neuron nir_scale(x; scale = 1) { value scale * x }\n";
  if (form.type == "Threshold")
    return "neuron nir_threshold(x; threshold = 1, surrogate = atan(alpha = 2)) { spike fire(x - threshold, surrogate) "
           "}\n";
  if (form.type == "SumPool2d")
    return R"(layer nir_sum_pool(x[channels, height, width]; kernel in [1, inf), stride = kernel in [1, inf), padding = 0 in [0, inf)) {
  rows = trunc((height + 2 * padding.0 - kernel.0) / stride.0) + 1
  columns = trunc((width + 2 * padding.1 - kernel.1) / stride.1) + 1
  y[c, i < rows, j < columns] = sum(x[c, i * stride.0 + p - padding.0, j * stride.1 + q - padding.1] or none, over = (p < kernel.0, q < kernel.1))
  value y
}
)";
  if (form.type == kReadout)
    return R"(# Shows values as a membrane, and spikes as themselves.
neuron nir_readout(x) {
  state mem = 0
  mem = x
  spike fire(mem - 0.5, atan(alpha = 2))
}
)";
  return neuron(form);
}

const std::vector<Form> &nir::allForms() {
  static const std::vector<Form> forms = [] {
    std::vector<Form> all = {{"Scale"}, {"Threshold"}, {"SumPool2d"}, {kReadout}};
    for (const char *type : {"LI", "LIF", "IF", "CubaLI", "CubaLIF"})
      for (bool fromRest : {false, true}) {
        all.push_back({type, false, fromRest});
        if (std::string(type).ends_with("LIF"))
          all.push_back({type, true, fromRest});
      }
    return all;
  }();
  return forms;
}

std::optional<Form> nir::formNamed(const std::string &name) {
  for (const Form &form : allForms())
    if (nameOf(form) == name)
      return form;
  return std::nullopt;
}
