// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the kernels have in common.

#ifndef SNN_COMPILER_CODEGEN_CPU_KERNELS_PIECES_H
#define SNN_COMPILER_CODEGEN_CPU_KERNELS_PIECES_H

#include "compiler/Codegen/Cpu/Kernels/Kernels.h"

namespace snn::kernels {

/// Some machine vectors side by side.
using Strip = llvm::SmallVector<mlir::Value>;

Strip zeros(Emitter &e, int64_t vectors);
Strip loadStrip(Emitter &e, Memory from, mlir::Value at, int64_t vectors);
void storeStrip(Emitter &e, mlir::ValueRange strip, Memory to, mlir::Value at);
void clear(Emitter &e, Memory memory, mlir::Value elements); ///< whole machine vectors
Strip addStrips(Emitter &e, mlir::ValueRange x, mlir::ValueRange y);

/// The first `columns` elements of each of `rows` rows, to where nothing is between them.
void copyColumns(Emitter &e, Memory from, mlir::Value fromAt, int64_t fromStride, Memory to, mlir::Value toAt,
                 int64_t columns, int64_t rows);

/// What a sum of at least one block leaves in memory: `first` (i1) says that there is nothing yet.
void accumulate(Emitter &e, mlir::ValueRange sum, Memory total, mlir::Value at, mlir::Value first);
/// The same for several rows, one after the other in `sums`. All totals are read before one is written: rows that are
/// the same, of the same sums, are right.
void accumulateRows(Emitter &e, mlir::ValueRange sums, llvm::ArrayRef<std::pair<Memory, mlir::Value>> totals,
                    mlir::Value first);

/// The total of a vector of chains of so many blocks, `stride` elements apart, in their order. They are 0 then.
Strip takeTotal(Emitter &e, Memory chains, mlir::Value at, int64_t stride, int64_t blocks);

/// "f32_64_128": the type of reals and the numbers of a shape.
std::string shapeName(Emitter &e, llvm::StringRef kernel, llvm::ArrayRef<int64_t> numbers);
/// The kernel for such a factor: of reals, or of bytes that are read as reals.
std::string nameFor(llvm::StringRef kernel, const Matrix &a);
/// An element of such a factor, as a vector of reals.
mlir::Value splatFactor(Emitter &e, Memory factor, mlir::Value at);

/// Of how few strips of at most `widest` machine vectors the columns are, a multiple of kLanes.
int64_t stripsOf(const Emitter &e, int64_t columns, int64_t widest);

/// Calls emit(column, vectors) for these strips, which are as wide as each other, or some of one vector more: what a
/// strip takes beside its vectors is not spent on a narrow rest.
void forStrips(Emitter &e, int64_t columns, int64_t widest,
               const std::function<void(mlir::Value column, int64_t vectors)> &emit);

/// Walks through `depth` terms in order. Each level but the lowest asks raise(level, first) to add the total of the
/// level below to its own. block(start, count, first) computes up to 64 terms and adds them to the lowest total;
/// `first` says that a total holds nothing yet. The last block is written apart if it is shorter; anyBlock(start, end,
/// first), if it is given, is written once for all of them.
struct LevelWalk {
  std::function<void(mlir::Value start, int64_t count, mlir::Value first)> block;
  std::function<void(int64_t level, mlir::Value first)> raise;
  std::function<void(mlir::Value start, mlir::Value end, mlir::Value first)> anyBlock = nullptr;
};
void walkLevels(Emitter &e, int64_t depth, const LevelWalk &walk);

/// Where the sums of a product's rows wait: those of the highest level in C, those of the lower ones in memory that has
/// a place for each row that is summed at a time.
class Totals {
public:
  Totals(Emitter &e, const Product &kernel, Memory lower) : e(e), kernel(kernel), lower(lower) {}

  /// Adds a strip of sums; `first` (i1): to nothing yet.
  void add(int64_t level, mlir::Value row, mlir::Value place, mlir::Value column, mlir::ValueRange sums,
           mlir::Value first);
  /// The total of the level below goes into that of `level`.
  void raise(int64_t level, mlir::Value row, mlir::Value place, mlir::Value column, int64_t vectors, mlir::Value first);

private:
  std::pair<Memory, mlir::Value> at(int64_t level, mlir::Value row, mlir::Value place, mlir::Value column,
                                    int64_t vectors);

  Emitter &e;
  const Product &kernel;
  Memory lower;
};

/// `count` words as i64, of which those from `present` on are 0.
mlir::Value loadWord(Emitter &e, Memory words, mlir::Value at, int64_t present);

/// Bits [start, start + count) of a row, 64 at most, as i64. A row may have bits behind its depth: they are left out.
mlir::Value loadBlock(Emitter &e, const Matrix &bits, mlir::Value row, mlir::Value start, int64_t count);

/// Calls body(bit, carry) for each set bit of the word (i64), ascending.
Strip forEachBit(Emitter &e, mlir::Value word, mlir::ValueRange start,
                 const std::function<Strip(mlir::Value bit, mlir::ValueRange carry)> &body);

/// How many vectors of a row are gathered at a time, kGatherBytes at most.
int64_t gatherVectors(Emitter &e, int64_t columns);

/// A chain of the groups of `word` (i64): rows of reals whose bit is set; `rowAt` says where that of a bit begins.
Strip gatherWord(Emitter &e, mlir::Value word, Memory rows, int64_t vectors,
                 const std::function<mlir::Value(mlir::Value bit)> &rowAt);

inline constexpr int64_t kFewGroups = 8, kMoreGroups = 4;

/// The entries of a group's table but the first, which is 0, of the rows of its inputs: emit(entry, sum), in order.
void forEntries(Emitter &e, mlir::ValueRange rows, llvm::function_ref<void(int64_t entry, mlir::Value sum)> emit);

/// The 16 partial sums of each of 16 groups for a strip, and one table of zeros.
class Tables {
public:
  Tables(Emitter &e, Scratch scratch, int64_t vectors);
  /// Of the first `groups`. rowAt(position) must be valid for all their positions.
  void fill(mlir::Value groups, Memory rows, const std::function<mlir::Value(mlir::Value position)> &rowAt);
  /// The entries that `word` (i64) chooses are added to `start`, or to each other if that is empty; from group `first`
  /// on.
  Strip add(mlir::Value word, int64_t groups, mlir::ValueRange start = {}, mlir::Value first = {});

  /// The same for groups that have a bit: kFewGroups at a time without a branch, of which those that are missing add
  /// +0.
  Strip addFew(mlir::Value word);

private:
  Emitter &e;
  int64_t vectors, width, table; ///< of an entry and of a table, in elements
  Memory memory;
};

/// The bits of each block's rows as a word for each input, in the order of the rows; 64 inputs at a time.
/// `square` is scratch of 64 words.
void emitTranspose(Emitter &e, mlir::ModuleOp module, const Gradient &kernel, Memory square, Memory transposed);

/// Number of bits that are set in `count` words.
mlir::Value emitCountBits(Emitter &e, mlir::ModuleOp module, Memory words, mlir::Value count);

} // namespace snn::kernels

#endif // SNN_COMPILER_CODEGEN_CPU_KERNELS_PIECES_H
