// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a neuron can do with the arguments of one layer, found by computing with intervals.

#ifndef SNN_FRONTENDS_SNN_NEURONRANGES_H
#define SNN_FRONTENDS_SNN_NEURONRANGES_H

#include "frontends/snn/Checked.h"
#include "frontends/snn/Diagnostics.h"

namespace snn::frontend {

/// All numbers from `low` to `high`.
struct Interval {
  double low = -HUGE_VAL, high = HUGE_VAL;

  static Interval point(double value) { return {value, value}; }
  bool operator==(const Interval &other) const = default;
};

/// Reports what a layer of neurons, written as `call`, does that nobody wants: an error for a division by zero;
/// warnings for an argument that the neuron cuts off at a bound, and for neurons whose `fire` stays silent in all of
/// `steps` time steps when their input lies in `input`, whatever is learned. A finding is certain, also as f32 rounds;
/// what cannot be decided within `work` visits of an expression, which are taken from it, is not reported.
void checkRanges(const CheckedLayer &layer, const Expr &call, const DefinitionTable &definitions, Interval input,
                 int64_t steps, Diagnostics &diagnostics, uint64_t &work);

} // namespace snn::frontend

#endif // SNN_FRONTENDS_SNN_NEURONRANGES_H
