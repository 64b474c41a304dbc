/* A call with weights that are a part of the program, in memory of constant size and without the runtime.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */
#include "normed.h"

#include <stdio.h>

enum { ROWS = 2 };

int main(void) {
  static union {
    unsigned char bytes[NORMED_ARENA_BYTES(ROWS, NORMED_STEPS, 1) + SNN_ALIGNMENT];
    double number;
  } memory;
  static float input[NORMED_ELEMENTS_OF_INPUT_INPUT(ROWS, NORMED_STEPS)];
  static float membranes[NORMED_ELEMENTS_OF_OUTPUT_MEMBRANE(ROWS, NORMED_STEPS)];
  const snn_model_table *table = normed_table();
  normed_inputs inputs;
  normed_outputs outputs;
  snn_call call;
  unsigned i, changed = 0;
  if (!table)
    return 1;
  call = normed_call_with_weights(table, ROWS, NORMED_STEPS,
                                  memory.bytes + SNN_ALIGNMENT - (uintptr_t)memory.bytes % SNN_ALIGNMENT,
                                  NORMED_ARENA_BYTES(ROWS, NORMED_STEPS, 1));
  memset(&inputs, 0, sizeof(inputs));
  memset(&outputs, 0, sizeof(outputs));
  inputs.input = input;
  outputs.membrane = membranes;
  if (normed_forward(table, &call, &inputs, &outputs) != SNN_OK)
    return 1;
  for (i = 0; i < sizeof(membranes) / sizeof(membranes[0]); ++i)
    changed += membranes[i] != 0; /* biases alone, as the input is zero */
  printf("%u membranes\n", changed);
  return 0;
}
