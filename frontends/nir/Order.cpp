// The order in which the nodes of a graph are written down as layers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/Graph.h"
#include "runtime/data/Errors.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace snn;
using namespace snn::nir;

namespace {

[[noreturn]] void fail(const std::string &path, const std::string &what) {
  throw DataError(fmt::format("{}: {}", path, what));
}

bool isWeight(const Node &node) { return node.type == "Linear" || node.type == "Affine"; }
bool isRecurrent(const Node &node) { return node.type == "LIF" || node.type == "CubaLIF"; }

/// A neuron and a weight that lead to each other, where the weight does nothing else.
void findFeedback(Graph &graph, const std::string &path) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!isWeight(graph.nodes[i]))
      continue;
    const std::vector<size_t> before = graph.before(i), after = graph.after(i);
    if (before != after || before.size() != 1 || !isRecurrent(graph.nodes[before.front()]))
      continue;
    Node &neuron = graph.nodes[before.front()];
    if (neuron.feedback)
      fail(path, fmt::format("the spikes of '{}' come back in two ways, through '{}' and '{}'; one is possible",
                             neuron.name, graph.nodes[*neuron.feedback].name, graph.nodes[i].name));
    neuron.feedback = i;
    std::erase_if(graph.edges, [&](const auto &edge) { return edge.first == i || edge.second == i; });
  }
}

/// All nodes that `from` leads to along edges, or against them.
std::vector<bool> reach(const Graph &graph, size_t from, bool forward) {
  std::vector<bool> reached(graph.nodes.size());
  std::vector<size_t> open = {from};
  reached[from] = true;
  while (!open.empty()) {
    const size_t node = open.back();
    open.pop_back();
    for (size_t next : forward ? graph.after(node) : graph.before(node))
      if (!reached[next]) {
        reached[next] = true;
        open.push_back(next);
      }
  }
  return reached;
}

} // namespace

std::vector<size_t> nir::orderNodes(Graph &graph, const std::string &path) {
  findFeedback(graph, path);
  std::vector<bool> apart(graph.nodes.size()); // weights of feedback stand with their neurons
  std::optional<size_t> input, output;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].feedback)
      apart[*graph.nodes[i].feedback] = true;
    if (graph.nodes[i].type == "Input")
      input = i;
    if (graph.nodes[i].type == "Output")
      output = i;
  }
  if (!input || !output)
    fail(path, "has no Input and Output");
  const std::vector<bool> fed = reach(graph, *input, true), used = reach(graph, *output, false);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (apart[i])
      continue;
    if (!fed[i])
      fail(path, fmt::format("nothing leads from the input to '{}'", graph.nodes[i].name));
    if (!used[i])
      fail(path, fmt::format("'{}' does not lead to the output", graph.nodes[i].name));
  }
  if (!graph.before(*input).empty() || !graph.after(*output).empty())
    fail(path, "an edge leads to the Input or from the Output");

  std::vector<size_t> waits(graph.nodes.size());
  for (const auto &[from, to] : graph.edges)
    ++waits[to];
  std::vector<size_t> order, ready = {*input};
  while (!ready.empty()) {
    const size_t node = ready.back(); // what became ready last goes on with the chain
    ready.pop_back();
    order.push_back(node);
    std::vector<size_t> next = graph.after(node);
    std::ranges::reverse(next);
    for (size_t to : next)
      if (--waits[to] == 0)
        ready.push_back(to);
  }
  if (order.size() + size_t(std::ranges::count(apart, true)) == graph.nodes.size())
    return order;
  std::vector<std::string> names;
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    if (waits[i] != 0)
      names.push_back(graph.nodes[i].name);
  fail(path, fmt::format("there is a cycle through '{}'; what comes back can only be the spikes of a LIF or CubaLIF, "
                         "through one Linear or Affine",
                         fmt::join(names, "', '")));
}
