// The layers of a model, in order, as nodes and edges.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/FromModel.h"
#include "frontends/nir/FromNeuron.h"
#include "runtime/data/Errors.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

using namespace snn;
using namespace snn::nir;
using frontend::CheckedLayer;

namespace {

Value integers(std::vector<int64_t> numbers) {
  Value value{Value::Kind::Integer, {std::ssize(numbers)}, {}, {}};
  value.numbers.assign(numbers.begin(), numbers.end());
  return value;
}

Value integers(const std::vector<double> &numbers) {
  return {Value::Kind::Integer, {std::ssize(numbers)}, numbers, {}};
}

Value integer(double number) { return {Value::Kind::Integer, {}, {number}, {}}; }

class Builder {
public:
  Builder(const frontend::CheckedModel &model, const TensorFile *weights, const FromOptions &options)
      : model(model), weights(weights), options(options) {}

  FromModel build();

private:
  void noteOtherTensors();
  std::vector<bool> usedLayers() const;
  void addInput();
  void addLayer(size_t place);
  size_t addNode(Node node, const std::string &name, const std::vector<size_t> &from);
  /// The nodes whose sum a layer takes.
  std::vector<size_t> takenBy(const LayerValues &values) const;
  std::optional<Node> nodeOf(const LayerValues &values) const;
  Node linear(const LayerValues &values) const;
  Node convolution(const LayerValues &values) const;
  Node pooling(const LayerValues &values, const char *type) const;
  bool passesOn(const LayerValues &values);
  void note(std::string sentence) { result.notes.push_back(std::move(sentence)); }

  const frontend::CheckedModel &model;
  const TensorFile *weights;
  const FromOptions &options;
  FromModel result;
  std::set<std::string> names;
  std::vector<size_t> given;                ///< the nodes of the model's input
  std::vector<std::vector<size_t>> results; ///< of each layer the nodes whose sum it gives
};

/// Layers that the last one depends on.
std::vector<bool> Builder::usedLayers() const {
  std::vector<bool> used(model.layers.size());
  used.back() = true;
  for (size_t i = model.layers.size(); i-- > 0;)
    if (used[i])
      for (int source : model.layers[i].sources)
        if (source >= 0)
          used[size_t(source)] = true;
  return used;
}

size_t Builder::addNode(Node node, const std::string &name, const std::vector<size_t> &from) {
  node.name = name;
  while (!names.insert(node.name).second)
    node.name += "_";
  Graph &graph = result.graph;
  graph.nodes.push_back(std::move(node));
  for (size_t source : from)
    graph.edges.emplace_back(source, graph.nodes.size() - 1);
  return graph.nodes.size() - 1;
}

void Builder::addInput() {
  const frontend::CheckedInput &input = model.input;
  Node node{"", "Input", {{"shape", integers(input.extents)}}, {}, {}};
  given = {addNode(std::move(node), "input", {})};
  if (!input.overTime)
    note("the input is the same at every step; a graph does not say so");
  if (input.divisor == 1)
    return;
  double elements = 1;
  for (int64_t extent : input.extents)
    elements *= double(extent);
  Value scale{Value::Kind::Double, input.extents, std::vector<double>(size_t(elements), 1 / input.divisor), {}};
  given = {addNode({"", "Scale", {{"scale", std::move(scale)}}, {}, {}}, "divisor", given)};
  note(fmt::format("the input is divided by {} in a node Scale, 'divisor'", input.divisor));
}

std::vector<size_t> Builder::takenBy(const LayerValues &values) const {
  std::vector<size_t> nodes;
  for (int source : values.layer.sources) {
    const std::vector<size_t> &parts = source < 0 ? given : results[size_t(source)];
    nodes.insert(nodes.end(), parts.begin(), parts.end());
  }
  std::vector<size_t> sorted = nodes;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end())
    values.fail("takes the sum of a layer with itself; between two nodes of NIR there is one edge");
  return nodes;
}

Node Builder::linear(const LayerValues &values) const {
  const int64_t outputs = values.layer.to[0];
  if (values.layer.from.size() != 1)
    values.fail("'linear' has more than one extent");
  Node node{"", "Linear", {{"weight", values.array("weight", {outputs, values.layer.from[0]})}}, {}, {}};
  if (values.layer.shapes.wordOf("bias", true) == "true") {
    node.type = "Affine";
    node.fields.emplace("bias", values.array("bias", {outputs}));
  }
  return node;
}

Node Builder::convolution(const LayerValues &values) const {
  const CheckedLayer &layer = values.layer;
  const size_t count = layer.from.size() - 1;
  const double groups = values.window("groups", 1).front();
  std::vector<int64_t> extents = {layer.to[0], layer.from[0] / int64_t(groups)};
  for (double extent : values.window("kernel", count))
    extents.push_back(int64_t(extent));
  Node node{"", count == 1 ? "Conv1d" : "Conv2d", {{"weight", values.array("weight", extents)}}, {}, {}};
  Value bias{Value::Kind::Single, {layer.to[0]}, std::vector<double>(size_t(layer.to[0])), {}};
  if (layer.shapes.wordOf("bias", true) == "true")
    bias = values.array("bias", {layer.to[0]});
  node.fields.emplace("bias", std::move(bias));
  node.fields.emplace("groups", integer(groups));
  const std::vector<double> room(layer.from.begin() + 1, layer.from.end());
  auto place = [&](const char *field, const std::vector<double> &numbers) {
    node.fields.emplace(field, count == 1 ? integer(numbers.front()) : integers(numbers));
  };
  for (const char *field : {"stride", "padding", "dilation"})
    place(field, values.window(field, count));
  place("input_shape", room);
  return node;
}

Node Builder::pooling(const LayerValues &values, const char *type) const {
  if (values.layer.from.size() != 3)
    values.fail(fmt::format("'{}' has one extent behind the channels; NIR's pooling has two", values.name()));
  return {"",
          type,
          {{"kernel_size", integers(values.window("kernel", 2))},
           {"stride", integers(values.window("stride", 2))},
           {"padding", integers(values.window("padding", 2))}},
          {},
          {}};
}

/// What changes nothing that a graph says.
bool Builder::passesOn(const LayerValues &values) {
  const CheckedLayer &layer = values.layer;
  if (layer.kind == CheckedLayer::Kind::Population) {
    note("the last neurons vote for classes; a graph does not say so");
    return true;
  }
  if (layer.kind == CheckedLayer::Kind::Flatten)
    return layer.from == layer.to;
  if (values.isOwn()) {
    const std::optional<Form> form = formOf(values);
    return form && form->type == kReadout;
  }
  if (values.name() == "dropout")
    note("dropout acts in training alone and is left out");
  return values.name() == "dropout" || values.name() == "add";
}

/// Of a layer without neurons.
std::optional<Node> Builder::nodeOf(const LayerValues &values) const {
  const CheckedLayer &layer = values.layer;
  if (layer.kind == CheckedLayer::Kind::Flatten)
    return Node{"",
                "Flatten",
                {{"start_dim", integer(0)}, {"end_dim", integer(-1)}, {"input_type", integers(layer.from)}},
                {},
                {}};
  const std::string name = values.name();
  if (values.isOwn()) {
    const std::optional<Form> form = formOf(values);
    return form && form->type == "SumPool2d" ? std::optional(pooling(values, "SumPool2d")) : std::nullopt;
  }
  if (name == "linear")
    return linear(values);
  if (name == "conv")
    return convolution(values);
  if (name == "avg_pool")
    return pooling(values, "AvgPool2d");
  return std::nullopt;
}

void Builder::addLayer(size_t place) {
  const CheckedLayer &layer = model.layers[place];
  const LayerValues values(model, layer, weights, options.path);
  const std::vector<size_t> from = takenBy(values);
  if (passesOn(values)) {
    results[place] = from;
    return;
  }
  if (layer.kind != CheckedLayer::Kind::Neuron) {
    std::optional<Node> node = nodeOf(values);
    if (!node)
      values.fail(fmt::format("'{}' has no counterpart in NIR", values.name()));
    results[place] = {addNode(std::move(*node), layer.key, from)};
    return;
  }
  NeuronNodes nodes = neuronNodes(values, options);
  if (!nodes.neuron.metadata.empty())
    note(fmt::format(
        "the reset of '{}' stands in the metadata, which only snnc reads: for other programs the neurons are set "
        "to 0 in the step of the spike",
        layer.key));
  if (!nodes.feedback) {
    results[place] = {addNode(std::move(nodes.neuron), layer.key, from)};
    return;
  }
  // As snnTorch calls them, which finds the pair by the dot.
  std::string stem = layer.key;
  std::ranges::replace(stem, '.', '_');
  const size_t back = addNode(std::move(*nodes.feedback), stem + ".w_rec", {});
  nodes.neuron.feedback = back;
  results[place] = {addNode(std::move(nodes.neuron), stem + ".lif", from)};
}

FromModel Builder::build() {
  result.graph.version = kVersion;
  result.graph.timeStep = options.timeStep;
  addInput();
  const std::vector<bool> used = usedLayers();
  results.resize(model.layers.size());
  for (size_t i = 0; i < model.layers.size(); ++i)
    if (used[i])
      addLayer(i);
    else
      note(fmt::format("the last layer does not depend on '{}', which is left out", model.layers[i].key));
  const CheckedLayer &last = model.layers.back();
  const std::vector<int64_t> &shape = last.kind == CheckedLayer::Kind::Population ? last.from : last.to;
  addNode({"", "Output", {{"shape", integers(shape)}}, {}, {}}, "output", results.back());
  noteOtherTensors();
  return std::move(result);
}

/// Weights of another model may fit those layers that both have.
void Builder::noteOtherTensors() {
  const auto ofLayer = [&](const std::string &name) {
    return std::ranges::any_of(model.layers,
                               [&](const CheckedLayer &layer) { return name.starts_with(layer.key + "."); });
  };
  if (weights)
    for (const auto &[name, tensor] : weights->tensors())
      if (!ofLayer(name))
        note(fmt::format("the weights' tensor \"{}\" is of no layer of the model, and is left out", name));
}

} // namespace

FromModel nir::graphOf(const frontend::CheckedModel &model, const TensorFile *weights, const FromOptions &options) {
  return Builder(model, weights, options).build();
}
