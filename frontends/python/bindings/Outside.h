// Arrays that others keep for the tensors of a model's spans.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef SNN_FRONTENDS_PYTHON_BINDINGS_OUTSIDE_H
#define SNN_FRONTENDS_PYTHON_BINDINGS_OUTSIDE_H

#include "frontends/python/bindings/Arrays.h"
#include "frontends/python/bindings/Layout.h"
#include "frontends/python/bindings/Threads.h"

#include <type_traits>
#include <utility>
#include <vector>

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
  void copy(void *parameters, void *buffers, Threads *threads) const {
    struct Work {
      const Outside &tensors;
      void *spans[2];
      std::vector<std::pair<uint64_t, Part>> parts; ///< of the tensor of that number
    } work{*this, {parameters, buffers}, {}};
    for (uint64_t i = 0; i < elements.size(); ++i)
      if (elements[i] && work.spans[isBuffer(i)])
        for (int64_t part = 0, count = copyParts(info(i)); part < count; ++part)
          work.parts.push_back({i, {part, count}});
    auto body = [](void *context, uint64_t index, uint64_t) {
      const Work &work = *static_cast<Work *>(context);
      const auto &[i, part] = work.parts[index];
      const Outside &tensors = work.tensors;
      if constexpr (std::is_const_v<Element>)
        copyToSpan(tensors.info(i), part, tensors.elements[i], work.spans[tensors.isBuffer(i)]);
      else
        copyFromSpan(tensors.info(i), part, work.spans[tensors.isBuffer(i)], tensors.elements[i]);
    };
    // Small tensors are copied in less time than workers take to begin.
    if (threads && work.parts.size() > elements.size())
      threads->parallelFor()(threads->pool(), work.parts.size(), body, &work);
    else
      for (uint64_t i = 0; i < work.parts.size(); ++i)
        body(&work, i, 0);
  }

private:
  bool isBuffer(uint64_t i) const { return i >= table.parameter_count; }
  const snn_tensor_info &info(uint64_t i) const {
    return isBuffer(i) ? table.buffers[i - table.parameter_count] : table.parameters[i];
  }

  const snn_model_table &table;
  std::vector<Element *> elements;
};

} // namespace snn::python

#endif // SNN_FRONTENDS_PYTHON_BINDINGS_OUTSIDE_H
