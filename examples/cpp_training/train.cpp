// A device that keeps training: its sensors have been put in the wrong way round, and it learns that from labelled
// samples. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   train WEIGHTS.safetensors [NEW.safetensors]   goes on from these weights; the new ones are written at the end
//   train --first NEW.safetensors                 first training, with the sensors as they should be
#include "motion.h"
#include "sensors.h"

#include <snn/snn.hpp>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr uint64_t rows = MOTION_BATCH;

/// Samples as the model takes them, over and over in the same memory.
struct Samples {
  std::vector<float> frames = std::vector<float>(MOTION_ELEMENTS_OF_INPUT_INPUT(rows, FRAMES));
  std::vector<int64_t> motions = std::vector<int64_t>(rows);
  std::vector<float> counts = std::vector<float>(MOTION_ELEMENTS_OF_OUTPUT_COUNT(rows, FRAMES));

  void draw(const int *order, uint64_t &random) {
    for (uint64_t row = 0; row < rows; ++row) {
      passage seen = random_passage(&random);
      motions[row] = seen.motion;
      for (uint64_t t = 0; t < FRAMES; ++t)
        next_frame(&seen, order, &random, frames.data() + (t * rows + row) * SENSORS);
    }
  }

  /// How many samples have the most spikes where their motion is.
  int right() const {
    int number = 0;
    for (uint64_t row = 0; row < rows; ++row) {
      const float *count = counts.data() + row * MOTIONS;
      int64_t most = 0;
      for (int64_t motion = 1; motion < MOTIONS; ++motion)
        most = count[motion] > count[most] ? motion : most;
      number += most == motions[row];
    }
    return number;
  }
};

double accuracy(snn::Instance &instance, snn::Batch &batch, Samples &samples, const int *order) {
  uint64_t random = 99;
  int right = 0;
  constexpr int batches = 20;
  for (int i = 0; i < batches; ++i) {
    samples.draw(order, random);
    instance.forward(batch);
    right += samples.right();
  }
  return 100.0 * right / (batches * double(rows));
}

int run(const std::string &weights, const char *written, bool first) {
  constexpr std::array<int, SENSORS> turned = {7, 6, 5, 4, 3, 2, 1, 0};
  const int *order = first ? nullptr : turned.data();
  const snn::Library library = snn::Library::linked(motion_snn_query);
  snn::Instance instance(library, rows);
  instance.init(1);
  if (!first)
    instance.load(weights);
  Samples samples;
  snn::Batch batch(instance, rows);
  batch.input("input", samples.frames).input("labels", samples.motions).output("count", samples.counts);
  if (!first)
    std::printf("sensors as they should be: %.1f %% right\n", accuracy(instance, batch, samples, nullptr));
  std::printf("before: %.1f %% right\n", accuracy(instance, batch, samples, order));
  uint64_t random = 7;
  for (int update = 1; update <= 300; ++update) {
    samples.draw(order, random);
    const double loss = instance.trainStep(batch);
    if (update % 100 == 0)
      std::printf("update %d: loss %.3f\n", update, loss);
  }
  std::printf("after: %.1f %% right\n", accuracy(instance, batch, samples, order));
  if (written)
    instance.save(written);
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 2 || (std::strcmp(argv[1], "--first") == 0 && argc < 3)) {
    std::fprintf(stderr, "train WEIGHTS.safetensors [NEW.safetensors], or train --first NEW.safetensors\n");
    return 2;
  }
  try {
    const bool first = std::strcmp(argv[1], "--first") == 0;
    return run(argv[1], argc > 2 ? argv[2] : nullptr, first);
  } catch (const snn::Error &error) {
    std::fprintf(stderr, "train: %s\n", error.what());
    return 1;
  }
}
