// A model's memory, owned by the test and used through the binary interface alone.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_TOOLS_HOSTINSTANCE_H
#define SNN_TEST_TOOLS_HOSTINSTANCE_H

#include "test/tools/TestModels.h"

#include <array>
#include <memory>

namespace snn::test {

/// What memory holds that must not matter: the arena and everything that a call writes, before each call, and the
/// padding of spans. Fresh memory of the system is zero, which hides reads of what was never written.
enum class Poison : uint8_t {
  Pattern = 0xee, ///< -3.7e28 in single precision, -7.2e223 in double
  NotANumber = 0xff
};
inline constexpr std::array kPoisons = {Poison::Pattern, Poison::NotANumber};

/// Bytes aligned to SNN_ALIGNMENT.
class AlignedBytes {
public:
  AlignedBytes() = default;
  AlignedBytes(uint64_t size, Poison poison);
  std::byte *data() const { return bytes.get(); }
  uint64_t size() const { return length; }
  void fill(Poison poison);

private:
  struct Free {
    void operator()(std::byte *memory) const;
  };
  std::unique_ptr<std::byte[], Free> bytes;
  uint64_t length = 0;
};

class HostInstance {
public:
  /// Memory for calls of exactly these sizes, spread over `workers` workers if there are more than one. The optimizer
  /// is at its start, the neurons at rest; parameters are poison until they are set.
  HostInstance(const snn_model_table &table, uint64_t batch, uint64_t steps, uint64_t workers, Poison poison);

  /// Initial values of the seed with tensors of rank 2 and more multiplied by `gain`, so that deep layers fire.
  void initialise(uint64_t seed, double gain);
  void set(const HostTensor &parameter);
  HostTensor parameter(const snn_tensor_info &info) const { return read(parameters, info); }
  HostTensor gradient(const snn_tensor_info &info) const { return read(gradients, info); }
  /// The arena as the last call has left it.
  const AlignedBytes &work() const { return arena; }
  /// Every element of the parameters, and of the gradients, in the order of the table: bits to compare.
  std::vector<std::byte> parameterBits() const { return bits(parameters); }
  std::vector<std::byte> gradientBits() const { return bits(gradients); }

  /// The entry points. What they write is poisoned first, and so is the arena. They throw std::runtime_error unless
  /// the model returns SNN_OK.
  void forward(HostCall &call);
  void step(HostCall &call); ///< `call` is for one time step
  void lossAndGradient(HostCall &call);
  void backward(HostCall &call); ///< from its outputGradients
  void trainStep(HostCall &call);
  void update(); ///< with the gradients that are there; their padding is poisoned

private:
  void run(snn_entry_fn entry, HostCall *call, bool writesGradients);
  HostTensor read(const AlignedBytes &span, const snn_tensor_info &info) const;
  std::vector<std::byte> bits(const AlignedBytes &span) const;

  const snn_model_table &table;
  Poison poison;
  PoolHandle pool;
  uint64_t batch, steps, workers, updates = 0;
  AlignedBytes parameters, gradients, optimizer, buffers, state, arena;
};

} // namespace snn::test

#endif // SNN_TEST_TOOLS_HOSTINSTANCE_H
