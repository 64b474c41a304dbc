// Parameters from the text or from the weights.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontends/nir/ModelValues.h"
#include "runtime/data/Errors.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

using namespace snn;
using namespace snn::nir;
using frontend::CheckedLayer;
using frontend::ParamValue;

namespace {

uint64_t productOf(const std::vector<int64_t> &extents) {
  uint64_t product = 1;
  for (int64_t extent : extents)
    product *= uint64_t(extent); // the checks have bounded it
  return product;
}

} // namespace

void LayerValues::fail(const std::string &what) const {
  const llvm::SMLoc loc = layer.block ? layer.block->range.Start : layer.loc;
  std::string place = path;
  if (loc.isValid()) {
    const auto [line, column] = model.sources->getLineAndColumn(loc);
    place += fmt::format(":{}:{}", line, column);
  }
  throw DataError(fmt::format("{}: {}", place, what));
}

std::string LayerValues::name() const {
  if (layer.kind == CheckedLayer::Kind::Neuron)
    return layer.neuron->decl->name.text.str();
  return layer.kind == CheckedLayer::Kind::Defined ? layer.call.definition->name.text.str() : "";
}

bool LayerValues::isOwn() const {
  const frontend::Definition *used =
      layer.kind == CheckedLayer::Kind::Neuron ? layer.neuron->decl : layer.call.definition;
  return std::ranges::any_of(model.file->definitions, [&](const auto &own) { return own.get() == used; });
}

std::string LayerValues::definition() const {
  std::string text;
  llvm::raw_string_ostream stream(text);
  printDefinition(layer.kind == CheckedLayer::Kind::Neuron ? *layer.neuron->decl : *layer.call.definition,
                  llvm::StringMap<double>(), stream);
  return text;
}

const StoredTensor *LayerValues::find(const std::string &name) const {
  return weights ? weights->find(layer.key + "." + name) : nullptr;
}

/// As the compiled model takes them: reals, none of which is NaN or infinite.
std::vector<double> LayerValues::realsOf(const StoredTensor &tensor, const std::string &name) const {
  if (tensor.type != ElementType::F32 && tensor.type != ElementType::F64)
    fail(fmt::format("tensor \"{}.{}\" of the weights has elements of type {}, expected F32 or F64", layer.key, name,
                     tensor.typeName));
  std::vector<double> reals = numbersOf(tensor, name);
  for (double number : reals)
    if (!std::isfinite(number))
      fail(fmt::format("tensor \"{}.{}\" of the weights holds {}, expected finite numbers", layer.key, name, number));
  return reals;
}

std::vector<double> LayerValues::numbers(const std::string &parameter) const {
  const ParamValue &value = valueOf(layer, parameter);
  const StoredTensor *stored = find(parameter);
  const uint64_t neurons = productOf(layer.to);
  if (!value.learn && !value.each) {
    if (stored)
      for (double number : realsOf(*stored, parameter))
        if (float(number) != float(value.number))
          fail(fmt::format("'{}' is {}, but {} in the weights: change the model or the weights", parameter,
                           value.number, number));
    return std::vector<double>(neurons, value.number);
  }
  if (!stored)
    fail(fmt::format("'{}' is not a number of the text, and the weights have no \"{}.{}\"", parameter, layer.key,
                     parameter));
  // The extents are those that the compiled model takes: others would be of another model.
  std::vector<int64_t> extents = value.each ? layer.to : std::vector<int64_t>();
  if (value.channel)
    std::fill(extents.begin() + 1, extents.end(), 1);
  const std::vector<double> given = array(parameter, extents).numbers;
  std::vector<double> result(neurons);
  for (uint64_t i = 0; i < neurons; ++i)
    result[i] = given[i * given.size() / neurons];
  return result;
}

double LayerValues::number(const std::string &parameter) const {
  const ParamValue &value = valueOf(layer, parameter);
  if (value.learn || value.each)
    fail(fmt::format("'{}' is learned, or is one for each neuron; NIR has no place for that", parameter));
  return numbers(parameter).front();
}

bool LayerValues::isDouble(const std::string &parameter) const {
  const StoredTensor *stored = find(parameter);
  return stored && stored->type == ElementType::F64;
}

bool LayerValues::hasOption(const std::string &option, const std::string &word) const {
  return wordOf(layer, option) == word;
}

bool LayerValues::hasFunction(const std::string &parameter, const std::string &function) const {
  const frontend::Definition *used = valueOf(layer, parameter).surrogate.definition;
  return used && used->name.text == function &&
         std::ranges::none_of(model.file->definitions, [&](const auto &own) { return own.get() == used; });
}

std::vector<double> LayerValues::window(const std::string &parameter, size_t count) const {
  const auto &params = layer.call.definition->params;
  const auto found = std::ranges::find(params, llvm::StringRef(parameter), [](const auto &p) { return p.name.text; });
  std::vector<double> numbers = layer.call.values[size_t(found - params.begin())].numbers;
  numbers.resize(count, numbers.front()); // one stands for all
  return numbers;
}

Value LayerValues::array(const std::string &name, const std::vector<int64_t> &extents) const {
  const StoredTensor *stored = find(name);
  if (!stored)
    fail(fmt::format("the weights have no \"{}.{}\"{}", layer.key, name,
                     weights ? "" : "; name their file with --weights"));
  if (stored->shape != extents)
    fail(fmt::format("tensor \"{}.{}\" of the weights has the extents {}, expected {}", layer.key, name,
                     shapeText(stored->shape), shapeText(extents)));
  return {stored->type == ElementType::F64 ? Value::Kind::Double : Value::Kind::Single,
          extents,
          realsOf(*stored, name),
          {}};
}
