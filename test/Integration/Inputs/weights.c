/* Weights that are a part of the code: what they come from, what instances begin with, and what calls compute with
 * them. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *   weights train MODEL.so FILE             trains for some steps and writes the weights
 *   weights compare MODEL.so WEIGHTED.so FILE  the model with its weights loaded, and the one that has them
 */
#include "snn/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 8, STEPS = 4, INPUTS = 6, CLASSES = 3 };
static float input[STEPS * ROWS * INPUTS];
static int64_t labels[ROWS];
static const snn_view views[2] = {{input, NULL}, {labels, NULL}};

static void require(int good, const char *what) {
  if (good)
    return;
  printf("%s: %s\n", what, snn_last_error());
  exit(1);
}

static snn_instance *create(const char *path) {
  snn_library *library = snn_library_open(path);
  snn_instance *instance;
  require(library != NULL, "open");
  instance = snn_instance_create(library, ROWS, STEPS, NULL);
  require(instance != NULL, "create");
  return instance;
}

static const void *span(snn_instance *instance, enum snn_span which, uint64_t *bytes) {
  return snn_instance_span(instance, which, bytes);
}

static void requireSame(snn_instance *one, snn_instance *other, const char *what) {
  static const enum snn_span spans[2] = {SNN_SPAN_PARAMETERS, SNN_SPAN_BUFFERS};
  int i;
  for (i = 0; i < 2; ++i) {
    uint64_t bytes = 0, same = 0;
    const void *a = span(one, spans[i], &bytes), *b = span(other, spans[i], &same);
    require(bytes == same && memcmp(a, b, bytes) == 0, what);
  }
}

static void forward(snn_instance *instance, float *membranes) {
  void *outputs[16] = {NULL};
  snn_batch batch;
  memset(&batch, 0, sizeof(batch));
  outputs[1] = membranes; /* spikes with a backward pass, which has an output before them */
  batch.struct_size = sizeof(batch);
  batch.batch = ROWS;
  batch.inputs = views;
  batch.outputs = outputs;
  require(snn_instance_forward(instance, &batch) == SNN_OK, "forward");
}

int main(int argc, char **argv) {
  static float loaded[STEPS * ROWS * CLASSES], own[STEPS * ROWS * CLASSES];
  snn_instance *instance, *weighted;
  snn_batch batch;
  int i;
  require(argc >= 4, "arguments");
  for (i = 0; i < STEPS * ROWS * INPUTS; ++i)
    input[i] = (float)(i % 11) * 0.3f - 0.5f;
  for (i = 0; i < ROWS; ++i)
    labels[i] = i % CLASSES;
  instance = create(argv[2]);
  if (strcmp(argv[1], "train") == 0) {
    require(snn_instance_init(instance, 5) == SNN_OK, "init");
    memset(&batch, 0, sizeof(batch));
    batch.struct_size = sizeof(batch);
    batch.batch = ROWS;
    batch.inputs = views;
    for (i = 0; i < 20; ++i)
      require(snn_instance_train_step(instance, &batch) == SNN_OK, "train_step");
    require(snn_instance_save(instance, argv[3]) == SNN_OK, "save");
    return 0;
  }
  require(argc >= 5 && snn_instance_load(instance, argv[4]) == SNN_OK, "load");
  weighted = create(argv[3]);
  requireSame(instance, weighted, "a new instance");
  forward(instance, loaded);
  forward(weighted, own);
  require(memcmp(loaded, own, sizeof(own)) == 0, "membranes");
  memset(snn_instance_span(weighted, SNN_SPAN_PARAMETERS, NULL), 0, 64);
  require(snn_instance_init(weighted, 1) == SNN_OK, "init");
  requireSame(instance, weighted, "an instance after init");
  printf("the same weights\n");
  return 0;
}
