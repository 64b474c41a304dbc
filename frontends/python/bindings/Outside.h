// Arrays that others keep for the tensors of a model's spans.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_PYTHON_BINDINGS_OUTSIDE_H
#define SNN_FRONTENDS_PYTHON_BINDINGS_OUTSIDE_H

#include "frontends/python/bindings/Arrays.h"
#include "frontends/python/bindings/Layout.h"

#include <type_traits>

namespace snn::python {

/// A list of arrays without gaps, for parameters (or gradients) and behind them for buffers, None where one is not
/// given. It keeps them; `Element` is const where they are read.
template <typename Element> class Outside {
public:
  Outside(nanobind::handle list, const char *what, const snn_model_table &table) : table(table) {
    const uint64_t count = table.parameter_count + table.buffer_count;
    checkLength(list, what, count);
    for (uint64_t i = 0; i < count && !list.is_none(); ++i) {
      nanobind::handle array = listEntry(list, i);
      if constexpr (std::is_const_v<Element>)
        elements.push_back(array.is_none() ? nullptr : readContiguous(array, what, info(i), info(i).dtype, 0, 0));
      else
        elements.push_back(array.is_none() ? nullptr : writeContiguous(array, info(i), 0, 0));
    }
  }

  /// To the spans, or from them.
  void copy(void *parameters, void *buffers) const {
    for (uint64_t i = 0; i < elements.size(); ++i) {
      void *span = i < table.parameter_count ? parameters : buffers;
      if (!elements[i] || !span)
        continue;
      if constexpr (std::is_const_v<Element>)
        copyToSpan(info(i), elements[i], span);
      else
        copyFromSpan(info(i), span, elements[i]);
    }
  }

private:
  const snn_tensor_info &info(uint64_t i) const {
    return i < table.parameter_count ? table.parameters[i] : table.buffers[i - table.parameter_count];
  }

  const snn_model_table &table;
  std::vector<Element *> elements;
};

} // namespace snn::python

#endif // SNN_FRONTENDS_PYTHON_BINDINGS_OUTSIDE_H
