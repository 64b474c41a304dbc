// Checks of a model's table.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/core/Table.h"
#include "runtime/core/Error.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <set>
#include <string>

using namespace snn;

uint64_t snn_dtype_bytes(uint32_t dtype) {
  switch (dtype) {
  case SNN_DTYPE_F32:
    return 4;
  case SNN_DTYPE_F64:
  case SNN_DTYPE_I64:
    return 8;
  case SNN_DTYPE_U8:
    return 1;
  default:
    return 0;
  }
}

uint64_t snn::elementCount(const snn_tensor_info &tensor) {
  uint64_t count = 1;
  for (uint32_t d = 0; d < tensor.rank; ++d)
    count *= uint64_t(tensor.shape[d]);
  return count;
}

std::string snn::numberText(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

bool snn::inRange(const snn_hyper_info &info, double value) {
  return std::isfinite(value) && value >= info.low &&
         (info.flags & SNN_HYPER_BELOW_HIGH ? value < info.high : value <= info.high);
}

std::string snn::rangeText(const snn_hyper_info &info) {
  if (std::isinf(info.low) && std::isinf(info.high))
    return "a finite number";
  std::string low = std::isinf(info.low) ? "" : "at least " + numberText(info.low);
  if (std::isinf(info.high))
    return low;
  std::string high = (info.flags & SNN_HYPER_BELOW_HIGH ? "below " : "at most ") + numberText(info.high);
  return low.empty() ? high : low + " and " + high;
}

namespace {

class TableCheck {
public:
  TableCheck(const snn_model_table &table, const char *origin) : table(table), origin(origin) {}

  void run() const {
    constexpr uint64_t least = offsetof(snn_model_table, evaluate);
    require(table.struct_size >= least, "the table has " + std::to_string(table.struct_size) +
                                            " bytes, expected at least " + std::to_string(least));
    require(table.abi_version == SNN_ABI_VERSION, "the table speaks ABI version " + std::to_string(table.abi_version) +
                                                      ", expected " + std::to_string(SNN_ABI_VERSION));
    require(table.tensor_info_size == sizeof(snn_tensor_info),
            "a tensor's description has " + std::to_string(table.tensor_info_size) + " bytes, expected " +
                std::to_string(sizeof(snn_tensor_info)));
    require(table.precision == SNN_DTYPE_F32 || table.precision == SNN_DTYPE_F64,
            "the precision is neither f32 nor f64");
    require(table.name && table.compiler && table.target, "a name in the table is missing");
    require(table.arena_size && table.forward, "the entry point \"forward\" or \"arena_size\" is missing");
    require(table.default_batch >= 1 && table.default_epochs >= 0, "the default batch or epochs make no sense");
    require(table.steps >= 1 || (table.steps == -1 && table.max_steps >= 1), "the number of time steps makes no sense");
    require(windowOf(table) <= uint64_t(table.steps > 0 ? table.steps : table.max_steps),
            "its windows have more time steps than the model");
    require(!initialParametersOf(table) || !table.buffer_bytes || initialBuffersOf(table),
            "it has values of parameters, but none of buffers");
    checkList(table.parameters, table.parameter_count, "parameter", table.parameter_bytes, true);
    checkList(table.buffers, table.buffer_count, "buffer", table.buffer_bytes, true);
    checkList(table.states, table.state_count, "state", table.state_bytes, true);
    checkList(table.constants, table.constant_count, "constant", 0, false);
    checkList(table.inputs, table.input_count, "input", 0, false);
    checkList(table.outputs, table.output_count, "output", 0, false);
    for (uint64_t i = 0; i < table.parameter_count; ++i)
      require(table.parameters[i].dtype == table.precision,
              std::string("parameter \"") + table.parameters[i].name + "\" is not of the model's precision");
    for (uint64_t i = 0; i < table.buffer_count; ++i) {
      const snn_tensor_info &buffer = table.buffers[i];
      const std::string label = std::string("buffer \"") + buffer.name + "\"";
      require(buffer.dtype == table.precision || buffer.dtype == SNN_DTYPE_I64,
              label + " is neither of the model's precision nor i64");
      require(buffer.init == SNN_INIT_CONSTANT || buffer.dtype == table.precision,
              label + " starts at random, but is no array of reals");
      // Both stand under their names in a checkpoint.
      for (uint64_t p = 0; p < table.parameter_count; ++p)
        require(std::strcmp(buffer.name, table.parameters[p].name) != 0, label + " is a parameter too");
    }
    for (uint64_t i = 0; i < table.output_count; ++i)
      require(table.outputs[i].rank != 0 || table.outputs[i].dtype == SNN_DTYPE_F64,
              std::string("output \"") + table.outputs[i].name + "\" is one number, but not f64");
    require(table.hyper || table.hyper_count == 0, "the hyper list is missing");
    for (uint64_t i = 0; i < table.hyper_count; ++i) {
      const snn_hyper_info &info = table.hyper[i];
      require(info.name, "a hyper value has no name");
      require(inRange(info, info.value), std::string("\"") + info.name + "\" is " + numberText(info.value) +
                                             ", which is outside of its own range, " + rangeText(info));
    }
  }

private:
  void require(bool condition, const std::string &message) const {
    if (!condition)
      throw Error(SNN_ERROR_LIBRARY, std::string(origin) + ": is not a valid model: " + message);
  }

  void checkList(const snn_tensor_info *tensors, uint64_t count, const char *kind, uint64_t span, bool inSpan) const {
    require(tensors || count == 0, std::string("the list of every ") + kind + " is missing");
    std::set<std::string> names;
    for (uint64_t i = 0; i < count; ++i) {
      const snn_tensor_info &tensor = tensors[i];
      require(tensor.name, std::string("a ") + kind + " has no name");
      std::string label = std::string(kind) + " \"" + tensor.name + "\"";
      require(names.insert(tensor.name).second, label + " is there twice");
      require(snn_dtype_bytes(tensor.dtype) != 0, label + " has an unknown element type");
      require(tensor.rank <= 16 && (tensor.shape || tensor.rank == 0), label + " has no valid shape");
      checkExtents(tensor, label, inSpan);
      if (inSpan)
        checkPlace(tensor, label, span);
    }
  }

  /// Run-time extents come first: time, then batch.
  void checkExtents(const snn_tensor_info &tensor, const std::string &label, bool known) const {
    uint64_t elements = 1;
    bool batchSeen = false;
    for (uint32_t d = 0; d < tensor.rank; ++d) {
      int64_t extent = tensor.shape[d];
      bool time = extent == SNN_EXTENT_TIME && d == 0, batch = extent == SNN_EXTENT_BATCH && d <= 1 && !batchSeen;
      batchSeen |= extent == SNN_EXTENT_BATCH;
      require(extent > 0 || (!known && (time || batch)), label + " has an extent that makes no sense");
      require(extent < 0 || !__builtin_mul_overflow(elements, uint64_t(extent), &elements), label + " is too large");
    }
    require(elements < (uint64_t{1} << 48), label + " is too large");
  }

  void checkPlace(const snn_tensor_info &tensor, const std::string &label, uint64_t span) const {
    uint64_t last = 0, size = snn_dtype_bytes(tensor.dtype);
    bool fits = true;
    if (tensor.strides) {
      for (uint32_t d = 0; d < tensor.rank; ++d) {
        uint64_t reach = 0;
        fits &= tensor.strides[d] >= 0 &&
                !__builtin_mul_overflow(uint64_t(tensor.shape[d] - 1), uint64_t(tensor.strides[d]), &reach) &&
                !__builtin_add_overflow(last, reach, &last);
      }
    } else {
      last = elementCount(tensor) - 1;
    }
    uint64_t end = 0;
    fits = fits && !__builtin_mul_overflow(last + 1, size, &end) && !__builtin_add_overflow(end, tensor.offset, &end);
    require(fits && end <= span && tensor.offset % size == 0, label + " does not lie within its span");
  }

  const snn_model_table &table;
  const char *origin;
};

} // namespace

void snn::checkTable(const snn_model_table *table, const char *origin) { TableCheck(*table, origin).run(); }
