// Each function of snn/runtime.h with NULL in place of each of its pointers: a code and a sentence, or what the header
// says that NULL means. Nothing crashes.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TestSupport.h"
#include "runtime/train/Model.h"

#include <vector>

using namespace snn;
using namespace snn::test;

namespace {

/// Objects that a call with one NULL needs besides.
struct Objects {
  LibraryHandle library = openLibrary(tinyModel("plain"));
  PoolHandle pool = createPool(2);
  InstanceHandle handle = createInstance(library.get(), 2, 1, pool.get());
  snn_instance *instance = handle.get();
  float input[6] = {1, 2, 3, 4, 5, 6}, bias[2] = {0.5f, 0.25f};
  int64_t labels[2] = {0, 1};
  double number = 0.5, loss = 0;
  uint64_t word = 0;
  snn_view views[2] = {{input, nullptr}, {labels, nullptr}};
  snn_batch batch = {};
  const std::vector<char> noTensors = {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
  std::unique_ptr<snn_tensors, decltype(&snn_tensors_close)> tensors{
      snn_tensors_from_memory(noTensors.data(), noTensors.size()), &snn_tensors_close};
  snn_tensor tensor = {};

  Objects() {
    batch.struct_size = sizeof(batch);
    batch.batch = 2;
    batch.inputs = views;
    batch.loss = &loss;
  }
};

/// `call` returns a code, or one that it makes of another result: `given` or `missing`.
struct Case {
  const char *name;
  int32_t (*call)(Objects &);
  int32_t expected;
  const char *message = ""; // a part of the message, where the code is an error
};

constexpr int32_t ok = SNN_OK, given = 1000, missing = 1001;
int32_t isThere(const void *pointer) { return pointer ? given : missing; }
int32_t isThere(uint64_t number) { return number ? given : missing; }

const Case cases[] = {
    {"library_open", [](Objects &) { return isThere(snn_library_open(nullptr)); }, missing, "the path is NULL"},
    {"library_from_query", [](Objects &) { return isThere(snn_library_from_query(nullptr)); }, missing,
     "the query function is NULL"},
    {"library_close", [](Objects &) { return snn_library_close(nullptr), ok; }, ok},
    {"library_table", [](Objects &) { return isThere(snn_library_table(nullptr)); }, missing},
    {"library_call", [](Objects &) { return snn_library_call(nullptr, SNN_ENTRY_FORWARD, nullptr); },
     SNN_ERROR_ARGUMENT, "the library is NULL"},
    {"library_init", [](Objects &) { return snn_library_init(nullptr, 0, nullptr, nullptr); }, SNN_ERROR_ARGUMENT,
     "the library is NULL"},

    {"pool_destroy", [](Objects &) { return snn_pool_destroy(nullptr), ok; }, ok},
    {"pool_workers", [](Objects &) { return snn_pool_workers(nullptr) == 1 ? ok : missing; }, ok},
    {"parallel_for_pool",
     [](Objects &o) {
       auto count = [](void *word, uint64_t index, uint64_t) { *static_cast<uint64_t *>(word) += index; };
       snn_pool_parallel_for(nullptr, 4, count, &o.word);
       return o.word == 6 ? ok : missing;
     },
     ok},
    {"parallel_for_body",
     [](Objects &o) {
       snn_pool_parallel_for(o.pool.get(), 4, nullptr, nullptr);
       return missing;
     },
     missing, "the body is NULL"},
    {"parallel_for_context",
     [](Objects &o) {
       snn_pool_parallel_for(o.pool.get(), 4, [](void *, uint64_t, uint64_t) {}, nullptr);
       return ok;
     },
     ok},

    {"bytes", [](Objects &) { return isThere(snn_instance_bytes(nullptr, 1, 1, 1)); }, missing, "the library is NULL"},
    {"create_library", [](Objects &o) { return isThere(snn_instance_create(nullptr, 1, 1, o.pool.get())); }, missing,
     "the library is NULL"},
    {"create_pool",
     [](Objects &o) { return isThere(InstanceHandle(snn_instance_create(o.library.get(), 1, 1, nullptr)).get()); },
     given},
    {"destroy", [](Objects &) { return snn_instance_destroy(nullptr), ok; }, ok},
    {"init", [](Objects &) { return snn_instance_init(nullptr, 1); }, SNN_ERROR_ARGUMENT, "the instance is NULL"},
    {"reset_state", [](Objects &) { return snn_instance_reset_state(nullptr); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},

    {"set_hyper_instance", [](Objects &) { return snn_instance_set_hyper(nullptr, "lr", 0.5); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},
    {"set_hyper_name", [](Objects &o) { return snn_instance_set_hyper(o.instance, nullptr, 0.5); }, SNN_ERROR_ARGUMENT,
     "the name is NULL"},
    {"get_hyper_instance", [](Objects &o) { return snn_instance_get_hyper(nullptr, "lr", &o.number); },
     SNN_ERROR_ARGUMENT, "the instance is NULL"},
    {"get_hyper_name", [](Objects &o) { return snn_instance_get_hyper(o.instance, nullptr, &o.number); },
     SNN_ERROR_ARGUMENT, "the name is NULL"},
    {"get_hyper_value", [](Objects &o) { return snn_instance_get_hyper(o.instance, "lr", nullptr); },
     SNN_ERROR_ARGUMENT, "the value is NULL"},

    {"forward_instance", [](Objects &o) { return snn_instance_forward(nullptr, &o.batch); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},
    {"forward_batch", [](Objects &o) { return snn_instance_forward(o.instance, nullptr); }, SNN_ERROR_ARGUMENT,
     "the batch is NULL"},
    {"step_instance", [](Objects &o) { return snn_instance_step(nullptr, &o.batch); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},
    {"step_batch", [](Objects &o) { return snn_instance_step(o.instance, nullptr); }, SNN_ERROR_ARGUMENT,
     "the batch is NULL"},
    {"evaluate_instance", [](Objects &o) { return snn_instance_evaluate(nullptr, &o.batch); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},
    {"evaluate_batch", [](Objects &o) { return snn_instance_evaluate(o.instance, nullptr); }, SNN_ERROR_ARGUMENT,
     "the batch is NULL"},
    {"loss_and_gradient_instance", [](Objects &o) { return snn_instance_loss_and_gradient(nullptr, &o.batch); },
     SNN_ERROR_ARGUMENT, "the instance is NULL"},
    {"loss_and_gradient_batch", [](Objects &o) { return snn_instance_loss_and_gradient(o.instance, nullptr); },
     SNN_ERROR_ARGUMENT, "the batch is NULL"},
    {"backward_instance", [](Objects &o) { return snn_instance_backward(nullptr, &o.batch); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},
    {"backward_batch", [](Objects &o) { return snn_instance_backward(o.instance, nullptr); }, SNN_ERROR_ARGUMENT,
     "the batch is NULL"},
    {"backward_gradients", [](Objects &o) { return snn_instance_backward(o.instance, &o.batch); }, ok},
    {"set_training", [](Objects &) { return snn_instance_set_training(nullptr, 1, 1); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},
    {"update", [](Objects &) { return snn_instance_update(nullptr); }, SNN_ERROR_ARGUMENT, "the instance is NULL"},
    {"train_step_instance", [](Objects &o) { return snn_instance_train_step(nullptr, &o.batch); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},
    {"train_step_batch", [](Objects &o) { return snn_instance_train_step(o.instance, nullptr); }, SNN_ERROR_ARGUMENT,
     "the batch is NULL"},
    {"batch_inputs",
     [](Objects &o) {
       o.batch.inputs = nullptr;
       return snn_instance_train_step(o.instance, &o.batch);
     },
     SNN_ERROR_ARGUMENT, "the inputs are NULL"},
    {"batch_data",
     [](Objects &o) {
       o.views[0].data = nullptr;
       return snn_instance_train_step(o.instance, &o.batch);
     },
     SNN_ERROR_ARGUMENT, "an input it needs is missing"},
    {"batch_labels",
     [](Objects &o) {
       o.views[1].data = nullptr;
       return snn_instance_train_step(o.instance, &o.batch);
     },
     SNN_ERROR_ARGUMENT, "an input it needs is missing"},
    {"batch_what_is_optional", // outputs, fault_row and sample_ids are NULL already
     [](Objects &o) {
       o.batch.loss = nullptr;
       return snn_instance_train_step(o.instance, &o.batch);
     },
     ok},
    {"batch_outputs_entries",
     [](Objects &o) {
       void *const outputs[4] = {};
       o.batch.outputs = outputs;
       return snn_instance_train_step(o.instance, &o.batch);
     },
     ok},

    {"get_parameter_instance",
     [](Objects &o) { return snn_instance_get_parameter(nullptr, "1.bias", o.bias, sizeof(o.bias)); },
     SNN_ERROR_ARGUMENT, "the instance is NULL"},
    {"get_parameter_name",
     [](Objects &o) { return snn_instance_get_parameter(o.instance, nullptr, o.bias, sizeof(o.bias)); },
     SNN_ERROR_ARGUMENT, "the name is NULL"},
    {"get_parameter_data",
     [](Objects &o) { return snn_instance_get_parameter(o.instance, "1.bias", nullptr, sizeof(o.bias)); },
     SNN_ERROR_ARGUMENT, "the data is NULL"},
    {"set_parameter_instance",
     [](Objects &o) { return snn_instance_set_parameter(nullptr, "1.bias", o.bias, sizeof(o.bias)); },
     SNN_ERROR_ARGUMENT, "the instance is NULL"},
    {"set_parameter_name",
     [](Objects &o) { return snn_instance_set_parameter(o.instance, nullptr, o.bias, sizeof(o.bias)); },
     SNN_ERROR_ARGUMENT, "the name is NULL"},
    {"set_parameter_data",
     [](Objects &o) { return snn_instance_set_parameter(o.instance, "1.bias", nullptr, sizeof(o.bias)); },
     SNN_ERROR_ARGUMENT, "the data is NULL"},
    {"get_gradient_instance",
     [](Objects &o) { return snn_instance_get_gradient(nullptr, "1.bias", o.bias, sizeof(o.bias)); },
     SNN_ERROR_ARGUMENT, "the instance is NULL"},
    {"get_gradient_name",
     [](Objects &o) { return snn_instance_get_gradient(o.instance, nullptr, o.bias, sizeof(o.bias)); },
     SNN_ERROR_ARGUMENT, "the name is NULL"},
    {"get_gradient_data",
     [](Objects &o) { return snn_instance_get_gradient(o.instance, "1.bias", nullptr, sizeof(o.bias)); },
     SNN_ERROR_ARGUMENT, "the data is NULL"},

    {"get_buffer_instance",
     [](Objects &o) { return snn_instance_get_buffer(nullptr, "1.mean", o.bias, sizeof(o.bias)); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},
    {"get_buffer_name", [](Objects &o) { return snn_instance_get_buffer(o.instance, nullptr, o.bias, sizeof(o.bias)); },
     SNN_ERROR_ARGUMENT, "the name is NULL"},
    {"get_buffer_data",
     [](Objects &o) { return snn_instance_get_buffer(o.instance, "1.mean", nullptr, sizeof(o.bias)); },
     SNN_ERROR_ARGUMENT, "the data is NULL"},
    {"set_buffer_instance",
     [](Objects &o) { return snn_instance_set_buffer(nullptr, "1.mean", o.bias, sizeof(o.bias)); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},
    {"set_buffer_name", [](Objects &o) { return snn_instance_set_buffer(o.instance, nullptr, o.bias, sizeof(o.bias)); },
     SNN_ERROR_ARGUMENT, "the name is NULL"},
    {"set_buffer_data",
     [](Objects &o) { return snn_instance_set_buffer(o.instance, "1.mean", nullptr, sizeof(o.bias)); },
     SNN_ERROR_ARGUMENT, "the data is NULL"},

    {"span_instance", [](Objects &o) { return isThere(snn_instance_span(nullptr, SNN_SPAN_STATE, &o.word)); }, missing,
     "the instance is NULL"},
    {"span_bytes", [](Objects &o) { return isThere(snn_instance_span(o.instance, SNN_SPAN_STATE, nullptr)); }, given},
    {"optimizer_step", [](Objects &) { return isThere(snn_instance_optimizer_step(nullptr)); }, missing},
    {"set_optimizer_step", [](Objects &) { return snn_instance_set_optimizer_step(nullptr, 1), ok; }, ok},

    {"save_instance", [](Objects &) { return snn_instance_save(nullptr, "f"); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},
    {"save_path", [](Objects &o) { return snn_instance_save(o.instance, nullptr); }, SNN_ERROR_ARGUMENT,
     "the path is NULL"},
    {"load_instance", [](Objects &) { return snn_instance_load(nullptr, "f"); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},
    {"load_path", [](Objects &o) { return snn_instance_load(o.instance, nullptr); }, SNN_ERROR_ARGUMENT,
     "the path is NULL"},
    {"load_tensors_instance", [](Objects &o) { return snn_instance_load_tensors(nullptr, o.tensors.get()); },
     SNN_ERROR_ARGUMENT, "the instance is NULL"},
    {"load_tensors_tensors", [](Objects &o) { return snn_instance_load_tensors(o.instance, nullptr); },
     SNN_ERROR_ARGUMENT, "the object of tensors is NULL"},
    {"save_state_instance", [](Objects &) { return snn_instance_save_state(nullptr, 1, "f"); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},
    {"save_state_path", [](Objects &o) { return snn_instance_save_state(o.instance, 1, nullptr); }, SNN_ERROR_ARGUMENT,
     "the path is NULL"},
    {"load_state_instance", [](Objects &) { return snn_instance_load_state(nullptr, 1, "f"); }, SNN_ERROR_ARGUMENT,
     "the instance is NULL"},
    {"load_state_path", [](Objects &o) { return snn_instance_load_state(o.instance, 1, nullptr); }, SNN_ERROR_ARGUMENT,
     "the path is NULL"},
    {"tensors_open", [](Objects &) { return isThere(snn_tensors_open(nullptr)); }, missing, "the path is NULL"},
    {"tensors_from_memory", [](Objects &) { return isThere(snn_tensors_from_memory(nullptr, 8)); }, missing,
     "the data is NULL"},
    {"tensors_close", [](Objects &) { return snn_tensors_close(nullptr), ok; }, ok},
    {"tensors_count", [](Objects &) { return isThere(snn_tensors_count(nullptr)); }, missing},
    {"tensors_at_tensors", [](Objects &o) { return snn_tensors_at(nullptr, 0, &o.tensor); }, SNN_ERROR_ARGUMENT,
     "the object of tensors is NULL"},
    {"tensors_at_tensor", [](Objects &o) { return snn_tensors_at(o.tensors.get(), 0, nullptr); }, SNN_ERROR_ARGUMENT,
     "the tensor is NULL"},
    {"tensors_find_tensors", [](Objects &o) { return snn_tensors_find(nullptr, "a", &o.tensor); }, SNN_ERROR_ARGUMENT,
     "the object of tensors is NULL"},
    {"tensors_find_name", [](Objects &o) { return snn_tensors_find(o.tensors.get(), nullptr, &o.tensor); },
     SNN_ERROR_ARGUMENT, "the name is NULL"},
    {"tensors_find_tensor", [](Objects &o) { return snn_tensors_find(o.tensors.get(), "a", nullptr); },
     SNN_ERROR_ARGUMENT, "the tensor is NULL"},
    {"tensors_metadata_tensors", [](Objects &) { return isThere(snn_tensors_metadata(nullptr, "a")); }, missing,
     "the object of tensors is NULL"},
    {"tensors_metadata_key", [](Objects &o) { return isThere(snn_tensors_metadata(o.tensors.get(), nullptr)); },
     missing, "the key is NULL"},
    {"tensors_write_path", [](Objects &) { return snn_tensors_write(nullptr, nullptr, 0, nullptr); },
     SNN_ERROR_ARGUMENT, "the path is NULL"},
    {"tensors_write_tensors", [](Objects &) { return snn_tensors_write("f", nullptr, 1, nullptr); }, SNN_ERROR_ARGUMENT,
     "the list of tensors is NULL"},
    {"tensors_write_name", [](Objects &o) { return snn_tensors_write("f", &o.tensor, 1, nullptr); }, SNN_ERROR_ARGUMENT,
     "the name of a tensor is NULL"},
};

class NullArguments : public testing::TestWithParam<Case> {};

} // namespace

TEST_P(NullArguments, AreRefusedOrMeanSomething) {
  Objects objects;
  EXPECT_EQ(GetParam().call(objects), GetParam().expected);
  EXPECT_TRUE(contains(snn_last_error(), GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(Calls, NullArguments, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case> &info) { return std::string(info.param.name); });

// The table above is complete: each function of the header that takes a pointer is called in it.
TEST(NullArgumentsTable, NamesEachFunction) {
  const std::string header = readText(SNN_HEADERS "/runtime.h"),
                    table = readText(SNN_UNIT_TESTS "/NullArgumentsTest.cpp");
  int functions = 0;
  for (size_t at = header.find("snn_"); at != std::string::npos; at = header.find("snn_", at + 1)) {
    size_t end = header.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at);
    std::string name = header.substr(at, end - at);
    // A declaration: a name, its parameters with a pointer among them, a semicolon.
    size_t close = header.find(");", end);
    std::string parameters = header[end] == '(' ? header.substr(end, close - end) : "";
    if (parameters.find('\n') != std::string::npos || parameters.find('*') == std::string::npos)
      continue;
    ++functions;
    EXPECT_NE(table.find(name + "(nullptr"), std::string::npos) << name << " is not called with NULL";
  }
  EXPECT_GE(functions, 20);
}
