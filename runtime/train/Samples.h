// The samples of a split as a model takes them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_TRAIN_SAMPLES_H
#define SNN_RUNTIME_TRAIN_SAMPLES_H

#include "runtime/data/ArrayFiles.h"
#include "snn/runtime.h"

#include <array>
#include <optional>

namespace snn {

/// The inputs of one call: contiguous, in the order and the types of the table.
class Batch {
public:
  /// As the entries take them, from a time step on. They are valid until the next gather.
  std::vector<snn_view> views(uint64_t firstStep = 0) const;

private:
  friend class Samples;
  struct Input {
    std::vector<std::byte> data;
    uint64_t stepBytes = 0; // of all samples in one time step; 0 if the input does not vary over time
  };
  std::vector<Input> inputs;
};

/// One split of the data: for each input of a table an array, and which of its samples belong to the split. Copies
/// share the arrays.
class Samples {
public:
  enum Part { Training, Validation, Test };
  /// "training", "validation", "test".
  static const char *nameOf(Part part);

  /// Finds the arrays of `part`: for the input NAME that of one of the names `part.NAME`, `part_NAME` and `NAME_part`,
  /// where `part` is train, validation or val, or test. Where the files have no such name for any input, `plain` names
  /// are taken, just `NAME`. `x` and `data` are other names of the input "input"; `y`, `target` and `targets` of what
  /// else the model takes, if that is one input. Nothing if there is no array of any such
  /// name.
  ///
  /// Axes: samples come first, then time where the input varies over time; with `timeFirst` it is the other way round,
  /// there. Extents of 1 are no difference: [1, 28, 28] takes images of [28, 28].
  ///
  /// Throws DataError: an array is missing (or all of them are and they are `needed`), or does not fit the input.
  struct Names {
    bool plain = false, needed = false;
  };
  static std::optional<Samples> find(const snn_model_table &table, const ArrayFiles &files, Part part, Names which,
                                     bool timeFirst);

  uint64_t count() const { return ids.size(); }
  /// Numbers of the samples in the arrays, which are also those of the model's random numbers.
  const std::vector<uint64_t> &samples() const { return ids; }
  const char *name() const { return nameOf(part); }
  /// Time steps, if some input varies over time.
  std::optional<uint64_t> steps() const { return timeSteps; }

  /// Takes `count` of the samples out, chosen by the seed alone. `part` names them.
  Samples takeOut(uint64_t count, uint64_t seed, Part part);

  /// Copies the samples with these numbers. Throws DataError if a value cannot be held by the model's type.
  void gather(std::span<const uint64_t> samples, Batch &batch) const;

private:
  struct Input {
    Array array;
    Conversion conversion;
    uint64_t elementBytes = 0;    // of the model
    uint64_t elements = 0;        // of one sample in one time step
    std::vector<int64_t> offsets; // of these, in bytes; empty: without gaps
    int64_t sampleStride = 0, timeStride = 0;
    uint64_t steps = 0; // 0: it does not vary over time
  };
  Samples(const snn_model_table &table, Part part) : table(&table), part(part) {}
  void bind(const snn_tensor_info &info, Array array, bool timeFirst);
  void checkLabels(uint64_t index) const;
  void gather(size_t index, std::span<const uint64_t> samples, Batch &batch) const;
  [[noreturn]] void failValue(size_t index, uint64_t sample, const std::byte *element) const;

  const snn_model_table *table;
  Part part;
  std::vector<Input> inputs;
  std::vector<uint64_t> ids;
  std::optional<uint64_t> timeSteps;
};

} // namespace snn

#endif // SNN_RUNTIME_TRAIN_SAMPLES_H
