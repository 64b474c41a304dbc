// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The nodes of least cost that all paths go through, beside all sets of nodes.

#include "compiler/Schedule/VertexCut.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <vector>

namespace snn {
namespace {

struct Graph {
  std::vector<int64_t> costs;
  std::vector<std::vector<unsigned>> next;
  std::vector<bool> source, sink;

  llvm::SmallVector<unsigned> cut() const {
    VertexCut graph;
    for (int64_t cost : costs)
      graph.addNode(cost);
    for (unsigned node = 0; node < costs.size(); ++node) {
      for (unsigned to : next[node])
        graph.addEdge(node, to);
      if (source[node])
        graph.markSource(node);
      if (sink[node])
        graph.markSink(node);
    }
    return graph.solve();
  }
  int64_t costOf(llvm::ArrayRef<unsigned> nodes) const {
    return std::accumulate(nodes.begin(), nodes.end(), int64_t(0),
                           [&](int64_t sum, unsigned node) { return sum + costs[node]; });
  }
  bool separates(llvm::ArrayRef<unsigned> nodes) const {
    for (unsigned node = 0; node < costs.size(); ++node)
      if (source[node] && reachesSink(node, nodes))
        return false;
    return true;
  }
  bool reachesSink(unsigned node, llvm::ArrayRef<unsigned> without) const {
    if (llvm::is_contained(without, node))
      return false;
    return sink[node] || llvm::any_of(next[node], [&](unsigned to) { return reachesSink(to, without); });
  }
};

TEST(VertexCut, CostsAsLittleAsTheBestOfAllSets) {
  std::mt19937 random(1);
  auto upTo = [&](unsigned most) { return random() % (most + 1); };
  for (int round = 0; round < 300; ++round) {
    const unsigned count = 2 + upTo(8);
    Graph graph{{}, std::vector<std::vector<unsigned>>(count), std::vector<bool>(count), std::vector<bool>(count)};
    for (unsigned node = 0; node < count; ++node) {
      graph.costs.push_back(upTo(5) ? upTo(40) : 0);
      graph.source[node] = node == 0 || !upTo(4);
      graph.sink[node] = node + 1 == count || !upTo(4);
      for (unsigned to = node + 1; to < count; ++to)
        if (!upTo(2))
          graph.next[node].push_back(to);
    }
    int64_t least = INT64_MAX;
    for (unsigned set = 0; set < 1U << count; ++set) {
      llvm::SmallVector<unsigned> nodes;
      for (unsigned node = 0; node < count; ++node)
        if (set >> node & 1)
          nodes.push_back(node);
      if (graph.separates(nodes))
        least = std::min(least, graph.costOf(nodes));
    }
    llvm::SmallVector<unsigned> cut = graph.cut();
    EXPECT_TRUE(graph.separates(cut)) << "round " << round;
    EXPECT_EQ(graph.costOf(cut), least) << "round " << round;
  }
}

TEST(VertexCut, IsNearTheSourcesWhereItCostsAsMuch) {
  Graph chain{{7, 7, 7}, {{1}, {2}, {}}, {true, false, false}, {false, false, true}};
  EXPECT_EQ(chain.cut(), (llvm::SmallVector<unsigned>{0}));
  chain.costs[0] = 8;
  EXPECT_EQ(chain.cut(), (llvm::SmallVector<unsigned>{1}));
}

TEST(VertexCut, NeverCutsWhatIsUnbounded) {
  Graph chain{{7, VertexCut::kUnbounded, 9}, {{1}, {2}, {}}, {true, true, false}, {false, false, true}};
  EXPECT_EQ(chain.cut(), (llvm::SmallVector<unsigned>{2}));
}

} // namespace
} // namespace snn
