// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where values lie that are alive at the same time or not: intervals of straight-line code, coloured with slots.

#ifndef SNN_COMPILER_SCHEDULE_CPU_PACKING_H
#define SNN_COMPILER_SCHEDULE_CPU_PACKING_H

#include "compiler/Schedule/Cpu/Memory.h"

namespace snn::core {

struct Packing {
  llvm::SmallVector<Place> places; ///< of each tenant, from the start of the arena
  Place size;                      ///< of the arena
  size_t slots = 0;
  int64_t bytes = 0; ///< the size, for a call as large as that which it was made for
};

/// Tenants that are alive at the same time do not overlap, however large a call is; for one of the size of `call`,
/// little is wasted.
Packing pack(llvm::ArrayRef<Tenant> tenants, CallSize call);

} // namespace snn::core

#endif // SNN_COMPILER_SCHEDULE_CPU_PACKING_H
