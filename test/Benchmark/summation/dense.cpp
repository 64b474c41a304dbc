//===- dense.cpp - What blocks cost a dense product -----------------------===//
//
// c[row][column] = sum over k of a[row][k] * b[k][column] as chains of fused
// multiply-adds over `block` terms, the chains' sums added in ascending order.
// b lies in panels of the tile's width. The chains of a tile are registers; the
// totals are kept in memory (the tile of c itself) or in registers as well.
//
//   dense [ROWS K COLUMNS]
//
//===----------------------------------------------------------------------===//
#include "Measure.h"

namespace {

struct Shape {
  int rows, k, columns;
};

/// Panels of b: for each strip of `width` columns, all k, the strip's columns side by side.
Floats packed(const Floats &b, Shape shape, int width) {
  Floats panels(static_cast<size_t>(shape.k) * ((shape.columns + width - 1) / width * width));
  size_t at = 0;
  for (int first = 0; first < shape.columns; first += width)
    for (int k = 0; k < shape.k; ++k)
      for (int i = 0; i < width; ++i)
        panels[at++] = first + i < shape.columns ? b[static_cast<size_t>(k) * shape.columns + first + i] : 0;
  return panels;
}

enum class Totals { Memory, Registers };

template <int Rows, int Vectors> struct Tile {
  Vector at[Rows][Vectors];

  void add(const float *c, int ldc) {
    for (int i = 0; i < Rows; ++i)
      for (int v = 0; v < Vectors; ++v)
        at[i][v] = load(c + i * ldc + v * kLanes) + at[i][v];
  }
  /// A product that underflows leaves a chain at -0; added to a total, which starts at +0, it is +0.
  void addZero() {
    for (int i = 0; i < Rows; ++i)
      for (int v = 0; v < Vectors; ++v)
        at[i][v] = Vector(0) + at[i][v];
  }
  void put(float *c, int ldc) const {
    for (int i = 0; i < Rows; ++i)
      for (int v = 0; v < Vectors; ++v)
        store(c + i * ldc + v * kLanes, at[i][v]);
  }
  [[gnu::always_inline]] void term(const float *a, int lda, const float *panel, int k) {
    Vector row[Vectors];
    for (int v = 0; v < Vectors; ++v)
      row[v] = load(panel + static_cast<size_t>(k) * Vectors * kLanes + v * kLanes);
    for (int i = 0; i < Rows; ++i)
      for (int v = 0; v < Vectors; ++v)
        at[i][v] = fma(a[static_cast<size_t>(i) * lda + k], row[v], at[i][v]);
  }
};

/// One tile over terms [begin, end): chains of `Block` terms from +0, or one chain if `Block` is 0. `started` says
/// that c holds a total already; a single chain then goes on from it.
template <int Rows, int Vectors, int Block, Totals Where, int Unroll>
[[gnu::always_inline]] inline void tile(const float *a, int lda, const float *panel, float *c, int ldc, int begin,
                                        int end, bool started) {
  Tile<Rows, Vectors> total{};
  if (Where == Totals::Registers && started)
    total.add(c, ldc);
  for (int first = begin; first < end;) {
    const int last = Block ? std::min(first + Block, end) : end;
    Tile<Rows, Vectors> sum{};
    if (!Block && started)
      sum.add(c, ldc);
    if (Unroll > 1 && Block && last - first == Block) {
#pragma clang loop unroll_count(Unroll)
      for (int k = 0; k < Block; ++k)
        sum.term(a, lda, panel, first + k);
    } else {
      for (int k = first; k < last; ++k)
        sum.term(a, lda, panel, k);
    }
    if constexpr (Where == Totals::Registers) {
      for (int i = 0; i < Rows; ++i)
        for (int v = 0; v < Vectors; ++v)
          total.at[i][v] += sum.at[i][v];
    } else {
      if (Block)
        started ? sum.add(c, ldc) : sum.addZero();
      sum.put(c, ldc);
    }
    started = true;
    first = last;
  }
  if constexpr (Where == Totals::Registers)
    total.put(c, ldc);
}

/// The product; rows are multiples of the tile's, c is padded to whole panels. `pass` terms are taken for all rows
/// before the next ones are, so that the part of a panel in use stays in the first-level cache. `upper` is null, or
/// takes the sums of 64 blocks each as terms of a second level, and is the result then.
template <int Rows, int Vectors, int Block, Totals Where = Totals::Memory, int Unroll = 8>
void product(const Floats &a, const Floats &panels, const Floats &c, Shape shape, int ldc, int pass,
             const Floats *upper = nullptr) {
  constexpr int width = Vectors * kLanes;
  const int span = upper ? 64 * Block : shape.k;
  for (int column = 0; column < shape.columns; column += width)
    for (int start = 0; start < shape.k; start += span)
      for (int stop = std::min(start + span, shape.k), begin = start; begin < stop; begin += pass)
        for (int row = 0; row < shape.rows; row += Rows) {
          float *to = c + static_cast<size_t>(row) * ldc + column;
          const int end = std::min(begin + pass, stop);
          tile<Rows, Vectors, Block, Where, Unroll>(a + static_cast<size_t>(row) * shape.k, shape.k,
                                                    panels + static_cast<size_t>(column) * shape.k, to, ldc, begin, end,
                                                    begin > start);
          if (!upper || end < stop)
            continue;
          Tile<Rows, Vectors> sum{};
          sum.add(to, ldc);
          float *above = *upper + static_cast<size_t>(row) * ldc + column;
          if (start)
            sum.add(above, ldc);
          sum.put(above, ldc);
        }
}

/// The order, written down.
void reference(const Floats &a, const Floats &b, const Floats &c, Shape shape, int ldc, int block, int span) {
  Floats chain(ldc), total(ldc), above(ldc);
  auto addTo = [&](Floats &to, Floats &from) {
    for (int n = 0; n < shape.columns; ++n)
      to[n] += from[n];
    from.clear();
  };
  for (int row = 0; row < shape.rows; ++row) {
    for (int k = 0; k < shape.k; ++k) {
      for (int n = 0; n < shape.columns; ++n)
        chain[n] = __builtin_fmaf(a[static_cast<size_t>(row) * shape.k + k],
                                  b[static_cast<size_t>(k) * shape.columns + n], chain[n]);
      if ((k + 1) % block == 0 || k + 1 == shape.k)
        addTo(total, chain);
      if ((k + 1) % span == 0 || k + 1 == shape.k)
        addTo(above, total);
    }
    std::memcpy(c + static_cast<size_t>(row) * ldc, above, shape.columns * sizeof(float));
    above.clear();
  }
}

#if LANES == 16
constexpr int kTileRows = 12, kSmallRows = 6;
#else
constexpr int kTileRows = 6, kSmallRows = 3;
#endif

void measure(Shape shape) {
  const Shape rounded{(shape.rows + kTileRows - 1) / kTileRows * kTileRows, shape.k, shape.columns};
  const int ldc = (shape.columns + 2 * kLanes - 1) / (2 * kLanes) * 2 * kLanes;
  Floats a(static_cast<size_t>(rounded.rows) * shape.k), b(static_cast<size_t>(shape.k) * shape.columns);
  Floats c(static_cast<size_t>(rounded.rows) * ldc), upper(c.count()), expected(c.count());
  fillUniform(a, 1, 0, 1);
  fillUniform(b, 2, -1, 1);
  for (int k = 0; k < shape.k; ++k) // products that underflow to -0
    b[static_cast<size_t>(k) * shape.columns + 3] = -0x1p-149f;
  for (int k = 0; k < shape.k; ++k)
    a[k] = 0.25f;
  const Floats panels = packed(b, shape, 2 * kLanes);
  const int whole = shape.k, pass = 512;

  reference(a, b, expected, rounded, ldc, 64, whole);
  product<kTileRows, 2, 64>(a, panels, c, rounded, ldc, pass);
  expectBits(c, expected, "passes of 512");
  product<kTileRows, 2, 64, Totals::Memory, 1>(a, panels, c, rounded, ldc, whole);
  expectBits(c, expected, "one pass");
  product<kSmallRows, 2, 64, Totals::Registers>(a, panels, c, rounded, ldc, pass);
  expectBits(c, expected, "totals in registers");
  reference(a, b, expected, rounded, ldc, 64, 4096);
  product<kTileRows, 2, 64>(a, panels, c, rounded, ldc, pass, &upper);
  expectBits(upper, expected, "two levels");

  Race race("dense product " + std::to_string(rounded.rows) + " x " + std::to_string(shape.k) + " x " +
            std::to_string(shape.columns));
  race.add("one chain", [&] { product<kTileRows, 2, 0>(a, panels, c, rounded, ldc, pass); });
  race.add("blocks of 32", [&] { product<kTileRows, 2, 32>(a, panels, c, rounded, ldc, pass); });
  race.add("blocks of 64", [&] { product<kTileRows, 2, 64>(a, panels, c, rounded, ldc, pass); });
  race.add("blocks of 128", [&] { product<kTileRows, 2, 128>(a, panels, c, rounded, ldc, pass); });
  race.add("blocks of 256", [&] { product<kTileRows, 2, 256>(a, panels, c, rounded, ldc, pass); });
  race.add("blocks of 64, two levels", [&] { product<kTileRows, 2, 64>(a, panels, c, rounded, ldc, pass, &upper); });
  race.add("blocks of 64, loop not unrolled",
           [&] { product<kTileRows, 2, 64, Totals::Memory, 1>(a, panels, c, rounded, ldc, pass); });
  race.add("blocks of 64, all rows per block", [&] { product<kTileRows, 2, 64>(a, panels, c, rounded, ldc, 64); });
  race.add("half the tile, one chain", [&] { product<kSmallRows, 2, 0>(a, panels, c, rounded, ldc, pass); });
  race.add("half the tile, blocks of 64, totals in memory",
           [&] { product<kSmallRows, 2, 64>(a, panels, c, rounded, ldc, pass); });
  race.add("half the tile, blocks of 64, in registers",
           [&] { product<kSmallRows, 2, 64, Totals::Registers>(a, panels, c, rounded, ldc, pass); });
  race.print(2.0 * rounded.rows * shape.k * ldc);
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 4) {
    measure({std::atoi(argv[1]), std::atoi(argv[2]), std::atoi(argv[3])});
    return 0;
  }
  for (Shape shape : {Shape{128, 784, 128}, Shape{912, 128, 512}, Shape{128, 1000, 1000}, Shape{128, 8192, 256}})
    measure(shape);
}
