// Random numbers belong to (seed, place, epoch, sample, step, element): where a sample stands, with which others, in
// how many calls and threads changes none of its bits.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/tools/HostInstance.h"

#include <cstring>
#include <gtest/gtest.h>
#include <numeric>

using namespace snn;
using namespace snn::test;

namespace {

constexpr const char *kModel = R"(snn 1
neuron shaken(x) {
  state mem = 0
  mem = 0.8 * mem + x + 0.3 * random() - 0.2 * random(per = sample)
  spike fire(mem - 0.9, atan(alpha = 2))
}
model m {
  input f32[2, 6, 6]
  steps 5
  rate
  conv(3, kernel = 3, padding = 1)
  shaken
  dropout(p = 0.4)
  flatten
  linear 40
  rleaky(beta = 0.9, threshold = 0.3, recurrent = linear)
  dropout(p = 0.2)
  linear 10
  leaky(threshold = 0.2)
}
)";
constexpr uint64_t kSteps = 5;

/// What training makes of samples with the given ids, each in the rows of one sample: outputs over time and the
/// gradient of the input.
class Runs {
public:
  Runs() : library(openLibrary(compileText(kModel))), table(*snn_library_table(library.get())) {
    HostCall call(table, kSamples, kSteps);
    Random random(3);
    fillInputs(call, table, random, 1);
    inputs = call.inputs;
  }

  /// `rows` are numbers of samples, whose ids are 100 more.
  std::vector<std::vector<std::byte>> run(const std::vector<uint64_t> &rows, uint64_t workers, uint64_t epoch = 0) {
    HostInstance instance(table, rows.size(), kSteps, workers, Poison::Pattern);
    instance.initialise(5, 2);
    HostCall call(table, rows.size(), kSteps);
    std::vector<uint64_t> ids;
    for (size_t row = 0; row < rows.size(); ++row) {
      ids.push_back(100 + rows[row]);
      for (size_t i = 0; i < inputs.size(); ++i) {
        const size_t size = inputs[i].bytes.size() / kSamples;
        std::memcpy(call.inputs[i].bytes.data() + row * size, inputs[i].bytes.data() + rows[row] * size, size);
      }
    }
    call.batch.sample_ids = ids.data();
    call.batch.epoch = epoch;
    instance.lossAndGradient(call);
    std::vector<std::vector<std::byte>> samples(rows.size());
    for (const HostTensor &output : call.outputs) {
      if (output.shape.empty() || output.name == "grad.input") // the mean over the batch is in these
        continue;
      const bool overTime = output.name != "count";
      const size_t steps = overTime ? kSteps : 1, size = output.bytes.size() / steps / rows.size();
      for (size_t step = 0; step < steps; ++step)
        for (size_t row = 0; row < rows.size(); ++row) {
          const std::byte *begin = output.bytes.data() + (step * rows.size() + row) * size;
          samples[row].insert(samples[row].end(), begin, begin + size);
        }
    }
    return samples;
  }

  static constexpr uint64_t kSamples = 9;

private:
  LibraryHandle library;
  const snn_model_table &table;
  std::vector<HostTensor> inputs;
};

TEST(RandomNumbers, BelongToTheSample) {
  Runs runs;
  std::vector<uint64_t> rows(Runs::kSamples);
  std::iota(rows.begin(), rows.end(), 0);
  const auto all = runs.run(rows, 1);
  EXPECT_TRUE(runs.run(rows, 3) == all) << "three workers";

  const std::vector<uint64_t> other = {6, 2, 8, 0, 5, 7, 1, 4, 3};
  const auto moved = runs.run(other, 2);
  for (size_t row = 0; row < other.size(); ++row)
    EXPECT_TRUE(moved[row] == all[other[row]]) << "sample " << other[row] << " in row " << row;

  for (uint64_t sample : {uint64_t(0), uint64_t(4)})
    EXPECT_TRUE(runs.run({sample}, 1).front() == all[sample]) << "sample " << sample << " alone";
}

TEST(RandomNumbers, AreOthersInAnotherEpoch) {
  Runs runs;
  const auto first = runs.run({0, 1, 2}, 1), second = runs.run({0, 1, 2}, 1, 1);
  for (size_t row = 0; row < 3; ++row)
    EXPECT_TRUE(first[row] != second[row]);
  EXPECT_TRUE(first[0] != first[1]);
}

} // namespace
