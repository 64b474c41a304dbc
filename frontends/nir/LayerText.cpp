// Weights, windows and their extents.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/LayerText.h"
#include "runtime/data/Errors.h"
#include "runtime/data/Safetensors.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace snn;
using namespace snn::nir;

namespace {

constexpr int64_t mostExtent = int64_t(1) << 31;

[[noreturn]] void fail(const Node &node, const std::string &path, const std::string &what) {
  throw DataError(fmt::format("{}: node '{}' ({}): {}", path, node.name, node.type, what));
}

/// "2", or "(2, 3)" if they differ.
std::string windowText(const std::vector<int64_t> &numbers) {
  if (std::ranges::all_of(numbers, [&](int64_t number) { return number == numbers.front(); }))
    return fmt::format("{}", numbers.front());
  return fmt::format("({})", fmt::join(numbers, ", "));
}

Line linear(const Node &node, const std::vector<int64_t> &shape, const std::string &path) {
  const Value &weight = node.fields.at("weight");
  if (weight.shape.size() != 2)
    fail(node, path, fmt::format("its weight has the extents {}, expected two", shapeText(weight.shape)));
  wantShape(node, shape, {weight.shape[1]}, path);
  Line line;
  line.shape = {weight.shape[0]};
  line.tensors.push_back(tensorOf(weight, "weight"));
  if (node.type == "Linear") {
    line.call = fmt::format("linear({}, bias = false)", weight.shape[0]);
    return line;
  }
  line.call = fmt::format("linear({})", weight.shape[0]);
  if (node.fields.at("bias").shape != line.shape)
    fail(node, path,
         fmt::format("its bias has the extents {}, expected {}", shapeText(node.fields.at("bias").shape),
                     shapeText(line.shape)));
  line.tensors.push_back(tensorOf(node.fields.at("bias"), "bias"));
  return line;
}

std::vector<int64_t> paddingOf(const Node &node, const std::vector<int64_t> &kernel, const std::vector<int64_t> &stride,
                               const std::vector<int64_t> &dilation, const std::string &path) {
  const Value &padding = node.fields.at("padding");
  if (padding.kind != Value::Kind::Text)
    return integersOf(node, "padding", kernel.size(), 0, path);
  std::vector<int64_t> result(kernel.size());
  if (padding.texts.front() == "valid")
    return result;
  if (padding.texts.front() != "same")
    fail(node, path, fmt::format("'padding' is '{}', expected numbers, 'same' or 'valid'", padding.texts.front()));
  for (size_t i = 0; i < kernel.size(); ++i) {
    const int64_t all = dilation[i] * (kernel[i] - 1);
    if (stride[i] != 1 || all % 2 != 0)
      fail(node, path, "'padding' is 'same', which needs a stride of 1 and as much on both sides; give numbers");
    result[i] = all / 2;
  }
  return result;
}

/// Extents of what a window gives.
std::vector<int64_t> windows(const std::vector<int64_t> &shape, const std::vector<int64_t> &kernel,
                             const std::vector<int64_t> &stride, const std::vector<int64_t> &padding,
                             const std::vector<int64_t> &dilation) {
  std::vector<int64_t> result = {shape.front()};
  for (size_t i = 0; i < kernel.size(); ++i) {
    const int64_t room = shape[i + 1] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1;
    result.push_back(room < 0 ? 0 : room / stride[i] + 1);
  }
  return result;
}

Line convolution(const Node &node, const std::vector<int64_t> &shape, const std::string &path) {
  const size_t count = node.type == "Conv1d" ? 1 : 2;
  const Value &weight = node.fields.at("weight"), &bias = node.fields.at("bias");
  if (weight.shape.size() != count + 2 || std::ranges::count(weight.shape, 0) != 0)
    fail(node, path, fmt::format("its weight has the extents {}, expected {}", shapeText(weight.shape), count + 2));
  const int64_t groups = integersOf(node, "groups", 1, 1, path).front(), outputs = weight.shape[0];
  if (shape.size() != count + 1 || shape[0] != weight.shape[1] * groups || outputs % groups != 0)
    fail(node, path,
         fmt::format("what comes in has the extents {}; its weight of {} in {} groups takes {} channels and {} more "
                     "extents",
                     shapeText(shape), shapeText(weight.shape), groups, weight.shape[1] * groups, count));
  if (bias.shape != std::vector<int64_t>{outputs})
    fail(node, path, fmt::format("its bias has the extents {}, expected [{}]", shapeText(bias.shape), outputs));
  if (node.fields.contains("input_shape") &&
      integersOf(node, "input_shape", count, 1, path) != std::vector<int64_t>(shape.begin() + 1, shape.end()))
    fail(node, path,
         fmt::format("what comes in has the extents {}, but 'input_shape' says another one", shapeText(shape)));
  const std::vector<int64_t> kernel(weight.shape.begin() + 2, weight.shape.end());
  const std::vector<int64_t> stride = integersOf(node, "stride", count, 1, path),
                             dilation = integersOf(node, "dilation", count, 1, path);
  const std::vector<int64_t> padding = paddingOf(node, kernel, stride, dilation, path);
  Line line;
  line.call = fmt::format("conv({}, kernel = {}", outputs, windowText(kernel));
  auto unless = [&](const char *name, const std::vector<int64_t> &numbers, int64_t byDefault) {
    if (std::ranges::count(numbers, byDefault) != std::ssize(numbers))
      line.call += fmt::format(", {} = {}", name, windowText(numbers));
  };
  unless("stride", stride, 1);
  unless("padding", padding, 0);
  unless("dilation", dilation, 1);
  unless("groups", {groups}, 1);
  line.call += ")";
  line.shape = windows(shape, kernel, stride, padding, dilation);
  line.shape.front() = outputs;
  line.tensors = {tensorOf(weight, "weight"), tensorOf(bias, "bias")};
  return line;
}

Line pooling(const Node &node, const std::vector<int64_t> &shape, const std::string &path) {
  if (shape.size() != 3)
    fail(node, path,
         fmt::format("what comes in has the extents {}, expected channels, height and width", shapeText(shape)));
  const std::vector<int64_t> kernel = integersOf(node, "kernel_size", 2, 1, path),
                             stride = integersOf(node, "stride", 2, 1, path),
                             padding = integersOf(node, "padding", 2, 0, path);
  Line line;
  if (node.type == "SumPool2d")
    line.form = Form{node.type};
  line.call = fmt::format("{}({}", line.form ? nameOf(*line.form) : "avg_pool", windowText(kernel));
  if (stride != kernel)
    line.call += fmt::format(", stride = {}", windowText(stride));
  if (padding != std::vector<int64_t>{0, 0})
    line.call += fmt::format(", padding = {}", windowText(padding));
  line.call += ")";
  line.shape = windows(shape, kernel, stride, padding, {1, 1});
  return line;
}

} // namespace

/// Whole numbers of at least `least`; one stands for `count`.
std::vector<int64_t> nir::integersOf(const Node &node, const std::string &field, size_t count, int64_t least,
                                     const std::string &path) {
  const Value &value = node.fields.at(field);
  if (value.numbers.size() != 1 && value.numbers.size() != count)
    fail(node, path, fmt::format("'{}' has {} elements, expected {}", field, value.size(), count));
  std::vector<int64_t> result;
  for (size_t i = 0; i < count; ++i) {
    const double number = value.numbers[value.numbers.size() == 1 ? 0 : i];
    if (!(number >= double(least) && number <= double(mostExtent)) || number != std::trunc(number))
      fail(node, path, fmt::format("'{}' is {}, expected a whole number of at least {}", field, number, least));
    result.push_back(int64_t(number));
  }
  return result;
}

void nir::wantShape(const Node &node, const std::vector<int64_t> &shape, const std::vector<int64_t> &expected,
                    const std::string &path) {
  if (shape != expected)
    fail(node, path,
         fmt::format("what comes in has the extents {}, expected {}", shapeText(shape), shapeText(expected)));
}

std::vector<int64_t> nir::flattened(const Node &node, const std::vector<int64_t> &shape, const std::string &path) {
  const auto place = [&](const std::string &field) {
    const int64_t least = -int64_t(shape.size()), number = integersOf(node, field, 1, least, path).front();
    if (number >= int64_t(shape.size()))
      fail(node, path,
           fmt::format("'{}' is {}, but what comes in has the extents {}", field, number, shapeText(shape)));
    return size_t(number < 0 ? number + int64_t(shape.size()) : number);
  };
  const size_t start = place("start_dim"), end = place("end_dim");
  if (start >= end)
    return shape;
  if (start != 0 || end + 1 != shape.size())
    fail(node, path,
         fmt::format("flattens the extents {} to {} of {}; only all of them can be flattened, without the samples' "
                     "(start_dim = 0, end_dim = -1)",
                     start, end, shapeText(shape)));
  int64_t product = 1;
  for (int64_t extent : shape)
    if (__builtin_mul_overflow(product, extent, &product))
      fail(node, path, "has more elements than can be counted");
  return {product};
}

Line nir::layerLine(const Node &node, const std::vector<int64_t> &shape, const std::string &path) {
  if (node.type.starts_with("Conv"))
    return convolution(node, shape, path);
  return node.type.ends_with("Pool2d") ? pooling(node, shape, path) : linear(node, shape, path);
}
