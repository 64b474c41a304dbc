// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The snn dialect in C++: include this one header to use it.

#ifndef SNN_DIALECT_SNNDIALECT_H
#define SNN_DIALECT_SNNDIALECT_H

#include "dialect/core/CoreDialect.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"

#include "dialect/SnnDialect.h.inc"
#include "dialect/SnnEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/SnnAttributes.h.inc"

#define GET_OP_CLASSES
#include "dialect/SnnOps.h.inc"

namespace snn {

/// `n` rounded up to whole vectors.
inline int64_t paddedWidth(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

/// A model's name is part of a symbol that stands in an ELF note (snn_note.query_symbol): a C identifier of at most so
/// many characters.
inline constexpr size_t kMaxModelName = 101;
bool isModelName(llvm::StringRef name);

/// Upper bounds of what a module may declare. They keep all sizes in bytes far from the end of 64 bits.
inline constexpr int64_t kMaxSteps = int64_t(1) << 20;
inline constexpr int64_t kMaxBatch = int64_t(1) << 24;
inline constexpr int64_t kMaxElements = int64_t(1) << 31; ///< of a parameter, or of one sample and time step

/// Whether all extents are fixed and at least 1, with no more than kMaxElements elements.
bool hasBoundedExtents(llvm::ArrayRef<int64_t> extents);

/// The one snn.model of a module, or null.
ModelOp getModel(mlir::ModuleOp module);

} // namespace snn

#endif // SNN_DIALECT_SNNDIALECT_H
