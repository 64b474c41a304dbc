/* Two models in one program, one of which an older compiler has made. SPDX-License-Identifier: Apache-2.0 WITH
 * LLVM-exception
 */
#include "normed.h"
#include "small.h"

#include "snn/runtime.h"
#include <stdio.h>

static double loss;
static int32_t train(snn_query_fn query, const snn_view *views, int evaluate) {
  snn_library *library = snn_library_from_query(query);
  snn_instance *instance = library ? snn_instance_create(library, 1, 0, NULL) : NULL;
  int32_t code = SNN_ERROR_INTERNAL;
  if (instance) {
    snn_batch batch = {sizeof(snn_batch), 1, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0};
    batch.inputs = views;
    batch.loss = &loss;
    code = snn_instance_init(instance, 1);
    if (code == SNN_OK)
      code = snn_instance_train_step(instance, &batch);
    if (code == SNN_OK && evaluate)
      code = snn_instance_evaluate(instance, &batch);
    printf("%s by %s, table of %lu bytes: code %d, loss %.3f%s%s\n", snn_library_table(library)->name,
           snn_library_table(library)->compiler, (unsigned long)snn_library_table(library)->struct_size, (int)code,
           loss, code == SNN_OK ? "" : ": ", code == SNN_OK ? "" : snn_last_error());
  } else {
    printf("%s\n", snn_last_error());
  }
  snn_instance_destroy(instance);
  snn_library_close(library);
  return code;
}

int main(void) {
  static const float input[NORMED_ELEMENTS_OF_INPUT_INPUT(1, NORMED_STEPS)] = {1, 2, 3};
  static const int64_t labels[1] = {1};
  const snn_view views[2] = {{input, NULL}, {labels, NULL}};
  train(normed_snn_query, views, 1);
  train(small_snn_query, views, 0);
  train(small_snn_query, views, 1);
  return 0;
}
