// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which maps between phases workers can share.

#ifndef SNN_COMPILER_SCHEDULE_CPU_SHAREMAPS_H
#define SNN_COMPILER_SCHEDULE_CPU_SHAREMAPS_H

#include "dialect/core/CoreDialect.h"

namespace snn::core {

/// Of a map between phases the dim of its domain that counts the first extent of its result, whose rows can be computed
/// each by itself. Nothing if they cannot: what they read must be there before the function, as all of them read while
/// others write. In a streaming build there are no other workers.
std::optional<unsigned> sharedDim(MapOp map);

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_SHAREMAPS_H
