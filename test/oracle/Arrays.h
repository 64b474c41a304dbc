// Arrays of the core as plain memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_ORACLE_ARRAYS_H
#define SNN_TEST_ORACLE_ARRAYS_H

#include "dialect/core/CoreDialect.h"
#include "test/oracle/Call.h"

#include <string>
#include <variant>

namespace snn::interpreter {

enum class Element { F32, F64, Spike, U8, I32, I64 };

/// Row-major, with numbers for time and sample extents. A spike is a byte, 0 or 1.
class Array {
public:
  using Data = std::variant<std::vector<float>, std::vector<double>, std::vector<uint8_t>, std::vector<int32_t>,
                            std::vector<int64_t>>;

  Array() : Array(Element::F32, {}) {}
  /// All elements are 0.
  Array(Element element, std::vector<int64_t> shape);
  /// `values` in row-major order, converted to the element type; as many as the shape says.
  Array(Element element, std::vector<int64_t> shape, llvm::ArrayRef<double> values);

  Element element() const { return type; }
  const std::vector<int64_t> &shape() const { return extents; }
  int64_t size() const { return count; }
  const Data &data() const { return values; }
  Data &data() { return values; }
  template <typename T> llvm::ArrayRef<T> as() const { return std::get<std::vector<T>>(values); }

  double number(int64_t index) const;
  std::vector<double> numbers() const;
  /// With each element converted to another type: reals are rounded.
  Array converted(Element to) const;

private:
  Element type;
  std::vector<int64_t> extents;
  int64_t count;
  Data values;
};

/// "f32".
const char *nameOf(Element element);
/// "f32[3, 4]".
std::string describe(Element element, llvm::ArrayRef<int64_t> shape);

/// How elements of `type` are kept: f32 as f64 in wide numbers.
Element elementOf(core::ArrayType type, Numbers numbers);

/// Extents with the call's steps and batch in place of the marks. An error if one is needed and not known.
llvm::Expected<std::vector<int64_t>> resolve(llvm::ArrayRef<int64_t> marked, const Call &call);

} // namespace snn::interpreter

#endif // SNN_TEST_ORACLE_ARRAYS_H
