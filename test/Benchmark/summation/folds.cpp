//===- folds.cpp - What blocks cost plain sums ----------------------------===//
//
// Column sums over many rows (a bias gradient) and sums over the lanes of a row
// (a fold over neurons), as one chain and in blocks of 64 terms.
//
//===----------------------------------------------------------------------===//
#include "Measure.h"

namespace {

/// out[n] = sum over rows of in[row][n], chains of `block` rows, their sums ascending; every 64 of these make one
/// term of the level above if `levels` is 2. 0 is one chain.
template <int Vectors> void columns(const Floats &in, const Floats &out, int rows, int width, int block, int levels) {
  for (int n = 0; n < width; n += Vectors * kLanes) {
    Vector total[Vectors] = {}, upper[Vectors] = {};
    int blocks = 0;
    for (int first = 0; first < rows;) {
      const int last = block ? std::min(first + block, rows) : rows;
      Vector sum[Vectors] = {};
      for (int row = first; row < last; ++row)
        for (int v = 0; v < Vectors; ++v)
          sum[v] += load(in + static_cast<size_t>(row) * width + n + v * kLanes);
      for (int v = 0; v < Vectors; ++v)
        total[v] += sum[v];
      if (levels == 2 && ++blocks % 64 == 0)
        for (int v = 0; v < Vectors; ++v)
          upper[v] += total[v], total[v] = Vector(0);
      first = last;
    }
    for (int v = 0; v < Vectors; ++v)
      store(out + n + v * kLanes, upper[v] + total[v]);
  }
}

/// `Chains` virtual chains (lane mod Chains), each in blocks of `block` of its terms (0: one block), and a halving
/// tree of them. The lanes are a multiple of Chains, or zeros up to one.
template <int Chains> float lanes(const float *in, int count, int block) {
  constexpr int vectors = Chains / kLanes;
  Vector total[vectors] = {};
  for (int first = 0; first < count;) {
    const int last = block ? std::min(first + Chains * block, count) : count;
    Vector sum[vectors] = {};
    for (int i = first; i < last; i += Chains)
      for (int v = 0; v < vectors; ++v)
        sum[v] += load(in + i + v * kLanes);
    for (int v = 0; v < vectors; ++v)
      total[v] = first ? total[v] + sum[v] : sum[v];
    first = last;
  }
  float chains[Chains];
  for (int v = 0; v < vectors; ++v)
    store(chains + v * kLanes, total[v]);
  for (int half = Chains / 2; half; half /= 2)
    for (int i = 0; i < half; ++i)
      chains[i] += chains[i + half];
  return chains[0];
}

void measureColumns(int rows) {
  constexpr int width = 128;
  Floats in(static_cast<size_t>(rows) * width), out(width);
  fillUniform(in, 1, -1, 1);
  Race race("column sums, " + std::to_string(rows) + " x 128");
  race.add("one chain", [&] { columns<4>(in, out, rows, width, 0, 1); });
  race.add("blocks of 64", [&] { columns<4>(in, out, rows, width, 64, 1); });
  race.add("blocks of 64, two levels", [&] { columns<4>(in, out, rows, width, 64, 2); });
  race.add("blocks of 32", [&] { columns<4>(in, out, rows, width, 32, 1); });
  race.print(static_cast<double>(rows) * width);
}

void measureLanes(int count) {
  const int padded = (count + 63) / 64 * 64, rows = std::max(1, (1 << 15) / padded);
  Floats in(static_cast<size_t>(rows) * padded), out(rows);
  fillUniform(in, 1, -1, 1);
  Race race("sums over " + std::to_string(padded) + " lanes");
  auto each = [&](auto sum) {
    return [&, sum] {
      for (int row = 0; row < rows; ++row)
        out[row] = sum(in + static_cast<size_t>(row) * padded);
    };
  };
  race.add("16 chains, no blocks", each([=](const float *row) { return lanes<16>(row, padded, 0); }));
  race.add("16 chains, blocks of 64", each([=](const float *row) { return lanes<16>(row, padded, 64); }));
  race.add("32 chains, no blocks", each([=](const float *row) { return lanes<32>(row, padded, 0); }));
  race.add("32 chains, blocks of 64", each([=](const float *row) { return lanes<32>(row, padded, 64); }));
  race.add("64 chains, blocks of 64", each([=](const float *row) { return lanes<64>(row, padded, 64); }));
  race.print(static_cast<double>(rows) * padded);
}

} // namespace

int main() {
  for (int rows : {512, 12800, 37000})
    measureColumns(rows);
  for (int count : {64, 512, 1024, 8192})
    measureLanes(count);
}
