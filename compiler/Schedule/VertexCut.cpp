// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The largest flow, path by path, each a shortest one.

#include "compiler/Schedule/VertexCut.h"

#include <algorithm>

namespace snn {

unsigned VertexCut::addNode(int64_t cost) {
  const unsigned node = leaving.size() / 2 - 1;
  leaving.resize(leaving.size() + 2);
  addArc(in(node), out(node), cost);
  return node;
}

void VertexCut::addArc(unsigned from, unsigned to, int64_t room) {
  leaving[from].push_back(arcs.size());
  arcs.push_back({to, room});
  leaving[to].push_back(arcs.size());
  arcs.push_back({from, 0});
}

llvm::SmallVector<int> VertexCut::reach() const {
  llvm::SmallVector<int> by(leaving.size(), -1);
  llvm::SmallVector<unsigned> pending{kSource};
  for (unsigned next = 0; next < pending.size(); ++next)
    for (unsigned arc : leaving[pending[next]])
      if (unsigned to = arcs[arc].to; arcs[arc].room > 0 && to != kSource && by[to] < 0) {
        by[to] = int(arc);
        pending.push_back(to);
      }
  return by;
}

llvm::SmallVector<unsigned> VertexCut::solve() {
  llvm::SmallVector<int> by;
  while ((by = reach())[kSink] >= 0) {
    auto before = [&](unsigned place) { return arcs[by[place] ^ 1].to; };
    int64_t flow = kUnbounded;
    for (unsigned place = kSink; place != kSource; place = before(place))
      flow = std::min(flow, arcs[by[place]].room);
    if (flow == kUnbounded)
      break; // a path that no node is on
    for (unsigned place = kSink; place != kSource; place = before(place)) {
      arcs[by[place]].room -= flow;
      arcs[by[place] ^ 1].room += flow;
    }
  }
  llvm::SmallVector<unsigned> cut;
  for (unsigned node = 0; node < leaving.size() / 2 - 1; ++node)
    if (by[in(node)] >= 0 && by[out(node)] < 0)
      cut.push_back(node);
  return cut;
}

} // namespace snn
