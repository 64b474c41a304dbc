// Datasets of labelled samples, held in memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_DATA_DATASET_H
#define SNN_RUNTIME_DATA_DATASET_H

#include <cstdint>
#include <string>
#include <vector>

namespace snn {

/// Samples of one split: `samples` is [count, sampleShape...] in row-major order.
struct Split {
  std::vector<int64_t> sampleShape;
  std::vector<uint8_t> samples;
  std::vector<int64_t> labels; // one per sample, in [0, classes)

  uint64_t count() const { return labels.size(); }
  uint64_t sampleSize() const { return labels.empty() ? 0 : samples.size() / labels.size(); }
};

struct Dataset {
  std::string name;
  int64_t classes = 0;
  Split train, test;
};

/// Where Debian's package dataset-fashion-mnist puts its files.
inline constexpr const char *defaultDataFolder = "/usr/share/datasets/fashion-mnist";

/// Reads {train,t10k}-{images-idx3,labels-idx1}-ubyte, with or without .gz, from a folder: Fashion-MNIST, or anything
/// else in the form of MNIST with 10 classes. Throws DataError.
Dataset loadFashionMnist(const std::string &folder);

/// Only the test split; `train` stays empty. Throws DataError.
Dataset loadFashionMnistTest(const std::string &folder);

} // namespace snn

#endif // SNN_RUNTIME_DATA_DATASET_H
