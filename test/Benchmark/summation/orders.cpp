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

/// How block sums are added.
enum Above { Ascending = 0, Pairwise = 1, TwoLevels = 2 };

/// out[m][n] = sum over l of a[m][l] * b[l][n], in f32.
/// group: terms whose sum from +0 is one term of a chain (0: none). block: terms in a chain (0: one chain).
/// run: terms after which groups and blocks restart (0: never). part: terms whose blocks are summed on their own,
/// the parts then in a tree (0: one part). above: how block sums are added within a part.
extern "C" void contract(const float *a, const float *b, float *out, long rows, long terms, long columns, long group,
                         long block, long run, long part, int above) {
  const size_t width = static_cast<size_t>(columns);
  for (long m = 0; m < rows; ++m) {
    Tree parts(width);
    for (long begin = 0; begin < terms; begin += part ? part : terms) {
      const long end = part ? std::min(begin + part, terms) : terms;
      Row total(width, 0.0f), upper(width, 0.0f);
      Tree tree(width);
      long blocks = 0;
      for (long start = begin; start < end; start += run ? run : end - begin) {
        const long stop = run ? std::min(start + run, end) : end;
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
          if (above == Pairwise)
            tree.leaf(chain);
          else
            add(total, chain);
          if (above == TwoLevels && ++blocks % 64 == 0) {
            add(upper, total);
            std::fill(total.begin(), total.end(), 0.0f);
          }
        }
      }
      if (above == TwoLevels)
        add(upper, total), total = upper;
      parts.leaf(above == Pairwise ? tree.sum() : total);
    }
    const Row sum = parts.sum();
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
