// Trees become graphs and graphs trees.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/Graph.h"
#include "runtime/data/Errors.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

using namespace snn;
using namespace snn::nir;

namespace {

constexpr size_t mostNodes = 4096; // several times the layers that a model may have
constexpr size_t mostEdges = size_t(1) << 16;

/// What a node of a type has in files, beside `type` and `metadata`.
struct Fields {
  std::vector<std::string> needed, optional;
};

const std::map<std::string, Fields> &fieldsOfTypes() {
  static const std::map<std::string, Fields> table = {
      {"Input", {{"shape"}, {}}},
      {"Output", {{"shape"}, {}}},
      {"Linear", {{"weight"}, {}}},
      {"Affine", {{"weight", "bias"}, {}}},
      {"Conv1d", {{"weight", "bias", "stride", "padding", "dilation", "groups"}, {"input_shape"}}},
      {"Conv2d", {{"weight", "bias", "stride", "padding", "dilation", "groups"}, {"input_shape"}}},
      {"SumPool2d", {{"kernel_size", "stride", "padding"}, {}}},
      {"AvgPool2d", {{"kernel_size", "stride", "padding"}, {}}},
      {"Flatten", {{"start_dim", "end_dim"}, {"input_type"}}},
      {"Scale", {{"scale"}, {}}},
      {"Threshold", {{"threshold"}, {}}},
      {"LI", {{"tau", "r", "v_leak"}, {}}},
      {"LIF", {{"tau", "r", "v_leak", "v_threshold"}, {"v_reset"}}},
      {"IF", {{"r", "v_threshold"}, {"v_reset"}}},
      {"CubaLI", {{"tau_syn", "tau_mem", "r", "v_leak"}, {"w_in"}}},
      {"CubaLIF", {{"tau_syn", "tau_mem", "r", "v_leak", "v_threshold"}, {"v_reset", "w_in"}}},
  };
  return table;
}

/// Fields that hold a text or may.
bool mayBeText(const std::string &field) { return field == "padding"; }

class Builder {
public:
  Builder(const std::string &path, Graph &graph) : path(path), graph(graph) {}

  /// Adds the nodes and edges of a graph's group. Of one that stands in another, `inlet` and `outlet` become its nodes
  /// Input and Output.
  void addGraph(const Group &group, const std::string &name, size_t &inlet, size_t &outlet);

  /// Removes the Input and Output nodes of graphs within: what leads to one leads on.
  void contract(const std::set<size_t> &inner);

  std::set<size_t> inner;

private:
  [[noreturn]] void fail(const std::string &what) const { throw DataError(fmt::format("{}: {}", path, what)); }
  std::string textOf(const Group &group, const std::string &field, const std::string &place) const;
  void addNode(const Group &group, const std::string &name, const std::string &type);
  void readTimeStep(const Group &group, const std::string &name);
  void addEdges(const Value &edges, const std::string &name,
                const std::map<std::string, std::pair<size_t, size_t>> &ends);

  const std::string &path;
  Graph &graph;
};

std::string nodeText(const std::string &name) { return name.empty() ? "the graph" : fmt::format("node '{}'", name); }

std::string Builder::textOf(const Group &group, const std::string &field, const std::string &place) const {
  const auto value = group.values.find(field);
  if (value == group.values.end() || value->second.kind != Value::Kind::Text || value->second.texts.size() != 1)
    fail(fmt::format("{} has no text '{}', which all nodes of NIR have", place, field));
  return value->second.texts.front();
}

void Builder::addNode(const Group &group, const std::string &name, const std::string &type) {
  const auto known = fieldsOfTypes().find(type);
  if (known == fieldsOfTypes().end()) {
    std::vector<std::string> types;
    for (const auto &[other, fields] : fieldsOfTypes())
      types.push_back(other);
    fail(fmt::format("{} is of type '{}', which has no counterpart here; known are {} and NIRGraph", nodeText(name),
                     type, fmt::join(types, ", ")));
  }
  if (graph.nodes.size() >= mostNodes)
    fail(fmt::format("the graph has more than {} nodes", mostNodes));
  Node node{name, type, {}, {}, {}};
  const Fields &fields = known->second;
  for (const auto &[field, value] : group.values) {
    if (field == "type")
      continue;
    if (std::ranges::count(fields.needed, field) + std::ranges::count(fields.optional, field) == 0)
      fail(fmt::format("{} ({}) has a field '{}', which is not known; what it means cannot be kept", nodeText(name),
                       type, field));
    if (!value.isNumbers() && !(mayBeText(field) && value.kind == Value::Kind::Text && value.texts.size() == 1))
      fail(
          fmt::format("{} ({}): field '{}' holds no numbers, or none of a type that is read: integers, and reals of 32 "
                      "or 64 bits",
                      nodeText(name), type, field));
    for (double number : value.numbers)
      if (!std::isfinite(number))
        fail(fmt::format("{} ({}): field '{}' holds {}, expected finite numbers", nodeText(name), type, field, number));
    node.fields.emplace(field, value);
  }
  for (const std::string &field : fields.needed)
    if (!node.fields.contains(field))
      fail(fmt::format("{} ({}) has no field '{}'", nodeText(name), type, field));
  for (const auto &[child, inside] : group.groups) {
    if (child != "metadata")
      fail(fmt::format("{} ({}) has a group '{}', which is not known", nodeText(name), type, child));
    node.metadata = inside.values;
  }
  graph.nodes.push_back(std::move(node));
}

void Builder::addEdges(const Value &edges, const std::string &name,
                       const std::map<std::string, std::pair<size_t, size_t>> &ends) {
  if (edges.size() == 0)
    return;
  if (edges.kind != Value::Kind::Text || edges.shape.size() != 2 || edges.shape[1] != 2)
    fail(fmt::format("{}: 'edges' are not pairs of names", nodeText(name)));
  for (size_t i = 0; i + 1 < edges.texts.size(); i += 2) {
    for (size_t end : {i, i + 1})
      if (!ends.contains(edges.texts[end]))
        fail(fmt::format("{}: an edge goes from '{}' to '{}', but there is no node '{}'", nodeText(name),
                         edges.texts[i], edges.texts[i + 1], edges.texts[end]));
    graph.edges.emplace_back(ends.at(edges.texts[i]).second, ends.at(edges.texts[i + 1]).first);
  }
}

/// Of the whole and of graphs in it: there is one time step for all.
void Builder::readTimeStep(const Group &group, const std::string &name) {
  const auto meta = group.groups.find("metadata");
  if (meta == group.groups.end())
    return;
  const auto step = meta->second.values.find(kTimeStepKey);
  if (step == meta->second.values.end())
    return;
  const std::vector<double> &numbers = step->second.numbers;
  if (numbers.size() != 1 || !(numbers.front() > 0) || !std::isfinite(numbers.front()))
    fail(fmt::format("the time step '{}' in the metadata of {} is no number above 0", kTimeStepKey, nodeText(name)));
  if (graph.timeStep && *graph.timeStep != numbers.front())
    fail(fmt::format("the metadata of {} say a time step of {} s, and others {} s; there is one for all",
                     nodeText(name), numbers.front(), *graph.timeStep));
  graph.timeStep = numbers.front();
}

void Builder::addGraph(const Group &group, const std::string &name, size_t &inlet, size_t &outlet) {
  const auto nodes = group.groups.find("nodes");
  const auto edges = group.values.find("edges");
  if (nodes == group.groups.end() || edges == group.values.end())
    fail(fmt::format("{} has no 'nodes' and 'edges', which a NIRGraph has", nodeText(name)));
  for (const auto &[field, value] : group.values)
    if (field != "type" && field != "edges")
      fail(fmt::format("{} (NIRGraph) has a field '{}', which is not known", nodeText(name), field));
  for (const auto &[child, inside] : group.groups)
    if (child != "nodes" && child != "metadata")
      fail(fmt::format("{} (NIRGraph) has a group '{}', which is not known", nodeText(name), child));
  readTimeStep(group, name);
  std::map<std::string, std::pair<size_t, size_t>> ends; // where edges go in and come out
  std::vector<size_t> inputs, outputs;
  for (const auto &[field, child] : nodes->second.groups) {
    const std::string full = name.empty() ? field : name + "." + field;
    const std::string type = textOf(child, "type", nodeText(full));
    size_t in = graph.nodes.size(), out = in;
    if (type == "NIRGraph")
      addGraph(child, full, in, out);
    else
      addNode(child, full, type);
    ends.emplace(field, std::pair(in, out));
    if (type == "Input")
      inputs.push_back(in);
    if (type == "Output")
      outputs.push_back(in);
  }
  addEdges(edges->second, name, ends);
  if (inputs.size() != 1 || outputs.size() != 1)
    fail(fmt::format("{} has {} nodes of type Input and {} of type Output, expected one of each", nodeText(name),
                     inputs.size(), outputs.size()));
  inlet = inputs.front();
  outlet = outputs.front();
  if (!name.empty()) {
    inner.insert(inlet);
    inner.insert(outlet);
  }
}

void Builder::contract(const std::set<size_t> &inner) {
  // Looked at as they come: through graphs that only pass on, few edges would become any number.
  std::set<std::pair<size_t, size_t>> once;
  auto check = [&](const std::pair<size_t, size_t> &edge) {
    if (!once.insert(edge).second)
      fail(fmt::format("'{}' leads to '{}' twice", graph.nodes[edge.first].name, graph.nodes[edge.second].name));
    if (once.size() > mostEdges)
      fail(fmt::format("the graph has more than {} edges", mostEdges));
  };
  std::ranges::for_each(graph.edges, check);
  for (size_t node : inner) {
    const std::vector<size_t> before = graph.before(node), after = graph.after(node);
    if (std::ranges::count(before, node) != 0)
      fail(fmt::format("{} leads to itself", nodeText(graph.nodes[node].name)));
    std::erase_if(graph.edges, [&](const auto &edge) { return edge.first == node || edge.second == node; });
    for (size_t from : before)
      for (size_t to : after) {
        graph.edges.emplace_back(from, to);
        check(graph.edges.back());
      }
  }
  std::vector<size_t> place(graph.nodes.size());
  std::vector<Node> kept;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    place[i] = kept.size();
    if (!inner.contains(i))
      kept.push_back(std::move(graph.nodes[i]));
  }
  graph.nodes = std::move(kept);
  for (auto &[from, to] : graph.edges) {
    from = place[from];
    to = place[to];
  }
}

Group groupOf(const Node &node) {
  Group group;
  group.values = node.fields;
  group.values.emplace("type", scalar(node.type));
  if (!node.metadata.empty())
    group.groups["metadata"].values = node.metadata;
  return group;
}

} // namespace

std::vector<size_t> Graph::before(size_t node) const {
  std::vector<size_t> result;
  for (const auto &[from, to] : edges)
    if (to == node)
      result.push_back(from);
  return result;
}

std::vector<size_t> Graph::after(size_t node) const {
  std::vector<size_t> result;
  for (const auto &[from, to] : edges)
    if (from == node)
      result.push_back(to);
  return result;
}

Graph nir::graphOf(const Group &root, const std::string &path) {
  Graph graph;
  const auto version = root.values.find("version");
  const auto node = root.groups.find("node");
  if (version == root.values.end() || version->second.kind != Value::Kind::Text || version->second.texts.size() != 1 ||
      node == root.groups.end())
    throw DataError(fmt::format("{}: has no 'version' and 'node', which a NIR file has", path));
  graph.version = version->second.texts.front();
  if (!graph.version.starts_with("0.") && !graph.version.starts_with("1."))
    throw DataError(fmt::format("{}: is of NIR's version '{}'; known are 0 and 1", path, graph.version));
  const auto type = node->second.values.find("type");
  if (type == node->second.values.end() || type->second.texts != std::vector<std::string>{"NIRGraph"})
    throw DataError(fmt::format("{}: holds no NIRGraph; a single node is no network", path));
  Builder builder(path, graph);
  size_t inlet = 0, outlet = 0;
  builder.addGraph(node->second, "", inlet, outlet);
  builder.contract(builder.inner);
  return graph;
}

Group nir::treeOf(const Graph &graph) {
  Group root;
  root.values.emplace("version", scalar(kVersion));
  Group &top = root.groups["node"];
  top.values.emplace("type", scalar("NIRGraph"));
  if (graph.timeStep)
    top.groups["metadata"].values.emplace(kTimeStepKey, scalar(*graph.timeStep));
  Group &nodes = top.groups["nodes"];
  Value edges;
  edges.kind = Value::Kind::Text;
  auto connect = [&](size_t from, size_t to) {
    edges.texts.push_back(graph.nodes[from].name);
    edges.texts.push_back(graph.nodes[to].name);
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    nodes.groups.emplace(graph.nodes[i].name, groupOf(graph.nodes[i]));
    if (const std::optional<size_t> feedback = graph.nodes[i].feedback) {
      connect(i, *feedback);
      connect(*feedback, i);
    }
  }
  for (const auto &[from, to] : graph.edges)
    connect(from, to);
  edges.shape = {int64_t(edges.texts.size() / 2), 2};
  top.values.emplace("edges", std::move(edges));
  return root;
}
