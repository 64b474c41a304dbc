// The training and the evaluation loop.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/train/Trainer.h"
#include "runtime/train/Model.h"
#include "runtime/train/Shuffle.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

using namespace snn;

Trainer::Trainer(const snn_model_table &table, snn_instance *instance, const Dataset &dataset, TrainerOptions options)
    : table(table), instance(instance), dataset(dataset), options(std::move(options)) {
  std::optional<uint64_t> input = findTensor(table.inputs, table.input_count, "input");
  if (!input)
    throw DataError(fmt::format("model \"{}\" has no input named \"input\"", table.name));
  inputIndex = *input;
  labelIndex = findTensor(table.inputs, table.input_count, "labels");
  std::optional<uint64_t> count = findTensor(table.outputs, table.output_count, "count");
  if (!count)
    throw DataError(fmt::format("model \"{}\" has no output named \"count\" to predict a class from", table.name));
  countIndex = *count;
  checkInputs();
}

void Trainer::checkInputs() const {
  for (uint64_t i = 0; i < table.input_count; ++i)
    if (i != inputIndex && i != labelIndex)
      throw DataError(fmt::format("model \"{}\" has an input \"{}\", which dataset {} does not have", table.name,
                                  table.inputs[i].name, dataset.name));
  const snn_tensor_info &input = table.inputs[inputIndex];
  if (input.rank != 0 && input.shape[0] == SNN_EXTENT_TIME)
    throw DataError(fmt::format("model \"{}\" takes an input that varies over time, dataset {} has still images; write "
                                "the input without \"over time\"",
                                table.name, dataset.name));
  if (input.dtype != SNN_DTYPE_U8)
    throw DataError(fmt::format("model \"{}\" takes {} input, dataset {} has U8 samples; write \"input u8[...] / 255\"",
                                table.name, elementTypeName(elementTypeOf(input.dtype)), dataset.name));
  // Extents of 1 are no difference: [1, 28, 28] takes images of [28, 28].
  auto significant = [](const int64_t *begin, const int64_t *end) {
    std::vector<int64_t> extents;
    std::copy_if(begin, end, std::back_inserter(extents), [](int64_t extent) { return extent > 1; });
    return extents;
  };
  const std::vector<int64_t> &sample = dataset.test.sampleShape;
  if (significant(input.shape, input.shape + input.rank) != significant(sample.data(), sample.data() + sample.size()))
    throw DataError(fmt::format("model \"{}\" takes input {}, dataset {} has samples of {}", table.name,
                                tableShapeText(input), dataset.name, shapeText(sample)));
  if (table.classes != dataset.classes)
    throw DataError(fmt::format("model \"{}\" has {} classes, dataset {} has {}", table.name, table.classes,
                                dataset.name, dataset.classes));
}

std::optional<double> Trainer::trainEpoch(uint64_t epoch) {
  if (!labelIndex)
    throw DataError(fmt::format("model \"{}\" takes no labels, so it cannot be trained", table.name));
  const Split &split = dataset.train;
  const uint64_t total = split.count(), sampleSize = split.sampleSize();
  const std::vector<uint64_t> order = shuffledOrder(options.seed, epoch, total);
  std::vector<uint8_t> samples(options.batch * sampleSize);
  std::vector<int64_t> labels(options.batch);
  std::vector<snn_view> views(table.input_count);
  views[inputIndex].data = samples.data();
  views[*labelIndex].data = labels.data();

  const uint64_t updatesPerEpoch = (total + options.batch - 1) / options.batch;
  check(snn_instance_set_training(instance, options.epochs * updatesPerEpoch, options.epochs));
  double loss = 0, sum = 0;
  uint64_t faultRow = 0;
  snn_batch call = {};
  call.struct_size = sizeof(call);
  call.steps = options.steps;
  call.inputs = views.data();
  call.loss = &loss;
  call.fault_row = &faultRow;
  call.epoch = epoch;
  for (uint64_t first = 0; first < total; first += options.batch) {
    if (stopped())
      return std::nullopt;
    call.batch = std::min(options.batch, total - first);
    call.sample_ids = order.data() + first;
    for (uint64_t row = 0; row < call.batch; ++row) {
      uint64_t sample = order[first + row];
      std::memcpy(samples.data() + row * sampleSize, split.samples.data() + sample * sampleSize, sampleSize);
      labels[row] = split.labels[sample];
    }
    int32_t code = snn_instance_train_step(instance, &call);
    if (code == SNN_ERROR_LABEL || code == SNN_ERROR_NOT_FINITE)
      throw DataError(fmt::format("{} (training sample {})", snn_last_error(), order[first + faultRow]));
    check(code);
    if (!std::isfinite(loss))
      throw DataError(fmt::format("the loss became {} in epoch {}, step {}; a smaller learning rate may help", loss,
                                  epoch, first / options.batch));
    sum += loss * double(call.batch);
    if (options.progress)
      options.progress(first + call.batch, total);
  }
  return sum / double(total);
}

template <typename Real> std::optional<Accuracy> Trainer::evaluateAs() {
  const Split &split = dataset.test;
  const uint64_t total = split.count(), sampleSize = split.sampleSize(), classes = uint64_t(table.classes);
  std::vector<uint64_t> ids(total);
  for (uint64_t i = 0; i < total; ++i)
    ids[i] = i;
  std::vector<Real> counts(options.batch * classes);
  std::vector<snn_view> views(table.input_count);
  std::vector<void *> outputs(table.output_count);
  outputs[countIndex] = counts.data();

  Accuracy accuracy;
  snn_batch call = {};
  call.struct_size = sizeof(call);
  call.steps = options.steps;
  call.inputs = views.data();
  call.outputs = outputs.data();
  for (uint64_t first = 0; first < total; first += options.batch) {
    if (stopped())
      return std::nullopt;
    call.batch = std::min(options.batch, total - first);
    call.sample_ids = ids.data() + first;
    views[inputIndex].data = split.samples.data() + first * sampleSize;
    if (labelIndex)
      views[*labelIndex].data = split.labels.data() + first;
    check(snn_instance_forward(instance, &call));
    for (uint64_t row = 0; row < call.batch; ++row)
      accuracy.correct += int64_t(argmax(counts.data() + row * classes, classes)) == split.labels[first + row];
    accuracy.count += call.batch;
  }
  return accuracy;
}

std::optional<Accuracy> Trainer::evaluate() {
  return table.precision == SNN_DTYPE_F32 ? evaluateAs<float>() : evaluateAs<double>();
}
