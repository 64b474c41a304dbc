// Entry points of a table, and what their codes mean in words.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_CORE_CALLS_H
#define SNN_RUNTIME_CORE_CALLS_H

#include "snn/abi.h"

#include <string>

namespace snn {

using EntryMember = snn_entry_fn snn_model_table::*;

/// How messages about calls of this entry start: "model.forward: ". Throws Error(SNN_ERROR_UNSUPPORTED) if the table
/// has no such entry.
std::string requireEntry(const snn_model_table &table, EntryMember entry, const char *name);

/// What the entry refused with this code, in words. The call's fault_row, if any, is as the entry left it.
std::string describeFailure(int32_t code, const snn_model_table &table, const snn_call &call);

} // namespace snn

#endif // SNN_RUNTIME_CORE_CALLS_H
