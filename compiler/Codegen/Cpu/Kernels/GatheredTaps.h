// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Overlapping products of rows of A that are mostly zero, as errors behind a max pooling: each element that is not,
// times its weights for many taps at once.

#ifndef SNN_COMPILER_CODEGEN_CPU_KERNELS_GATHEREDTAPS_H
#define SNN_COMPILER_CODEGEN_CPU_KERNELS_GATHEREDTAPS_H

#include "compiler/Codegen/Cpu/Kernels/Pieces.h"

namespace snn::kernels {

/// An element of C has its terms tap by tap, ascending. Places are gone through from the last one on, so some lines of
/// taps (of the last dim) may be added at once: the place that comes first has the first of them. What taps write goes
/// to memory with margins, so no place or tap is an exception.
///
/// Where a block of a sum holds several taps, its chains go on from place to place: they lie in an array for each
/// block, and these are added up at the end.
class GatheredTaps {
public:
  /// In `scratch`, which has what overlapScratch() gives beside denseOverlapBytes().
  GatheredTaps(Emitter &e, mlir::ModuleOp module, const Overlap &kernel, Scratch scratch);

  /// Whether there is such a form: the shape has one, and a line fits in registers.
  bool exists() const { return !groups.empty(); }
  /// Looks for what is not zero in `count` rows of A from `row` on, rowsTogether() at most. Returns (i1) whether it is
  /// so little that gathering takes less time.
  mlir::Value find(mlir::Value row, mlir::Value count);
  /// Weights as gather() wants them, and chains that are 0; once for all rows.
  void prepare();
  /// These rows of C, by what find() has found.
  void gather(mlir::Value row, mlir::Value count);

private:
  using Dim = OverlapShape::Dim;
  /// Lines of taps whose chains are in registers at a time.
  struct Group {
    int64_t first, lines;
  };
  /// Where a nest of loops is: numbers of a tap, of a place of A, where its first tap is in `sums`, and of the row
  /// there.
  struct Position {
    mlir::Value tap, place, at, number = nullptr;
  };

  const Dim &last() const { return shape.dims.back(); }
  /// The dim before the last one, or one line.
  Dim lineDim() const { return outer == shape.dims.size() - 1 ? Dim{1, 1, 1, 1, 1, 0} : shape.dims[outer]; }
  int64_t lineElements() const { return vectors * e.machineLanes(); }

  void choose();
  void nest(size_t depth, Position position, mlir::Value column, mlir::Value count);
  void gatherGroup(Group group, Position position, mlir::Value column);
  Strip sumsOf(mlir::Value word, Group group, mlir::Value tap, mlir::Value a, mlir::Value first, mlir::Value column,
               mlir::ValueRange start);
  std::pair<Memory, mlir::Value> weightsAt(Group group, int64_t line, int64_t vector, mlir::Value tap, mlir::Value k,
                                           mlir::Value column);
  /// Where the sums of a vector of a line are, of the place whose first tap is `at`.
  mlir::Value sumsAt(Group group, int64_t line, int64_t vector, mlir::Value tap, mlir::Value at);
  void add(mlir::ValueRange terms, Group group, mlir::Value tap, mlir::Value at);
  /// The sums of all blocks, to the first array; the chains of the others are 0 again.
  void addArrays();
  void copyOut(mlir::Value number, mlir::Value row);
  bool isOpen() const { return shape.staysOpen(); }
  int64_t bitsOfWord() const { return std::min(shape.depth, kBlock); }
  /// Elements of bits and of sums from one of the rows, or arrays, to the next.
  int64_t wordsOfRow() const { return shape.places() * shape.depth / kLanes; }
  int64_t sumsOfRow() const { return llvm::alignTo(shape.spread() * width, kMaxVector) + kMaxVector; }
  /// Elements of `sums` from a place of a dim to the next one.
  int64_t stride(size_t depth) const;

  Emitter &e;
  mlir::ModuleOp module;
  const Overlap &kernel;
  const OverlapShape &shape;
  size_t outer;        ///< dims before the two that groups go through
  bool packed = false; ///< the columns of a line's taps lie behind each other, in weights and in sums
  int64_t vectors = 0; ///< of a line: packed, or a strip of each tap
  int64_t strip = 0;   ///< vectors of columns at a time, if not packed
  int64_t width = 0;   ///< columns of a place of the sums
  llvm::SmallVector<Group> groups;
  mlir::Value row; ///< of A, the first of those at hand
  Memory bits, sums, weights;
};

} // namespace snn::kernels

#endif // SNN_COMPILER_CODEGEN_CPU_KERNELS_GATHEREDTAPS_H
