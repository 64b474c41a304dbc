// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Weights are read by the runtime's own reader, which throws: this file is compiled with exceptions, and none leaves
// it.

#include "compiler/Driver/Weights.h"

#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/core/Table.h"
#include "runtime/data/Errors.h"

#include <cstring>

namespace snn {
namespace {

std::vector<snn_tensor_info> describeAll(const std::vector<TensorInfo> &tensors) {
  std::vector<snn_tensor_info> all;
  for (const TensorInfo &tensor : tensors) {
    snn_tensor_info info = {};
    info.name = tensor.name.c_str();
    info.dtype = tensor.dtype;
    info.rank = uint32_t(tensor.shape.size());
    info.shape = tensor.shape.data();
    info.strides = tensor.strides.empty() ? nullptr : tensor.strides.data();
    info.offset = uint64_t(tensor.offset);
    info.init_low = tensor.low;
    all.push_back(info);
  }
  return all;
}

std::string spanOf(const std::vector<snn_tensor_info> &infos, const std::vector<OwnedTensor> &tensors, int64_t bytes) {
  std::string span(size_t(bytes), '\0');
  for (size_t i = 0; i < infos.size(); ++i) {
    const uint64_t size = snn_dtype_bytes(infos[i].dtype);
    forEachElement(infos[i], size, [&](uint64_t element, uint64_t offset) {
      std::memcpy(span.data() + offset, tensors[i].bytes.data() + element * size, size);
    });
  }
  return span;
}

} // namespace

ExitStatus readWeights(const std::string &path, const ModelInterface &model, Weights &weights, std::string &message) {
  const std::vector<snn_tensor_info> parameters = describeAll(model.parameters), buffers = describeAll(model.buffers),
                                     constants = describeAll(model.constants);
  snn_model_table table = {};
  table.name = model.name.c_str();
  table.parameters = parameters.data();
  table.parameter_count = parameters.size();
  table.buffers = buffers.data();
  table.buffer_count = buffers.size();
  table.constants = constants.data();
  table.constant_count = constants.size();
  try {
    const Checkpoint checkpoint = readCheckpoint(table, TensorFile::read(path), OtherTensors::Refuse);
    weights.parameters = spanOf(parameters, checkpoint.parameters, model.parameterBytes);
    weights.buffers = spanOf(buffers, checkpoint.buffers, model.bufferBytes);
    return kExitSuccess;
  } catch (const MemoryError &error) {
    message = error.what();
    return kExitOutOfMemory;
  } catch (const std::bad_alloc &) {
    message = "out of memory";
    return kExitOutOfMemory;
  } catch (const DataError &error) {
    message = error.what();
    return kExitModelError;
  }
}

} // namespace snn
