//===- orders.cpp - Sums in a stated order, for accuracy.py ---------------===//
//
// The rule of docs/summation.md and its rivals, written for reading: one place
// where terms are added, levels of partial sums above it. A library for ctypes.
//
//===----------------------------------------------------------------------===//
#include <algorithm>
#include <cstring>
#include <vector>

namespace {

using Row = std::vector<float>;

void add(Row &to, const Row &from) {
  for (size_t i = 0; i < to.size(); ++i)
    to[i] += from[i];
}

/// Sums that wait for a partner of their size; 1, 2, 4, ... leaves each. What is left over at the end is added from
/// the smallest to the largest.
class Tree {
public:
  explicit Tree(size_t width) : width(width) {}
  void leaf(Row sum) {
    size_t level = 0;
    for (; level < waiting.size() && !waiting[level].empty(); ++level) {
      add(waiting[level], sum);
      sum = std::move(waiting[level]);
      waiting[level].clear();
    }
    if (level == waiting.size())
      waiting.emplace_back();
    waiting[level] = std::move(sum);
  }
  Row sum() {
    Row all;
    for (Row &row : waiting)
      if (!row.empty()) {
        if (!all.empty())
          add(row, all);
        all = row;
      }
    return all.empty() ? Row(width, 0.0f) : all;
  }

private:
  size_t width;
  std::vector<Row> waiting;
};

} // namespace

/// How block sums are added: in one chain; in a binary tree; in chains of 64, whose sums are terms of a level above,
/// and so on.
enum Above { Ascending = 0, Pairwise = 1, Levels = 2 };

namespace {

class Blocks {
public:
  Blocks(size_t width, Above above) : width(width), above(above), tree(width) {}
  void add(const Row &block) {
    if (above == Pairwise)
      tree.leaf(block);
    else
      add(block, 0);
  }
  Row sum() {
    if (above == Pairwise)
      return tree.sum();
    Row all(width, 0.0f);
    for (const Level &level : levels) { // what is not full yet goes up as it is
      Row total = level.total;
      ::add(total, all);
      all = std::move(total);
    }
    return all;
  }

private:
  struct Level {
    Row total;
    int terms = 0;
  };
  void add(const Row &term, size_t at) {
    if (at == levels.size())
      levels.push_back({Row(width, 0.0f)});
    ::add(levels[at].total, term);
    if (above == Levels && ++levels[at].terms == 64) {
      const Row full = levels[at].total;
      levels[at] = {Row(width, 0.0f)};
      add(full, at + 1);
    }
  }
  size_t width;
  Above above;
  Tree tree;
  std::vector<Level> levels;
};

} // namespace

/// out[m][n] = sum over l of a[m][l] * b[l][n], in f32.
/// group: terms whose sum from +0 is one term of a chain (0: none). block: terms in a chain (0: one chain).
/// run: terms after which groups and blocks restart (0: never). parts: how many even shares of the runs are summed on
/// their own, then in a binary tree. above: how block sums are added within a part.
extern "C" void contract(const float *a, const float *b, float *out, long rows, long terms, long columns, long group,
                         long block, long run, long parts, int above) {
  const size_t width = static_cast<size_t>(columns);
  const long unit = run ? run : terms, runs = (terms + unit - 1) / unit;
  for (long m = 0; m < rows; ++m) {
    Tree tree(width);
    for (long part = 0; part < parts; ++part) {
      Blocks blocks(width, static_cast<Above>(above));
      const long end = std::min((part + 1) * runs / parts * unit, terms);
      for (long start = part * runs / parts * unit; start < end; start += unit) {
        const long stop = std::min(start + unit, end);
        for (long first = start; first < stop; first += block ? block : stop - start) {
          const long last = block ? std::min(first + block, stop) : stop;
          Row chain(width, 0.0f);
          if (group)
            for (long l = first; l < last; l += group) {
              Row sum(width, 0.0f);
              for (long i = l; i < std::min(l + group, last); ++i)
                for (size_t n = 0; n < width; ++n)
                  sum[n] = __builtin_fmaf(a[m * terms + i], b[i * columns + n], sum[n]);
              add(chain, sum);
            }
          else
            for (long l = first; l < last; ++l)
              for (size_t n = 0; n < width; ++n)
                chain[n] = __builtin_fmaf(a[m * terms + l], b[l * columns + n], chain[n]);
          blocks.add(chain);
        }
      }
      tree.leaf(blocks.sum());
    }
    const Row sum = tree.sum();
    std::memcpy(out + m * columns, sum.data(), width * sizeof(float));
  }
}

/// out[n] = sum over l of b[l][n] over lanes: `chains` virtual chains (l mod chains) of `block` terms each, blocks
/// ascending, the chains' totals in a halving tree.
extern "C" void fold(const float *b, float *out, long terms, long columns, long chains, long block) {
  const size_t width = static_cast<size_t>(columns);
  std::vector<Row> totals(chains, Row(width, 0.0f));
  for (long c = 0; c < chains; ++c) {
    Row chain(width, 0.0f);
    long inBlock = 0;
    for (long l = c; l < terms; l += chains) {
      for (size_t n = 0; n < width; ++n)
        chain[n] += b[l * columns + n];
      if (block && ++inBlock == block) {
        add(totals[c], chain);
        std::fill(chain.begin(), chain.end(), 0.0f);
        inBlock = 0;
      }
    }
    add(totals[c], chain);
  }
  for (long half = chains / 2; half; half /= 2)
    for (long c = 0; c < half; ++c)
      add(totals[c], totals[c + half]);
  std::memcpy(out, totals[0].data(), width * sizeof(float));
}
