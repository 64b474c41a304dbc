// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// See HeldTables.h.

#include "compiler/Codegen/Cpu/Kernels/HeldTables.h"

using namespace mlir;

namespace snn::kernels {

HeldTables::HeldTables(Emitter &e, const Product &kernel, Memory tables)
    : e(e), kernel(kernel), tables(tables), groups(llvm::divideCeil(kernel.depth, kGroup)) {
  assert(levelsOf(kernel.depth) == 1 && "totals have no lower levels");
}

void HeldTables::forColumns(const std::function<void(Value column, int64_t vectors)> &emit) {
  forStrips(e, kernel.columns, e.target.registers() / (2 * kHeldRows), emit);
}

Value HeldTables::tableAt(Value column, Value group, int64_t vectors) {
  const int64_t width = vectors * e.machineLanes();
  return e.add(e.mul(column, groups * kEntries), e.mul(group, kEntries * width));
}

void HeldTables::fill() {
  forColumns([&](Value column, int64_t vectors) {
    const int64_t width = vectors * e.machineLanes();
    e.loop(e.index(groups), [&](Value group) {
      Value table = tableAt(column, group, vectors);
      storeStrip(e, zeros(e, vectors), tables, table);
      for (int64_t lane = 0; lane < width; lane += e.machineLanes()) {
        SmallVector<Value> rows;
        for (int64_t bit = 0; bit < kGroup; ++bit) {
          Value k = e.minimum(e.add(e.mul(group, kGroup), bit), e.index(kernel.depth - 1));
          Value at = e.add(e.add(e.mul(k, kernel.b.stride), column), lane);
          rows.push_back(e.loadVector(kernel.b.at, at, e.machineLanes()));
        }
        forEntries(e, rows,
                   [&](int64_t entry, Value sum) { e.storeVector(sum, tables, e.add(table, entry * width + lane)); });
      }
    });
  });
}

void HeldTables::lookUp() {
  forColumns([&](Value column, int64_t vectors) {
    e.loop(e.index(0), kernel.rows, kHeldRows, [&](Value from) {
      // Beyond the last row that one again, which gets the same sums once more.
      SmallVector<Value> rows;
      for (int64_t row = 0; row < kHeldRows; ++row)
        rows.push_back(e.minimum(e.add(from, row), e.sub(kernel.rows, e.index(1))));
      walkLevels(e, kernel.depth,
                 {[&](Value start, int64_t count, Value first) {
                    Strip chains = sumBlock(rows, column, vectors, start, count);
                    addToTotals(rows, column, vectors, chains, first);
                  },
                  nullptr});
    });
  });
}

Strip HeldTables::sumBlock(ArrayRef<Value> rows, Value column, int64_t vectors, Value start, int64_t count) {
  const int64_t width = vectors * e.machineLanes();
  // The words of all rows, of which each group in turn comes to be the lowest, and their chains.
  SmallVector<Value> state;
  for (Value row : rows)
    state.push_back(loadBlock(e, kernel.a, row, start, count));
  llvm::append_range(state, zeros(e, rows.size() * vectors));
  // Some groups are written out: a shift for each chooses at once, and the words move on once for all of them.
  const int64_t blockGroups = llvm::divideCeil(count, kGroup), together = blockGroups % 4 == 0 ? 4 : 1;
  Value firstGroup = e.div(start, kGroup);
  state = e.loop(e.index(0), e.index(blockGroups), together, state, [&](Value group, ValueRange now) {
    Value table = tableAt(column, e.add(firstGroup, group), vectors);
    Strip next, chains(now.drop_front(rows.size()));
    for (int64_t i = 0; i < together; ++i)
      for (size_t row = 0; row < rows.size(); ++row) {
        Value chosen = e.both(e.b.createOrFold<arith::ShRUIOp>(now[row], e.i64(i * kGroup)), e.i64(kEntries - 1));
        Value entry = e.add(e.add(table, i * kEntries * width), e.mul(e.toIndex(chosen), width));
        MutableArrayRef<Value> chain = MutableArrayRef(chains).slice(row * vectors, vectors);
        llvm::copy(addStrips(e, chain, loadStrip(e, tables, entry, vectors)), chain.begin());
      }
    for (size_t row = 0; row < rows.size(); ++row)
      next.push_back(e.b.createOrFold<arith::ShRUIOp>(now[row], e.i64(together * kGroup)));
    llvm::append_range(next, chains);
    return next;
  });
  return Strip(ArrayRef(state).drop_front(rows.size()));
}

void HeldTables::addToTotals(ArrayRef<Value> rows, Value column, int64_t vectors, ArrayRef<Value> chains, Value first) {
  auto at = [&](Value row) { return e.add(e.mul(row, kernel.c.stride), column); };
  auto store = [&](const std::function<Strip(Value row)> &before) {
    SmallVector<Strip> sums;
    for (auto [number, row] : llvm::enumerate(rows))
      sums.push_back(addStrips(e, before(row), chains.slice(number * vectors, vectors)));
    for (auto [row, sum] : llvm::zip_equal(rows, sums))
      storeStrip(e, sum, kernel.c.at, at(row));
  };
  e.when(
      first, [&] { store([&](Value) { return zeros(e, vectors); }); },
      [&] { store([&](Value row) { return loadStrip(e, kernel.c.at, at(row), vectors); }); });
}

} // namespace snn::kernels
