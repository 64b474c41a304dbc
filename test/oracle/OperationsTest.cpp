// The oracle's operations against numbers worked out by hand or run in snnTorch and PyTorch.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Oracle.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace snn::oracle;

namespace {

Series series(size_t steps, size_t batch, size_t width, Array values) {
  Series result(steps, batch, width);
  result.values = std::move(values);
  return result;
}

void expectNear(const Array &got, const Array &want, double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(got[i], want[i], tolerance) << "at " << i;
}

TEST(Linear, ForwardAndBackward) {
  Series x = series(1, 2, 2, {1, 2, 3, 4});
  Array weight = {1, 10, 100, 1000, 0, -1}; // three outputs
  EXPECT_EQ(linear(x, weight, {0.5, 0, 0}).values, (Array{21.5, 2100, -2, 43.5, 4300, -4}));
  LinearGradients gradients = linearBackward(x, weight, series(1, 2, 3, {1, 0, 0, 0, 1, 2}));
  EXPECT_EQ(gradients.input.values, (Array{1, 10, 100, 998}));
  EXPECT_EQ(gradients.weight, (Array{1, 2, 3, 4, 6, 8}));
  EXPECT_EQ(gradients.bias, (Array{1, 1, 2}));
}

TEST(Surrogates, Derivatives) {
  auto at = [](Surrogate surrogate) {
    Array values;
    for (double x : {-1.0, -0.1, 0.0, 0.1, 1.0})
      values.push_back(derivative(surrogate, x));
    return values;
  };
  expectNear(at({SurrogateKind::FastSigmoid, 25}), {.00148, .08163, 1, .08163, .00148}, 5e-6);
  expectNear(at({SurrogateKind::Atan, 2}), {.09200, .91017, 1, .91017, .09200}, 5e-6);
  expectNear(at({SurrogateKind::Sigmoid, 25}), {0, 1.75259, 6.25, 1.75259, 0}, 5e-6);
  expectNear(at({SurrogateKind::StraightThrough}), {1, 1, 1, 1, 1}, 0);
  expectNear(at({SurrogateKind::Triangular, 1}), {1, 1, -1, -1, -1}, 0);
  expectNear(at({SurrogateKind::Heaviside}), {0, 0, 0, 1, 1}, 0);
  expectNear(at({SurrogateKind::SpikeRateEscape, 25, 1}), {3.38338, 8.32178, 9.19699, 10.16424, 25}, 5e-6);
}

TEST(Neurons, AMembraneAtTheThresholdDoesNotFire) {
  EXPECT_EQ(run({}, series(1, 1, 1, {1})).spikes.values, Array{0});
  EXPECT_EQ(run({}, series(1, 1, 1, {1.001})).spikes.values, Array{1});
}

TEST(Neurons, ResetWithAndWithoutDelay) {
  Neuron neuron;
  neuron.beta = 0.5;
  Series x = series(2, 1, 1, {2, 0.25});
  expectNear(run(neuron, x).membrane.values, {2, 0.25}, 1e-15); // 0.5 * 2 + 0.25 - 1
  neuron.reset = Reset::Zero;
  expectNear(run(neuron, x).membrane.values, {2, 0.25}, 1e-15); // what comes in survives the reset
  neuron.reset = Reset::None;
  expectNear(run(neuron, x).membrane.values, {2, 1.25}, 1e-15);
  neuron.reset = Reset::Subtract;
  neuron.delay = false;
  expectNear(run(neuron, x).membrane.values, {1, 0.75}, 1e-15);
}

TEST(Neurons, ADecayOutsideOrOnItsBoundsIsClampedAndHasNoGradient) {
  Neuron neuron;
  neuron.beta = 1.3;
  neuron.reset = Reset::None;
  NeuronTrace trace = run(neuron, series(2, 1, 1, {0.25, 0.25}));
  expectNear(trace.membrane.values, {0.25, 0.5}, 1e-15);
  EXPECT_EQ(backward(neuron, trace, series(2, 1, 1, {1, 1})).beta, 0);
  neuron.beta = 1;
  EXPECT_EQ(backward(neuron, trace, series(2, 1, 1, {1, 1})).beta, 0);
  neuron.beta = std::nextafter(1.0, 0.0);
  EXPECT_NE(backward(neuron, trace, series(2, 1, 1, {1, 1})).beta, 0);
}

TEST(Loss, PopulationOfFifty) {
  CountLoss loss{1, 0, 10};
  for (size_t steps : {1, 4}) {
    Series spikes(steps, 2, 500); // sample 0 has 30 spikes in class 0, its label; sample 1 is silent
    for (size_t t = 0; t < steps; ++t)
      for (size_t n = 0; n < 30; ++n)
        spikes.at(t, 0, n) = 1;
    EXPECT_DOUBLE_EQ(loss.value(spikes, {0, 0}), steps == 1 ? 145.0 : 580.0);
  }
}

TEST(Loss, TargetsAreWholeSpikes) {
  CountLoss loss{0.8, 0.2, 10};
  EXPECT_EQ(loss.target(Series(8, 1, 10), true), 6);
  EXPECT_EQ(loss.target(Series(8, 1, 10), false), 1);
  EXPECT_EQ(loss.target(Series(8, 1, 50), true), 32);
}

TEST(Optimizers, FirstSteps) {
  Array parameter = {1}, first = {0}, second = {0};
  adam({0.1}, 1, parameter, {4}, first, second); // the first step is lr, whatever the gradient's size
  EXPECT_NEAR(parameter[0], 0.9, 1e-8);
  adam({0.1}, 2, parameter, {-4}, first, second);
  double m = (0.9 * 0.4 - 0.4) / (1 - 0.81), v = (0.999 * 0.016 + 0.016) / (1 - 0.999 * 0.999);
  EXPECT_NEAR(parameter[0], 0.9 - 0.1 * m / std::sqrt(v), 1e-8);

  Array weight = {1}, velocity = {0};
  sgd(0.5, 0.5, weight, {1}, velocity);
  sgd(0.5, 0.5, weight, {1}, velocity);
  EXPECT_DOUBLE_EQ(weight[0], 1 - 0.5 - 0.75);
}

} // namespace
