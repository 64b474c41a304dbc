// Linear layers, readout, loss and optimizers of the oracle.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/oracle/Oracle.h"

#include <cmath>

using namespace snn::oracle;

Series snn::oracle::linear(const Series &x, const Array &weight, const Array &bias) {
  Series y(x.steps, x.batch, bias.size());
  for (size_t t = 0; t < x.steps; ++t)
    for (size_t b = 0; b < x.batch; ++b)
      for (size_t out = 0; out < y.width; ++out) {
        double sum = bias[out];
        for (size_t in = 0; in < x.width; ++in)
          sum += x.at(t, b, in) * weight[out * x.width + in];
        y.at(t, b, out) = sum;
      }
  return y;
}

LinearGradients snn::oracle::linearBackward(const Series &x, const Array &weight, const Series &dy) {
  LinearGradients gradients{Series(x.steps, x.batch, x.width), Array(weight.size()), Array(dy.width)};
  for (size_t t = 0; t < x.steps; ++t)
    for (size_t b = 0; b < x.batch; ++b)
      for (size_t out = 0; out < dy.width; ++out) {
        double error = dy.at(t, b, out);
        gradients.bias[out] += error;
        for (size_t in = 0; in < x.width; ++in) {
          gradients.weight[out * x.width + in] += error * x.at(t, b, in);
          gradients.input.at(t, b, in) += error * weight[out * x.width + in];
        }
      }
  return gradients;
}

Series snn::oracle::repeat(const Series &x, size_t steps) {
  Series y(steps, x.batch, x.width);
  for (size_t t = 0; t < steps; ++t)
    for (size_t b = 0; b < x.batch; ++b)
      for (size_t n = 0; n < x.width; ++n)
        y.at(t, b, n) = x.at(0, b, n);
  return y;
}

Series snn::oracle::sumOverTime(const Series &x) {
  Series y(1, x.batch, x.width);
  for (size_t t = 0; t < x.steps; ++t)
    for (size_t b = 0; b < x.batch; ++b)
      for (size_t n = 0; n < x.width; ++n)
        y.at(0, b, n) += x.at(t, b, n);
  return y;
}

Series snn::oracle::populationCount(const Series &spikes, size_t classes) {
  Series counts(1, spikes.batch, classes);
  size_t neuronsPerClass = spikes.width / classes;
  for (size_t t = 0; t < spikes.steps; ++t)
    for (size_t b = 0; b < spikes.batch; ++b)
      for (size_t n = 0; n < spikes.width; ++n)
        counts.at(0, b, n / neuronsPerClass) += spikes.at(t, b, n);
  return counts;
}

double CountLoss::target(const Series &spikes, bool isLabel) const {
  double perClass = double(spikes.width) / double(classes);
  return std::trunc(double(spikes.steps) * (isLabel ? correct : incorrect) * perClass);
}

double CountLoss::value(const Series &spikes, const std::vector<int64_t> &labels) const {
  Series counts = populationCount(spikes, classes);
  double sum = 0;
  for (size_t b = 0; b < counts.batch; ++b)
    for (size_t c = 0; c < classes; ++c) {
      double miss = counts.at(0, b, c) - target(spikes, labels[b] == int64_t(c));
      sum += miss * miss;
    }
  return sum / double(counts.batch * classes) / double(spikes.steps);
}

Series CountLoss::gradient(const Series &spikes, const std::vector<int64_t> &labels) const {
  Series counts = populationCount(spikes, classes);
  Series gradient(spikes.steps, spikes.batch, spikes.width);
  size_t neuronsPerClass = spikes.width / classes;
  for (size_t t = 0; t < spikes.steps; ++t)
    for (size_t b = 0; b < spikes.batch; ++b)
      for (size_t n = 0; n < spikes.width; ++n) {
        size_t c = n / neuronsPerClass;
        double miss = counts.at(0, b, c) - target(spikes, labels[b] == int64_t(c));
        gradient.at(t, b, n) = 2 * miss / double(spikes.batch * classes) / double(spikes.steps);
      }
  return gradient;
}

void snn::oracle::adam(const Adam &options, size_t step, Array &parameter, const Array &gradient, Array &first,
                       Array &second) {
  double firstCorrection = 1 - std::pow(options.beta1, double(step));
  double secondCorrection = 1 - std::pow(options.beta2, double(step));
  for (size_t i = 0; i < parameter.size(); ++i) {
    first[i] = options.beta1 * first[i] + (1 - options.beta1) * gradient[i];
    second[i] = options.beta2 * second[i] + (1 - options.beta2) * gradient[i] * gradient[i];
    double size = std::sqrt(second[i] / secondCorrection) + options.epsilon;
    parameter[i] -= options.lr * (first[i] / firstCorrection) / size;
  }
}

void snn::oracle::sgd(double lr, double momentum, Array &parameter, const Array &gradient, Array &velocity) {
  for (size_t i = 0; i < parameter.size(); ++i) {
    velocity[i] = momentum * velocity[i] + gradient[i];
    parameter[i] -= lr * velocity[i];
  }
}
