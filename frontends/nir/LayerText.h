// One layer without neurons as a line of the language.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_NIR_LAYERTEXT_H
#define SNN_FRONTENDS_NIR_LAYERTEXT_H

#include "frontends/nir/NeuronText.h"

namespace snn::nir {

/// Of a node Linear, Affine, Conv1d, Conv2d, SumPool2d or AvgPool2d, whose input has these extents. Throws DataError,
/// as all of these.
Line layerLine(const Node &node, const std::vector<int64_t> &shape, const std::string &path);

/// The extents of what a Flatten gives; the language has only that of all extents.
std::vector<int64_t> flattened(const Node &node, const std::vector<int64_t> &shape, const std::string &path);

/// `count` whole numbers of at least `least`; one stands for all.
std::vector<int64_t> integersOf(const Node &node, const std::string &field, size_t count, int64_t least,
                                const std::string &path);

void wantShape(const Node &node, const std::vector<int64_t> &shape, const std::vector<int64_t> &expected,
               const std::string &path);

} // namespace snn::nir

#endif // SNN_FRONTENDS_NIR_LAYERTEXT_H
