// A NIR graph as plain structs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_NIR_GRAPH_H
#define SNN_FRONTENDS_NIR_GRAPH_H

#include "frontends/nir/Hdf5.h"

#include <optional>
#include <utility>

namespace snn::nir {

/// The version of the format that is written, and the first number of those that are read.
inline constexpr const char *kVersion = "1.0";

/// Keys of metadata with which snnc says what NIR has no words for. On the graph: the time step in seconds, with which
/// time constants were made. On a neuron: its reset, if that is not NIR's, and that it comes a step later.
inline constexpr const char *kTimeStepKey = "dt";
inline constexpr const char *kResetKey = "snnc_reset";
inline constexpr const char *kDelayKey = "snnc_reset_delay";

struct Node {
  std::string name; ///< in a graph within the graph: "rnn.lif"
  std::string type; ///< "LIF"
  std::map<std::string, Value> fields;
  std::map<std::string, Value> metadata;
  /// Of a neuron: the node, of type Linear or Affine, through which its spikes come back.
  std::optional<size_t> feedback;
};

struct Graph {
  std::string version;
  std::optional<double> timeStep;
  std::vector<Node> nodes;
  std::vector<std::pair<size_t, size_t>> edges;

  std::vector<size_t> before(size_t node) const;
  std::vector<size_t> after(size_t node) const;
};

/// The graph of a tree as the package `nir` writes it. Graphs within the graph are taken apart: their nodes become
/// nodes of the whole. Throws DataError, which starts with `path`: what is missing, has another type, is a node type or
/// a field that is not known, numbers that are not finite, edges that lead nowhere or stand twice.
Graph graphOf(const Group &root, const std::string &path);

/// The tree, as the package `nir` would write it. A neuron's feedback becomes edges.
Group treeOf(const Graph &graph);

/// Finds neurons whose spikes come back through one Linear or Affine that does nothing else, as snnTorch writes RLeaky
/// and RSynaptic, and sets `feedback`. Returns all other nodes in an order in which each comes after those that it
/// takes, so that chains stay together. Throws DataError: other cycles, nodes that nothing leads to or that lead
/// nowhere, several inputs or outputs.
std::vector<size_t> orderNodes(Graph &graph, const std::string &path);

} // namespace snn::nir

#endif // SNN_FRONTENDS_NIR_GRAPH_H
