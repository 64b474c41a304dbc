// HDF5 files as plain trees. What a file could lead elsewhere with is refused before anything is read.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_NIR_HDF5_H
#define SNN_FRONTENDS_NIR_HDF5_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace snn::nir {

/// A data set: numbers or texts in row-major order; a scalar has no extents.
struct Value {
  enum class Kind {
    Single, ///< reals of 32 bits
    Double, ///< reals of 64 bits
    Integer,
    Text,
    Other, ///< a type that nobody here asks for, such as a record or a truth value; without content
  };
  Kind kind = Kind::Double;
  std::vector<int64_t> shape;
  std::vector<double> numbers;
  std::vector<std::string> texts;

  bool isNumbers() const { return kind < Kind::Text; }
  uint64_t size() const { return kind == Kind::Text ? texts.size() : numbers.size(); }
};

/// A number or a text without extents.
Value scalar(double number);
Value scalar(std::string text);

struct Group {
  std::map<std::string, Group> groups;
  std::map<std::string, Value> values;
};

/// The tree of a file. Throws DataError: what is no HDF5 file, is cut short or damaged; soft and external links,
/// storage in other files, virtual data sets, filters other than gzip's deflate, data sets that are larger than what is
/// stored of them could be, objects that are reached in two ways. Nothing else than `path` is opened, and no plug-in is
/// loaded.
Group readHdf5(const std::string &path);

/// Writes atomically; data sets are contiguous and without filters. Throws WriteError.
void writeHdf5(const std::string &path, const Group &root);

} // namespace snn::nir

#endif // SNN_FRONTENDS_NIR_HDF5_H
