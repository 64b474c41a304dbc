// The training and the evaluation loop.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/train/Trainer.h"
#include "runtime/train/Model.h"
#include "runtime/train/Shuffle.h"
#include "runtime/train/Windows.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

using namespace snn;

namespace {

/// Means over samples of numbers that are means over batches.
class Means {
public:
  Means(const snn_model_table &table, std::span<const uint64_t> metrics) {
    for (uint64_t output : metrics)
      sums.metrics.emplace_back(metricName(table.outputs[output]), 0.0);
    sums.loss = 0;
  }
  void add(double loss, std::span<const double> values, uint64_t samples) {
    *sums.loss += loss * double(samples);
    for (size_t i = 0; i < values.size(); ++i)
      sums.metrics[i].second += values[i] * double(samples);
    sums.samples += samples;
  }
  Measures measures() const {
    Measures means = sums;
    *means.loss /= double(sums.samples);
    for (auto &[name, value] : means.metrics)
      value /= double(sums.samples);
    return means;
  }

private:
  static std::string metricName(const snn_tensor_info &output) {
    constexpr std::string_view prefix = "metric.";
    std::string_view name = output.name;
    return std::string(name.starts_with(prefix) ? name.substr(prefix.size()) : name);
  }

  Measures sums;
};

} // namespace

/// A number for the whole batch that stands beside the loss.
static bool isMetric(const snn_tensor_info &output) { return output.rank == 0; }

Trainer::Trainer(const snn_model_table &table, snn_instance *instance, TrainerOptions options)
    : table(table), instance(instance), options(std::move(options)) {
  for (uint64_t i = 0; i < table.output_count; ++i)
    if (isMetric(table.outputs[i]))
      metrics.push_back(i);
  std::optional<uint64_t> labels = findTensor(table.inputs, table.input_count, "labels"),
                          count = findTensor(table.outputs, table.output_count, "count");
  if (labels && count && table.inputs[*labels].dtype == SNN_DTYPE_I64 && table.inputs[*labels].rank == 1 &&
      table.outputs[*count].rank == 2) {
    labelIndex = labels;
    countIndex = count;
  }
}

void Trainer::check(int32_t code, const Samples &samples, std::span<const uint64_t> rows, uint64_t faultRow) const {
  if (code == SNN_ERROR_LABEL || code == SNN_ERROR_NOT_FINITE)
    throw DataError(fmt::format("{} ({} sample {})", snn_last_error(), samples.name(), rows[faultRow]));
  snn::check(code);
}

std::optional<Measures> Trainer::trainEpoch(const Samples &samples, uint64_t epoch) {
  const uint64_t total = samples.count();
  std::vector<uint64_t> order = shuffledOrder(options.seed, epoch, total);
  for (uint64_t &place : order)
    place = samples.samples()[place];
  const uint64_t batches = (total + options.batch - 1) / options.batch;
  const uint64_t updatesPerEpoch = batches * windowsOf(table, stepsOf(samples));
  snn::check(snn_instance_set_training(instance, options.epochs * updatesPerEpoch, options.epochs));

  double loss = 0;
  uint64_t faultRow = 0;
  Batch batch;
  std::vector<double> values(metrics.size());
  std::vector<void *> outputs(table.output_count);
  for (size_t i = 0; i < metrics.size(); ++i)
    outputs[metrics[i]] = &values[i];
  snn_batch call = {};
  call.struct_size = sizeof(call);
  call.steps = stepsOf(samples);
  call.outputs = outputs.data();
  call.loss = &loss;
  call.fault_row = &faultRow;
  call.epoch = epoch;
  Means means(table, metrics);
  for (uint64_t first = 0; first < total; first += options.batch) {
    if (stopped())
      return std::nullopt;
    const std::span<const uint64_t> rows = std::span(order).subspan(first, std::min(options.batch, total - first));
    samples.gather(rows, batch);
    const std::vector<snn_view> views = batch.views();
    call.batch = rows.size();
    call.sample_ids = rows.data();
    call.inputs = views.data();
    check(trainWindows(table, instance, call), samples, rows, faultRow);
    if (!std::isfinite(loss))
      throw DataError(fmt::format("the loss became {} in epoch {}, step {}; a smaller learning rate may help", loss,
                                  epoch, first / options.batch));
    means.add(loss, values, rows.size());
    if (options.progress)
      options.progress(first + rows.size(), total);
  }
  return means.measures();
}

uint64_t Trainer::countCorrect(const std::vector<std::byte> &counts, const int64_t *labels, uint64_t rows) const {
  const uint64_t classes = uint64_t(table.classes);
  auto count = [&](const auto *values) {
    uint64_t correct = 0;
    for (uint64_t row = 0; row < rows; ++row)
      correct += int64_t(argmax(values + row * classes, classes)) == labels[row];
    return correct;
  };
  return table.precision == SNN_DTYPE_F32 ? count(reinterpret_cast<const float *>(counts.data()))
                                          : count(reinterpret_cast<const double *>(counts.data()));
}

std::optional<Measures> Trainer::evaluate(const Samples &samples) {
  const uint64_t total = samples.count();
  double loss = 0;
  uint64_t faultRow = 0;
  Batch batch;
  std::vector<double> values(metrics.size());
  std::vector<void *> outputs(table.output_count);
  std::vector<std::byte> counts;
  const bool withLoss = canEvaluate(table);
  if (withLoss)
    for (size_t i = 0; i < metrics.size(); ++i)
      outputs[metrics[i]] = &values[i];
  if (countIndex) {
    counts.resize(options.batch * uint64_t(table.classes) * snn_dtype_bytes(table.precision));
    outputs[*countIndex] = counts.data();
  }
  snn_batch call = {};
  call.struct_size = sizeof(call);
  call.steps = stepsOf(samples);
  call.outputs = outputs.data();
  call.loss = withLoss ? &loss : nullptr;
  call.fault_row = &faultRow;
  uint64_t correct = 0;
  Means means(table, metrics);
  for (uint64_t first = 0; first < total; first += options.batch) {
    if (stopped())
      return std::nullopt;
    const auto rows = std::span(samples.samples()).subspan(first, std::min(options.batch, total - first));
    samples.gather(rows, batch);
    const std::vector<snn_view> views = batch.views();
    call.batch = rows.size();
    call.sample_ids = rows.data();
    call.inputs = views.data();
    check((withLoss ? snn_instance_evaluate : snn_instance_forward)(instance, &call), samples, rows, faultRow);
    means.add(loss, values, rows.size());
    if (countIndex)
      correct += countCorrect(counts, static_cast<const int64_t *>(views[*labelIndex].data), rows.size());
  }
  Measures measures;
  if (withLoss)
    measures = means.measures();
  measures.samples = total;
  if (countIndex)
    measures.correct = correct;
  return measures;
}
