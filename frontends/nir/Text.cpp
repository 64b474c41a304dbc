// The lines of a model, in the order of the graph.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/NeuronText.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Safetensors.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <set>

using namespace snn;
using namespace snn::nir;

namespace {

constexpr int modelInput = -1; ///< the place of what the model takes
constexpr int64_t mostExtent = int64_t(1) << 31;
constexpr int64_t mostSteps = 1000; ///< where nobody says how many there will be

/// The name of a node or a file in a comment: what would end the comment or hide in it is shown as '?'.
std::string commentText(const std::string &name) {
  std::string text = name.substr(0, 60);
  for (char &letter : text)
    if (letter < ' ' || letter > '~')
      letter = '?';
  return text;
}

/// "2", or "(2, 3)" if they differ.
std::string windowText(const std::vector<int64_t> &numbers) {
  if (std::ranges::all_of(numbers, [&](int64_t number) { return number == numbers.front(); }))
    return fmt::format("{}", numbers.front());
  return fmt::format("({})", fmt::join(numbers, ", "));
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

  std::vector<int64_t> integers(const Node &node, const std::string &field, size_t count, int64_t least) const;
  std::vector<int64_t> shapeField(const Node &node) const;
  void wantShape(const Node &node, const std::vector<int64_t> &shape, const std::vector<int64_t> &expected) const;

  std::string labelOf(int line);
  Result inputOf(size_t node);
  int add(Line line, const std::string &node);
  void addInput(size_t node);
  void addLayer(size_t node);
  void addOutput(size_t node);

  Line linear(const Node &node, const std::vector<int64_t> &shape) const;
  Line convolution(const Node &node, const std::vector<int64_t> &shape) const;
  std::vector<int64_t> paddingOf(const Node &node, const std::vector<int64_t> &kernel,
                                 const std::vector<int64_t> &stride, const std::vector<int64_t> &dilation) const;
  Line pooling(const Node &node, const std::vector<int64_t> &shape) const;
  std::vector<int64_t> flattened(const Node &node, const std::vector<int64_t> &shape) const;

  std::string text(const std::vector<int64_t> &input) const;

  Graph graph;
  const TextOptions &options;
  const double dt;
  std::vector<ModelLine> lines;
  std::map<size_t, Result> results;
  std::string from; ///< stands before the next line
  int above = modelInput;
};

/// Whole numbers of at least `least`; one stands for `count`.
std::vector<int64_t> Writer::integers(const Node &node, const std::string &field, size_t count, int64_t least) const {
  const Value &value = node.fields.at(field);
  if (value.numbers.size() != 1 && value.numbers.size() != count)
    fail(node, fmt::format("'{}' has {} elements, expected {}", field, value.size(), count));
  std::vector<int64_t> result;
  for (size_t i = 0; i < count; ++i) {
    const double number = value.numbers[value.numbers.size() == 1 ? 0 : i];
    if (!(number >= double(least) && number <= double(mostExtent)) || number != std::trunc(number))
      fail(node, fmt::format("'{}' is {}, expected a whole number of at least {}", field, number, least));
    result.push_back(int64_t(number));
  }
  return result;
}

std::vector<int64_t> Writer::shapeField(const Node &node) const {
  return integers(node, "shape", node.fields.at("shape").size(), 1);
}

void Writer::wantShape(const Node &node, const std::vector<int64_t> &shape,
                       const std::vector<int64_t> &expected) const {
  if (shape != expected)
    fail(node, fmt::format("what comes in has the extents {}, expected {}", shapeText(shape), shapeText(expected)));
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

Line Writer::linear(const Node &node, const std::vector<int64_t> &shape) const {
  const Value &weight = node.fields.at("weight");
  if (weight.shape.size() != 2)
    fail(node, fmt::format("its weight has the extents {}, expected two", shapeText(weight.shape)));
  wantShape(node, shape, {weight.shape[1]});
  Line line;
  line.shape = {weight.shape[0]};
  line.tensors.push_back(tensorOf(weight, "weight"));
  if (node.type == "Linear") {
    line.call = fmt::format("linear({}, bias = false)", weight.shape[0]);
    return line;
  }
  line.call = fmt::format("linear({})", weight.shape[0]);
  if (node.fields.at("bias").shape != line.shape)
    fail(node, fmt::format("its bias has the extents {}, expected {}", shapeText(node.fields.at("bias").shape),
                           shapeText(line.shape)));
  line.tensors.push_back(tensorOf(node.fields.at("bias"), "bias"));
  return line;
}

std::vector<int64_t> Writer::paddingOf(const Node &node, const std::vector<int64_t> &kernel,
                                       const std::vector<int64_t> &stride, const std::vector<int64_t> &dilation) const {
  const Value &padding = node.fields.at("padding");
  if (padding.kind != Value::Kind::Text)
    return integers(node, "padding", kernel.size(), 0);
  std::vector<int64_t> result(kernel.size());
  if (padding.texts.front() == "valid")
    return result;
  if (padding.texts.front() != "same")
    fail(node,
         fmt::format("'padding' is '{}', expected numbers, 'same' or 'valid'", commentText(padding.texts.front())));
  for (size_t i = 0; i < kernel.size(); ++i) {
    const int64_t all = dilation[i] * (kernel[i] - 1);
    if (stride[i] != 1 || all % 2 != 0)
      fail(node, "'padding' is 'same', which needs a stride of 1 and as much on both sides; give numbers");
    result[i] = all / 2;
  }
  return result;
}

/// Extents of what a window gives.
std::vector<int64_t> windows(const std::vector<int64_t> &shape, const std::vector<int64_t> &kernel,
                             const std::vector<int64_t> &stride, const std::vector<int64_t> &padding,
                             const std::vector<int64_t> &dilation) {
  std::vector<int64_t> result = {shape.front()};
  for (size_t i = 0; i < kernel.size(); ++i) {
    const int64_t room = shape[i + 1] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1;
    result.push_back(room < 0 ? 0 : room / stride[i] + 1);
  }
  return result;
}

Line Writer::convolution(const Node &node, const std::vector<int64_t> &shape) const {
  const size_t count = node.type == "Conv1d" ? 1 : 2;
  const Value &weight = node.fields.at("weight"), &bias = node.fields.at("bias");
  if (weight.shape.size() != count + 2 || std::ranges::count(weight.shape, 0) != 0)
    fail(node, fmt::format("its weight has the extents {}, expected {}", shapeText(weight.shape), count + 2));
  const int64_t groups = integers(node, "groups", 1, 1).front(), outputs = weight.shape[0];
  if (shape.size() != count + 1 || shape[0] != weight.shape[1] * groups || outputs % groups != 0)
    fail(node,
         fmt::format("what comes in has the extents {}; its weight of {} in {} groups takes {} channels and {} more "
                     "extents",
                     shapeText(shape), shapeText(weight.shape), groups, weight.shape[1] * groups, count));
  if (bias.shape != std::vector<int64_t>{outputs})
    fail(node, fmt::format("its bias has the extents {}, expected [{}]", shapeText(bias.shape), outputs));
  if (node.fields.contains("input_shape") &&
      integers(node, "input_shape", count, 1) != std::vector<int64_t>(shape.begin() + 1, shape.end()))
    fail(node, fmt::format("what comes in has the extents {}, but 'input_shape' says another one", shapeText(shape)));
  const std::vector<int64_t> kernel(weight.shape.begin() + 2, weight.shape.end());
  const std::vector<int64_t> stride = integers(node, "stride", count, 1),
                             dilation = integers(node, "dilation", count, 1);
  const std::vector<int64_t> padding = paddingOf(node, kernel, stride, dilation);
  Line line;
  line.call = fmt::format("conv({}, kernel = {}", outputs, windowText(kernel));
  auto unless = [&](const char *name, const std::vector<int64_t> &numbers, int64_t byDefault) {
    if (std::ranges::count(numbers, byDefault) != std::ssize(numbers))
      line.call += fmt::format(", {} = {}", name, windowText(numbers));
  };
  unless("stride", stride, 1);
  unless("padding", padding, 0);
  unless("dilation", dilation, 1);
  unless("groups", {groups}, 1);
  line.call += ")";
  line.shape = windows(shape, kernel, stride, padding, dilation);
  line.shape.front() = outputs;
  line.tensors = {tensorOf(weight, "weight"), tensorOf(bias, "bias")};
  return line;
}

Line Writer::pooling(const Node &node, const std::vector<int64_t> &shape) const {
  if (shape.size() != 3)
    fail(node, fmt::format("what comes in has the extents {}, expected channels, height and width", shapeText(shape)));
  const std::vector<int64_t> kernel = integers(node, "kernel_size", 2, 1), stride = integers(node, "stride", 2, 1),
                             padding = integers(node, "padding", 2, 0);
  Line line;
  if (node.type == "SumPool2d")
    line.form = Form{node.type};
  line.call = fmt::format("{}({}", line.form ? nameOf(*line.form) : "avg_pool", windowText(kernel));
  if (stride != kernel)
    line.call += fmt::format(", stride = {}", windowText(stride));
  if (padding != std::vector<int64_t>{0, 0})
    line.call += fmt::format(", padding = {}", windowText(padding));
  line.call += ")";
  line.shape = windows(shape, kernel, stride, padding, {1, 1});
  return line;
}

/// The extents of what a Flatten gives; the language has only that of all extents.
std::vector<int64_t> Writer::flattened(const Node &node, const std::vector<int64_t> &shape) const {
  const auto place = [&](const std::string &field) {
    const int64_t least = -int64_t(shape.size()), number = integers(node, field, 1, least).front();
    if (number >= int64_t(shape.size()))
      fail(node, fmt::format("'{}' is {}, but what comes in has the extents {}", field, number, shapeText(shape)));
    return size_t(number < 0 ? number + int64_t(shape.size()) : number);
  };
  const size_t start = place("start_dim"), end = place("end_dim");
  if (start >= end)
    return shape;
  if (start != 0 || end + 1 != shape.size())
    fail(node,
         fmt::format("flattens the extents {} to {} of {}; only all of them can be flattened, without the samples' "
                     "(start_dim = 0, end_dim = -1)",
                     start, end, shapeText(shape)));
  int64_t product = 1;
  for (int64_t extent : shape)
    if (__builtin_mul_overflow(product, extent, &product))
      fail(node, "has more elements than can be counted");
  return {product};
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
    const std::vector<int64_t> shape = flattened(node, input.shape);
    results[index] = {input.line, shape, input.spikes};
    if (shape == input.shape) // nothing to do, and no line
      return;
    Line line;
    line.call = "flatten";
    line.shape = shape;
    results[index].line = add(std::move(line), node.name);
    results[index].spikes = false; // the neurons are another layer
    return;
  }
  Line line;
  if (node.type == "Linear" || node.type == "Affine")
    line = linear(node, input.shape);
  else if (node.type.starts_with("Conv"))
    line = convolution(node, input.shape);
  else if (node.type.ends_with("Pool2d"))
    line = pooling(node, input.shape);
  else
    line = neuronLine(graph, node, input.shape, dt, options.path);
  if (std::ranges::count(line.shape, 0) != 0)
    fail(node, fmt::format("nothing is left of the extents {}", shapeText(input.shape)));
  const Result result = {0, line.shape, line.spikes};
  results[index] = result;
  results[index].line = add(std::move(line), node.name);
}

/// The last layer of a model is one of neurons that fire, with one extent.
void Writer::addOutput(size_t node) {
  const Result result = inputOf(node);
  wantShape(graph.nodes[node], result.shape, shapeField(graph.nodes[node]));
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
