// The C interface of tensors, weights and states in files.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/StateFile.h"
#include "runtime/core/Error.h"
#include "runtime/data/Errors.h"

#include <algorithm>
#include <fmt/format.h>

using namespace snn;

/// A file's tensors in the order of their names. Pointers that the interface gives point into `file`.
struct snn_tensors {
  explicit snn_tensors(TensorFile read) : file(std::move(read)) {
    for (const auto &[name, stored] : file.tensors())
      entries.push_back({name.c_str(), stored.typeName.c_str(), uint32_t(stored.shape.size()), stored.shape.data(),
                         stored.bytes.data(), stored.bytes.size()});
  }
  snn_tensors(const snn_tensors &) = delete;
  snn_tensors &operator=(const snn_tensors &) = delete;

  const TensorFile file;
  std::vector<snn_tensor> entries;
};

/// guarded() with the errors of files, which have codes of their own.
template <typename Body> static int32_t guardedFile(Body &&body) noexcept {
  return guarded([&] {
    try {
      body();
    } catch (const MemoryError &error) {
      throw Error(SNN_ERROR_MEMORY, error.what());
    } catch (const DataError &error) {
      throw Error(SNN_ERROR_DATA, error.what());
    } catch (const WriteError &error) {
      throw Error(SNN_ERROR_WRITE, error.what());
    }
  });
}

static void require(const void *pointer, const char *what) {
  if (!pointer)
    throw Error(SNN_ERROR_ARGUMENT, fmt::format("the {} is NULL", what));
}

snn_tensors *snn_tensors_open(const char *path) {
  snn_tensors *result = nullptr;
  guardedFile([&] {
    require(path, "path");
    result = new snn_tensors(TensorFile::read(path));
  });
  return result;
}

snn_tensors *snn_tensors_from_memory(const void *data, uint64_t bytes) {
  snn_tensors *result = nullptr;
  guardedFile([&] {
    require(data, "data");
    result = new snn_tensors(TensorFile::parse(FileBytes{{static_cast<const std::byte *>(data), bytes}, {}}, "memory"));
  });
  return result;
}

void snn_tensors_close(snn_tensors *tensors) { delete tensors; }

uint64_t snn_tensors_count(const snn_tensors *tensors) { return tensors ? tensors->entries.size() : 0; }

int32_t snn_tensors_at(const snn_tensors *tensors, uint64_t index, snn_tensor *tensor) {
  return guardedFile([&] {
    require(tensors, "object of tensors");
    require(tensor, "tensor");
    if (index >= tensors->entries.size())
      throw Error(SNN_ERROR_ARGUMENT, fmt::format("{}: has {} tensors, number {} was asked for", tensors->file.path(),
                                                  tensors->entries.size(), index));
    *tensor = tensors->entries[index];
  });
}

int32_t snn_tensors_find(const snn_tensors *tensors, const char *name, snn_tensor *tensor) {
  return guardedFile([&] {
    require(tensors, "object of tensors");
    require(name, "name");
    require(tensor, "tensor");
    auto entry = std::find_if(tensors->entries.begin(), tensors->entries.end(),
                              [&](const snn_tensor &candidate) { return std::string_view(candidate.name) == name; });
    if (entry == tensors->entries.end())
      throw Error(SNN_ERROR_NAME, fmt::format("{}: has no tensor \"{}\"", tensors->file.path(), name));
    *tensor = *entry;
  });
}

const char *snn_tensors_metadata(const snn_tensors *tensors, const char *key) {
  const char *result = nullptr;
  guardedFile([&] {
    require(tensors, "object of tensors");
    require(key, "key");
    const auto &metadata = tensors->file.metadata();
    auto entry = metadata.find(key);
    if (entry == metadata.end())
      throw Error(SNN_ERROR_NAME, fmt::format("{}: its metadata have no \"{}\"", tensors->file.path(), key));
    result = entry->second.c_str();
  });
  return result;
}

static ElementType elementTypeNamed(std::string_view name) {
  for (ElementType type :
       {ElementType::F32, ElementType::F64, ElementType::I64, ElementType::U8, ElementType::Bool, ElementType::I8,
        ElementType::I16, ElementType::U16, ElementType::I32, ElementType::U32, ElementType::U64})
    if (name == elementTypeName(type))
      return type;
  throw Error(SNN_ERROR_ARGUMENT, fmt::format("there is no dtype \"{}\" to write", name));
}

static TensorToWrite toWrite(const snn_tensor &tensor) {
  require(tensor.name, "name of a tensor");
  require(tensor.dtype, "dtype of a tensor");
  if (tensor.rank > 0)
    require(tensor.shape, "shape of a tensor");
  if (tensor.bytes > 0)
    require(tensor.data, "data of a tensor");
  TensorToWrite result{tensor.name, elementTypeNamed(tensor.dtype), {tensor.shape, tensor.shape + tensor.rank}, {}};
  uint64_t bytes = elementBytes(result.type);
  for (int64_t extent : result.shape)
    if (extent < 0 || __builtin_mul_overflow(bytes, uint64_t(extent), &bytes))
      throw Error(SNN_ERROR_ARGUMENT,
                  fmt::format("tensor \"{}\" has the shape {}", tensor.name, shapeText(result.shape)));
  if (bytes != tensor.bytes)
    throw Error(SNN_ERROR_SIZE, fmt::format("tensor \"{}\" has {} bytes, expected {} for {} {}", tensor.name,
                                            tensor.bytes, bytes, tensor.dtype, shapeText(result.shape)));
  result.bytes = {static_cast<const std::byte *>(tensor.data), tensor.bytes};
  return result;
}

int32_t snn_tensors_write(const char *path, const snn_tensor *tensors, uint64_t count, const char *const *metadata) {
  return guardedFile([&] {
    require(path, "path");
    if (count > 0)
      require(tensors, "list of tensors");
    std::vector<TensorToWrite> list;
    for (uint64_t i = 0; i < count; ++i) {
      list.push_back(toWrite(tensors[i]));
      for (uint64_t before = 0; before < i; ++before)
        if (list[before].name == list[i].name)
          throw Error(SNN_ERROR_NAME, fmt::format("tensor \"{}\" is there twice", list[i].name));
      if (list[i].name == "__metadata__")
        throw Error(SNN_ERROR_NAME, "no tensor can be called \"__metadata__\"");
    }
    std::map<std::string, std::string> pairs;
    for (const char *const *entry = metadata; entry && *entry; entry += 2) {
      require(entry[1], "value of an entry of the metadata");
      if (std::string_view(entry[0]).starts_with("snn.checksum"))
        throw Error(SNN_ERROR_NAME, fmt::format("\"{}\" of the metadata is written by the runtime itself", entry[0]));
      pairs[entry[0]] = entry[1];
    }
    writeSafetensors(path, std::move(list), pairs);
  });
}

int32_t snn_instance_save(const snn_instance *instance, const char *path) {
  return guardedFile([&] {
    require(instance, "instance");
    require(path, "path");
    saveCheckpoint(path, instance, instance->table);
  });
}

int32_t snn_instance_load(snn_instance *instance, const char *path) {
  return guardedFile([&] {
    require(instance, "instance");
    require(path, "path");
    loadCheckpoint(instance, instance->table, TensorFile::read(path), OtherTensors::Refuse);
  });
}

int32_t snn_instance_load_tensors(snn_instance *instance, const snn_tensors *tensors) {
  return guardedFile([&] {
    require(instance, "instance");
    require(tensors, "object of tensors");
    loadCheckpoint(instance, instance->table, tensors->file, OtherTensors::Refuse);
  });
}

int32_t snn_instance_save_state(const snn_instance *instance, uint64_t batch, const char *path) {
  return guardedFile([&] {
    require(instance, "instance");
    require(path, "path");
    saveState(path, *instance, batch);
  });
}

int32_t snn_instance_load_state(snn_instance *instance, uint64_t batch, const char *path) {
  return guardedFile([&] {
    require(instance, "instance");
    require(path, "path");
    loadState(*instance, batch, TensorFile::read(path));
  });
}
