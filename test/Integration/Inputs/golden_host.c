/* A C program gives a golden case's tensors to its model and compares what the entries give with what snn-run gave, bit
 * by bit: golden_host model.so tensors.safetensors snn-run's.safetensors
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include "snn/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

static int compared;

static void require(int holds, const char *what, const char *name) {
  if (holds)
    return;
  fprintf(stderr, "%s \"%s\": %s\n", what, name, snn_last_error());
  exit(1);
}

/* What snn-run does not write (outputs that need labels) is not compared. */
static void compare(const snn_tensors *expected, const char *prefix, const char *name, const void *data,
                    uint64_t bytes) {
  char full[256];
  snn_tensor tensor;
  snprintf(full, sizeof(full), "%s%s", prefix, name);
  if (snn_tensors_find(expected, full, &tensor) != SNN_OK)
    return;
  require(tensor.bytes == bytes && memcmp(tensor.data, data, bytes) == 0, "other bits", full);
  ++compared;
}

static uint64_t elements(const snn_tensor_info *info, uint64_t steps, uint64_t batch) {
  uint64_t count = 1;
  for (uint32_t d = 0; d < info->rank; ++d)
    count *= info->shape[d] == SNN_EXTENT_TIME    ? steps
             : info->shape[d] == SNN_EXTENT_BATCH ? batch
                                                  : (uint64_t)info->shape[d];
  return count;
}

int main(int argc, char **argv) {
  snn_library *library = snn_library_open(argc > 1 ? argv[1] : "");
  require(library != NULL, "cannot be opened", argc > 1 ? argv[1] : "");
  const snn_model_table *table = snn_library_table(library);
  snn_tensors *given = snn_tensors_open(argc > 2 ? argv[2] : ""), *expected = snn_tensors_open(argc > 3 ? argv[3] : "");
  require(given && expected, "cannot be read", argv[2]);
  require(table->input_count <= MOST && table->output_count <= MOST, "too many tensors", table->name);

  snn_tensor tensors[MOST];
  snn_view views[MOST] = {{0}};
  uint64_t batch_size = 0;
  for (uint64_t i = 0; i < table->input_count; ++i) {
    require(snn_tensors_find(given, table->inputs[i].name, &tensors[i]) == SNN_OK, "is not there",
            table->inputs[i].name);
    views[i].data = memcpy(malloc(tensors[i].bytes), tensors[i].data, tensors[i].bytes);
    for (uint32_t d = 0; d < tensors[i].rank; ++d)
      if (table->inputs[i].shape[d] == SNN_EXTENT_BATCH)
        batch_size = (uint64_t)tensors[i].shape[d];
  }
  snn_pool *pool = snn_pool_create(2);
  snn_instance *instance = snn_instance_create(library, batch_size, 0, pool);
  require(instance != NULL, "no instance of", table->name);
  for (uint64_t p = 0; p < table->parameter_count; ++p) {
    snn_tensor tensor;
    const char *name = table->parameters[p].name;
    require(snn_tensors_find(given, name, &tensor) == SNN_OK, "is not there", name);
    require(snn_instance_set_parameter(instance, name, tensor.data, tensor.bytes) == SNN_OK, "cannot be set", name);
  }

  void *outputs[MOST];
  uint64_t sizes[MOST];
  for (uint64_t i = 0; i < table->output_count; ++i) {
    const snn_tensor_info *info = &table->outputs[i];
    sizes[i] = elements(info, (uint64_t)table->steps, batch_size) * snn_dtype_bytes(info->dtype);
    outputs[i] = calloc(1, sizes[i] + 1);
  }
  double loss = 0;
  snn_batch batch = {0};
  batch.struct_size = sizeof(batch);
  batch.batch = batch_size;
  batch.inputs = views;
  batch.outputs = outputs;
  batch.loss = &loss;
  require(snn_instance_forward(instance, &batch) == SNN_OK, "forward", table->name);
  for (uint64_t i = 0; i < table->output_count; ++i)
    if (strncmp(table->outputs[i].name, "grad.", 5) != 0)
      compare(expected, "", table->outputs[i].name, outputs[i], sizes[i]);

  require(snn_instance_loss_and_gradient(instance, &batch) == SNN_OK, "loss_and_gradient", table->name);
  const float narrow = (float)loss;
  compare(expected, "", "loss", table->precision == SNN_DTYPE_F32 ? (const void *)&narrow : &loss,
          snn_dtype_bytes(table->precision));
  for (uint64_t i = 0; i < table->output_count; ++i)
    compare(expected, "", table->outputs[i].name, outputs[i], sizes[i]);
  for (uint64_t p = 0; p < table->parameter_count; ++p) {
    const uint64_t bytes = elements(&table->parameters[p], 0, 0) * snn_dtype_bytes(table->precision);
    void *gradient = malloc(bytes);
    const char *name = table->parameters[p].name;
    require(snn_instance_get_gradient(instance, name, gradient, bytes) == SNN_OK, "no gradient of", name);
    compare(expected, "grad.", name, gradient, bytes);
    free(gradient);
  }
  printf("%s: the same bits in %d tensors\n", table->name, compared);
  for (uint64_t i = 0; i < table->output_count; ++i)
    free(outputs[i]);
  for (uint64_t i = 0; i < table->input_count; ++i)
    free((void *)views[i].data);
  snn_instance_destroy(instance);
  snn_pool_destroy(pool);
  snn_tensors_close(given);
  snn_tensors_close(expected);
  snn_library_close(library);
  return 0;
}
