// Surrogates and neurons of the oracle.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Oracle.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

using namespace snn::oracle;

double snn::oracle::derivative(const Surrogate &surrogate, double x) {
  double k = surrogate.slope;
  switch (surrogate.kind) {
  case SurrogateKind::FastSigmoid:
    return 1 / ((k * std::abs(x) + 1) * (k * std::abs(x) + 1));
  case SurrogateKind::Atan: {
    double u = std::numbers::pi / 2 * k * x;
    return k / 2 / (1 + u * u);
  }
  case SurrogateKind::Sigmoid: {
    double decay = std::exp(-k * std::abs(x)); // the function is even; this side cannot overflow
    return k * decay / ((decay + 1) * (decay + 1));
  }
  case SurrogateKind::StraightThrough:
    return 1;
  case SurrogateKind::Triangular:
    return x < 0 ? k : -k;
  case SurrogateKind::Heaviside:
    return x > 0 ? 1 : 0;
  case SurrogateKind::SpikeRateEscape:
    return k * std::exp(-surrogate.beta * std::abs(x - 1));
  }
  return 0;
}

static double decay(double value) { return std::clamp(value, 0.0, 1.0); }

/// clamp() passes a gradient inside of its bounds, and nothing on them.
static bool passes(double value) { return value > 0 && value < 1; }

static double step(double x) { return x > 0 ? 1 : 0; }

double NeuronTrace::margin(double threshold) const {
  double smallest = std::numeric_limits<double>::infinity();
  for (double value : charged.values)
    smallest = std::min(smallest, std::abs(value - threshold));
  return smallest;
}

NeuronTrace snn::oracle::run(const Neuron &neuron, const Series &x) {
  Series empty(x.steps, x.batch, x.width);
  NeuronTrace trace{empty, empty, empty, empty};
  double threshold = neuron.threshold;
  for (size_t b = 0; b < x.batch; ++b)
    for (size_t n = 0; n < x.width; ++n) {
      double mem = 0, syn = 0;
      for (size_t t = 0; t < x.steps; ++t) {
        double fired = step(mem - threshold); // not part of the gradient
        double kept = neuron.reset == Reset::Zero ? 1 - fired : 1;
        if (neuron.synaptic) {
          syn = decay(neuron.alpha) * syn + x.at(t, b, n);
          mem = kept * (decay(neuron.beta) * mem + syn);
        } else {
          mem = decay(neuron.beta) * kept * mem + x.at(t, b, n);
        }
        if (neuron.reset == Reset::Subtract)
          mem -= fired * threshold;

        double spike = step(mem - threshold);
        trace.charged.at(t, b, n) = mem;
        if (!neuron.delay && neuron.reset == Reset::Subtract)
          mem -= (spike - fired) * threshold;
        if (!neuron.delay && neuron.reset == Reset::Zero)
          mem -= (spike - fired) * mem;
        trace.spikes.at(t, b, n) = spike;
        trace.membrane.at(t, b, n) = mem;
        trace.current.at(t, b, n) = syn;
      }
    }
  return trace;
}

NeuronGradients snn::oracle::backward(const Neuron &neuron, const NeuronTrace &trace, const Series &dSpikes) {
  NeuronGradients gradients;
  gradients.input = Series(dSpikes.steps, dSpikes.batch, dSpikes.width);
  double threshold = neuron.threshold, dAlpha = 0, dBeta = 0;
  for (size_t b = 0; b < dSpikes.batch; ++b)
    for (size_t n = 0; n < dSpikes.width; ++n) {
      double dMem = 0, dSyn = 0; // by the states that go into the next step
      for (size_t t = dSpikes.steps; t-- > 0;) {
        double before = t > 0 ? trace.membrane.at(t - 1, b, n) : 0;
        double currentBefore = t > 0 ? trace.current.at(t - 1, b, n) : 0;
        double fired = step(before - threshold);
        double charged = trace.charged.at(t, b, n), spike = trace.spikes.at(t, b, n);

        double dSpike = dSpikes.at(t, b, n), dCharged = dMem;
        if (!neuron.delay && neuron.reset == Reset::Subtract) { // mem = charged - (spike - fired) threshold
          dSpike -= threshold * dMem;
          gradients.threshold -= (spike - fired) * dMem;
        }
        if (!neuron.delay && neuron.reset == Reset::Zero) { // mem = charged - (spike - fired) charged
          dSpike -= charged * dMem;
          dCharged = (1 - (spike - fired)) * dMem;
        }
        double slope = derivative(neuron.surrogate, charged - threshold);
        dCharged += dSpike * slope;
        gradients.threshold -= dSpike * slope;

        if (neuron.reset == Reset::Subtract)
          gradients.threshold -= fired * dCharged;
        double kept = neuron.reset == Reset::Zero ? 1 - fired : 1;
        dBeta += dCharged * kept * before;
        dMem = dCharged * kept * decay(neuron.beta);
        if (neuron.synaptic) {
          dSyn += kept * dCharged;
          gradients.input.at(t, b, n) = dSyn;
          dAlpha += dSyn * currentBefore;
          dSyn *= decay(neuron.alpha);
        } else {
          gradients.input.at(t, b, n) = dCharged;
        }
      }
    }
  gradients.alpha = passes(neuron.alpha) ? dAlpha : 0;
  gradients.beta = passes(neuron.beta) ? dBeta : 0;
  return gradients;
}
