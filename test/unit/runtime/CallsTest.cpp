// Calls on memory of the host's own are those of an instance, and say in words what they refuse.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TestSupport.h"
#include "runtime/train/Model.h"

#include <cstddef>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

using namespace snn;
using namespace snn::test;

namespace {

/// Everything of a call in memory of its own.
class CallsTest : public testing::Test {
protected:
  static constexpr uint64_t rows = 5, steps = 4;

  CallsTest()
      : library(openLibrary(tinyModel("plain"))), table(*snn_library_table(library.get())),
        parameters(table.parameter_bytes / 64 + 1), gradients(parameters.size()),
        optimizer(table.optimizer_bytes / 64 + 1), arena(table.arena_size(rows, steps, 1) / 64 + 1) {
    check(snn_library_init(library.get(), 5, parameters.data(), nullptr));
    for (size_t i = 0; i < input.size(); ++i)
      input[i] = float(i % 7) - 3;
    views[0].data = input.data();
    views[1].data = labels.data();
    call.struct_size = sizeof(call);
    call.batch = rows;
    call.steps = steps;
    call.workers = 1;
    call.parameters = parameters.data();
    call.gradients = gradients.data();
    call.optimizer = optimizer.data();
    call.inputs = views;
    call.loss = &loss;
    call.fault_row = &faultRow;
    call.optimizer_step = 1;
    call.arena = arena.data();
    call.arena_size = arena.size() * 64;
  }

  struct alignas(SNN_ALIGNMENT) Block {
    std::byte bytes[SNN_ALIGNMENT];
  };
  LibraryHandle library;
  const snn_model_table &table;
  std::vector<Block> parameters, gradients, optimizer, arena;
  std::vector<float> input = std::vector<float>(steps * rows * 3);
  std::vector<int64_t> labels = std::vector<int64_t>(rows, 1);
  snn_view views[2] = {};
  double loss = 0;
  uint64_t faultRow = 0;
  snn_call call = {};
};

} // namespace

TEST_F(CallsTest, AreThoseOfAnInstance) {
  check(snn_library_call(library.get(), SNN_ENTRY_TRAIN_STEP, &call));

  InstanceHandle instance = createInstance(library.get(), rows, steps, nullptr);
  check(snn_instance_init(instance.get(), 5));
  double expected = 0;
  snn_batch batch = {};
  batch.struct_size = sizeof(batch);
  batch.batch = rows;
  batch.steps = steps;
  batch.inputs = views;
  batch.loss = &expected;
  check(snn_instance_train_step(instance.get(), &batch));
  EXPECT_EQ(loss, expected);
  EXPECT_EQ(std::memcmp(parameters.data(), snn_instance_span(instance.get(), SNN_SPAN_PARAMETERS, nullptr),
                        table.parameter_bytes),
            0);
}

TEST_F(CallsTest, SayWhatTheyRefuse) {
  labels[3] = 2;
  EXPECT_EQ(snn_library_call(library.get(), SNN_ENTRY_TRAIN_STEP, &call), SNN_ERROR_LABEL);
  EXPECT_STREQ(snn_last_error(), "tiny.train_step: row 3 of the batch has label 2, expected 0 to 1");
  call.arena_size = 0;
  EXPECT_EQ(snn_library_call(library.get(), SNN_ENTRY_FORWARD, &call), SNN_ERROR_ARENA);
  EXPECT_EQ(snn_library_call(library.get(), 8, &call), SNN_ERROR_ARGUMENT);
  EXPECT_STREQ(snn_last_error(), "there is no entry 8");
  EXPECT_EQ(snn_library_call(library.get(), SNN_ENTRY_FORWARD, nullptr), SNN_ERROR_ARGUMENT);
}

TEST_F(CallsTest, AreRefusedWithoutALookBehindAShortStruct) {
  // The struct ends where a page begins that cannot be read.
  const size_t page = size_t(sysconf(_SC_PAGESIZE));
  void *memory = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(mprotect(static_cast<std::byte *>(memory) + page, page, PROT_NONE), 0);
  for (uint64_t size : {uint64_t{8}, uint64_t{offsetof(snn_call, inputs)}, uint64_t{offsetof(snn_call, pool)}}) {
    call.struct_size = size;
    void *start = static_cast<std::byte *>(memory) + page - size;
    std::memcpy(start, &call, size);
    EXPECT_EQ(snn_library_call(library.get(), SNN_ENTRY_FORWARD, static_cast<const snn_call *>(start)),
              SNN_ERROR_ARGUMENT);
    EXPECT_NE(std::string(snn_last_error()).find("the model refuses the arguments"), std::string::npos);
  }
  munmap(memory, 2 * page);
}
