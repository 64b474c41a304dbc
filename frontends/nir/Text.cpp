// The lines of a model, in the order of the graph.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/LayerText.h"
#include "frontends/nir/NeuronText.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Safetensors.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <set>

using namespace snn;
using namespace snn::nir;

namespace {

constexpr int modelInput = -1;      ///< the place of what the model takes
constexpr int64_t mostSteps = 1000; ///< where nobody says how many there will be

/// The name of a node or a file in a comment: what would end the comment or hide in it is shown as '?'.
std::string commentText(const std::string &name) {
  std::string text = name.substr(0, 60);
  for (char &letter : text)
    if (letter < ' ' || letter > '~')
      letter = '?';
  return text;
}

class Writer {
public:
  Writer(Graph graph, const TextOptions &options)
      : graph(std::move(graph)), options(options),
        dt(options.timeStep.value_or(this->graph.timeStep.value_or(kDefaultTimeStep))) {}

  TextModel write();

private:
  struct ModelLine {
    std::string label;
    Line line;
    std::string node; ///< what it was called; empty for sums
    std::string from; ///< the label of a `from` line before it
  };
  /// What a node gives: the line that gives it, its extents, and whether it is spikes.
  struct Result {
    int line = modelInput;
    std::vector<int64_t> shape;
    bool spikes = false;
  };

  [[noreturn]] void fail(const Node &node, const std::string &what) const {
    throw DataError(fmt::format("{}: node '{}' ({}): {}", options.path, node.name, node.type, what));
  }

  std::vector<int64_t> shapeField(const Node &node) const;

  std::string labelOf(int line);
  Result inputOf(size_t node);
  int add(Line line, const std::string &node);
  void addInput(size_t node);
  void addLayer(size_t node);
  void addOutput(size_t node);

  std::string text(const std::vector<int64_t> &input) const;

  Graph graph;
  const TextOptions &options;
  const double dt;
  std::vector<ModelLine> lines;
  std::map<size_t, Result> results;
  std::string from; ///< stands before the next line
  int above = modelInput;
};

std::vector<int64_t> Writer::shapeField(const Node &node) const {
  return integersOf(node, "shape", node.fields.at("shape").size(), 1, options.path);
}

std::string Writer::labelOf(int line) {
  if (line == modelInput)
    return "input";
  return lines[size_t(line)].label = fmt::format("h{}", line);
}

int Writer::add(Line line, const std::string &node) {
  lines.push_back({"", std::move(line), node, std::exchange(from, "")});
  return above = int(lines.size()) - 1;
}

/// What a node takes, the sum if there are several, as the result above the next line.
Writer::Result Writer::inputOf(size_t node) {
  std::vector<Result> parts;
  for (size_t before : graph.before(node))
    parts.push_back(results.at(before));
  for (const Result &part : parts)
    if (part.shape != parts.front().shape)
      fail(graph.nodes[node], fmt::format("takes the sum of {} and {}, whose extents differ",
                                          shapeText(parts.front().shape), shapeText(part.shape)));
  const auto chain = std::ranges::find(parts, above, &Result::line);
  if (chain != parts.end())
    std::iter_swap(parts.begin(), chain);
  if (parts.front().line != above)
    from = labelOf(parts.front().line);
  for (size_t i = 1; i < parts.size(); ++i) {
    Line sum;
    sum.call = fmt::format("add({})", labelOf(parts[i].line));
    sum.shape = parts.front().shape;
    parts.front().line = add(std::move(sum), "");
    parts.front().spikes = false;
  }
  return parts.front();
}

void Writer::addInput(size_t node) {
  const std::vector<int64_t> shape = shapeField(graph.nodes[node]);
  if (shape.empty())
    fail(graph.nodes[node], "has no extents; what the model takes has at least one");
  results[node] = {modelInput, shape, false};
}

void Writer::addLayer(size_t index) {
  const Node &node = graph.nodes[index];
  const Result input = inputOf(index);
  if (node.type == "Flatten") {
    const std::vector<int64_t> shape = flattened(node, input.shape, options.path);
    results[index] = {input.line, shape, input.spikes};
    if (shape == input.shape) { // nothing to do, and no line; the next one may take another layer
      from.clear();
      return;
    }
    Line line;
    line.call = "flatten";
    line.shape = shape;
    results[index].line = add(std::move(line), node.name);
    results[index].spikes = false; // the neurons are another layer
    return;
  }
  Line line = hasNeurons(node) ? neuronLine(graph, node, input.shape, dt, options.path)
                               : layerLine(node, input.shape, options.path);
  if (std::ranges::count(line.shape, 0) != 0)
    fail(node, fmt::format("nothing is left of the extents {}", shapeText(input.shape)));
  const Result result = {0, line.shape, line.spikes};
  results[index] = result;
  results[index].line = add(std::move(line), node.name);
}

/// The last layer of a model is one of neurons that fire, with one extent.
void Writer::addOutput(size_t node) {
  const Result result = inputOf(node);
  wantShape(graph.nodes[node], result.shape, shapeField(graph.nodes[node]), options.path);
  if (result.shape.size() > 1) {
    Line flatten;
    flatten.call = "flatten";
    add(std::move(flatten), "");
  }
  if (result.spikes && result.shape.size() == 1 && from.empty())
    return;
  Line readout;
  readout.form = Form{kReadout};
  readout.call = nameOf(*readout.form);
  add(std::move(readout), "");
}

std::string Writer::text(const std::vector<int64_t> &input) const {
  std::string text = fmt::format("snn 1\n# Made of {}, NIR {}, by snnc import.\n", commentText(options.source),
                                 commentText(graph.version));
  const bool said = options.timeStep.has_value(), stored = graph.timeStep.has_value();
  text += fmt::format("# Time steps of {} s{}.\n", numberText(dt, false),
                      said     ? ""
                      : stored ? ", as the file says"
                               : ", as the file says none; --dt says another one");
  std::set<std::string> definitions;
  std::string head, body;
  bool usesTimeStep = false;
  size_t width = 0;
  std::vector<std::string> written;
  for (size_t i = 0; i < lines.size(); ++i) {
    const ModelLine &line = lines[i];
    usesTimeStep |= line.line.usesTimeStep;
    if (line.line.form && definitions.insert(nameOf(*line.line.form)).second)
      head += "\n" + definitionOf(*line.line.form);
    written.push_back(fmt::format("  {}{}", line.label.empty() ? "" : line.label + ": ", line.line.call));
    if (written.back().size() <= 80)
      width = std::max(width, written.back().size());
  }
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].from.empty())
      body += fmt::format("  from {}\n", lines[i].from);
    const bool named = !lines[i].node.empty() && lines[i].node != fmt::format("{}", i);
    body += named ? fmt::format("{:<{}}  # {}\n", written[i], width, commentText(lines[i].node)) : written[i] + "\n";
  }
  if (usesTimeStep)
    text += fmt::format("param dt = {}\n", numberText(dt, false));
  text += head;
  text += fmt::format("\nmodel net {{\n  input f32[{}] over time\n", fmt::join(input, ", "));
  text += options.steps ? fmt::format("  steps {}\n\n", *options.steps) : fmt::format("  steps ? <= {}\n\n", mostSteps);
  return text + body + "}\n";
}

TextModel Writer::write() {
  std::vector<int64_t> input;
  for (size_t node : orderNodes(graph, options.path)) {
    if (graph.nodes[node].type == "Input") {
      addInput(node);
      input = results[node].shape;
    } else if (graph.nodes[node].type != "Output") {
      addLayer(node);
    } else {
      addOutput(node);
    }
  }
  TextModel model{text(input), {}};
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string key = lines[i].label.empty() ? fmt::format("{}", i) : lines[i].label;
    for (Tensor &tensor : lines[i].line.tensors) {
      tensor.name = key + "." + tensor.name;
      model.tensors.push_back(std::move(tensor));
    }
  }
  return model;
}

} // namespace

TextModel nir::textOf(Graph graph, const TextOptions &options) { return Writer(std::move(graph), options).write(); }
