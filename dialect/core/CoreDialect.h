// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The core dialect in C++: include this one header to use it.

#ifndef SNN_DIALECT_CORE_COREDIALECT_H
#define SNN_DIALECT_CORE_COREDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/core/CoreDialect.h.inc"
#include "dialect/core/CoreEnums.h.inc"

namespace snn {

/// Lanes of a logical vector: rows of neurons are padded to a multiple of it and spikes are packed by it.
inline constexpr int64_t kLanes = 16;

} // namespace snn

namespace snn::core {

/// What holds for each IndexedOpInterface.
llvm::LogicalResult verifyIndexedOp(mlir::Operation *op);

/// Writes a scalar body: gets its arguments, returns what it yields.
using BodyBuilder = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;

/// Writes the ops of a body where `builder` stands, with `arguments` in place of its own; gives what it yields.
llvm::SmallVector<mlir::Value> cloneBody(mlir::OpBuilder &builder, mlir::Block &body, mlir::ValueRange arguments);

/// The op with more results, of `types`, from `position` on; what uses the old ones uses those of the new op. `op` is
/// erased.
mlir::Operation *withResults(mlir::Operation *op, unsigned position, mlir::TypeRange types);

/// The adjoints of values (compiler/Autodiff).
class Adjoints;

} // namespace snn::core

#define GET_TYPEDEF_CLASSES
#include "dialect/core/CoreTypes.h.inc"

#include "dialect/core/CoreOpInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/core/CoreAttributes.h.inc"

namespace snn::core {
class PartsOp;
class SegmentOp;
class StepOp;
class YieldOp;
} // namespace snn::core

#define GET_OP_CLASSES
#include "dialect/core/CoreOps.h.inc"

namespace snn::core {

/// Whether an op that goes through time reads and writes, at each point, the step of this point alone: then a part of
/// time can be computed without the rest. A sum over time has time as the first dim that is summed, behind samples.
bool keepsToStep(IndexedOpInterface op);
/// Whether time is among the dims that are summed.
bool reducesTime(IndexedOpInterface op);
/// The scan, which also stacks `values` of its body, behind what it stacks already; `scan` is erased.
ScanOp withStacked(ScanOp scan, mlir::ValueRange values);
/// The op that makes a sum of a phase, be it within segments; null if there is none.
mlir::Operation *reductionOf(mlir::Value sum);

} // namespace snn::core

#endif // SNN_DIALECT_CORE_COREDIALECT_H
