// Compiling models and preparing calls for tests.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/tools/TestModels.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

using namespace snn;
using namespace snn::test;

namespace {

/// A folder that goes away with the process.
struct TemporaryFolder {
  std::filesystem::path path;
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "snn-test-XXXXXX").string();
    if (!mkdtemp(pattern.data()))
      throw std::runtime_error("no temporary folder can be made");
    path = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

const std::filesystem::path &folder() {
  static const TemporaryFolder folder;
  return folder.path;
}

template <typename Element> double load(const std::byte *from) {
  Element element;
  std::memcpy(&element, from, sizeof(element));
  return double(element);
}

template <typename Element> void store(std::byte *to, double value) {
  Element element = Element(value);
  std::memcpy(to, &element, sizeof(element));
}

} // namespace

std::string test::temporaryPath(const std::string &name) { return (folder() / name).string(); }

std::string test::readText(const std::string &path) {
  std::ifstream file(path);
  if (!file)
    throw std::runtime_error(path + " cannot be read");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Runs `program` on `text` in a file of this kind; the path of what it writes.
static std::string runTool(const std::string &program, const std::string &text, const std::string &suffix,
                           const std::string &flags) {
  static int count = 0;
  std::string stem = temporaryPath(fmt::format("model{}", count++));
  std::string source = stem + suffix, result = stem + ".so", log = stem + ".log";
  std::ofstream(source) << text;
  std::string command = fmt::format("'{}' '{}' {} -o '{}' > '{}' 2>&1", program, source, flags, result, log);
  if (std::system(command.c_str()) != 0)
    throw std::runtime_error(fmt::format("{}\n{}", command, readText(log)));
  return result;
}

std::string test::compileText(const std::string &text, const std::string &flags) {
  const char *chosen = std::getenv("SNNC");
  return runTool(chosen ? chosen : SNNC_PATH, text, ".snn", flags);
}

uint64_t Random::next() {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

HostTensor::HostTensor(const snn_tensor_info &info, uint64_t batch, uint64_t steps)
    : name(info.name), dtype(info.dtype), shape(info.shape, info.shape + info.rank) {
  uint64_t count = 1;
  for (int64_t &extent : shape) {
    if (extent == SNN_EXTENT_BATCH)
      extent = int64_t(batch);
    if (extent == SNN_EXTENT_TIME)
      extent = int64_t(steps);
    count *= uint64_t(extent);
  }
  bytes.resize(count * snn_dtype_bytes(dtype));
}

double HostTensor::get(uint64_t index) const {
  const std::byte *element = bytes.data() + index * snn_dtype_bytes(dtype);
  switch (dtype) {
  case SNN_DTYPE_F32:
    return load<float>(element);
  case SNN_DTYPE_F64:
    return load<double>(element);
  case SNN_DTYPE_U8:
    return load<uint8_t>(element);
  default:
    return load<int64_t>(element);
  }
}

void HostTensor::set(uint64_t index, double value) {
  std::byte *element = bytes.data() + index * snn_dtype_bytes(dtype);
  switch (dtype) {
  case SNN_DTYPE_F32:
    return store<float>(element, value);
  case SNN_DTYPE_F64:
    return store<double>(element, value);
  case SNN_DTYPE_U8:
    return store<uint8_t>(element, value);
  default:
    return store<int64_t>(element, value);
  }
}

std::vector<double> HostTensor::values() const {
  std::vector<double> result(size());
  for (uint64_t i = 0; i < result.size(); ++i)
    result[i] = get(i);
  return result;
}

HostCall::HostCall(const snn_model_table &table, uint64_t batchSize, uint64_t steps) {
  for (uint64_t i = 0; i < table.input_count; ++i)
    inputs.emplace_back(table.inputs[i], batchSize, steps);
  for (uint64_t i = 0; i < table.output_count; ++i)
    outputs.emplace_back(table.outputs[i], batchSize, steps);
  for (HostTensor &tensor : inputs)
    views.push_back({tensor.bytes.data(), nullptr});
  for (HostTensor &tensor : outputs)
    pointers.push_back(tensor.bytes.data());
  batch.struct_size = sizeof(batch);
  batch.batch = batchSize;
  batch.steps = steps;
  batch.inputs = views.data();
  batch.outputs = pointers.data();
  batch.loss = &loss;
  batch.fault_row = &faultRow;
}

static HostTensor *find(std::vector<HostTensor> &tensors, const std::string &name) {
  for (HostTensor &tensor : tensors)
    if (tensor.name == name)
      return &tensor;
  return nullptr;
}

HostTensor *HostCall::input(const std::string &name) { return find(inputs, name); }
HostTensor *HostCall::output(const std::string &name) { return find(outputs, name); }

std::vector<std::byte> HostCall::outputBits() const {
  std::vector<std::byte> all(sizeof(loss));
  std::memcpy(all.data(), &loss, sizeof(loss));
  for (const HostTensor &tensor : outputs)
    all.insert(all.end(), tensor.bytes.begin(), tensor.bytes.end());
  return all;
}

void test::fillInputs(HostCall &call, const snn_model_table &table, Random &random, double high) {
  for (uint64_t input = 0; input < table.input_count; ++input) {
    HostTensor &tensor = call.inputs[input];
    for (uint64_t i = 0; i < tensor.size(); ++i) {
      if (tensor.dtype == SNN_DTYPE_I64)
        tensor.set(i, double(random.below(uint64_t(table.inputs[input].init_high))));
      else if (tensor.dtype == SNN_DTYPE_U8)
        tensor.set(i, double(random.below(256)));
      else
        tensor.set(i, std::floor(random.uniform(0, high) * 0x1p13) * 0x1p-13);
    }
  }
}
