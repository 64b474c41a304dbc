// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The whole dialect, for mlir-tblgen.

#ifndef SNN_OPS_TD
#define SNN_OPS_TD

include "dialect/SnnDialect.td"
include "dialect/SnnAttributes.td"
include "dialect/SnnModelOps.td"

#endif // SNN_OPS_TD
