// See Arrays.h.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Arrays.h"

namespace snn::interpreter {
namespace {

Array::Data emptyData(Element element) {
  switch (element) {
  case Element::F32:
    return std::vector<float>();
  case Element::F64:
    return std::vector<double>();
  case Element::Spike:
  case Element::U8:
    return std::vector<uint8_t>();
  case Element::I32:
    return std::vector<int32_t>();
  case Element::I64:
    return std::vector<int64_t>();
  }
  llvm_unreachable("all elements are listed");
}

} // namespace

Array::Array(Element element, std::vector<int64_t> shape)
    : type(element), extents(std::move(shape)), count(1), values(emptyData(element)) {
  for (int64_t extent : extents)
    count *= extent;
  std::visit([&](auto &elements) { elements.resize(count); }, values);
}

Array::Array(Element element, std::vector<int64_t> shape, llvm::ArrayRef<double> numbers)
    : Array(element, std::move(shape)) {
  assert(int64_t(numbers.size()) == count && "as many values as the shape says");
  std::visit([&](auto &elements) { llvm::copy(numbers, elements.begin()); }, values);
}

double Array::number(int64_t index) const {
  return std::visit([&](const auto &elements) { return double(elements[index]); }, values);
}

std::vector<double> Array::numbers() const {
  return std::visit([](const auto &elements) { return std::vector<double>(elements.begin(), elements.end()); }, values);
}

Array Array::converted(Element to) const {
  Array result(to, extents);
  std::visit([](const auto &from, auto &into) { llvm::copy(from, into.begin()); }, values, result.values);
  return result;
}

const char *nameOf(Element element) {
  switch (element) {
  case Element::F32:
    return "f32";
  case Element::F64:
    return "f64";
  case Element::Spike:
    return "i1";
  case Element::U8:
    return "ui8";
  case Element::I32:
    return "i32";
  case Element::I64:
    return "i64";
  }
  llvm_unreachable("all elements are listed");
}

std::string describe(Element element, llvm::ArrayRef<int64_t> shape) {
  std::string text = nameOf(element);
  text += "[";
  for (auto [index, extent] : llvm::enumerate(shape))
    text += (index ? ", " : "") + std::to_string(extent);
  return text + "]";
}

Element elementOf(core::ArrayType type, Numbers numbers) {
  mlir::Type element = type.getElementType();
  if (element.isF32())
    return numbers == Numbers::Wide ? Element::F64 : Element::F32;
  if (element.isF64())
    return Element::F64;
  if (element.isInteger(1))
    return Element::Spike;
  if (element.isUnsignedInteger(8))
    return Element::U8;
  return element.isInteger(32) ? Element::I32 : Element::I64;
}

llvm::Expected<std::vector<int64_t>> resolve(llvm::ArrayRef<int64_t> marked, const Call &call) {
  std::vector<int64_t> shape;
  for (int64_t extent : marked) {
    bool isTime = extent == core::ArrayType::kTime, isSample = extent == core::ArrayType::kSample;
    shape.push_back(isTime ? call.steps : isSample ? call.batch : extent);
    if (shape.back() < 1)
      return fault(llvm::Twine("the number of ") + (isTime ? "steps" : "samples") +
                   " is not known, and no input tells it");
  }
  return shape;
}

} // namespace snn::interpreter
