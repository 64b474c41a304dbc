// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How values of the core lie in a CPU's memory. Nobody else computes strides or sizes.

#ifndef SNN_COMPILER_SCHEDULE_CPU_LAYOUT_H
#define SNN_COMPILER_SCHEDULE_CPU_LAYOUT_H

#include "dialect/SnnDialect.h"
#include "dialect/core/CoreDialect.h"

namespace snn::core {

/// Bytes as a function of the steps T of a call, the samples S at hand and the segments of time, in the meaning of
/// #core.place.
struct Place {
  int64_t fixed = 0, steps = 0, samples = 0, rows = 0, segments = 0;

  static Place of(PlaceAttr attribute);
  PlaceAttr attribute(mlir::MLIRContext *context) const;
  int64_t at(int64_t numSteps, int64_t numSamples, int64_t numSegments = 1) const;
  Place aligned() const; ///< each summand rounded up to SNN_ALIGNMENT
  Place operator+(const Place &other) const;
  Place atLeast(const Place &other) const; ///< each summand as large as the other's
  bool operator==(const Place &other) const = default;
};

/// Elements from one row of a matrix to the next: `n` rounded up to whole vectors, and one vector more where rows of
/// reals would lie a multiple of 4096 bytes apart. The same columns of all such rows share one set of a first-level
/// cache, which has 8 or 12 lines.
int64_t pitchOf(int64_t n, mlir::Type element);

/// The memory of one array: a row for each sample and step if it has such extents, else one block.
///
/// * Rows are in the order sample, time, whatever the order of the extents: row `sample * T + step`. The inner extents
///   are contiguous within a row, which is padded to a multiple of kLanes elements.
/// * Without rows the last extent is padded (to pitchOf() if there are others, which are row-major over it).
///   `parameterLike` arrays have their first extent innermost instead: [N, K] is K rows of N. That is how parameters,
///   gradients and optimizer states lie.
/// * A number without extents takes kLanes elements.
/// * Spikes are bits, kLanes of them to an i16. Padding bits are 0; other padding is anything.
struct Layout {
  bool samples = false, steps = false; ///< whether there is a row for each of these
  /// The value is one step of an array over time (a slice in the body of a scan): its rows are those of that step,
  /// and `steps` holds of the memory though not of the type.
  bool slice = false;
  bool parameterLike = false;
  llvm::SmallVector<int64_t, 4> extents; ///< the inner ones, in the type's order: neither samples nor time
  llvm::SmallVector<int64_t, 4> strides; ///< of the inner extents, in elements (of bits: in bits)
  int64_t elements = 0;                  ///< of a row or of the block, in units of `element`, padding included
  mlir::Type element;                    ///< in memory: i16 for spikes, i8 for bytes
  bool bits = false;

  bool hasRows() const { return samples || steps; }
  int64_t elementBytes() const { return element.getIntOrFloatBitWidth() / 8; }
  int64_t bytes() const { return elements * elementBytes(); } ///< of a row or of the block
  /// `elements` counted in numbers or bits.
  int64_t width() const { return bits ? elements * kLanes : elements; }
};

/// Whether the value is an argument or result that is bound to a parameter (its value, gradient or optimizer state),
/// perhaps through phases, or becomes such a result through maps that keep its shape. Without rows only.
bool isParameter(mlir::Value value);

/// Whether the function gives the value as a parameter's gradient: it lies in the host's span.
bool isGradient(mlir::Value value);

/// Knows arguments of functions, phases and scans, views and results of ops.
Layout layoutOf(mlir::Value value);
/// By the type alone.
Layout layoutOf(ArrayType type, bool parameterLike);

/// The bytes that a place for `value`, an array or checkpoints, takes, aligned.
Place footprintOf(mlir::Value value);

/// Whether a map only names its input's elements anew, in the same memory (`core.view`).
bool isView(mlir::Operation *op);
inline constexpr llvm::StringLiteral kViewAttr = "core.view";

/// Whether a map may be a view: it gives each element the position in memory that it has already, as far as the form of
/// its maps shows.
bool movesNothing(MapOp map);

/// The value whose memory `value` shares: through views.
mlir::Value resolveView(mlir::Value value);

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_LAYOUT_H
