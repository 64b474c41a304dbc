// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where parameters, buffers and states lie in the spans of snn_call: the one place that the descriptor, the C header
// and the generated code all take it from.

#ifndef SNN_COMPILER_CODEGEN_SPANLAYOUT_H
#define SNN_COMPILER_CODEGEN_SPANLAYOUT_H

#include "dialect/SnnDialect.h"

namespace snn {

/// One tensor in a span.
struct SpanSlot {
  std::string name;
  /// Extents at the boundary: a parameter's as in the state_dict, a state's of one sample.
  llvm::SmallVector<int64_t, 4> shape;
  /// In elements, one per extent.
  llvm::SmallVector<int64_t, 4> strides;
  /// In bytes from the start of the span (parameters) or of one sample's block (states); a multiple of 64.
  int64_t offset = 0;
  /// Elements that the slot takes, padding included. Padding (of parameters, gradients, optimizer state and states) may
  /// hold anything, NaN too: entry points may write it, and no element depends on it.
  int64_t elements = 0;
};

/// A matrix [N, K] is stored as K rows of N, padded to whole vectors: neurons are lanes, and a spike of input k adds
/// row k. So is a parameter of higher rank: its first extent lies innermost. A vector [N] is one such row; a scalar
/// takes a whole vector. So are buffers; states are rows as they are. Slots follow each other in the order of their
/// declarations, each aligned to SNN_ALIGNMENT.
class SpanLayout {
public:
  /// The module has one snn.model; all tensors have its real type and, but for a state's leading batch, static shapes.
  static SpanLayout of(mlir::ModuleOp module);

  llvm::ArrayRef<SpanSlot> parameters() const { return parameterSlots; }
  llvm::ArrayRef<SpanSlot> buffers() const { return bufferSlots; }
  llvm::ArrayRef<SpanSlot> states() const { return stateSlots; }
  /// The slot of a parameter, a buffer or a state; null if nothing has that name.
  const SpanSlot *find(llvm::StringRef name) const;

  int64_t parameterBytes() const { return parameterSize; }
  /// Tensors that the optimizer keeps for each parameter.
  int64_t optimizerCopies() const { return copies; }
  int64_t optimizerBytes() const { return copies * parameterSize; }
  int64_t bufferBytes() const { return bufferSize; }
  /// Of one sample.
  int64_t stateBytes() const { return stateSize; }
  /// Bytes of one real number.
  int64_t realBytes() const { return real.getIntOrFloatBitWidth() / 8; }

private:
  int64_t append(llvm::SmallVectorImpl<SpanSlot> &slots, int64_t size, llvm::StringRef name, mlir::Type type,
                 bool parameterLike) const;

  llvm::SmallVector<SpanSlot> parameterSlots, bufferSlots, stateSlots;
  mlir::Type real;
  int64_t parameterSize = 0, bufferSize = 0, stateSize = 0, copies = 0;
};

} // namespace snn

#endif // SNN_COMPILER_CODEGEN_SPANLAYOUT_H
