// What the layers of a checked model are called, say and learn, for translating them.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_NIR_MODELVALUES_H
#define SNN_FRONTENDS_NIR_MODELVALUES_H

#include "frontends/nir/FromModel.h"

namespace snn::nir {

/// One layer of a model, with its weights.
class LayerValues {
public:
  LayerValues(const frontend::CheckedModel &model, const frontend::CheckedLayer &layer, const TensorFile *weights,
              const std::string &path)
      : layer(layer), model(model), weights(weights), path(path) {}

  /// Throws DataError with the line of the layer.
  [[noreturn]] void fail(const std::string &what) const;

  /// The definition that the layer uses; empty for `flatten` and `population`.
  std::string name() const;
  /// Whether that is the file's own.
  bool isOwn() const;
  /// The text of an own definition, as the printer writes it.
  std::string definition() const;

  /// A numeric parameter of a neuron, for each of them.
  std::vector<double> numbers(const std::string &parameter) const;
  /// ... that must be one number, which is not learned.
  double number(const std::string &parameter) const;
  /// Whether the weights have numbers of this name in double precision.
  bool isDouble(const std::string &parameter) const;
  bool hasOption(const std::string &option, const std::string &word) const;
  /// A parameter that is a function has the standard's, by this name.
  bool hasFunction(const std::string &parameter, const std::string &function) const;

  /// Numbers of a layer's parameter, one for each of `count` extents.
  std::vector<double> window(const std::string &parameter, size_t count) const;
  /// An array that a layer learns.
  Value array(const std::string &name, const std::vector<int64_t> &extents) const;

  const frontend::CheckedLayer &layer;

private:
  const StoredTensor *find(const std::string &name) const;
  std::vector<double> realsOf(const StoredTensor &tensor, const std::string &name) const;

  const frontend::CheckedModel &model;
  const TensorFile *weights;
  const std::string &path;
};

} // namespace snn::nir

#endif // SNN_FRONTENDS_NIR_MODELVALUES_H
