// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where to cut a small graph of values, so that what crosses the cut costs least to keep.

#ifndef SNN_COMPILER_SCHEDULE_VERTEXCUT_H
#define SNN_COMPILER_SCHEDULE_VERTEXCUT_H

#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace snn {

/// A directed graph whose nodes have costs, and the nodes of least cost in all that each path from a source to a sink
/// goes through (by the largest flow from sources to sinks, Ford and Fulkerson 1956). Meant for tens of nodes.
class VertexCut {
public:
  /// What is never cut costs this.
  static constexpr int64_t kUnbounded = INT64_MAX / 4;

  /// Costs are not negative. Gives the node's number, counted from 0.
  unsigned addNode(int64_t cost);
  void addEdge(unsigned from, unsigned to) { addArc(out(from), in(to), kUnbounded); }
  void markSource(unsigned node) { addArc(kSource, in(node), kUnbounded); }
  void markSink(unsigned node) { addArc(out(node), kSink, kUnbounded); }

  /// The nodes to cut, ascending. Of several sets that cost as much the one nearest to the sources. Called once.
  llvm::SmallVector<unsigned> solve();

private:
  static constexpr unsigned kSource = 0, kSink = 1;

  /// An arc and its counterpart lie side by side: `number ^ 1` is the other one.
  struct Arc {
    unsigned to;
    int64_t room;
  };

  // A node is an arc as wide as it costs, from where it is entered to where it is left.
  static unsigned in(unsigned node) { return 2 * node + 2; }
  static unsigned out(unsigned node) { return 2 * node + 3; }
  void addArc(unsigned from, unsigned to, int64_t room);
  /// For each place the arc by which it is reached from the source through arcs with room; -1 where it is not.
  llvm::SmallVector<int> reach() const;

  llvm::SmallVector<Arc> arcs;
  llvm::SmallVector<llvm::SmallVector<unsigned, 4>> leaving{2};
};

} // namespace snn

#endif // SNN_COMPILER_SCHEDULE_VERTEXCUT_H
