// Random small models in our language (test/tools/random-snn.py), with what is known about their gradients.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_TEST_GRADIENTS_RANDOMMODEL_H
#define SNN_TEST_GRADIENTS_RANDOMMODEL_H

#include "test/tools/TestModels.h"

#include <set>

namespace snn::test {

struct RandomModel {
  std::string text;
  /// Names (as in "gone0") of the neurons' parameters that no gradient reaches.
  std::set<std::string> unreached;
  uint64_t batch = 1, steps = 1;

  explicit RandomModel(uint64_t seed);
  /// Whether the state_dict name "2.gone0" is a parameter that no gradient reaches.
  bool isUnreached(const std::string &name) const { return unreached.count(name.substr(name.find('.') + 1)) != 0; }
};

} // namespace snn::test

#endif // SNN_TEST_GRADIENTS_RANDOMMODEL_H
