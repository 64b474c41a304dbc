// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where arrays lie, and reading and writing kLanes elements of them.

#ifndef SNN_COMPILER_CODEGEN_CPU_BUFFERS_H
#define SNN_COMPILER_CODEGEN_CPU_BUFFERS_H

#include "compiler/Codegen/Cpu/Lanes.h"
#include "dialect/core/CoreDialect.h"
#include "dialect/core/Maps.h"

namespace snn::core {

/// An array in memory, or checkpoints with a segment for each step. Element (sample, step, n) is at `sample *
/// sampleStride + step * timeStride + sum of strides * n`, in elements, or in bits for spikes, of which each row begins
/// with a word.
struct Buffer {
  core::ArrayType type;
  Memory memory;                        ///< of the first sample and step at hand; words for bits
  mlir::Value sampleStride, timeStride; ///< in elements, in words for bits; null without such an extent
  llvm::SmallVector<int64_t> strides;   ///< of the other extents, in their order
  int64_t rowElements = 0;              ///< that a row takes in memory, padding included; words for bits
  bool slice = false;                   ///< one step of an array over time: rows are apart
  bool padded = true;                   ///< whole vectors may be read and written from the start of a row
  mlir::Value scalar;                   ///< instead of memory: one number
  mlir::Value wanted;                   ///< i1: whether anybody reads what is written; null: yes

  bool isBits() const { return type.getElementType().isInteger(1); }
  /// A value at its place in our own memory, in the form that layoutOf says.
  static Buffer of(Emitter &e, mlir::Value value, Memory memory, mlir::Value steps);
  /// Rows whose elements lie in order without gaps. Where samples and steps are is for the caller to say.
  static Buffer dense(core::ArrayType type, Memory memory);
  /// The same elements as those of another value, in rows of its shape.
  Buffer as(mlir::Value value) const;
  /// From a sample on, if there are samples.
  Buffer fromSample(Emitter &e, mlir::Value first) const;
  /// From a step on, if there are steps.
  Buffer fromStep(Emitter &e, mlir::Value first) const;
  /// One step of an array over time.
  Buffer at(Emitter &e, mlir::Value step) const;
  /// Where the row of a sample and step begins, behind the first one: from the dims of marked extents of `domain`, the
  /// array's own or one like it.
  mlir::Value rowAt(Emitter &e, llvm::ArrayRef<int64_t> domain, llvm::ArrayRef<LaneIndex> dims) const;
  /// Elements of a row: extents that are neither time nor samples.
  int64_t width() const;
  /// Whether a row has its elements in order without gaps, so that whole vectors from its start may be read and
  /// written.
  bool isRow() const;
};

using snn::forEachValue;
inline void forEachValue(Buffer &buffer, EachValue each) {
  forEachValue(buffer.memory, each);
  for (mlir::Value *value : {&buffer.sampleStride, &buffer.timeStride, &buffer.scalar, &buffer.wanted})
    each(*value);
}

/// Points that are computed together: coordinates of each dim of a domain, and which lanes have a point.
struct Points {
  llvm::ArrayRef<int64_t> domain;
  llvm::SmallVector<LaneIndex> dims;
  /// Dims that are counted through together by one index, in row-major order: their number as an expression. May be
  /// null.
  mlir::AffineExpr collapsed;
  LaneIndex number;
  int64_t collapsedWidth = 0;
  mlir::Value mask; ///< vector<kLanes x i1>; null: all
};

/// The elements of `buffer` at `map` for each point.
class LaneAccess {
public:
  LaneAccess(Emitter &e, const Buffer &buffer, mlir::AffineMap map) : e(e), math(e), buffer(buffer), map(map) {}

  /// Whether all positions of points are inside, else null: true for the lanes of which they are. `steps` and `samples`
  /// are the extents of the call.
  mlir::Value inside(const Points &points, mlir::Value samples, mlir::Value steps);
  /// vector<kLanes x scalar type>; lanes that the mask leaves out have anything, but nothing is read for them.
  mlir::Value load(const Points &points, mlir::Value mask);
  /// Where `inside` is null or says so: one truth for all lanes, or one for each.
  void store(mlir::Value value, const Points &points, mlir::Value inside = {});
  /// Whether the map stays inside of the array wherever the domain is.
  bool staysInside(llvm::ArrayRef<int64_t> domain) const { return isInside(map, domain, buffer.type.getShape()); }
  /// Whether the points of a sample and step are all that its row has in memory, each of them once: no padding,
  /// whatever the order. `padded`: a dim along which whole vectors are written.
  bool coversRow(llvm::ArrayRef<int64_t> domain, std::optional<unsigned> padded = std::nullopt) const;
  /// Whether elements that lie in lanes, along the last extent of the domain, are far apart in memory.
  bool readsAcross(llvm::ArrayRef<int64_t> domain) const;
  /// How far apart neighbours along a dim of the domain lie, in elements; none if that differs.
  std::optional<int64_t> stepAlong(unsigned dim) const;
  /// Whether they lie in order, or are one element.
  bool isPlainAlong(unsigned dim) const;
  /// About how long a strip along a dim of the domain takes, in accesses to elements that lie in order.
  int64_t stripCost(unsigned dim) const;
  /// Whether `collapsed` would make every access plain: in order or the same for all lanes.
  static bool collapses(const Buffer &buffer, mlir::AffineMap map, mlir::AffineExpr collapsed,
                        llvm::ArrayRef<int64_t> domain);

private:
  struct Place {
    mlir::Value row; ///< offset of the row, in elements or words
    LaneIndex inner;
    bool fromStart = false; ///< lane 0 is a multiple of kLanes from the row's start, and rows are as wide as the points
  };
  Place placeOf(const Points &points);
  /// `ofOneLane`: lanes may have one place, at which one of them is there.
  void storeAlways(mlir::Value value, const Points &points, bool ofOneLane);
  mlir::Value loadBits(const Place &place, const Points &points, mlir::Value mask, mlir::Value some);
  /// `inside`: no place is outside of the array, whatever the mask.
  void storeBits(mlir::Value value, const Place &place, mlir::Value mask, bool inside, bool ofOneLane);

  Emitter &e;
  LaneMath math;
  const Buffer &buffer;
  mlir::AffineMap map;
};

/// The offset within a row as an expression of the map's dims.
mlir::AffineExpr innerOffset(const Buffer &buffer, mlir::AffineMap map);

} // namespace snn::core

#endif // SNN_COMPILER_CODEGEN_CPU_BUFFERS_H
