// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of surrogates.

#include "frontends/snn/Surrogates.h"

#include "dialect/SnnDialect.h"

using namespace llvm;
using namespace mlir;

namespace snn::frontend {
namespace {

/// An attribute whose parameters are all real numbers.
template <typename Attr, size_t... Index>
Attribute buildFrom(MLIRContext *context, ArrayRef<double> values, std::index_sequence<Index...>) {
  Builder builder(context);
  return Attr::get(context, builder.getF64FloatAttr(values[Index])...);
}
template <typename Attr, size_t Count> Attribute build(MLIRContext *context, ArrayRef<double> values) {
  return buildFrom<Attr>(context, values, std::make_index_sequence<Count>());
}

} // namespace

ArrayRef<SurrogateInfo> surrogates() {
  static const std::vector<SurrogateInfo> table{
      {"fast_sigmoid", {{"slope", 25, true}}, build<FastSigmoidAttr, 1>},
      {"atan", {{"alpha", 2, true}}, build<AtanAttr, 1>},
      {"sigmoid", {{"slope", 25, true}}, build<SigmoidAttr, 1>},
      {"straight_through", {}, build<StraightThroughAttr, 0>},
      {"triangular", {{"threshold", 1, false}}, build<TriangularAttr, 1>},
      {"heaviside", {}, build<StepAttr, 0>},
      {"spike_rate_escape", {{"beta", 1, true}, {"slope", 25, true}}, build<SpikeRateEscapeAttr, 2>},
      {"leaky_spike", {{"slope", 0.1, false}}, build<TwoSlopesAttr, 1>},
      {"sparse_fast_sigmoid", {{"slope", 25, true}, {"bound", 1, false}}, build<SparseFastSigmoidAttr, 2>},
  };
  return table;
}

const SurrogateInfo *findSurrogate(StringRef name) {
  if (name == "straight_through_estimator")
    name = "straight_through";
  for (const SurrogateInfo &info : surrogates())
    if (info.name == name)
      return &info;
  return nullptr;
}

} // namespace snn::frontend
