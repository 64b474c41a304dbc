// The entry `evaluate`: the loss and the metrics of the network as it infers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/tools/TestModels.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

using namespace snn;
using namespace snn::test;

namespace {

constexpr uint64_t rows = 21, steps = 6;

/// `layer` stands between two others and has no parameters.
std::string textWith(const std::string &layer) {
  return fmt::format(R"(snn 1
model evaluated {{
  input f32[5] over time
  steps ? <= 8
  linear(12)
  {}
  leaky(beta = 0.9)
  linear(4)
  leaky(beta = 0.9)
}}
train {{
  loss   ce_max_membrane
  metric accuracy
}}
)",
                     layer);
}

struct Model {
  explicit Model(const std::string &layer)
      : library(openLibrary(compileText(textWith(layer)))), table(*snn_library_table(library.get())),
        instance(createInstance(library.get(), rows, steps, nullptr)), data(table, rows, steps) {
    check(snn_instance_init(instance.get(), 3));
    Random random(7);
    fillInputs(data, table, random, 3);
  }

  /// The bits of the loss, the metric and the membrane.
  std::vector<std::byte> run(int32_t (*entry)(snn_instance *, const snn_batch *)) {
    snn_batch call = {};
    double loss = 0;
    call.struct_size = sizeof(call);
    call.batch = rows;
    call.steps = steps;
    call.inputs = data.views.data();
    call.outputs = data.pointers.data();
    call.loss = &loss;
    check(entry(instance.get(), &call));
    std::vector<std::byte> bits(sizeof(loss));
    std::memcpy(bits.data(), &loss, sizeof(loss));
    for (const char *name : {"metric.accuracy", "membrane"})
      bits.insert(bits.end(), data.output(name)->bytes.begin(), data.output(name)->bytes.end());
    return bits;
  }
  std::vector<std::byte> buffers() {
    uint64_t bytes = 0;
    const auto *data = static_cast<const std::byte *>(snn_instance_span(instance.get(), SNN_SPAN_BUFFERS, &bytes));
    return {data, data + bytes};
  }

  LibraryHandle library;
  const snn_model_table &table;
  InstanceHandle instance;
  HostCall data;
};

} // namespace

TEST(Evaluate, IsTheLossOfTrainingWhereTheNetworksAreTheSame) {
  Model plain("");
  const auto evaluated = plain.run(snn_instance_evaluate);
  EXPECT_EQ(evaluated, plain.run(snn_instance_loss_and_gradient));
  // What only training has is not there.
  Model dropping("dropout(p = 0.5)");
  EXPECT_EQ(dropping.run(snn_instance_evaluate), evaluated);
  EXPECT_NE(dropping.run(snn_instance_loss_and_gradient), evaluated);
}

TEST(Evaluate, LeavesRunningStatisticsAsTheyAre) {
  Model model("batch_norm(affine = false)");
  const auto atStart = model.buffers();
  const auto evaluated = model.run(snn_instance_evaluate);
  EXPECT_EQ(model.buffers(), atStart);
  EXPECT_NE(model.run(snn_instance_loss_and_gradient), evaluated);
  EXPECT_NE(model.buffers(), atStart);
  EXPECT_NE(model.run(snn_instance_evaluate), evaluated) << "it uses them";
}

TEST(Evaluate, IsNotThereForInference) {
  LibraryHandle library = openLibrary(compileText(textWith(""), "--mode=infer"));
  EXPECT_FALSE(canEvaluate(*snn_library_table(library.get())));
}
