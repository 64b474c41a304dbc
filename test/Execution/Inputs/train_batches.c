/* Trains a model on batches that are given in a file and writes all that comes of it, for comparison bit by bit:
 *   train_batches MODEL.so BATCHES OUT EPOCHS WORKERS
 * A batch is the model's inputs one after the other, each contiguous. The file is read once in each epoch. Every
 * seventh step is made of its two halves, and the threads' floating-point mode is none that results may depend on.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include "snn/runtime.h"

#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_TENSORS = 16 };

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, snn_last_error());
  return 1;
}

static uint64_t tensorBytes(const snn_tensor_info *info, uint64_t batch, uint64_t steps) {
  uint64_t bytes = snn_dtype_bytes(info->dtype);
  for (uint32_t d = 0; d < info->rank; ++d)
    bytes *= info->shape[d] == SNN_EXTENT_BATCH  ? batch
             : info->shape[d] == SNN_EXTENT_TIME ? steps
                                                 : (uint64_t)info->shape[d];
  return bytes;
}

typedef int32_t (*Get)(const snn_instance *, const char *, void *, uint64_t);

/* The tensors of a list, one after the other. */
static int writeTensors(FILE *out, const snn_instance *instance, const snn_tensor_info *infos, uint64_t count,
                        Get get) {
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t bytes = tensorBytes(&infos[i], 0, 0);
    void *data = malloc(bytes);
    if (!data || get(instance, infos[i].name, data, bytes) != SNN_OK)
      return fail(infos[i].name);
    fwrite(data, 1, bytes, out);
    free(data);
  }
  return 0;
}

int main(int argc, char **argv) {
  snn_library *library = snn_library_open(argc == 6 ? argv[1] : "");
  snn_pool *pool = library ? snn_pool_create(strtoull(argv[5], NULL, 10)) : NULL;
  snn_instance *instance = pool ? snn_instance_create(library, 0, 0, pool) : NULL;
  if (!instance)
    return fail("create");
  const snn_model_table *table = snn_library_table(library);
  const uint64_t epochs = strtoull(argv[4], NULL, 10);
  const uint64_t samples = (uint64_t)table->default_batch, steps = (uint64_t)table->max_steps;
  FILE *batches = fopen(argv[2], "rb"), *out = fopen(argv[3], "wb");
  if (!batches || !out || table->input_count > MAX_TENSORS || table->output_count > MAX_TENSORS)
    return fail("files");
  if (snn_instance_init(instance, 5) != SNN_OK || snn_instance_set_training(instance, 60 * epochs, epochs) != SNN_OK)
    return fail("init");

  snn_view inputs[MAX_TENSORS] = {{NULL, NULL}};
  void *outputs[MAX_TENSORS] = {NULL};
  void *data[MAX_TENSORS] = {NULL};
  for (uint64_t i = 0; i < table->input_count; ++i)
    inputs[i].data = data[i] = malloc(tensorBytes(&table->inputs[i], samples, steps));
  double loss = 0;
  snn_batch batch = {0};
  batch.struct_size = sizeof(batch);
  batch.batch = samples;
  batch.inputs = inputs;
  batch.loss = &loss;
  fesetround(FE_UPWARD);
  uint64_t step = 0;
  while (batch.epoch < epochs) {
    uint64_t read = 0;
    for (; read < table->input_count; ++read)
      if (fread(data[read], tensorBytes(&table->inputs[read], samples, steps), 1, batches) != 1)
        break;
    if (read < table->input_count) {
      ++batch.epoch;
      rewind(batches);
      continue;
    }
    feclearexcept(FE_ALL_EXCEPT);
    if (++step % 7 == 0
            ? snn_instance_loss_and_gradient(instance, &batch) != SNN_OK || snn_instance_update(instance) != SNN_OK
            : snn_instance_train_step(instance, &batch) != SNN_OK)
      return fail("train");
    if (fegetround() != FE_UPWARD || fetestexcept(FE_ALL_EXCEPT) != 0) {
      fprintf(stderr, "the floating-point mode is not as it was\n");
      return 1;
    }
    fwrite(&loss, sizeof(loss), 1, out);
  }

  for (uint64_t i = 0; i < table->output_count; ++i)
    outputs[i] = calloc(1, tensorBytes(&table->outputs[i], samples, steps));
  batch.outputs = outputs;
  if (snn_instance_evaluate(instance, &batch) != SNN_OK)
    return fail("evaluate");
  for (uint64_t i = 0; i < table->output_count; ++i)
    fwrite(outputs[i], 1, tensorBytes(&table->outputs[i], samples, steps), out);
  if (writeTensors(out, instance, table->parameters, table->parameter_count, snn_instance_get_parameter) != 0 ||
      writeTensors(out, instance, table->buffers, table->buffer_count, snn_instance_get_buffer) != 0)
    return 1;
  printf("%s: %lu steps, the last loss is %.4f\n", table->target, (unsigned long)step, loss);
  return fclose(out) == 0 ? 0 : 1;
}
