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

#include <cmath>

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

/// One tile over terms [begin, end): chains of `block` terms from +0, or one chain if `block` is 0. `started` says
/// that c holds a total already; a single chain then goes on from it.
template <int Rows, int Vectors, int Block, Totals Where>
[[gnu::always_inline]] inline void tile(const float *a, int lda, const float *panel, float *c, int ldc, int begin,
                                        int end, bool started) {
  constexpr int width = Vectors * kLanes;
  Vector total[Rows][Vectors];
  if constexpr (Where == Totals::Registers)
    for (int i = 0; i < Rows; ++i)
      for (int v = 0; v < Vectors; ++v)
        total[i][v] = started ? load(c + i * ldc + v * kLanes) : Vector(0);
  for (int first = begin; first < end;) {
    const int last = Block ? std::min(first + Block, end) : end;
    Vector sum[Rows][Vectors];
    for (int i = 0; i < Rows; ++i)
      for (int v = 0; v < Vectors; ++v)
        sum[i][v] = !Block && started ? load(c + i * ldc + v * kLanes) : Vector(0);
    for (int k = first; k < last; ++k) {
      Vector row[Vectors];
      for (int v = 0; v < Vectors; ++v)
        row[v] = load(panel + static_cast<size_t>(k) * width + v * kLanes);
      for (int i = 0; i < Rows; ++i)
        for (int v = 0; v < Vectors; ++v)
          sum[i][v] = fma(a[static_cast<size_t>(i) * lda + k], row[v], sum[i][v]);
    }
    for (int i = 0; i < Rows; ++i)
      for (int v = 0; v < Vectors; ++v) {
        float *to = c + i * ldc + v * kLanes;
        if constexpr (Where == Totals::Registers)
          total[i][v] += sum[i][v];
        else
          store(to, Block && started ? load(to) + sum[i][v] : sum[i][v]);
      }
    started = true;
    first = last;
  }
  if constexpr (Where == Totals::Registers)
    for (int i = 0; i < Rows; ++i)
      for (int v = 0; v < Vectors; ++v)
        store(c + i * ldc + v * kLanes, total[i][v]);
}

/// The product; rows are multiples of the tile's, c is padded to whole panels. `pass` terms are taken for all rows
/// before the next ones are, so that the part of a panel in use stays in the first-level cache.
template <int Rows, int Vectors, int Block, Totals Where = Totals::Memory>
void product(const Floats &a, const Floats &panels, const Floats &c, Shape shape, int ldc, int pass) {
  constexpr int width = Vectors * kLanes;
  for (int column = 0; column < shape.columns; column += width)
    for (int begin = 0; begin < shape.k; begin += pass)
      for (int row = 0; row < shape.rows; row += Rows)
        tile<Rows, Vectors, Block, Where>(
            a + static_cast<size_t>(row) * shape.k, shape.k, panels + static_cast<size_t>(column) * shape.k,
            c + static_cast<size_t>(row) * ldc + column, ldc, begin, std::min(begin + pass, shape.k), begin > 0);
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
  Floats c(static_cast<size_t>(rounded.rows) * ldc), expected(c.count());
  fillUniform(a, 1, 0, 1);
  fillUniform(b, 2, -1, 1);
  const Floats panels = packed(b, shape, 2 * kLanes);
  const int whole = shape.k, pass = 512;

  product<kTileRows, 2, 64>(a, panels, expected, rounded, ldc, whole);
  auto check = [&](const char *what) {
    if (!sameBits(c, expected))
      std::printf("%s: other bits\n", what);
  };
  product<kTileRows, 2, 64>(a, panels, c, rounded, ldc, pass);
  check("passes of 512");
  product<kSmallRows, 2, 64, Totals::Registers>(a, panels, c, rounded, ldc, whole);
  check("totals in registers");

  Race race("dense product " + std::to_string(rounded.rows) + " x " + std::to_string(shape.k) + " x " +
            std::to_string(shape.columns));
  race.add("one chain, passes of 512", [&] { product<kTileRows, 2, 0>(a, panels, c, rounded, ldc, pass); });
  race.add("one chain, one pass", [&] { product<kTileRows, 2, 0>(a, panels, c, rounded, ldc, whole); });
  race.add("blocks of 32, passes of 512", [&] { product<kTileRows, 2, 32>(a, panels, c, rounded, ldc, pass); });
  race.add("blocks of 64, passes of 512", [&] { product<kTileRows, 2, 64>(a, panels, c, rounded, ldc, pass); });
  race.add("blocks of 128, passes of 512", [&] { product<kTileRows, 2, 128>(a, panels, c, rounded, ldc, pass); });
  race.add("blocks of 256, passes of 512", [&] { product<kTileRows, 2, 256>(a, panels, c, rounded, ldc, pass); });
  race.add("blocks of 64, one pass", [&] { product<kTileRows, 2, 64>(a, panels, c, rounded, ldc, whole); });
  race.add("blocks of 64, passes of 64", [&] { product<kTileRows, 2, 64>(a, panels, c, rounded, ldc, 64); });
  race.add("half the tile, one chain", [&] { product<kSmallRows, 2, 0>(a, panels, c, rounded, ldc, pass); });
  race.add("half the tile, 64, totals in registers",
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
