// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Remarks as lines for people.

#ifndef SNN_COMPILER_REMARKS_PRINTER_H
#define SNN_COMPILER_REMARKS_PRINTER_H

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

namespace snn {

/// Prints remarks whose category `filter`, a valid regular expression, matches. They come when the context goes: sorted
/// by place, those of one place in the order of the passes, and what is said of several functions alike once, with
/// their names. `os` outlives the context.
void printRemarks(mlir::MLIRContext &context, llvm::StringRef filter, llvm::raw_ostream &os);

} // namespace snn

#endif // SNN_COMPILER_REMARKS_PRINTER_H
