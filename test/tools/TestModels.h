// What tests share: compiling a model's text, memory for calls, random inputs.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_TOOLS_TESTMODELS_H
#define SNN_TEST_TOOLS_TESTMODELS_H

#include "runtime/train/Model.h"

#include <string>
#include <vector>

namespace snn::test {

/// Compiles `text` with the snnc in the environment variable SNNC, or else in the folder that was configured; `flags`
/// are words for the shell. Returns the path of the library, in a temporary folder that the process removes at its end.
/// Throws std::runtime_error with snnc's messages.
std::string compileText(const std::string &text, const std::string &flags = "");

/// A path in that folder.
std::string temporaryPath(const std::string &name);

std::string readText(const std::string &path);

/// The small generator splitmix64: the same numbers everywhere.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next();
  double uniform(double low, double high) { return low + (high - low) * double(next() >> 11) * 0x1p-53; }
  uint64_t below(uint64_t bound) { return next() % bound; }

private:
  uint64_t state;
};

/// A tensor in memory; elements are read and written as double, whatever their type.
struct HostTensor {
  std::string name;
  uint32_t dtype = 0; // enum snn_dtype
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;

  HostTensor() = default;
  /// Zero; run-time extents are filled in.
  HostTensor(const snn_tensor_info &info, uint64_t batch, uint64_t steps);

  uint64_t size() const { return bytes.size() / snn_dtype_bytes(dtype); }
  double get(uint64_t index) const;
  void set(uint64_t index, double value);
  std::vector<double> values() const;
};

/// Memory for one call with all inputs and outputs.
struct HostCall {
  std::vector<HostTensor> inputs, outputs;
  std::vector<snn_view> views;
  std::vector<void *> pointers;
  std::vector<const void *> outputGradients; ///< for `backward`, in the order of the outputs; else empty
  double loss = 0;
  uint64_t faultRow = 0;
  snn_batch batch = {};

  HostCall(const snn_model_table &table, uint64_t batch, uint64_t steps);
  HostCall(const HostCall &) = delete;

  HostTensor *input(const std::string &name);
  HostTensor *output(const std::string &name);
  /// All outputs and the loss: bits to compare.
  std::vector<std::byte> outputBits() const;
};

/// Random inputs: real ones are multiples of 2^-13 in [0, high), so that they and small differences of them are exact
/// in single precision; bytes are anything; labels are in [0, classes).
void fillInputs(HostCall &call, const snn_model_table &table, Random &random, double high);

} // namespace snn::test

#endif // SNN_TEST_TOOLS_TESTMODELS_H
