// The oracle: every operation of a spiking network as plain loops in double precision, one readable function each.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Written from the equations of snnTorch 1.0.0, with nothing shared with the compiler, so that a mistake would have to
// be made twice. Speed does not matter here.
#ifndef SNN_TEST_ORACLE_ORACLE_H
#define SNN_TEST_ORACLE_ORACLE_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace snn::oracle {

using Array = std::vector<double>;

/// A value per time step, sample and unit: [steps, batch, width] in row-major order. steps = 1 stands for a value that
/// does not vary over time.
struct Series {
  size_t steps = 0, batch = 0, width = 0;
  Array values;

  Series() = default;
  Series(size_t steps, size_t batch, size_t width)
      : steps(steps), batch(batch), width(width), values(steps * batch * width) {}
  double &at(size_t t, size_t b, size_t n) { return values[(t * batch + b) * width + n]; }
  double at(size_t t, size_t b, size_t n) const { return values[(t * batch + b) * width + n]; }
};

// Linear layers. The weight is [out, in] as in PyTorch.

/// y = x W^T + bias, at each time step.
Series linear(const Series &x, const Array &weight, const Array &bias);

struct LinearGradients {
  Series input;
  Array weight, bias;
};

/// Adjoint of linear(): `dy` is the gradient of its result.
LinearGradients linearBackward(const Series &x, const Array &weight, const Series &dy);

/// The same value at each of `steps` steps, and its adjoint, the sum over time.
Series repeat(const Series &x, size_t steps);
Series sumOverTime(const Series &x);

// Surrogates: derivatives that stand in for that of the step function (snnTorch's surrogate.py).

enum class SurrogateKind { FastSigmoid, Atan, Sigmoid, StraightThrough, Triangular, Heaviside, SpikeRateEscape };

struct Surrogate {
  SurrogateKind kind = SurrogateKind::FastSigmoid;
  double slope = 25; // FastSigmoid, Sigmoid, SpikeRateEscape; Atan: alpha; Triangular: threshold
  double beta = 1;   // SpikeRateEscape
};

/// `x` is the membrane minus its threshold.
double derivative(const Surrogate &surrogate, double x);

// Neurons.

enum class Reset { Subtract, Zero, None };

/// snnTorch's Leaky, or its Synaptic where `synaptic` is set. One number per layer for each parameter.
struct Neuron {
  bool synaptic = false;
  double alpha = 0, beta = 0.9, threshold = 1; // decays count as clamped to [0, 1]
  Reset reset = Reset::Subtract;
  bool delay = true; // the reset follows in the step after the spike; otherwise in the same step
  Surrogate surrogate;
};

/// What a layer of neurons did. `membrane` is what it carries to the next step, `charged` what it compared with the
/// threshold; they differ without delay.
struct NeuronTrace {
  Series spikes, membrane, charged, current;

  /// Smallest distance of a compared membrane to the threshold: rounding cannot flip a spike below that.
  double margin(double threshold) const;
};

/// From rest.
NeuronTrace run(const Neuron &neuron, const Series &input);

struct NeuronGradients {
  Series input;
  double alpha = 0, beta = 0, threshold = 0;
};

/// Backpropagation through time: `dSpikes` is the gradient of the loss by the spikes.
NeuronGradients backward(const Neuron &neuron, const NeuronTrace &trace, const Series &dSpikes);

// Readout and loss.

/// Spikes per sample and class, [1, batch, classes]; class c is the c-th block of neurons.
Series populationCount(const Series &spikes, size_t classes);

/// snnTorch's mse_count_loss: the mean over samples and classes of (count - target)^2, divided by the steps. The
/// targets are truncated to whole spikes.
struct CountLoss {
  double correct = 1, incorrect = 0;
  size_t classes = 10;

  double target(const Series &spikes, bool isLabel) const;
  double value(const Series &spikes, const std::vector<int64_t> &labels) const;
  Series gradient(const Series &spikes, const std::vector<int64_t> &labels) const;
};

// Optimizers, as in torch.optim: `parameter` and the state change in place.

struct Adam {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
};

/// `step` counts from 1.
void adam(const Adam &options, size_t step, Array &parameter, const Array &gradient, Array &first, Array &second);

void sgd(double lr, double momentum, Array &parameter, const Array &gradient, Array &velocity);

} // namespace snn::oracle

#endif // SNN_TEST_ORACLE_ORACLE_H
