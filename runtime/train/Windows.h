// Truncated backpropagation: windows of a call that trains.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TRAIN_WINDOWS_H
#define SNN_RUNTIME_TRAIN_WINDOWS_H

#include "snn/runtime.h"

namespace snn {

/// How many updates a batch of so many steps takes.
uint64_t windowsOf(const snn_model_table &table, uint64_t steps);

/// train_step on the call's steps, in the model's windows, each from the state that the one before has left, which is
/// kept in SNN_SPAN_STATE. The loss and metrics are means over the steps. `call` starts at rest and asks for no other
/// outputs. Gives what the first train_step that fails gives.
int32_t trainWindows(const snn_model_table &table, snn_instance *instance, const snn_batch &call);

} // namespace snn

#endif // SNN_RUNTIME_TRAIN_WINDOWS_H
