// Fashion-MNIST from a folder of IDX files.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data/Dataset.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Idx.h"

#include <filesystem>
#include <fmt/format.h>

using namespace snn;

static constexpr int64_t fashionClasses = 10;

static std::string findFile(const std::string &folder, const std::string &name) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error))
    throw DataError(fmt::format("{}: is not a folder; install the package dataset-fashion-mnist or name the folder "
                                "with --data",
                                folder));
  for (const char *ending : {".gz", ""}) {
    std::string path = (std::filesystem::path(folder) / (name + ending)).string();
    if (std::filesystem::exists(path, error))
      return path;
  }
  throw DataError(fmt::format("{}: has no file {}.gz or {}; install the package dataset-fashion-mnist or name another "
                              "folder with --data",
                              folder, name, name));
}

static Split loadSplit(const std::string &folder, const std::string &prefix) {
  std::string imagePath = findFile(folder, prefix + "-images-idx3-ubyte");
  std::string labelPath = findFile(folder, prefix + "-labels-idx1-ubyte");
  IdxArray images = readIdx(imagePath, 3), labels = readIdx(labelPath, 1);
  if (images.shape[0] != labels.shape[0])
    throw DataError(
        fmt::format("{}: has {} labels, but {} has {} images", labelPath, labels.shape[0], imagePath, images.shape[0]));
  Split split;
  split.sampleShape = {images.shape[1], images.shape[2]};
  split.samples = std::move(images.values);
  split.labels.reserve(labels.values.size());
  for (size_t i = 0; i < labels.values.size(); ++i) {
    if (labels.values[i] >= fashionClasses)
      throw DataError(
          fmt::format("{}: label {} is {}, expected 0 to {}", labelPath, i, labels.values[i], fashionClasses - 1));
    split.labels.push_back(labels.values[i]);
  }
  return split;
}

Dataset snn::loadFashionMnistTest(const std::string &folder) {
  Dataset dataset;
  dataset.name = "fashion-mnist";
  dataset.classes = fashionClasses;
  dataset.test = loadSplit(folder, "t10k");
  return dataset;
}

Dataset snn::loadFashionMnist(const std::string &folder) {
  Dataset dataset = loadFashionMnistTest(folder);
  dataset.train = loadSplit(folder, "train");
  if (dataset.train.sampleShape != dataset.test.sampleShape)
    throw DataError(fmt::format("{}: training images are {}x{}, test images {}x{}", folder,
                                dataset.train.sampleShape[0], dataset.train.sampleShape[1], dataset.test.sampleShape[0],
                                dataset.test.sampleShape[1]));
  return dataset;
}
