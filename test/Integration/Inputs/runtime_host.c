/* A C program with the runtime: loads a model, trains it with two threads, gives everything back.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include "snn/runtime.h"

#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, snn_last_error());
  return 1;
}

int main(int argc, char **argv) {
  enum { ROWS = 4, STEPS = 3, INPUTS = 6 };
  static float inputs[ROWS * INPUTS];
  static const int64_t labels[ROWS] = {0, 1, 2, 3};
  const snn_view views[2] = {{inputs, NULL}, {labels, NULL}};
  double loss = 0, rate = 0;
  uint64_t bytes = 0;
  snn_batch batch = {0};
  snn_library *library = snn_library_open(argc > 1 ? argv[1] : "");
  snn_pool *pool = snn_pool_create(2);
  snn_instance *instance = library && pool ? snn_instance_create(library, ROWS, STEPS, pool) : NULL;
  if (!instance)
    return fail("create");
  for (int i = 0; i < ROWS * INPUTS; ++i)
    inputs[i] = (float)(i % 7) * 0.5f;
  batch.struct_size = sizeof(batch);
  batch.batch = ROWS;
  batch.inputs = views;
  batch.loss = &loss;
  if (snn_instance_init(instance, 1) != SNN_OK || snn_instance_get_hyper(instance, "lr", &rate) != SNN_OK)
    return fail("init");
  for (int i = 0; i < 5; ++i)
    if (snn_instance_train_step(instance, &batch) != SNN_OK)
      return fail("train_step");
  if (!snn_instance_span(instance, SNN_SPAN_PARAMETERS, &bytes))
    return fail("span");
  printf("%s: loss %.6f, rate %g, %lu bytes\n", snn_library_table(library)->name, loss, rate, (unsigned long)bytes);
  snn_instance_destroy(instance);
  snn_pool_destroy(pool);
  snn_library_close(library);
  return 0;
}
