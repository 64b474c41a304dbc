//===- spikes.cpp - What groups and blocks cost products with spikes ------===//
//
// c[row][column] = sum over the k whose bit is set in spikes[row] of b[k][column].
// The order: groups of four inputs, a group's sum from +0 in ascending order;
// blocks of so many groups, a chain of group sums from +0; block sums ascending.
// Tables hold a group's 16 possible sums; gather adds the rows of the set bits.
// Both must give the same bits for every size of block.
//
//   spikes [ROWS K COLUMNS]
//
//===----------------------------------------------------------------------===//
#include "Measure.h"

#include <bit>

namespace {

struct Shape {
  int rows, k, columns; // k a multiple of 64, columns of the widest strip
};

using Words = std::vector<uint64_t>;

/// table[m] = table[m without its highest bit] + row[highest bit]: so each entry is ((0 + r_i) + r_j) + ... for its
/// bits i < j < ..., which is the order of gather. 0 + r is r but for r = -0, where it is +0: the first row of an
/// entry is added to +0 as well, not copied.
template <int Vectors> void fillTable(float *table, const float *b, int ldb) {
  constexpr int width = Vectors * kLanes;
  for (int v = 0; v < Vectors; ++v)
    store(table + v * kLanes, Vector(0));
  for (int bit = 0; bit < 4; ++bit)
    for (int v = 0; v < Vectors; ++v) {
      const Vector row = load(b + static_cast<size_t>(bit) * ldb + v * kLanes);
      for (int low = 0; low < 1 << bit; ++low)
        store(table + (low + (1 << bit)) * width + v * kLanes, load(table + low * width + v * kLanes) + row);
    }
}

/// `Groups` tables at once for a strip of `Vectors` vectors. `block` counts groups: 0 for a single chain, else a
/// multiple of Groups; where it is larger, the chains are kept beside the totals.
template <int Vectors, int Groups>
void tables(const Words &spikes, const Floats &b, const Floats &c, const Floats &chains, Shape shape, int block) {
  constexpr int width = Vectors * kLanes, inputs = 4 * Groups;
  alignas(64) static float table[Groups][16 * width];
  for (int column = 0; column < shape.columns; column += width)
    for (int k = 0; k < shape.k; k += inputs) {
      for (int g = 0; g < Groups; ++g)
        fillTable<Vectors>(table[g], b + static_cast<size_t>(k + 4 * g) * shape.columns + column, shape.columns);
      const bool first = block ? k % (4 * block) == 0 : k == 0;
      const bool last = block && ((k + inputs) % (4 * block) == 0 || k + inputs == shape.k);
      for (int row = 0; row < shape.rows; ++row) {
        float *total = c + static_cast<size_t>(row) * shape.columns + column;
        float *kept = block ? chains + static_cast<size_t>(row) * width : total;
        uint64_t bits = spikes[static_cast<size_t>(row) * (shape.k / 64) + k / 64] >> (k % 64);
        Vector sum[Vectors];
        for (int v = 0; v < Vectors; ++v)
          sum[v] = first ? Vector(0) : load(kept + v * kLanes);
        for (int g = 0; g < Groups; ++g, bits >>= 4)
          for (int v = 0; v < Vectors; ++v)
            sum[v] += load(table[g] + (bits & 15) * width + v * kLanes);
        if (last)
          for (int v = 0; v < Vectors; ++v)
            store(total + v * kLanes, k + inputs > 4 * block ? load(total + v * kLanes) + sum[v] : sum[v]);
        else
          for (int v = 0; v < Vectors; ++v)
            store(kept + v * kLanes, sum[v]);
      }
    }
}

/// Rows of set bits added to one chain: no groups, no blocks.
template <int Vectors> void plainGather(const Words &spikes, const Floats &b, const Floats &c, Shape shape) {
  constexpr int width = Vectors * kLanes;
  for (int column = 0; column < shape.columns; column += width)
    for (int row = 0; row < shape.rows; ++row) {
      Vector sum[Vectors] = {};
      for (int word = 0; word < shape.k / 64; ++word)
        for (uint64_t bits = spikes[static_cast<size_t>(row) * (shape.k / 64) + word]; bits; bits &= bits - 1) {
          const float *from = b + static_cast<size_t>(word * 64 + std::countr_zero(bits)) * shape.columns + column;
          for (int v = 0; v < Vectors; ++v)
            sum[v] += load(from + v * kLanes);
        }
      for (int v = 0; v < Vectors; ++v)
        store(c + static_cast<size_t>(row) * shape.columns + column + v * kLanes, sum[v]);
    }
}

/// The stated order: bits that have a successor in their group take the slower way, all others go to the chain at
/// once. `Block` counts words of 64 inputs; 0 is a single chain. Empty blocks are skipped: a total is never -0.
template <int Vectors, int Block> void gather(const Words &spikes, const Floats &b, const Floats &c, Shape shape) {
  constexpr int width = Vectors * kLanes;
  const int words = shape.k / 64, ldb = shape.columns;
  for (int column = 0; column < shape.columns; column += width)
    for (int row = 0; row < shape.rows; ++row) {
      float *total = c + static_cast<size_t>(row) * shape.columns + column;
      for (int v = 0; v < Vectors; ++v)
        store(total + v * kLanes, Vector(0));
      Vector sum[Vectors] = {};
      bool any = false;
      for (int word = 0; word < words; ++word) {
        const uint64_t all = spikes[static_cast<size_t>(row) * words + word];
        any |= all != 0;
        uint64_t groups = all | all >> 1;
        groups = (groups | groups >> 2) & 0x1111111111111111u;
        const float *of = b + static_cast<size_t>(word) * 64 * ldb + column;
        for (; groups; groups &= groups - 1) {
          const int at = std::countr_zero(groups);
          unsigned bits = all >> at & 15;
          const float *from = of + static_cast<size_t>(at + std::countr_zero(bits)) * ldb;
          bits &= bits - 1;
          if (!bits) {
            for (int v = 0; v < Vectors; ++v)
              sum[v] += load(from + v * kLanes);
            continue;
          }
          Vector group[Vectors];
          for (int v = 0; v < Vectors; ++v)
            group[v] = load(from + v * kLanes);
          do {
            from = of + static_cast<size_t>(at + std::countr_zero(bits)) * ldb;
            bits &= bits - 1;
            for (int v = 0; v < Vectors; ++v)
              group[v] += load(from + v * kLanes);
          } while (bits);
          for (int v = 0; v < Vectors; ++v)
            sum[v] += group[v];
        }
        if ((Block && word % Block == Block - 1) || word == words - 1) {
          if (any)
            for (int v = 0; v < Vectors; ++v) {
              store(total + v * kLanes, load(total + v * kLanes) + sum[v]);
              sum[v] = Vector(0);
            }
          any = false;
        }
      }
    }
}

/// What a spike row holds, listed once for all strips: the rows to add in order, where each block of them ends, and
/// the groups of several rows, whose sums are made first.
struct List {
  struct Several {
    int at;   // in rows
    int k;    // the group's first input
    int bits; // at least two
  };
  std::vector<int> rows, ends;
  std::vector<Several> several;

  /// `block` counts words of 64 inputs, 0 for none; without `grouped` each set bit is a row of its own.
  void make(const uint64_t *spikes, int words, int block, bool grouped) {
    rows.clear(), ends.clear(), several.clear();
    for (int word = 0; word < words; ++word) {
      const uint64_t all = spikes[word];
      if (!grouped)
        for (uint64_t bits = all; bits; bits &= bits - 1)
          rows.push_back(64 * word + std::countr_zero(bits));
      uint64_t groups = all | all >> 1;
      groups = grouped ? (groups | groups >> 2) & 0x1111111111111111u : 0;
      for (; groups; groups &= groups - 1) {
        const int at = std::countr_zero(groups);
        const int bits = static_cast<int>(all >> at & 15);
        if (bits & (bits - 1))
          several.push_back({static_cast<int>(rows.size()), 64 * word + at, bits});
        rows.push_back(64 * word + at + std::countr_zero(static_cast<unsigned>(bits)));
      }
      if ((block && word % block == block - 1) || word == words - 1)
        if (ends.empty() ? !rows.empty() : ends.back() < static_cast<int>(rows.size()))
          ends.push_back(static_cast<int>(rows.size()));
    }
  }
};

/// Gather from lists: the sums of groups with several rows are made beside each other first, so that the chains run
/// over rows without a branch between them.
template <int Vectors, int Block, bool Grouped>
void gatherLists(const Words &spikes, const Floats &b, const Floats &c, Shape shape) {
  constexpr int width = Vectors * kLanes;
  static List list;
  static std::vector<const float *> from;
  static Floats sums(static_cast<size_t>(4096) * width);
  const int words = shape.k / 64;
  for (int row = 0; row < shape.rows; ++row) {
    list.make(&spikes[static_cast<size_t>(row) * words], words, Block, Grouped);
    from.resize(list.rows.size());
    for (int column = 0; column < shape.columns; column += width) {
      for (size_t i = 0; i < list.rows.size(); ++i)
        from[i] = b + static_cast<size_t>(list.rows[i]) * shape.columns + column;
      float *to = sums;
      for (const List::Several &several : list.several) {
        const float *of = b + static_cast<size_t>(several.k) * shape.columns + column;
        unsigned bits = several.bits;
        const float *first = of + static_cast<size_t>(std::countr_zero(bits)) * shape.columns;
        bits &= bits - 1;
        const float *second = of + static_cast<size_t>(std::countr_zero(bits)) * shape.columns;
        Vector sum[Vectors];
        for (int v = 0; v < Vectors; ++v)
          sum[v] = load(first + v * kLanes) + load(second + v * kLanes);
        for (bits &= bits - 1; bits; bits &= bits - 1) {
          const float *next = of + static_cast<size_t>(std::countr_zero(bits)) * shape.columns;
          for (int v = 0; v < Vectors; ++v)
            sum[v] += load(next + v * kLanes);
        }
        for (int v = 0; v < Vectors; ++v)
          store(to + v * kLanes, sum[v]);
        from[several.at] = to;
        to += width;
      }
      float *total = c + static_cast<size_t>(row) * shape.columns + column;
      if (list.ends.empty())
        for (int v = 0; v < Vectors; ++v)
          store(total + v * kLanes, Vector(0));
      int i = 0;
      for (int end : list.ends) {
        const bool first = i == 0;
        Vector sum[Vectors] = {};
        for (; i < end; ++i)
          for (int v = 0; v < Vectors; ++v)
            sum[v] += load(from[i] + v * kLanes);
        for (int v = 0; v < Vectors; ++v)
          store(total + v * kLanes, first ? sum[v] : load(total + v * kLanes) + sum[v]);
      }
    }
  }
}

/// The order, written down.
void reference(const Words &spikes, const Floats &b, const Floats &c, Shape shape, int block) {
  for (int row = 0; row < shape.rows; ++row)
    for (int column = 0; column < shape.columns; ++column) {
      float total = 0, chain = 0;
      for (int group = 0; group < shape.k / 4; ++group) {
        float sum = 0;
        for (int k = 4 * group; k < 4 * group + 4; ++k)
          if (spikes[static_cast<size_t>(row) * (shape.k / 64) + k / 64] >> (k % 64) & 1)
            sum += b[static_cast<size_t>(k) * shape.columns + column];
        chain += sum;
        if (block && group % block == block - 1)
          total += chain, chain = 0;
      }
      c[static_cast<size_t>(row) * shape.columns + column] = total + chain;
    }
}

/// The gather of one order: blocks of so many groups, 0 for one chain.
template <bool Lists> auto gatherOf(int block) {
  auto pick = [](auto bits, auto lists) { return Lists ? lists : bits; };
  return block == 16   ? pick(gather<8, 1>, gatherLists<8, 1, true>)
         : block == 32 ? pick(gather<8, 2>, gatherLists<8, 2, true>)
         : block == 64 ? pick(gather<8, 4>, gatherLists<8, 4, true>)
         : block       ? pick(gather<8, 8>, gatherLists<8, 8, true>)
                       : pick(gather<8, 0>, gatherLists<8, 0, true>);
}

template <int Vectors, int Groups>
void race(Race &race, const char *name, const Words &spikes, const Floats &b, const Floats &c, const Floats &chains,
          Shape shape, int block) {
  race.add(name, [&, shape, block] { tables<Vectors, Groups>(spikes, b, c, chains, shape, block); });
}

void measure(Shape shape) {
  const size_t size = static_cast<size_t>(shape.rows) * shape.columns;
  Floats b(static_cast<size_t>(shape.k) * shape.columns), c(size), expected(size);
  Floats chains(static_cast<size_t>(shape.rows) * 8 * kLanes);
  fillUniform(b, 2, -1, 1);
  for (size_t i = 0; i < b.count(); i += 7)
    b[i] = -0.0f;
  const std::string dimensions =
      std::to_string(shape.rows) + " x " + std::to_string(shape.k) + " x " + std::to_string(shape.columns);
  for (float density : {0.5f, 0.2f, 0.1f, 0.05f}) {
    Words spikes(static_cast<size_t>(shape.rows) * (shape.k / 64));
    Random random(3);
    for (uint64_t &word : spikes)
      for (int bit = 0; bit < 64; ++bit)
        word |= static_cast<uint64_t>(random.next() < density) << bit;

    for (int block : {16, 32, 64, 128, 0}) {
      reference(spikes, b, expected, shape, block);
      const std::string what = ", blocks of " + std::to_string(block) + " groups";
      tables<2, 16>(spikes, b, c, chains, shape, block);
      expectBits(c, expected, "tables" + what);
      if (block <= 16) {
        tables<4, 8>(spikes, b, c, chains, shape, block);
        expectBits(c, expected, "tables of 8 groups" + what);
      }
      gatherOf<false>(block)(spikes, b, c, shape);
      expectBits(c, expected, "gather" + what);
      gatherOf<true>(block)(spikes, b, c, shape);
      expectBits(c, expected, "gather from lists" + what);
    }
    if (density == 0.5f) { // tables take the same time at every density
      Race all("tables, " + dimensions);
      race<4, 8>(all, "8 groups at once, 4 vectors, one chain", spikes, b, c, chains, shape, 0);
      race<4, 8>(all, "8 groups at once, 4 vectors, blocks of 8", spikes, b, c, chains, shape, 8);
      race<4, 8>(all, "8 groups at once, 4 vectors, blocks of 16", spikes, b, c, chains, shape, 16);
      race<4, 8>(all, "8 groups at once, 4 vectors, blocks of 32", spikes, b, c, chains, shape, 32);
      race<4, 8>(all, "8 groups at once, 4 vectors, blocks of 64", spikes, b, c, chains, shape, 64);
      race<4, 8>(all, "8 groups at once, 4 vectors, blocks of 128", spikes, b, c, chains, shape, 128);
      race<2, 16>(all, "16 groups at once, 2 vectors, one chain", spikes, b, c, chains, shape, 0);
      race<2, 16>(all, "16 groups at once, 2 vectors, blocks of 16", spikes, b, c, chains, shape, 16);
      race<2, 16>(all, "16 groups at once, 2 vectors, blocks of 64", spikes, b, c, chains, shape, 64);
      race<4, 16>(all, "16 groups at once, 4 vectors, one chain", spikes, b, c, chains, shape, 0);
      race<4, 16>(all, "16 groups at once, 4 vectors, blocks of 16", spikes, b, c, chains, shape, 16);
      race<4, 16>(all, "16 groups at once, 4 vectors, blocks of 64", spikes, b, c, chains, shape, 64);
      race<8, 4>(all, "4 groups at once, 8 vectors, one chain", spikes, b, c, chains, shape, 0);
      race<8, 4>(all, "4 groups at once, 8 vectors, blocks of 16", spikes, b, c, chains, shape, 16);
      all.print(2.0 * size * shape.k);
    }
    char title[80];
    std::snprintf(title, sizeof title, "gather, %s, %.0f %% set", dimensions.c_str(), 100 * density);
    Race all(title);
    all.add("no groups, one chain, lists", [&] { gatherLists<8, 0, false>(spikes, b, c, shape); });
    all.add("no groups, one chain, bits", [&] { plainGather<8>(spikes, b, c, shape); });
    all.add("no groups, blocks of 64 inputs, lists", [&] { gatherLists<8, 1, false>(spikes, b, c, shape); });
    all.add("no groups, blocks of 256 inputs, lists", [&] { gatherLists<8, 4, false>(spikes, b, c, shape); });
    all.add("groups, one chain, lists", [&] { gatherLists<8, 0, true>(spikes, b, c, shape); });
    all.add("groups, blocks of 16, lists", [&] { gatherLists<8, 1, true>(spikes, b, c, shape); });
    all.add("groups, blocks of 32, lists", [&] { gatherLists<8, 2, true>(spikes, b, c, shape); });
    all.add("groups, blocks of 64, lists", [&] { gatherLists<8, 4, true>(spikes, b, c, shape); });
    all.add("groups, blocks of 128, lists", [&] { gatherLists<8, 8, true>(spikes, b, c, shape); });
    all.add("groups, blocks of 16, bits", [&] { gather<8, 1>(spikes, b, c, shape); });
    all.add("groups, blocks of 64, bits", [&] { gather<8, 4>(spikes, b, c, shape); });
    all.add("tables, blocks of 16", [&] { tables<4, 8>(spikes, b, c, chains, shape, 16); });
    all.print(0);
  }
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 4) {
    measure({std::atoi(argv[1]), std::atoi(argv[2]), std::atoi(argv[3])});
    return 0;
  }
  for (Shape shape : {Shape{912, 128, 512}, Shape{128, 1024, 256}})
    measure(shape);
}
