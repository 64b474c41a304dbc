// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One order of use lists, whether a module was built, read or copied.

#ifndef SNN_COMPILER_EMIT_USELISTS_H
#define SNN_COMPILER_EMIT_USELISTS_H

#include "mlir/IR/Operation.h"

namespace snn {

/// Puts the uses of each value in the order of the text. Rewriting visits users in the order of these lists, which the
/// text does not show: without this, going on from a stage's text, or from a copy, could give another (equivalent)
/// program.
void sortUseLists(mlir::Operation *root);

} // namespace snn

#endif // SNN_COMPILER_EMIT_USELISTS_H
