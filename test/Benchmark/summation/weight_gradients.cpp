//===- weight_gradients.cpp - What runs and parts cost dW = x^T dy --------===//
//
// dW[k][n] = sum over rows of x[row][k] * dy[row][n], a row being a sample and a
// time step. Groups and blocks restart at each run of so many samples; within a
// run, blocks of 64 rows. Parts of the batch are summed on their own, then in a
// binary tree. Dense from real x, and by tables over four rows of dy from spikes.
//
//   weight_gradients [SAMPLES STEPS INPUTS OUTPUTS]
//
//===----------------------------------------------------------------------===//
#include "Measure.h"

#include <array>

namespace {

struct Shape {
  int samples, steps, inputs, outputs;
  int rows() const { return samples * steps; }
};

/// Where blocks end: [begin, end) rows each. `run` counts samples, 0 for a batch that is one run; `block` counts
/// rows, 0 for one chain in a run.
struct Blocks {
  std::vector<int> ends;
  Blocks(int from, int to, int steps, int run, int block) {
    const int rows = run ? run * steps : to - from;
    for (int start = from; start < to; start += rows) {
      const int stop = std::min(start + rows, to);
      for (int first = start; first < stop; first += block ? block : rows)
        ends.push_back(std::min(first + (block ? block : rows), stop));
    }
  }
};

#if LANES == 16
constexpr int kTileRows = 12;
#else
constexpr int kTileRows = 6;
#endif

/// Adds the rows from `begin` up to the last block's end to dw, or starts dw with them.
void dense(const Floats &x, const Floats &dy, float *dw, Shape shape, int begin, const Blocks &blocks, bool started) {
  constexpr int width = 2 * kLanes;
  for (int n = 0; n < shape.outputs; n += width)
    for (int k = 0; k < shape.inputs; k += kTileRows) {
      int row = begin;
      bool add = started;
      for (int end : blocks.ends) {
        Vector sum[kTileRows][2] = {};
        for (; row < end; ++row) {
          const float *from = dy + static_cast<size_t>(row) * shape.outputs + n;
          const float *factors = x + static_cast<size_t>(row) * shape.inputs + k;
          const Vector first = load(from), second = load(from + kLanes);
          for (int i = 0; i < kTileRows; ++i) {
            sum[i][0] = fma(factors[i], first, sum[i][0]);
            sum[i][1] = fma(factors[i], second, sum[i][1]);
          }
        }
        for (int i = 0; i < kTileRows; ++i)
          for (int v = 0; v < 2; ++v) {
            float *to = dw + static_cast<size_t>(k + i) * shape.outputs + n + v * kLanes;
            store(to, (add ? load(to) : Vector(0)) + sum[i][v]);
          }
        add = true;
      }
    }
}

/// Spikes of one input over rows: four bits for each group. Groups restart at each block, the last one of a block
/// may hold fewer rows (its absent bits are 0).
struct Groups {
  std::vector<std::array<int, 2>> rows;    // first row, how many
  std::vector<std::pair<int, int>> blocks; // groups [first, last) of a block, at most 16
  std::vector<uint8_t> bits;               // [group][input]
  Groups(const Floats &x, Shape shape, int begin, const Blocks &of) {
    int row = begin;
    for (int end : of.ends) {
      while (row < end) { // a chain longer than the tables at hand goes on in a further entry
        const int first = static_cast<int>(rows.size());
        for (int g = 0; g < 16 && row < end; ++g) {
          const int count = std::min(4, end - row);
          rows.push_back({row, count});
          row += count;
        }
        blocks.push_back({first, static_cast<int>(rows.size())});
      }
    }
    bits.resize(rows.size() * shape.inputs);
    for (size_t g = 0; g < rows.size(); ++g)
      for (int i = 0; i < rows[g][1]; ++i)
        for (int k = 0; k < shape.inputs; ++k)
          bits[g * shape.inputs + k] |= (x[static_cast<size_t>(rows[g][0] + i) * shape.inputs + k] != 0) << i;
  }
};

/// `chained`: blocks are no blocks but pieces of one chain, which goes on from dw.
template <bool Chained> void tables(const Groups &groups, const Floats &dy, float *dw, Shape shape, bool started) {
  constexpr int vectors = 2, width = vectors * kLanes;
  alignas(64) static float table[16][16 * width];
  for (int n = 0; n < shape.outputs; n += width) {
    bool add = started;
    for (auto [first, last] : groups.blocks) {
      for (int g = first; g < last; ++g) {
        float *of = table[g - first];
        std::memset(of, 0, width * sizeof(float));
        for (int bit = 0; bit < 4; ++bit) {
          const bool there = bit < groups.rows[g][1];
          if (!there)
            break; // entries of absent rows are never read
          const float *row = dy + static_cast<size_t>(groups.rows[g][0] + bit) * shape.outputs + n;
          for (int v = 0; v < vectors; ++v) {
            const Vector values = load(row + v * kLanes);
            for (int low = 0; low < 1 << bit; ++low)
              store(of + (low + (1 << bit)) * width + v * kLanes, load(of + low * width + v * kLanes) + values);
          }
        }
      }
      const int count = last - first;
      const uint8_t *bits = &groups.bits[static_cast<size_t>(first) * shape.inputs];
      for (int k = 0; k < shape.inputs; ++k) {
        float *to = dw + static_cast<size_t>(k) * shape.outputs + n;
        Vector sum[vectors];
        for (int v = 0; v < vectors; ++v)
          sum[v] = Chained && add ? load(to + v * kLanes) : Vector(0);
        for (int g = 0; g < count; ++g) {
          const float *from = table[g] + bits[static_cast<size_t>(g) * shape.inputs + k] * width;
          for (int v = 0; v < vectors; ++v)
            sum[v] += load(from + v * kLanes);
        }
        for (int v = 0; v < vectors; ++v)
          store(to + v * kLanes, !Chained && add ? load(to + v * kLanes) + sum[v] : sum[v]);
      }
      add = true;
    }
  }
}

void addTo(float *to, const float *from, size_t count) {
  for (size_t i = 0; i < count; i += kLanes)
    store(to + i, load(to + i) + load(from + i));
}

/// So many parts of whole runs, as even as they can be, each from `chunk` samples at a time, then a binary tree of
/// them, whose waiting sums are as many as the tree has levels.
class Parts {
public:
  Parts(Shape shape, int run, int block, int parts, int chunk, const Floats &x) : shape(shape) {
    const int unit = run ? run : chunk, runs = (shape.samples + unit - 1) / unit;
    for (int part = 0; part < parts; ++part) {
      const int begin = part * runs / parts * unit, end = std::min((part + 1) * runs / parts * unit, shape.samples);
      for (int first = begin; first < end; first += chunk) {
        const int last = std::min(first + chunk, end);
        const Blocks blocks(first * shape.steps, last * shape.steps, shape.steps, run, block);
        chunks.push_back(
            {first * shape.steps, first == begin, last == end, blocks, Groups(x, shape, first * shape.steps, blocks)});
      }
    }
    const size_t count = static_cast<size_t>(shape.inputs) * shape.outputs;
    for (int level = 0; level < 6; ++level)
      waiting.emplace_back(count);
  }
  void denseInto(const Floats &x, const Floats &dy) {
    run([&](const Chunk &chunk, float *to) { dense(x, dy, to, shape, chunk.row, chunk.blocks, !chunk.first); });
  }
  void tablesInto(const Floats &dy, bool chained = false) {
    run([&](const Chunk &chunk, float *to) {
      chained ? tables<true>(chunk.groups, dy, to, shape, !chunk.first)
              : tables<false>(chunk.groups, dy, to, shape, !chunk.first);
    });
  }
  size_t groupCount() const {
    size_t count = 0;
    for (const Chunk &chunk : chunks)
      count += chunk.groups.rows.size();
    return count;
  }
  const Floats &result() const { return waiting[0]; }

private:
  struct Chunk {
    int row;
    bool first, last;
    Blocks blocks;
    Groups groups;
  };
  /// The part at hand is summed into the lowest place that is free; a full pair becomes one a level higher.
  template <class Kernel> void run(Kernel kernel) {
    int depth = 0;
    std::vector<int> sizes;
    for (const Chunk &chunk : chunks) {
      kernel(chunk, waiting[depth]);
      if (!chunk.last)
        continue;
      sizes.push_back(1);
      for (++depth; sizes.size() > 1 && sizes.back() == sizes[sizes.size() - 2]; --depth)
        merge(sizes, depth);
    }
    for (; sizes.size() > 1; --depth)
      merge(sizes, depth);
  }
  void merge(std::vector<int> &sizes, int depth) {
    addTo(waiting[depth - 2], waiting[depth - 1], waiting[0].count());
    sizes[sizes.size() - 2] += sizes.back();
    sizes.pop_back();
  }
  Shape shape;
  std::vector<Chunk> chunks;
  std::vector<Floats> waiting;
};

/// The run of the rule: so many samples, a power of two, that it has 64 rows.
int runOf(int steps) {
  int samples = 1;
  while (samples * steps < 64)
    samples *= 2;
  return samples;
}
/// As many parts, a power of two and at most 16, as have `rows` rows each.
int partsOf(Shape shape, int rows) {
  int parts = 1;
  while (parts < 16 && shape.rows() >= 2 * parts * rows)
    parts *= 2;
  return parts;
}

/// The order, written down, for one part: `grouped` for spikes.
void reference(const Floats &x, const Floats &dy, const Floats &dw, Shape shape, int begin, int end, int run,
               bool grouped) {
  for (int k = 0; k < shape.inputs; ++k) {
    std::vector<float> total(shape.outputs), chain(shape.outputs), group(shape.outputs);
    auto addTo = [](std::vector<float> &to, std::vector<float> &from) {
      for (size_t n = 0; n < to.size(); ++n)
        to[n] += from[n], from[n] = 0;
    };
    for (int start = begin; start < end; start += run * shape.steps)
      for (int row = start, stop = std::min(start + run * shape.steps, end); row < stop; ++row) {
        std::vector<float> &sum = grouped ? group : chain;
        for (int n = 0; n < shape.outputs; ++n)
          sum[n] = __builtin_fmaf(x[static_cast<size_t>(row) * shape.inputs + k],
                                  dy[static_cast<size_t>(row) * shape.outputs + n], sum[n]);
        const bool last = row + 1 == stop;
        if (grouped && ((row + 1 - start) % 4 == 0 || last))
          addTo(chain, group);
        if ((row + 1 - start) % 64 == 0 || last)
          addTo(total, chain);
      }
    std::memcpy(dw + static_cast<size_t>(k) * shape.outputs, total.data(), shape.outputs * sizeof(float));
  }
}

/// Both kernels against the order written down, whole and in four parts, from chunks of one run and of several.
void check(const Floats &x, const Floats &dy, Shape shape) {
  const int run = runOf(shape.steps);
  std::vector<Floats> quarters;
  for (bool grouped : {false, true})
    for (int parts : {1, 4}) {
      const int runs = (shape.samples + run - 1) / run;
      quarters.clear();
      for (int part = 0; part < parts; ++part) {
        auto at = [&](int p) { return std::min(p * runs / parts * run, shape.samples) * shape.steps; };
        quarters.emplace_back(static_cast<size_t>(shape.inputs) * shape.outputs);
        reference(x, dy, quarters.back(), shape, at(part), at(part + 1), run, grouped);
      }
      if (parts == 4) {
        addTo(quarters[0], quarters[1], quarters[0].count());
        addTo(quarters[2], quarters[3], quarters[0].count());
        addTo(quarters[0], quarters[2], quarters[0].count());
      }
      for (int chunk : {run, 4 * run}) {
        Parts kernel(shape, run, 64, parts, chunk, x);
        grouped ? kernel.tablesInto(dy) : kernel.denseInto(x, dy);
        expectBits(kernel.result(), quarters[0], std::string(grouped ? "tables" : "dense") + ", parts and chunks");
      }
    }
}

void measure(Shape shape) {
  Floats x(static_cast<size_t>(shape.rows()) * shape.inputs), dy(static_cast<size_t>(shape.rows()) * shape.outputs);
  fillUniform(dy, 2, -1, 1);
  Random random(3);
  for (size_t i = 0; i < x.count(); ++i)
    x[i] = random.next() < 0.2f ? 1 : 0; // the dense product takes the same time for any numbers
  const std::string title = std::to_string(shape.samples) + " samples x " + std::to_string(shape.steps) + " steps, " +
                            std::to_string(shape.inputs) + " x " + std::to_string(shape.outputs);
  const double flops = 2.0 * shape.rows() * shape.inputs * shape.outputs;
  const int steps = shape.steps, rule = runOf(steps);
  if (shape.samples / rule >= 4)
    check(x, dy, shape);

  std::vector<std::pair<std::string, Parts>> kinds;
  // Chunks of at most 256 rows, in whole runs: what stays in the second-level cache.
  auto kind = [&](std::string name, int run, int block, int parts) {
    const int chunk = run ? std::max(run, 256 / steps / run * run) : std::max(1, 256 / steps);
    kinds.emplace_back(std::move(name), Parts(shape, run, block, parts, std::min(shape.samples, chunk), x));
  };
  const std::string inRuns = "runs of " + std::to_string(rule);
  kind("one chain in a chunk", 0, 0, 1);
  kind("blocks of 64, no runs", 0, 64, 1);
  for (int run : {1, 2, 4, 8, 16, 32, 64})
    if (run * steps >= 8 && run <= rule)
      kind("runs of " + std::to_string(run) + ", blocks of 64", run, 64, 1);
  kind(inRuns + ", no blocks in them", rule, 0, 1);
  int tried = 1;
  for (int rows : {1024, 512, 256, 128, 64})
    if (const int parts = partsOf(shape, rows); parts > tried) {
      kind(inRuns + ", " + std::to_string(parts) + " parts of " + std::to_string(shape.rows() / parts) + " rows", rule,
           64, parts);
      tried = parts;
    }

  Race real("dense, " + title);
  for (auto &[name, parts] : kinds)
    real.add(name, [&parts = parts, &x, &dy] { parts.denseInto(x, dy); });
  real.print(flops);
  Race spikes("tables, " + title);
  for (auto &[name, parts] : kinds) {
    const bool chained = name.starts_with("one chain");
    spikes.add(name + ", groups " + std::to_string(parts.groupCount()),
               [&parts = parts, &dy, chained] { parts.tablesInto(dy, chained); });
  }
  spikes.print(flops);
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 5) {
    measure({std::atoi(argv[1]), std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4])});
    return 0;
  }
  for (int steps : {1, 7, 25, 100})
    measure({128, steps, 192, 128});
  measure({128, 25, 960, 512}); // dw leaves the second-level cache
}
