// Windows of a call that trains.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/train/Windows.h"

#include "runtime/core/Table.h"

#include <algorithm>
#include <vector>

using namespace snn;

uint64_t snn::windowsOf(const snn_model_table &table, uint64_t steps) {
  return windowOf(table) == 0 ? 1 : (steps + windowOf(table) - 1) / windowOf(table);
}

/// From one time step to the next, in bytes; 0 if the input is the same for all.
static int64_t timeStride(const snn_tensor_info &input, const snn_view &view, uint64_t batch) {
  if (input.rank == 0 || input.shape[0] != SNN_EXTENT_TIME)
    return 0;
  int64_t elements = 1;
  for (uint32_t d = 1; d < input.rank; ++d)
    elements *= input.shape[d] == SNN_EXTENT_BATCH ? int64_t(batch) : input.shape[d];
  return (view.strides ? view.strides[0] : elements) * int64_t(snn_dtype_bytes(input.dtype));
}

int32_t snn::trainWindows(const snn_model_table &table, snn_instance *instance, const snn_batch &call) {
  if (windowsOf(table, call.steps) == 1)
    return snn_instance_train_step(instance, &call);
  std::vector<snn_view> views(call.inputs, call.inputs + table.input_count);
  void *state = snn_instance_span(instance, SNN_SPAN_STATE, nullptr);
  snn_batch window = call;
  window.inputs = views.data();
  window.state_out = state;
  // The numbers of a window, of which the first is the loss, and their means.
  std::vector<double> numbers(1 + table.output_count), means(numbers.size());
  std::vector<void *> outputs(table.output_count);
  for (uint64_t i = 0; call.outputs && i < table.output_count; ++i)
    outputs[i] = call.outputs[i] ? &numbers[1 + i] : nullptr;
  window.loss = numbers.data();
  window.outputs = outputs.data();
  for (uint64_t first = 0; first < call.steps; first += window.steps) {
    window.first_step = first;
    window.steps = std::min(windowOf(table), call.steps - first);
    window.state_in = first == 0 ? nullptr : state;
    for (uint64_t i = 0; i < table.input_count; ++i)
      if (call.inputs[i].data)
        views[i].data = static_cast<const char *>(call.inputs[i].data) +
                        int64_t(first) * timeStride(table.inputs[i], call.inputs[i], call.batch);
    if (int32_t code = snn_instance_train_step(instance, &window); code != SNN_OK)
      return code;
    for (size_t i = 0; i < numbers.size(); ++i)
      means[i] += numbers[i] * (double(window.steps) / double(call.steps));
  }
  if (call.loss)
    *call.loss = means[0];
  for (uint64_t i = 0; i < table.output_count; ++i)
    if (outputs[i])
      *static_cast<double *>(call.outputs[i]) = means[1 + i];
  return SNN_OK;
}
