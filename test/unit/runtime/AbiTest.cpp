// What the runtime passes through to a model's entry points, field by field: states, buffers, gradients of outputs,
// counts.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TestArrays.h"
#include "TestSupport.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/train/Model.h"
#include "runtime/train/Shuffle.h"
#include "runtime/train/Trainer.h"

#include <cmath>
#include <cstddef>
#include <vector>

using namespace snn;
using namespace snn::test;

namespace {

/// The linked model with entry points that only note their calls.
struct Note {
  snn_call call;
  std::vector<uint64_t> ids;
};
std::vector<Note> notes;

int32_t note(const snn_call *call) {
  Note &added = notes.emplace_back(Note{*call, {}});
  if (call->sample_ids)
    added.ids.assign(call->sample_ids, call->sample_ids + call->batch);
  return SNN_OK;
}

const snn_model_table *notingQuery(uint32_t version) {
  static snn_model_table table = *tiny_snn_query(SNN_ABI_VERSION);
  table.forward = table.step = table.loss_and_gradient = table.backward = table.update = table.train_step = note;
  return version == SNN_ABI_VERSION ? &table : nullptr;
}

class NotedCalls : public testing::Test {
protected:
  NotedCalls() {
    notes.clear();
    batch.struct_size = sizeof(batch);
    batch.batch = 2;
    batch.inputs = views;
  }
  const snn_call &last() const { return notes.back().call; }

  LibraryHandle library{snn_library_from_query(notingQuery)};
  InstanceHandle instance = createInstance(library.get(), 2, 3, nullptr);
  float input[18] = {};
  int64_t labels[2] = {};
  snn_view views[2] = {{input, nullptr}, {labels, nullptr}};
  snn_batch batch = {};
};

/// The same calls on numbers.
class FullModel : public testing::Test {
protected:
  FullModel() {
    check(snn_instance_init(instance.get(), 5));
    for (size_t i = 0; i < input.size(); ++i)
      input[i] = std::sin(float(i) * 0.7f);
    batch.struct_size = sizeof(batch);
    batch.batch = rows;
    batch.inputs = views;
    views[0].data = input.data();
    views[1].data = labels;
    batch.outputs = outputs;
  }

  std::vector<float> mean() {
    std::vector<float> values(2);
    check(snn_instance_get_buffer(instance.get(), "1.mean", values.data(), 8));
    return values;
  }
  int64_t batches() {
    int64_t value = -1;
    check(snn_instance_get_buffer(instance.get(), "1.batches", &value, sizeof(value)));
    return value;
  }

  static constexpr uint64_t rows = 3, steps = 4;
  LibraryHandle library = openLibrary(tinyModel("full"));
  const snn_model_table &table = *snn_library_table(library.get());
  InstanceHandle instance = createInstance(library.get(), rows, steps, nullptr);
  std::vector<float> input = std::vector<float>(steps * rows * 3);
  int64_t labels[rows] = {0, 1, 1};
  snn_view views[2] = {};
  void *outputs[5] = {};
  snn_batch batch = {};
};

} // namespace

TEST_F(NotedCalls, StatesAreTheCallersOrTheInstances) {
  float in[4], out[4];
  check(snn_instance_forward(instance.get(), &batch));
  EXPECT_EQ(last().state_in, nullptr);
  EXPECT_EQ(last().state_out, nullptr);
  EXPECT_EQ(last().first_step, 0u);
  batch.state_in = in;
  batch.state_out = out;
  batch.first_step = 70;
  for (auto entry : {snn_instance_forward, snn_instance_step, snn_instance_loss_and_gradient, snn_instance_backward,
                     snn_instance_train_step}) {
    check(entry(instance.get(), &batch));
    EXPECT_EQ(last().state_in, in);
    EXPECT_EQ(last().state_out, out);
    EXPECT_EQ(last().first_step, 70u);
  }
}

TEST_F(NotedCalls, StreamingCountsItsSteps) {
  batch.first_step = 70; // of a state that is not given
  for (uint64_t round = 0; round < 2; ++round) {
    for (uint64_t t = 0; t < 3; ++t) {
      check(snn_instance_step(instance.get(), &batch));
      EXPECT_EQ(last().first_step, t);
      EXPECT_EQ(last().steps, 1u);
    }
    check(snn_instance_reset_state(instance.get()));
  }
  void *own = snn_instance_span(instance.get(), SNN_SPAN_STATE, nullptr);
  EXPECT_EQ(last().state_in, own);
  EXPECT_EQ(last().state_out, own);
}

TEST_F(NotedCalls, CountsOfSchedules) {
  check(snn_instance_update(instance.get()));
  EXPECT_EQ(last().optimizer_step, 1u);
  EXPECT_EQ(last().updates, 0u);
  EXPECT_EQ(last().epochs, 0u);
  check(snn_instance_set_training(instance.get(), 300, 20));
  batch.epoch = 7;
  check(snn_instance_backward(instance.get(), &batch));
  batch.epoch = 9;
  check(snn_instance_forward(instance.get(), &batch));
  check(snn_instance_update(instance.get()));
  EXPECT_EQ(last().optimizer_step, 2u);
  EXPECT_EQ(last().updates, 300u);
  EXPECT_EQ(last().epoch, 7u) << "the epoch of the gradients";
  EXPECT_EQ(last().epochs, 20u);
  check(snn_instance_train_step(instance.get(), &batch));
  EXPECT_EQ(last().optimizer_step, 3u);
  EXPECT_EQ(last().epoch, 9u);
  EXPECT_EQ(last().epochs, 20u);
}

TEST_F(NotedCalls, GradientsOfOutputs) {
  float seed[12];
  const void *gradients[4] = {nullptr, seed, nullptr, nullptr};
  batch.output_gradients = gradients;
  check(snn_instance_backward(instance.get(), &batch));
  EXPECT_EQ(last().output_gradients, gradients);
  EXPECT_NE(last().gradients, nullptr);
}

TEST(TrainerCalls, HaveCountsAndTheIdsOfTheShuffledSamples) {
  static snn_model_table table;
  LibraryHandle u8 = openLibrary(tinyModel("u8"));
  table = *snn_library_table(u8.get());
  table.train_step = note;
  LibraryHandle library(snn_library_from_query([](uint32_t) -> const snn_model_table * { return &table; }));
  InstanceHandle instance = createInstance(library.get(), 4, 1, nullptr);
  ArrayFiles files;
  addArray(files, "x", ElementType::U8, {10, 28, 28}, std::vector<uint8_t>(10 * 784));
  addArray(files, "y", ElementType::I64, {10}, std::vector<int64_t>(10));
  const Samples samples = *Samples::find(table, files, Samples::Training, {.plain = true, .needed = true}, false);
  TrainerOptions options;
  options.batch = 4;
  options.seed = 3;
  options.epochs = 5;
  Trainer trainer(table, instance.get(), options);
  notes.clear();
  trainer.trainEpoch(samples, 2);
  std::vector<uint64_t> ids;
  for (const Note &note : notes) {
    EXPECT_EQ(note.call.epoch, 2u);
    EXPECT_EQ(note.call.epochs, 5u);
    EXPECT_EQ(note.call.updates, 15u) << "three steps an epoch, the last of them short";
    ids.insert(ids.end(), note.ids.begin(), note.ids.end());
  }
  EXPECT_EQ(ids, shuffledOrder(3, 2, 10));
}

TEST_F(FullModel, EvaluationHasTheLossAndChangesNothing) {
  double loss = 0, largest = 0, other = 0, otherLargest = 0;
  batch.loss = &loss;
  outputs[4] = &largest;
  check(snn_instance_evaluate(instance.get(), &batch));
  EXPECT_GT(loss, 0);
  EXPECT_EQ(mean(), std::vector<float>(2, 0.5f));
  EXPECT_EQ(batches(), 0);
  batch.loss = &other;
  outputs[4] = &otherLargest;
  check(snn_instance_loss_and_gradient(instance.get(), &batch));
  EXPECT_EQ(loss, other);
  EXPECT_EQ(largest, otherLargest);

  static snn_model_table shorter;
  shorter = table;
  shorter.struct_size = offsetof(snn_model_table, evaluate);
  LibraryHandle earlier(snn_library_from_query([](uint32_t) -> const snn_model_table * { return &shorter; }));
  InstanceHandle old = createInstance(earlier.get(), rows, steps, nullptr);
  EXPECT_EQ(snn_instance_evaluate(old.get(), &batch), SNN_ERROR_UNSUPPORTED);
  check(snn_instance_forward(old.get(), &batch));
  shorter.struct_size = offsetof(snn_model_table, window); // has the entry and nothing behind it
  check(snn_instance_evaluate(createInstance(earlier.get(), rows, steps, nullptr).get(), &batch));
  shorter.struct_size = offsetof(snn_model_table, evaluate);
  shorter.struct_size -= 8;
  EXPECT_FALSE(snn_library_from_query([](uint32_t) -> const snn_model_table * { return &shorter; }));
}

TEST_F(FullModel, ValuesOfTheCodeAreWhereInstancesStart) {
  static snn_model_table weighted;
  static std::vector<float> parameters, buffers;
  parameters.assign(table.parameter_bytes / sizeof(float), 0.25f);
  buffers.assign(table.buffer_bytes / sizeof(float), 0.75f);
  weighted = table;
  weighted.struct_size = sizeof(weighted);
  weighted.initial_parameters = parameters.data();
  weighted.initial_buffers = buffers.data();
  LibraryHandle library(snn_library_from_query([](uint32_t) -> const snn_model_table * { return &weighted; }));
  InstanceHandle started = createInstance(library.get(), rows, steps, nullptr);
  auto bias = [&] {
    std::vector<float> values(2);
    check(snn_instance_get_parameter(started.get(), "1.bias", values.data(), 8));
    return values;
  };
  auto mean = [&] {
    std::vector<float> values(2);
    check(snn_instance_get_buffer(started.get(), "1.mean", values.data(), 8));
    return values;
  };
  const std::vector<float> quarters(2, 0.25f), threeQuarters(2, 0.75f);
  EXPECT_EQ(bias(), quarters);
  EXPECT_EQ(mean(), threeQuarters);
  check(snn_instance_train_step(started.get(), &batch));
  EXPECT_NE(bias(), quarters);
  EXPECT_NE(mean(), threeQuarters);
  check(snn_instance_init(started.get(), 1));
  EXPECT_EQ(bias(), quarters);
  EXPECT_EQ(mean(), threeQuarters);

  weighted.struct_size = offsetof(snn_model_table, initial_parameters); // a table that ends before them
  started = createInstance(library.get(), rows, steps, nullptr);
  EXPECT_EQ(bias(), std::vector<float>(2));
  EXPECT_EQ(mean(), std::vector<float>(2, 0.5f));
  weighted.struct_size = sizeof(weighted);
  weighted.initial_buffers = nullptr;
  EXPECT_FALSE(snn_library_from_query([](uint32_t) -> const snn_model_table * { return &weighted; }));
  EXPECT_TRUE(contains(snn_last_error(), "it has values of parameters, but none of buffers"));
}

TEST_F(FullModel, CountersOfBatchesAreLetThrough) {
  TemporaryFolder folder;
  const std::string path = folder / "weights.safetensors";
  saveCheckpoint(path, instance.get(), table);
  const TensorFile saved = TensorFile::read(path);
  const int64_t counted = 7;
  auto load = [&](const std::string &name, ElementType type, std::vector<int64_t> shape) {
    std::vector<TensorToWrite> tensors;
    for (const auto &[known, tensor] : saved.tensors())
      tensors.push_back({known, tensor.type, tensor.shape, tensor.bytes});
    tensors.push_back({name, type, std::move(shape), std::as_bytes(std::span(&counted, 1))});
    writeSafetensors(path, tensors);
    return messageOf<DataError>(
        [&] { loadCheckpoint(instance.get(), table, TensorFile::read(path), OtherTensors::Refuse); });
  };
  EXPECT_EQ(load("1.num_batches_tracked", ElementType::I64, {}), "");
  const std::string refused = "which model \"tiny\" does not have";
  EXPECT_TRUE(contains(load("1.num_batches_tracked", ElementType::F64, {}), refused));
  EXPECT_TRUE(contains(load("1.num_batches_tracked", ElementType::I64, {1}), refused));
  EXPECT_TRUE(contains(load("2.num_batches_tracked", ElementType::I64, {}), refused)) << "which has no buffers";
}

TEST_F(FullModel, WindowsGiveTheStateOfTheWhole) {
  std::vector<float> whole(rows * 2), parts(rows * 2);
  batch.state_out = whole.data();
  check(snn_instance_forward(instance.get(), &batch));
  auto *state = static_cast<float *>(snn_instance_span(instance.get(), SNN_SPAN_STATE, nullptr));
  batch.steps = steps / 2;
  for (int round = 0; round < 2; ++round) { // the state's memory was handed out, so a reset must not be skipped
    check(snn_instance_reset_state(instance.get()));
    batch.state_in = batch.state_out = state;
    for (uint64_t window = 0; window < 2; ++window) {
      batch.first_step = window * batch.steps;
      views[0].data = input.data() + batch.first_step * rows * 3;
      check(snn_instance_forward(instance.get(), &batch));
    }
    parts.assign(state, state + rows * 2);
    EXPECT_EQ(parts, whole);
  }
}

TEST_F(FullModel, BackwardIsTheGradientOfTheHostsLoss) {
  // The loss is the sum of the membranes, each with a weight of its own.
  std::vector<float> membrane(steps * rows * 2), seeds(membrane.size()), inputGradient(input.size());
  for (size_t i = 0; i < seeds.size(); ++i)
    seeds[i] = std::cos(float(i));
  const void *gradients[5] = {nullptr, seeds.data()};
  batch.output_gradients = gradients;
  outputs[3] = inputGradient.data();
  check(snn_instance_backward(instance.get(), &batch));
  std::vector<float> weightGradient(6), weight(6);
  check(snn_instance_get_gradient(instance.get(), "1.weight", weightGradient.data(), 24));
  check(snn_instance_get_parameter(instance.get(), "1.weight", weight.data(), 24));
  EXPECT_EQ(batches(), 0) << "backward wrote buffers";

  outputs[1] = membrane.data();
  auto loss = [&] {
    check(snn_instance_forward(instance.get(), &batch));
    double sum = 0;
    for (size_t i = 0; i < seeds.size(); ++i)
      sum += double(seeds[i]) * double(membrane[i]);
    return sum;
  };
  const float step = 0.25f; // the membranes are linear in weights and inputs
  auto difference = [&](float &value, auto &&changed) {
    const float before = value;
    value = before + step, changed();
    double above = loss();
    value = before - step, changed();
    double below = loss();
    value = before, changed();
    return (above - below) / double(2 * step);
  };
  for (size_t i = 0; i < weight.size(); ++i)
    EXPECT_NEAR(difference(weight[i],
                           [&] { check(snn_instance_set_parameter(instance.get(), "1.weight", weight.data(), 24)); }),
                weightGradient[i], 1e-4);
  for (size_t i = 0; i < input.size(); ++i)
    EXPECT_NEAR(difference(input[i], [] {}), inputGradient[i], 1e-4);

  gradients[2] = seeds.data();
  EXPECT_EQ(snn_instance_backward(instance.get(), &batch), SNN_ERROR_ARGUMENT);
}

TEST_F(FullModel, OnlyTrainingWritesBuffers) {
  EXPECT_EQ(mean(), (std::vector<float>{0.5f, 0.5f}));
  EXPECT_EQ(batches(), 0);
  check(snn_instance_forward(instance.get(), &batch));
  check(snn_instance_step(instance.get(), &batch));
  EXPECT_EQ(batches(), 0);
  check(snn_instance_loss_and_gradient(instance.get(), &batch));
  check(snn_instance_train_step(instance.get(), &batch));
  EXPECT_EQ(batches(), 2);
  EXPECT_NE(mean(), (std::vector<float>{0.5f, 0.5f}));
  uint64_t bytes = 0;
  EXPECT_EQ(static_cast<float *>(snn_instance_span(instance.get(), SNN_SPAN_BUFFERS, &bytes))[0], mean()[0]);
  EXPECT_EQ(bytes, table.buffer_bytes);
  check(snn_instance_init(instance.get(), 5));
  EXPECT_EQ(batches(), 0);
  EXPECT_EQ(mean(), (std::vector<float>{0.5f, 0.5f}));
}

TEST_F(FullModel, SetBuffer) {
  const float values[] = {1, 2};
  EXPECT_EQ(snn_instance_set_buffer(instance.get(), "1.mean", values, 8), SNN_OK);
  EXPECT_EQ(mean(), (std::vector<float>{1, 2}));
  EXPECT_EQ(snn_instance_set_buffer(instance.get(), "1.mean", values, 4), SNN_ERROR_SIZE);
  EXPECT_EQ(snn_instance_set_buffer(instance.get(), "1.bias", values, 8), SNN_ERROR_NAME);
  EXPECT_TRUE(contains(snn_last_error(), "has no buffer \"1.bias\""));
}

TEST_F(FullModel, MetricsAreNumbersBesideTheLoss) {
  double largest = -1;
  outputs[4] = &largest;
  check(snn_instance_forward(instance.get(), &batch));
  EXPECT_EQ(largest, -1);
  check(snn_instance_loss_and_gradient(instance.get(), &batch));
  EXPECT_GE(largest, 0);
}

TEST_F(FullModel, CheckpointsHaveBuffers) {
  TemporaryFolder folder;
  const std::string path = folder / "weights.safetensors";
  check(snn_instance_train_step(instance.get(), &batch));
  saveCheckpoint(path, instance.get(), table);
  const std::vector<float> before = mean();
  check(snn_instance_init(instance.get(), 6));
  loadCheckpoint(instance.get(), table, TensorFile::read(path), OtherTensors::Refuse);
  EXPECT_EQ(mean(), before);
  EXPECT_EQ(batches(), 1);

  const float nan[] = {0, NAN};
  check(snn_instance_set_buffer(instance.get(), "1.mean", nan, 8));
  EXPECT_TRUE(
      contains(messageOf<DataError>([&] { saveCheckpoint(path, instance.get(), table); }), "1.mean became nan"));
}

TEST_F(FullModel, CheckpointsWithoutBuffersAreRefused) {
  std::vector<OwnedTensor> tensors = parameterTensors(instance.get(), table);
  const double wrong[] = {1};
  auto failure = [&](std::vector<TensorToWrite> more) {
    TemporaryFolder folder;
    for (const OwnedTensor &tensor : tensors)
      more.push_back(tensor.view());
    writeSafetensors(folder / "weights.safetensors", std::move(more));
    return messageOf<DataError>([&] {
      loadCheckpoint(instance.get(), table, TensorFile::read(folder / "weights.safetensors"), OtherTensors::Refuse);
    });
  };
  EXPECT_TRUE(contains(failure({}), "has no tensor \"1.mean\", which model \"tiny\" needs"));
  const float mean[] = {1, 2};
  EXPECT_TRUE(contains(failure({{"1.mean", ElementType::F32, {2}, std::as_bytes(std::span(mean))},
                                {"1.batches", ElementType::F64, {}, std::as_bytes(std::span(wrong))}}),
                       "tensor \"1.batches\" has dtype F64, expected I64"));
}

TEST(TablesWithBuffers, AreChecked) {
  LibraryHandle full = openLibrary(tinyModel("full"));
  static snn_model_table table;
  auto failure = [&](auto &&change) {
    table = *snn_library_table(full.get());
    std::vector<snn_tensor_info> buffers(table.buffers, table.buffers + table.buffer_count),
        outputs(table.outputs, table.outputs + table.output_count);
    change(buffers, outputs);
    table.buffers = buffers.data();
    table.outputs = outputs.data();
    LibraryHandle library(snn_library_from_query([](uint32_t) -> const snn_model_table * { return &table; }));
    return library ? std::string() : std::string(snn_last_error());
  };
  using Tensors = std::vector<snn_tensor_info>;
  EXPECT_EQ(failure([](Tensors &, Tensors &) {}), "");
  EXPECT_TRUE(contains(failure([](Tensors &buffers, Tensors &) { buffers[1].offset += 8; }),
                       "buffer \"1.batches\" does not lie within its span"));
  EXPECT_TRUE(contains(failure([](Tensors &buffers, Tensors &) { buffers[0].dtype = SNN_DTYPE_F64; }),
                       "neither of the model's precision nor i64"));
  EXPECT_TRUE(contains(failure([](Tensors &buffers, Tensors &) { buffers[0].name = "1.bias"; }), "is a parameter too"));
  EXPECT_TRUE(contains(failure([](Tensors &, Tensors &outputs) { outputs[4].dtype = SNN_DTYPE_F32; }),
                       "output \"largest\" is one number, but not f64"));
}
