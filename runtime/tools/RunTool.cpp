// snn-run as a library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/tools/RunTool.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/tools/InputBinding.h"
#include "runtime/tools/ToolSupport.h"
#include "runtime/train/Model.h"
#include "runtime/train/Windows.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>

using namespace snn;
using namespace snn::tools;

namespace {

bool isGradient(const snn_tensor_info &output) { return std::strncmp(output.name, "grad.", 5) == 0; }

/// One number for the whole batch, which stands beside a loss.
bool isMetric(const snn_tensor_info &output) { return output.rank == 0; }

/// Scalars that the tools write have the model's precision, as every real tensor.
OwnedTensor realTensor(const snn_model_table &table, std::string name, std::vector<int64_t> shape,
                       const std::vector<double> &values) {
  OwnedTensor tensor{std::move(name), elementTypeOf(table.precision), std::move(shape), {}};
  for (double value : values) {
    float narrow = float(value);
    const auto *bytes = tensor.type == ElementType::F32 ? reinterpret_cast<const std::byte *>(&narrow)
                                                        : reinterpret_cast<const std::byte *>(&value);
    tensor.bytes.insert(tensor.bytes.end(), bytes, bytes + elementBytes(tensor.type));
  }
  return tensor;
}

/// Memory for outputs of a call; `wanted` says which.
template <typename Wanted>
std::vector<OwnedTensor> makeOutputs(const snn_model_table &table, const BoundInputs &inputs, Wanted &&wanted,
                                     std::vector<void *> &pointers) {
  std::vector<OwnedTensor> outputs(table.output_count);
  pointers.assign(table.output_count, nullptr);
  for (uint64_t i = 0; i < table.output_count; ++i) {
    if (!wanted(table.outputs[i]))
      continue;
    OwnedTensor &tensor = outputs[i];
    tensor = {table.outputs[i].name,
              elementTypeOf(table.outputs[i].dtype),
              filledShape(table.outputs[i], inputs.batch, inputs.steps),
              {}};
    uint64_t bytes = snn_dtype_bytes(table.outputs[i].dtype);
    for (int64_t extent : tensor.shape)
      bytes *= uint64_t(extent);
    tensor.bytes.resize(bytes);
    pointers[i] = tensor.bytes.data();
  }
  return outputs;
}

snn_batch makeCall(const BoundInputs &inputs) {
  snn_batch call = {};
  call.struct_size = sizeof(call);
  call.batch = inputs.batch;
  call.steps = inputs.steps;
  call.inputs = inputs.views.data();
  return call;
}

/// forward, or loss_and_gradient where the file has all labels and targets and the model was compiled for training, by
/// which it has a loss of all these steps.
std::vector<OwnedTensor> runOnce(const snn_model_table &table, snn_instance *instance, const BoundInputs &inputs,
                                 bool gradients) {
  bool withLoss =
      inputs.missing.empty() && table.loss_and_gradient && (gradients || windowsOf(table, inputs.steps) == 1);
  std::vector<void *> pointers;
  auto wanted = [&](const snn_tensor_info &output) {
    return isMetric(output) ? withLoss : gradients || !isGradient(output);
  };
  std::vector<OwnedTensor> outputs = makeOutputs(table, inputs, wanted, pointers);
  double loss = 0;
  snn_batch call = makeCall(inputs);
  call.outputs = pointers.data();
  call.loss = withLoss ? &loss : nullptr;
  check(withLoss ? snn_instance_loss_and_gradient(instance, &call) : snn_instance_forward(instance, &call));
  if (withLoss)
    outputs.push_back(realTensor(table, "loss", {}, {loss}));
  if (gradients)
    for (OwnedTensor &gradient : gradientTensors(instance, table))
      outputs.push_back(std::move(gradient));
  if (gradients) // which the gradient's entry updates
    for (OwnedTensor &buffer : bufferTensors(instance, table))
      outputs.push_back(std::move(buffer));
  return outputs;
}

template <typename Real> void addTo(std::vector<std::byte> &sum, const std::vector<std::byte> &part) {
  for (size_t i = 0; i + sizeof(Real) <= sum.size(); i += sizeof(Real)) {
    Real a, b;
    std::memcpy(&a, sum.data() + i, sizeof(Real));
    std::memcpy(&b, part.data() + i, sizeof(Real));
    a += b;
    std::memcpy(sum.data() + i, &a, sizeof(Real));
  }
}

/// One step() per time step. An output without time ("count") is of one step there; it is summed up, which is exact for
/// spikes that are counted.
std::vector<OwnedTensor> runStreaming(const snn_model_table &table, snn_instance *instance, const BoundInputs &inputs) {
  std::vector<void *> pointers;
  auto wanted = [](const snn_tensor_info &output) { return !isGradient(output) && !isMetric(output); };
  std::vector<OwnedTensor> outputs = makeOutputs(table, inputs, wanted, pointers);
  std::vector<std::vector<std::byte>> ofOneStep(table.output_count);
  for (uint64_t i = 0; i < table.output_count; ++i)
    if (pointers[i] && bytesPerTimeStep(table.outputs[i], inputs.batch) == 0) {
      ofOneStep[i].resize(outputs[i].bytes.size());
      pointers[i] = ofOneStep[i].data();
    }
  std::vector<snn_view> views = inputs.views;
  check(snn_instance_reset_state(instance));
  for (uint64_t step = 0; step < inputs.steps; ++step) {
    for (uint64_t i = 0; i < table.input_count; ++i)
      if (inputs.views[i].data)
        views[i].data = inputs.data[i].data() + step * bytesPerTimeStep(table.inputs[i], inputs.batch);
    for (uint64_t i = 0; i < table.output_count; ++i)
      if (pointers[i] && ofOneStep[i].empty())
        pointers[i] = outputs[i].bytes.data() + step * bytesPerTimeStep(table.outputs[i], inputs.batch);
    snn_batch call = makeCall(inputs);
    call.inputs = views.data();
    call.steps = 1;
    call.outputs = pointers.data();
    check(snn_instance_step(instance, &call));
    for (uint64_t i = 0; i < table.output_count; ++i) {
      if (ofOneStep[i].empty())
        continue;
      if (snn_dtype_bytes(table.outputs[i].dtype) == sizeof(float))
        addTo<float>(outputs[i].bytes, ofOneStep[i]);
      else
        addTo<double>(outputs[i].bytes, ofOneStep[i]);
    }
  }
  return outputs;
}

/// Which inputs each call uses; batches that are the same are bound once.
struct Plan {
  std::vector<BoundInputs> inputs;
  std::vector<size_t> ofStep;

  uint64_t batch = 0, steps = 0; // the most that any call needs

  void add(BoundInputs bound) {
    batch = std::max(batch, bound.batch);
    steps = std::max(steps, bound.steps);
    inputs.push_back(std::move(bound));
  }
};

std::vector<OwnedTensor> runTraining(const snn_model_table &table, snn_instance *instance, const Plan &plan) {
  std::vector<double> losses;
  check(snn_instance_set_training(instance, plan.ofStep.size() * windowsOf(table, plan.steps), 1));
  for (size_t which : plan.ofStep) {
    double loss = 0;
    snn_batch call = makeCall(plan.inputs[which]);
    call.loss = &loss;
    check(trainWindows(table, instance, call));
    losses.push_back(loss);
  }
  std::vector<OwnedTensor> outputs = parameterTensors(instance, table);
  for (OwnedTensor &buffer : bufferTensors(instance, table))
    outputs.push_back(std::move(buffer));
  outputs.push_back(realTensor(table, "losses", {int64_t(losses.size())}, losses));
  return outputs;
}

bool hasBatch(const TensorFile &file, const std::string &prefix) {
  auto found = file.tensors().lower_bound(prefix);
  return found != file.tensors().end() && found->first.compare(0, prefix.size(), prefix) == 0;
}

/// Inputs of each training step: `batch.K.NAME` where the file has it, the plain names elsewhere.
Plan makePlan(const snn_model_table &table, const TensorFile &file, const RunToolOptions &options) {
  Plan plan;
  std::optional<size_t> plain;
  for (uint64_t step = 0; step < options.trainingSteps.value_or(1); ++step) {
    std::string prefix = fmt::format("batch.{}.", step);
    bool own = options.trainingSteps && hasBatch(file, prefix);
    plan.ofStep.push_back(!own && plain ? *plain : plan.inputs.size());
    if (!own && plain)
      continue;
    plan.add(bindInputs(table, file, own ? prefix : "", options.steps));
    if (const std::string &missing = plan.inputs.back().missing; options.trainingSteps && !missing.empty())
      throw DataError(fmt::format("{}: has no {} for training step {}", file.path(), missing, step));
    if (!own)
      plain = plan.inputs.size() - 1;
  }
  return plan;
}

} // namespace

int tools::runTensors(const RunToolOptions &options) {
  std::error_code unknown;
  if (std::filesystem::equivalent(options.out, options.tensors, unknown))
    throw UsageError("--out is the file of the tensors, which would be lost");
  std::vector<std::pair<std::string, double>> hyper;
  for (const std::string &text : options.hyper)
    hyper.push_back(parseNumberOption(text));
  LibraryHandle library = openLibrary(options.model);
  const snn_model_table &table = *snn_library_table(library.get());
  TensorFile file = TensorFile::read(options.tensors);
  Plan plan = makePlan(table, file, options);
  if (options.gradients && !table.loss_and_gradient)
    throw DataError(fmt::format("{}: was compiled without gradients (--mode=infer)", options.model));
  if (const std::string &missing = plan.inputs[0].missing; options.gradients && !missing.empty())
    throw DataError(fmt::format("{}: has no tensor \"{}\", which --gradients needs", options.tensors, missing));

  PoolHandle pool = createPool(options.threads);
  InstanceHandle instance = createInstance(library.get(), plan.batch, plan.steps, pool.get());
  setHyper(instance.get(), hyper);
  check(snn_instance_init(instance.get(), 0));
  loadCheckpoint(instance.get(), table, file, OtherTensors::Ignore);
  std::vector<OwnedTensor> results = options.trainingSteps ? runTraining(table, instance.get(), plan)
                                     : options.streaming
                                         ? runStreaming(table, instance.get(), plan.inputs[0])
                                         : runOnce(table, instance.get(), plan.inputs[0], options.gradients);
  std::vector<TensorToWrite> views;
  for (const OwnedTensor &tensor : results)
    if (!tensor.name.empty())
      views.push_back(tensor.view());
  writeSafetensors(options.out, std::move(views));
  return ExitOk;
}
