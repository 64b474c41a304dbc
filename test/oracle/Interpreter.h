// The reference interpreter of the core: what a function of core ops means, as loops over all points.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// It shares the dialect's parsing and accessors with the compiler and nothing else: maps are evaluated point by point,
// sums are added in the stated order. Ops are trusted to have been verified.
#ifndef SNN_TEST_ORACLE_INTERPRETER_H
#define SNN_TEST_ORACLE_INTERPRETER_H

#include "test/oracle/Arrays.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace snn::interpreter {

/// Runs a function whose arguments and results are arrays of the core. `inputs`: one for each argument, with the shape
/// that its type has for the call; elements of the argument's type, and f64 may stand for f32 in wide numbers. Gives
/// the results in order, f64 instead of f32 in wide numbers. Errors say which op or argument is at fault.
llvm::Expected<std::vector<Array>> run(mlir::func::FuncOp function, llvm::ArrayRef<Array> inputs, const Call &call,
                                       Numbers numbers = Numbers::AsStated);

/// `call` with the batch and steps that the shapes of inputs tell where it has 0. An error if two inputs disagree.
llvm::Expected<Call> inferExtents(mlir::func::FuncOp function, llvm::ArrayRef<std::vector<int64_t>> shapes, Call call);

} // namespace snn::interpreter

#endif // SNN_TEST_ORACLE_INTERPRETER_H
