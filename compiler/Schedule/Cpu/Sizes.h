// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Numbers of the order of summation (docs/summation.md) that kernels are written for, and the memory that kernels need.

#ifndef SNN_COMPILER_SCHEDULE_CPU_SIZES_H
#define SNN_COMPILER_SCHEDULE_CPU_SIZES_H

#include "llvm/Support/MathExtras.h"

#include "llvm/ADT/SmallVector.h"

#include <algorithm>
#include <cstdint>

namespace snn::kernels {

inline constexpr int64_t kGroup = 4;     ///< positions, of spikes
inline constexpr int64_t kBlock = 64;    ///< positions
inline constexpr int64_t kLevel = 64;    ///< blocks, or terms of the level below
inline constexpr int64_t kRun = 64;      ///< terms, at least
inline constexpr int64_t kMaxLevels = 5; ///< of a sum: 64^5 blocks are more than any call has

/// Levels of a sum of so many terms, at least one.
inline int64_t levelsOf(int64_t terms, int64_t block = kBlock) {
  int64_t levels = 1;
  for (int64_t blocks = llvm::divideCeil(terms, block); blocks > kLevel; blocks = llvm::divideCeil(blocks, kLevel))
    ++levels;
  return levels;
}

/// At the start of a call's arena: what tasks find at fault; of the one task of a streaming build.
inline constexpr int64_t kFaultBytes = 1024, kStreamFaultBytes = 64;

/// Bytes of scratch memory, which begins at a multiple of 64: `constant` + `perRow` * rows.
struct Footprint {
  int64_t constant = 0, perRow = 0;

  Footprint operator+(Footprint other) const { return {constant + other.constant, perRow + other.perRow}; }
};

inline constexpr int64_t kTileBytes = 24 * 64;  ///< the largest register tile
inline constexpr int64_t kStripBytes = 128;     ///< columns for which tables are made at a time, if all groups are read
inline constexpr int64_t kWideStripBytes = 256; ///< and if few are: of some tables, few rows
/// Between two tables: else entries of the same bits would all lie in the same few places of a first cache.
inline constexpr int64_t kTableGap = 64;
/// Of 16 groups of a block, and of none. Columns are whole vectors of kLanes.
inline int64_t stripBytes(int64_t columns, int64_t realBytes) { return std::min(kWideStripBytes, columns * realBytes); }
inline int64_t tableBytes(int64_t columns, int64_t realBytes) {
  return 17 * (16 * stripBytes(columns, realBytes) + kTableGap);
}

/// Tables of all weights that are held over the steps of a scan, kHeldSteps at least: whether they are made, and those.
/// So many rows look up together. A multiple of 64 bytes, as columns are of kLanes.
inline constexpr int64_t kHeldRows = 4, kHeldSteps = 4, kHeldHeader = 64;
inline int64_t heldBytes(int64_t depth, int64_t columns, int64_t realBytes) {
  return kHeldHeader + int64_t(llvm::divideCeil(depth, kGroup)) * 16 * columns * realBytes;
}

/// Of spikes whose rows are gathered alone: lower totals of so many rows at a time.
inline constexpr int64_t kGatherRows = 16;
inline constexpr int64_t kGatherBytes = 16 * 64; ///< columns that are gathered at a time, at most
inline Footprint gatherScratch(int64_t depth, int64_t columns, int64_t realBytes) {
  return {(levelsOf(depth) - 1) * kGatherRows * std::min(kGatherBytes, columns * realBytes), 0};
}

/// Terms of a strip of B that are copied next to each other for all rows of A, of a product with one level.
inline constexpr int64_t kPanelTerms = 512, kPanels = 4, kPanelBytes = 128;
inline Footprint denseScratch(int64_t depth, bool panels) {
  return {panels ? std::min(depth, kPanelTerms) * kPanels * kPanelBytes : (levelsOf(depth) - 1) * kTileBytes, 0};
}
inline Footprint spikeScratch(int64_t depth, int64_t columns, int64_t realBytes) {
  return {tableBytes(columns, realBytes), (levelsOf(depth) - 1) * stripBytes(columns, realBytes)};
}

/// At most so many blocks in a RowOrder of whole runs and one row a step: none but each run's last has less than 64
/// rows, and a run has 64.
inline constexpr int64_t kRowsPerBlock = 32, kBlocksOfShortRun = 2;

/// Of a gradient from rows of `words` words: (tables,) one block's words, and the bits of all its blocks, transposed:
/// of a level at most, which is what many places have.
inline int64_t transposedBytes(int64_t words) { return (words + 3) / 4 * kBlock * int64_t(sizeof(int64_t)); }
inline Footprint transposeScratch(int64_t words, bool places = false) {
  Footprint square{kBlock * int64_t(sizeof(int64_t)), 0}, bits{kLevel * transposedBytes(words), 0};
  if (!places)
    bits = {kBlocksOfShortRun * transposedBytes(words), transposedBytes(words) / kRowsPerBlock};
  return square + bits;
}
inline Footprint spikeGradientScratch(int64_t words, int64_t columns, int64_t realBytes, bool places = false) {
  return Footprint{tableBytes(columns, realBytes), 0} + transposeScratch(words, places);
}

/// Of products with reals of which many are zero: a bit for each, then what is needed beside that.
inline Footprint nonzeroScratch(int64_t words) { return {64, words * int64_t(sizeof(uint16_t))}; }
inline Footprint sparseScratch(int64_t depth, bool panels) {
  return Footprint{64, (levelsOf(depth) - 1) * kGatherBytes} + denseScratch(depth, panels);
}

/// Of a RowOrder: numbers of rows, then of where blocks start, then of where windows start.
inline Footprint rowOrderScratch(bool windows = false) {
  return {windows ? 192 : 128, int64_t(2 * sizeof(int32_t) + (windows ? sizeof(int64_t) : 0))};
}

/// Of the offsets of a row's elements, where rows are windows.
inline Footprint offsetsScratch(int64_t depth) { return {depth * int64_t(sizeof(int32_t)) + 64, 0}; }

inline constexpr int64_t kMaxVector = 16;             ///< reals
inline constexpr int64_t kRowsTogether = 4;           ///< of A, that read the same weights
inline constexpr int64_t kMaxPackedBytes = 256 << 10; ///< of weights
inline constexpr int64_t kMaxOpenBytes = 512 << 10;   ///< of chains

/// The product of a number of all dims.
template <typename Dims, typename Dim> int64_t productOf(const Dims &dims, int64_t Dim::*of) {
  int64_t all = 1;
  for (const Dim &dim : dims)
    all *= dim.*of;
  return all;
}

/// C[factor * i + step * p + origin, n] = sum over taps p and k < depth, in this order, of A[i, k] B[p, k, n], for each
/// row. Several dims are counted through in row-major order; B is dense, and what would be beside C is nothing.
struct OverlapShape {
  struct Dim {
    int64_t places, taps, extent; ///< of A, B and C
    int64_t factor, step, origin;

    /// Of what taps write, within C or beside it, and C.
    int64_t lowest() const { return std::min<int64_t>(0, origin); }
    int64_t spread() const {
      return std::max(extent, factor * (places - 1) + step * (taps - 1) + origin + 1) - lowest();
    }
  };
  llvm::SmallVector<Dim, 2> dims;
  int64_t depth = 0, aStride = 0; ///< and elements from a place of A to the next one
  int64_t columns = 0;            ///< of B: a multiple of kLanes
  int64_t bStride = 0;            ///< elements from a row of B to the next one
  int64_t written = 0;            ///< columns that C has, with nothing between them: the first of those

  int64_t places() const { return productOf(dims, &Dim::places); }
  int64_t extent() const { return productOf(dims, &Dim::extent); }
  int64_t terms() const { return productOf(dims, &Dim::taps) * depth; }
  int64_t spread() const {
    int64_t all = 1;
    for (const Dim &dim : dims)
      all *= dim.spread();
    return all;
  }

  /// Rows of A that are mostly zero have a form of their own if there is one level, and a tap is whole blocks or a
  /// block whole taps. The chains of a block of several taps stay open from one place to the next: it has an array for
  /// them.
  bool hasGathered(int64_t realBytes) const {
    const bool fits = !staysOpen() ||
                      (depth % 16 == 0 && kBlock % depth == 0 && chainArrays() * sumsBytes(realBytes) <= kMaxOpenBytes);
    return fits && levelsOf(terms()) == 1;
  }
  bool staysOpen() const { return depth % kBlock != 0; }
  int64_t chainArrays() const { return staysOpen() ? llvm::divideCeil(terms(), kBlock) : 1; }
  /// Of A at a time, for which weights are read from the first cache.
  int64_t rowsTogether() const { return staysOpen() ? 1 : kRowsTogether; }

  /// A row of A that is mostly zero: which elements are not, sums with margins. And weights as such rows read them if
  /// these are small enough for the second cache.
  int64_t nonzeroBytes() const { return places() * depth / 8; }
  int64_t sumsBytes(int64_t realBytes) const { return (spread() * columns + 2 * kMaxVector) * realBytes; }
  int64_t packedBytes(int64_t realBytes) const {
    const int64_t bytes = (terms() * columns + kMaxVector) * realBytes;
    return bytes > kMaxPackedBytes ? 0 : bytes;
  }
};

/// Windows of images: place i and tap p of a dim are at stride * i + dilation * p. All dims of an image are of this
/// kind, channels as taps of one place; places and taps count through them in row-major order, as images do.
struct WindowShape {
  struct Dim {
    int64_t extent, places, taps, stride, dilation;
  };
  llvm::SmallVector<Dim, 3> dims;

  int64_t elements() const { return productOf(dims, &Dim::extent); }
  int64_t places() const { return productOf(dims, &Dim::places); }
  int64_t terms() const { return productOf(dims, &Dim::taps); }
};

/// Of products with windows of images of which few elements are not zero, rows of C `stride` elements apart: the chains
/// of all places for each block of terms if there are several, and of a gradient those of all terms for each of places.
inline Footprint eventScratch(const WindowShape &shape, int64_t stride, int64_t realBytes) {
  const int64_t blocks = llvm::divideCeil(shape.terms(), kBlock);
  return {blocks > 1 ? blocks * shape.places() * stride * realBytes : 0, 0};
}
inline Footprint eventGradientScratch(const WindowShape &shape, int64_t stride, int64_t realBytes) {
  return {int64_t(llvm::divideCeil(shape.places(), kBlock)) * shape.terms() * stride * realBytes, 0};
}
/// More than this would not stay in a second cache.
inline constexpr int64_t kMaxEventBytes = 512 << 10;

/// Of rows that overlap: chains and totals, and what rows take that are mostly zero.
inline int64_t denseOverlapBytes(const OverlapShape &shape, int64_t realBytes) {
  const int64_t arrays = levelsOf(shape.terms()) + (shape.written != shape.columns);
  return llvm::alignTo(arrays * shape.extent() * shape.columns * realBytes, 64);
}
inline Footprint overlapScratch(const OverlapShape &shape, int64_t realBytes) {
  int64_t bytes = denseOverlapBytes(shape, realBytes);
  if (!shape.hasGathered(realBytes))
    return {bytes, 0};
  const int64_t rows = shape.rowsTogether();
  for (int64_t part : {rows * shape.nonzeroBytes(), rows * shape.chainArrays() * shape.sumsBytes(realBytes),
                       shape.packedBytes(realBytes)})
    bytes += llvm::alignTo(part, 64);
  return {bytes, 0};
}

} // namespace snn::kernels

#endif // SNN_COMPILER_SCHEDULE_CPU_SIZES_H
