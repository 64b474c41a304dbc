// Calls of entry points by the functions of the runtime.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/core/Calls.h"
#include "runtime/core/Error.h"
#include "runtime/core/InitialValues.h"
#include "runtime/core/Library.h"
#include "runtime/core/Table.h"

#include <algorithm>
#include <cstring>

using namespace snn;

std::string snn::requireEntry(const snn_model_table &table, EntryMember entry, const char *name) {
  const std::string where = std::string(table.name) + "." + name + ": ";
  if (entry == &snn_model_table::evaluate && !hasEvaluate(table))
    throw Error(SNN_ERROR_UNSUPPORTED, where + "the model was compiled before there was this entry point");
  if (!(table.*entry))
    throw Error(SNN_ERROR_UNSUPPORTED, where + "the model was compiled without this entry point (--mode=infer)");
  return where;
}

/// The first label of a row that is no class, and what it should be, where the labels are at hand.
static std::string labelText(const snn_model_table &table, const snn_call &call, uint64_t row) {
  for (uint64_t i = 0; call.inputs && i < table.input_count; ++i) {
    const snn_tensor_info &info = table.inputs[i];
    const snn_view &view = call.inputs[i];
    if (info.dtype != SNN_DTYPE_I64 || !view.data)
      continue;
    const int64_t classes = classesOf(table, info);
    const bool overTime = info.shape[0] == SNN_EXTENT_TIME;
    const int64_t ofStep = !overTime ? 0 : view.strides ? view.strides[0] : int64_t(call.batch);
    const int64_t ofRow = view.strides ? view.strides[overTime] : 1;
    for (int64_t step = 0; step < (overTime ? int64_t(call.steps) : 1); ++step) {
      const int64_t label = static_cast<const int64_t *>(view.data)[step * ofStep + int64_t(row) * ofRow];
      if (label < 0 || label >= classes)
        return "label " + std::to_string(label) + (overTime ? " at step " + std::to_string(step) : "") +
               (std::strcmp(info.name, "labels") != 0 ? " of \"" + std::string(info.name) + "\"" : "") +
               ", expected 0 to " + std::to_string(classes - 1);
    }
  }
  return "a label that is no class";
}

/// Targets that are no labels.
static bool hasRealTargets(const snn_model_table &table) {
  for (uint64_t i = 1; i < table.input_count; ++i)
    if (table.inputs[i].dtype == table.precision)
      return true;
  return false;
}

std::string snn::describeFailure(int32_t code, const snn_model_table &table, const snn_call &call) {
  std::string row = call.fault_row ? "row " + std::to_string(*call.fault_row) + " of the batch" : "the batch";
  switch (code) {
  case SNN_ERROR_ARGUMENT:
    return "the model refuses the arguments: an input it needs is missing, the batch is empty, its schedule needs to "
           "know how long the training is (snn_instance_set_training, in Python Model.set_training), or an output has "
           "no gradient to be given";
  case SNN_ERROR_ARENA:
    return "the arena of " + std::to_string(call.arena_size) + " bytes is too small for " + std::to_string(call.batch) +
           " samples, " + std::to_string(call.steps) + " time steps and " + std::to_string(call.workers) + " workers";
  case SNN_ERROR_STEPS:
    if (windowOf(table) > 0 && call.steps > windowOf(table) && call.steps <= uint64_t(table.max_steps))
      return "the model trains in windows of up to " + std::to_string(windowOf(table)) + " time steps, found " +
             std::to_string(call.steps);
    return "the model does not run " + std::to_string(call.steps) + " time steps, expected " +
           (table.steps > 0 ? std::to_string(table.steps) : "1 to " + std::to_string(table.max_steps));
  case SNN_ERROR_LABEL:
    return row + " has " + (call.fault_row ? labelText(table, call, *call.fault_row) : "a label that is no class");
  case SNN_ERROR_NOT_FINITE:
    return row + " has a NaN or an infinity in its input" + (hasRealTargets(table) ? " or a target" : "") +
           "; nothing was updated";
  case SNN_ERROR_UNSUPPORTED:
    return "this entry point of the model cannot do what the call asks for";
  case SNN_ERROR_HYPER:
    return "a number of the loss or the optimizer is outside of its range";
  default:
    return "the model returned the unknown code " + std::to_string(code);
  }
}

namespace {

struct NamedEntry {
  const char *name;
  EntryMember member;
};

/// In the order of enum snn_entry.
constexpr NamedEntry kEntries[] = {
    {"forward", &snn_model_table::forward},       {"step", &snn_model_table::step},
    {"evaluate", &snn_model_table::evaluate},     {"loss_and_gradient", &snn_model_table::loss_and_gradient},
    {"backward", &snn_model_table::backward},     {"update", &snn_model_table::update},
    {"train_step", &snn_model_table::train_step}, {"forward_training", &snn_model_table::forward_training},
};

} // namespace

int32_t snn_library_call(const snn_library *library, uint32_t entry, const snn_call *call) {
  return guarded([&] {
    if (!library || !call)
      throw Error(SNN_ERROR_ARGUMENT, library ? "the call is NULL" : "the library is NULL");
    if (entry >= std::size(kEntries))
      throw Error(SNN_ERROR_ARGUMENT, "there is no entry " + std::to_string(entry));
    const snn_model_table &table = *library->table;
    auto [name, member] = kEntries[entry];
    if (entry == SNN_ENTRY_FORWARD_TRAINING && !trainsApart(table))
      member = &snn_model_table::forward;
    const std::string where = requireEntry(table, member, name);
    if (const int32_t code = (table.*member)(call); code != SNN_OK) {
      // A host that was compiled with an earlier header has a shorter struct: what lies behind it is not ours to read.
      snn_call known = {};
      std::memcpy(&known, call, std::min<uint64_t>(call->struct_size, sizeof(known)));
      throw Error(code, where + describeFailure(code, table, known));
    }
  });
}

int32_t snn_library_init(const snn_library *library, uint64_t seed, void *parameters, void *buffers) {
  return guarded([&] {
    if (!library)
      throw Error(SNN_ERROR_ARGUMENT, "the library is NULL");
    const snn_model_table &table = *library->table;
    if (parameters)
      startParameters(table, seed, static_cast<std::byte *>(parameters));
    if (buffers)
      startBuffers(table, seed, static_cast<std::byte *>(buffers));
  });
}
