// Named arrays of data files.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_RUNTIME_DATA_ARRAYFILES_H
#define SNN_RUNTIME_DATA_ARRAYFILES_H

#include "runtime/data/Array.h"

#include <functional>
#include <map>

namespace snn {

/// Where Debian's package dataset-fashion-mnist puts its files.
inline constexpr const char *defaultDataFolder = "/usr/share/datasets/fashion-mnist";

/// The arrays of one or more files, each of which is read when it is asked for.
class ArrayFiles {
public:
  ArrayFiles() = default;
  /// Each path is a file that ends in .safetensors, .npz or .npy (one array, named as the file), a folder of .npy
  /// files, or a folder of IDX files as MNIST has them: {train,t10k}-{images-idx3,labels-idx1}-ubyte, with or without
  /// .gz, are `train.input`, `train.labels`, `test.input` and `test.labels`. Throws DataError; also if two arrays have
  /// one name.
  explicit ArrayFiles(std::vector<std::string> paths);

  bool has(const std::string &name) const { return arrays.contains(name); }
  /// An array that is there. Throws DataError.
  Array load(const std::string &name) const { return arrays.at(name)(); }
  void add(const std::string &name, std::function<Array()> load);

  const std::vector<std::string> &paths() const { return files; }
  /// For messages: the paths, and the names of the arrays.
  std::string pathText() const;
  std::string nameText() const;

private:
  void addPath(const std::string &path);

  std::vector<std::string> files;
  std::map<std::string, std::function<Array()>> arrays;
};

} // namespace snn

#endif // SNN_RUNTIME_DATA_ARRAYFILES_H
