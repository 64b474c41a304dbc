// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A map as part of a fold that reads it, for passes that know better than core-fuse-maps whether it should be.

#ifndef SNN_COMPILER_SCHEDULE_FUSEMAPS_H
#define SNN_COMPILER_SCHEDULE_FUSEMAPS_H

#include "dialect/core/CoreDialect.h"

namespace snn {

/// Whether the fold may compute what it reads as input `index`, if that is what `map` gives as `value`.
bool canFuseIntoFold(core::FoldOp fold, unsigned index, core::MapOp map, mlir::OpResult value);
/// It does, out of `inputs`, which are those of the map or the same elsewhere. The map stays.
void fuseIntoFold(core::FoldOp fold, unsigned index, core::MapOp map, mlir::OpResult value, mlir::ValueRange inputs);

} // namespace snn

#endif // SNN_COMPILER_SCHEDULE_FUSEMAPS_H
