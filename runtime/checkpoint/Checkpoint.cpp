// Saving and loading of parameters.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/data/Errors.h"

#include <algorithm>
#include <fmt/format.h>

using namespace snn;

static constexpr const char *anotherModel = "these weights belong to another model";

static OwnedTensor emptyTensor(std::string name, const snn_tensor_info &tensor) {
  return emptyTensor(std::move(name), tensor.dtype, shapeOf(tensor));
}

using Getter = int32_t (*)(const snn_instance *, const char *, void *, uint64_t);

static std::vector<OwnedTensor> copies(const snn_instance *instance, const snn_tensor_info *tensors, uint64_t count,
                                       Getter get, const char *prefix = "") {
  std::vector<OwnedTensor> result;
  for (const snn_tensor_info *info = tensors; info != tensors + count; ++info) {
    OwnedTensor &tensor = result.emplace_back(emptyTensor(fmt::format("{}{}", prefix, info->name), *info));
    check(get(instance, info->name, tensor.bytes.data(), tensor.bytes.size()));
  }
  return result;
}

std::vector<OwnedTensor> snn::parameterTensors(const snn_instance *instance, const snn_model_table &table) {
  return copies(instance, table.parameters, table.parameter_count, snn_instance_get_parameter);
}

std::vector<OwnedTensor> snn::bufferTensors(const snn_instance *instance, const snn_model_table &table) {
  return copies(instance, table.buffers, table.buffer_count, snn_instance_get_buffer);
}

std::vector<OwnedTensor> snn::gradientTensors(const snn_instance *instance, const snn_model_table &table) {
  return copies(instance, table.parameters, table.parameter_count, snn_instance_get_gradient, "grad.");
}

/// Membranes that are not numbers never fire, so a network can be ruined while its loss looks well.
static void requireFinite(const OwnedTensor &tensor) {
  if (std::optional<NotFinite> found = findNotFinite(tensor))
    throw DataError(fmt::format("{} became {} at element {}; a smaller learning rate may help", tensor.name,
                                found->value, found->element));
}

std::string snn::modelHashText(const snn_model_table &table) { return fmt::format("{:016x}", table.model_hash); }

void snn::saveCheckpoint(const std::string &path, const snn_instance *instance, const snn_model_table &table,
                         std::optional<uint64_t> epoch) {
  std::vector<OwnedTensor> tensors = parameterTensors(instance, table);
  for (OwnedTensor &buffer : bufferTensors(instance, table))
    tensors.push_back(std::move(buffer));
  for (const OwnedTensor &tensor : tensors)
    requireFinite(tensor);
  for (uint64_t i = 0; i < table.constant_count; ++i) {
    const snn_tensor_info &constant = table.constants[i];
    if (constant.dtype != SNN_DTYPE_F32 && constant.dtype != SNN_DTYPE_F64)
      continue;
    OwnedTensor &tensor = tensors.emplace_back(emptyTensor(constant.name, constant));
    uint64_t count = tensor.bytes.size() / snn_dtype_bytes(constant.dtype);
    for (uint64_t element = 0; element < count; ++element)
      putReal(tensor, element, constant.init_low);
  }
  std::vector<TensorToWrite> views;
  for (const OwnedTensor &tensor : tensors)
    views.push_back(tensor.view());
  std::map<std::string, std::string> metadata = {
      {"format", "pt"}, {"model", table.name}, {"model_hash", modelHashText(table)}};
  if (epoch)
    metadata["epoch"] = std::to_string(*epoch);
  writeSafetensors(path, std::move(views), metadata);
}

static void checkConstant(const snn_tensor_info &constant, const StoredTensor &stored, const std::string &path) {
  std::string label = fmt::format("{}: tensor \"{}\"", path, constant.name);
  double compiled = constant.init_low;
  for (double value : numbersOf(stored, label))
    if (value != compiled && value != double(float(compiled)))
      throw DataError(fmt::format("{} is {}, but {} is compiled into the model: change the model or the weights", label,
                                  value, compiled));
}

/// The tensor as the model takes it: finite reals in its precision, or integers.
static OwnedTensor readTensor(const snn_tensor_info &info, const TensorFile &file, const snn_model_table &table) {
  const StoredTensor *stored = file.find(info.name);
  if (!stored)
    throw DataError(fmt::format("{}: has no tensor \"{}\", which model \"{}\" needs; {}", file.path(), info.name,
                                table.name, anotherModel));
  std::string label = fmt::format("{}: tensor \"{}\"", file.path(), info.name);
  if (stored->shape != shapeOf(info))
    throw DataError(fmt::format("{} has shape {}, expected {}; {}", label, shapeText(stored->shape),
                                tableShapeText(info), anotherModel));
  return convertStored(*stored, info.name, info.dtype, label);
}

/// What PyTorch keeps beside running statistics: how many batches they have seen. It changes no result, so it is read
/// and forgotten.
static bool isBatchCounter(const snn_model_table &table, std::string_view name, const StoredTensor &stored) {
  constexpr std::string_view counter = "num_batches_tracked";
  if (!name.ends_with(counter) || stored.type != ElementType::I64 || !stored.shape.empty())
    return false;
  name.remove_suffix(counter.size());
  return std::any_of(table.buffers, table.buffers + table.buffer_count,
                     [&](const snn_tensor_info &buffer) { return std::string_view(buffer.name).starts_with(name); });
}

void snn::checkConstants(const snn_model_table &table, const TensorFile &file) {
  for (uint64_t i = 0; i < table.constant_count; ++i)
    if (const StoredTensor *stored = file.find(table.constants[i].name))
      checkConstant(table.constants[i], *stored, file.path());
}

Checkpoint snn::readCheckpoint(const snn_model_table &table, const TensorFile &file, OtherTensors others) {
  if (others == OtherTensors::Refuse)
    for (const auto &[name, stored] : file.tensors())
      if (!findTensor(table.parameters, table.parameter_count, name) &&
          !findTensor(table.buffers, table.buffer_count, name) &&
          !findTensor(table.constants, table.constant_count, name) && !isBatchCounter(table, name, stored))
        throw DataError(fmt::format("{}: has a tensor \"{}\", which model \"{}\" does not have; {}", file.path(), name,
                                    table.name, anotherModel));
  checkConstants(table, file);

  Checkpoint checkpoint;
  for (uint64_t i = 0; i < table.parameter_count; ++i)
    checkpoint.parameters.push_back(readTensor(table.parameters[i], file, table));
  for (uint64_t i = 0; i < table.buffer_count; ++i)
    checkpoint.buffers.push_back(readTensor(table.buffers[i], file, table));
  return checkpoint;
}

void snn::loadCheckpoint(snn_instance *instance, const snn_model_table &table, const TensorFile &file,
                         OtherTensors others) {
  const Checkpoint checkpoint = readCheckpoint(table, file, others);
  for (const OwnedTensor &tensor : checkpoint.parameters)
    check(snn_instance_set_parameter(instance, tensor.name.c_str(), tensor.bytes.data(), tensor.bytes.size()));
  for (const OwnedTensor &tensor : checkpoint.buffers)
    check(snn_instance_set_buffer(instance, tensor.name.c_str(), tensor.bytes.data(), tensor.bytes.size()));
}
